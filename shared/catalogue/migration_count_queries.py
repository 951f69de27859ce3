"""How far a migration is: counts of clips, kept in its row as their files are settled.

To count all files anew takes a second where there are 100,000. That is done when they are known,
and once more at the end; in between, whoever settles files adds what that makes.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from shared.postgres.database import Connection

# A clip counts once, however many files are its own; it failed if one of them did. What could
# not be looked at belongs to no clip, and counts by itself. To be SET, of the migration `m`.
ALL_COUNTED: LiteralString = """
    (total, migrated, skipped, failed) = (
        SELECT count(*),
               count(*) FILTER (WHERE moved AND NOT failed AND NOT waiting),
               count(*) FILTER (WHERE NOT moved AND NOT failed AND NOT waiting),
               count(*) FILTER (WHERE failed)
        FROM (
            SELECT bool_or(state = 'waiting') AS waiting, bool_or(state = 'failed') AS failed,
                   bool_or(state = 'migrated') AS moved
            FROM migration_items
            WHERE migration_id = m.id AND state <> 'unmatched'
            GROUP BY clip_id, CASE WHEN clip_id IS NULL THEN path END
        ) AS of_clip
    )
"""

# A statement of its own, so that the next one sees what was settled while this one waited.
# Rows of files may refer to the migration meanwhile.
_LOCK: LiteralString = "SELECT FROM migrations WHERE id = %(id)s FOR NO KEY UPDATE"

# Before, each of these clips waited for a file at least, and counted only if another had failed.
_ADD: LiteralString = """
    UPDATE migrations m
    SET migrated = m.migrated + settled.migrated, skipped = m.skipped + settled.skipped,
        failed = m.failed + settled.failed
    FROM (
        SELECT count(*) FILTER (WHERE failed) AS failed,
               count(*) FILTER (WHERE moved AND NOT failed AND NOT waiting) AS migrated,
               count(*) FILTER (WHERE NOT moved AND NOT failed AND NOT waiting) AS skipped
        FROM (
            SELECT bool_or(i.state = 'waiting') AS waiting, bool_or(i.state = 'failed') AS failed,
                   bool_or(i.state = 'migrated') AS moved
            FROM migration_items i
            LEFT JOIN unnest(%(paths)s::bytea[]) AS just_settled (path) USING (path)
            WHERE i.migration_id = %(id)s AND i.clip_id = ANY(%(clips)s::uuid[])
            GROUP BY i.clip_id
            HAVING NOT bool_or(i.state = 'failed' AND just_settled.path IS NULL)
        ) AS of_clip
    ) AS settled
    WHERE m.id = %(id)s
"""


def lock(connection: Connection, migration_id: UUID) -> None:
    """Until the end of the transaction nobody else changes the counts."""
    connection.execute(_LOCK, {"id": migration_id})


def add_settled(
    connection: Connection, migration_id: UUID, settled: Sequence[tuple[bytes, UUID]]
) -> None:
    """Counts files, by path and clip, that this transaction has settled; none twice."""
    if not settled:
        return
    lock(connection, migration_id)
    paths, clips = zip(*settled, strict=True)
    connection.execute(_ADD, {"id": migration_id, "paths": list(paths), "clips": list(set(clips))})
