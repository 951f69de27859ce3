"""The revision of a sidecar: when its row was last changed, as a number that rises. Pure."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def revision_of(changed_at: datetime) -> int:
    """Microseconds since 1970."""
    return (changed_at - _EPOCH) // timedelta(microseconds=1)
