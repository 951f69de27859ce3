"""The recycle bin as owners see it: what goes in, its pages, what is restored or emptied.

`shared/schema/030_bin.sql` defines the states. One statement changes the state of a row, so that of
a restore and a purge at the same moment one wins. A row that needs work is leased to the call that
changed it: see `deletion_queries`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import LiteralString
from uuid import UUID

from shared.catalogue.bin_emptying_queries import NOT_EMPTIED
from shared.catalogue.deletion_queries import ITEM_COLUMNS, DueClip, bin_clip_of
from shared.catalogue.row_mapping import (
    CLIP_COLUMNS,
    VISIBLE,
    TimeKey,
    clip_of,
    seen_by,
)
from shared.catalogue.video_queries import VIDEO_COLUMNS, video_of
from shared.errors import pinned_in_video
from shared.model.clip import Clip
from shared.model.user import Viewer
from shared.model.video import Video
from shared.postgres.database import Database

# For how long a row belongs to the call that changed it; then the queue continues with it.
CALL_LEASE = timedelta(seconds=15)

# For how long retention spares what was restored: its owner has just wanted it back.
RETENTION_GRACE = timedelta(days=7)
# A key that comes before all others.
_FIRST: TimeKey = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))

_OWNED: LiteralString = "(v.user_id = %(user_id)s OR %(as_admin)s)"

# With `days` into the bin, but no longer than until the clip expires; without `days` for ever. A
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

# Out of the bin, for ever.
_PURGE_CLIPS: LiteralString = f"""
    UPDATE clips c SET purge_at = NULL, bin_owner = NULL, next_try_at = now() + %(lease)s
    FROM videos v
    WHERE v.id = c.video_id AND c.id = ANY(%(ids)s) AND c.purge_at IS NOT NULL AND {_OWNED}
      AND (v.deleted_at IS NULL OR v.purge_at IS NOT NULL)
    RETURNING {ITEM_COLUMNS}
"""

_HIDE_VIDEO: LiteralString = f"""
    UPDATE videos v
    SET deleted_at = now(), purge_at = now() + %(days)s::interval, next_try_at = now() + %(lease)s
    WHERE v.id = %(id)s AND {_OWNED} AND v.deleted_at IS NULL
    RETURNING v.id
"""

# A query of its own after _HIDE_VIDEO, whose lock waits for a clip that is being pinned.
_HAS_PINNED: LiteralString = """
    SELECT 1 FROM clips WHERE video_id = %(id)s AND pinned AND deleted_at IS NULL LIMIT 1
"""

_PURGE_VIDEO: LiteralString = f"""
    UPDATE videos v SET purge_at = NULL, next_try_at = now() + %(lease)s
    WHERE v.id = %(id)s AND {_OWNED} AND v.purge_at IS NOT NULL
    RETURNING v.id
"""

# Keyset pages, newest first. A clip whose video is being deleted is lost with it.
_CLIP_PAGE: LiteralString = f"""
    SELECT {CLIP_COLUMNS}
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.bin_owner = %(user_id)s AND c.purge_at IS NOT NULL
      AND (v.deleted_at IS NULL OR v.purge_at IS NOT NULL)
      AND (c.deleted_at, c.id) < (%(after)s, %(after_id)s)
      AND c.deleted_at > coalesce(
          (SELECT bin_emptied_at FROM users WHERE id = %(user_id)s), '-infinity')
    ORDER BY c.deleted_at DESC, c.id DESC
    LIMIT %(limit)s
"""
_VIDEO_PAGE: LiteralString = f"""
    SELECT {VIDEO_COLUMNS}
    FROM videos v
    WHERE v.user_id = %(user_id)s AND v.purge_at IS NOT NULL
      AND (v.deleted_at, v.id) < (%(after)s, %(after_id)s)
    ORDER BY v.deleted_at DESC, v.id DESC
    LIMIT %(limit)s
"""

# Where each of the clips is, of those that the viewer owns or owned. Expired counts as deleted.
_WHERE_CLIPS_ARE: LiteralString = f"""
    SELECT c.id, c.blob_name, c.bin_etag,
           CASE WHEN {VISIBLE} THEN 'in_place'
                WHEN c.deleted_at IS NOT NULL AND c.purge_at IS NULL THEN 'gone'
                WHEN v.deleted_at IS NOT NULL AND v.purge_at IS NULL THEN 'gone'
                WHEN c.expires_at <= now() OR NOT {NOT_EMPTIED} THEN 'gone'
                WHEN v.deleted_at IS NOT NULL THEN 'video_in_bin'
                ELSE 'in_bin' END AS whereabouts
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = ANY(%(ids)s) AND {_OWNED}
    UNION ALL
    SELECT d.clip_id, NULL, NULL, 'gone'
    FROM deleted_clips d
    WHERE d.clip_id = ANY(%(ids)s) AND (d.owner_id = %(user_id)s OR %(as_admin)s)
      AND NOT EXISTS (SELECT 1 FROM clips WHERE id = d.clip_id)
"""

_WHERE_VIDEO_IS: LiteralString = f"""
    SELECT CASE WHEN v.deleted_at IS NULL THEN 'in_place'
                WHEN v.purge_at IS NULL THEN 'gone'
                ELSE 'in_bin' END AS whereabouts
    FROM videos v
    WHERE v.id = %(id)s AND {_OWNED}
    UNION ALL
    SELECT 'gone'
    FROM deleted_videos d
    WHERE d.video_id = %(id)s AND (d.owner_id = %(user_id)s OR %(as_admin)s)
      AND NOT EXISTS (SELECT 1 FROM videos WHERE id = d.video_id)
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
      AND (c.expires_at IS NULL OR c.expires_at > now()) AND v.deleted_at IS NULL AND {_OWNED}
      AND {NOT_EMPTIED}
    RETURNING {ITEM_COLUMNS}
"""

# The clips that were deleted with it have no mark of their own, and so are visible with it.
_RESTORE_VIDEO: LiteralString = f"""
    UPDATE videos v
    SET deleted_at = NULL, purge_at = NULL, next_try_at = now() + %(lease)s,
        retention_from = CASE WHEN v.retention_days IS NOT NULL
                              THEN greatest(v.retention_from, now() + %(grace)s) END
    WHERE v.id = %(id)s AND v.purge_at IS NOT NULL AND {_OWNED}
    RETURNING v.id
"""


class Whereabouts(Enum):
    """Where a clip or video is."""

    IN_PLACE = auto()
    IN_BIN = auto()
    VIDEO_IN_BIN = auto()  # and the clip therefore as well
    GONE = auto()  # for good, or on its way


@dataclass(frozen=True, slots=True)
class ClipWhereabouts:
    """Where a clip is, and its bytes: `bin_etag` is set while they are in the bin container."""

    whereabouts: Whereabouts
    blob_name: str | None
    bin_etag: str | None


class Bin:
    def __init__(self, database: Database, days: int) -> None:
        """`days` is for how long things stay in the bin; 0: they are deleted for ever at once."""
        self._database = database
        self._days = timedelta(days=days) if days else None

    def hide_clips(
        self, viewer: Viewer, clip_ids: Sequence[UUID], *, for_ever: bool
    ) -> tuple[Sequence[DueClip], frozenset[UUID]]:
        """Deletes clips; returns them, leased to the caller, and the ids of pinned ones."""
        days = None if for_ever else self._days
        values = _call(viewer) | {"ids": list(clip_ids), "days": days}
        rows = self._database.all(_HIDE_CLIPS, values)
        pinned = frozenset(row["id"] for row in rows if row.pop("pinned"))
        hidden = [bin_clip_of(row) for row in rows if row["id"] not in pinned]
        if for_ever:
            more = self._database.all(_PURGE_CLIPS, _call(viewer) | {"ids": list(clip_ids)})
            hidden += map(bin_clip_of, more)
        return hidden, pinned

    def hide_video(self, viewer: Viewer, video_id: UUID, *, for_ever: bool) -> bool:
        """Deletes a video with its clips by changing one row, which is leased to the caller.

        False if there is none. Raises Pinned if one of its clips is pinned.
        """
        days = None if for_ever else self._days
        values = _call(viewer) | {"id": video_id, "days": days}
        with self._database.transaction() as connection:
            if connection.execute(_HIDE_VIDEO, values).fetchone() is not None:
                if connection.execute(_HAS_PINNED, values).fetchone():
                    raise pinned_in_video()
                return True
            return for_ever and connection.execute(_PURGE_VIDEO, values).fetchone() is not None

    def clips(self, owner: UUID, limit: int, after: TimeKey | None) -> Sequence[Clip]:
        """Up to `limit` clips in the bin, the last deleted first, after the one with that key.

        Not those that were deleted with their video.
        """
        return self._database.all_as(clip_of, _CLIP_PAGE, _page(owner, limit, after))

    def videos(self, owner: UUID, limit: int, after: TimeKey | None) -> Sequence[Video]:
        """The same for videos."""
        rows = self._database.all(_VIDEO_PAGE, _page(owner, limit, after))
        return [video_of(row) for row in rows]

    def find_clips(
        self, viewer: Viewer, clip_ids: Sequence[UUID]
    ) -> Mapping[UUID, ClipWhereabouts]:
        """Those of the clips that the viewer owns or owned."""
        rows = self._database.all(_WHERE_CLIPS_ARE, seen_by(viewer) | {"ids": list(clip_ids)})
        return {
            row["id"]: ClipWhereabouts(
                Whereabouts[row["whereabouts"].upper()], row["blob_name"], row["bin_etag"]
            )
            for row in rows
        }

    def find_video(self, viewer: Viewer, video_id: UUID) -> Whereabouts | None:
        """None if the viewer neither owns nor owned it."""
        row = self._database.one(_WHERE_VIDEO_IS, seen_by(viewer) | {"id": video_id})
        return Whereabouts[row["whereabouts"].upper()] if row else None

    def restore_clips(self, viewer: Viewer, clip_ids: Sequence[UUID]) -> Sequence[DueClip]:
        """Makes clips in the bin visible again; returns them, leased to the caller."""
        rows = self._database.all(_RESTORE_CLIPS, _restore(viewer) | {"ids": list(clip_ids)})
        return [bin_clip_of(row) for row in rows]

    def restore_video(self, viewer: Viewer, video_id: UUID) -> bool:
        """The same for a video, with the clips that were deleted with it."""
        return self._database.one(_RESTORE_VIDEO, _restore(viewer) | {"id": video_id}) is not None


def _page(owner: UUID, limit: int, after: TimeKey | None) -> dict[str, object]:
    deleted_at, clip_id = after or _FIRST
    return {"user_id": owner, "limit": limit, "after": deleted_at, "after_id": clip_id}


def _call(viewer: Viewer) -> dict[str, object]:
    return seen_by(viewer) | {"lease": CALL_LEASE}


def _restore(viewer: Viewer) -> dict[str, object]:
    return _call(viewer) | {"grace": RETENTION_GRACE}
