"""Errors of the offline half; each message is one line, as redwood_depth.errors asks."""

from redwood_depth.errors import RedwoodDepthError


class DownloadError(RedwoodDepthError):
    """The index or a scan cannot be fetched, or there is no room for it."""


class PreparedDataError(RedwoodDepthError):
    """There is nothing to prepare, or prepared data is missing, incomplete or damaged."""


class TrainingError(RedwoodDepthError):
    """A training configuration, encoder or checkpoint cannot be used, or the training went wrong."""
