"""Which backbone will transfer best: evidence from stored activations, without training the network."""
