"""Commands, one a file; setup.py's entry_points is their table of contents."""
