-- Guards against loss: pins, retention, the guard of reconciliation, cleanup runs on record.

-- Neither expiry nor retention deletes a pinned clip, and no call.
ALTER TABLE clips ADD COLUMN IF NOT EXISTS pinned boolean NOT NULL DEFAULT FALSE;
CREATE INDEX IF NOT EXISTS clips_pinned ON clips (video_id) WHERE pinned;

-- The clips of a video are deleted so many days after they were created.
ALTER TABLE videos
    ADD COLUMN IF NOT EXISTS retention_days integer,
    ADD COLUMN IF NOT EXISTS retention_from timestamptz;  -- retention deletes nothing before
ALTER TABLE videos
    DROP CONSTRAINT IF EXISTS videos_retention_check,
    ADD CONSTRAINT videos_retention_check
        CHECK (retention_days BETWEEN 1 AND 36500
               AND (retention_days IS NULL) = (retention_from IS NULL));
CREATE INDEX IF NOT EXISTS videos_with_retention ON videos (id) WHERE retention_days IS NOT NULL;
CREATE INDEX IF NOT EXISTS clips_by_age ON clips (video_id, created_at) WHERE deleted_at IS NULL;

-- When a retention begins to delete, where another one may have been set before: one that is new
-- or shorter deletes nothing for seven days.
CREATE OR REPLACE FUNCTION retention_start(days integer, days_before integer, start_before timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN days IS NULL THEN NULL
                WHEN days_before IS NULL OR days < days_before THEN now() + interval '7 days'
                ELSE start_before END
$$;

-- By a trigger, so that no statement can forget it.
CREATE OR REPLACE FUNCTION set_retention_from() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.retention_from := retention_start(NEW.retention_days, NULL, NULL);
    ELSE
        NEW.retention_from := retention_start(NEW.retention_days, OLD.retention_days, OLD.retention_from);
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER videos_retention_from
    BEFORE INSERT OR UPDATE OF retention_days ON videos
    FOR EACH ROW EXECUTE FUNCTION set_retention_from();

-- While its one row exists, reconciliation marks no clip as missing.
CREATE TABLE IF NOT EXISTS bulk_loss (
    only_one  boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    missing   bigint NOT NULL,                     -- clips without their blob, as the last run saw it
    looked_at bigint NOT NULL,                     -- clips that ought to have a blob
    since     timestamptz NOT NULL DEFAULT now(),
    seen_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS cleanup_runs (
    id          uuid PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,                       -- NULL: at work, or died
    counts      json NOT NULL DEFAULT '{}',        -- not jsonb: it would change their order
    failures    json NOT NULL DEFAULT '[]'        -- the first ones: step, item, code, detail
);
CREATE INDEX IF NOT EXISTS cleanup_runs_by_start ON cleanup_runs (started_at DESC, id DESC);
