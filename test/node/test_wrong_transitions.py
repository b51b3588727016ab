"""Every transition in every state, over the real service: what a state lacks is refused, and the node lives on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState

from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at
from redwood_depth.bundle import ModelBundle

pytestmark = pytest.mark.usefixtures("ros_domain")
UNCONFIGURED, INACTIVE = State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_INACTIVE
ACTIVE, FINALIZED = State.PRIMARY_STATE_ACTIVE, State.PRIMARY_STATE_FINALIZED
IDS = sorted(getattr(Transition, name) for name in dir(Transition) if name.startswith("TRANSITION_"))
LABELS = ("configure", "cleanup", "activate", "deactivate", "shutdown", "destroy", "transition_success", "nonsense")
GOALS = {
    UNCONFIGURED: {Transition.TRANSITION_CONFIGURE: INACTIVE, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: FINALIZED},
    INACTIVE: {
        Transition.TRANSITION_CLEANUP: UNCONFIGURED,
        Transition.TRANSITION_ACTIVATE: ACTIVE,
        Transition.TRANSITION_INACTIVE_SHUTDOWN: FINALIZED,
    },
    ACTIVE: {Transition.TRANSITION_DEACTIVATE: INACTIVE, Transition.TRANSITION_ACTIVE_SHUTDOWN: FINALIZED},
    FINALIZED: {},
}
POSSIBLE_LABELS = {
    UNCONFIGURED: {"configure", "shutdown"},
    INACTIVE: {"cleanup", "activate", "shutdown"},
    ACTIVE: {"deactivate", "shutdown"},
    FINALIZED: set(),
}
WAY = {  # to each state from the start
    UNCONFIGURED: (),
    INACTIVE: (Transition.TRANSITION_CONFIGURE,),
    ACTIVE: (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE),
}


class Manager:
    """Calls the node's life-cycle services, again and again through the same two clients."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._change = client.node.create_client(ChangeState, "perception/change_state")
        self._get = client.node.create_client(GetState, "perception/get_state")
        for service in (self._change, self._get):
            assert service.wait_for_service(30)

    def _call(self, service: Any, request: Any) -> Any:
        future = service.call_async(request)
        self._client.wait_until(future.done, 60.0, what="an answer of the node")
        return future.result()

    def change(self, transition_id: int = 0, label: str = "") -> bool:
        request = ChangeState.Request(transition=Transition(id=transition_id, label=label))
        return self._call(self._change, request).success

    def state(self) -> int:
        return self._call(self._get, GetState.Request()).current_state.id

    def refused_all(self) -> None:
        """All transitions that the present state lacks are refused, and it stays."""
        state = self.state()
        wrong_ids = [one for one in IDS if one not in GOALS[state]] + [200]
        assert [one for one in wrong_ids if self.change(one)] == []
        assert [one for one in LABELS if one not in POSSIBLE_LABELS[state] and self.change(label=one)] == []
        assert self.state() == state


@contextmanager
def managed_node(bundle: ModelBundle, autostart: bool = False) -> Iterator[tuple[NodeProcess, Manager, Client]]:
    with NodeProcess("life", model=bundle.folder, autostart=autostart) as process, Client("life") as client:
        yield process, Manager(client), client
        assert "Traceback" not in process.output
        assert process.stop() == 0


@pytest.mark.parametrize("start", WAY)
def test_every_transition_in_every_state(tiny_bundle: ModelBundle, start: int) -> None:
    with managed_node(tiny_bundle) as (_, manager, _):
        for step in WAY[start]:
            assert manager.change(step)
        assert manager.state() == start
        manager.refused_all()
        for transition, goal in GOALS[start].items():  # the shutdown is the last of each
            assert manager.change(transition)
            assert manager.state() == goal
            if goal == FINALIZED:
                manager.refused_all()
            elif goal == UNCONFIGURED:
                assert manager.change(label="configure")
            elif start == INACTIVE:
                assert manager.change(label="deactivate")
            else:
                assert manager.change(label="cleanup" if start == UNCONFIGURED else "activate")


def test_a_manager_beside_autostart_is_refused_told_why_once_and_frames_go_on(tiny_bundle: ModelBundle) -> None:
    with managed_node(tiny_bundle, autostart=True) as (process, manager, client):
        client.wait_for_node()
        for _ in range(3):
            assert not manager.change(Transition.TRANSITION_CONFIGURE)
            assert not manager.change(label="activate")
        client.ask_until_answered(gray_image(header_at(1), 100), camera_info(header_at(1)))
        process.wait_for("refused to activate")
        refusals = [line for line in process.output.splitlines() if "refused to" in line]
        assert len(refusals) == 2
        assert all("is active (possible there: deactivate, shutdown)" in line for line in refusals)
        assert all("set autostart to false" in line for line in refusals)


def test_a_finalized_node_is_not_well_in_diagnostics(tiny_bundle: ModelBundle) -> None:
    with managed_node(tiny_bundle) as (_, manager, client):
        client.wait_until(lambda: client.diagnostics()["message"] == "unconfigured", what="unconfigured in diagnostics")
        assert manager.change(Transition.TRANSITION_CONFIGURE)
        client.wait_until(lambda: client.diagnostics()["message"] == "inactive", what="inactive in diagnostics")
        assert manager.change(Transition.TRANSITION_INACTIVE_SHUTDOWN)
        client.wait_until(lambda: "finalized" in client.diagnostics()["message"], what="finalized in diagnostics")
        assert client.received["/diagnostics"][-1].status[0].level == b"\x01"
