"""Things that stand in a scene."""
