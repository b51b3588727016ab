"""The training side, in the environment that has torch: python -m bench.training SCAN prints JSON.

`prepare` is one core's; each measurement is a function that returns a dictionary, so that more can stand beside it.
"""

import json
import sys
from pathlib import Path

from training.prepare_scan import PrepareSettings
from training.prepare_speed import measure


def prepare(scan: Path) -> dict[str, float]:
    """Frames a second on one core: scans -> 96x128 with reading and writing, and decoding alone."""
    settings = PrepareSettings(height=96, width=128, frames_per_scan=0)
    result = measure(scan, settings)
    return {**result, "share_of_decoding": result["prepare_frames_per_s"] / result["decode_frames_per_s"]}


MEASUREMENTS = {"prepare": prepare}


def main() -> int:
    """Entry point. Returns the exit code."""
    scan = Path(sys.argv[1])
    print(json.dumps({name: measurement(scan) for name, measurement in MEASUREMENTS.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
