"""What owners put into the recycle bin, and what they restore.

`shared/schema/030_bin.sql` defines the states. One statement changes the state of a row, so if a
restore and a purge come at the same moment, one of them wins. A row that needs work is leased to
the call that changed it: see `deletion_queries`.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from shared.catalogue.bin.bin_content_queries import OWNED
from shared.catalogue.bin.bin_emptying_queries import NOT_EMPTIED
from shared.catalogue.bin.deletion_queries import ITEM_COLUMNS, DueClip, bin_clip_of
from shared.catalogue.row_mapping import (
    VISIBLE,
    seen_by,
)
from shared.model.user import Viewer
from shared.postgres.database import Database
from shared.refusals import pinned_in_video

# How long a row belongs to the call that changed it; then the queue continues the work.
CALL_LEASE = timedelta(seconds=15)

# How long retention spares what was restored: its owner has just asked for it.
RETENTION_GRACE = timedelta(days=7)

# With `days` into the bin, but no longer than until the clip expires; without `days` permanently. A
# pinned clip is returned as well, but stays.
_HIDE_CLIPS: LiteralString = f"""
    UPDATE clips c
    SET deleted_at = CASE WHEN c.pinned THEN NULL ELSE now() END,
        purge_at = CASE WHEN NOT c.pinned AND %(days)s::interval IS NOT NULL
                        THEN least(now() + %(days)s, c.expires_at) END,
        bin_owner = CASE WHEN NOT c.pinned AND %(days)s::interval IS NOT NULL THEN v.user_id END,
        next_try_at = CASE WHEN NOT c.pinned THEN now() + %(lease)s ELSE c.next_try_at END
    FROM videos v
    WHERE v.id = c.video_id AND c.id = ANY(%(ids)s) AND {VISIBLE}
    RETURNING {ITEM_COLUMNS}, c.pinned
"""

# Deletes permanently what is in the bin.
_PURGE_CLIPS: LiteralString = f"""
    UPDATE clips c SET purge_at = NULL, bin_owner = NULL, next_try_at = now() + %(lease)s
    FROM videos v
    WHERE v.id = c.video_id AND c.id = ANY(%(ids)s) AND c.purge_at IS NOT NULL AND {OWNED}
      AND (v.deleted_at IS NULL OR v.purge_at IS NOT NULL)
    RETURNING {ITEM_COLUMNS}
"""

_HIDE_VIDEO: LiteralString = f"""
    UPDATE videos v
    SET deleted_at = now(), purge_at = now() + %(days)s::interval, next_try_at = now() + %(lease)s
    WHERE v.id = %(id)s AND {OWNED} AND v.deleted_at IS NULL
    RETURNING v.id
"""

# A query of its own after _HIDE_VIDEO, whose lock waits for a clip that is being pinned.
_HAS_PINNED: LiteralString = """
    SELECT 1 FROM clips WHERE video_id = %(id)s AND pinned AND deleted_at IS NULL LIMIT 1
"""

_PURGE_VIDEO: LiteralString = f"""
    UPDATE videos v SET purge_at = NULL, next_try_at = now() + %(lease)s
    WHERE v.id = %(id)s AND {OWNED} AND v.purge_at IS NOT NULL
    RETURNING v.id
"""

# Nothing is left to do for a clip whose bytes and images never left their containers. Where a move
# has begun, there may be a copy in the bin that the row does not know of.
_RESTORE_CLIPS: LiteralString = f"""
    UPDATE clips c
    SET deleted_at = NULL, purge_at = NULL, bin_owner = NULL,
        retention_from = now() + %(grace)s,
        next_try_at = CASE WHEN c.bin_etag IS NOT NULL OR c.archived OR c.next_try_at IS NOT NULL
                           THEN now() + %(lease)s END
    FROM videos v
    WHERE v.id = c.video_id AND c.id = ANY(%(ids)s) AND c.purge_at IS NOT NULL
      AND (c.expires_at IS NULL OR c.expires_at > now()) AND v.deleted_at IS NULL AND {OWNED}
      AND {NOT_EMPTIED}
    RETURNING {ITEM_COLUMNS}
"""

# The clips that were deleted with it have no mark of their own, and so are visible with it.
_RESTORE_VIDEO: LiteralString = f"""
    UPDATE videos v
    SET deleted_at = NULL, purge_at = NULL, next_try_at = now() + %(lease)s,
        retention_from = CASE WHEN v.retention_days IS NOT NULL
                              THEN greatest(v.retention_from, now() + %(grace)s) END
    WHERE v.id = %(id)s AND v.purge_at IS NOT NULL AND {OWNED}
    RETURNING v.id
"""


class Bin:
    def __init__(self, database: Database, days: int) -> None:
        """`days` is how long clips and videos stay in the bin; with 0 they never enter it."""
        self._database = database
        self._days = timedelta(days=days) if days else None

    def hide_clips(
        self, viewer: Viewer, clip_ids: Sequence[UUID], *, permanent: bool
    ) -> tuple[Sequence[DueClip], frozenset[UUID]]:
        """Deletes clips; returns them, leased to the caller, and the ids of pinned ones."""
        days = None if permanent else self._days
        values = _call(viewer) | {"ids": list(clip_ids), "days": days}
        rows = self._database.all(_HIDE_CLIPS, values)
        pinned = frozenset(row["id"] for row in rows if row.pop("pinned"))
        hidden = [bin_clip_of(row) for row in rows if row["id"] not in pinned]
        if permanent:
            more = self._database.all(_PURGE_CLIPS, _call(viewer) | {"ids": list(clip_ids)})
            hidden += map(bin_clip_of, more)
        return hidden, pinned

    def hide_video(self, viewer: Viewer, video_id: UUID, *, permanent: bool) -> bool:
        """Deletes a video with its clips by changing one row, which is leased to the caller.

        False if there is none. Raises Pinned if one of its clips is pinned.
        """
        days = None if permanent else self._days
        values = _call(viewer) | {"id": video_id, "days": days}
        with self._database.transaction() as connection:
            if connection.execute(_HIDE_VIDEO, values).fetchone() is not None:
                if connection.execute(_HAS_PINNED, values).fetchone():
                    raise pinned_in_video()
                return True
            return permanent and connection.execute(_PURGE_VIDEO, values).fetchone() is not None

    def restore_clips(self, viewer: Viewer, clip_ids: Sequence[UUID]) -> Sequence[DueClip]:
        """Makes clips in the bin visible again; returns them, leased to the caller."""
        rows = self._database.all(_RESTORE_CLIPS, _restore(viewer) | {"ids": list(clip_ids)})
        return [bin_clip_of(row) for row in rows]

    def restore_video(self, viewer: Viewer, video_id: UUID) -> bool:
        """As `restore_clips`, for a video with the clips that were deleted with it."""
        return self._database.one(_RESTORE_VIDEO, _restore(viewer) | {"id": video_id}) is not None


def _call(viewer: Viewer) -> dict[str, object]:
    return seen_by(viewer) | {"lease": CALL_LEASE}


def _restore(viewer: Viewer) -> dict[str, object]:
    return _call(viewer) | {"grace": RETENTION_GRACE}
