"""Data sets and exports in the layouts that people have them in, each a FrameSource: see table.py."""
