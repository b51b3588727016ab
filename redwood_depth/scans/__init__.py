"""Scans: folders and zips in the Redwood layout, and what `prepare` made of them."""
