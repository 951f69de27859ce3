"""Rows as the drift report compares them with listings, in the order of the listings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from shared.catalogue.drift.drift_image_queries import HIDDEN, DriftImages
from shared.catalogue.drift.surroundings_query import OwnedName, Surroundings, surroundings_of
from shared.catalogue.upkeep.upkeep_queries import KnownBlob
from shared.postgres.database import Database

_STORED_COLUMNS: LiteralString = f"""
    c.blob_name, c.etag, c.status, c.failure_code, c.attempts,
    coalesce(c.attempted_at, c.created_at) AS touched_at, c.archived, c.id, c.video_id,
    c.file_size, c.content_md5, c.bin_etag, {HIDDEN}
"""

# Of the blob names in (after, upto]; no `upto`: to the end. What is stable is visible, ready, and
# has not changed since `quiet_since`: of a million rows nearly all.
_CLIPS_IN_SHORT: LiteralString = """
    SELECT c.blob_name, c.etag, c.file_size, c.content_md5,
           c.status = 'ready' AND NOT c.archived AND c.bin_etag IS NULL
           AND c.deleted_at IS NULL AND v.deleted_at IS NULL
           AND coalesce(c.attempted_at, c.created_at) < %(quiet_since)s AS is_stable
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.blob_name > %(after)s AND (%(upto)s::text IS NULL OR c.blob_name <= %(upto)s)
    ORDER BY c.blob_name LIMIT %(limit)s
"""
_CLIPS: LiteralString = f"""
    SELECT {_STORED_COLUMNS},
           EXISTS (SELECT 1 FROM cuts k
                   WHERE k.clip_id = c.id AND k.finished_at IS NULL) AS is_being_cut
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.blob_name = ANY(%(names)s)
    ORDER BY c.blob_name
"""

# In the order of _STORED_COLUMNS.
_SOURCE_COLUMNS: LiteralString = """
    s.blob_name, s.etag, s.status, s.failure_code, s.attempts,
    coalesce(s.attempted_at, s.created_at) AS touched_at, FALSE AS archived,
    NULL::uuid AS id, s.video_id, s.file_size, NULL::text AS content_md5, s.bin_etag,
    v.deleted_at AS hidden_at, v.purge_at, FALSE AS is_being_cut
"""

_SOURCES_IN_SHORT: LiteralString = """
    SELECT s.blob_name, s.etag, s.file_size, NULL::text AS content_md5,
           s.status = 'ready' AND s.bin_etag IS NULL AND v.deleted_at IS NULL
           AND coalesce(s.attempted_at, s.created_at) < %(quiet_since)s AS is_stable
    FROM sources s JOIN videos v ON v.id = s.video_id
    WHERE s.blob_name > %(after)s AND (%(upto)s::text IS NULL OR s.blob_name <= %(upto)s)
    ORDER BY s.blob_name LIMIT %(limit)s
"""
_SOURCES: LiteralString = f"""
    SELECT {_SOURCE_COLUMNS}
    FROM sources s JOIN videos v ON v.id = s.video_id
    WHERE s.blob_name = ANY(%(names)s)
    ORDER BY s.blob_name
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

_CLIP: LiteralString = f"""
    SELECT {_STORED_COLUMNS}, FALSE AS is_being_cut
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = %(id)s
"""


class StoredInShort(NamedTuple):
    """The part of a row that shows whether it agrees with its blob."""

    name: str
    etag: str | None
    file_size: int | None
    content_md5: str | None
    is_stable: bool


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


class DriftRows:
    """Clips and sources; their images are in `images`."""

    # Rows of one part of a comparison.
    at_a_time = 5000

    def __init__(self, database: Database) -> None:
        self._database = database
        self.images = DriftImages(database)

    def clips(self, after: str, upto: str | None, quiet_since: datetime) -> Sequence[StoredInShort]:
        """The first of the clips whose blob names are in (after, upto], in their order."""
        return self._in_short(_CLIPS_IN_SHORT, after, upto, quiet_since)

    def sources(
        self, after: str, upto: str | None, quiet_since: datetime
    ) -> Sequence[StoredInShort]:
        """As `clips`, for sources."""
        return self._in_short(_SOURCES_IN_SHORT, after, upto, quiet_since)

    def clips_named(self, names: Sequence[str]) -> Sequence[StoredFile]:
        """Clips by the names of their blobs, in the order of these."""
        return self._named(_CLIPS, names)

    def sources_named(self, names: Sequence[str]) -> Sequence[StoredFile]:
        """As `clips_named`, for sources."""
        return self._named(_SOURCES, names)

    def in_bin(self, after: str, upto: str | None) -> Sequence[StoredFile]:
        """The first of the clips and sources with bytes in the bin, by their names as above."""
        parameters = {"after": after, "upto": upto, "limit": self.at_a_time}
        return self._database.all_as(_stored_file, _IN_BIN, parameters)

    def clip(self, clip_id: UUID) -> StoredFile | None:
        """A clip by its id; its `name` is empty if it has none."""
        return self._database.one_as(_stored_file, _CLIP, {"id": clip_id})

    def source(self, name: str) -> StoredFile | None:
        """The source of that blob name."""
        return next(iter(self.sources_named([name])), None)

    def surroundings(self, blobs: Sequence[OwnedName]) -> Sequence[Surroundings]:
        """For each (name, video, clip): None for what is unknown or cannot be stored."""
        return surroundings_of(self._database, blobs)

    def _in_short(
        self, query: LiteralString, after: str, upto: str | None, quiet_since: datetime
    ) -> Sequence[StoredInShort]:
        parameters = {
            "after": after,
            "upto": upto,
            "quiet_since": quiet_since,
            "limit": self.at_a_time,
        }
        return self._database.all_as(StoredInShort, query, parameters)

    def _named(self, query: LiteralString, names: Sequence[str]) -> Sequence[StoredFile]:
        return self._database.all_as(_stored_file, query, {"names": names}) if names else []


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
