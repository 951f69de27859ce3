-- Idempotency keys of callers, for a day: the same request creates nothing again.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    user_id     uuid NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),  -- SHA-256 of the request
    created_id  uuid NOT NULL,       -- the video or clip; its links are signed anew each time
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX IF NOT EXISTS idempotency_keys_by_age ON idempotency_keys (created_at);

-- Who watches through a share at this moment: their further requests count as the same view.
-- Address and program are HMACs under the secret of the share, which is stored nowhere.
CREATE TABLE IF NOT EXISTS share_viewers (
    share_id uuid NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    address  bytea NOT NULL,
    program  bytea NOT NULL,
    until    timestamptz NOT NULL,   -- the end of the last link that the viewer was given
    PRIMARY KEY (share_id, address, program)
);
