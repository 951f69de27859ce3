-- Migrations by the API: those that admins have started, and all their files. The run that receives
-- a message from the queue works on them and holds a lease. A lease is free if it has expired or
-- belongs to a message that is delivered again.
CREATE TABLE IF NOT EXISTS migrations (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    folder       bytea NOT NULL,              -- below MIGRATION_ROOT; empty: the root itself
    batch_size   integer NOT NULL CHECK (batch_size > 0),
    status       text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed')),
    planned_at   timestamptz,                 -- from then on its files are all known
    attempts     integer NOT NULL DEFAULT 0,  -- at planning
    leased_by    text,                        -- the id of the message that plans
    leased_until timestamptz,
    failure_code   text,
    failure_detail text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    CONSTRAINT migrations_end_check CHECK ((status = 'running') = (finished_at IS NULL)),
    CONSTRAINT migrations_failure_check CHECK ((status = 'failed') = (failure_code IS NOT NULL))
);
-- One at a time for each folder.
CREATE UNIQUE INDEX IF NOT EXISTS migrations_running ON migrations (folder) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS migrations_finished ON migrations (finished_at);

CREATE TABLE IF NOT EXISTS migration_items (
    migration_id uuid NOT NULL REFERENCES migrations (id) ON DELETE CASCADE,
    path         bytea NOT NULL,              -- below the folder; a name need not be UTF-8
    clip_id      uuid,                        -- NULL: the file belongs to no clip that we know of
    video_id     uuid,
    blob_name    text,                        -- where it is to be
    size         bigint NOT NULL,
    there        boolean NOT NULL DEFAULT FALSE,  -- the catalogue spoke of the blob when this was planned
    twins        bytea[] NOT NULL DEFAULT '{}',   -- other files that match the clip equally well
    state        text NOT NULL DEFAULT 'waiting'
                 CHECK (state IN ('waiting', 'migrated', 'skipped', 'failed', 'unmatched')),
    attempts     integer NOT NULL DEFAULT 0,
    leased_by    text,                        -- the id of the message whose batch it is in
    leased_until timestamptz,
    failure_code   text,
    failure_detail text,
    PRIMARY KEY (migration_id, path),
    CONSTRAINT migration_items_failure_check
        CHECK ((state IN ('failed', 'unmatched')) = (failure_code IS NOT NULL AND failure_detail IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS migration_items_waiting ON migration_items (migration_id, path) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS migration_items_leased ON migration_items (migration_id, leased_by)
    WHERE leased_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS migration_items_by_clip ON migration_items (migration_id, clip_id);
CREATE INDEX IF NOT EXISTS migration_items_failed ON migration_items (migration_id, path)
    WHERE state IN ('failed', 'unmatched');
