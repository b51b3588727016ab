"""The unit of a bag's depth where it is not REP 118's: as the user says it, or as the recording does."""

import math
from dataclasses import dataclass

from redwood_depth.bags.message_types import deserialize
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.views import View
from redwood_depth.errors import BagError

_OPTION = "/option/Depth_Units/value"  # librealsense's recorder, beside each sensor's streams
_TYPES = ("std_msgs/msg/Float32", "std_msgs/msg/Float64", "std_msgs/msg/String")
_SMALLEST_M, _LARGEST_M = 1e-6, 1.0
_FLOATS = ("32FC1", "64FC1")


@dataclass(frozen=True)
class DepthUnit:
    """What depth as REP 118 has it (millimeters, floats meters) is multiplied with; `word` says where that is from."""

    factor: float = 1.0
    word: str | None = None


def unit_of(bag: Bag, depth: View | None, asked_m: float | None) -> DepthUnit:
    """The unit of the depth images: `asked_m` meters where that is given, else what the recording says of it."""
    if depth is None:
        return DepthUnit()
    own_m = 1.0 if depth.encoding.split(";")[0].strip() in _FLOATS else 0.001
    if asked_m is not None:
        return DepthUnit(asked_m / own_m)
    for topic in bag.topics:
        sensor = topic.name.removesuffix(_OPTION)
        if sensor == topic.name or topic.type not in _TYPES or not depth.name.startswith(f"{sensor}/"):
            continue
        recorded_m = _recorded_m(bag, topic.name)
        if recorded_m is not None and own_m == 0.001:
            word = f"the unit of depth is {recorded_m:g} m, as {topic.name} says"
            same = math.isclose(recorded_m, own_m, rel_tol=1e-5)
            return DepthUnit() if same else DepthUnit(recorded_m / own_m, word)
    return DepthUnit()


def _recorded_m(bag: Bag, topic: str) -> float | None:
    for message in bag.messages((topic,)):
        try:
            value = float(deserialize(message).data)
        except (BagError, ValueError):
            continue
        if _SMALLEST_M <= value <= _LARGEST_M:
            return value
    return None
