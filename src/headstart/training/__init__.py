"""The loop that trains a suffix or a whole network, the twins, and the run folder."""
