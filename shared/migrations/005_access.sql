-- Which link was handed to whom. The rows outlive their clips: what happened stays on record
-- until the cleanup removes what is long over.
CREATE TABLE IF NOT EXISTS grants (
    link_id    uuid NOT NULL,         -- the `scid` of the link, under which storage logs know it
    clip_id    uuid NOT NULL,
    variant    text NOT NULL,
    user_id    uuid,                  -- NULL: whoever opened the share
    share_id   uuid,
    ip         text,
    starts_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (link_id, user_id, share_id)
);
CREATE INDEX IF NOT EXISTS grants_by_clip ON grants (clip_id, granted_at DESC, link_id DESC);
CREATE INDEX IF NOT EXISTS grants_over ON grants (expires_at);

-- Whether the blob was in the archive tier when the cleanup last saw it.
ALTER TABLE clips ADD COLUMN IF NOT EXISTS archived boolean NOT NULL DEFAULT FALSE;
