"""The SROS 2 policy allows what the running node does, and nothing that it does not do."""

import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from rclpy.node import Node

from bench.harness.ros import Client, NodeProcess
from redwood_depth.bundle import ModelBundle

pytestmark = pytest.mark.usefixtures("ros_domain")
POLICY = Path(__file__).parents[2] / "config" / "sros2" / "perception_policy.xml"
NAME = "perception"
Names = dict[str, set[str]]
GRAPH: dict[str, Callable[..., Any]] = {
    "topics publish": Node.get_publisher_names_and_types_by_node,
    "topics subscribe": Node.get_subscriber_names_and_types_by_node,
    "services reply": Node.get_service_names_and_types_by_node,
    "services request": Node.get_client_names_and_types_by_node,
}
NOT_EVERYWHERE = {"/perception/get_type_description"}  # a service since Iron


def allowed() -> Names:
    """Full names of the policy, by kind."""
    names: Names = {kind: set() for kind in GRAPH}
    (profile,) = ElementTree.parse(POLICY).getroot().iter("profile")
    assert (profile.get("ns"), profile.get("node")) == ("/", NAME)
    for group in profile:
        for qualifier, value in group.attrib.items():
            assert value == "ALLOW"
            names[f"{group.tag} {qualifier}"] |= {_full((entry.text or "").strip()) for entry in group}
    return names


def _full(name: str) -> str:
    if name.startswith("~/"):
        return f"/{NAME}/{name[2:]}"
    return name if name.startswith("/") else f"/{name}"


def in_use(client: Client) -> Names:
    """Full names in the graph of ROS, by kind."""
    return {kind: {name for name, _ in look(client.node, NAME, "/")} for kind, look in GRAPH.items()}


def settled(client: Client) -> Names:
    """The names in use once they have been complete enough to stay the same for a second."""
    client.wait_until(lambda: NAME in client.node.get_node_names(), what="the node in the graph")
    names: Names = {}
    deadline_s = time.monotonic() + 20.0
    while not names.get("topics subscribe") or names != in_use(client):
        assert time.monotonic() < deadline_s, f"the graph does not settle: {names}"
        names = in_use(client)
        time.sleep(1.0)
    return names


def test_the_policy_has_the_names_of_the_running_node(tiny_bundle: ModelBundle) -> None:
    found: Names = {kind: set() for kind in GRAPH}
    for parameters in ({"use_sim_time": True}, {"image_transport": "compressed"}):
        with NodeProcess("", model=tiny_bundle.folder, **parameters) as process, Client("elsewhere") as client:
            process.wait_for("active: waiting for images")
            for kind, names in settled(client).items():
                found[kind] |= names
    for kind, names in allowed().items():
        assert found[kind] - names == set(), f"{kind}: the node does what the policy does not allow"
        assert names - found[kind] <= NOT_EVERYWHERE, f"{kind}: the policy allows what the node does not do"
