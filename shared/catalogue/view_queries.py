"""The log of views: who watched which clip, and how often each was watched."""

from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import VISIBLE, seen_by
from shared.model import Viewer
from shared.postgres.database import Database

# Counted and logged, or neither. The viewer's row may be gone, after a restore for example: a
# view by nobody is still a view.
_ADD: LiteralString = f"""
    WITH seen AS (
        UPDATE clips c SET view_count = c.view_count + 1
        FROM videos v
        WHERE v.id = c.video_id AND c.id = %(clip_id)s AND c.video_id = %(video_id)s
          AND {VISIBLE}
        RETURNING c.id
    )
    INSERT INTO clip_view_logs (user_id, clip_id)
    SELECT u.id, seen.id FROM seen LEFT JOIN users u ON u.id = %(user_id)s
"""


class ViewLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, viewer: Viewer, video_id: UUID, clip_id: UUID) -> bool:
        """Counts a view; False if the viewer sees no such clip in that video."""
        parameters = seen_by(viewer) | {"video_id": video_id, "clip_id": clip_id}
        return self._database.run(_ADD, parameters) == 1
