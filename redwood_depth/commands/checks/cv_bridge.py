"""Whether cv_bridge works beside the NumPy that is found: one that was compiled with NumPy 1 fails with NumPy 2."""

import importlib.util
import subprocess
import sys
from importlib import metadata

# Loads the compiled part, which is what NumPy's version matters to. It may end in any way: hence a process of its own.
_PROGRAM = "from cv_bridge.boost.cv_bridge_boost import getCvType"
_OF_NUMPY_1 = ("compiled using NumPy 1", "_ARRAY_API", "numpy.core.multiarray failed to import")
_TIMEOUT_S = 30.0


def check_cv_bridge() -> tuple[str, str, str] | None:
    """(state, what, detail) of the cv_bridge that is installed; None: there is none, or it works."""
    if importlib.util.find_spec("cv_bridge") is None:
        return None
    try:
        done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "note", "cv_bridge", f"does not load within {_TIMEOUT_S:.0f} s"
    if done.returncode == 0:
        return None
    numpy_version = metadata.version("numpy")
    if any(words in done.stderr for words in _OF_NUMPY_1):
        remedy = 'pip install --user "numpy<2", or remove the NumPy that pip brought (pip uninstall numpy)'
        return (
            "note",
            "cv_bridge",
            f"was compiled with NumPy 1 and fails with the NumPy {numpy_version} found: {remedy}",
        )
    words = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return "note", "cv_bridge", f"does not load beside NumPy {numpy_version}: {words}"
