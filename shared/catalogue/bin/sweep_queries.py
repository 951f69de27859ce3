"""Notes of what was deleted permanently: swept once, and kept so that owners get 410 for a while.

An upload link may outlive its clip, and a run that was late may write an image: what appears under
the names of a deleted clip or video is removed once more, when nothing can appear any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from shared.postgres.database import Database

# The name may belong to a new clip by now: then its blob stays. So do blobs of a clip or video
# that exists again, in a database that was restored.
_DUE_CLIPS: LiteralString = """
    SELECT d.clip_id, d.video_id,
           CASE WHEN EXISTS (SELECT 1 FROM clips c WHERE c.blob_name = d.blob_name)
                THEN NULL ELSE d.blob_name END AS blob_name,
           EXISTS (SELECT 1 FROM clips c WHERE c.id = d.clip_id) AS exists_again
    FROM deleted_clips d
    WHERE d.sweep_after <= now()
    ORDER BY d.sweep_after LIMIT %(limit)s
"""

_DUE_VIDEOS: LiteralString = """
    SELECT d.video_id, EXISTS (SELECT 1 FROM videos v WHERE v.id = d.video_id) AS exists_again
    FROM deleted_videos d
    WHERE d.sweep_after <= now()
    ORDER BY d.sweep_after LIMIT %(limit)s
"""

_CLIP_SWEPT: LiteralString = """
    UPDATE deleted_clips SET sweep_after = NULL WHERE clip_id = %(id)s
"""
_VIDEO_SWEPT: LiteralString = """
    UPDATE deleted_videos SET sweep_after = NULL WHERE video_id = %(id)s
"""

_POSTPONE_CLIP: LiteralString = """
    UPDATE deleted_clips SET sweep_after = now() + interval '1 hour' WHERE clip_id = %(id)s
"""
_POSTPONE_VIDEO: LiteralString = """
    UPDATE deleted_videos SET sweep_after = now() + interval '1 hour' WHERE video_id = %(id)s
"""

_FORGET_CLIPS: LiteralString = """
    DELETE FROM deleted_clips WHERE clip_id = ANY (ARRAY(
        SELECT clip_id FROM deleted_clips
        WHERE deleted_at < now() - %(life)s AND sweep_after IS NULL LIMIT %(limit)s))
"""
_FORGET_VIDEOS: LiteralString = """
    DELETE FROM deleted_videos WHERE video_id = ANY (ARRAY(
        SELECT video_id FROM deleted_videos
        WHERE deleted_at < now() - %(life)s AND sweep_after IS NULL LIMIT %(limit)s))
"""


# Visible clips and videos for which nothing is left to do, and whose bytes are in the bin all the
# same: a worker died between the copy and the note of it. Their own worker decides.
_WAKE_CLIPS: LiteralString = """
    UPDATE clips c SET next_try_at = now()
    FROM videos v
    WHERE v.id = c.video_id
      AND c.id IN (SELECT id FROM clips WHERE blob_name = ANY(%(names)s)
                   UNION SELECT id FROM clips WHERE id = ANY(%(clip_ids)s))
      AND c.deleted_at IS NULL AND v.deleted_at IS NULL
      AND c.bin_etag IS NULL AND c.next_try_at IS NULL
"""
_WAKE_VIDEOS: LiteralString = """
    UPDATE videos SET next_try_at = now()
    WHERE id IN (SELECT video_id FROM sources WHERE blob_name = ANY(%(names)s))
      AND deleted_at IS NULL AND next_try_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptClip:
    """A deleted clip; `blob_name` is None if its name belongs to another clip."""

    clip_id: UUID
    video_id: UUID
    blob_name: str | None
    exists_again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptVideo:
    video_id: UUID
    exists_again: bool


class Sweeps:
    def __init__(self, database: Database) -> None:
        self._database = database

    def due_clips(self, limit: int) -> Sequence[SweptClip]:
        """Clips deleted long enough ago that nothing new can appear under their names."""
        return [SweptClip(**row) for row in self._database.all(_DUE_CLIPS, {"limit": limit})]

    def due_videos(self, limit: int) -> Sequence[SweptVideo]:
        return [SweptVideo(**row) for row in self._database.all(_DUE_VIDEOS, {"limit": limit})]

    def clip_swept(self, clip_id: UUID) -> None:
        self._database.run(_CLIP_SWEPT, {"id": clip_id})

    def video_swept(self, video_id: UUID) -> None:
        self._database.run(_VIDEO_SWEPT, {"id": video_id})

    def postpone_clip(self, clip_id: UUID) -> None:
        """Sweeps it again in an hour, after the others."""
        self._database.run(_POSTPONE_CLIP, {"id": clip_id})

    def postpone_video(self, video_id: UUID) -> None:
        self._database.run(_POSTPONE_VIDEO, {"id": video_id})

    def wake_owners(self, names: Sequence[str], clip_ids: Sequence[UUID]) -> int:
        """Makes those due whose bytes are in the bin, under these names, without need; how many."""
        values = {"names": names, "clip_ids": clip_ids}
        return self._database.run(_WAKE_CLIPS, values) + self._database.run(
            _WAKE_VIDEOS, {"names": names}
        )

    def forget(self, life: timedelta, limit: int) -> int:
        """Deletes notes older than `life`; returns how many."""
        values = {"life": life, "limit": limit}
        clips = self._database.run(_FORGET_CLIPS, values)
        return clips + self._database.run(_FORGET_VIDEOS, values)
