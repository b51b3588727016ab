"""Training data: fetched, prepared, split and read."""
