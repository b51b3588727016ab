"""Recordings: rosbag2 bags read, chosen from, paired, written and played."""
