"""When links begin and end: in windows, so that all requests within one get the same link.

A window is a stretch of time on a grid that all processes share. A link ends with the window in
which the requested life ends: never earlier than requested, and later by less than a window. Both
of its ends follow from the window alone. Pure.
"""

from datetime import UTC, datetime, timedelta

from shared.storage.signing.sas import LinkPeriod

# The account's clock may be this far behind this machine's: links begin so long ago.
CLOCK_SKEW = timedelta(minutes=5)

_LONGEST_WINDOW = timedelta(hours=1)


def window_of(life: timedelta) -> timedelta:
    """The window of links that live so long: a quarter of the life, at most an hour."""
    return min(life / 4, _LONGEST_WINDOW)


def link_period(now: datetime, life: timedelta, window: timedelta) -> LinkPeriod:
    """The start and end of a link; without a window exactly `life` from now, in seconds.

    It begins before now by the clock skew or more: at one moment for all of the window.
    """
    moment, lasts, grid = now.timestamp(), _seconds(life), _seconds(window)
    expiry = -int(-(moment + lasts) // grid) * grid if grid else int(moment) + lasts
    start = expiry - lasts - grid - _seconds(CLOCK_SKEW)
    return LinkPeriod(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(expiry, UTC))


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
