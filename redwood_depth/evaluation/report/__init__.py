"""The HTML report of an evaluation: one self-contained file. Needs jinja2 and matplotlib, imported to write it."""
