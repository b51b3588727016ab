"""The state of a life-cycle node, and its refusal of transitions that the state does not have.

rclpy 7.1 raises inside its service's callback where a transition is asked for in the wrong state (a life-cycle manager
beside `autostart` does just that), which ends the process; 8 and later answer it. Here every version answers it alike.
Only public names of rclpy are used: the node's own services, asked without DDS.
"""

from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
from rclpy.lifecycle import LifecycleNode
from rclpy.service import Service


class LifeCycle:
    """What state `node` is in, and what it may do there; wrong transitions are refused from now on."""

    def __init__(self, node: LifecycleNode, advice: str = "") -> None:
        """`advice` ends the words of a refusal to configure or to activate."""
        self._node = node
        self._advice = advice
        self._refused: set[tuple[str, str]] = set()
        change = self._service("change_state")
        self._change_state = change.callback
        change.callback = self._change_where_possible

    @property
    def state(self) -> str:
        """unconfigured, inactive, active or finalized; between them configuring, activating and so on."""
        answer = self._service("get_state").callback(GetState.Request(), GetState.Response())
        return str(answer.current_state.label)

    def transitions(self) -> dict[int, str]:
        """Id and label of the transitions that the state has."""
        request, response = GetAvailableTransitions.Request(), GetAvailableTransitions.Response()
        answer = self._service("get_available_transitions").callback(request, response)
        return {int(one.transition.id): str(one.transition.label) for one in answer.available_transitions}

    def _service(self, name: str) -> Service:
        return next(service for service in self._node.services if service.srv_name.endswith(f"/{name}"))

    def _change_where_possible(self, request: ChangeState.Request, response: ChangeState.Response) -> Any:
        """rclpy's own callback where the state has the transition. A label goes before an id, as it does in rclpy."""
        asked, possible = request.transition, self.transitions()
        known = asked.label in possible.values() if asked.label else asked.id in possible
        if known:
            return self._change_state(request, response)
        self._say(asked.label or _WORDS.get(asked.id, f"make transition {asked.id}"), possible)
        response.success = False
        return response

    def _say(self, asked: str, possible: dict[int, str]) -> None:
        state = self.state
        if (state, asked) in self._refused:
            return
        self._refused.add((state, asked))
        there = f"possible there: {', '.join(possible.values())}" if possible else "nothing is possible there"
        advice = self._advice if asked in ("configure", "activate") else ""
        self._node.get_logger().warning(f"refused to {asked}: this node is {state} ({there}){advice}")


_WORDS = {
    Transition.TRANSITION_CONFIGURE: "configure",
    Transition.TRANSITION_CLEANUP: "clean up",
    Transition.TRANSITION_ACTIVATE: "activate",
    Transition.TRANSITION_DEACTIVATE: "deactivate",
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: "shut down as one that is unconfigured",
    Transition.TRANSITION_INACTIVE_SHUTDOWN: "shut down as one that is inactive",
    Transition.TRANSITION_ACTIVE_SHUTDOWN: "shut down as one that is active",
}
