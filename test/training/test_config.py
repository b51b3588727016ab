"""Configurations: every file loads, the paper's is the paper's, and a mistake is one line that helps."""

from pathlib import Path

import pytest

from training.config import TrainConfig, config_from, load_config
from training.errors import TrainingError

FOLDER = Path(__file__).resolve().parents[2] / "config" / "train"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_the_files_of_the_readme_are_there() -> None:
    assert {"demo.yaml", "paper.yaml", "robot.yaml"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_loads_explains_itself_and_survives_a_round_trip(path: Path) -> None:
    config = load_config(path)
    assert path.read_text().startswith("# ")
    assert config_from(config.to_dict()) == config


def test_the_papers_recipe_is_the_papers() -> None:
    config = load_config(FOLDER / "paper.yaml")
    given = {name: value for name, value in config.to_dict().items() if value != TrainConfig().to_dict()[name]}
    assert given == {
        "encoder": "densenet169",
        "encoder_maps": [f"features.{name}" for name in ("norm0", "pool0", "transition1", "transition2", "norm5")],
        "normalisation": "divide_by_255",
        "decoder_widths": [416, 208, 104, 52, 32],
        "bottleneck": 832,
        "decoder_dropout": 0.0,
        "depth_output": "linear",
        "depth_range_m": [0.1, 12.1],
        "class_background": False,
        "depth_loss": "paper",
        "mask_missing": False,
        "sampling": "frames",
        "augment_camera": False,
        "augment_light": False,
        "swap_red_green": True,
        "optimizer": "adam_amsgrad",
        "learning_rate": 1e-4,
        "schedule": "constant",
        "epochs": 100,
    }
    assert (config.height, config.width, config.batch_size, config.class_dropout) == (96, 128, 16, 0.2)
    assert config.flip
    assert config.encoder_training == "frozen"


def test_arguments_win_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("epochs: 3\nlearning_rate: 1e-3\nencoder: resnet18\n")
    overrides = [
        "epochs=7",
        "decoder_widths=[8, 8]",
        "depth_range_m=[0.2, 5]",
        "flip=false",
        "photos=",
        "encoder_maps=[]",
    ]
    config = load_config(tmp_path / "a.yaml", overrides)
    assert (config.epochs, config.learning_rate, config.encoder) == (7, 1e-3, "resnet18")
    assert (config.decoder_widths, config.depth_range_m, config.flip) == ((8, 8), (0.2, 5.0), False)
    assert config.photos == ""


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epoch=3", "unknown key 'epoch'; did you mean epochs"),
        ("zzzzzz=3", "unknown key 'zzzzzz'$"),
        ("epochs", "'epochs' is not KEY=VALUE"),
        ("epochs=many", "epochs: 'many' is not a whole number"),
        ("epochs=2.5", "epochs: 2.5 is not a whole number"),
        ("epochs=[2]", r"epochs: \[2\] is not a whole number"),
        ("epochs=0", "epochs must be at least 1, not 0"),
        ("epochs=true", "epochs: True is not a whole number"),
        ("epochs=.inf", "epochs: inf is not a whole number"),
        ("flip=1", "flip: 1 is not true or false"),
        ("learning_rate=fast", "learning_rate: 'fast' is not a number"),
        ("learning_rate=.nan", "learning_rate must be above 0, not nan"),
        ("learning_rate=0", "learning_rate must be above 0, not 0.0"),
        ("gradient_weight=-1", "gradient_weight must be at least 0, not -1.0"),
        ("class_dropout=1", "class_dropout must be within 0..1, not 1.0"),
        ("decoder_widths=48", "decoder_widths: 48 is not a list"),
        ("decoder_widths=[]", r"decoder_widths must be a list of channels, not \[\]"),
        ("decoder_widths=[a]", "decoder_widths: 'a' is not a whole number"),
        ("encoder_maps=layer1", "encoder_maps: 'layer1' is not a list"),
        ("encoder_maps=[a", r"encoder_maps: '\[a' is not a value in YAML"),
        ("depth_range_m=[5, 1]", "depth_range_m must be 0 < min < max"),
        ("depth_range_m=[1]", "depth_range_m must be 0 < min < max"),
        ("scan_weights=2", "scan_weights: 2 is not a table"),
        ("height=100", "multiples of 32, not 100 and 128"),
        ("depth_loss=l3", "depth_loss: 'l3' is none of log_l1, abs_rel, l1, paper"),
        ("encoder=[1]", r"encoder: \[1\] is not a text"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, override: str, message: str) -> None:
    (tmp_path / "a.yaml").write_text("")
    with pytest.raises(TrainingError, match=message) as caught:
        load_config(tmp_path / "a.yaml", [override])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["- 1\n", "epochs: [1\n", "text"])
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(TrainingError, match=r"a\.yaml"):
        load_config(tmp_path / "a.yaml")
    with pytest.raises(TrainingError, match="cannot be read"):
        load_config(tmp_path / "absent.yaml")
