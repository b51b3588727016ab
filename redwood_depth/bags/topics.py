"""Which of a bag's topics are the color camera, the depth registered to it, and its calibration."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redwood_depth.bags.cameras import (
    Pair,
    best_color,
    equally_good,
    info_of,
    other_cameras,
    pairs_of,
    without_network_outputs,
)
from redwood_depth.bags.message_types import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, Topic
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.views import View, views_of
from redwood_depth.errors import BagError


@dataclass(frozen=True)
class RgbdTopics:
    """Names of the topics of an RGB-D camera; `camera_info` is the color camera's, None where the bag has none.

    `depth` is None where the bag has none and that is allowed.
    """

    color: str
    depth: str | None
    camera_info: str | None


@dataclass(frozen=True)
class CameraChoice:
    """The topics of one camera, what they show, and what a user must know of the choice."""

    topics: RgbdTopics
    color: View
    depth: View | None
    color_info: View | None
    depth_info: View | None
    warnings: tuple[str, ...] = ()


def find_rgbd_topics(
    bag: Bag,
    color: str | None = None,
    depth: str | None = None,
    camera_info: str | None = None,
    no_truth: str | None = None,
    may_lack_depth: bool = False,
) -> RgbdTopics:
    """The topics that `choose_camera` chooses."""
    return choose_camera(bag, color, depth, camera_info, no_truth, may_lack_depth).topics


def choose_camera(
    bag: Bag,
    color: str | None = None,
    depth: str | None = None,
    camera_info: str | None = None,
    no_truth: str | None = None,
    may_lack_depth: bool = False,
) -> CameraChoice:
    """Choose one camera as a whole: color, depth and calibration that share a frame, a namespace, a size.

    A name that is given is taken, and decides on the others. `no_truth` is a topic that is not taken as the depth,
    because it is what is compared with the depth; nor is what a network publishes. Depth that is registered to color
    goes before the depth camera's own, raw images before compressed ones. Of several cameras the first is taken.

    Raises:
        BagError: no such topic (but for depth, with `may_lack_depth`); the message lists those that are there.
    """
    if not bag.message_count:
        raise BagError(f"{bag.path} is empty: it holds no message")
    everything = views_of(bag)
    images = [view for view in everything if view.topic.type != CAMERA_INFO]
    infos = [view for view in everything if view.topic.type == CAMERA_INFO]
    sensors = without_network_outputs(
        [view for view in images if view.is_depth], ((topic.name, topic.type) for topic in bag.topics)
    )
    colors = _given(bag, images, color, "color image") or [view for view in images if view.is_color]
    depths = _given(bag, images, depth, "depth image") or [
        view for view in sensors if no_truth not in (view.name, view.base)
    ]
    info = _given(bag, infos, camera_info, "camera_info")
    if not colors:
        raise BagError(lacks(bag, "color image"))
    if not depths and not may_lack_depth:
        raise BagError(lacks(bag, "depth image"))
    pairs = pairs_of(colors, depths)
    warnings = _warnings(pairs, color) if pairs else []
    chosen_color = pairs[0].color if pairs else best_color(colors)
    assert chosen_color is not None
    chosen_depth = pairs[0].depth if pairs else None
    color_info, about_infos = (info[0], []) if info else info_of(chosen_color, infos)
    depth_info = info_of(chosen_depth, infos)[0] if chosen_depth else None
    names = (view.name if view else None for view in (chosen_depth, color_info))
    topics = RgbdTopics(chosen_color.name, *names)
    return CameraChoice(topics, chosen_color, chosen_depth, color_info, depth_info, (*warnings, *about_infos))


def _warnings(pairs: Sequence[Pair], color: str | None) -> list[str]:
    chosen, words = pairs[0], []
    if color is None and (others := other_cameras(chosen, pairs)):
        words.append(
            f"the bag has several cameras: {chosen.color.name} is taken, --image-topic chooses {', '.join(others)}"
        )
    elif ties := equally_good(chosen, pairs):
        taken = f"{chosen.color.name} with {chosen.depth.name}"
        words.append(f"{taken} is taken; as good would be {', '.join(ties)}: --image-topic, --depth-topic")
    return words


def list_topics(topics: Iterable[Topic]) -> str:
    """The topics in one line, with type and count."""
    return ", ".join(map(str, topics)) or "none"


def _given(bag: Bag, candidates: Sequence[View], name: str | None, what: str) -> list[View]:
    found = [view for view in candidates if view.name == name]
    if name is not None and not found:
        raise BagError(f"{bag.path} has no {what} topic {name}; it has: {list_topics(bag.topics)}")
    return found


def lacks(bag: Bag, what: str, name: str = "") -> str:
    """That `bag` (by its path, or called `name`) lacks such a topic, what it has, and how its images are encoded."""
    views = [view for view in views_of(bag) if view.topic.type in (IMAGE, COMPRESSED_IMAGE)]
    encodings = [f"{view.name} {view.encoding!r}" for view in views]
    of_images = f"; encodings: {', '.join(encodings)}" if encodings else ""
    return f"{name or bag.path} has no {what} topic; it has: {list_topics(bag.topics)}{of_images}"
