"""What clips can be cut out of: the source of a video, or a clip of the same video."""

from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import VISIBLE, seen_by
from shared.model.clip import ClipStatus
from shared.model.cutting import CutSource
from shared.model.user import Viewer
from shared.postgres.database import Database

# A source of a video that the viewer sees.
_VIDEO_SOURCE: LiteralString = """
    SELECT s.video_id AS id, FALSE AS is_clip, s.blob_name, coalesce(s.etag, '') AS etag, s.status,
           FALSE AS archived, coalesce(s.file_size, 0) AS file_size, s.duration, s.content_type,
           0::float8 AS starts_at, jsonb_typeof(s.media->'video') = 'object' AS has_picture
    FROM sources s JOIN videos v ON v.id = s.video_id
    WHERE s.video_id = %(video_id)s AND v.deleted_at IS NULL
      AND (v.user_id = %(user_id)s OR %(as_admin)s)
"""

# A clip of the same video.
_CLIP_SOURCE: LiteralString = f"""
    SELECT c.id, TRUE AS is_clip, c.blob_name, coalesce(c.etag, '') AS etag, c.status, c.archived,
           coalesce(c.file_size, 0) AS file_size, c.duration, c.content_type,
           c.start_time AS starts_at, jsonb_typeof(c.media->'video') = 'object' AS has_picture
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = %(clip_id)s AND c.video_id = %(video_id)s AND c.blob_name IS NOT NULL
      AND {VISIBLE}
"""


class CutSources:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of_video(self, viewer: Viewer, video_id: UUID) -> CutSource | None:
        return self._database.one_as(
            _cut_source, _VIDEO_SOURCE, seen_by(viewer) | {"video_id": video_id}
        )

    def of_clip(self, viewer: Viewer, video_id: UUID, clip_id: UUID) -> CutSource | None:
        """A clip of that video as the source; None if the viewer sees no such clip."""
        values = seen_by(viewer) | {"video_id": video_id, "clip_id": clip_id}
        return self._database.one_as(_cut_source, _CLIP_SOURCE, values)


def _cut_source(
    source_id: UUID,
    is_clip: bool,  # noqa: FBT001 - a column, and called by the driver alone
    blob_name: str,
    etag: str,
    status: str,
    archived: bool,  # noqa: FBT001 - a column, and called by the driver alone
    file_size: int,
    duration: float | None,
    content_type: str | None,
    starts_at: float,
    has_picture: bool | None,  # noqa: FBT001 - a column, and called by the driver alone
) -> CutSource:
    """The values of the columns, in their order."""
    return CutSource(
        id=source_id,
        is_clip=is_clip,
        blob_name=blob_name,
        etag=etag,
        status=ClipStatus(status),
        archived=archived,
        file_size=file_size,
        duration=duration,
        content_type=content_type,
        starts_at=starts_at,
        has_picture=has_picture,
    )
