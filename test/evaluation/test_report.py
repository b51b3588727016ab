"""The HTML report: what it says, that it stands alone, and how it opens in a real browser at a phone's width."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from bag_samples import depth_pixels, rgbd_messages, write_bag
from report_browser import PHONE_WIDTH_PX, browser, open_report

from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main


def uneven_depths(frames: int) -> list[np.ndarray]:
    """Slopes in mm that grow from frame to frame, with a hole."""
    depths = []
    for index in range(frames):
        depth = np.linspace(1200 + 100 * index, 3900, 480 * 640).reshape(480, 640).astype(np.uint16)
        depth[:60, :100] = 0
        depths.append(depth)
    return depths


def report_of(bags: list[Path], bundle: ModelBundle, *options: str) -> Path:
    target = bundle.folder.parent / "report.html"
    assert main([*map(str, bags), "--model", str(bundle.folder), "--report", str(target), *options]) == 0
    return target


def test_the_page_says_what_was_evaluated_and_stands_alone(tmp_path: Path, tiny_bundle: ModelBundle) -> None:
    bag = write_bag(tmp_path / "a <b>bag</b>", rgbd_messages(5, uneven_depths(5), brightness=51))
    page = report_of([bag], tiny_bundle, "--label", "car").read_text("utf-8")
    for words in (
        *("relative error than the best constant depth", "Error by distance", "Predicted against true depth"),
        *("The best, the median and the worst frame", "Error over the image", "Over time", "Confusion", "All scores"),
        *("/camera/color/image_raw", tiny_bundle.sha256[:16], "5 frames", "ONNX Runtime", "at most 20 ms apart"),
    ):
        assert words in page
    assert "a &lt;b&gt;bag" in page  # names of the bag are text, not HTML
    assert "<b>bag" not in page
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:|\#)""", page)
    assert "<script" not in page
    assert "@import" not in page


@pytest.mark.skipif(browser() is None, reason="needs a Chromium")
@pytest.mark.parametrize("width_px", [PHONE_WIDTH_PX, 1280])
def test_the_page_in_a_browser(tmp_path: Path, tiny_bundle: ModelBundle, width_px: int) -> None:
    bags = [write_bag(tmp_path / name, rgbd_messages(6, uneven_depths(6), brightness=51)) for name in ("one", "two")]
    opened = open_report(report_of(bags, tiny_bundle, "--label", "car"), tmp_path, width_px)
    assert opened.console == []
    assert opened.found["width"] == width_px  # no horizontal scroll
    assert opened.found["images"] == 12
    for name in ("missing", "without_alt", "figures_without_label", "duplicate_ids", "outside"):
        assert opened.found[name] == 0, name
    assert opened.found["figures"] == 5  # distance, density, maps, and a timeline a bag
    assert float(str(opened.found["smallest_text_px"])) >= 8.5


def test_one_frame_of_a_flat_scene_makes_a_page(tmp_path: Path, tiny_bundle: ModelBundle) -> None:
    bag = write_bag(tmp_path / "bag", rgbd_messages(1, [depth_pixels(2100)], brightness=51))
    assert "the ground truth is flat" in report_of([bag], tiny_bundle).read_text("utf-8")


def test_without_matplotlib_there_is_one_line_and_no_work(
    tmp_path: Path, tiny_bundle: ModelBundle, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    target = tmp_path / "report.html"
    assert main([str(tmp_path / "nowhere"), "--model", str(tiny_bundle.folder), "--report", str(target)]) == 1
    error = capsys.readouterr().err
    assert "a report needs jinja2 and matplotlib" in error
    assert len(error.splitlines()) == 1
    assert not target.exists()
