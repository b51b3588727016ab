"""Whether the node starts as this shell is set up: tried, in a process of its own that may end in any way."""

import os
import re
import subprocess
import sys

_TIMEOUT_S = 60.0
_STARTED = "started with"


def check_node_start() -> tuple[str, str, str]:
    """(state, what, detail) after the node was made, unconfigured, and ended again."""
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "FAIL", "node", f"does not start within {_TIMEOUT_S:.0f} s as this shell is set up"
    if done.returncode == 0 and _STARTED in done.stdout:
        return "ok", "node", done.stdout.strip().splitlines()[-1]
    ending = f"exit code {done.returncode}" if done.returncode >= 0 else f"signal {-done.returncode}"
    words = _cause(done.stderr) or "no word of it"
    return "FAIL", "node", f"does not start as this shell is set up ({ending}): {words}{_remedy(words)}"


def _cause(words: str) -> str:
    """The line that tells most of what a failed process wrote: the first error of ROS, else the last line."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "error:" in line]
    line = (errors or lines[-1:] or [""])[0]
    return re.sub(r"^\[\w+\] \[[\d.]+\] \[\w+\]: |, at /\S+:\d+$", "", line).rstrip(".")


def _remedy(words: str) -> str:
    middleware = os.environ.get("RMW_IMPLEMENTATION", "")
    if middleware and middleware in words:
        package = f"ros-{os.environ.get('ROS_DISTRO', 'DISTRO')}-{middleware.replace('_', '-')}"
        return f"; apt install {package}, or unset RMW_IMPLEMENTATION"
    return ""


def _main() -> None:
    import rclpy
    from rclpy.utilities import get_rmw_implementation_identifier

    from redwood_depth.node.dds import use_shared_memory_profile
    from redwood_depth.node.perception import PerceptionNode

    use_shared_memory_profile()
    rclpy.init(args=[])
    node = PerceptionNode()
    rclpy.spin_once(node, timeout_sec=0.1)
    node.destroy_node()
    rclpy.shutdown()
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    print(f"{_STARTED} {get_rmw_implementation_identifier()}, ROS_DOMAIN_ID {domain}")


if __name__ == "__main__":
    _main()
