"""The two compressions that bags use: of messages, of chunks and of whole files."""

import sys
from typing import BinaryIO, cast

import lz4.frame

if sys.version_info >= (3, 14):  # as rosbags chooses it
    from compression import zstd
else:
    from backports import zstd

DECOMPRESSION_ERRORS = (zstd.ZstdError, RuntimeError, EOFError, MemoryError)  # RuntimeError: lz4's
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MAGICS = (_ZSTD_MAGIC, b"\x04\x22\x4d\x18")  # lz4


def decompressed(data: bytes | memoryview) -> bytes:
    """What was compressed with zstd or lz4. Raises DECOMPRESSION_ERRORS."""
    return zstd.decompress(data) if data[:4] == _ZSTD_MAGIC else bytes(lz4.frame.decompress(data))


def open_decompressed(file: BinaryIO) -> BinaryIO:
    """The same while reading a file from its beginning."""
    is_zstd = file.read(len(_ZSTD_MAGIC)) == _ZSTD_MAGIC
    file.seek(0)
    return cast("BinaryIO", zstd.open(file, "rb") if is_zstd else lz4.frame.open(file, "rb"))
