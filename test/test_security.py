"""Nothing here makes code of data, runs a shell, or reports to anybody."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    path for name in ("redwood_depth", "training", "launch", "bench") for path in (ROOT / name).rglob("*.py")
)
LOADERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle"}
ERRORS_ONLY = {"pickle.UnpicklingError", "pickle.PickleError"}  # what torch.load raises
FORBIDDEN_CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "commands.getoutput"),
    *("yaml.unsafe_load", "yaml.full_load", "yaml.unsafe_load_all", "yaml.full_load_all"),
    *("joblib.load", "torch.hub.load", "torch.jit.load", "subprocess.getoutput", "subprocess.getstatusoutput"),
}
SAFE_YAML = {"SafeLoader", "CSafeLoader"}


def offences(source: str) -> Iterator[str]:
    """What in a module could run code that comes with data, as `line: what`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LOADERS:
            yield f"{node.lineno}: from {node.module} import"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in LOADERS:
            if _dotted(node) not in ERRORS_ONLY:
                yield f"{node.lineno}: {_dotted(node)}"
        elif isinstance(node, ast.Call):
            yield from (f"{node.lineno}: {what}" for what in _call_offences(node))


def _call_offences(call: ast.Call) -> Iterator[str]:
    name = _dotted(call.func)
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in FORBIDDEN_CALLS:
        yield name
    if name in ("yaml.load", "yaml.load_all"):
        loader = _dotted(given.get("Loader") or (call.args[1] if len(call.args) > 1 else ast.Constant(None)))
        if loader.split(".")[-1] not in SAFE_YAML:
            yield f"{name} with {loader or 'no loader'}"
    if name == "torch.load" and not _is_constant(given.get("weights_only"), True):
        yield "torch.load without weights_only=True"
    if name in ("np.load", "numpy.load") and not _is_constant(given.get("allow_pickle", ast.Constant(False)), False):
        yield "np.load with allow_pickle"
    if "shell" in given and not _is_constant(given["shell"], False):
        yield "shell=True"


def _is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_no_module_makes_code_of_data() -> None:
    assert len(MODULES) > 150
    found = [f"{path.relative_to(ROOT)}:{what}" for path in MODULES for what in offences(path.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        *("import pickle\npickle.loads(b'')", "from pickle import load", "import marshal as m\nmarshal.loads(b'')"),
        *("eval('1')", "exec('1')", "__import__(name)", "os.system('ls')", "subprocess.run('ls', shell=True)"),
        *("subprocess.run('ls', shell=flag)", "yaml.load(text)", "yaml.load(text, Loader=yaml.Loader)"),
        *("yaml.unsafe_load(text)", "torch.load(path)", "torch.load(path, weights_only=False)"),
        *("np.load(path, allow_pickle=True)", "np.load(path, allow_pickle=flag)", "joblib.load(path)"),
    ],
)
def test_the_scan_finds(source: str) -> None:
    assert list(offences(source))


@pytest.mark.parametrize(
    "source",
    [
        *("yaml.safe_load(text)", "yaml.load(text, Loader=yaml.SafeLoader)", "torch.load(path, weights_only=True)"),
        *("np.load(path)", "np.load(path, allow_pickle=False)", "subprocess.run(['ls'])", "model.eval()"),
        "import pickle\ntry:\n    f()\nexcept pickle.UnpicklingError:\n    pass",
    ],
)
def test_the_scan_leaves_alone(source: str) -> None:
    assert list(offences(source)) == []


def test_inference_writes_nothing_about_the_machine_anywhere(tmp_path: Path) -> None:
    """ONNX Runtime 1.32 keeps an identifier of the machine in the home folder and reports, unless told not to."""
    program = (
        "import numpy as np\n"
        "from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle\n"
        "from redwood_depth.engines import open_engine\n"
        "bundle = ModelBundle.load(DEMO_BUNDLE)\n"
        "open_engine(bundle, 'onnxruntime').infer(np.zeros((bundle.height, bundle.width, 3), np.uint8))\n"
    )
    kept = {
        name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY")
    }
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env={**kept, "HOME": str(tmp_path)})
    assert list(tmp_path.rglob("*")) == []
