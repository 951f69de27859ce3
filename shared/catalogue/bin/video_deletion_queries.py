"""The work that deletions and restores of videos leave behind: see `deletion_queries`.

A video hides its clips by its own mark. Its work is to make those clips due, to move its source, or
to delete all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

from shared.model.blob import Blob
from shared.postgres.database import Database

_VIDEO_IS_DUE: LiteralString = """
    (v.next_try_at <= now()
     OR (v.deleted_at IS NOT NULL AND v.purge_at IS NULL AND v.next_try_at IS NULL))
"""

_DUE_VIDEOS: LiteralString = f"""
    SELECT v.id FROM videos v
    WHERE {_VIDEO_IS_DUE}
    ORDER BY coalesce(v.next_try_at, v.deleted_at) LIMIT %(limit)s
"""

_TAKE_VIDEO: LiteralString = f"""
    UPDATE videos v SET next_try_at = now() + %(lease)s
    WHERE v.id = %(id)s AND {_VIDEO_IS_DUE}
    RETURNING v.id, v.next_try_at AS lease_token,
              CASE WHEN v.deleted_at IS NULL THEN 'visible'
                   WHEN v.purge_at IS NULL THEN 'being_deleted'
                   ELSE 'in_bin' END AS state
"""

_HELD_VIDEO: LiteralString = """
    SELECT v.id, v.next_try_at AS lease_token,
           CASE WHEN v.deleted_at IS NULL THEN 'visible'
                WHEN v.purge_at IS NULL THEN 'being_deleted'
                ELSE 'in_bin' END AS state
    FROM videos v WHERE v.id = %(id)s
"""

# Gives the clips that were deleted with their video, or are restored with it, to the clips' work.
# Also those that a worker holds: it may have read the old state, and loses its lease token.
_WAKE_CLIPS: LiteralString = """
    WITH part AS (
        SELECT id FROM clips
        WHERE video_id = %(id)s AND id > %(after)s AND deleted_at IS NULL
        ORDER BY id LIMIT %(limit)s
    ), woken AS (
        UPDATE clips c SET next_try_at = now()
        FROM part
        WHERE c.id = part.id AND c.deleted_at IS NULL
          AND (%(into_bin)s OR c.bin_etag IS NOT NULL OR c.archived OR c.next_try_at IS NOT NULL)
    )
    SELECT id FROM part ORDER BY id DESC LIMIT 1
"""

_MARK_VIDEO_DONE: LiteralString = """
    UPDATE videos SET next_try_at = NULL WHERE id = %(id)s AND next_try_at = %(lease_token)s
"""

_POSTPONE_VIDEO: LiteralString = """
    UPDATE videos SET next_try_at = now() + %(delay)s
    WHERE id = %(id)s AND next_try_at = %(lease_token)s
"""

_PURGE_VIDEOS: LiteralString = """
    WITH due AS (
        SELECT id FROM videos WHERE purge_at <= now()
        ORDER BY purge_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE videos SET purge_at = NULL, next_try_at = now()
    FROM due WHERE videos.id = due.id
"""

_FORGET_CLIPS_OF_VIDEO: LiteralString = """
    WITH part AS (
        SELECT c.id FROM clips c JOIN videos v ON v.id = c.video_id
        WHERE c.video_id = %(id)s AND v.deleted_at IS NOT NULL AND v.purge_at IS NULL
        LIMIT %(limit)s
    ), gone AS (
        DELETE FROM clips c USING part, videos v
        WHERE c.id = part.id AND v.id = c.video_id
        RETURNING c.id, c.video_id, c.blob_name, v.user_id
    )
    INSERT INTO deleted_clips (clip_id, video_id, blob_name, owner_id, sweep_after)
    SELECT id, video_id, blob_name, user_id, NULL FROM gone
    ON CONFLICT (clip_id) DO UPDATE SET deleted_at = now()
"""

_FORGET_VIDEO: LiteralString = """
    WITH gone AS (
        DELETE FROM videos v
        WHERE v.id = %(id)s AND v.deleted_at IS NOT NULL AND v.purge_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM clips c WHERE c.video_id = v.id)
        RETURNING v.id, v.user_id
    )
    INSERT INTO deleted_videos (video_id, owner_id, sweep_after)
    SELECT id, user_id, now() + greatest(%(late_run)s::interval, %(upload_life)s::interval)
    FROM gone
    ON CONFLICT (video_id) DO UPDATE SET sweep_after = excluded.sweep_after
"""

_NOTE_SOURCE_IN_BIN: LiteralString = """
    UPDATE sources s
    SET bin_etag = %(bin_etag)s, file_size = %(size)s, status = 'processing', etag = NULL,
        attempts = 0, attempted_at = NULL, poster_name = NULL, storyboard_name = NULL,
        failure_code = NULL, failure_detail = NULL
    FROM videos v
    WHERE v.id = s.video_id AND s.video_id = %(id)s AND s.blob_name = %(name)s
      AND v.next_try_at = %(lease_token)s AND v.purge_at IS NOT NULL
"""

_VIDEO_STILL_HELD: LiteralString = """
    SELECT 1 FROM videos
    WHERE id = %(id)s AND next_try_at = %(lease_token)s AND (purge_at IS NOT NULL) = %(hidden)s
"""

_NOTE_SOURCE_RESTORED: LiteralString = """
    UPDATE sources s SET bin_etag = NULL
    FROM videos v
    WHERE v.id = s.video_id AND s.video_id = %(id)s AND v.next_try_at = %(lease_token)s
      AND v.deleted_at IS NULL
"""


class BinState(StrEnum):
    """Where the bytes of a clip or video belong."""

    VISIBLE = "visible"  # they belong in their own container
    IN_BIN = "in_bin"
    BEING_DELETED = "being_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueVideo:
    """A video whose clips and source are to follow its state; `lease_token` as in DueClip."""

    id: UUID
    lease_token: datetime
    state: BinState


class VideoDeletions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, limit: int) -> Sequence[UUID]:
        return [row["id"] for row in self._database.all(_DUE_VIDEOS, {"limit": limit})]

    def take(self, video_id: UUID, lease: timedelta) -> DueVideo | None:
        """None if it is not due, or taken by another worker."""
        row = self._database.one(_TAKE_VIDEO, {"id": video_id, "lease": lease})
        return _bin_video_of(row) if row else None

    def held(self, video_id: UUID) -> DueVideo | None:
        """A video that a call has just leased to itself."""
        row = self._database.one(_HELD_VIDEO, {"id": video_id})
        return _bin_video_of(row) if row and row["lease_token"] else None

    def wake_clips(self, video: DueVideo, after: UUID, limit: int) -> UUID | None:
        """Makes a part of a video's clips due, in the order of ids; the last id of that part."""
        into_bin = video.state is BinState.IN_BIN
        values = {"id": video.id, "after": after, "limit": limit, "into_bin": into_bin}
        row = self._database.one(_WAKE_CLIPS, values)
        return row["id"] if row else None

    def mark_done(self, video: DueVideo) -> None:
        self._database.run(_MARK_VIDEO_DONE, _held(video))

    def postpone(self, video: DueVideo, delay: timedelta) -> None:
        self._database.run(_POSTPONE_VIDEO, _held(video) | {"delay": delay})

    def purge(self, limit: int) -> int:
        return self._database.run(_PURGE_VIDEOS, {"limit": limit})

    def forget_clips(self, video_id: UUID, limit: int) -> int:
        """As `Deletions.forget_clips`, for some of the clips of a video that is being deleted."""
        return self._database.run(_FORGET_CLIPS_OF_VIDEO, {"id": video_id, "limit": limit})

    def forget(self, video_id: UUID, *, late_run: timedelta, upload_life: timedelta) -> bool:
        """Deletes the row of a video that is being deleted, whose blobs and clips are gone."""
        values = {"id": video_id, "late_run": late_run, "upload_life": upload_life}
        return self._database.run(_FORGET_VIDEO, values) == 1

    def note_source_in_bin(self, video: DueVideo, copy: Blob) -> bool:
        """Notes that a file of the video is in the bin; False if it no longer belongs there."""
        new = {"name": copy.name, "bin_etag": copy.etag, "size": copy.size}
        self._database.run(_NOTE_SOURCE_IN_BIN, _held(video) | new)
        return self.still_holds(video)

    def note_source_restored(self, video: DueVideo) -> None:
        self._database.run(_NOTE_SOURCE_RESTORED, _held(video))

    def still_holds(self, video: DueVideo) -> bool:
        """Whether the state of the video is the same as when it was taken."""
        values = _held(video) | {"hidden": video.state is BinState.IN_BIN}
        return self._database.one(_VIDEO_STILL_HELD, values) is not None


def _bin_video_of(row: dict[str, Any]) -> DueVideo:
    return DueVideo(id=row["id"], lease_token=row["lease_token"], state=BinState(row["state"]))


def _held(item: DueVideo) -> dict[str, object]:
    return {"id": item.id, "lease_token": item.lease_token}
