"""The owners of videos and clips, for the audit log: the only query without a viewer."""

from collections.abc import Collection, Sequence
from typing import LiteralString
from uuid import UUID

from shared.postgres.database import Database

# Also of what is hidden already. A user of the old service may have no subject yet.
_OF: LiteralString = """
    SELECT coalesce(u.subject, u.id::text) AS owner
    FROM videos v JOIN users u ON u.id = v.user_id
    WHERE v.id = ANY(%(ids)s)
    UNION
    SELECT coalesce(u.subject, u.id::text)
    FROM clips c JOIN videos v ON v.id = c.video_id JOIN users u ON u.id = v.user_id
    WHERE c.id = ANY(%(ids)s)
    ORDER BY owner
"""


class Owners:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, ids: Collection[UUID]) -> Sequence[str]:
        """The subjects of those to whom any of these videos and clips belong."""
        return [row["owner"] for row in self._database.all(_OF, {"ids": list(ids)})]
