"""Scripts that measure what README.md and LOG.md claim, and the data they measure it on."""
