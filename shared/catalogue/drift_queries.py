"""Rows as the drift report compares them with listings, in the order of the listings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from shared.catalogue.upkeep_queries import KnownBlob
from shared.model import MISSING
from shared.postgres.database import Database

# Rows of one part of a comparison.
AT_A_TIME = 5000

# When it was hidden, and until when it is in the bin: NULL if it is being deleted for ever.
_HIDDEN: LiteralString = """
    least(c.deleted_at, v.deleted_at) AS hidden_at,
    CASE WHEN v.deleted_at IS NOT NULL AND v.purge_at IS NULL THEN NULL
         WHEN c.deleted_at IS NOT NULL THEN c.purge_at
         ELSE v.purge_at END AS purge_at
"""

_STORED_COLUMNS: LiteralString = f"""
    c.blob_name, c.etag, c.status, c.failure_code, c.attempts,
    coalesce(c.attempted_at, c.created_at) AS touched_at, c.archived, c.id, c.video_id,
    c.file_size, c.content_md5, c.bin_etag, {_HIDDEN}
"""

# Of the blob names in (after, upto]; no `upto`: to the end.
_CLIPS: LiteralString = f"""
    SELECT {_STORED_COLUMNS},
           EXISTS (SELECT 1 FROM cuts k
                   WHERE k.clip_id = c.id AND k.finished_at IS NULL) AS is_being_cut
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.blob_name > %(after)s AND (%(upto)s::text IS NULL OR c.blob_name <= %(upto)s)
    ORDER BY c.blob_name LIMIT %(limit)s
"""

# In the order of _STORED_COLUMNS.
_SOURCE_COLUMNS: LiteralString = """
    s.blob_name, s.etag, s.status, s.failure_code, s.attempts,
    coalesce(s.attempted_at, s.created_at) AS touched_at, FALSE AS archived,
    NULL::uuid AS id, s.video_id, s.file_size, NULL::text AS content_md5, s.bin_etag,
    v.deleted_at AS hidden_at, v.purge_at, FALSE AS is_being_cut
"""

_SOURCES: LiteralString = f"""
    SELECT {_SOURCE_COLUMNS}
    FROM sources s JOIN videos v ON v.id = s.video_id
    WHERE s.blob_name > %(after)s AND (%(upto)s::text IS NULL OR s.blob_name <= %(upto)s)
    ORDER BY s.blob_name LIMIT %(limit)s
"""

_SOURCE: LiteralString = f"""
    SELECT {_SOURCE_COLUMNS}
    FROM sources s JOIN videos v ON v.id = s.video_id
    WHERE s.blob_name = %(name)s
"""

# Clips and sources with bytes in the bin.
_IN_BIN: LiteralString = f"""
    SELECT {_STORED_COLUMNS}, FALSE AS is_being_cut
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.blob_name > %(after)s AND (%(upto)s::text IS NULL OR c.blob_name <= %(upto)s)
      AND c.bin_etag IS NOT NULL
    UNION ALL
    SELECT {_SOURCE_COLUMNS}
    FROM sources s JOIN videos v ON v.id = s.video_id
    WHERE s.blob_name > %(after)s AND (%(upto)s::text IS NULL OR s.blob_name <= %(upto)s)
      AND s.bin_etag IS NOT NULL
    ORDER BY 1 LIMIT %(limit)s
"""

# Of the (video, clip) in (after, upto]. The images of a source are those of a clip with the id of
# the video.
_IMAGES: LiteralString = f"""
    (SELECT c.video_id, c.id, c.blob_name, c.status, c.etag, c.archived,
            coalesce(c.attempted_at, c.created_at) AS touched_at, c.bin_etag,
            c.poster_name, c.poster_widths, c.storyboard_name, c.preview_name, c.own_thumbnail,
            CASE WHEN c.rendition_state = 'ready' THEN c.rendition_name END AS rendition_name,
            {_HIDDEN}
     FROM clips c JOIN videos v ON v.id = c.video_id
     WHERE (c.video_id, c.id) > (%(after_video)s, %(after_clip)s)
       AND (c.video_id, c.id) <= (%(upto_video)s, %(upto_clip)s)
     ORDER BY c.video_id, c.id LIMIT %(limit)s)
    UNION ALL
    (SELECT s.video_id, s.video_id, s.blob_name, s.status, s.etag, FALSE,
            coalesce(s.attempted_at, s.created_at), s.bin_etag,
            s.poster_name, NULL, s.storyboard_name, NULL, NULL, NULL, v.deleted_at, v.purge_at
     FROM sources s JOIN videos v ON v.id = s.video_id
     WHERE s.video_id >= %(after_video)s AND s.video_id <= %(upto_video)s
       AND (s.video_id, s.video_id) > (%(after_video)s, %(after_clip)s)
       AND (s.video_id, s.video_id) <= (%(upto_video)s, %(upto_clip)s)
     ORDER BY s.video_id LIMIT %(limit)s)
    ORDER BY 1, 2 LIMIT %(limit)s
"""

# What the catalogue knows about blobs that no row describes, in their order.
_SURROUNDINGS: LiteralString = """
    SELECT v.id IS NOT NULL AS video_is_known, v.deleted_at, v.purge_at,
           d.clip_id IS NOT NULL AS is_noted, d.sweep_after,
           EXISTS (SELECT 1 FROM clips c WHERE c.blob_name = n.name)
           OR EXISTS (SELECT 1 FROM sources s WHERE s.blob_name = n.name) AS has_row,
           v.deleted_at IS NULL
           AND (EXISTS (SELECT 1 FROM clips c
                        WHERE c.blob_name = n.name AND c.deleted_at IS NULL AND c.bin_etag IS NULL)
                OR EXISTS (SELECT 1 FROM sources s
                           WHERE s.blob_name = n.name AND s.bin_etag IS NULL)) AS has_visible_row,
           EXISTS (SELECT 1 FROM clips c WHERE c.id = n.clip_id AND c.video_id = n.video_id)
           OR n.clip_id = n.video_id
              AND EXISTS (SELECT 1 FROM sources s WHERE s.video_id = n.video_id) AS clip_exists
    FROM unnest(%(names)s::text[], %(video_ids)s::uuid[], %(clip_ids)s::uuid[])
         WITH ORDINALITY AS n (name, video_id, clip_id, number)
    LEFT JOIN videos v ON v.id = n.video_id
    LEFT JOIN LATERAL (
        SELECT clip_id, sweep_after FROM deleted_clips
        WHERE blob_name = n.name OR (clip_id = n.clip_id AND video_id = n.video_id)
        ORDER BY sweep_after NULLS LAST LIMIT 1
    ) d ON TRUE
    ORDER BY n.number
"""

_CLIP: LiteralString = f"""
    SELECT {_STORED_COLUMNS}, FALSE AS is_being_cut
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = %(id)s
"""

_NOTE_SIZE: LiteralString = """
    UPDATE clips SET file_size = %(size)s WHERE id = %(id)s AND etag = %(etag)s
"""
_NOTE_SOURCE_SIZE: LiteralString = """
    UPDATE sources SET file_size = %(size)s WHERE video_id = %(id)s AND etag = %(etag)s
"""
_NOTE_MD5: LiteralString = """
    UPDATE clips SET content_md5 = %(md5)s WHERE id = %(id)s AND etag = %(etag)s
"""

# Its images are made anew by the ingest.
_REPROCESS: LiteralString = """
    UPDATE clips SET status = 'processing', attempts = 0, attempted_at = now()
    WHERE id = %(id)s AND etag = %(etag)s AND status = 'ready' AND deleted_at IS NULL
"""
_REPROCESS_SOURCE: LiteralString = """
    UPDATE sources SET status = 'processing', attempts = 0, attempted_at = now()
    WHERE video_id = %(id)s AND etag = %(etag)s AND status = 'ready'
"""

_FORGET_RENDITION: LiteralString = """
    UPDATE clips
    SET rendition_state = 'queued', rendition_code = NULL, rendition_name = NULL,
        rendition_etag = etag, rendition_attempts = 0, rendition_leased_until = NULL
    WHERE id = %(id)s AND etag = %(etag)s AND rendition_state = 'ready' AND deleted_at IS NULL
"""

_MARK_SOURCE_MISSING: LiteralString = """
    UPDATE sources SET status = 'failed', failure_code = %(code)s, failure_detail = %(detail)s
    WHERE video_id = %(id)s AND etag = %(etag)s AND status IN ('processing', 'ready')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile(KnownBlob):
    """A row of a clip, or of a source (`clip_id` is None), and the blob that it should have.

    `hidden_at` is when it was deleted, by itself or with its video; `purge_at` is set as long as
    it is in the bin. A visible one with a `bin_etag` is being restored.
    """

    clip_id: UUID | None
    video_id: UUID
    file_size: int | None
    content_md5: str | None
    bin_etag: str | None
    hidden_at: datetime | None
    purge_at: datetime | None
    is_being_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesRow:
    """A clip, or the source of a video (of the same id), with the images it should have."""

    video_id: UUID
    clip_id: UUID
    blob_name: str | None
    status: str
    etag: str | None
    archived: bool
    touched_at: datetime
    bin_etag: str | None
    poster_name: str | None
    poster_widths: Sequence[int]
    storyboard_name: str | None
    preview_name: str | None
    own_thumbnail: str | None
    rendition_name: str | None
    hidden_at: datetime | None
    purge_at: datetime | None

    @property
    def is_source(self) -> bool:
        return self.clip_id == self.video_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the catalogue knows about a blob that no row describes.

    `deleted_at` and `purge_at` are of its video. A visible row is neither deleted nor being
    restored. `is_noted`: its clip is deleted for ever, and `sweep_after` is when its name is
    deleted once more, if that is still to come.
    """

    video_is_known: bool
    deleted_at: datetime | None
    purge_at: datetime | None
    is_noted: bool
    sweep_after: datetime | None
    has_row: bool
    has_visible_row: bool
    clip_exists: bool


# Video and clip.
type ImagesKey = tuple[UUID, UUID]


class DriftRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def clips(self, after: str, upto: str | None) -> Sequence[StoredFile]:
        """The first of the clips whose blob names are in (after, upto], in their order."""
        return self._stored(_CLIPS, after, upto)

    def sources(self, after: str, upto: str | None) -> Sequence[StoredFile]:
        """The same of sources."""
        return self._stored(_SOURCES, after, upto)

    def in_bin(self, after: str, upto: str | None) -> Sequence[StoredFile]:
        """The same of clips and sources with bytes in the bin."""
        return self._stored(_IN_BIN, after, upto)

    def images(self, after: ImagesKey, upto: ImagesKey) -> Sequence[ImagesRow]:
        """The first of the clips and sources in (after, upto], in their order."""
        (after_video, after_clip), (upto_video, upto_clip) = after, upto
        parameters = {
            "after_video": after_video,
            "after_clip": after_clip,
            "upto_video": upto_video,
            "upto_clip": upto_clip,
            "limit": AT_A_TIME,
        }
        return self._database.all_as(_images_row, _IMAGES, parameters)

    def clip(self, clip_id: UUID) -> StoredFile | None:
        """A clip by its id; its `name` is empty if it has none."""
        return self._database.one_as(_stored_file, _CLIP, {"id": clip_id})

    def source(self, name: str) -> StoredFile | None:
        """The source of that blob name."""
        return self._database.one_as(_stored_file, _SOURCE, {"name": name})

    def surroundings(
        self, blobs: Sequence[tuple[str | None, UUID | None, UUID | None]]
    ) -> Sequence[Surroundings]:
        """For each (name, video, clip): None for what is unknown or cannot be stored."""
        if not blobs:
            return []
        names, video_ids, clip_ids = zip(*blobs, strict=True)
        parameters = {
            "names": list(names),
            "video_ids": list(video_ids),
            "clip_ids": list(clip_ids),
        }
        return [Surroundings(**row) for row in self._database.all(_SURROUNDINGS, parameters)]

    def note_size(self, file: StoredFile, size: int) -> bool:
        """Takes over the size of the stored version; False if the row changed meanwhile."""
        return self._change(file, _NOTE_SIZE, _NOTE_SOURCE_SIZE, {"size": size})

    def note_md5(self, file: StoredFile, md5: str) -> bool:
        """The same with the MD5 of a clip."""
        values = {"id": file.clip_id, "etag": file.etag, "md5": md5}
        return self._database.run(_NOTE_MD5, values) == 1

    def reprocess(self, file: StoredFile) -> bool:
        """Makes a ready clip or source one to be processed; False if it changed meanwhile."""
        return self._change(file, _REPROCESS, _REPROCESS_SOURCE, {})

    def forget_rendition(self, clip_id: UUID, etag: str | None) -> bool:
        """Requests the lost copy of a clip again; False if the clip changed meanwhile."""
        return self._database.run(_FORGET_RENDITION, {"id": clip_id, "etag": etag}) == 1

    def mark_source_missing(self, file: StoredFile) -> bool:
        """Marks a source as failed because its blob is gone; False if it changed meanwhile."""
        values = {
            "id": file.video_id,
            "etag": file.etag,
            "code": MISSING.code,
            "detail": MISSING.detail,
        }
        return self._database.run(_MARK_SOURCE_MISSING, values) == 1

    def _change(
        self,
        file: StoredFile,
        of_clip: LiteralString,
        of_source: LiteralString,
        values: dict[str, object],
    ) -> bool:
        statement = of_source if file.clip_id is None else of_clip
        keys = {"id": file.clip_id or file.video_id, "etag": file.etag}
        return self._database.run(statement, keys | values) == 1

    def _stored(self, query: LiteralString, after: str, upto: str | None) -> Sequence[StoredFile]:
        parameters = {"after": after, "upto": upto, "limit": AT_A_TIME}
        return self._database.all_as(_stored_file, query, parameters)


def _stored_file(
    name: str | None,
    etag: str | None,
    status: str,
    failure_code: str | None,
    attempts: int,
    touched_at: datetime,
    archived: bool,  # noqa: FBT001 - a column, and called by the driver alone
    clip_id: UUID | None,
    video_id: UUID,
    file_size: int | None,
    content_md5: str | None,
    bin_etag: str | None,
    hidden_at: datetime | None,
    purge_at: datetime | None,
    is_being_cut: bool,  # noqa: FBT001 - the same
) -> StoredFile:
    return StoredFile(
        name=name or "",
        etag=etag,
        status=status,
        failure_code=failure_code,
        attempts=attempts,
        touched_at=touched_at,
        deleted=hidden_at is not None,
        archived=archived,
        clip_id=clip_id,
        video_id=video_id,
        file_size=file_size,
        content_md5=content_md5,
        bin_etag=bin_etag,
        hidden_at=hidden_at,
        purge_at=purge_at,
        is_being_cut=is_being_cut,
    )


def _images_row(
    video_id: UUID,
    clip_id: UUID,
    blob_name: str | None,
    status: str,
    etag: str | None,
    archived: bool,  # noqa: FBT001 - a column, and called by the driver alone
    touched_at: datetime,
    bin_etag: str | None,
    poster_name: str | None,
    poster_widths: Sequence[int] | None,
    storyboard_name: str | None,
    preview_name: str | None,
    own_thumbnail: str | None,
    rendition_name: str | None,
    hidden_at: datetime | None,
    purge_at: datetime | None,
) -> ImagesRow:
    return ImagesRow(
        video_id=video_id,
        clip_id=clip_id,
        blob_name=blob_name,
        status=status,
        etag=etag,
        archived=archived,
        touched_at=touched_at,
        bin_etag=bin_etag,
        poster_name=poster_name,
        poster_widths=poster_widths or (),
        storyboard_name=storyboard_name,
        preview_name=preview_name,
        own_thumbnail=own_thumbnail,
        rendition_name=rendition_name,
        hidden_at=hidden_at,
        purge_at=purge_at,
    )
