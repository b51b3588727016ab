"""Which of a bag's topics are the colour camera, the depth registered to it, and its calibration."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from redwood_depth.bags.message_types import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, Topic, deserialize
from redwood_depth.bags.reader import Bag
from redwood_depth.errors import BagError

_DEPTH_ENCODINGS = ("16UC1", "32FC1", "mono16")
_NOT_COLOR = ("depth", "infra", "/ir/", "confidence", "disparity", "preview", "mask")
_NOT_DEPTH = ("confidence", "infra", "preview", "color_depth", "colorized")


@dataclass(frozen=True)
class RgbdTopics:
    """Names of the topics of an RGB-D camera; `camera_info` is the colour camera's, None where the bag has none.

    `depth` is None where the bag has none and that is allowed.
    """

    color: str
    depth: str | None
    camera_info: str | None


def find_rgbd_topics(
    bag: Bag,
    color: str | None = None,
    depth: str | None = None,
    camera_info: str | None = None,
    no_truth: str | None = None,
    may_lack_depth: bool = False,
) -> RgbdTopics:
    """Find the topics by type, name and encoding; a name that is given is taken instead.

    `no_truth` is a topic that is not taken as the depth, because it is what is compared with the depth.
    Of several depth topics the one registered (or aligned) to colour wins; raw images win over compressed ones.

    Raises:
        BagError: no such topic (but for depth, with `may_lack_depth`); the message lists those that are there.
    """
    if not bag.message_count:
        raise BagError(f"{bag.path} is empty: it holds no message")
    images = _images(bag)
    infos = [topic for topic in bag.topics if topic.type == CAMERA_INFO]
    encodings: Mapping[str, str] = {}
    if color is None or depth is None:
        encodings = {topic.name: _encoding(bag, topic) for topic in images}
    color = _given(bag, images, color, "colour image") or _best(
        [topic for topic in images if _is_color(topic, encodings)], _color_rank
    )
    if color is None:
        raise BagError(lacks(bag, "colour image"))
    depth = _given(bag, images, depth, "depth image") or _best(
        [topic for topic in images if topic.name != no_truth and _is_depth(topic, encodings)], _depth_rank
    )
    if depth is None and not may_lack_depth:
        raise BagError(lacks(bag, "depth image"))
    camera_info = _given(bag, infos, camera_info, "camera_info") or _camera_info_of(color, infos)
    return RgbdTopics(color, depth, camera_info)


def list_topics(topics: Iterable[Topic]) -> str:
    """The topics in one line, with type and count."""
    return ", ".join(map(str, topics)) or "none"


def _given(bag: Bag, candidates: Sequence[Topic], name: str | None, what: str) -> str | None:
    if name is not None and name not in {topic.name for topic in candidates}:
        raise BagError(f"{bag.path} has no {what} topic {name}; it has: {list_topics(bag.topics)}")
    return name


def lacks(bag: Bag, what: str, name: str = "") -> str:
    """That `bag` (by its path, or called `name`) lacks such a topic, what it has, and how its images are encoded."""
    encodings = [f"{topic.name} {_encoding(bag, topic)!r}" for topic in _images(bag) if topic.count]
    of_images = f"; encodings: {', '.join(encodings)}" if encodings else ""
    return f"{name or bag.path} has no {what} topic; it has: {list_topics(bag.topics)}{of_images}"


def _images(bag: Bag) -> list[Topic]:
    return [topic for topic in bag.topics if topic.type in (IMAGE, COMPRESSED_IMAGE)]


def _best(candidates: Sequence[Topic], rank: Callable[[Topic], tuple[bool, ...]]) -> str | None:
    found = [topic for topic in candidates if topic.count]
    if not found:
        return None
    return max(found, key=lambda topic: (*rank(topic), topic.count, -len(topic.name))).name


def _encoding(bag: Bag, topic: Topic) -> str:
    """Encoding or format of a topic's first readable message, "" where there is none."""
    for message in bag.messages((topic.name,)):
        try:
            image = deserialize(message)
        except BagError:
            continue
        return str(image.encoding if topic.type == IMAGE else image.format)
    return ""


def _is_depth(topic: Topic, encodings: Mapping[str, str]) -> bool:
    encoding, name = encodings[topic.name], topic.name.lower()
    known = encoding in _DEPTH_ENCODINGS or "compresseddepth" in encoding.lower() or not encoding
    return "depth" in name and known and not any(word in name for word in _NOT_DEPTH)


def _is_color(topic: Topic, encodings: Mapping[str, str]) -> bool:
    encoding, name = encodings[topic.name], topic.name.lower()
    known = encoding not in _DEPTH_ENCODINGS and "compresseddepth" not in encoding.lower()
    return known and not any(word in name for word in _NOT_COLOR)


def _depth_rank(topic: Topic) -> tuple[bool, ...]:
    name = topic.name.lower()
    return "aligned" in name or "registered" in name, topic.type == IMAGE


def _color_rank(topic: Topic) -> tuple[bool, ...]:
    name = topic.name.lower()
    return "color" in name or "rgb" in name, "image_raw" in name or "image_color" in name, topic.type == IMAGE


def _camera_info_of(color: str, infos: Sequence[Topic]) -> str | None:
    """The camera_info beside the colour image: that with most leading name parts in common, and no word of depth."""
    parts = color.split("/")

    def shared(topic: Topic) -> int:
        pairs = zip(topic.name.split("/"), parts, strict=False)
        return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))

    found = [topic for topic in infos if topic.count and "depth" not in topic.name.lower()]
    return max(found, key=shared).name if found else None
