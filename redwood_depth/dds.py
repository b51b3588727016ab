"""Large images over Fast DDS: its shared-memory segment of 512 KB is smaller than a VGA image."""

import os

from redwood_depth.resources import shared_file

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
    for variable in PROFILE_VARIABLES:  # Fast DDS 3 (Kilted) reads the first name, Fast DDS 2 the second
        os.environ[variable] = str(profile)
    return str(profile)
