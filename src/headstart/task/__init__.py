"""What a kind of label is: its head, its loss, its probabilities."""
