-- Migration of clips: data of the old service that comes with them.

-- A thumbnail of the service this one replaces: shown where none was made of the clip itself.
ALTER TABLE clips
    ADD COLUMN IF NOT EXISTS own_thumbnail     text,  -- in the thumbnails container
    ADD COLUMN IF NOT EXISTS own_thumbnail_url text;
