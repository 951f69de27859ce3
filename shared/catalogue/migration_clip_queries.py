"""Queries for moving clips in: which clips there are, and where their bytes are from now on.

A row is switched to its blob when the blob is complete, never before. The blob trigger may have
attached the blob first, with the same result.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import LIVE
from shared.postgres.database import Connection, Database

_AT_A_TIME = 5000

_VIDEO_EXISTS: LiteralString = """
    SELECT 1 FROM videos WHERE id = %(video_id)s AND deleted_at IS NULL
"""

# Every clip that is there for somebody, in the order of ids. The address that a clip had before
# it was moved stays in s3_url; that of one that was not moved may stand in either column.
_PAGE: LiteralString = f"""
    SELECT c.id, c.video_id, c.blob_name,
           coalesce(c.s3_url, CASE WHEN c.blob_name IS NULL THEN c.blob_url END) AS old_url
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE {LIVE} AND (%(after)s::uuid IS NULL OR c.id > %(after)s)
    ORDER BY c.id LIMIT %(limit)s
"""

# In one order, so that two runners cannot wait for each other.
_LOCK: LiteralString = "SELECT id FROM clips WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"

_SWITCH: LiteralString = """
    UPDATE clips c
    SET blob_name = moved.blob_name, blob_url = moved.blob_url,
        s3_url = coalesce(c.s3_url, c.blob_url), file_size = moved.size,
        content_md5 = moved.md5, content_type = coalesce(c.content_type, moved.content_type)
    FROM unnest(%(ids)s::uuid[], %(blob_names)s::text[], %(blob_urls)s::text[],
                %(sizes)s::bigint[], %(md5s)s::text[], %(content_types)s::text[])
         AS moved (id, blob_name, blob_url, size, md5, content_type)
    WHERE c.id = moved.id AND c.blob_name IS NULL AND c.deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM clips other WHERE other.blob_name = moved.blob_name)
"""

_STATES: LiteralString = """
    SELECT id, blob_name, deleted_at IS NOT NULL AS deleted FROM clips WHERE id = ANY(%(ids)s)
"""

# The end is not known until the blob trigger has looked into the file.
_ADOPT: LiteralString = """
    INSERT INTO clips (id, video_id, title, start_time, end_time, duration,
                       blob_name, blob_url, file_size, content_md5, content_type)
    SELECT %(id)s, v.id, %(title)s, 0, NULL, NULL,
           %(blob_name)s, %(blob_url)s, %(size)s, %(md5)s, %(content_type)s
    FROM videos v WHERE v.id = %(video_id)s AND v.deleted_at IS NULL
    FOR SHARE OF v
    ON CONFLICT (id) DO UPDATE SET title = coalesce(clips.title, excluded.title)
"""

_BRING_THUMBNAILS: LiteralString = """
    UPDATE clips c
    SET own_thumbnail = brought.name, own_thumbnail_url = brought.url
    FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(urls)s::text[]) AS brought (id, name, url)
    WHERE c.id = brought.id AND c.deleted_at IS NULL
      AND c.own_thumbnail IS DISTINCT FROM brought.name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueClip:
    """A clip as the plan needs it; `old_url` is where the old service kept its bytes."""

    id: UUID
    video_id: UUID
    blob_name: str | None
    old_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedClip:
    """A clip whose blob is complete; one that is `adopted` may have no row yet."""

    id: UUID
    video_id: UUID
    blob_name: str
    blob_url: str
    size: int
    md5: str
    content_type: str | None
    adopted: bool = False
    title: str | None = None


@dataclass(frozen=True, slots=True)
class BroughtThumbnail:
    """A stored thumbnail that came along with a clip."""

    clip_id: UUID
    name: str
    url: str


class Switched(Enum):
    """What became of the row of a moved clip."""

    DONE = auto()  # it speaks of the blob
    ELSEWHERE = auto()  # it speaks of another blob
    GONE = auto()  # the clip, or the video it was to belong to, was deleted meanwhile


class Moving:
    def __init__(self, database: Database) -> None:
        self._database = database

    def video_exists(self, video_id: UUID) -> bool:
        return self._database.one(_VIDEO_EXISTS, {"video_id": video_id}) is not None

    def clips(self) -> Iterator[CatalogueClip]:
        """Every clip, a page at a time."""
        after: UUID | None = None
        while True:
            rows = self._database.all(_PAGE, {"after": after, "limit": _AT_A_TIME})
            for row in rows:
                yield CatalogueClip(**row)
            if len(rows) < _AT_A_TIME:
                return
            after = rows[-1]["id"]

    def switch(self, clips: Sequence[MovedClip]) -> Mapping[UUID, Switched]:
        """Lets the rows speak of their blobs, in one transaction; as often as one likes."""
        with self._database.transaction() as connection:
            for clip in clips:
                if clip.adopted:
                    connection.execute(_ADOPT, _columns(clip))
            ids = [clip.id for clip in clips]
            connection.execute(_LOCK, {"ids": ids})
            connection.execute(
                _SWITCH,
                {
                    "ids": ids,
                    "blob_names": [clip.blob_name for clip in clips],
                    "blob_urls": [clip.blob_url for clip in clips],
                    "sizes": [clip.size for clip in clips],
                    "md5s": [clip.md5 for clip in clips],
                    "content_types": [clip.content_type for clip in clips],
                },
            )
            return _states(connection, clips)

    def bring_thumbnails(self, thumbnails: Sequence[BroughtThumbnail]) -> None:
        """Notes thumbnails that are stored; as often as one likes."""
        self._database.run(
            _BRING_THUMBNAILS,
            {
                "ids": [thumbnail.clip_id for thumbnail in thumbnails],
                "names": [thumbnail.name for thumbnail in thumbnails],
                "urls": [thumbnail.url for thumbnail in thumbnails],
            },
        )


def _columns(clip: MovedClip) -> dict[str, object]:
    return {
        "id": clip.id,
        "video_id": clip.video_id,
        "title": clip.title,
        "blob_name": clip.blob_name,
        "blob_url": clip.blob_url,
        "size": clip.size,
        "md5": clip.md5,
        "content_type": clip.content_type,
    }


def _states(connection: Connection, clips: Sequence[MovedClip]) -> Mapping[UUID, Switched]:
    rows = connection.execute(_STATES, {"ids": [clip.id for clip in clips]}).fetchall()
    names = {row["id"]: None if row["deleted"] else row["blob_name"] or "" for row in rows}
    return {clip.id: _state(names.get(clip.id), clip.blob_name) for clip in clips}


def _state(actual: str | None, wanted: str) -> Switched:
    if actual is None:
        return Switched.GONE
    return Switched.DONE if actual == wanted else Switched.ELSEWHERE
