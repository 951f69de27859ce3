-- Moving clips in by the API: what a migration has come to stands in its row. It is kept as files
-- are settled, so that to look at one costs the same however many files it has.
ALTER TABLE migrations
    ADD COLUMN IF NOT EXISTS total    integer NOT NULL DEFAULT 0,    -- clips with a file in the folder
    ADD COLUMN IF NOT EXISTS migrated integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS skipped  integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS failed   integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS no_file  uuid[] NOT NULL DEFAULT '{}';  -- the first clips without one

-- Those that are there already. As in `shared/catalogue/migration_count_queries.py`.
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

-- One for each list that is told: few failures are not looked for among many strangers.
CREATE INDEX IF NOT EXISTS migration_items_failures ON migration_items (migration_id, path)
    WHERE state = 'failed';
CREATE INDEX IF NOT EXISTS migration_items_unmatched ON migration_items (migration_id, path)
    WHERE state = 'unmatched';
DROP INDEX IF EXISTS migration_items_failed;
