"""Queries of the cleanup: what is due for deletion, where storage and catalogue differ."""

import logging
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import VIDEO_EXISTS
from shared.errors import DatabaseUnavailable
from shared.model.failure import MISSING, is_final
from shared.postgres.database import Database

_log = logging.getLogger(__name__)

_KNOWN_AT_A_TIME = 5000

# Any number, as long as it stays the same. The lock is of a transaction: it ends with its
# connection, also if the process is killed, and a pooler that reuses connections after each
# transaction cannot keep it.
_CLEANUP_LOCK = 7_071_001
_TRY_LOCK: LiteralString = "SELECT pg_try_advisory_xact_lock(%(key)s) AS is_alone"

# Clips that were announced and never uploaded.
_ABANDONED: LiteralString = """
    SELECT c.id AS clip_id, c.video_id, c.blob_name
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.status = 'awaiting_upload' AND c.blob_name IS NOT NULL AND c.deleted_at IS NULL
      AND NOT c.pinned AND c.bin_etag IS NULL AND v.deleted_at IS NULL AND c.created_at < %(before)s
      AND NOT c.id = ANY(%(excluded)s)
    ORDER BY c.created_at LIMIT %(limit)s
"""

_HIDE_ABANDONED: LiteralString = f"""
    UPDATE clips SET deleted_at = now()
    WHERE id = %(id)s AND status = 'awaiting_upload' AND deleted_at IS NULL
      AND NOT pinned AND {VIDEO_EXISTS}
"""

_ATTEMPTED: LiteralString = """
    SELECT 1 FROM clips WHERE blob_name = %(blob_name)s AND attempted_at >= %(since)s
"""

_EXISTING_VIDEOS: LiteralString = """
    SELECT id FROM videos WHERE id = ANY(%(ids)s) AND deleted_at IS NULL
"""

# A part of the blob names in (after, upto], in their order; no `upto`: to the end. Clips that are
# deleted or in the bin have no blob here that could be missing, and none to be processed.
_KNOWN_BLOBS: LiteralString = """
    SELECT c.blob_name AS name, c.etag, c.status, c.failure_code, c.attempts,
           coalesce(c.attempted_at, c.created_at) AS touched_at,
           c.deleted_at IS NOT NULL OR v.deleted_at IS NOT NULL AS deleted, c.archived
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.blob_name > %(after)s AND (%(upto)s::text IS NULL OR c.blob_name <= %(upto)s)
    ORDER BY c.blob_name LIMIT %(limit)s
"""

_MARK_MISSING: LiteralString = f"""
    UPDATE clips SET status = 'failed', failure_code = %(code)s, failure_detail = %(detail)s
    WHERE blob_name = %(blob_name)s AND etag = %(etag)s AND deleted_at IS NULL
      AND status IN ('processing', 'ready') AND {VIDEO_EXISTS}
"""

_NOTE_ARCHIVED: LiteralString = """
    UPDATE clips SET archived = %(archived)s WHERE blob_name = ANY(%(blob_names)s)
"""

_WITHOUT_MD5: LiteralString = """
    SELECT c.blob_name
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.status = 'ready' AND c.content_md5 IS NULL AND NOT c.archived
      AND c.deleted_at IS NULL AND v.deleted_at IS NULL AND c.file_size <= %(largest)s
      AND NOT c.blob_name = ANY(%(excluded)s)
    ORDER BY c.created_at LIMIT %(limit)s
"""

_NOTE_MD5: LiteralString = """
    UPDATE clips SET content_md5 = %(md5)s, etag = %(new_etag)s
    WHERE blob_name = %(blob_name)s AND etag = %(old_etag)s AND status = 'ready'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedClip:
    """A clip that still awaits its upload."""

    clip_id: UUID
    video_id: UUID
    blob_name: str


@dataclass(frozen=True, slots=True)
class KnownBlob:
    """What the catalogue records about a blob; `touched_at` is when a run last worked on it.

    Its fields are the columns of _KNOWN_BLOBS, in their order.
    """

    name: str
    etag: str | None
    status: str
    failure_code: str | None
    attempts: int
    touched_at: datetime
    deleted: bool
    archived: bool

    @property
    def is_final(self) -> bool:
        """Whether the version named by `etag` has its final verdict."""
        return is_final(self.status, self.failure_code)


class Upkeep:
    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no other cleanup is running; keeps others from starting until the block ends.

        Takes a connection for as long. Should that be lost, another cleanup may begin, which
        does no harm. Raises DatabaseUnavailable.
        """
        is_over = False
        try:
            with self._database.transaction() as connection:
                row = connection.execute(_TRY_LOCK, {"key": _CLEANUP_LOCK}).fetchone()
                yield row is not None and bool(row["is_alone"])
                is_over = True
        except DatabaseUnavailable:
            if not is_over:
                raise
            _log.warning("The lock of the cleanup was lost with its connection")

    def abandoned_uploads(
        self, before: datetime, excluded: Sequence[UUID], limit: int
    ) -> Sequence[AwaitedClip]:
        """Clips made before `before` that still await their upload, without those in `but`."""
        parameters = {"before": before, "excluded": list(excluded), "limit": limit}
        rows = self._database.all(_ABANDONED, parameters)
        return [AwaitedClip(**row) for row in rows]

    def hide_abandoned(self, clip_id: UUID) -> bool:
        """False if something landed for the clip meanwhile."""
        return self._database.run(_HIDE_ABANDONED, {"id": clip_id}) == 1

    def attempted_since(self, blob_name: str, since: datetime) -> bool:
        """Whether a run has begun to process a blob since then."""
        found = self._database.one(_ATTEMPTED, {"blob_name": blob_name, "since": since})
        return found is not None

    def existing_videos(self, ids: AbstractSet[UUID]) -> AbstractSet[UUID]:
        """The ids that are those of videos that are not deleted."""
        rows = self._database.all(_EXISTING_VIDEOS, {"ids": list(ids)}) if ids else []
        return {row["id"] for row in rows}

    def known_blobs(self, after: str, upto: str | None) -> Iterator[KnownBlob]:
        """What the catalogue knows of blobs named (after, upto], in the order of names."""
        while True:
            rows = self._database.all_as(
                KnownBlob, _KNOWN_BLOBS, {"after": after, "upto": upto, "limit": _KNOWN_AT_A_TIME}
            )
            yield from rows
            if len(rows) < _KNOWN_AT_A_TIME:
                return
            after = rows[-1].name

    def mark_missing(self, blob_name: str, etag: str) -> bool:
        """Marks a clip as failed because its blob is gone; False if it has changed meanwhile."""
        touched = self._database.run(
            _MARK_MISSING,
            {
                "blob_name": blob_name,
                "etag": etag,
                "code": MISSING.code,
                "detail": MISSING.detail,
            },
        )
        return touched == 1

    def note_archived(self, blob_names: Sequence[str], *, archived: bool) -> None:
        """Notes that blobs were moved to the archive tier, or back."""
        self._database.run(_NOTE_ARCHIVED, {"blob_names": blob_names, "archived": archived})

    def clips_without_md5(self, excluded: Sequence[str], limit: int, largest: int) -> Sequence[str]:
        """Names of ready clips' blobs that can be read and have no checksum, oldest first.

        Of more than `largest` bytes none, and none that is in `excluded`.
        """
        rows = self._database.all(
            _WITHOUT_MD5, {"excluded": list(excluded), "limit": limit, "largest": largest}
        )
        return [row["blob_name"] for row in rows]

    def note_md5(self, blob_name: str, *, old_etag: str, new_etag: str, md5: str) -> bool:
        """Notes a checksum; False if the blob was overwritten meanwhile."""
        touched = self._database.run(
            _NOTE_MD5,
            {"blob_name": blob_name, "old_etag": old_etag, "new_etag": new_etag, "md5": md5},
        )
        return touched == 1
