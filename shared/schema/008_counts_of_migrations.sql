-- Migrations by the API: the counts of a migration are in its row. They are updated when files are
-- settled, so that reading a migration costs the same for any number of files.
ALTER TABLE migrations
    ADD COLUMN IF NOT EXISTS total    integer NOT NULL DEFAULT 0,    -- clips with a file in the folder
    ADD COLUMN IF NOT EXISTS migrated integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS skipped  integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS failed   integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS no_file  uuid[] NOT NULL DEFAULT '{}';  -- the first clips without one

-- Those that are there already. As in `shared/catalogue/migration/migration_count_queries.py`.
UPDATE migrations m
SET (total, migrated, skipped, failed) = (
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
WHERE planned_at IS NOT NULL;

-- One for each list of a response, so that few failures are found among many unmatched files.
CREATE INDEX IF NOT EXISTS migration_items_failures ON migration_items (migration_id, path)
    WHERE state = 'failed';
CREATE INDEX IF NOT EXISTS migration_items_unmatched ON migration_items (migration_id, path)
    WHERE state = 'unmatched';
DROP INDEX IF EXISTS migration_items_failed;
