"""Which of Mitsuba's variants renders: "scalar" runs everywhere, "llvm" is two to three times as fast where it runs.

LLVM's needs the library libLLVM (19 and 22 seen to work, 16 not; Debian has libllvm19), which Dr.Jit finds by its usual
name or at DRJIT_LIBLLVM_PATH. Pictures of the two differ by the path tracer's noise alone.
"""

from __future__ import annotations

import subprocess
import sys

from redwood_depth.errors import ScanError

VARIANTS = {"scalar": "scalar_rgb", "llvm": "llvm_ad_rgb"}


def use_renderer(name: str) -> None:
    """Render with a variant from now on, in this process. Raises ImportError where its library is missing."""
    import mitsuba as mi

    from training.synthetic.rendering import render  # noqa: F401  sets a variant where it is imported first

    mi.set_variant(VARIANTS[name])


def check_renderer(name: str) -> None:
    """Try a variant in a process of its own, which an LLVM that does not know the processor aborts.

    Raises:
        ScanError: it does not render here.
    """
    if name == "scalar":
        return
    trial = subprocess.run([sys.executable, "-m", __name__, name], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        lines = trial.stderr.strip().splitlines() or [f"exit code {trial.returncode}"]
        raise ScanError(
            f"the renderer {name} does not work here ({lines[-1][:200]}); it needs libLLVM 19 or newer, which "
            "DRJIT_LIBLLVM_PATH may name; leave out --renderer for the one that runs everywhere"
        )


def _try(name: str) -> None:
    """Render a tiny room. Scenes of any materials compile much the same code."""
    from redwood_depth.bundle import NO_CLASS
    from training.synthetic.rendering.render import load_scene, render_color, render_surface
    from training.synthetic.scenario import random_scenario

    use_renderer(name)
    scenario = random_scenario(NO_CLASS, (0, 0), frames=1, width=64, height=48)
    scene, pose = load_scene(scenario.street.parts, scenario.light), scenario.path.pose(0.0)
    render_color(scene, scenario.camera, pose, samples=1)
    render_surface(scene, scenario.camera, pose)


if __name__ == "__main__":
    _try(sys.argv[1])
