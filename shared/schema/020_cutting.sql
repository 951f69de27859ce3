-- Cutting: sources of videos, and clips that are cut out of them.

-- The file that a whole video was uploaded as. One for each video; a new upload replaces it.
CREATE TABLE IF NOT EXISTS sources (
    video_id       uuid PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    blob_name      text COLLATE "C" NOT NULL,  -- in the videos container
    content_type   text,
    status         text NOT NULL DEFAULT 'awaiting_upload'
                   CHECK (status IN ('awaiting_upload', 'processing', 'ready', 'failed')),
    etag           text,                       -- the version of the blob that the row describes
    file_size      bigint,
    duration       double precision,           -- seconds
    media          jsonb,
    keyframe_interval double precision,        -- seconds from one keyframe to the next, on average
    poster_name    text,                       -- images in the thumbnails container
    storyboard_name text,
    failure_code   text,
    failure_detail text,
    attempts       integer NOT NULL DEFAULT 0,
    attempted_at   timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sources_failure_check
        CHECK ((status = 'failed') = (failure_code IS NOT NULL AND failure_detail IS NOT NULL))
);
CREATE UNIQUE INDEX IF NOT EXISTS sources_blob_name ON sources (blob_name);
CREATE INDEX IF NOT EXISTS sources_unfinished ON sources (coalesce(attempted_at, created_at))
    WHERE status IN ('awaiting_upload', 'processing');

-- How a clip is cut out of a source. The row is written with the clip, before anything is cut;
-- a message of a queue carries the id of the clip, and the cleanup sends one that was lost.
CREATE TABLE IF NOT EXISTS cuts (
    clip_id          uuid PRIMARY KEY REFERENCES clips (id) ON DELETE CASCADE,
    video_id         uuid NOT NULL,
    client_id        text,                     -- the caller's own name for the cut
    source_id        uuid NOT NULL,            -- a video, or the clip that it is cut from
    source_is_clip   boolean NOT NULL,
    source_blob      text COLLATE "C" NOT NULL,
    source_etag      text NOT NULL,            -- the version that is cut, and no other
    accuracy         text NOT NULL CHECK (accuracy IN ('keyframe', 'frame', 'edit_list')),
    requested_start  double precision NOT NULL,  -- seconds of the source
    requested_end    double precision NOT NULL,
    cut_start        double precision,           -- what it became
    cut_end          double precision,
    method           text CHECK (method IN ('storage_copy', 'packets', 'encode')),
    attempts         integer NOT NULL DEFAULT 0,
    leased_until     timestamptz,
    finished_at      timestamptz,                -- the blob is written, or the cut has failed
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cuts_range_check CHECK (requested_start >= 0 AND requested_end > requested_start)
);
CREATE UNIQUE INDEX IF NOT EXISTS cuts_client_id ON cuts (video_id, client_id)
    WHERE client_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS cuts_unfinished ON cuts (coalesce(leased_until, created_at))
    WHERE finished_at IS NULL;
CREATE INDEX IF NOT EXISTS cuts_by_source ON cuts (source_id) WHERE finished_at IS NULL;

-- What responses show of a clip's cut and of its playback, as JSON that is sent unchanged; and the
-- copy of a clip that every browser plays.
ALTER TABLE clips
    ADD COLUMN IF NOT EXISTS cut      jsonb,
    ADD COLUMN IF NOT EXISTS playback jsonb,
    ADD COLUMN IF NOT EXISTS rendition_state    text,
    ADD COLUMN IF NOT EXISTS rendition_code     text,
    ADD COLUMN IF NOT EXISTS rendition_name     text COLLATE "C",  -- in the thumbnails container
    ADD COLUMN IF NOT EXISTS rendition_etag     text,  -- the version of the clip that it was made of
    ADD COLUMN IF NOT EXISTS rendition_attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS rendition_leased_until timestamptz;
ALTER TABLE clips
    DROP CONSTRAINT IF EXISTS clips_rendition_state_check,
    ADD CONSTRAINT clips_rendition_state_check
        CHECK (rendition_state IN ('queued', 'processing', 'ready', 'failed', 'refused'));
CREATE INDEX IF NOT EXISTS clips_renditions_unfinished ON clips (rendition_leased_until)
    WHERE rendition_state IN ('queued', 'processing');
