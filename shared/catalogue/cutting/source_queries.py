"""Sources: the file that a whole video was uploaded as, one for each video.

What the blob trigger writes about them is in `source_landing_queries`.
"""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import seen_by
from shared.model.clip import ClipStatus
from shared.model.cutting import Source
from shared.model.failure import Failure
from shared.model.media import MediaJson
from shared.model.user import Viewer
from shared.postgres.database import Database

_COLUMNS: LiteralString = """
    s.video_id, s.blob_name, s.status, s.failure_code, s.failure_detail, s.file_size,
    s.content_type, s.duration, s.media::text AS media, s.keyframe_interval, s.storyboard_name,
    s.created_at
"""

_SEEN: LiteralString = """
    v.deleted_at IS NULL AND (v.user_id = %(user_id)s OR %(as_admin)s)
"""

# The row of a source that exists stays as it is: it describes the file that is there until
# another one lands. No row if the viewer sees no such video.
_ANNOUNCE: LiteralString = f"""
    WITH announced AS (
        INSERT INTO sources (video_id, blob_name, content_type)
        SELECT v.id, %(blob_name)s, %(content_type)s FROM videos v
        WHERE v.id = %(video_id)s AND {_SEEN}
        FOR SHARE OF v
        ON CONFLICT (video_id) DO UPDATE
            SET blob_name = CASE WHEN sources.status = 'awaiting_upload'
                                 THEN excluded.blob_name ELSE sources.blob_name END,
                content_type = CASE WHEN sources.status = 'awaiting_upload'
                                    THEN excluded.content_type ELSE sources.content_type END
        RETURNING *
    )
    SELECT {_COLUMNS} FROM announced s
"""

_GET: LiteralString = f"""
    SELECT {_COLUMNS}
    FROM sources s JOIN videos v ON v.id = s.video_id
    WHERE s.video_id = %(video_id)s AND {_SEEN}
"""

_REMOVE: LiteralString = "DELETE FROM sources WHERE video_id = %(video_id)s"


class Sources:
    def __init__(self, database: Database) -> None:
        self._database = database

    def announce(
        self, viewer: Viewer, video_id: UUID, blob_name: str, content_type: str | None
    ) -> Source | None:
        """The source that awaits its upload, or the one that the upload will replace.

        None if the viewer sees no such video.
        """
        new = {"video_id": video_id, "blob_name": blob_name, "content_type": content_type}
        return self._database.one_as(_source, _ANNOUNCE, seen_by(viewer) | new)

    def get(self, viewer: Viewer, video_id: UUID) -> Source | None:
        return self._database.one_as(_source, _GET, seen_by(viewer) | {"video_id": video_id})

    def remove(self, video_id: UUID) -> None:
        """Drops the row; the blob is gone by then."""
        self._database.run(_REMOVE, {"video_id": video_id})


def _source(
    video_id: UUID,
    blob_name: str,
    status: str,
    failure_code: str | None,
    failure_detail: str,
    file_size: int | None,
    content_type: str | None,
    duration: float | None,
    media: MediaJson | None,
    keyframe_interval: float | None,
    storyboard_name: str | None,
    created_at: datetime,
) -> Source:
    """The values of the columns, in their order."""
    return Source(
        video_id=video_id,
        blob_name=blob_name,
        status=ClipStatus(status),
        failure=None if failure_code is None else Failure(failure_code, failure_detail),
        file_size=file_size,
        content_type=content_type,
        duration=duration,
        media=media,
        keyframe_interval=keyframe_interval,
        storyboard_name=storyboard_name,
        created_at=created_at,
    )
