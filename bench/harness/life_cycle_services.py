"""The node's services of life cycle and parameters, as a life-cycle manager calls them."""

from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from bench.harness.ros import Client

CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP


def call(client: Client, service_type: Any, name: str, request: Any) -> Any:
    """The node's answer to a request."""
    service = client.node.create_client(service_type, f"perception/{name}")
    assert service.wait_for_service(30), f"no service {name}"
    future = service.call_async(request)
    client.wait_until(future.done, what=name)
    client.node.destroy_client(service)
    return future.result()


def change(client: Client, transition: int) -> bool:
    """Whether a transition succeeded."""
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(call(client, ChangeState, "change_state", request).success)


def state(client: Client) -> int:
    """The id of the node's state."""
    return int(call(client, GetState, "get_state", GetState.Request()).current_state.id)


def set_parameter(client: Client, name: str, value: Any) -> Any:
    """The node's answer to one changed parameter: successful, reason."""
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    return call(client, SetParameters, "set_parameters", request).results[0]
