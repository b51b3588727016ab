"""Ground truth that is the prediction itself is told; an exact flat wall and a good network are not."""

from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.evaluation.plausibility import copy_warning


@given(st.lists(st.floats(0.0, 0.0009), min_size=1, max_size=20), st.floats(1.2, 30.0))
def test_a_copy_is_told(errors: list[float], relief: float) -> None:
    assert "equals the prediction" in (copy_warning(errors, [relief] * len(errors)) or "")


@given(st.lists(st.floats(0.0, 0.0009), min_size=1, max_size=20))
def test_a_flat_wall_may_be_predicted_exactly(errors: list[float]) -> None:
    assert copy_warning(errors, [1.0] * len(errors)) is None


@given(st.lists(st.floats(0.002, 2.0), min_size=1, max_size=20))
def test_a_network_however_good_is_not_a_copy(errors: list[float]) -> None:
    assert copy_warning(errors, [5.0] * len(errors)) is None


def test_nothing_scored_nothing_said() -> None:
    assert copy_warning([], []) is None
