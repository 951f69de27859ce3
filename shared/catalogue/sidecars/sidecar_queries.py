"""The outbox of sidecars: which rows have changed, and those rows as they are now.

Triggers of the schema fill the outbox. A worker takes entries for a while, so that workers do not
do the same work; one that dies loses nothing, since its entries can be taken again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import RECORDED_COLUMNS
from shared.model.sidecar import SidecarKey, SidecarKind
from shared.postgres.database import Database, Row

# The columns that sidecars record. Where they change, triggers of 033_sidecars.sql note it.
_CLIP_RECORD: LiteralString = ", ".join(f"c.{name}" for name in RECORDED_COLUMNS)
_SOURCE_RECORD: LiteralString = """
    s.blob_name, s.content_type, s.status, s.etag, s.file_size, s.duration, s.media,
    s.keyframe_interval, s.poster_name, s.storyboard_name, s.failure_code, s.failure_detail,
    s.created_at
"""
_VIDEO_RECORD: LiteralString = """
    v.title, v.youtube_id, v.status::text AS status, v.created_at, v.deleted_at, v.purge_at,
    v.retention_days
"""
# The e-mail address of a user is recorded only while nothing else identifies the user.
_OWNER: LiteralString = """
    jsonb_build_object('user_id', u.id, 'subject', u.subject,
                       'email', CASE WHEN u.subject IS NULL THEN u.email END) AS owner
"""

# How a clip was cut, where it was.
_CUT_ORDER: LiteralString = """
    (SELECT jsonb_build_object(
         'client_id', k.client_id, 'source_id', k.source_id, 'source_is_clip', k.source_is_clip,
         'source_blob', k.source_blob, 'source_etag', k.source_etag, 'accuracy', k.accuracy,
         'requested_start', k.requested_start, 'requested_end', k.requested_end,
         'cut_start', k.cut_start, 'cut_end', k.cut_end, 'method', k.method,
         'finished_at', k.finished_at, 'created_at', k.created_at)
     FROM cuts k WHERE k.clip_id = c.id) AS cut_order
"""

_CLIPS_NOW: LiteralString = f"""
    SELECT c.id, c.changed_at, {_CLIP_RECORD}, {_OWNER}, {_CUT_ORDER}
    FROM clips c JOIN videos v ON v.id = c.video_id JOIN users u ON u.id = v.user_id
    WHERE c.id = ANY(%(ids)s)
"""
_SOURCES_NOW: LiteralString = f"""
    SELECT s.video_id, s.changed_at, {_SOURCE_RECORD} FROM sources s WHERE s.video_id = ANY(%(ids)s)
"""
_VIDEOS_NOW: LiteralString = f"""
    SELECT v.id, v.changed_at, {_VIDEO_RECORD}, {_OWNER}
    FROM videos v JOIN users u ON u.id = v.user_id
    WHERE v.id = ANY(%(ids)s)
"""

# The oldest entries that no worker has. Entries that another worker is taking are skipped.
_TAKE: LiteralString = """
    UPDATE sidecar_outbox SET taken_until = now() + %(lease)s
    WHERE id IN (
        SELECT id FROM sidecar_outbox
        WHERE taken_until IS NULL OR taken_until < now()
        ORDER BY id LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id, kind, video_id, clip_id
"""
# Those of one clip, its video and source, unless the clip is about to change again: it is being
# processed, or copied for browsers. An entry that is left is taken later.
_TAKE_OF_UNCHANGING: LiteralString = """
    UPDATE sidecar_outbox SET taken_until = now() + %(lease)s
    WHERE id IN (
        SELECT o.id
        FROM clips c JOIN sidecar_outbox o
          ON o.video_id = c.video_id AND (o.clip_id = c.id OR o.clip_id IS NULL)
        WHERE (c.blob_name = %(blob_name)s OR c.id = %(clip_id)s)
          AND c.status NOT IN ('awaiting_upload', 'processing')
          AND coalesce(c.rendition_state, '') NOT IN ('queued', 'processing')
          AND (o.taken_until IS NULL OR o.taken_until < now())
        FOR UPDATE OF o SKIP LOCKED
    )
    RETURNING id, kind, video_id, clip_id
"""
_REMOVE: LiteralString = "DELETE FROM sidecar_outbox WHERE id = ANY(%(ids)s)"
_POSTPONE: LiteralString = """
    UPDATE sidecar_outbox SET taken_until = now() + %(pause)s WHERE id = ANY(%(ids)s)
"""
_WAITING: LiteralString = """
    SELECT count(*) AS waiting FROM (SELECT 1 FROM sidecar_outbox LIMIT %(most)s) AS entries
"""

# For what has no entry yet.
_QUEUE: LiteralString = """
    INSERT INTO sidecar_outbox (kind, video_id, clip_id)
    SELECT * FROM unnest(%(kinds)s::text[], %(video_ids)s::uuid[], %(clip_ids)s::uuid[])
                  AS wanted (kind, video_id, clip_id)
    WHERE NOT EXISTS (SELECT 1 FROM sidecar_outbox o
                      WHERE o.video_id = wanted.video_id AND o.kind = wanted.kind
                        AND o.clip_id IS NOT DISTINCT FROM wanted.clip_id)
"""


_REVISIONS_OF_CLIPS: LiteralString = """
    SELECT 'clip' AS kind, video_id, id AS clip_id, changed_at FROM clips WHERE id = ANY(%(ids)s)
"""
_REVISIONS_OF_VIDEOS: LiteralString = """
    SELECT 'video' AS kind, id AS video_id, NULL::uuid AS clip_id, changed_at FROM videos
    WHERE id = ANY(%(ids)s)
"""
_REVISIONS_OF_SOURCES: LiteralString = """
    SELECT 'source' AS kind, video_id, NULL::uuid AS clip_id, changed_at FROM sources
    WHERE video_id = ANY(%(ids)s)
"""
_REVISIONS: Mapping[SidecarKind, LiteralString] = {
    SidecarKind.CLIP: _REVISIONS_OF_CLIPS,
    SidecarKind.SOURCE: _REVISIONS_OF_SOURCES,
    SidecarKind.VIDEO: _REVISIONS_OF_VIDEOS,
}


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A row has changed: its sidecar has to be written, or deleted with it."""

    id: int
    key: SidecarKey


class SidecarOutbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, limit: int, lease: timedelta) -> Sequence[OutboxEntry]:
        """Up to `limit` entries, which no other worker takes for as long as the lease."""
        rows = self._database.all(_TAKE, {"limit": limit, "lease": lease})
        return [OutboxEntry(row["id"], key_of(row)) for row in rows]

    def take_of_unchanging(
        self, lease: timedelta, *, blob_name: str | None = None, clip_id: UUID | None = None
    ) -> Sequence[OutboxEntry]:
        """The entries of a clip and its video, if no more changes of the clip are due.

        The clip is found by its blob or by its id.
        """
        values = {"lease": lease, "blob_name": blob_name, "clip_id": clip_id}
        rows = self._database.all(_TAKE_OF_UNCHANGING, values)
        return [OutboxEntry(row["id"], key_of(row)) for row in rows]

    def remove(self, ids: Collection[int]) -> None:
        """Removes entries whose sidecars are as their rows."""
        self._database.run(_REMOVE, {"ids": list(ids)})

    def postpone(self, ids: Collection[int], pause: timedelta) -> None:
        """Lets entries be taken again after the pause."""
        self._database.run(_POSTPONE, {"ids": list(ids), "pause": pause})

    def waiting(self, most: int) -> int:
        """The number of entries, counted up to `most`."""
        row = self._database.one(_WAITING, {"most": most})
        return int(row["waiting"]) if row else 0

    def queue(self, keys: Collection[SidecarKey]) -> int:
        """Adds entries for rows that have none, and returns how many."""
        columns = {
            "kinds": [key.kind for key in keys],
            "video_ids": [key.video_id for key in keys],
            "clip_ids": [key.clip_id for key in keys],
        }
        return self._database.run(_QUEUE, columns) if keys else 0

    def revisions(self, keys: Collection[SidecarKey]) -> Mapping[SidecarKey, datetime]:
        """When those rows changed last that are in the catalogue."""
        return revisions(self._database, keys)

    def rows(self, keys: Collection[SidecarKey]) -> Mapping[SidecarKey, Row]:
        """The rows as they are now, with the columns that sidecars record; absent ones are gone."""
        found: dict[SidecarKey, dict[str, Any]] = {}
        for kind, query in _NOW.items():
            ids = [key.clip_id or key.video_id for key in keys if key.kind is kind]
            for row in self._database.all(query, {"ids": ids}) if ids else []:
                found[_key_of_row(kind, row)] = row
        return found


def revisions(database: Database, keys: Collection[SidecarKey]) -> Mapping[SidecarKey, datetime]:
    """When those rows changed last that are in the catalogue."""
    found: dict[SidecarKey, datetime] = {}
    for kind, query in _REVISIONS.items():
        ids = [key.clip_id or key.video_id for key in keys if key.kind is kind]
        for row in database.all(query, {"ids": ids}) if ids else []:
            found[key_of(row)] = row["changed_at"]
    return found


_NOW: Mapping[SidecarKind, LiteralString] = {
    SidecarKind.CLIP: _CLIPS_NOW,
    SidecarKind.SOURCE: _SOURCES_NOW,
    SidecarKind.VIDEO: _VIDEOS_NOW,
}


def key_of(row: Row) -> SidecarKey:
    return SidecarKey(SidecarKind(row["kind"]), row["video_id"], row["clip_id"])


def _key_of_row(kind: SidecarKind, row: Row) -> SidecarKey:
    if kind is SidecarKind.CLIP:
        return SidecarKey(kind, row["video_id"], row["id"])
    video_id: UUID = row["id" if kind is SidecarKind.VIDEO else "video_id"]
    return SidecarKey(kind, video_id)
