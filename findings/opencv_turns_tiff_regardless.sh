#!/usr/bin/env bash
# OpenCV turns a TIFF by its orientation tag whatever the flags say, so a depth image of 16 bits no longer lies on its
# color image.
# One would think: IMREAD_UNCHANGED and IMREAD_IGNORE_ORIENTATION give the pixels as stored, as the documentation of both
# says, and as they do for JPEG and PNG.
# What happens: JPEG and PNG are left as stored; TIFF is turned with either flag.
# Seen on 2026-11-28 with opencv-python-headless 4.10.0.84, 4.13.0.92 and 5.0.0.93, pictures by Pillow 12.1.0.
# What redwood_depth does: it reads the tag itself and turns the pixels back.
set -euo pipefail
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cd "$folder"
cat > look.py <<'PYTHON'
import io

import cv2
import numpy as np
from PIL import Image

SIX = 6  # the tag that says: turn by 90 degrees


def stored(kind: str) -> tuple[np.ndarray, bytes]:
    """A picture of 3x4 pixels, and its file with the tag."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = SIX
    if kind == "TIFF":
        pixels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000
        Image.fromarray(pixels).save(file, kind, tiffinfo={0x0112: SIX})
    else:
        pixels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
        Image.fromarray(pixels).save(file, kind, exif=exif)
    return pixels, file.getvalue()


words = []
for kind in ("JPEG", "PNG", "TIFF"):
    pixels, data = stored(kind)
    for name in ("IMREAD_UNCHANGED", "IMREAD_IGNORE_ORIENTATION"):
        flags = getattr(cv2, name) | (cv2.IMREAD_ANYDEPTH if name != "IMREAD_UNCHANGED" else 0)
        found = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        words.append(f"{kind} {name}: {'as stored' if found.shape[:2] == pixels.shape else 'turned'}")
print("; ".join(words))
PYTHON
for version in 4.10.0.84 4.13.0.92 5.0.0.93; do
    python3 -m venv "$version" && "$version/bin/pip" install -qq "opencv-python-headless==$version" pillow==12.1.0
    echo "$version: $("$version/bin/python" look.py)"
done | tee seen.txt
asis="JPEG IMREAD_UNCHANGED: as stored; JPEG IMREAD_IGNORE_ORIENTATION: as stored; PNG IMREAD_UNCHANGED: as stored; PNG IMREAD_IGNORE_ORIENTATION: as stored"
for version in 4.10.0.84 4.13.0.92 5.0.0.93; do
    echo "$version: $asis; TIFF IMREAD_UNCHANGED: turned; TIFF IMREAD_IGNORE_ORIENTATION: turned"
done > expected.txt
diff expected.txt seen.txt && echo "as described"
