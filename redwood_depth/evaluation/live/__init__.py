"""Evaluation of a node over DDS. Needs rclpy."""
