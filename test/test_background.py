"""The tests in the background: what a script starts with `&` ignores SIGINT, and hands that on to its children."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLEEPER = "import time; print('up', flush=True); time.sleep(60)"


def test_what_a_test_starts_heeds_ctrl_c() -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sleeper:
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == b"up\n"
        sleeper.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in sleeper.communicate(timeout=50)[1]


def test_in_the_background_it_does_so_too() -> None:
    test = f"test/{Path(__file__).name}::{test_what_a_test_starts_heeds_ctrl_c.__name__}"
    script = f'"{sys.executable}" -m pytest -p pytest_timeout -p no:cacheprovider "{test}" & wait $!'
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # else the plugin that is named comes twice
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, env=alone, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout
