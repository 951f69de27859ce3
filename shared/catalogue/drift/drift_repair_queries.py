"""Changes of rows by the repair of drift, each only if the row is as it was."""

from typing import LiteralString
from uuid import UUID

from shared.catalogue.drift.drift_queries import StoredFile
from shared.model.failure import MISSING
from shared.postgres.database import Database

_NOTE_SIZE: LiteralString = """
    UPDATE clips SET file_size = %(size)s WHERE id = %(id)s AND etag = %(etag)s
"""
_NOTE_SOURCE_SIZE: LiteralString = """
    UPDATE sources SET file_size = %(size)s WHERE video_id = %(id)s AND etag = %(etag)s
"""
_NOTE_MD5: LiteralString = """
    UPDATE clips SET content_md5 = %(md5)s WHERE id = %(id)s AND etag = %(etag)s
"""

# Its images are made again by the ingest.
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


class DriftRepairs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def note_size(self, file: StoredFile, size: int) -> bool:
        """Takes over the size of the stored version; False if the row changed meanwhile."""
        return self._change(file, _NOTE_SIZE, _NOTE_SOURCE_SIZE, {"size": size})

    def note_md5(self, file: StoredFile, md5: str) -> bool:
        """As `note_size`, for the MD5 of a clip."""
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
