"""What a training run is: one flat table of keys, from a YAML file and KEY=VALUE arguments, checked before any work."""

import dataclasses
import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml

from training.errors import TrainingError
from training.network.encoder import NORMALIZATIONS, TRAINABLE

CHOICES = {
    "encoder_training": TRAINABLE,
    "normalisation": NORMALIZATIONS,
    "depth_output": ("log_range", "linear"),
    "class_head": ("linear", "imagenet"),
    "depth_loss": ("log_l1", "abs_rel", "l1", "paper"),
    "optimizer": ("adamw", "adam_amsgrad"),
    "schedule": ("one_cycle", "constant"),
    "sampling": ("frames", "scans"),
}
WANTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list, such as [1, 2]",
    dict: "a table, such as {a: 1}",
}
NOT_NEGATIVE = (
    "bottleneck",
    "class_loss_weight",
    "gradient_weight",
    "samples_per_epoch",
    "balance_depth",
    "weight_decay",
    "keep_imagenet",
    "seed",
    "workers",
)


@dataclass(frozen=True)
class TrainConfig:
    """All keys of config/train/*.yaml with their defaults; lengths in metres, sizes in pixels."""

    # network
    encoder: str = "tf_efficientnet_lite0"  # any timm model
    encoder_weights: str = "imagenet"  # imagenet, none, or a file
    encoder_maps: tuple[str, ...] = ()  # modules that give the feature maps; default: those that timm lists
    encoder_training: str = "frozen"
    normalisation: str = "encoder"  # the others are the paper's mistakes, for the study
    height: int = 96
    width: int = 128
    decoder_widths: tuple[int, ...] = (48, 32, 24, 16)
    bottleneck: int = 0  # channels of a 1x1 convolution before the decoder; 0: none
    decoder_dropout: float = 0.2  # of whole channels of the encoder's maps
    depth_output: str = "log_range"  # a sigmoid between the logarithms of depth_range_m, or the paper's linear one
    depth_range_m: tuple[float, float] = (0.1, 10.0)
    # classes
    class_head: str = "linear"  # linear: trained with the depth; imagenet: rows of ImageNet's classifier, fitted after
    class_dropout: float = 0.2
    class_background: bool = True  # class_head: linear has a class "none of these", which the paper's lacks
    class_loss_weight: float = 1.0
    photos: str = ""  # labelled photos without depth, FOLDER/CLASS/*.jpg, for class_head: imagenet
    # loss
    depth_loss: str = "log_l1"
    gradient_weight: float = 0.5
    ssim_weight: float = 0.0
    mask_missing: bool = True  # False counts missing depth as 0 m, as the paper's code does
    # data
    sampling: str = "scans"  # draw a scan, then a frame of it; frames: every frame once an epoch
    scan_weights: dict[str, float] = field(default_factory=dict)  # how often scans are drawn, by pattern of their names
    balance_depth: float = 0.0  # how much less scans are drawn whose median depth is common: 0 not at all, 1 all of it
    samples_per_epoch: int = 0  # with sampling: scans; 0: as many as there are frames
    reuse_views: int = 1  # epochs in a row that see the same views, which a frozen encoder then reads only once
    augment_camera: bool = True
    augment_light: bool = True
    flip: bool = True
    swap_red_green: bool = False
    # optimisation
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    encoder_learning_rate: float = 1e-4
    weight_decay: float = 1e-2
    schedule: str = "one_cycle"
    epochs: int = 20
    batch_size: int = 16
    gradient_clip: float = 1.0  # largest norm of a step's gradients; 0: any
    average_decay: float = 0.0  # of a running mean of the weights, which is what is scored and kept; 0: none
    start_from: str = ""  # a run of the same network to begin with the best weights of, as for fine-tuning its encoder
    keep_imagenet: float = 0.0  # weight of a penalty that keeps a trained encoder's ImageNet logits what they were
    # machine
    seed: int = 0
    workers: int = 2
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    checkpoint_steps: int = 200

    def __post_init__(self) -> None:
        """Raises TrainingError where a value cannot be."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise TrainingError(f"{name}: {getattr(self, name)!r} is none of {', '.join(choices)}")
        for name in ("height", "width", "epochs", "batch_size", "devices", "nodes", "checkpoint_steps", "reuse_views"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("class_dropout", "decoder_dropout", "average_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"{name} must be within 0..1, not {getattr(self, name)}")
        for name in ("learning_rate", "encoder_learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise TrainingError(f"{name} must be above 0, not {getattr(self, name)}")
        for name in NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < math.inf:
                raise TrainingError(f"{name} must be at least 0, not {getattr(self, name)}")
        if self.height % 32 or self.width % 32:
            raise TrainingError(f"height and width must be multiples of 32, not {self.height} and {self.width}")
        if len(self.depth_range_m) != 2 or not 0 < self.depth_range_m[0] < self.depth_range_m[1]:
            raise TrainingError(f"depth_range_m must be 0 < min < max, not {self.depth_range_m}")
        if min(self.decoder_widths, default=0) < 1:
            raise TrainingError(f"decoder_widths must be a list of channels, not {list(self.decoder_widths)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a YAML file or a checkpoint keeps them."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file and KEY=VALUE arguments, which win.

    Raises:
        TrainingError: the file cannot be read, a key is unknown (with the nearest ones) or a value does not fit.
    """
    try:
        values = yaml.safe_load(Path(path).read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(values, dict):
        raise TrainingError(f"{path} holds no KEY: VALUE lines")
    for override in overrides:
        key, sign, text = override.partition("=")
        if not sign:
            raise TrainingError(f"{override!r} is not KEY=VALUE")
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise TrainingError(f"{key}: {text!r} is not a value in YAML") from error
    return config_from(values)


def config_from(values: dict[str, Any]) -> TrainConfig:
    """A configuration from plain values. Raises TrainingError as `load_config`."""
    fields = {field.name: field.type for field in dataclasses.fields(TrainConfig)}
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, 3, 0.4)
            raise TrainingError(f"unknown key {key!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))
    return TrainConfig(**{key: _as_type(key, value, fields[key]) for key, value in values.items()})


def _as_type(key: str, value: Any, kind: Any) -> Any:
    """YAML's value as the field's type; whole numbers serve as fractions, text such as 2e-3 as a number."""
    try:
        if kind is bool:
            if not isinstance(value, bool):
                raise ValueError
            return value
        if get_origin(kind) is tuple:
            if isinstance(value, str):
                raise ValueError
            return tuple(_as_type(key, item, get_args(kind)[0]) for item in value)
        if get_origin(kind) is dict:
            return {str(name): _as_type(key, item, float) for name, item in (value or {}).items()}
        if isinstance(value, (bool, list, dict)) or (kind is int and float(value) != int(value)):
            raise ValueError
        return "" if value is None and kind is str else kind(value)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TrainingError(f"{key}: {value!r} is not {WANTED.get(get_origin(kind) or kind, kind)}") from error
