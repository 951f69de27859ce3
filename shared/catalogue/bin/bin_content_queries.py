"""Lists the recycle bin, and finds where a clip or video of an owner is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import LiteralString
from uuid import UUID

from shared.catalogue.bin.bin_emptying_queries import NOT_EMPTIED
from shared.catalogue.library.video_queries import VIDEO_COLUMNS, video_of
from shared.catalogue.row_mapping import CLIP_COLUMNS, VISIBLE, TimeKey, clip_of, seen_by
from shared.model.clip import Clip
from shared.model.user import Viewer
from shared.model.video import Video
from shared.postgres.database import Database

# A key that comes before all others.
_FIRST: TimeKey = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))

# The condition on videos `v` that the viewer owns them, deleted or not.
OWNED: LiteralString = "(v.user_id = %(user_id)s OR %(as_admin)s)"

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
    WHERE c.id = ANY(%(ids)s) AND {OWNED}
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
    WHERE v.id = %(id)s AND {OWNED}
    UNION ALL
    SELECT 'gone'
    FROM deleted_videos d
    WHERE d.video_id = %(id)s AND (d.owner_id = %(user_id)s OR %(as_admin)s)
      AND NOT EXISTS (SELECT 1 FROM videos WHERE id = d.video_id)
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


class BinContents:
    def __init__(self, database: Database) -> None:
        self._database = database

    def clips(self, owner: UUID, limit: int, after: TimeKey | None) -> Sequence[Clip]:
        """Up to `limit` clips in the bin, the last deleted first, after the one with that key.

        Not those that were deleted with their video.
        """
        return self._database.all_as(clip_of, _CLIP_PAGE, _page(owner, limit, after))

    def videos(self, owner: UUID, limit: int, after: TimeKey | None) -> Sequence[Video]:
        """As `clips`, for videos."""
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


def _page(owner: UUID, limit: int, after: TimeKey | None) -> dict[str, object]:
    deleted_at, clip_id = after or _FIRST
    return {"user_id": owner, "limit": limit, "after": deleted_at, "after_id": clip_id}
