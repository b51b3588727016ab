"""Some hundred damaged messages over DDS; `make fuzz` sends 20 000. The books of bench.fuzz are checked as well."""

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from sensor_msgs.msg import CompressedImage

from bench.fuzz import TRANSPORTS, FuzzResult, check, fuzz
from bench.fuzz_cases import FuzzCases, png_that_claims
from redwood_depth.bundle import ModelBundle
from redwood_depth.errors import ImageError
from redwood_depth.images.decode import color_from_message


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_damaged_messages_are_counted_and_good_ones_between_them_answered(
    tiny_bundle: ModelBundle, ros_domain: str, transport: str
) -> None:
    result = fuzz(transport, 400, seed=3, model=tiny_bundle.folder)
    assert not result.findings
    assert result.sent["bad"] > 80
    assert result.markers_answered == result.sent["marker"] > 80
    assert result.counted["bad"] > 0.7 * result.sent["bad"]  # the rest was replaced by newer frames, and counted so


def test_one_seed_gives_one_stream_and_both_sorts_of_frames() -> None:
    first, second, other = FuzzCases(5), FuzzCases(5), FuzzCases(6)
    stream = [first.image() for _ in range(200)]
    assert stream == [second.image() for _ in range(200)]
    assert stream != [other.image() for _ in range(200)]
    assert first.camera_info() == second.camera_info()
    assert 20 < sum(_is_good(message) for message in stream) < 180


def _is_good(message: object) -> bool:
    try:
        return color_from_message(message).rgb().ndim == 3
    except ImageError:
        return False


@pytest.mark.parametrize("size", [(30_000, 30_000), (2**31 - 1, 1), (16_384, 16_384)])
def test_a_small_png_that_claims_gigabytes_is_refused_for_its_size(size: tuple[int, int]) -> None:
    data = png_that_claims(size)
    assert len(data) < 200
    with pytest.raises(ImageError, match=r"absurd image size|not a JPEG, PNG"):
        color_from_message(CompressedImage(format="png", data=data))


@pytest.mark.parametrize("claimed", [2**31 - 1, 2**32 - 1, 200])
def test_a_png_chunk_that_claims_more_than_there_is_never_reaches_the_decoder(
    claimed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by coverage-guided fuzzing: 250 bytes of which OpenCV 5 made an allocation of 2 to 4 GB."""
    png = bytearray(cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes())
    place = png.index(b"IDAT") - 4
    assert color_from_message(CompressedImage(format="png", data=bytes(png))).size == (48, 64)
    png[place : place + 4] = claimed.to_bytes(4, "big")
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="damaged or cut short"):
        color_from_message(CompressedImage(format="png", data=bytes(png)))


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_jpeg_that_is_cut_short_is_refused_whatever_opencv_makes_of_it(share: float) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    assert color_from_message(CompressedImage(format="jpeg", data=jpeg + bytes(100))).size == (48, 64)  # padded: whole
    with pytest.raises(ImageError, match="a JPEG that is cut short"):
        color_from_message(CompressedImage(format="jpeg", data=jpeg[: int(share * len(jpeg))]))


def _result(**changes: object) -> FuzzResult:
    counted = {"received": 30, "published": 20, "bad": 9, "dropped": 1, "lost": 0, "unwatched": 0}
    sent = Counter(good=10, bad=10, marker=10)
    return replace(FuzzResult("raw", 0, sent, counted, 20, 10, 150.0, 151.0), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"counted": {}}, "no diagnostics"),
        ({"sent": Counter(good=11, bad=10, marker=10)}, "31 images sent, but 30 received"),
        ({"sent": Counter(good=8, bad=12, marker=10)}, "12 bad frames sent, 9 counted"),
        ({"answered": 19}, "20 published, 19 arrived"),
        ({"markers_answered": 9}, "9 answered"),
        ({"end_mb": 170.0}, "memory grew from 150.0 MB to 170.0 MB"),
    ],
)
def test_the_books(changes: dict[str, object], words: str) -> None:
    findings = check(_result(**changes))
    assert [words in finding for finding in findings] == [True] * bool(words)


def test_the_books_of_the_node_itself() -> None:
    counted = {"received": 30, "published": 20, "bad": 8, "dropped": 1, "lost": 0, "unwatched": 0}
    assert any("do not add up" in finding for finding in check(_result(counted=counted)))
