-- Images made from a clip besides its poster: sizes of it, storyboard, preview, placeholder.

ALTER TABLE clips
    ADD COLUMN IF NOT EXISTS poster_widths   integer[],  -- in which the poster is stored, ascending
    ADD COLUMN IF NOT EXISTS storyboard_name text,       -- the WebVTT, in the thumbnails container
    ADD COLUMN IF NOT EXISTS preview_name    text,       -- the animation, in the thumbnails container
    ADD COLUMN IF NOT EXISTS placeholder     text;       -- a few bytes that paint a blur at once

-- The blob's Content-MD5 (base64). Storage computes it for an upload in one request; for one in
-- blocks the cleanup does. NULL: not known yet.
ALTER TABLE clips ADD COLUMN IF NOT EXISTS content_md5 text;
CREATE INDEX IF NOT EXISTS clips_without_md5 ON clips (created_at) WHERE status = 'ready' AND content_md5 IS NULL;
