"""What the daily pass over all sidecars reads from the catalogue, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from shared.catalogue.sidecars.sidecar_queries import key_of
from shared.model.sidecar import SidecarKey
from shared.postgres.database import Database

_STATE: LiteralString = """
    SELECT started_at, finished_at, marker, after_name, newer, unknown,
           started_at IS NOT NULL AND finished_at IS NULL AS under_way,
           finished_at IS NULL OR finished_at < now() - %(every)s AS due
    FROM sidecar_pass
"""
_BEGIN: LiteralString = """
    UPDATE sidecar_pass
    SET started_at = now(), finished_at = NULL, marker = NULL, after_name = '', newer = 0,
        unknown = 0
"""
_ADVANCE: LiteralString = """
    UPDATE sidecar_pass
    SET marker = %(marker)s, after_name = %(after_name)s, newer = newer + %(newer)s,
        unknown = unknown + %(unknown)s, finished_at = CASE WHEN %(is_over)s THEN now() END
"""

# Rows in a part of the order of names, with a few before and after it. Without an index for their
# own order: that of a video's clips serves, and a page covers few videos or a part of one.
_CLIPS_BETWEEN: LiteralString = """
    SELECT 'clip' AS kind, video_id, id AS clip_id, changed_at FROM clips
    WHERE video_id BETWEEN %(first_video)s AND %(last_video)s
      AND (video_id, id) >= (%(first_video)s, %(first_clip)s)
      AND (video_id, id) <= (%(last_video)s, %(last_clip)s)
    ORDER BY video_id, id LIMIT %(limit)s
"""
_VIDEOS_BETWEEN: LiteralString = """
    SELECT 'video' AS kind, id AS video_id, NULL::uuid AS clip_id, changed_at FROM videos
    WHERE id BETWEEN %(first_video)s AND %(last_video)s ORDER BY id LIMIT %(limit)s
"""
_SOURCES_BETWEEN: LiteralString = """
    SELECT 'source' AS kind, video_id, NULL::uuid AS clip_id, changed_at FROM sources
    WHERE video_id BETWEEN %(first_video)s AND %(last_video)s ORDER BY video_id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassState:
    """How far the daily pass is; `after_name` is the last name that was compared."""

    due: bool
    under_way: bool
    marker: str | None
    after_name: str
    newer: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRange:
    """A part of the order of names, by the ids of videos and clips at its ends, both included."""

    first_video: UUID
    first_clip: UUID
    last_video: UUID
    last_clip: UUID


class SidecarPass:
    """The rows that the daily pass compares, and its progress."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, every: timedelta) -> PassState:
        row = self._database.one(_STATE, {"every": every}) or {}
        return PassState(
            due=row.get("due", True),
            under_way=row.get("under_way", False),
            marker=row.get("marker"),
            after_name=row.get("after_name", ""),
            newer=row.get("newer", 0),
            unknown=row.get("unknown", 0),
        )

    def begin(self) -> None:
        self._database.run(_BEGIN, {})

    def advance(
        self, marker: str | None, after_name: str, *, newer: int, unknown: int, is_over: bool
    ) -> None:
        """Notes how far the pass has come, and what it found on the way."""
        values = {"marker": marker, "after_name": after_name, "newer": newer, "unknown": unknown}
        self._database.run(_ADVANCE, values | {"is_over": is_over})

    def revisions_between(
        self, part: NameRange, limit: int
    ) -> Sequence[tuple[SidecarKey, datetime]]:
        """When the rows of a part of the order changed last; of each table up to `limit` rows."""
        values = {
            "first_video": part.first_video,
            "first_clip": part.first_clip,
            "last_video": part.last_video,
            "last_clip": part.last_clip,
            "limit": limit,
        }
        queries = (_CLIPS_BETWEEN, _SOURCES_BETWEEN, _VIDEOS_BETWEEN)
        rows = [row for query in queries for row in self._database.all(query, values)]
        return [(key_of(row), row["changed_at"]) for row in rows]
