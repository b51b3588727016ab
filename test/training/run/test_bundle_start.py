"""A run that begins with a bundle: its depth goes on learning, its classes stay; a bundle is scored as a run is."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from training.__main__ import main
from training.data.dataset import DrawSampler, FrameSamples, scan_shares, training_median_m
from training.data.prepared_data import PreparedData
from training.errors import TrainingError
from training.export.averaging import average
from training.network.bundle_weights import fill_from_weights, read_weights
from training.run.bundle_start import fill_from_start, is_bundle, kept_classes, run_of_bundle
from training.run.checkpoints import BEST
from training.run.folder import CHECKPOINTS
from training.run.lightning_module import DepthClassModule
from training.run.place_scores import place_scores
from training.run.start import run_classes

SHIPPED = {
    "encoder": "tf_efficientnet_lite0",
    "encoder_weights": "none",
    "height": 128,
    "width": 160,
    "bottleneck": 128,
    "decoder_widths": [96, 64, 16],
    "class_head": "imagenet",
    "start_from": str(DEMO_BUNDLE),
    "samples_per_epoch": 4,
    "batch_size": 2,
}


def test_a_bundle_says_of_itself_what_network_it_holds() -> None:
    run = run_of_bundle(DEMO_BUNDLE)
    bundle = ModelBundle.load(DEMO_BUNDLE)
    assert (run.module.config.decoder_widths, run.module.config.bottleneck) == ((96, 64, 16), 128)
    assert (run.threshold, run.module.classes) == (bundle.class_threshold, bundle.classes)
    assert "photos" in run.rates
    assert run.training_median_m == bundle.training_median_m
    assert is_bundle(DEMO_BUNDLE)
    assert not is_bundle(DEMO_BUNDLE.parent)


def test_its_classes_stay_as_long_as_what_they_read_stays(tiny_data: Path, tiny_config) -> None:
    config, classes = tiny_config(**SHIPPED), ModelBundle.load(DEMO_BUNDLE).classes
    kept = kept_classes(config, classes)
    assert kept is not None
    assert kept["rows"]["weight"].shape == (4, 1280)
    assert kept_classes(config, ("bicycle", "car")) is None
    assert kept_classes(tiny_config(**SHIPPED | {"encoder_training": "all"}), classes) is None
    assert kept_classes(tiny_config(), classes) is None


def test_the_depth_is_the_bundles_whatever_the_classes_are(tiny_data: Path, tiny_config) -> None:
    config, scans = tiny_config(**SHIPPED), PreparedData.load(tiny_data).scans("train")
    module = DepthClassModule(config.to_dict(), ("bicycle", "car"))
    fill_from_start(module, scans)
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 128, 160))).float()
    with torch.no_grad():
        wanted = run_of_bundle(DEMO_BUNDLE).module.model(image)["depth"]
        assert module.eval().model(image)["depth"].numpy() == pytest.approx(wanted.numpy(), abs=1e-3)


def test_recordings_of_no_class_are_enough_with_a_bundle(tiny_data: Path, tiny_config) -> None:
    data = PreparedData.load(tiny_data)
    nothing = PreparedData(data.folder, data.height, data.width, (), data.all_scans, data.splits)
    assert run_classes(tiny_config(**SHIPPED), nothing) == ModelBundle.load(DEMO_BUNDLE).classes
    assert run_classes(tiny_config(**SHIPPED), data) == data.classes
    for changes in ({"encoder_training": "partly"}, {"start_from": ""}):
        with pytest.raises(TrainingError, match=r"or begin with start_from=BUNDLE"):
            run_classes(tiny_config(**SHIPPED | changes), nothing)


@pytest.mark.timeout(400)
def test_a_run_from_a_bundle_trains_and_a_bundle_is_scored_by_place(tiny_data: Path, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "scores.json"
    assert main(["evaluate", str(DEMO_BUNDLE), "--data", str(tiny_data), "--json", str(folder)]) == 0
    places = json.loads(folder.read_text())["places"]
    assert places["places"] == 3
    assert places["worst"] >= places["median"] > 0
    assert "over 3 real places AbsRel" in capsys.readouterr().out
    assert not (DEMO_BUNDLE / "metrics.json").exists()


def test_kept_maps_give_the_depth_that_the_model_gives(tiny_data: Path, tiny_config) -> None:
    torch.manual_seed(0)
    config = tiny_config(reuse_views=2, class_head="imagenet", decoder_dropout=0.0, class_loss_weight=0.0)
    module = DepthClassModule(config.to_dict() | {"class_head": "linear"}, ("bicycle", "car")).eval()
    torch.nn.init.normal_(module.model.decoder.head.weight, std=0.05)
    image = torch.rand(3, 3, 32, 64) * 255
    with torch.no_grad():
        wanted = module.model(image)["depth"].numpy()
        first = module._outputs(image, torch.tensor([5, 6, 7]))["depth"].numpy()
        again = module._outputs(torch.zeros_like(image), torch.tensor([7, 5, 6]))["depth"].numpy()
    assert first == pytest.approx(wanted, rel=5e-3)
    assert again == pytest.approx(wanted[[2, 0, 1]], rel=5e-3)


def test_views_come_again_in_another_order(tiny_scans: list, tiny_config) -> None:
    sampler, seen = DrawSampler(tiny_scans, tiny_config(reuse_views=2)), []
    for epoch in range(4):
        sampler.set_epoch(epoch)
        seen.append(list(sampler))
    assert set(seen[0]) == set(seen[1])
    assert seen[0] != seen[1]
    assert not set(seen[1]) & set(seen[2])
    assert set(seen[2]) == set(seen[3])


def test_balance_draws_rare_distances_more_often(tiny_scans: list, tiny_config) -> None:
    plain, flat = (scan_shares(tiny_scans, tiny_config(balance_depth=power)) for power in (0.0, 1.0))
    medians = np.array([np.median(scan.depth[scan.depth > 0]) for scan in tiny_scans])
    apart = np.abs(np.log(medians[:, None] / medians)).sum(axis=1)
    assert plain == pytest.approx(np.full(len(tiny_scans), 1 / len(tiny_scans)))
    assert flat.sum() == pytest.approx(1)
    assert flat.argmax() == apart.argmax()
    assert training_median_m(tiny_scans, tiny_config(balance_depth=1.0)) > 0


def test_a_scan_counts_once_however_long_it_is(tiny_scans: list, tiny_config) -> None:
    samples = FrameSamples(tiny_scans, tiny_config(), augment=False)
    assert sum(float(samples[(0, at)]["share"]) for at in range(len(samples))) == pytest.approx(len(tiny_scans))


def test_places_leave_out_what_is_rendered_and_what_has_no_depth() -> None:
    def row(raw: float, constant: float) -> dict:
        return {"abs_rel": raw, "scaled": {"abs_rel": raw / 2}, "best_constant": {"abs_rel": constant}}

    scans = {"none/a": row(0.2, 0.3), "none/b": row(1.0, 0.3), "none/c": row(0.3, 0.2), "none/d": {"frames": 3}}
    found = place_scores(scans | {"none/s001-00002": row(9.0, 1.0)})
    assert found is not None
    assert (found.places, found.worst_place, found.better_than_constant) == (3, "none/b", 1)
    assert (found.mean, found.median) == pytest.approx((0.5, 0.3))
    assert place_scores({"none/d": {"frames": 3}}) is None


def moved_run(folder: Path, config, by: float) -> Path:
    """A run that began with the shipped bundle and has moved its depth by a factor of about exp(9.2 * `by` / 4)."""
    module = DepthClassModule(config.to_dict(), ModelBundle.load(DEMO_BUNDLE).classes, 1.5)
    fill_from_weights(module.model, read_weights(DEMO_BUNDLE / "model.onnx"))
    with torch.no_grad():
        module.model.decoder.head.bias += by
    (folder / CHECKPOINTS).mkdir(parents=True)
    state = {"hyper_parameters": dict(module.hparams), "state_dict": module.state_dict(), "global_step": 0}
    torch.save(state, folder / CHECKPOINTS / BEST)
    (folder / "run.json").write_text(json.dumps({"trained_on": [f"hall {by}"]}))
    return folder


@pytest.mark.timeout(400)
def test_the_mean_of_runs_keeps_the_classes_of_the_first(tiny_data: Path, tiny_config, tmp_path: Path) -> None:
    config = tiny_config(**SHIPPED)
    runs = [str(moved_run(tmp_path / str(by), config, by)) for by in (0.5, -0.5)]
    runs[0] += f"/{CHECKPOINTS}/{BEST}"
    made = tmp_path / "mean"
    arguments = ["--data", str(tiny_data), "--output", str(made), "--model-version", "9.9.9"]
    assert main(["average", str(DEMO_BUNDLE), *runs, *arguments]) == 0
    bundle, shipped = ModelBundle.load(made), ModelBundle.load(DEMO_BUNDLE)
    assert (bundle.version, bundle.classes, bundle.training_median_m) == ("9.9.9", shipped.classes, 1.5)
    assert bundle.class_threshold == shipped.class_threshold
    assert {"hall 0.5", "hall -0.5", *shipped.trained_on} == set(bundle.trained_on)
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 128, 160))).float()
    with torch.no_grad():
        wanted, found = (run_of_bundle(folder).module.model(image) for folder in (DEMO_BUNDLE, made))
    assert found["depth"].numpy() == pytest.approx(wanted["depth"].numpy(), abs=2e-3)
    assert found["class_scores"].numpy() == pytest.approx(wanted["class_scores"].numpy(), abs=1e-4)


def test_a_run_whose_encoder_learnt_is_not_averaged(tiny_config, tmp_path: Path) -> None:
    run = moved_run(tmp_path / "run", tiny_config(**SHIPPED), 0.1)
    state = torch.load(run / CHECKPOINTS / BEST, weights_only=True)
    state["state_dict"]["model.encoder.backbone.conv_head.weight"] += 0.1
    torch.save(state, run / CHECKPOINTS / BEST)
    kept, _ = average(DEMO_BUNDLE, [moved_run(tmp_path / "moved", tiny_config(**SHIPPED), 0.4)], keep=0.75)
    own = run_of_bundle(DEMO_BUNDLE).module.model.decoder.head.bias
    assert (kept.module.model.decoder.head.bias - own).item() == pytest.approx(0.1, abs=1e-4)
    with pytest.raises(TrainingError, match=r"trained its encoder \(encoder\.backbone\.conv_head\.weight\)"):
        average(DEMO_BUNDLE, [DEMO_BUNDLE, run])
