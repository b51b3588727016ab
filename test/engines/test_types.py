"""Our calls of `tensorrt` against NVIDIA's signatures, by mypy and tensorrt-stubs: TensorRT itself is not needed."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ENGINES = Path(__file__).resolve().parents[2] / "redwood_depth" / "engines"
MODULES = ("tensorrt/builder.py", "tensorrt/plan_engine.py", "tensorrt/support.py")
CONFIGURATION = """\
[mypy]
strict = true
warn_unreachable = true
[mypy-tensorrt.*,tensorrt_bindings.*]
ignore_errors = true
[mypy-redwood_depth.*]
follow_imports = silent
"""


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """tensorrt-stubs as packages that mypy accepts: the published files have five signatures that are not Python."""
    try:
        files = metadata.files("tensorrt-stubs") or []
    except metadata.PackageNotFoundError:
        pytest.skip("needs tensorrt-stubs")
    for file in files:
        if file.suffix == ".pyi":
            text = Path(str(file.locate())).read_text()
            text = re.sub(r"\b(in|lambda): ", r"\1_: ", text)
            text = re.sub(r"(= None(?:, \w+: [\w. |]+ = None)*), (\w+): (\w+)\)", r"\1, \2: \3 = ...)", text)
            text = re.sub(r"(-> |: )bool\b", r"\1builtins.bool", text)  # its own variable `bool` hides Python's
            text = text.replace("import annotations\n", "import annotations\nimport builtins\n", 1)
            target = tmp_path / "stubs" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    return tmp_path / "stubs"


def check(stubs: Path, folder: Path, *paths: Path) -> str:
    (folder / "mypy.ini").write_text(CONFIGURATION)
    command = [sys.executable, "-m", "mypy", "--config-file", str(folder / "mypy.ini"), "--no-incremental"]
    environment = {"MYPYPATH": f"{stubs}:{ENGINES.parents[1]}", "PATH": "/usr/bin:/bin"}
    result = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, cwd=folder, env=environment, timeout=100
    )
    return result.stdout + result.stderr


def test_builder_and_engine_call_tensorrt_as_it_is(stubs: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import tensorrt as trt\n\n"
        "def use(context: trt.IExecutionContext) -> None:\n"
        "    context.execute_async_v2([1], 2)\n"
    )
    output = check(stubs, tmp_path, wrong, *(ENGINES / name for name in MODULES))
    lines = [line for line in output.splitlines() if ": error: " in line]
    assert lines, output
    assert all(line.startswith("wrong.py:4: ") and "execute_async_v2" in line for line in lines), output
