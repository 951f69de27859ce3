"""What the repair of a line came to. Pure."""

from dataclasses import dataclass

from shared.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Outcome:
    """`result` is one of repaired, unchanged, left, failed; `reason` says why it is no other."""

    result: str
    reason: str | None = None
    outage: Unavailable | None = None


REPAIRED = Outcome("repaired")
UNCHANGED = Outcome("unchanged", "The difference is gone, or the item changed meanwhile.")


def left(reason: str) -> Outcome:
    """A difference that has no one right answer."""
    return Outcome("left", reason)


def failed(code: str, outage: Unavailable | None = None) -> Outcome:
    """A repair that failed; the cleanup, or another repair, may succeed."""
    return Outcome("failed", code, outage)


def repaired_if(changed: object) -> Outcome:
    """Of a change that happens only if the item is as it was."""
    return REPAIRED if changed else UNCHANGED
