"""How long the work on many items may go on."""

import time
from collections.abc import Callable

type MayGoOn = Callable[[], bool]

# Seconds that one step of the cleanup may take: the other steps wait meanwhile.
STEP_SECONDS = 60.0


def for_seconds(limit: float) -> MayGoOn:
    """Returns a function that is true for so many seconds."""
    deadline = time.monotonic() + limit
    return lambda: time.monotonic() < deadline
