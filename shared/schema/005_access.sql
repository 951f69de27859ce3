-- Which user received which link. The rows remain after their clips are deleted, until the
-- cleanup removes grants of links that ended long ago.
CREATE TABLE IF NOT EXISTS grants (
    id         uuid NOT NULL DEFAULT gen_random_uuid(),  -- settles the order of equal times
    link_id    uuid NOT NULL,         -- the `scid` of the link, under which storage logs know it
    clip_id    uuid NOT NULL,
    variant    text NOT NULL,
    user_id    uuid,                  -- NULL: a visitor of the share
    share_id   uuid,
    ip         text,
    starts_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(user_id, share_id) = 1),
    UNIQUE NULLS NOT DISTINCT (link_id, user_id, share_id)
);
CREATE INDEX IF NOT EXISTS grants_by_clip ON grants (clip_id, granted_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS grants_over ON grants (expires_at);

-- Whether the blob was in the archive tier when the cleanup last saw it.
ALTER TABLE clips ADD COLUMN IF NOT EXISTS archived boolean NOT NULL DEFAULT FALSE;

-- Shares open a clip without a bearer token and can be revoked. The table holds only the SHA-256
-- of the secret in the address, so a reader of the table cannot open a share.
CREATE TABLE IF NOT EXISTS shares (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clip_id      uuid NOT NULL REFERENCES clips (id) ON DELETE CASCADE,
    token_digest bytea NOT NULL CHECK (octet_length(token_digest) = 32),
    ip           text,
    max_views    bigint CHECK (max_views > 0),
    views        bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT shares_token_digest_key UNIQUE (token_digest),
    CONSTRAINT shares_views_check CHECK (views BETWEEN 0 AND max_views)
);
CREATE INDEX IF NOT EXISTS shares_by_clip ON shares (clip_id, created_at DESC, id DESC);

-- The number of views of a clip, which saves counting the log. Filled from the log once: only
-- rows of viewed clips are changed.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute
                   WHERE attrelid = 'clips'::regclass AND attname = 'view_count') THEN
        ALTER TABLE clips ADD COLUMN view_count bigint NOT NULL DEFAULT 0;
        UPDATE clips SET view_count = logged.views
        FROM (SELECT clip_id, count(*) AS views FROM clip_view_logs GROUP BY clip_id) AS logged
        WHERE clips.id = logged.clip_id;
    END IF;
END
$$;
