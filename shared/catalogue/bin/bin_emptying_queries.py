"""Emptying the recycle bin: one mark at once, and the rows of the clips in batches after it.

From that moment, nothing that was in the bin can be restored or is listed: see `NOT_EMPTIED`.
"""

from typing import LiteralString
from uuid import UUID

from shared.postgres.database import Database

# Whether a clip `c` in the bin was put there after its owner emptied it.
NOT_EMPTIED: LiteralString = """
    NOT EXISTS (SELECT 1 FROM users u
                WHERE u.id = c.bin_owner AND c.deleted_at <= u.bin_emptied_at)
"""

# Counts only what an earlier mark has not counted.
_MARK: LiteralString = """
    WITH before AS (
        SELECT coalesce(bin_emptied_at, '-infinity') AS emptied_at
        FROM users WHERE id = %(user_id)s FOR UPDATE
    ), marked AS (
        UPDATE users SET bin_emptied_at = greatest(now(), bin_emptied_at) WHERE id = %(user_id)s
    )
    SELECT count(*) AS clips
    FROM before JOIN clips ON clips.bin_owner = %(user_id)s
    WHERE clips.purge_at IS NOT NULL AND clips.deleted_at <= now()
      AND clips.deleted_at > before.emptied_at
"""

_VIDEOS: LiteralString = """
    UPDATE videos SET purge_at = NULL, next_try_at = now()
    WHERE user_id = %(user_id)s AND purge_at IS NOT NULL
    RETURNING id
"""

_EMPTIED: LiteralString = """
    SELECT id AS user_id, bin_emptied_at AS until FROM users
    WHERE bin_emptied_at IS NOT NULL
      AND (%(user_id)s::uuid IS NULL OR id = %(user_id)s)
    ORDER BY bin_emptied_at LIMIT 100
"""

_PURGE: LiteralString = """
    WITH part AS (
        SELECT id FROM clips
        WHERE bin_owner = %(user_id)s AND purge_at IS NOT NULL AND deleted_at <= %(until)s
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE clips SET purge_at = NULL, bin_owner = NULL, next_try_at = now()
    FROM part WHERE clips.id = part.id
"""

# Not while a row is left that another transaction has locked, nor if it was emptied once more.
_UNMARK: LiteralString = """
    UPDATE users SET bin_emptied_at = NULL
    WHERE id = %(user_id)s AND bin_emptied_at = %(until)s
      AND NOT EXISTS (SELECT 1 FROM clips
                      WHERE bin_owner = %(user_id)s AND purge_at IS NOT NULL
                        AND deleted_at <= %(until)s)
"""


class EmptiedBins:
    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, owner: UUID) -> int:
        """Empties the bin of an owner; counts the clips in it. `purge` has to follow."""
        row = self._database.one(_MARK, {"user_id": owner})
        return 0 if row is None else int(row["clips"])

    def delete_videos(self, owner: UUID) -> list[UUID]:
        """Begins to delete the videos in the bin of an owner permanently."""
        return [row["id"] for row in self._database.all(_VIDEOS, {"user_id": owner})]

    def purge(self, limit: int, owner: UUID | None = None) -> int:
        """Begins to delete up to `limit` clips of emptied bins, or of one of them; how many.

        Fewer than `limit` means that none is left.
        """
        purged = 0
        for emptied in self._database.all(_EMPTIED, {"user_id": owner}):
            more = self._database.run(_PURGE, emptied | {"limit": limit - purged})
            purged += more
            if purged == limit:
                break
            self._database.run(_UNMARK, emptied)
        return purged
