#!/usr/bin/env bash
# A SQLite bag whose recording was killed: rosbags gives a part of what was committed, and no word.
# One would think: what SQLite itself gives of the file, a reader of bags gives too.
# What happens: rosbag2's `--storage-preset-profile resilient` writes with SQLite's write-ahead log (`bag.db3-wal`); of a
# recording that was killed the newest messages are in there alone, safely committed. rosbags opens the file as
# "immutable", which passes over the log. Any SQLite program gives all of them.
# What we do: a log that is not empty is read in a copy (reading it in place would change the recording), and said.
# Seen on 2026-11-27 with rosbags 0.11.9 and SQLite 3.40.1.
set -euo pipefail
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cd "$folder"
python3 -m venv env && env/bin/pip install -qq rosbags==0.11.9

cat > record.py <<'PYTHON'
import os
import sqlite3
from pathlib import Path

from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

types = get_typestore(Stores.ROS2_JAZZY)
word = types.serialize_cdr(types.types["std_msgs/msg/String"]("hi"), "std_msgs/msg/String")
with Writer(Path("bag"), version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
    connection = writer.add_connection("/words", "std_msgs/msg/String", typestore=types)
    for time in range(10):
        writer.write(connection, time, bytes(word))
database = sqlite3.connect("bag/bag.db3")  # the recording goes on as the resilient preset does it
database.execute("PRAGMA journal_mode = WAL")
for time in range(10, 40):
    database.execute("INSERT INTO messages (topic_id, timestamp, data) VALUES (1, ?, ?)", (time, bytes(word)))
    database.commit()
os._exit(0)  # and is killed
PYTHON
cat > look.py <<'PYTHON'
import sqlite3
from importlib.metadata import version
from pathlib import Path

from rosbags.rosbag2 import Reader

with Reader(Path("bag/bag.db3")) as reader:
    print("rosbags", version("rosbags"), "gives", sum(1 for _ in reader.messages(reader.connections)))
((count,),) = sqlite3.connect("bag/bag.db3").execute("SELECT COUNT(*) FROM messages")
print("SQLite gives", count)
PYTHON
env/bin/python record.py && env/bin/python look.py | tee seen.txt
cat > expected.txt <<'TEXT'
rosbags 0.11.9 gives 10
SQLite gives 40
TEXT
diff expected.txt seen.txt && echo "as described"
