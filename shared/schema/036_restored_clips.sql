-- A clip that was restored is not deleted at once by the retention of its video.

ALTER TABLE clips ADD COLUMN IF NOT EXISTS retention_from timestamptz;  -- retention deletes it not before; NULL: it was never restored
