"""Scoring bags with an estimator whose answers are known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import CAMERA, HEIGHT, WIDTH, cut, depth_pixels, rgbd_messages, write_bag, write_sqlite_bag

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import BagError, EngineError
from redwood_depth.evaluation.metrics import SCORE_NAMES
from redwood_depth.evaluation.scoring import EvaluationOptions, evaluate_bag
from redwood_depth.evaluation.summary import Subject, summarize
from redwood_depth.prediction import Prediction
from redwood_depth.rgbd import RgbdFrame

SUBJECT = Subject(classes=("car", "bicycle"), class_threshold=0.5, training_median_m=3.0)


class FakePredictions:
    """Predicts what `depth` makes of the frame's index; scores of the classes in turn."""

    def __init__(self, depth: Callable[[int], float], class_scores: tuple[float, float] = (0.6, 0.1)) -> None:
        self._depth = depth
        self._class_scores = class_scores
        self.seen: list[tuple[tuple[int, int], Intrinsics | None]] = []

    def __call__(self, pair: RgbdFrame) -> Prediction:
        depth = np.full(pair.depth_m.shape, self._depth(len(self.seen)), np.float32)
        self.seen.append((pair.color.size, pair.intrinsics))
        return Prediction(depth, np.array(self._class_scores, np.float32))


@pytest.mark.parametrize("write", [write_bag, write_sqlite_bag])
def test_scores_are_means_over_frames(tmp_path: Path, write: Any) -> None:
    depths = [depth_pixels(2000), depth_pixels(4000)]
    predictions = FakePredictions(lambda index: (2.0, 3.0)[index])
    evaluation = evaluate_bag(write(tmp_path / "bag", rgbd_messages(2, depths)), predictions)
    assert evaluation.complete
    assert predictions.seen == [((HEIGHT, WIDTH), CAMERA)] * 2
    result = summarize([evaluation], SUBJECT, EvaluationOptions())
    assert result.frames == 2
    assert result.depth.scores.mae == pytest.approx(0.5)
    assert result.depth.scores.abs_rel == pytest.approx(0.125)
    assert result.depth.scores.delta1 == 0.5
    assert result.depth.scaled.mae == pytest.approx(0.0, abs=1e-6)
    assert result.depth.baselines["best_constant"].depth_m in (2.0, 4.0)
    assert result.depth.baselines["best_constant"].scores.mae == pytest.approx(1.0)
    assert result.depth.baselines["training_median"].depth_m == 3.0
    assert result.depth.baselines["training_median"].scores.mae == pytest.approx(1.0)
    assert set(SCORE_NAMES) < set(result.depth.baselines["training_median"].scores.by_name())
    assert result.left_out == dict.fromkeys(result.left_out, 0)
    assert result.focal_corrected == 2
    rows = [(row.from_m, row.to_m, row.share, row.mae, row.bias_m) for row in result.depth.by_distance]
    assert rows == [(2.0, 3.0, 0.5, 0.0, 0.0), (4.0, 6.0, 0.5, 1.0, -1.0)]


def test_frames_without_valid_depth_are_counted_not_scored(tmp_path: Path) -> None:
    depths = [depth_pixels(2000), depth_pixels(0), depth_pixels(60_000)]
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", rgbd_messages(3, depths)), FakePredictions(lambda index: 2.0))
    assert len(evaluation.frames) == 1
    assert evaluation.left_out["no_valid_depth"] == 2
    assert evaluation.complete


def test_a_bag_of_nan_depth_is_an_error_that_counts(tmp_path: Path) -> None:
    depths = [np.full((HEIGHT, WIDTH), np.nan, np.float32)] * 3
    path = write_bag(tmp_path / "bag", rgbd_messages(3, depths, encoding="32FC1"))
    with pytest.raises(BagError, match="no frame that can be scored: 3 frames without valid depth"):
        evaluate_bag(path, FakePredictions(lambda index: 2.0))


def test_clocks_that_never_meet_are_an_error_that_counts(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", rgbd_messages(3, depth_late_us=3_600_000_000))
    with pytest.raises(BagError, match="3 color images without depth, 3 depth images without color"):
        evaluate_bag(path, FakePredictions(lambda index: 2.0))


def test_depth_of_another_size_than_color_is_scored_at_its_own(tmp_path: Path) -> None:
    depths = [np.full((9, 12), 2000, np.uint16)] * 2
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", rgbd_messages(2, depths)), FakePredictions(lambda index: 2.0))
    assert [frame.truth.counts.sum() for frame in evaluation.frames] == [108, 108]


def test_a_calibration_of_another_view_is_not_used(tmp_path: Path) -> None:
    wide = Intrinsics(640, 200, 525.0, 525.0, 320.0, 100.0)
    predictions = FakePredictions(lambda index: 2.0)
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", rgbd_messages(2, camera=wide)), predictions)
    assert [intrinsics for _, intrinsics in predictions.seen] == [None, None]
    assert evaluation.focal_corrected == 0


def test_a_calibration_of_another_resolution_is_scaled(tmp_path: Path) -> None:
    predictions = FakePredictions(lambda index: 2.0)
    double = CAMERA.scaled(2 * HEIGHT, 2 * WIDTH)
    evaluate_bag(write_bag(tmp_path / "bag", rgbd_messages(2, camera=double)), predictions)
    assert predictions.seen[0][1] == CAMERA


def test_a_prediction_without_depth_is_counted_as_failed(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", rgbd_messages(3))
    evaluation = evaluate_bag(path, FakePredictions(lambda index: np.nan if index == 1 else 2.0))
    assert (len(evaluation.frames), evaluation.left_out["prediction_failed"]) == (2, 1)
    assert not evaluation.complete
    with pytest.raises(EngineError, match="no depth where there is ground truth"):
        evaluate_bag(path, FakePredictions(lambda index: np.nan))


def test_a_truncated_bag_is_scored_as_far_as_it_goes(tmp_path: Path) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(40)]
    path = write_bag(tmp_path / "bag", rgbd_messages(40, depths))
    cut(path, 0.6)
    evaluation = evaluate_bag(path, FakePredictions(lambda index: 2.0))
    assert 15 <= len(evaluation.frames) <= 24
    assert evaluation.damage is not None
    assert not evaluation.complete


@pytest.mark.parametrize(
    ("scores", "accuracy", "top1"), [((0.1, 0.6), 1.0, 1.0), ((0.1, 0.4), 0.0, 1.0), ((0.6, 0.3), 0.0, 0.0)]
)
def test_class_results_where_the_label_is_known(
    tmp_path: Path, scores: tuple[float, float], accuracy: float, top1: float
) -> None:
    options = EvaluationOptions(label="bicycle")
    path = write_bag(tmp_path / "bag", rgbd_messages(3))
    result = summarize([evaluate_bag(path, FakePredictions(lambda index: 2.0, scores), options)], SUBJECT, options)
    assert result.classes.accuracy == accuracy
    assert result.classes.top1 == top1
    assert result.classes.mean_score == pytest.approx(scores[1])
    assert result.classes.frames == 3


def test_bags_are_pooled_frame_by_frame(tmp_path: Path) -> None:
    one = evaluate_bag(write_bag(tmp_path / "one", rgbd_messages(1)), FakePredictions(lambda index: 3.0))
    three = evaluate_bag(write_bag(tmp_path / "three", rgbd_messages(3)), FakePredictions(lambda index: 2.0))
    result = summarize([one, three], SUBJECT, EvaluationOptions())
    assert result.frames == 4
    assert result.depth.scores.mae == pytest.approx(0.25)


def test_depth_beyond_the_range_does_not_count(tmp_path: Path) -> None:
    depth = depth_pixels(2000)
    depth[:10] = 6000
    path = write_bag(tmp_path / "bag", rgbd_messages(1, [depth]))
    options = EvaluationOptions(max_depth_m=5.0)
    result = summarize([evaluate_bag(path, FakePredictions(lambda index: 2.0), options)], SUBJECT, options)
    assert result.depth.scores.mae == 0.0
    assert result.depth.by_distance[-1].to_m <= 5.0
    assert result.depth_range_m == (0.1, 5.0)


def test_frames_without_a_prediction_are_counted_and_not_scored(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", rgbd_messages(3))
    answers = iter([Prediction(np.full((HEIGHT, WIDTH), 2.0, np.float32), np.zeros(2, np.float32)), None, None])
    evaluation = evaluate_bag(path, lambda pair: next(answers))
    assert (len(evaluation.frames), evaluation.left_out["not_predicted"]) == (1, 2)
    assert "2 frames without a prediction" in evaluation.left_out_words()
