-- Clips move to Blob Storage. `s3_url` stays as the record of where the bytes were;
-- `blob_url` starts as the same address and changes when the blob is complete.

ALTER TABLE clips
    ADD COLUMN IF NOT EXISTS blob_url      text,
    ADD COLUMN IF NOT EXISTS thumbnail_url text,
    ADD COLUMN IF NOT EXISTS file_size     bigint;

ALTER TABLE clips ALTER COLUMN s3_url DROP NOT NULL;

UPDATE clips SET blob_url = s3_url WHERE blob_url IS NULL;
