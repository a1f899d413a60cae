"""When to try again: exponential back-off with jitter, as a pure function of the attempt and the time."""

from datetime import datetime, timedelta

_MOST_DOUBLINGS = 62  # beyond this every cap is reached, and a float power would overflow


def next_try(
    attempt: int,
    now: datetime,
    *,
    after: float | None = None,
    base: float = 2.0,
    cap: float = 3600.0,
    jitter: float = 0.0,
    tries: int | None = None,
) -> datetime | None:
    """The time of the next try after `attempt` failed ones (1 = the first failed); None = give up after `tries`.

    `base` and `cap` are seconds, `jitter` is 0..1, drawn by the caller: the wait is 1/2 to 1 of the back-off.
    `after` is what the other side asked for in seconds; it is never undercut, and may exceed the cap.
    """
    if tries is not None and attempt >= tries:
        return None
    backoff = min(cap, base * 2.0 ** min(max(attempt, 1) - 1, _MOST_DOUBLINGS))
    wait = backoff * (0.5 + min(max(jitter, 0.0), 1.0) / 2)
    if after is not None and after > 0:
        wait = after + min(wait, base) * min(max(jitter, 0.0), 1.0)
    return now + timedelta(seconds=wait)
