"""What a rebuild of the catalogue reads and writes: rows from sidecars, clips of found blobs.

No row is ever replaced by an older one: what changed last decides. A row that is gone although
its sidecar still exists was deleted a moment ago, if the outbox or a note of its deletion says so.
Rows go to Postgres as one JSON array for each table.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from shared.catalogue.ingest.admission import Landing, Verdict, admit
from shared.catalogue.row_mapping import RECORDED_COLUMNS
from shared.catalogue.sidecars.sidecar_queries import revisions
from shared.model.sidecar import SidecarKey, SidecarKind
from shared.postgres.database import Database

# Within the transaction: what is written comes from sidecars, which need not be written again.
_FROM_SIDECARS: LiteralString = "SELECT set_config('cliplink.sidecars', 'stored', TRUE)"

_LOCK_SUBJECT: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%(subject)s, 0))"
_USER_OF_SUBJECT: LiteralString = "SELECT id FROM users WHERE subject = %(subject)s"
_USER_BY_ID: LiteralString = "SELECT id FROM users WHERE id = %(user_id)s"
# With the id that the user had, unless another user has it by now.
_ADD_USER: LiteralString = """
    INSERT INTO users (id, subject, email)
    VALUES (CASE WHEN EXISTS (SELECT 1 FROM users WHERE id = %(user_id)s)
                 THEN gen_random_uuid() ELSE coalesce(%(user_id)s, gen_random_uuid()) END,
            %(subject)s, %(email)s)
    RETURNING id
"""

_HIDDEN: LiteralString = """
    SELECT id, deleted_at IS NOT NULL AS hidden FROM videos WHERE id = ANY(%(ids)s)
"""

# Those whose row was deleted: by an entry of the outbox that still waits, or by a note.
_DELETED: LiteralString = """
    SELECT o.kind, o.video_id, o.clip_id
    FROM sidecar_outbox o
    WHERE o.video_id = ANY(%(video_ids)s)
      AND CASE o.kind
              WHEN 'clip' THEN NOT EXISTS (SELECT 1 FROM clips c WHERE c.id = o.clip_id)
              WHEN 'source' THEN NOT EXISTS (SELECT 1 FROM sources s WHERE s.video_id = o.video_id)
              ELSE NOT EXISTS (SELECT 1 FROM videos v WHERE v.id = o.video_id)
          END
    UNION
    SELECT 'clip', d.video_id, d.clip_id FROM deleted_clips d WHERE d.clip_id = ANY(%(clip_ids)s)
    UNION
    SELECT 'video', d.video_id, NULL FROM deleted_videos d WHERE d.video_id = ANY(%(video_ids)s)
"""

_VIDEOS: LiteralString = """
    INSERT INTO videos (id, user_id, title, youtube_id, status, created_at, deleted_at, purge_at,
                        next_try_at, retention_days, changed_at)
    SELECT id, user_id, title, youtube_id, status, created_at, deleted_at, purge_at,
           CASE WHEN deleted_at IS NOT NULL THEN now() END, retention_days, changed_at
    FROM jsonb_populate_recordset(NULL::videos, %(rows)s)
    ON CONFLICT (id) DO UPDATE
    SET title = excluded.title, youtube_id = excluded.youtube_id, status = excluded.status,
        created_at = excluded.created_at, deleted_at = excluded.deleted_at,
        purge_at = excluded.purge_at, next_try_at = excluded.next_try_at,
        retention_days = excluded.retention_days, changed_at = excluded.changed_at
    WHERE videos.changed_at < excluded.changed_at
"""

_SOURCES: LiteralString = """
    INSERT INTO sources (video_id, blob_name, content_type, status, etag, file_size, duration,
                         media, keyframe_interval, poster_name, storyboard_name, failure_code,
                         failure_detail, bin_etag, created_at, changed_at)
    SELECT video_id, blob_name, content_type, status, etag, file_size, duration,
           media, keyframe_interval, poster_name, storyboard_name, failure_code,
           failure_detail, bin_etag, created_at, changed_at
    FROM jsonb_populate_recordset(NULL::sources, %(rows)s)
    ON CONFLICT (video_id) DO UPDATE
    SET blob_name = excluded.blob_name, content_type = excluded.content_type,
        status = excluded.status, etag = excluded.etag, file_size = excluded.file_size,
        duration = excluded.duration, media = excluded.media,
        keyframe_interval = excluded.keyframe_interval, poster_name = excluded.poster_name,
        storyboard_name = excluded.storyboard_name, failure_code = excluded.failure_code,
        failure_detail = excluded.failure_detail, bin_etag = excluded.bin_etag,
        created_at = excluded.created_at, changed_at = excluded.changed_at, attempts = 0
    WHERE sources.changed_at < excluded.changed_at
"""

# Of an existing clip neither its video is changed, nor its old address, which sidecars shorten.
_CLIP_COLUMNS = (
    *("id", *RECORDED_COLUMNS, "blob_url", "thumbnail_url", "own_thumbnail_url"),
    *("bin_etag", "archived", "changed_at"),
)
_REPLACED = [name for name in _CLIP_COLUMNS if name not in {"id", "video_id", "s3_url"}]

# The owner of the video is noted while the clip itself is in the bin, as in 030_bin.sql.
_CLIPS: LiteralString = f"""
    INSERT INTO clips ({", ".join(_CLIP_COLUMNS)}, next_try_at, bin_owner)
    SELECT {", ".join(f"r.{name}" for name in _CLIP_COLUMNS)},
           CASE WHEN r.deleted_at IS NOT NULL OR r.bin_etag IS NOT NULL THEN now() END,
           CASE WHEN r.purge_at IS NOT NULL THEN v.user_id END
    FROM jsonb_populate_recordset(NULL::clips, %(rows)s) r JOIN videos v ON v.id = r.video_id
    ON CONFLICT (id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _REPLACED)},
        next_try_at = excluded.next_try_at, bin_owner = excluded.bin_owner,
        attempts = 0, attempted_at = NULL
    WHERE clips.changed_at < excluded.changed_at AND clips.video_id = excluded.video_id
"""

_CUTS: LiteralString = """
    INSERT INTO cuts (clip_id, video_id, client_id, source_id, source_is_clip, source_blob,
                      source_etag, accuracy, requested_start, requested_end, cut_start, cut_end,
                      method, finished_at, created_at)
    SELECT r.clip_id, r.video_id, r.client_id, r.source_id, r.source_is_clip, r.source_blob,
           r.source_etag, r.accuracy, r.requested_start, r.requested_end, r.cut_start, r.cut_end,
           r.method, r.finished_at, r.created_at
    FROM jsonb_populate_recordset(NULL::cuts, %(rows)s) r JOIN clips c ON c.id = r.clip_id
    ON CONFLICT DO NOTHING
"""

# A source that is on its way back from the bin: the worker finds it by its video.
_RESUME_RESTORING: LiteralString = """
    UPDATE videos v SET next_try_at = now()
    FROM sources s
    WHERE s.video_id = v.id AND s.video_id = ANY(%(ids)s) AND s.bin_etag IS NOT NULL
      AND v.deleted_at IS NULL AND v.next_try_at IS NULL
"""

# Which clips have these blobs now.
_HOLDERS: LiteralString = "SELECT blob_name, id FROM clips WHERE blob_name = ANY(%(names)s)"
_SOURCE_HOLDERS: LiteralString = """
    SELECT blob_name FROM sources WHERE blob_name = ANY(%(names)s)
"""
_PROCESS: LiteralString = """
    UPDATE clips SET status = 'processing'
    WHERE blob_name = %(blob_name)s AND status = 'awaiting_upload'
"""
_FOUND_VIDEO: LiteralString = """
    INSERT INTO videos (id, user_id, title) VALUES (%(id)s, %(user_id)s, 'Found')
    ON CONFLICT DO NOTHING
"""
_FOUND_SOURCE: LiteralString = """
    INSERT INTO sources (video_id, blob_name, content_type, status, created_at)
    SELECT v.id, %(blob_name)s, %(content_type)s, 'processing', %(created_at)s
    FROM videos v WHERE v.id = %(video_id)s AND v.deleted_at IS NULL
    ON CONFLICT DO NOTHING
"""

_OWNER: LiteralString = """
    SELECT u.id, u.subject FROM videos v JOIN users u ON u.id = v.user_id
    WHERE v.id = %(id)s AND v.deleted_at IS NULL
"""

type Rows = Sequence[Mapping[str, Any]]


class Rebuilding:
    def __init__(self, database: Database) -> None:
        self._database = database

    def revisions(self, keys: Collection[SidecarKey]) -> Mapping[SidecarKey, datetime]:
        """When each of the rows that are in the catalogue changed last."""
        return revisions(self._database, keys)

    def hidden(self, video_ids: Collection[UUID]) -> Mapping[UUID, bool]:
        """For each of the videos that are in the catalogue, whether it is deleted."""
        rows = self._database.all(_HIDDEN, {"ids": list(video_ids)}) if video_ids else []
        return {row["id"]: row["hidden"] for row in rows}

    def owner_of(self, video_id: UUID) -> tuple[UUID, str | None] | None:
        """The id and the subject of the owner of a visible video."""
        row = self._database.one(_OWNER, {"id": video_id})
        return None if row is None else (row["id"], row["subject"])

    def deleted(self, keys: Collection[SidecarKey]) -> set[SidecarKey]:
        """Those whose row was deleted, and whose sidecar is about to be."""
        values = {
            "video_ids": list({key.video_id for key in keys}),
            "clip_ids": [key.clip_id for key in keys if key.clip_id is not None],
        }
        rows = self._database.all(_DELETED, values)
        return {
            SidecarKey(SidecarKind(row["kind"]), row["video_id"], row["clip_id"]) for row in rows
        }

    def user(self, subject: str | None, user_id: UUID | None, email: str | None) -> UUID:
        """The user of a subject, made if there is none; without a subject, of that id."""
        who = {"subject": subject, "user_id": user_id, "email": email}
        with self._database.transaction() as connection:
            if subject is not None:
                connection.execute(_LOCK_SUBJECT, who)
                row = connection.execute(_USER_OF_SUBJECT, who).fetchone()
            else:
                row = connection.execute(_USER_BY_ID, who).fetchone()
            row = row or connection.execute(_ADD_USER, who).fetchone()
        if row is None:
            raise AssertionError("an INSERT returns its row")
        found: UUID = row["id"]
        return found

    def restore(self, videos: Rows, sources: Rows, clips: Rows, cuts: Rows) -> None:
        """Writes rows in one transaction; those that are newer in the catalogue stay."""
        tables = ((_VIDEOS, videos), (_SOURCES, sources), (_CLIPS, clips), (_CUTS, cuts))
        with self._database.transaction() as connection:
            connection.execute(_FROM_SIDECARS)
            for statement, rows in tables:
                if rows:
                    connection.execute(statement, {"rows": json.dumps(rows)})
            if sources:
                of = [UUID(row["video_id"]) for row in sources]
                connection.execute(_RESUME_RESTORING, {"ids": of})

    def holders(self, blob_names: Collection[str]) -> Mapping[str, UUID]:
        """The clips that have blobs of those names."""
        rows = self._database.all(_HOLDERS, {"names": list(blob_names)}) if blob_names else []
        return {row["blob_name"]: row["id"] for row in rows}

    def known_sources(self, blob_names: Collection[str]) -> set[str]:
        """Those of the names that are the blobs of sources."""
        rows = self._database.all(_SOURCE_HOLDERS, {"names": list(blob_names)})
        return {row["blob_name"] for row in rows}

    def add_found_video(self, video_id: UUID, user_id: UUID) -> None:
        """A video of that id for blobs that were found in its folder."""
        self._database.run(_FOUND_VIDEO, {"id": video_id, "user_id": user_id})

    def add_found_clip(self, landing: Landing) -> Verdict:
        """Makes a clip of a blob without one, as the blob trigger does; it is to be processed."""
        with self._database.transaction() as connection:
            verdict = admit(connection, landing)
            if verdict is Verdict.PROCESS:
                connection.execute(_PROCESS, {"blob_name": landing.blob_name})
        return verdict

    def add_found_source(
        self, video_id: UUID, blob_name: str, content_type: str | None, created_at: datetime
    ) -> bool:
        """Makes a source of a blob without one; False if there is no such video."""
        values = {
            "video_id": video_id,
            "blob_name": blob_name,
            "content_type": content_type,
            "created_at": created_at,
        }
        return self._database.run(_FOUND_SOURCE, values) == 1
