"""The result of the repair of a line. Pure."""

from dataclasses import dataclass

from shared.errors import Unavailable


@dataclass(frozen=True, slots=True)
class RepairOutcome:
    """`result` is one of repaired, unchanged, left, failed; `reason` explains it."""

    result: str
    reason: str | None = None
    outage: Unavailable | None = None


REPAIRED = RepairOutcome("repaired")
UNCHANGED = RepairOutcome(
    "unchanged", "The difference no longer exists, or the item changed during the repair."
)


def left(reason: str) -> RepairOutcome:
    """A difference that is not repaired, because there is no single right answer."""
    return RepairOutcome("left", reason)


def failed(code: str, outage: Unavailable | None = None) -> RepairOutcome:
    """A repair that failed; the cleanup, or another repair, may succeed."""
    return RepairOutcome("failed", code, outage)


def repaired_if(changed: object) -> RepairOutcome:
    """The result of a change that is made only if the item has not changed."""
    return REPAIRED if changed else UNCHANGED
