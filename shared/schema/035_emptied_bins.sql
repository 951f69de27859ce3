-- Emptying the recycle bin marks one row, however much is in it.

ALTER TABLE users
    ADD COLUMN IF NOT EXISTS bin_emptied_at timestamptz;  -- what was in the bin then cannot be restored; NULL once all of it is being deleted
CREATE INDEX IF NOT EXISTS users_with_emptied_bins ON users (bin_emptied_at) WHERE bin_emptied_at IS NOT NULL;
