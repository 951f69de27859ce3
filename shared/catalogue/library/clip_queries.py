"""Clips as their owners see them: made, listed, changed.

A clip counts as gone from the moment it is deleted or expired, although its row and blobs
are removed later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import LiteralString
from uuid import UUID

from shared.catalogue.library.retry_queries import claim
from shared.catalogue.row_mapping import (
    CHANGEABLE_COLUMNS,
    CLIP_COLUMNS,
    FILE_COLUMNS,
    VISIBLE,
    StartKey,
    clip_of,
    file_of,
    page_after,
    seen_by,
)
from shared.errors import WrongState
from shared.model.clip import Clip, ClipFile, ClipStatus, ClipUpdate
from shared.model.user import RetryKey, Viewer
from shared.postgres.database import Database
from shared.refusals import no_such_video

# No row if the video is absent or belongs to another user. Its row is locked, so that it cannot
# be deleted before its new clip exists and is deleted with it.
_ADD: LiteralString = f"""
    INSERT INTO clips AS c (id, video_id, title, start_time, end_time, duration,
                            blob_name, blob_url, content_type)
    SELECT %(id)s, v.id, %(title)s, %(start_time)s, %(end_time)s, %(end_time)s - %(start_time)s,
           %(blob_name)s, %(blob_url)s, %(content_type)s
    FROM videos v
    WHERE v.id = %(video_id)s AND (v.user_id = %(user_id)s OR %(as_admin)s)
      AND v.deleted_at IS NULL
    FOR SHARE OF v
    RETURNING {CLIP_COLUMNS}
"""

_GET: LiteralString = f"""
    SELECT {CLIP_COLUMNS}
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = %(id)s AND {VISIBLE}
"""

_GET_MANY: LiteralString = f"""
    SELECT {CLIP_COLUMNS}
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = ANY(%(ids)s) AND {VISIBLE}
"""

# What a link to a clip needs to know of it. A query of its own: one for many is planned anew on
# every call, which takes Postgres three times as long as to run this.
_FILE: LiteralString = f"""
    SELECT {FILE_COLUMNS}
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = %(id)s AND {VISIBLE}
"""

# As _FILE, for many clips at once.
_FILES: LiteralString = f"""
    SELECT {FILE_COLUMNS}
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = ANY(%(ids)s) AND {VISIBLE}
"""

# A keyset page by start time; without a key the first one.
_PAGE: LiteralString = f"""
    SELECT {CLIP_COLUMNS}
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.video_id = %(video_id)s AND {VISIBLE}
      AND (%(status)s::text IS NULL OR c.status = %(status)s)
      AND (%(after)s::float8 IS NULL
           OR (c.start_time, c.id) > (%(after)s, %(after_id)s::uuid))
    ORDER BY c.start_time, c.id
    LIMIT %(limit)s
"""

# Only what was named is changed: NULL is a value here, not an absence. The video is locked, so that
# it cannot be deleted with a clip that is being pinned.
_CHANGES: LiteralString = ", ".join(
    f"{name} = CASE WHEN %(with_{name})s THEN %({name})s ELSE c.{name} END"
    for name in CHANGEABLE_COLUMNS
)
_CHANGE: LiteralString = f"""
    UPDATE clips c SET {_CHANGES}
    FROM (
        SELECT id, user_id, deleted_at FROM videos
        WHERE id = (SELECT video_id FROM clips WHERE id = %(id)s) FOR SHARE
    ) v
    WHERE v.id = c.video_id AND c.id = %(id)s AND {VISIBLE}
    RETURNING {CLIP_COLUMNS}
"""

# Counted and logged, or neither. The viewer's row may be gone, after a restore for example: a
# view without a user is still a view.
_ADD_VIEW: LiteralString = f"""
    WITH seen AS (
        UPDATE clips c SET view_count = c.view_count + 1
        FROM videos v
        WHERE v.id = c.video_id AND c.id = %(clip_id)s AND c.video_id = %(video_id)s
          AND {VISIBLE}
        RETURNING c.id
    )
    INSERT INTO clip_view_logs (user_id, clip_id)
    SELECT u.id, seen.id FROM seen LEFT JOIN users u ON u.id = %(user_id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClip:
    id: UUID
    video_id: UUID
    title: str | None
    start_time: float
    end_time: float
    blob_name: str
    blob_url: str
    content_type: str | None


class Clips:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, viewer: Viewer, clip: NewClip, retry_key: RetryKey | None = None) -> Clip | None:
        """The clip, awaiting its upload; None if the viewer sees no such video.

        With a key that created a clip before, that clip. Raises KeyReused, and WrongState if
        that clip is deleted.
        """
        parameters = seen_by(viewer) | asdict(clip)
        if retry_key is None:
            return self._database.one_as(clip_of, _ADD, parameters)
        with self._database.transaction() as connection:
            clip_id = claim(connection, viewer.user_id, retry_key, clip.id)
            if clip_id == clip.id:
                added = connection.select(clip_of, _ADD, parameters).fetchone()
                if added is None:
                    raise no_such_video()  # and so the key is not kept
                return added
            found = connection.select(clip_of, _GET, seen_by(viewer) | {"id": clip_id}).fetchone()
        if found is None:
            raise WrongState("The clip that this Idempotency-Key created has been deleted.")
        return found

    def get(self, viewer: Viewer, clip_id: UUID) -> Clip | None:
        return self._database.one_as(clip_of, _GET, seen_by(viewer) | {"id": clip_id})

    def get_many(self, viewer: Viewer, clip_ids: Sequence[UUID]) -> Sequence[Clip]:
        """Those of the clips that the viewer sees, in any order."""
        parameters = seen_by(viewer) | {"ids": list(clip_ids)}
        return self._database.all_as(clip_of, _GET_MANY, parameters) if clip_ids else []

    def file(self, viewer: Viewer, clip_id: UUID) -> ClipFile | None:
        return self._database.one_as(file_of, _FILE, seen_by(viewer) | {"id": clip_id})

    def files(self, viewer: Viewer, clip_ids: Sequence[UUID]) -> Mapping[UUID, ClipFile]:
        """Those of the clips that the viewer sees, by id."""
        parameters = seen_by(viewer) | {"ids": list(clip_ids)}
        return {file.id: file for file in self._database.all_as(file_of, _FILES, parameters)}

    def page(
        self,
        viewer: Viewer,
        video_id: UUID,
        limit: int,
        after: StartKey | None,
        status: ClipStatus | None,
    ) -> Sequence[Clip]:
        """Up to `limit` clips by start time that come after the one with the key `after`."""
        of_video = {"video_id": video_id, "status": status}
        parameters = seen_by(viewer) | page_after(after, limit) | of_video
        return self._database.all_as(clip_of, _PAGE, parameters)

    def change(self, viewer: Viewer, clip_id: UUID, change: ClipUpdate) -> Clip | None:
        fields = asdict(change)
        named = fields.pop("named")
        with_fields = {f"with_{name}": name in named for name in fields}
        parameters = seen_by(viewer) | {"id": clip_id} | fields | with_fields
        return self._database.one_as(clip_of, _CHANGE, parameters)


class ViewLog:
    """Who viewed which clip, and how often each was viewed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, viewer: Viewer, video_id: UUID, clip_id: UUID) -> bool:
        """Counts a view; False if the viewer sees no such clip in that video."""
        parameters = seen_by(viewer) | {"video_id": video_id, "clip_id": clip_id}
        return self._database.run(_ADD_VIEW, parameters) == 1
