"""Queries of the migration about clips: which clips there are, and which blobs are theirs now.

A row gets its blob when the blob is complete, never before. The blob trigger may have attached
the blob earlier, with the same result.
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

# Every clip that is not deleted, in the order of ids. The old address of a migrated clip stays in
# s3_url; that of a clip without a blob may be in either column.
_PAGE: LiteralString = f"""
    SELECT c.id, c.video_id, c.blob_name,
           coalesce(c.s3_url, CASE WHEN c.blob_name IS NULL THEN c.blob_url END) AS old_url
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE {LIVE} AND (%(after)s::uuid IS NULL OR c.id > %(after)s)
    ORDER BY c.id LIMIT %(limit)s
"""

# In one order, so that two runs cannot wait for each other.
_LOCK: LiteralString = "SELECT id FROM clips WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"

_SET_BLOBS: LiteralString = """
    UPDATE clips c
    SET blob_name = stored.blob_name, blob_url = stored.blob_url,
        s3_url = coalesce(c.s3_url, c.blob_url), file_size = stored.size,
        content_md5 = stored.md5, content_type = coalesce(c.content_type, stored.content_type)
    FROM unnest(%(ids)s::uuid[], %(blob_names)s::text[], %(blob_urls)s::text[],
                %(sizes)s::bigint[], %(md5s)s::text[], %(content_types)s::text[])
         AS stored (id, blob_name, blob_url, size, md5, content_type)
    WHERE c.id = stored.id AND c.blob_name IS NULL AND c.deleted_at IS NULL
      AND EXISTS (SELECT 1 FROM videos v WHERE v.id = c.video_id AND v.deleted_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM clips other WHERE other.blob_name = stored.blob_name)
"""

_STATES: LiteralString = """
    SELECT c.id, c.blob_name, c.deleted_at IS NOT NULL OR v.deleted_at IS NOT NULL AS deleted
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = ANY(%(ids)s)
"""

# The end is unknown until the blob trigger has processed the file.
_ADOPT: LiteralString = """
    INSERT INTO clips (id, video_id, title, start_time, end_time, duration,
                       blob_name, blob_url, file_size, content_md5, content_type)
    SELECT %(id)s, v.id, %(title)s, 0, NULL, NULL,
           %(blob_name)s, %(blob_url)s, %(size)s, %(md5)s, %(content_type)s
    FROM videos v WHERE v.id = %(video_id)s AND v.deleted_at IS NULL
    FOR SHARE OF v
    ON CONFLICT (id) DO UPDATE SET title = coalesce(clips.title, excluded.title)
"""

_SET_LEGACY_THUMBNAILS: LiteralString = """
    UPDATE clips c
    SET own_thumbnail = legacy.name, own_thumbnail_url = legacy.url
    FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(urls)s::text[]) AS legacy (id, name, url)
    WHERE c.id = legacy.id AND c.deleted_at IS NULL
      AND c.own_thumbnail IS DISTINCT FROM legacy.name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueClip:
    """A clip as a plan needs it; `old_url` is where the old service stored its bytes."""

    id: UUID
    video_id: UUID
    blob_name: str | None
    old_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredClip:
    """A clip whose blob is complete; if `adopted`, it may have no row yet."""

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
class LegacyThumbnail:
    """A stored thumbnail that was supplied with a clip instead of being made from it."""

    clip_id: UUID
    name: str
    url: str


class RowUpdate(Enum):
    """The state of a row after an update."""

    DONE = auto()  # it has the blob
    OTHER_BLOB = auto()  # it has another blob
    CLIP_DELETED = auto()  # or the video was, that it was to belong to


class MigrationClips:
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

    def set_blobs(self, clips: Sequence[StoredClip]) -> Mapping[UUID, RowUpdate]:
        """Points rows at their blobs, in one transaction; may be repeated."""
        with self._database.transaction() as connection:
            for clip in clips:
                if clip.adopted:
                    connection.execute(_ADOPT, _columns(clip))
            ids = [clip.id for clip in clips]
            connection.execute(_LOCK, {"ids": ids})
            connection.execute(
                _SET_BLOBS,
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

    def set_legacy_thumbnails(self, thumbnails: Sequence[LegacyThumbnail]) -> None:
        """Records thumbnails that are stored; may be repeated."""
        self._database.run(
            _SET_LEGACY_THUMBNAILS,
            {
                "ids": [thumbnail.clip_id for thumbnail in thumbnails],
                "names": [thumbnail.name for thumbnail in thumbnails],
                "urls": [thumbnail.url for thumbnail in thumbnails],
            },
        )


def _columns(clip: StoredClip) -> dict[str, object]:
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


def _states(connection: Connection, clips: Sequence[StoredClip]) -> Mapping[UUID, RowUpdate]:
    rows = connection.execute(_STATES, {"ids": [clip.id for clip in clips]}).fetchall()
    names = {row["id"]: None if row["deleted"] else row["blob_name"] or "" for row in rows}
    return {clip.id: _state(names.get(clip.id), clip.blob_name) for clip in clips}


def _state(actual: str | None, wanted: str) -> RowUpdate:
    if actual is None:
        return RowUpdate.CLIP_DELETED
    return RowUpdate.DONE if actual == wanted else RowUpdate.OTHER_BLOB
