"""What dates delete: clips whose `expires_at` has passed, and the retention of videos.

A clip of a video with `retention_days` is due so many days of 24 hours after it was created, and
never before `retention_from`: of the video, which the schema sets, and of the clip, which a restore
sets. Pinned clips are spared.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import seen_by
from shared.model.user import Viewer
from shared.model.video import RetentionDay, RetentionForecast
from shared.postgres.database import Database

_IS_EXPIRED: LiteralString = "expires_at <= now() AND deleted_at IS NULL AND NOT pinned"

_IS_PAST_RETENTION: LiteralString = """
    v.retention_days IS NOT NULL AND v.retention_from <= now() AND v.deleted_at IS NULL
    AND c.created_at <= now() - make_interval(hours => 24 * v.retention_days)
    AND (c.retention_from IS NULL OR c.retention_from <= now())
    AND c.deleted_at IS NULL AND NOT c.pinned
"""

_EXPIRED: LiteralString = f"""
    SELECT id FROM clips WHERE {_IS_EXPIRED} AND NOT id = ANY(%(excluded)s)
    ORDER BY expires_at LIMIT %(limit)s
"""

_PAST_RETENTION: LiteralString = f"""
    SELECT c.id FROM videos v JOIN clips c ON c.video_id = v.id
    WHERE {_IS_PAST_RETENTION} AND NOT c.id = ANY(%(excluded)s)
    LIMIT %(limit)s
"""

_HIDE_EXPIRED: LiteralString = f"""
    UPDATE clips SET deleted_at = now() WHERE id = ANY(%(ids)s) AND {_IS_EXPIRED}
"""

# The videos are locked as well: a retention that is lifted in this moment deletes nothing more.
_HIDE_PAST_RETENTION: LiteralString = f"""
    UPDATE clips SET deleted_at = now() WHERE id = ANY(ARRAY(
        SELECT c.id FROM videos v JOIN clips c ON c.video_id = v.id
        WHERE c.id = ANY(%(ids)s) AND {_IS_PAST_RETENTION}
        FOR NO KEY UPDATE OF c FOR SHARE OF v))
"""

# The retention as it is, or as it would be if it were set to other days now.
_TERMS: LiteralString = """
    SELECT v.id AS video_id, wanted.days,
           retention_start(wanted.days, v.retention_days, v.retention_from) AS start
    FROM videos v, LATERAL (
        SELECT coalesce(%(days)s::integer, v.retention_days) AS days
    ) wanted
    WHERE v.id = %(id)s AND (v.user_id = %(user_id)s OR %(as_admin)s) AND v.deleted_at IS NULL
"""

# A clip that expires before is not counted: its own date deletes it.
_DUE: LiteralString = f"""
    WITH terms AS ({_TERMS}), dated AS (
        SELECT greatest(c.created_at + make_interval(hours => 24 * terms.days), terms.start,
                        c.retention_from, now()) AS due_at, c.expires_at, c.pinned
        FROM clips c JOIN terms ON c.video_id = terms.video_id
        WHERE c.deleted_at IS NULL AND terms.days IS NOT NULL
    ), due AS (
        SELECT due_at FROM dated
        WHERE NOT pinned AND (expires_at IS NULL OR expires_at > due_at)
    )
"""

_FORECAST: LiteralString = f"""
    {_DUE}
    SELECT terms.video_id, terms.days AS retention_days, terms.start AS effective_from,
           (SELECT count(*) FROM due) AS clips,
           (SELECT count(*) FROM dated WHERE pinned) AS pinned,
           (SELECT min(due_at) FROM due) AS first_at, (SELECT max(due_at) FROM due) AS last_at
    FROM terms
"""

_DAYS: LiteralString = f"""
    {_DUE}
    SELECT (due_at AT TIME ZONE 'UTC')::date AS date, count(*) AS clips
    FROM due GROUP BY 1 ORDER BY 1 LIMIT %(most)s
"""

# The most days that a forecast lists.
MOST_DAYS = 366


class Retentions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def expired(self, excluded: Sequence[UUID], limit: int) -> Sequence[UUID]:
        """Clips whose date has passed, the oldest dates first, without those in `excluded`."""
        return self._ids(_EXPIRED, excluded, limit)

    def hide_expired(self, clip_ids: Sequence[UUID]) -> int:
        """Hides those of the clips that are still expired."""
        return self._database.run(_HIDE_EXPIRED, {"ids": list(clip_ids)})

    def past_retention(self, excluded: Sequence[UUID], limit: int) -> Sequence[UUID]:
        """Clips older than the retention of their video, without those in `excluded`."""
        return self._ids(_PAST_RETENTION, excluded, limit)

    def hide_past_retention(self, clip_ids: Sequence[UUID]) -> int:
        """Hides those of the clips that are still past it."""
        return self._database.run(_HIDE_PAST_RETENTION, {"ids": list(clip_ids)})

    def forecast(
        self, viewer: Viewer, video_id: UUID, days: int | None
    ) -> RetentionForecast | None:
        """What retention will delete; None if the viewer sees no such video.

        With `days`, what it would delete if it were set to so many days now.
        """
        parameters = seen_by(viewer) | {"id": video_id, "days": days}
        with self._database.transaction() as connection:
            row = connection.execute(_FORECAST, parameters).fetchone()
            listed = connection.execute(_DAYS, parameters | {"most": MOST_DAYS}).fetchall()
        if row is None:
            return None
        return RetentionForecast(**row, days=[RetentionDay(**day) for day in listed])

    def _ids(self, query: LiteralString, excluded: Sequence[UUID], limit: int) -> Sequence[UUID]:
        rows = self._database.all(query, {"excluded": list(excluded), "limit": limit})
        return [row["id"] for row in rows]
