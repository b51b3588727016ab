"""Predictions of a node that plays along: one that runs already, else one started for each bag."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from redwood_depth.bags.bag_source import BagSource
from redwood_depth.bags.played_frames import PlayedFrames
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import RgbdTopics
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.errors import EngineError
from redwood_depth.evaluation.live_result import LiveScores
from redwood_depth.evaluation.recorded import RecordedPredictions
from redwood_depth.evaluation.recordings import open_recording
from redwood_depth.evaluation.result import ScoredModel
from redwood_depth.evaluation.result_files import model_entry
from redwood_depth.evaluation.scoring import Predict
from redwood_depth.evaluation.sources import bundle_subject
from redwood_depth.rgbd import FrameSource

if TYPE_CHECKING:
    from redwood_depth.evaluation.live.playback import LiveRun
    from redwood_depth.evaluation.live.running_node import RunningNode


class LiveSource:
    """A node as a process of its own: each bag is played through DDS, and what the node publishes is scored."""

    threads = 1
    predicted_topic: str | None = None

    def __init__(
        self,
        bundle: ModelBundle,
        backend: str,
        rate: float,
        progress: Callable[[int], None] = lambda total: None,
        node: "RunningNode | None" = None,
        folder: Path | None = None,
    ) -> None:
        """`progress` is called after each played message with the number of messages of the bag.

        `node` runs already, with the model of `bundle`; None: one is started for each bag. `folder` keeps the last
        bag's outputs/ and node.log; None: they are removed.
        """
        self.subject = replace(bundle_subject(bundle), timed=False)
        self._bundle, self._backend, self._rate, self._progress = bundle, backend, rate, progress
        self._node = node
        self._folder = folder
        self._runs: list[LiveRun] = []

    @contextlib.contextmanager
    def predictions(self, recording: FrameSource) -> Iterator[Predict]:
        with contextlib.ExitStack() as stack:
            folder = self._folder
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evaluate_bag.")))
            folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(folder / "outputs", ignore_errors=True)
            yield from self._play(*_played(recording), folder / "outputs", folder / "node.log")

    def _play(self, bag: Bag | PlayedFrames, topics: RgbdTopics, outputs: Path, log: Path) -> Iterator[Predict]:
        with _needing_ros():
            from redwood_depth.evaluation.live.playback import NAMESPACE, play_and_record
        run = play_and_record(
            *(bag, topics, self._bundle.folder, outputs, log, self._progress),
            rate=self._rate,
            backend=self._backend,
            node=self._node,
        )
        self._runs.append(run)
        base = self._node.base if self._node else NAMESPACE
        with Bag.open(outputs) as recorded:
            depth, classes = f"{base}/depth/image", f"{base}/classification"
            yield RecordedPredictions(recorded, depth, classes, self._bundle.classes)

    def entry(self) -> ScoredModel:
        if self._node:
            return model_entry(self._bundle, f"the running node {self._node.name}, backend {self._node.backend}")
        return model_entry(self._bundle, f"the node, backend {self._backend}")

    def warnings(self) -> list[str]:
        return []

    def live(self) -> LiveScores | None:
        if not self._runs:
            return None
        from redwood_depth.evaluation.live.playback import live_results

        return live_results(self._runs)


def _played(recording: FrameSource) -> tuple[Bag | PlayedFrames, RgbdTopics]:
    """What is played of a recording, and which topics of it are the camera's."""
    if isinstance(recording, BagSource):
        return recording.bag, recording.topics
    frames = PlayedFrames(recording.path, recording.expected, lambda: open_recording(recording.path))
    return frames, frames.rgbd_topics


def find_node(namespace: str | None) -> "RunningNode | None":
    """As running_node.find_running_node; raises EngineError where there is no ROS as well."""
    with _needing_ros():
        from redwood_depth.evaluation.live.running_node import find_running_node
    return find_running_node(namespace)


def bundle_of(node: "RunningNode", model: Path | None) -> ModelBundle:
    """The bundle of a running node; `model` is the one that the user names, None: none.

    Raises:
        EngineError: the node has another model than that; or its folder is not on this machine, and none was named.
        BundleError: the bundle cannot be read.
    """
    its = Path(node.model).expanduser() if node.model else DEMO_BUNDLE
    if not its.is_dir():  # a node on another machine
        if model is None:
            raise EngineError(f"the model of {node.name}, {its}, is not on this machine: name a copy with --model")
        return ModelBundle.load(model)
    bundle = ModelBundle.load(its)
    if model is not None and ModelBundle.load(model).sha256 != bundle.sha256:
        raise EngineError(f"the running node {node.name} has the model {its}, not {model}: stop it, or name no model")
    return bundle


@contextlib.contextmanager
def _needing_ros() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise EngineError(f"--live needs ROS 2 ({error}): source its setup.bash, or install its wheels") from error
