-- The life of a clip: uploaded, processed, ready or failed, expired, deleted.

ALTER TABLE clips
    ADD COLUMN IF NOT EXISTS title          text,
    ADD COLUMN IF NOT EXISTS status         text NOT NULL DEFAULT 'awaiting_upload',
    ADD COLUMN IF NOT EXISTS blob_name      text COLLATE "C",  -- in the clips container; NULL: the bytes are not there yet
    ADD COLUMN IF NOT EXISTS etag           text,         -- the version of the blob that the row describes
    ADD COLUMN IF NOT EXISTS attempts       integer NOT NULL DEFAULT 0,  -- at processing, since it last succeeded
    ADD COLUMN IF NOT EXISTS attempted_at   timestamptz,
    ADD COLUMN IF NOT EXISTS content_type   text,
    ADD COLUMN IF NOT EXISTS media          jsonb,
    ADD COLUMN IF NOT EXISTS poster_name    text,         -- in the thumbnails container
    ADD COLUMN IF NOT EXISTS failure_code   text,
    ADD COLUMN IF NOT EXISTS failure_detail text,
    ADD COLUMN IF NOT EXISTS expires_at     timestamptz,
    ADD COLUMN IF NOT EXISTS deleted_at     timestamptz;  -- hidden; its blobs and then the row are on their way out

ALTER TABLE videos
    ADD COLUMN IF NOT EXISTS deleted_at timestamptz;

ALTER TABLE clips DROP CONSTRAINT IF EXISTS clips_status_check;
ALTER TABLE clips DROP CONSTRAINT IF EXISTS clips_failure_check;
ALTER TABLE clips
    ADD CONSTRAINT clips_status_check
        CHECK (status IN ('awaiting_upload', 'processing', 'ready', 'failed')),
    ADD CONSTRAINT clips_failure_check
        CHECK ((status = 'failed') = (failure_code IS NOT NULL AND failure_detail IS NOT NULL));

-- One blob, one clip.
CREATE UNIQUE INDEX IF NOT EXISTS clips_blob_name ON clips (blob_name);

-- The pages of a video's clips, and of a user's videos.
CREATE INDEX IF NOT EXISTS clips_by_video ON clips (video_id, start_time, id);
CREATE INDEX IF NOT EXISTS videos_by_user ON videos (user_id, created_at DESC, id DESC);

-- What the cleanup looks for.
CREATE INDEX IF NOT EXISTS clips_awaiting ON clips (created_at) WHERE status = 'awaiting_upload';
CREATE INDEX IF NOT EXISTS clips_expiring ON clips (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS clips_deleted ON clips (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS videos_deleted ON videos (deleted_at) WHERE deleted_at IS NOT NULL;

-- Clips that are gone. Their upload link may still be used, an image of them may still be
-- written by a run that was late: what appears is removed once more after `sweep_after`.
CREATE TABLE IF NOT EXISTS deleted_clips (
    clip_id     uuid PRIMARY KEY,
    video_id    uuid NOT NULL,
    blob_name   text COLLATE "C",
    sweep_after timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS deleted_clips_blob_name ON deleted_clips (blob_name);
CREATE INDEX IF NOT EXISTS deleted_clips_due ON deleted_clips (sweep_after);
