"""How a command ends: interrupted, or with a sentence and an exit code."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def interruptible() -> Iterator[None]:
    """Makes SIGTERM end the command as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def fail(code: int, text: str) -> int:
    """Prints why the command fails and returns its exit code."""
    with suppress(OSError):  # a log on a full disk: the exit code says it too
        sys.stderr.write(f"{text}\n")
    return code
