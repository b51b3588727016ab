"""Commands that read and write scans alone need no torch."""

import subprocess
import sys
from pathlib import Path


def test_torch_is_not_needed() -> None:
    code = "import sys; sys.modules['torch'] = None\nfrom training.__main__ import main\nmain(sys.argv[1:])"
    for command in ("download", "prepare"):
        arguments = [sys.executable, "-c", code, command, "--help"]
        done = subprocess.run(arguments, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
        assert "examples:" in done.stdout, done.stderr
