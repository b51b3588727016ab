"""What the node says of its images and parameters: the first one, what consumers cannot use, each once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at
from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import Intrinsics, TrainingCamera
from redwood_depth.node.image_words import ImageWords
from redwood_depth.node.parameters import unknown_words
from redwood_depth.node.said_once import SaidOnce

TRAINING = TrainingCamera(0.82, 1.09)  # 4:3
HEADER = Header(stamp=Time(sec=5), frame_id="optical")


class Heard(list):
    """A log that keeps what is said."""

    info = warning = list.append


def words_on(*sizes: tuple[int, int], header: Header = HEADER, intrinsics: Intrinsics | None = None) -> list[str]:
    heard = Heard()
    words = ImageWords(SaidOnce(heard), "/cam/image")
    for size in sizes:
        image = Image(header=header, height=size[0], width=size[1], encoding="bgr8")
        words.look(image, size, intrinsics, 1.25, TRAINING)
    return list(heard)


@pytest.mark.parametrize(
    "size", [(480, 640), (720, 1280), (1080, 1920), (1280, 720), (480, 848), (600, 600), (480, 752)]
)
def test_usual_cameras_get_the_first_image_and_no_warning(size: tuple[int, int]) -> None:
    (first,) = words_on(*[size] * 20)
    assert first == f"first image on /cam/image: {size[1]}x{size[0]} bgr8, frame optical"


@pytest.mark.parametrize("size", [(480, 1280), (720, 2560), (960, 1920), (376, 1344), (512, 4096), (1440, 640)])
def test_two_views_in_one_and_panoramas_are_said_once(size: tuple[int, int]) -> None:
    said = [line for line in words_on(*[size] * 20) if "hardly one view" in line]
    assert len(said) == 1
    assert f"{size[1]}x{size[0]}" in said[0]


def test_a_calibration_says_that_a_long_image_is_one_view() -> None:
    intrinsics = Intrinsics(1241, 376, 718.0, 718.0, 607.0, 185.0)
    _, focal = words_on(*[(376, 1241)] * 20, intrinsics=intrinsics)
    assert focal == "focal length 718.0 px of 1241: depth times 1.25"


@pytest.mark.parametrize(("size", "f_px"), [((240, 640), 262.5), ((480, 1280), 520.0), ((1080, 3840), 1100.0)])
def test_two_views_with_one_calibration_are_said_all_the_same(size: tuple[int, int], f_px: float) -> None:
    """The short side spans a whole view, the long one two: no strip of a camera's view."""
    intrinsics = Intrinsics(size[1], size[0], f_px, f_px, size[1] / 2, size[0] / 2)
    said = [line for line in words_on(*[size] * 3, intrinsics=intrinsics) if "hardly one view" in line]
    assert len(said) == 1


def test_a_cloud_that_nobody_calibrates_is_said_at_once() -> None:
    words = ImageWords(SaidOnce(heard := Heard()), "/cam/image")
    words.points_are_asked_for(nobody_calibrates=True)
    assert "depth/points is asked for, but needs a calibration" in heard[0]


def test_a_camera_info_that_comes_some_frames_late_is_no_fault() -> None:
    words = ImageWords(SaidOnce(heard := Heard()), "/cam/image")
    image = Image(header=HEADER, height=480, width=1280, encoding="bgr8")
    for intrinsics in (*[None] * 5, Intrinsics(1280, 480, 800.0, 800.0, 640.0, 240.0), None):
        words.look(image, (480, 1280), intrinsics, 1.0, TRAINING)
        words.points_are_asked_for(nobody_calibrates=False)
    assert [line.split()[0] for line in heard] == ["first", "focal"]


@given(st.integers(-5, 5), st.integers(0, 3), st.sampled_from(["", "optical"]))
def test_no_stamp_and_no_frame_are_said_once(sec: int, nanosec: int, frame_id: str) -> None:
    header = Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id=frame_id)
    said = words_on((480, 640), (480, 640), (480, 640), header=header)
    assert sum("no stamp" in line for line in said) == (sec == nanosec == 0)
    assert sum("no frame_id" in line for line in said) == (not frame_id)


def test_the_format_of_compressed_images() -> None:
    heard = Heard()
    message = CompressedImage(header=HEADER, format="rgb8; jpeg compressed bgr8")
    ImageWords(SaidOnce(heard), "/cam/image/compressed").look(message, (480, 640), None, 1.0, TRAINING)
    assert "640x480 rgb8; jpeg compressed bgr8, frame optical" in heard[0]


def test_said_once_is_once_a_key() -> None:
    said = SaidOnce(heard := Heard())
    for key, text in (("a", "one"), ("a", "two"), ("b", "one")):
        said.warning(key, text)
        said.info(key, text)
    assert heard == ["one", "one"]


@pytest.mark.parametrize(
    ("names", "warning", "word"),
    [
        ([], "", ""),
        (["modle"], "modle (did you mean model?)", ""),
        (["imagetransport", "robot_base_frame"], "imagetransport (did you mean image_transport?)", "robot_base_frame"),
        (["qq"], "", "qq"),
    ],
)
def test_unknown_parameters(names: list[str], warning: str, word: str) -> None:
    warned, told = unknown_words(names)
    assert warned.endswith(warning)
    assert bool(warned) == bool(warning)
    assert told.endswith(word)
    assert bool(told) == bool(word)


@pytest.mark.usefixtures("ros_domain")
def test_the_running_node_says_each_once(tiny_bundle: ModelBundle) -> None:
    mistyped = ("-p", "depth_encodings:=16UC1", "-p", "use_sim_time:=false")
    with (
        NodeProcess("words", *mistyped, model=tiny_bundle.folder) as process,
        Client("words", pictures=True) as client,
    ):
        process.wait_for("depth_encodings (did you mean depth_encoding?)")
        client.wait_for_node()
        for _ in range(10):
            client.ask(gray_image(Header(), 100))
        process.wait_for("depth/points is asked for, but needs a calibration")
        client.ask(gray_image(header_at(1), 100, height=96, width=128), camera_info(header_at(1)))
        client.wait_for_count("depth/points", 1)
    for words in ("first image on /words/image: 64x48 rgb8", "no frame_id", "no stamp", "depth/points is asked for"):
        assert process.output.count(words) == 1, words
    assert "use_sim_time" not in process.output
    assert "Traceback" not in process.output
