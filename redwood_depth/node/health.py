"""How the node is, in one level and a few words of /diagnostics. No rclpy."""

OK, WARNING, ERROR = 0, 1, 2
_SILENCE_S = 2.0


def health(*, state: str, problem: str, image_age_s: float | None) -> tuple[int, str]:
    """Level and summary of a node in this state of its life cycle.

    Args:
        state: label of the life cycle: unconfigured, inactive, active, finalized.
        problem: why the last transition failed; "" where it did not.
        image_age_s: seconds since the newest image arrived; None before the first.
    """
    if problem:
        return ERROR, problem
    if state == "finalized":
        return WARNING, "finalized: it was shut down, and works again only when its process is started anew"
    if state != "active":
        return OK, state
    if image_age_s is None:
        return WARNING, "no image yet"
    if image_age_s > _SILENCE_S:
        return WARNING, f"no image for {image_age_s:.0f} s"
    return OK, "running"
