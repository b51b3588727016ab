"""The camera_info of a bag, matched to its images by stamp: lenses zoom, and drivers renew their calibration."""

import bisect
from collections import Counter
from typing import Any

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import CameraError

_UNCALIBRATED = "camera_info is uncalibrated (K is 0)"


class Calibrations:
    """What is known of a camera at each time; counts the images that have no intrinsics, by reason."""

    def __init__(self, rectified: bool) -> None:
        """`rectified`: of images that P describes, not K."""
        self._rectified = rectified
        self._stamps_ns: list[int] = []
        self._known: list[Intrinsics | str] = []  # or why there are none
        self._images = 0
        self._without: Counter[str] = Counter()

    def add(self, stamp_ns: int, info: Any) -> None:
        """A camera_info of that stamp; what says the same as the one before it is not kept."""
        try:
            known: Intrinsics | str = Intrinsics.from_camera_info(info, self._rectified) or _UNCALIBRATED
        except CameraError as error:
            known = str(error)
        at = bisect.bisect_right(self._stamps_ns, stamp_ns)
        if at == 0 or self._known[at - 1] != known:
            self._stamps_ns.insert(at, stamp_ns)
            self._known.insert(at, known)

    def at(self, stamp_ns: int, size: tuple[int, int]) -> Intrinsics | None:
        """Intrinsics of an image (height, width): the newest not later than it, the earliest where all are later."""
        self._images += 1
        if not self._known:
            return None
        known = self._known[max(bisect.bisect_right(self._stamps_ns, stamp_ns) - 1, 0)]
        try:
            if isinstance(known, Intrinsics):
                return known.fitted(*size)
        except CameraError as error:
            known = str(error)
        self._without[known] += 1
        return None

    def warnings(self) -> list[str]:
        """Why depth of how many images is not corrected for the focal length."""
        return [
            f"{count} of {self._images} images are not corrected for the focal length: {why}"
            for why, count in self._without.most_common()
        ]
