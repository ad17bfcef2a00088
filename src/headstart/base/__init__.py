"""Ground floor: errors, content hashes, atomic files, records, events, seeds and folders (no torch here)."""
