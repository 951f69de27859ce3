-- Existing databases differ: two variants of `users`, column types that an ORM chose, foreign
-- keys by other names. From here on they are all the same. Rows are kept, columns are widened.

-- Users are identified by the subject of their token, which equals the old Clerk id. Users with
-- a password are recognised by their verified e-mail address at their first call.
ALTER TABLE users
    ADD COLUMN IF NOT EXISTS email         text,
    ADD COLUMN IF NOT EXISTS password_hash text,
    ADD COLUMN IF NOT EXISTS clerk_id      text,
    ADD COLUMN IF NOT EXISTS first_name    text,
    ADD COLUMN IF NOT EXISTS last_name     text,
    ADD COLUMN IF NOT EXISTS subject       text;

-- Constraints and indexes are dropped by what they are, since their names cannot be known:
-- all of the four tables but the primary keys.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT conrelid::regclass AS on_table, conname AS name
        FROM pg_constraint
        WHERE conrelid IN ('users'::regclass, 'videos'::regclass, 'clips'::regclass, 'clip_view_logs'::regclass)
          AND contype IN ('f', 'u', 'c')
        ORDER BY contype = 'u'  -- foreign keys first: one may lean on a unique constraint
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.on_table, found.name);
    END LOOP;

    FOR found IN
        SELECT indexrelid::regclass AS name
        FROM pg_index
        WHERE indrelid IN ('users'::regclass, 'videos'::regclass, 'clips'::regclass, 'clip_view_logs'::regclass)
          AND NOT indisprimary
    LOOP
        EXECUTE format('DROP INDEX %s', found.name);
    END LOOP;
END
$$;

-- Column types and defaults. A timestamp without a zone was UTC.
DO $$
DECLARE
    wanted record;
    actual text;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('users', 'email', 'text', NULL, TRUE),
            ('users', 'password_hash', 'text', NULL, TRUE),
            ('users', 'clerk_id', 'text', NULL, TRUE),
            ('users', 'first_name', 'text', NULL, TRUE),
            ('users', 'last_name', 'text', NULL, TRUE),
            ('users', 'subject', 'text', NULL, TRUE),
            ('users', 'id', 'uuid', 'gen_random_uuid()', FALSE),
            ('users', 'created_at', 'timestamp with time zone', 'now()', FALSE),
            ('videos', 'id', 'uuid', 'gen_random_uuid()', FALSE),
            ('videos', 'user_id', 'uuid', NULL, FALSE),
            ('videos', 'youtube_id', 'text', NULL, TRUE),
            ('videos', 'title', 'text', NULL, TRUE),
            ('videos', 'status', 'video_status', '''pending''', FALSE),
            ('videos', 'created_at', 'timestamp with time zone', 'now()', FALSE),
            ('clips', 'id', 'uuid', 'gen_random_uuid()', FALSE),
            ('clips', 'video_id', 'uuid', NULL, FALSE),
            ('clips', 's3_url', 'text', NULL, TRUE),
            ('clips', 'blob_url', 'text', NULL, TRUE),
            ('clips', 'thumbnail_url', 'text', NULL, TRUE),
            ('clips', 'file_size', 'bigint', NULL, TRUE),
            ('clips', 'start_time', 'double precision', NULL, FALSE),
            -- unknown until an unannounced clip has been processed
            ('clips', 'end_time', 'double precision', NULL, TRUE),
            ('clips', 'duration', 'double precision', NULL, TRUE),
            ('clips', 'created_at', 'timestamp with time zone', 'now()', FALSE),
            ('clip_view_logs', 'id', 'uuid', 'gen_random_uuid()', FALSE),
            ('clip_view_logs', 'user_id', 'uuid', NULL, TRUE),
            ('clip_view_logs', 'clip_id', 'uuid', NULL, FALSE),
            ('clip_view_logs', 'viewed_at', 'timestamp with time zone', 'now()', FALSE)
        ) AS shape (on_table, name, type, initial, nullable)
    LOOP
        SELECT format_type(atttypid, NULL) INTO actual
        FROM pg_attribute
        WHERE attrelid = wanted.on_table::regclass AND attname = wanted.name;

        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I DROP DEFAULT', wanted.on_table, wanted.name);
        IF actual <> wanted.type THEN
            EXECUTE format(
                'ALTER TABLE %1$I ALTER COLUMN %2$I TYPE %3$s USING (%2$I%4$s)::%3$s',
                wanted.on_table, wanted.name, wanted.type,
                CASE actual WHEN 'timestamp without time zone' THEN ' AT TIME ZONE ''UTC''' ELSE '' END
            );
        END IF;
        IF wanted.initial IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT %s',
                           wanted.on_table, wanted.name, wanted.initial);
        END IF;
        IF wanted.nullable THEN
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I DROP NOT NULL', wanted.on_table, wanted.name);
        ELSE
            IF wanted.initial IS NOT NULL THEN
                EXECUTE format('UPDATE %1$I SET %2$I = %3$s WHERE %2$I IS NULL',
                               wanted.on_table, wanted.name, wanted.initial);
            END IF;
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET NOT NULL', wanted.on_table, wanted.name);
        END IF;
    END LOOP;
END
$$;

UPDATE users SET subject = clerk_id WHERE subject IS NULL AND clerk_id IS NOT NULL;

ALTER TABLE users ADD CONSTRAINT users_subject_key UNIQUE (subject);

ALTER TABLE videos
    ADD CONSTRAINT videos_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id);

-- A clip's row goes before its video's, never with it: its blobs have to be gone first.
ALTER TABLE clips
    ADD CONSTRAINT clips_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos (id),
    ADD CONSTRAINT clips_times_check CHECK (start_time >= 0 AND end_time > start_time AND duration > 0);

ALTER TABLE clip_view_logs
    ADD CONSTRAINT clip_view_logs_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL,
    ADD CONSTRAINT clip_view_logs_clip_id_fkey FOREIGN KEY (clip_id) REFERENCES clips (id) ON DELETE CASCADE;

-- Who signed in with a password is looked up by e-mail address once.
CREATE INDEX users_unclaimed_email ON users (lower(email)) WHERE subject IS NULL;
CREATE INDEX clip_view_logs_clip ON clip_view_logs (clip_id);
