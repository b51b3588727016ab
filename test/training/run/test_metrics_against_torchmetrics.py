"""Our scores of depth and class beside those of torchmetrics, on the same random frames."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.classification import MulticlassConfusionMatrix, MulticlassPrecision, MulticlassRecall
from torchmetrics.functional import mean_absolute_error, mean_squared_error
from torchmetrics.functional.image import structural_similarity_index_measure

from redwood_depth.evaluation.classification import class_results
from redwood_depth.evaluation.metrics import MAX_DEPTH_M, SSIM_SIGMA, SSIM_WINDOW, depth_scores, ssim, valid_depth

CLASSES = ("car", "trash container", "bicycle")
BORDER = SSIM_WINDOW // 2


def depths(seed: int, holes: float) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and truth (48, 64) in m; truth is 0 where there is none."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.2, 9.8, (48, 64)).astype(np.float32)
    pred = (target * rng.lognormal(0.0, 0.3, target.shape)).astype(np.float32)
    target[rng.random(target.shape) < holes] = 0.0
    return pred, target


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), holes=st.sampled_from([0.0, 0.1, 0.9]))
def test_mae_and_rmse(seed: int, holes: float) -> None:
    pred, target = depths(seed, holes)
    valid = valid_depth(target)
    scores = depth_scores(pred=pred, target=target)
    assert scores is not None
    p, t = torch.from_numpy(pred[valid]).double(), torch.from_numpy(target[valid]).double()
    assert scores["mae"] == pytest.approx(float(mean_absolute_error(p, t)), rel=1e-9)
    assert scores["rmse"] == pytest.approx(float(mean_squared_error(p, t, squared=False)), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), holes=st.sampled_from([0.0, 0.001, 0.004]))
def test_ssim_over_the_windows_without_a_hole(seed: int, holes: float) -> None:
    pred, target = depths(seed, holes)
    valid = valid_depth(target)
    images = (torch.from_numpy(np.where(valid, image, 0.0)).double()[None, None] for image in (pred, target))
    constants = {"gaussian_kernel": True, "sigma": SSIM_SIGMA, "kernel_size": SSIM_WINDOW, "k1": 0.01, "k2": 0.03}
    _, of_pixels = structural_similarity_index_measure(
        *images, data_range=MAX_DEPTH_M, return_full_image=True, **constants
    )
    inner = slice(BORDER, -BORDER)  # where windows lie wholly inside the image
    windows = np.lib.stride_tricks.sliding_window_view(valid, (SSIM_WINDOW, SSIM_WINDOW)).all(axis=(2, 3))
    found = ssim(pred=pred, target=target)
    if not windows.any():
        assert found is None
        return
    assert found == pytest.approx(float(of_pixels[0, 0].numpy()[inner, inner][windows].mean()), abs=2e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_class_results(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = np.concatenate((np.arange(4), rng.integers(0, 4, 60)))  # every class is shown; 3 is none of them
    scores = rng.dirichlet(np.ones(4), true.size).astype(np.float32)[:, :3]
    scores[:3] = np.eye(3)  # and every class is answered
    results = class_results(scores, [(*CLASSES, "none")[index] for index in true], CLASSES, 0.4)
    best = torch.from_numpy(np.where(scores.max(axis=1) >= 0.4, scores.argmax(axis=1), 3))
    labels = torch.from_numpy(true)
    confusion = MulticlassConfusionMatrix(4)(best, labels)
    assert results.confusion.frames == confusion.tolist()
    assert results.accuracy == pytest.approx(float(confusion.trace() / confusion.sum()))
    for name, metric in (("precision", MulticlassPrecision), ("recall", MulticlassRecall)):
        of_each = metric(4, average=None)(best, labels)[:3].tolist()  # "none" is not a class of the model
        assert [getattr(row, name) for row in results.per_class.values()] == pytest.approx(of_each)
        assert getattr(results, f"macro_{name}") == pytest.approx(np.mean(of_each))


def test_classes_without_frames_or_answers_have_no_score_where_torchmetrics_has_zero() -> None:
    """Two of three classes are in the data; one of them, and the one that is not, are never and wrongly answered."""
    labels = ["car", "car", "bicycle", "bicycle"]
    scores = np.array([[0.9, 0, 0], [0, 0.9, 0], [0.9, 0, 0], [0.9, 0, 0]], np.float32)
    classes = ("car", "bench", "bicycle")
    results = class_results(scores, labels, classes, 0.4)
    best, true = torch.from_numpy(scores.argmax(axis=1)), torch.tensor([classes.index(label) for label in labels])
    for name, metric in (("precision", MulticlassPrecision), ("recall", MulticlassRecall)):
        ours = [getattr(row, name) for row in results.per_class.values()]
        theirs = metric(3, average=None)(best, true).tolist()
        assert [0.0 if value is None else value for value in ours] == pytest.approx(theirs)
    assert [row.precision for row in results.per_class.values()] == [pytest.approx(1 / 3), None, None]
    assert [row.recall for row in results.per_class.values()] == [0.5, None, 0.0]
    assert float(MulticlassPrecision(3)(best, true)) == pytest.approx(1 / 9)  # of three, ours is of the one that has it
    assert results.macro_precision == pytest.approx(1 / 3)
