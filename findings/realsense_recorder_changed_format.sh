#!/usr/bin/env bash
# librealsense's own recorder (realsense-viewer's "Record", rs.recorder) writes three different formats, by version.
# One would think: a ROS 1 .bag of sensor_msgs/Image with the depth camera's time stamps, as all guides say.
# What happens:
#   to 2.57  a ROS 1 bag, whatever the file's ending. Each depth image has four bytes after its last field (the depth unit,
#            a float), so that a strict reader (rosbags) refuses every one of them: "message size mismatch".
#   2.58     a rosbag2 SQLite file (an ending other than .db3 is an error) whose messages are each compressed with zstd;
#            only metadata.yaml can say that of a bag, and there is none. Calibration is text in std_msgs/String.
#   2.59     a rosbag2 SQLite file, not compressed: PNG on .../compressedDepth and .../compressed, CameraInfo, /tf_static.
# Since 2.58 the header stamps are the time since the recording began at which a frame arrived, and the camera's own time
# is text on the metadata topic. In all of them depth is in the sensor's unit (0.1 mm here), on compressedDepth as well,
# where image_transport's plugin means millimeters.
# Seen on 2026-11-27 with pyrealsense2 2.57.7.10387, 2.58.4.10922, 2.59.1.11053 (a software device: no camera is needed).
# What redwood_depth does: reads all three, and takes the unit from Depth_Units.
set -euo pipefail
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cd "$folder"

cat > record.py <<'PYTHON'
import sys, time
import numpy as np
import pyrealsense2 as rs

file, width, height = sys.argv[1], 64, 48
device = rs.software_device()
device.register_info(rs.camera_info.name, "software")


def stream(sensor, kind, form, item_bytes, uid):
    camera = rs.intrinsics()
    camera.width, camera.height, camera.fx, camera.fy, camera.ppx, camera.ppy = width, height, 60.0, 60.0, 31.5, 23.5
    video = rs.video_stream()
    video.type, video.index, video.uid, video.fmt, video.intrinsics = kind, 0, uid, form, camera
    video.width, video.height, video.fps, video.bpp = width, height, 30, item_bytes
    return sensor.add_video_stream(video)


depth, color = device.add_sensor("Depth"), device.add_sensor("Color")
profiles = stream(depth, rs.stream.depth, rs.format.z16, 2, 0), stream(color, rs.stream.color, rs.format.rgb8, 3, 1)
depth.add_read_only_option(rs.option.depth_units, 0.0001)
recorder, queue = rs.recorder(file, device), rs.frame_queue(50)
for sensor in recorder.query_sensors():
    sensor.open(sensor.get_stream_profiles()[0])
    sensor.start(queue)
for number in range(5):
    pictures = np.full((height, width), 15000, np.uint16), np.full((height, width, 3), 90, np.uint8)
    for sensor, profile, picture, item_bytes in zip((depth, color), profiles, pictures, (2, 3)):
        frame = rs.software_video_frame()
        frame.pixels, frame.stride, frame.bpp = picture.view(np.uint8).reshape(-1), width * item_bytes, item_bytes
        frame.timestamp, frame.frame_number, frame.profile = 50_000.0 + 33 * number, number, profile.as_video_stream_profile()
        if sensor is depth:
            frame.depth_units = 0.0001
        sensor.on_video_frame(frame)
    time.sleep(0.05)
for sensor in recorder.query_sensors():
    sensor.stop()
    sensor.close()
PYTHON
cat > look.py <<'PYTHON'
import sqlite3, sys

import numpy as np
import zstandard
from rosbags.rosbag1 import Reader
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_typestore

if open(sys.argv[1], "rb").read(13) == b"#ROSBAG V2.0\n":
    types = get_typestore(Stores.ROS1_NOETIC)
    with Reader(sys.argv[1]) as reader:
        for connection, _, data in reader.messages():
            if connection.topic.endswith("Depth_0/image/data"):
                try:
                    said = types.deserialize_ros1(data, connection.msgtype).encoding
                except SerdeError as error:
                    said = str(error)
                unit = np.frombuffer(data[-4:], np.float32)[0]
                print(f"ROS 1 bag; {connection.topic}; {said}; its last four bytes as a float: {unit:.4f}")
                raise SystemExit
types, rows = get_typestore(Stores.ROS2_JAZZY), sqlite3.connect(sys.argv[1])
query = "select name, type, data from messages join topics on topics.id = topic_id order by messages.id"
first = {}
for name, kind, data in rows.execute(query):
    packed = data[:4] == b"\x28\xb5\x2f\xfd"
    first.setdefault(name, (kind, zstandard.decompress(data) if packed else data))
for name, (kind, data) in sorted(first.items()):
    if "Depth_0/image/data" in name:
        message = types.deserialize_cdr(data, kind)
        stamp_s = message.header.stamp.sec + message.header.stamp.nanosec / 1e9
        form = getattr(message, "format", None) or message.encoding
        print(f"rosbag2 SQLite, {'zstd messages' if packed else 'plain messages'}; {kind} {name}; {form!r}; first header stamp {'below' if stamp_s < 10 else 'above'} 10 s")
    if name.endswith("Depth_Units/value"):
        print("Depth_Units", types.deserialize_cdr(data, kind).data)
print("CameraInfo topics:", sum(kind.endswith("CameraInfo") for kind, _ in first.values()), "| /tf_static:", "/tf_static" in first)
PYTHON
try() {  # VERSION FILE: what the recorder of this version writes to that file
    [ -d "$1" ] || { python3 -m venv "$1" && "$1/bin/pip" install -qq "pyrealsense2==$1" numpy==2.4.6 rosbags==0.11.9 zstandard==0.25.0; }
    { "$1/bin/python" record.py "$2" 2>&1 && "$1/bin/python" look.py "$2"; } | grep -vE "^(Traceback|  |$)" || true
}
{
    echo "== 2.57.7, file.bag"; try 2.57.7.10387 old.bag
    echo "== 2.57.7, file.db3"; try 2.57.7.10387 old.db3
    echo "== 2.58.4, file.bag"; try 2.58.4.10922 mid.bag
    echo "== 2.58.4, file.db3"; try 2.58.4.10922 mid.db3
    echo "== 2.59.1, file.db3"; try 2.59.1.11053 new.db3
} | tee seen.txt
cat > expected.txt <<'TEXT'
== 2.57.7, file.bag
ROS 1 bag; /device_0/sensor_0/Depth_0/image/data; ROS1 message size mismatch for 'sensor_msgs/msg/Image'.; its last four bytes as a float: 0.0001
== 2.57.7, file.db3
ROS 1 bag; /device_0/sensor_0/Depth_0/image/data; ROS1 message size mismatch for 'sensor_msgs/msg/Image'.; its last four bytes as a float: 0.0001
== 2.58.4, file.bag
RuntimeError: Output file must have .db3 extension: 'mid.bag'
== 2.58.4, file.db3
rosbag2 SQLite, zstd messages; sensor_msgs/msg/Image /device_0/sensor_0/Depth_0/image/data; 'mono16'; first header stamp below 10 s
Depth_Units 0.000100
CameraInfo topics: 0 | /tf_static: False
== 2.59.1, file.db3
rosbag2 SQLite, plain messages; sensor_msgs/msg/CompressedImage /device_0/sensor_0/Depth_0/image/data/compressedDepth; '16UC1; compressedDepth png'; first header stamp below 10 s
Depth_Units 0.000100
CameraInfo topics: 2 | /tf_static: True
TEXT
diff expected.txt seen.txt && echo "as described"
