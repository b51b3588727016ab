"""A node `perception` that runs already: where it listens and publishes, and with what model. Needs rclpy."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import rclpy
from rcl_interfaces.srv import GetParameters
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from redwood_depth.bags.message_types import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE
from redwood_depth.errors import EngineError
from redwood_depth.evaluation.live.process_watch import node_processes
from redwood_depth.node.dds import use_shared_memory_profile

NAME = "perception"
_DISCOVERY_S, _ANSWER_S, _POLL_S = 3.5, 5.0, 0.1  # DDS repeats its announcements every three seconds
_SURE_S = 10.0  # for a node that must be there


@dataclass(frozen=True)
class RunningNode:
    """What is known of it: `base` is its namespace without a closing slash, `model` and `backend` are its parameters.

    `image_type` is IMAGE or COMPRESSED_IMAGE, which of them it takes.
    """

    base: str
    image_topic: str
    image_type: str
    info_topic: str
    model: str
    backend: str

    @property
    def name(self) -> str:
        return f"{self.base}/{NAME}"


def find_running_node(namespace: str | None = None) -> RunningNode | None:
    """The active node `perception` in that namespace, or the only one in any; None: there is none.

    Raises:
        EngineError: there are several; or none in the namespace that was asked for; or it is not active; or somebody
            sends images to it, which a bag would be mixed with.
    """
    with _client() as client:
        found = _namespaces(client, namespace)
        if namespace is not None and not found:
            raise EngineError(f"no node {_full_name(namespace)} runs within reach (ROS_DOMAIN_ID, discovery range)")
        if not found:
            return None
        if len(found) > 1:
            names = ", ".join(map(_full_name, found))
            raise EngineError(f"several nodes run: {names}; choose one with --namespace")
        return _described(client, found[0])


@contextlib.contextmanager
def _client() -> Iterator[Node]:
    use_shared_memory_profile()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        yield rclpy.create_node("evaluate_bag")
    finally:
        rclpy.shutdown()


def _namespaces(client: Node, wanted: str | None) -> list[str]:
    """Namespaces of the nodes `perception`, once discovery has had its time or has found those of this machine."""
    expected = {namespace for _, namespace in node_processes()}
    end_s = time.monotonic() + (_SURE_S if wanted is not None or expected else _DISCOVERY_S)
    while True:
        every = {space.strip("/") for name, space in client.get_node_names_and_namespaces() if name == NAME}
        found = sorted(f"/{one}" for one in every if wanted is None or one == wanted.strip("/"))
        done = bool(found) if wanted is not None else bool(expected) and expected <= every
        if done or time.monotonic() > end_s:
            return found
        time.sleep(_POLL_S)


def _described(client: Node, namespace: str) -> RunningNode:
    name, end_s = _full_name(namespace), time.monotonic() + _ANSWER_S
    while True:
        topics = {kind: topic for topic, kinds in _subscribed(client, namespace) for kind in kinds}
        image_type = next((kind for kind in (IMAGE, COMPRESSED_IMAGE) if kind in topics), None)
        if image_type and CAMERA_INFO in topics:
            break
        if time.monotonic() > end_s:
            raise EngineError(f"the node {name} runs, but takes no images: activate it, or stop it to have one started")
        time.sleep(_POLL_S)
    if client.count_publishers(topics[image_type]):
        raise EngineError(f"somebody sends images to {name} on {topics[image_type]}: stop that camera or player first")
    model, backend = _parameters(client, name, ("model", "backend"))
    base = namespace.rstrip("/")
    return RunningNode(base, topics[image_type], image_type, topics[CAMERA_INFO], model, backend)


def _subscribed(client: Node, namespace: str) -> list[tuple[str, list[str]]]:
    with contextlib.suppress(rclpy.node.NodeNameNonExistentError):
        return list(client.get_subscriber_names_and_types_by_node(NAME, namespace))
    return []


def _parameters(client: Node, name: str, wanted: tuple[str, ...]) -> list[str]:
    service = client.create_client(GetParameters, f"{name}/get_parameters")
    if service.wait_for_service(_ANSWER_S):
        future = service.call_async(GetParameters.Request(names=list(wanted)))
        rclpy.spin_until_future_complete(client, future, timeout_sec=_ANSWER_S)
        if future.done() and len(future.result().values) == len(wanted):
            return [value.string_value for value in future.result().values]
    raise EngineError(f"the node {name} does not tell its parameters")


def _full_name(namespace: str) -> str:
    return f"/{namespace.strip('/')}/{NAME}".replace("//", "/")
