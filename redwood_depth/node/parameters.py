"""The node's parameters: names, defaults, ranges, descriptions; config/perception.yaml holds the same defaults."""

from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from redwood_depth.engines import BACKENDS, PRECISIONS

MODEL_THRESHOLD = -1.0
ANCHORS = ("none", "floor", "range")


@dataclass(frozen=True)
class Parameters:
    """Values of the node's parameters, read when it is configured."""

    model: str = ""
    backend: str = "auto"
    precision: str = "model"
    threads: int = 0
    image_transport: str = "raw"
    image_reliability: str = "best_effort"
    depth_encoding: str = "32FC1"
    output_size: str = "camera"
    class_threshold: float = MODEL_THRESHOLD
    anchor: str = "none"
    camera_height_m: float = 0.0
    camera_pitch_deg: float = 0.0
    autostart: bool = True

    @classmethod
    def read(cls, node: Node) -> "Parameters":
        return cls(**{field.name: node.get_parameter(field.name).value for field in fields(cls)})


_OF_RCLPY = ("use_sim_time", "start_type_description_service")  # declared by rclpy in every node
_QOS_OVERRIDES = "qos_overrides."
CHANGED_LIVE = ("class_threshold",)  # the others are read when the node is configured
_CHOICES = {
    "backend": BACKENDS,
    "precision": PRECISIONS,
    "image_transport": ("raw", "compressed"),
    "image_reliability": ("best_effort", "reliable"),
    "depth_encoding": ("32FC1", "16UC1"),
    "output_size": ("camera", "model"),
    "anchor": ANCHORS,
}
_RANGES = {"class_threshold": (-1.0, 1.0), "camera_height_m": (0.0, 100.0), "camera_pitch_deg": (-90.0, 90.0)}
_DESCRIPTIONS = {
    "model": "folder of the model bundle; empty: the bundled demo model",
    "backend": "inference engine; auto: TensorRT on a GPU, else ONNX Runtime",
    "precision": "of TensorRT's engine; model: the model's own; fp16 can be made of an fp32 model",
    "threads": "CPU threads of ONNX Runtime; 0: one a core",
    "image_transport": "raw: topic image; compressed: topic image/compressed (JPEG or PNG)",
    "image_reliability": "QoS of the image subscription; best_effort hears every publisher",
    "depth_encoding": "32FC1: meters, NaN invalid; 16UC1: millimeters, 0 invalid",
    "output_size": "size of the published depth: the camera's, or about the model's in the camera's aspect",
    "class_threshold": "least score of a published class; -1: the threshold that the model brings",
    "anchor": "scale each frame by something metric: floor (needs camera_height_m), or range (topic range)",
    "camera_height_m": "of the camera above the floor, for anchor: floor",
    "camera_pitch_deg": "how far the camera looks down, for anchor: floor",
    "autostart": "configure and activate at the start; false: wait for life-cycle transitions",
}


def parameters_help() -> str:
    """A line a parameter, for --help."""
    return "\n".join(f"  {field.name:18} {_DESCRIPTIONS[field.name]}" for field in fields(Parameters))


def declare_parameters(node: Node) -> None:
    """Declare all parameters with descriptions and ranges, so that rclpy itself refuses a wrong type or range.

    `node` was made with `automatically_declare_parameters_from_overrides`, so that what was given to it is known by
    public names. What is not the node's is said, and not declared any more.
    """
    known = {field.name for field in fields(Parameters)}
    given = [name for name in node.get_parameters_by_prefix("") if name not in _OF_RCLPY]
    for name in given:
        node.undeclare_parameter(name)
    _declare(node)
    unknown = [name for name in given if name not in known and not name.startswith(_QOS_OVERRIDES)]
    warning, word = unknown_words(unknown)
    if warning:
        node.get_logger().warning(warning)
    if word:
        node.get_logger().info(word)


def _declare(node: Node) -> None:
    for field in fields(Parameters):
        descriptor = ParameterDescriptor(description=_DESCRIPTIONS[field.name])
        if field.name in _CHOICES:
            descriptor.additional_constraints = f"one of: {', '.join(_CHOICES[field.name])}"
        if field.name == "threads":
            descriptor.integer_range = [IntegerRange(from_value=0, to_value=256, step=1)]
        if field.name in _RANGES:
            low, high = _RANGES[field.name]
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
        node.declare_parameter(field.name, field.default, descriptor)


def unknown_words(names: list[str]) -> tuple[str, str]:
    """Of parameters that the node does not know: a warning of those that look like a known one, a word on the others.

    A launch file may set a parameter for all its nodes, so an unknown one alone is not a fault. "" where none is.
    """
    known = [field.name for field in fields(Parameters)]
    near = {name: get_close_matches(name, known, n=1) for name in names}
    mistyped = [f"{name} (did you mean {match[0]}?)" for name, match in near.items() if match]
    others = [name for name, match in near.items() if not match]
    warning = f"unknown parameters, which change nothing: {', '.join(mistyped)}" if mistyped else ""
    return warning, f"parameters that are not this node's: {', '.join(others)}" if others else ""


def refusal(name: str, value: Any) -> str:
    """Why `value` cannot be the parameter `name`; empty where it can."""
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        return f"{name} must be one of {', '.join(choices)}, not {value!r}"
    if name == "class_threshold" and value != MODEL_THRESHOLD and not 0.0 <= value <= 1.0:
        return f"class_threshold must be in 0..1, or -1 for the model's own, not {value}"
    return ""
