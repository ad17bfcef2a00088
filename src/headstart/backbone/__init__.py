"""A pretrained network, cut into a frozen prefix and a trainable suffix, and the engines that run the prefix."""
