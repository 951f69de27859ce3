-- Drift: differences between storage and catalogue. A run finds them, or repairs those that
-- another run found. The row holds all that a worker needs to go on where another one stopped.
CREATE TABLE IF NOT EXISTS drift_runs (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    repair_of      uuid REFERENCES drift_runs (id) ON DELETE CASCADE,  -- NULL: it finds differences
    kinds          text[] NOT NULL DEFAULT '{}',          -- that a repair works on
    forced         boolean NOT NULL DEFAULT FALSE,        -- an admin confirmed a repair of much
    status         text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed')),
    stage          text NOT NULL,
    marker         text,                                  -- of the listing's page; NULL: the first one
    after          text COLLATE "C" NOT NULL DEFAULT '',  -- the last row that was compared
    version        bigint NOT NULL DEFAULT 0,             -- rises with every part: of two workers one saves it
    attempts       integer NOT NULL DEFAULT 0,            -- since the last part
    leased_until   timestamptz,
    catalogue_size bigint NOT NULL DEFAULT 0,             -- clips, when it began
    compared       bigint NOT NULL DEFAULT 0,             -- clips, in this stage
    missing        bigint NOT NULL DEFAULT 0,             -- clips that have lost their blob
    looked_at      bigint NOT NULL DEFAULT 0,             -- clips that ought to have one
    counts         jsonb NOT NULL DEFAULT '{}',           -- lines by kind; of a repair: by result
    clips_by_kind  jsonb NOT NULL DEFAULT '{}',
    samples        jsonb NOT NULL DEFAULT '{}',           -- the first lines of each kind, or result
    pending        bytea,                                 -- lines that are being appended to the blob
    lines_size     bigint NOT NULL DEFAULT 0,             -- bytes of the blob without them
    created_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    CONSTRAINT drift_runs_end_check CHECK ((status IN ('done', 'failed')) = (finished_at IS NOT NULL))
);
-- One of each sort at a time.
CREATE UNIQUE INDEX IF NOT EXISTS drift_runs_alone ON drift_runs ((repair_of IS NULL)) WHERE finished_at IS NULL;
CREATE INDEX IF NOT EXISTS drift_runs_repairs ON drift_runs (repair_of, created_at);
CREATE INDEX IF NOT EXISTS drift_runs_by_age ON drift_runs (created_at);

-- The order in which the images of clips are listed.
CREATE INDEX IF NOT EXISTS clips_by_ids ON clips (video_id, id);

-- The order in which their bytes in the bin are listed.
CREATE INDEX IF NOT EXISTS clips_with_bytes_in_bin ON clips (blob_name) WHERE bin_etag IS NOT NULL;
