"""Videos, each with its owner; clips belong to videos."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import LiteralString
from uuid import UUID, uuid4

from shared.catalogue.library.retry_queries import claim
from shared.catalogue.row_mapping import UNEXPIRED, TimeKey, page_after, seen_by
from shared.errors import WrongState
from shared.model.user import RetryKey, Viewer
from shared.model.video import Video, VideoUpdate
from shared.postgres.database import Database, Row

VIDEO_COLUMNS: LiteralString = f"""
    v.id, v.title, v.youtube_id, v.status::text AS status, v.created_at, v.retention_days,
    (SELECT count(*) FROM clips c
     WHERE c.video_id = v.id AND c.deleted_at IS NULL AND {UNEXPIRED}) AS clip_count,
    v.deleted_at, v.purge_at
"""

# No row if the user was deleted.
_ADD: LiteralString = f"""
    INSERT INTO videos AS v (id, user_id, title, youtube_id)
    SELECT %(id)s, u.id, %(title)s, %(youtube_id)s FROM users u WHERE u.id = %(user_id)s
    RETURNING {VIDEO_COLUMNS}
"""

# Its row is locked until the new video refers to it.
_USER: LiteralString = "SELECT id FROM users WHERE id = %(user_id)s FOR KEY SHARE"

_GET: LiteralString = f"""
    SELECT {VIDEO_COLUMNS} FROM videos v
    WHERE v.id = %(id)s AND (v.user_id = %(user_id)s OR %(as_admin)s) AND v.deleted_at IS NULL
"""

# A keyset page, newest first; without a key the first one.
_PAGE: LiteralString = f"""
    SELECT {VIDEO_COLUMNS} FROM videos v
    WHERE v.user_id = %(user_id)s AND v.deleted_at IS NULL
      AND (%(after)s::timestamptz IS NULL
           OR (v.created_at, v.id) < (%(after)s, %(after_id)s::uuid))
    ORDER BY v.created_at DESC, v.id DESC
    LIMIT %(limit)s
"""

# Only what was named is changed: NULL is a value here. The schema dates a new retention.
_CHANGE: LiteralString = f"""
    UPDATE videos v
    SET title = CASE WHEN %(with_title)s THEN %(title)s::text ELSE v.title END,
        retention_days = CASE WHEN %(with_retention_days)s THEN %(retention_days)s::integer
                              ELSE v.retention_days END
    WHERE v.id = %(id)s AND (v.user_id = %(user_id)s OR %(as_admin)s) AND v.deleted_at IS NULL
    RETURNING {VIDEO_COLUMNS}
"""


class Videos:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        user_id: UUID,
        title: str | None,
        youtube_id: str | None,
        retry_key: RetryKey | None = None,
    ) -> Video | None:
        """The new video; None if there is no such user.

        With a key that created a video before, that video. Raises KeyReused, and WrongState if
        that video is deleted.
        """
        new_id = uuid4()
        parameters = {"id": new_id, "user_id": user_id, "title": title, "youtube_id": youtube_id}
        if retry_key is None:
            row = self._database.one(_ADD, parameters)
            return video_of(row) if row else None
        with self._database.transaction() as connection:
            if connection.execute(_USER, parameters).fetchone() is None:
                return None
            video_id = claim(connection, user_id, retry_key, new_id)
            if video_id == new_id:
                connection.execute(_ADD, parameters)
            mine = seen_by(Viewer(user_id)) | {"id": video_id}
            row = connection.execute(_GET, mine).fetchone()
        if row is None:
            raise WrongState("The video that this Idempotency-Key created has been deleted.")
        return video_of(row)

    def get(self, viewer: Viewer, video_id: UUID) -> Video | None:
        row = self._database.one(_GET, seen_by(viewer) | {"id": video_id})
        return video_of(row) if row else None

    def page(self, user_id: UUID, limit: int, after: TimeKey | None) -> Sequence[Video]:
        """Up to `limit` videos, newest first, that come after the one with the key `after`."""
        rows = self._database.all(_PAGE, page_after(after, limit) | {"user_id": user_id})
        return [video_of(row) for row in rows]

    def change(self, viewer: Viewer, video_id: UUID, change: VideoUpdate) -> Video | None:
        fields = asdict(change)
        named = fields.pop("named")
        with_fields = {f"with_{name}": name in named for name in fields}
        row = self._database.one(_CHANGE, seen_by(viewer) | {"id": video_id} | fields | with_fields)
        return video_of(row) if row else None


def video_of(row: Row) -> Video:
    """The columns of VIDEO_COLUMNS."""
    return Video(**row)
