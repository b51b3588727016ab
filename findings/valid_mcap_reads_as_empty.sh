#!/usr/bin/env bash
# Valid MCAP files of which Python's two common readers give nothing, a part, or an error.
# One would think: a reader either gives all messages of a file or says that it cannot read it.
# What happens, with files whose writer left out what the specification (https://mcap.dev/spec) lets it leave out:
#   no message indexes     (rosbag2's `noMessageIndex: true`)     rosbags gives none of 30 messages, and no error;
#   no repeated channels   (`noRepeatedChannels: true`)           rosbags gives none, mcap a KeyError;
#   no repeated schemas    (`noRepeatedSchemas: true`)            mcap a KeyError;
#   no chunks, and a time of logging that steps back (`--storage-preset-profile fastwrite`, simulation time set back)
#                                                                 rosbags an error.
# What we do: bags/storage/ reads MCAP itself; it believes a summary only where it accounts for every message.
# Seen on 2026-11-27 with rosbags 0.11.9 and mcap 1.6.0.
set -euo pipefail
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cd "$folder"
python3 -m venv env && env/bin/pip install -qq mcap==1.6.0 rosbags==0.11.9 lz4==4.4.5 zstandard==0.25.0

cat > try.py <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

from mcap.reader import make_reader
from mcap.writer import IndexType, Writer
from rosbags.rosbag2 import Reader

STRING = b"\0\1\0\0\3\0\0\0hi\0"  # std_msgs/msg/String in CDR
NO_MESSAGE_INDEX = IndexType.ATTACHMENT | IndexType.CHUNK | IndexType.METADATA


def write(path: Path, times: list[int], **how: object) -> None:
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=500, **how)
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channel = writer.register_channel("/words", "cdr", schema)
        for time in times:
            writer.add_message(channel, time, STRING, time)
        writer.finish()


def with_rosbags(path: Path) -> str:
    with Reader(path) as reader:
        counted = reader.message_count
        return f"{sum(1 for _ in reader.messages())} of {counted} that it counts"


def with_mcap(path: Path) -> str:
    with path.open("rb") as file:
        return f"{sum(1 for _ in make_reader(file).iter_messages())} messages"


def told(read: object, path: Path) -> str:
    try:
        return read(path)
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


print("rosbags", version("rosbags"), "mcap", version("mcap"))
ordered, back = list(range(1, 31)), [*range(10, 31), *range(1, 10)]
for name, times, how in (
    ("everything", ordered, {}),
    ("no message indexes", ordered, {"index_types": NO_MESSAGE_INDEX}),
    ("no repeated channels", ordered, {"repeat_channels": False}),
    ("no repeated schemas", ordered, {"repeat_schemas": False}),
    ("no chunks, time steps back", back, {"use_chunking": False}),
):
    path = Path("file.mcap")
    write(path, times, **how)
    print(f"{name:27} rosbags: {told(with_rosbags, path):45.45} mcap: {told(with_mcap, path)}".rstrip())
PYTHON
env/bin/python try.py | tee seen.txt
cat > expected.txt <<'TEXT'
rosbags 0.11.9 mcap 1.6.0
everything                  rosbags: 30 of 30 that it counts                       mcap: 30 messages
no message indexes          rosbags: 0 of 30 that it counts                        mcap: 30 messages
no repeated channels        rosbags: 0 of 30 that it counts                        mcap: KeyError: 1
no repeated schemas         rosbags: 30 of 30 that it counts                       mcap: KeyError: 1
no chunks, time steps back  rosbags: ReaderError: Unindexed MCAP messages are not  mcap: 30 messages
TEXT
diff expected.txt seen.txt && echo "as described"
