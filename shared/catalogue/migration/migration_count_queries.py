"""The progress of a migration: counts of clips, kept in its row as their files are finished.

Counting all files takes a second for 100,000. That is done after the plan and once more at the
end; in between, each transaction that finishes files adds their clips to the counts.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from shared.postgres.database import Connection

# A clip counts once, however many files it has; it failed if one of them did. An unreadable file
# belongs to no clip, and counts as one item. To be used in SET, for the migration `m`.
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

# A separate statement, so that the next one sees what was finished while this one waited. This
# lock lets rows of files refer to the migration meanwhile.
_LOCK: LiteralString = "SELECT FROM migrations WHERE id = %(id)s FOR NO KEY UPDATE"

# Until now each of these clips had a waiting file, and counted only if another file had failed.
_ADD: LiteralString = """
    UPDATE migrations m
    SET migrated = m.migrated + finished.migrated, skipped = m.skipped + finished.skipped,
        failed = m.failed + finished.failed
    FROM (
        SELECT count(*) FILTER (WHERE failed) AS failed,
               count(*) FILTER (WHERE moved AND NOT failed AND NOT waiting) AS migrated,
               count(*) FILTER (WHERE NOT moved AND NOT failed AND NOT waiting) AS skipped
        FROM (
            SELECT bool_or(i.state = 'waiting') AS waiting, bool_or(i.state = 'failed') AS failed,
                   bool_or(i.state = 'migrated') AS moved
            FROM migration_items i
            LEFT JOIN unnest(%(paths)s::bytea[]) AS just_finished (path) USING (path)
            WHERE i.migration_id = %(id)s AND i.clip_id = ANY(%(clips)s::uuid[])
            GROUP BY i.clip_id
            HAVING NOT bool_or(i.state = 'failed' AND just_finished.path IS NULL)
        ) AS of_clip
    ) AS finished
    WHERE m.id = %(id)s
"""


def lock(connection: Connection, migration_id: UUID) -> None:
    """No other transaction changes the counts until this one ends."""
    connection.execute(_LOCK, {"id": migration_id})


def add_finished(
    connection: Connection, migration_id: UUID, finished: Sequence[tuple[bytes, UUID]]
) -> None:
    """Counts files that this transaction has finished, by path and clip; no clip twice."""
    if not finished:
        return
    lock(connection, migration_id)
    paths, clips = zip(*finished, strict=True)
    connection.execute(_ADD, {"id": migration_id, "paths": list(paths), "clips": list(set(clips))})
