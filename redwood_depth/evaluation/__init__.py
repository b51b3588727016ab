"""Scores of depth and class against ground truth."""
