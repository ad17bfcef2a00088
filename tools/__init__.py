"""The tree's own tools: the map and the pins."""
