"""Speed, measured: `make bench` runs `python -m bench` in the environment of ROS and writes docs/performance.md."""
