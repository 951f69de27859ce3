"""How long the database may take for an answer: less if a caller of the API waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Seconds. More than any statement needs, and well below the 230 seconds after which the platform
# gives up on a request. The server's own statement_timeout would not do: a server that hangs does
# not apply it, and PgBouncer refuses connections that set it.
_BACKGROUND = 60.0
# Statements of the API take milliseconds.
_CALLER = 10.0

_limit: ContextVar[float] = ContextVar("answer_seconds", default=_BACKGROUND)


def answer_seconds() -> float:
    """The limit of one answer where this is called."""
    return _limit.get()


@contextmanager
def for_a_caller() -> Iterator[None]:
    """Within the block a caller of the API waits: a silent database is given up sooner."""
    token = _limit.set(_CALLER)
    try:
        yield
    finally:
        _limit.reset(token)
