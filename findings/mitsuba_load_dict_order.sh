#!/usr/bin/env bash
# Mitsuba's load_dict gives a scene's emitters in an order that changes from one load to the next, so that a renderer with
# a seed does not give the same picture twice.
# One would think: a dictionary is loaded in its own order, at least with parallel=False.
# What happens: area lights of shapes that load_dict makes itself (nested dictionaries) come in dozens of orders, about
# every second load in another one; shapes that were made beforehand keep theirs.
# Seen on 2026-11-28 with mitsuba 3.9.1, variant scalar_rgb. How often differs from run to run.
# What redwood_depth does: lamps, sky and sun are made before the scene is.
set -euo pipefail
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cd "$folder"
python3 -m venv env && env/bin/pip install -qq mitsuba==3.9.1
cat > look.py <<'PYTHON'
from collections import Counter

import mitsuba as mi

mi.set_variant("scalar_rgb")
LAMPS = {
    f"lamp{index}": {
        "type": "rectangle",
        "emitter": {"type": "area", "radiance": {"type": "rgb", "value": [1.0 + index, 1.0, 1.0]}},
    }
    for index in range(6)
}
LOADS = 500


def orders(contents: dict[str, object]) -> Counter[tuple[str, ...]]:
    """How often the emitters came in which order."""
    scenes = (mi.load_dict({"type": "scene", **contents}, parallel=False) for _ in range(LOADS))
    return Counter(tuple(str(emitter) for emitter in scene.emitters()) for scene in scenes)


nested, made = orders(LAMPS), orders({name: mi.load_dict(lamp) for name, lamp in LAMPS.items()})
print(f"nested: {len(nested)} orders, {LOADS - nested.most_common(1)[0][1]} of {LOADS} loads not in the most frequent one")
print(f"made beforehand: {len(made)} orders")
assert len(nested) > 1, "nested dictionaries are now always in one order"
assert len(made) == 1, "objects made beforehand come in several orders as well"
print("as described")
PYTHON
env/bin/python look.py
