"""README and docs say what is: length, links, commands and their options, make targets, parameters, numbers."""

import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import redwood_depth
from redwood_depth.bundle import ModelBundle

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
INSTALLED = {path.stem for path in (ROOT / "redwood_depth" / "commands").glob("*.py")} - {"__init__"}
OFFLINE = {path.stem for path in (ROOT / "training" / "commands").glob("*.py")}
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code_lines(text: str) -> list[str]:
    """Lines of the fenced shell blocks, continued lines joined, comments off."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [line.split(" #")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def anchors(page: Path) -> set[str]:
    """What GitHub and MyST call the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@functools.cache
def options(*command: str) -> set[str]:
    """The long options that `--help` of a command shows; of a training command, which imports torch, its file's."""
    if command[0] == "training":
        return set(
            re.findall(r'"(--[a-z][a-z-]*)"', (ROOT / "training" / "commands" / f"{command[1]}.py").read_text("utf-8"))
        )
    shown = subprocess.run([sys.executable, "-m", *command, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    return set(re.findall(r"--[a-z][a-z-]*", shown.stdout))


def commands(line: str) -> list[tuple[tuple[str, ...], set[str]]]:
    """The project's commands in a line of shell, each as `python -m` takes it, with the options given."""
    named = re.findall(rf"(?:^|[\s/;])({'|'.join(sorted(INSTALLED))})((?:\s[^;&|]*)?)$", line)
    found = [((f"redwood_depth.commands.{name}",), rest) for name, rest in named]
    offline = re.search(rf"(?:-m |^)training ({'|'.join(sorted(OFFLINE))})\b(.*)", line)
    if offline:
        found = [(("training", offline[1]), offline[2])]
    return [
        (command, set(re.findall(r"(?<=\s)--[a-z][a-z-]*", rest)) - {"--ros-args", "--enclave"})
        for command, rest in found
    ]


def test_the_readme_is_one_page() -> None:
    assert len(README.split()) <= 900
    assert [line for line in README.splitlines() if len(line) > 120] == []


@every_page
def test_every_link_resolves(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@every_page
def test_every_command_and_option_exists(page: Path) -> None:
    for line in code_lines(page.read_text("utf-8")):
        for command, given in commands(line):
            assert not given or given <= options(*command), line


def test_the_commands_are_found_in_the_text() -> None:
    found = [command for line in code_lines(README) for command, _ in commands(line)]
    assert {*found} >= {
        ("training", "train"),
        ("redwood_depth.commands.evaluate_bag",),
        ("redwood_depth.commands.doctor",),
    }


@every_page
def test_every_make_target_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    lines = [*re.findall(r"`(make [^`\n]*)`", text), *(line for line in code_lines(text) if line.startswith("make "))]
    for line in lines:
        words = [word for word in line.split()[1:] if "=" not in word]
        assert set(words) <= targets, line


@every_page
def test_every_launch_argument_exists(page: Path) -> None:
    for line in code_lines(page.read_text("utf-8")):
        launched = re.search(r"ros2 launch redwood_depth (\S+)(.*)", line)
        if launched:
            declared = (ROOT / "launch" / launched[1]).read_text("utf-8")
            for name in re.findall(r"(\w+):=", launched[2]):
                assert f'"{name}"' in declared, line


def test_the_table_of_parameters_is_the_nodes() -> None:
    pytest.importorskip("rcl_interfaces.msg", reason="needs ROS 2 messages")
    from redwood_depth.node.parameters import Parameters

    table = README.partition("## Parameters")[2].partition("\n## ")[0]
    rows = re.findall(r"^`(\w+)` \| `([^`]*)` \|", table, flags=re.MULTILINE)
    ours = {name: default.strip('"') for name, default in rows}
    assert ours == {
        name: str(value).replace("True", "true").replace("False", "false") for name, value in vars(Parameters()).items()
    }


def test_the_table_of_numbers_is_what_was_measured() -> None:
    numbers = README.partition("--- | --- | --- | ---\n")[2].splitlines()[0].split(" | ")
    abs_rel, constant, milliseconds, megabytes = (float(n) for n in re.findall(r"[\d.]*\d", " ".join(numbers[:3])))
    folder = ROOT / "redwood_depth" / "models" / "demo"
    measured = json.loads((ROOT / "docs" / "performance.json").read_text("utf-8"))
    card = (ROOT / "docs" / "model_card.md").read_text("utf-8")
    assert numbers[3] == ", ".join(ModelBundle.load(folder).classes)
    assert megabytes == round((folder / "model.onnx").stat().st_size / 1e6, 1)
    assert milliseconds == round(measured["node_against_engine"][0]["node"]["p50_ms"], 1)
    assert f"| {abs_rel:.3f} |" in card
    assert f"| {constant:.3f} |" in card


def test_the_lines_of_python_run() -> None:
    if not hasattr(redwood_depth, "Estimator"):
        pytest.skip("needs Estimator.open")
    (block,) = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    names = {"image_rgb": np.full((48, 64, 3), 128, np.uint8)}
    exec(block, names)
    assert len([line for line in block.splitlines() if line]) == 5
    assert names["prediction"].depth_m.shape == (48, 64)


def test_the_picture_of_the_house_has_every_room() -> None:
    picture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for house in ("redwood_depth", "training"):
        rooms = [path for path in (ROOT / house).iterdir() if not path.name.startswith("_")]
        for room in rooms:
            if room.is_dir() or room.suffix == ".py":
                assert room.name + "/" * room.is_dir() in picture, f"docs/architecture.md lacks {house}/{room.name}"


def test_citation_and_readme_name_the_same_paper() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert "Multitask Deep Learning for Depth Estimation and Object Classification" in README
    assert "Multitask Deep Learning for Depth Estimation and Object Classification" in citation
    assert f"version: {redwood_depth.__version__}" in citation
