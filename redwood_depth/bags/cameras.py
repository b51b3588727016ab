"""Which of a bag's topics are one RGB-D camera: color, depth and calibration that belong together."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redwood_depth.bags.views import View

_REGISTERED = re.compile(r"(aligned|registered|depth_to_(rgb|color)|depth2(rgb|color)|rgb_to_depth_aligned)")
_RECTIFIED = re.compile(r"rect")
_GROUND_TRUTH = re.compile(r"(true|truth|ground|(^|[/_])gt([/_]|$))")
_OUTPUTS = ("depth/image", "depth/uncertainty")
_NETWORK_TYPES = ("Classification", "LabelInfo", "Detection2DArray", "Detection3DArray")


@dataclass(frozen=True)
class Pair:
    """A color and a depth topic, and how well they go together; `rank` is larger for a better pair."""

    color: View
    depth: View

    @property
    def same_frame(self) -> bool | None:
        """Whether both images say that they are of one frame; None: one of them does not say."""
        if not self.color.frame_id or not self.depth.frame_id:
            return None
        return self.color.frame_id == self.depth.frame_id

    @property
    def says_registered(self) -> bool:
        """Whether the depth topic's name says that it is registered to color."""
        return bool(_REGISTERED.search(self.depth.base.lower()))

    @property
    def of_one_camera(self) -> bool:
        return bool(self.same_frame) or shared(self.color.base, self.depth.base) > 0

    @property
    def rank(self) -> tuple[int, ...]:
        color, depth = self.color, self.depth
        rectified = bool(_RECTIFIED.search(color.base.lower()))
        return (
            {True: 2, None: 1, False: 0}[self.same_frame],
            int(self.says_registered),
            shared(color.base, depth.base),
            int(color.size == depth.size and color.size is not None),
            _color_words(color),
            int(rectified == (self.says_registered or bool(_RECTIFIED.search(depth.base.lower())))),
            int(depth.is_raw) + int(color.is_raw),
        )


def _color_words(color: View) -> int:
    """Color before gray, the camera that a driver calls "rgb" before a left eye, and that before a right one."""
    name = color.base.lower()
    words = 3 if "rgb" in name else 2 if re.search(r"(color|color)", name) else 0
    return words - bool(re.search(r"(mono|gr[ae]y|right)", name)) - 2 * bool(re.search(r"fisheye|wide", name))


def _camera_of(pair: Pair) -> tuple[str, ...]:
    """The namespace that a pair shares, resolutions of one camera (iai_kinect2's hd, qhd, sd) taken together."""
    parts = pair.color.base.split("/")[1 : 1 + shared(pair.color.base, pair.depth.base)]
    return tuple(part for part in parts if part not in ("hd", "qhd", "sd"))


def shared(one: str, other: str) -> int:
    """How many leading parts of their namespaces two topics share."""
    count = 0
    for a, b in zip(one.split("/")[1:-1], other.split("/")[1:-1], strict=False):
        if a != b:
            break
        count += 1
    return count


def without_network_outputs(depths: Sequence[View], types: Iterable[tuple[str, str]]) -> list[View]:
    """The depth topics but for what a network publishes: whatever lies beside a classification or label_info.

    `types` are (name, message type) of all topics. In the root namespace only this node's own names count, for
    everything lies beside something there. What calls itself ground truth is taken at its word.
    """
    beside = {name.rsplit("/", 1)[0] for name, kind in types if kind.rsplit("/", 1)[-1] in _NETWORK_TYPES}
    outputs = {f"{place}/{name}" for place in beside for name in _OUTPUTS}
    inside = tuple(f"{place}/" for place in beside if place)

    def is_output(view: View) -> bool:
        return view.base in outputs or (view.name.startswith(inside) and not _GROUND_TRUTH.search(view.base.lower()))

    return [view for view in depths if not is_output(view)]


def pairs_of(colors: Sequence[View], depths: Sequence[View]) -> list[Pair]:
    """All pairs, best first; equally good ones in order of name."""
    pairs = [Pair(color, depth) for color in colors for depth in depths]
    return sorted(pairs, key=lambda pair: (*(-part for part in pair.rank), pair.color.name, pair.depth.name))


def best_color(colors: Sequence[View]) -> View | None:
    """The color topic of a bag without depth."""
    order = sorted(colors, key=lambda view: (-_color_words(view), "image" not in view.name, not view.is_raw, view.name))
    return order[0] if order else None


def other_cameras(chosen: Pair, pairs: Sequence[Pair]) -> list[str]:
    """Color topics of further whole cameras: of another frame and namespace, with a depth of their own."""
    best: dict[str, Pair] = {}
    for pair in pairs:  # best first: each depth belongs to the color that it fits best
        if pair.of_one_camera:
            best.setdefault(pair.depth.base, pair)
    found: dict[str, None] = {}
    for pair in best.values():
        same_frame = bool(pair.color.frame_id) and pair.color.frame_id == chosen.color.frame_id
        if pair.color.base != chosen.color.base and not same_frame and _camera_of(pair) != _camera_of(chosen):
            found[pair.color.name] = None
    return list(found)


def equally_good(chosen: Pair, pairs: Sequence[Pair]) -> list[str]:
    """Names of other topics that would have been as good a choice, of color or of depth."""
    ties = [pair for pair in pairs if pair.rank == chosen.rank and pair != chosen]
    one_camera = [pair for pair in ties if pair.color.base == chosen.color.base or pair.depth.base == chosen.depth.base]
    names = {name for pair in one_camera for name in (pair.color.base, pair.depth.base)}
    return sorted(names - {chosen.color.base, chosen.depth.base})


def info_of(color: View, infos: Sequence[View]) -> tuple[View | None, list[str]]:
    """The calibration of a color topic, and words on those that might be meant and are not taken.

    It lies beside the image, as image_transport has it, or is the only one of the image's frame in its namespace.
    """
    place = color.base.rsplit("/", 1)[0]
    beside = [info for info in infos if info.name.rsplit("/", 1)[0] == place]
    of_frame = [info for info in infos if info.frame_id and info.frame_id == color.frame_id]
    near = sorted(of_frame, key=lambda info: -shared(info.name, color.base))
    # librealsense's recorder: .../Color_0/image/data and .../Color_0/info/camera_info, without a frame
    near += [
        info for info in infos if not info.frame_id and shared(info.name, color.base) >= max(place.count("/") - 1, 2)
    ]
    for info in (*beside, *near[:1]):
        if not info.frame_id or not color.frame_id or info.frame_id == color.frame_id:
            return info, []
    strangers = [f"{info.name} (frame {info.frame_id!r})" for info in infos]
    if not strangers:
        return None, []
    frame = f"frame {color.frame_id!r}" if color.frame_id else "no frame"
    words = (
        f"no camera_info is of {color.name} ({frame}): {', '.join(strangers)} is not used; --camera-info-topic takes it"
    )
    return None, [words]
