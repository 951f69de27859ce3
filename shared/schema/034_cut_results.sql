-- Cutting: which version a cut wrote, so that a clip without a picture is cut by another method.

ALTER TABLE cuts
    ADD COLUMN IF NOT EXISTS has_picture  boolean,  -- whether the source shows one
    ADD COLUMN IF NOT EXISTS first_method text,     -- those before it gave a clip without a picture
    ADD COLUMN IF NOT EXISTS written_etag text;     -- the version of the clip that was written
ALTER TABLE cuts
    DROP CONSTRAINT IF EXISTS cuts_first_method_check,
    ADD CONSTRAINT cuts_first_method_check
        CHECK (first_method IN ('storage_copy', 'packets', 'encode'));
