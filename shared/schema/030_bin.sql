-- The recycle bin: what was deleted can be restored until it is purged. The state of a clip:
--   visible          deleted_at IS NULL, and its video's is NULL. A clip of a deleted video is hidden
--                    although its own deleted_at is NULL: it was deleted with the video.
--   in the bin       deleted_at and purge_at are set
--   being deleted    for ever: deleted_at is set, purge_at is NULL
--   being restored   visible, and bin_etag is set: its bytes still have to be copied back
-- A video is visible, in the bin or being deleted in the same way.

ALTER TABLE videos
    ADD COLUMN IF NOT EXISTS purge_at    timestamptz,  -- in the bin until then
    ADD COLUMN IF NOT EXISTS next_try_at timestamptz;  -- when its deletion or restoring goes on; NULL: nothing is left to do

ALTER TABLE clips
    ADD COLUMN IF NOT EXISTS purge_at    timestamptz,  -- as of videos
    ADD COLUMN IF NOT EXISTS next_try_at timestamptz,
    ADD COLUMN IF NOT EXISTS bin_owner   uuid,         -- the owner of the video while the clip itself is in the bin: pages need no join
    ADD COLUMN IF NOT EXISTS bin_etag    text;         -- of its blob in the bin container, under the same name; NULL: not moved there, or archived and left in place

ALTER TABLE sources ADD COLUMN IF NOT EXISTS bin_etag text;  -- as of clips; a source goes to the bin with its video

ALTER TABLE videos
    DROP CONSTRAINT IF EXISTS videos_bin_check,
    ADD CONSTRAINT videos_bin_check CHECK (purge_at IS NULL OR deleted_at IS NOT NULL);
ALTER TABLE clips
    DROP CONSTRAINT IF EXISTS clips_bin_check,
    ADD CONSTRAINT clips_bin_check CHECK (purge_at IS NULL OR deleted_at IS NOT NULL);

-- Pages of the bin, newest first.
CREATE INDEX IF NOT EXISTS videos_in_bin ON videos (user_id, deleted_at DESC, id DESC) WHERE purge_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS clips_in_bin ON clips (bin_owner, deleted_at DESC, id DESC) WHERE purge_at IS NOT NULL;

-- What is due.
CREATE INDEX IF NOT EXISTS videos_purge ON videos (purge_at) WHERE purge_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS clips_purge ON clips (purge_at) WHERE purge_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS videos_next_try ON videos (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS clips_next_try ON clips (next_try_at) WHERE next_try_at IS NOT NULL;

-- Those that are being deleted. The old indexes would grow with the bin.
CREATE INDEX IF NOT EXISTS videos_being_deleted ON videos (deleted_at) WHERE deleted_at IS NOT NULL AND purge_at IS NULL;
CREATE INDEX IF NOT EXISTS clips_being_deleted ON clips (deleted_at) WHERE deleted_at IS NOT NULL AND purge_at IS NULL;
DROP INDEX IF EXISTS clips_deleted;
DROP INDEX IF EXISTS videos_deleted;

-- What is gone for good, so that its owner can be told. A row is swept once: `sweep_after` is NULL
-- from then on.
ALTER TABLE deleted_clips
    ADD COLUMN IF NOT EXISTS owner_id   uuid,  -- of the video; NULL: deleted before this column existed
    ADD COLUMN IF NOT EXISTS deleted_at timestamptz NOT NULL DEFAULT now(),
    ALTER COLUMN sweep_after DROP NOT NULL;
CREATE INDEX IF NOT EXISTS deleted_clips_by_age ON deleted_clips (deleted_at);

CREATE TABLE IF NOT EXISTS deleted_videos (
    video_id    uuid PRIMARY KEY,
    owner_id    uuid,
    sweep_after timestamptz,
    deleted_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS deleted_videos_due ON deleted_videos (sweep_after);
CREATE INDEX IF NOT EXISTS deleted_videos_by_age ON deleted_videos (deleted_at);
