"""A training run, its folder and its scores."""
