"""Engines run a frozen part of a backbone over batches; a short race, remembered, picks the fastest one that is right enough."""
