"""The guard against loss in bulk: whether reconciliation has to leave missing blobs alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from shared.postgres.database import Database

# `is_new` by the system column that is 0 for an inserted row.
_NOTE: LiteralString = """
    INSERT INTO bulk_loss AS b (missing, looked_at) VALUES (%(missing)s, %(looked_at)s)
    ON CONFLICT (only_one) DO UPDATE
    SET missing = excluded.missing, looked_at = excluded.looked_at, seen_at = now()
    RETURNING b.xmax = 0 AS is_new
"""

_GET: LiteralString = "SELECT missing, looked_at, since, seen_at FROM bulk_loss"

_CLEAR: LiteralString = "DELETE FROM bulk_loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkLoss:
    """How many of the clips that should have a blob had none at the last reconciliation."""

    missing: int
    looked_at: int
    since: datetime
    seen_at: datetime


class BulkLosses:
    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> BulkLoss | None:
        row = self._database.one(_GET, {})
        return BulkLoss(**row) if row else None

    def note(self, missing: int, looked_at: int) -> bool:
        """Notes a loss; returns whether it is new."""
        row = self._database.one(_NOTE, {"missing": missing, "looked_at": looked_at})
        return row is not None and bool(row["is_new"])

    def clear(self) -> bool:
        """Forgets the loss; returns whether there was one."""
        return self._database.run(_CLEAR, {}) > 0
