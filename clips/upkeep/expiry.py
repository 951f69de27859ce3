"""Hides the clips that a date deletes: their own `expires_at`, or the retention of their video."""

from collections.abc import Callable, Sequence
from uuid import UUID

from clips.upkeep.items import Tally, in_batches
from clips.upkeep.time_limit import STEP_SECONDS, for_seconds
from shared.catalogue.upkeep.retention_queries import Retentions

# Clips of one statement.
_BATCH = 2000


class Expiry:
    def __init__(self, retention: Retentions) -> None:
        self._retention = retention

    def hide_expired(self) -> Tally:
        return _hide(self._retention.expired, self._retention.hide_expired)

    def hide_past_retention(self) -> Tally:
        return _hide(self._retention.past_retention, self._retention.hide_past_retention)


def _hide(
    due: Callable[[Sequence[UUID], int], Sequence[UUID]], hide: Callable[[Sequence[UUID]], int]
) -> Tally:
    return in_batches(
        lambda failed: due(failed, _BATCH),
        hide,
        lambda clip_id: f"clip {clip_id}",
        may_go_on=for_seconds(STEP_SECONDS),
    )
