"""Inference engines behind one protocol; `open_engine` chooses."""
