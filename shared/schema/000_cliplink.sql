-- The schema of the backend that this service replaces. On a database that has it already,
-- in either variant of `users`, nothing happens here.

CREATE TABLE IF NOT EXISTS users (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email         text,
    password_hash text NOT NULL,
    first_name    text,
    last_name     text,
    created_at    timestamptz NOT NULL DEFAULT now()
);

DO $$
BEGIN
    IF to_regtype('video_status') IS NULL THEN
        CREATE TYPE video_status AS ENUM ('pending', 'processing', 'done', 'failed');
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS videos (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES users (id),
    youtube_id text,
    title      text,
    status     video_status NOT NULL DEFAULT 'pending',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS clips (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    video_id   uuid NOT NULL REFERENCES videos (id),
    s3_url     text NOT NULL,
    start_time double precision NOT NULL,
    end_time   double precision NOT NULL,
    duration   double precision NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (start_time >= 0 AND end_time > start_time AND duration > 0)
);

CREATE TABLE IF NOT EXISTS clip_view_logs (
    id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id   uuid REFERENCES users (id),
    clip_id   uuid NOT NULL REFERENCES clips (id),
    viewed_at timestamptz NOT NULL DEFAULT now()
);
