"""Fixtures of the robot half: a bundle with known answers, a DDS domain of its own, a node in a process of its own."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
from bench.harness.tiny_bundle import write_tiny_bundle
from redwood_depth.bundle import ModelBundle
from redwood_depth.node.dds import use_shared_memory_profile

settings.register_profile("any machine", deadline=None)  # a slow or busy one is not a fault
settings.load_profile("any machine")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # What a script starts with `&` ignores Ctrl-C, and so would all that the tests start and stop with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


collect_ignore = [] if find_spec("torch") else ["training"]  # the offline half has an environment of its own


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks `ros` what runs rclpy or DDS, and gives what is heard over DDS two more tries.

    Those tests run in real time, images best effort: where another program has the processor one may fail; what fails
    three times is a fault.
    """
    for item in items:
        over_dds = "ros_domain" in getattr(item, "fixturenames", ())
        if over_dds or item.nodeid.startswith("test/node/"):
            item.add_marker(pytest.mark.ros)
        if over_dds and item.config.pluginmanager.hasplugin("rerunfailures"):  # a robot may have none
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> ModelBundle:
    """depth = brightness over 0.5..8.5 m, class scores = color; see tiny_bundle.py."""
    return write_tiny_bundle(tmp_path / "bundle")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with recorded RGB-D data beside the checkout; a test that needs it skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs recorded RGB-D data in ../shared/data, which this checkout has not")
    return SHARED_DATA


@pytest.fixture(scope="session")
def ros_domain() -> str:
    """A ROS domain that nothing else on this machine uses, local discovery only, images through shared memory."""
    pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
    os.environ["ROS_DOMAIN_ID"] = domain = str(1 + os.getpid() % 100)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    use_shared_memory_profile()
    return domain
