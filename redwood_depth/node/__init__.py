"""The ROS 2 node `perception`."""
