"""Prepared data on disk: CLASS/SCAN_ID/{image,depth}.npy, index.json and splits.json, read through memory maps."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from redwood_depth.bundle import NO_CLASS
from redwood_depth.camera import Intrinsics
from redwood_depth.files import write_whole
from training.data.splits import SPLITS, read_splits
from training.errors import PreparedDataError

FORMAT = 1
INDEX, SPLITS_FILE = "index.json", "splits.json"


@dataclass(frozen=True)
class ScanRecord:
    """What index.json says of a scan. Stamps are the source's, in microseconds, one a frame.

    `sampled` frames were chosen, `corrupt` names those that could not be used and why, the rest are in the arrays;
    `notes` is what else a user must know of the source.
    """

    name: str
    intrinsics: Intrinsics
    color_stamps_us: list[int]
    depth_stamps_us: list[int]
    sampled: int
    unpaired_color: int
    unpaired_depth: int
    corrupt: list[str]
    evaluation_only: bool
    notes: list[str] = field(default_factory=list)

    @property
    def class_name(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def frames(self) -> int:
        return len(self.color_stamps_us)

    def to_json(self) -> dict[str, Any]:
        return {"class": self.class_name, "frames": self.frames, **asdict(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ScanRecord":
        """Raises KeyError or TypeError where `data` is not what `to_json` gave."""
        values = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**values | {"intrinsics": Intrinsics(**data["intrinsics"])})


@dataclass(frozen=True)
class PreparedScan:
    """A scan on disk. The arrays are mapped when they are asked for, so an object is small and cheap to send around."""

    folder: Path
    record: ScanRecord
    class_index: int  # -1: none of the classes is in view
    height: int
    width: int

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def class_name(self) -> str:
        return self.record.class_name

    @property
    def is_rendered(self) -> bool:
        """Whether `synthesize` made the scan."""
        return is_rendered(self.name)

    @property
    def intrinsics(self) -> Intrinsics:
        """The camera of the arrays, in their pixels."""
        return self.record.intrinsics

    def __len__(self) -> int:
        return self.record.frames

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """Color (N, H, W, 3) uint8 RGB, a read-only memory map; it holds a file open as long as it lives.

        Raises:
            PreparedDataError: the file is missing or not what the index says.
        """
        array: npt.NDArray[np.uint8] = self._map("image.npy", (self.height, self.width, 3), np.dtype(np.uint8))
        return array

    @property
    def depth(self) -> npt.NDArray[np.uint16]:
        """Depth (N, H, W) uint16 millimeters, 0 = missing; as `image`."""
        array: npt.NDArray[np.uint16] = self._map("depth.npy", (self.height, self.width), np.dtype(np.uint16))
        return array

    def _map(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        path = self.folder / name
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise PreparedDataError(f"{path} cannot be read ({error}); prepare it again") from error
        if array.shape != (len(self), *shape) or array.dtype != dtype:
            raise PreparedDataError(f"{path} is {array.dtype} {array.shape}, not as {INDEX} says; prepare it again")
        return array


@dataclass(frozen=True)
class PreparedData:
    """All prepared scans. `classes` are in alphabetical order; scans of none of them have the class index -1."""

    folder: Path
    height: int
    width: int
    classes: tuple[str, ...]
    all_scans: tuple[PreparedScan, ...]
    splits: dict[str, str]  # scan name -> train, validation or test

    @classmethod
    def load(cls, folder: Path | str) -> "PreparedData":
        """Read index and splits; the arrays are opened later.

        Raises:
            PreparedDataError: nothing was prepared there, or index and splits are damaged or contradict each other.
        """
        folder = Path(folder)
        index = _read_index(folder / INDEX)
        _, splits = read_splits(folder / SPLITS_FILE)
        try:
            height, width, records = index["height"], index["width"], [ScanRecord.from_json(d) for d in index["scans"]]
        except (KeyError, TypeError) as error:
            raise PreparedDataError(f"{folder / INDEX} is damaged ({error!r}); prepare again") from error
        if lost := [record.name for record in records if record.name not in splits]:
            raise PreparedDataError(f"{folder / SPLITS_FILE} lacks {lost[0]}; prepare again")
        classes = class_list(records)
        scans = [
            PreparedScan(
                folder / r.name, r, classes.index(r.class_name) if r.class_name in classes else -1, height, width
            )
            for r in records
        ]
        return cls(folder, height, width, classes, tuple(scans), splits)

    def scans(self, split: str) -> list[PreparedScan]:
        """The scans of "train", "validation" or "test", in order of their names; there may be none."""
        if split not in SPLITS:
            raise ValueError(f"{split!r} is none of {', '.join(SPLITS)}")
        return [scan for scan in self.all_scans if self.splits[scan.name] == split]


def is_rendered(name: str) -> bool:
    """Whether a scan is named as `synthesize` names its own: CLASS/sSEED-INDEX."""
    return re.fullmatch(r"s\d{3}-\d{5}", name.rpartition("/")[2]) is not None


def class_list(records: Sequence[ScanRecord]) -> tuple[str, ...]:
    """The classes that are there, in alphabetical order; "none" is not a class."""
    return tuple(sorted({record.class_name for record in records} - {NO_CLASS}))


def write_index(folder: Path, size: tuple[int, int], records: Sequence[ScanRecord], failed: dict[str, str]) -> None:
    """Write index.json; `size` is (height, width), `failed` says of scans why they are not there."""
    head = {"format": FORMAT, "height": size[0], "width": size[1], "classes": class_list(records), "failed": failed}
    lines = ",\n".join(json.dumps(record.to_json()) for record in sorted(records, key=lambda record: record.name))
    write_whole(folder / INDEX, f'{json.dumps(head)[:-1]}, "scans": [\n{lines}\n]}}\n')


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise PreparedDataError(f"no {path}; run python -m training prepare") from error
    except ValueError as error:
        raise PreparedDataError(f"{path} is damaged ({error}); prepare again") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise PreparedDataError(f"{path} is not of format {FORMAT}; prepare again")
    return index
