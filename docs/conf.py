"""Sphinx of these pages: `make docs` here, rosdoc2 (rosdoc2.yaml) on docs.ros.org; both with this file."""

import re
from pathlib import Path

# Sphinx runs this file by its path, rosdoc2 by exec() in the folder of a copy: so no __file__ where there is none.
HERE = Path(globals().get("__file__", "conf.py")).resolve().parent
MANIFEST = next(parent / "package.xml" for parent in (HERE, *HERE.parents) if (parent / "package.xml").is_file())

project = "redwood_depth"
author = "redwood_depth maintainers"
copyright = "redwood_depth maintainers, Apache-2.0"
release = re.findall("<version>(.*)</version>", MANIFEST.read_text("utf-8"))[0]
version = release

extensions = ["myst_parser", "sphinx_rtd_theme"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["requirements.txt", "_build"]
myst_heading_anchors = 3
highlight_language = "text"  # of blocks that name none: trees and diagrams
html_theme = "sphinx_rtd_theme"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False
html_copy_source = False
