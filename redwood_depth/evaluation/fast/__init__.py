"""The scores of metrics.py in one pass over an image."""
