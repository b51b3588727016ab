"""What the numbers were measured on, and with."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import psutil

_PACKAGES = ("rclpy", "onnxruntime", "numpy", "opencv-python-headless", "opencv-python")


def machine() -> dict[str, Any]:
    """Processor, cores, memory, GPU, kernel, and how busy it was before the measurement began."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "gpu": _gpu(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
        "busy_percent_before": psutil.cpu_percent(3.0),
    }


def versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "rmw": os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def threads() -> dict[str, int]:
    """Thread settings of the node: ONNX Runtime has one a core, without spinning; OpenCV as it comes."""
    return {"onnxruntime": len(os.sched_getaffinity(0)), "opencv": cv2.getNumThreads()}


def commit() -> str:
    """The commit measured, with "-dirty" where the checkout had changes beside the document that is written here."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    """The model's name as lscpu has it; hypervisors hide it, so family and model go with it."""
    fields: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    return f"{name} (family {fields.get('cpu family', '?')}, model {fields.get('model', '?')})"


def _gpu() -> str:
    return "none" if not Path("/dev/nvidia0").exists() else "NVIDIA, not used"
