"""Large images over Fast DDS: its shared-memory segment of 512 KB is smaller than a VGA image."""

import os
from importlib import metadata

from redwood_depth.files import shared_file

PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")


def use_shared_memory_profile() -> str | None:
    """Point Fast DDS of this process at config/fastdds.xml (20 MB segment); call it before rclpy.init().

    A profile that the user has chosen stays. Returns the path in use, None for another middleware or no file.
    """
    if os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp") not in ("rmw_fastrtps_cpp", "rmw_fastrtps_dynamic_cpp"):
        return None
    for variable in PROFILE_VARIABLES:
        if os.environ.get(variable):
            return os.environ[variable]
    profile = shared_file("config/fastdds.xml")
    if profile is None:
        return None
    os.environ[profile_variable()] = str(profile)
    return str(profile)


def profile_variable() -> str:
    """The name that this ROS's Fast DDS reads: version 3, since Kilted (rclpy 9), the first; version 2 the second."""
    try:
        major = int(metadata.version("rclpy").split(".")[0])
    except metadata.PackageNotFoundError:
        major = 0
    return PROFILE_VARIABLES[0 if major >= 9 else 1]
