"""The errors of redwood_depth: each message is one line that names the cause and, where there is one, the remedy."""


class RedwoodDepthError(Exception):
    """Base of all errors that a user can cause or mend; commands print it as one line."""


class BundleError(RedwoodDepthError):
    """A model bundle is missing, incomplete, altered or inconsistent."""


class EngineError(RedwoodDepthError):
    """An inference engine cannot be made, or gave an output that cannot be used."""


class ImageError(RedwoodDepthError):
    """An image message cannot be read: unknown encoding, too little data, absurd size."""


class CameraError(RedwoodDepthError):
    """A camera calibration contradicts itself or the image."""


class BagError(RedwoodDepthError):
    """A bag cannot be read or written, or lacks a topic that is needed."""


class ScanError(RedwoodDepthError):
    """A Redwood scan (folder or zip) is missing, empty or corrupt."""


class ReportError(RedwoodDepthError):
    """A report cannot be made: a package that draws it is missing."""


class ClusterError(RedwoodDepthError):
    """Work cannot be spread over processes or machines: the backend is missing, does not answer, or loses workers."""


class CalibrationError(RedwoodDepthError):
    """A scale cannot be fitted: nothing metric in view, too little of it, or it would not help."""


def first_line(error: BaseException) -> str:
    """The first line of an error's words, its type where it has none: for errors of other libraries in one of ours."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
