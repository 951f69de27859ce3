-- Sidecars: a small JSON beside the images for each clip, source and video, from which the
-- catalogue can be rebuilt. Triggers note every change, so that no statement can forget it.

-- When a column that the sidecar records changed last. Rises with every change of a row, whatever
-- the clock does.
ALTER TABLE videos  ADD COLUMN IF NOT EXISTS changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE clips   ADD COLUMN IF NOT EXISTS changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE sources ADD COLUMN IF NOT EXISTS changed_at timestamptz NOT NULL DEFAULT now();

-- The outbox: rows whose sidecar has to be written or deleted. An entry says only that something
-- changed; what is written is the row as it is by then. Entries are only ever added, so that two
-- transactions never wait for each other here.
CREATE TABLE IF NOT EXISTS sidecar_outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('clip', 'source', 'video')),
    video_id    uuid NOT NULL,
    clip_id     uuid,
    taken_until timestamptz                 -- a worker is writing it, or it is postponed
);
-- What the rebuild asks before it restores a row: was that row just deleted?
CREATE INDEX IF NOT EXISTS sidecar_outbox_by_video ON sidecar_outbox (video_id, clip_id);

-- How far the daily pass over all sidecars has come.
CREATE TABLE IF NOT EXISTS sidecar_pass (
    only_one    boolean PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    started_at  timestamptz,
    finished_at timestamptz,
    marker      text,                       -- where the listing goes on; NULL: at its beginning
    after_name  text COLLATE "C" NOT NULL DEFAULT '',  -- the last name that was compared
    newer       bigint NOT NULL DEFAULT 0,  -- sidecars that are newer than their row
    unknown     bigint NOT NULL DEFAULT 0   -- sidecars without a row
);
INSERT INTO sidecar_pass DEFAULT VALUES ON CONFLICT DO NOTHING;

-- The rebuild brings the time along that the sidecar has.
CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.changed_at IS NOT DISTINCT FROM OLD.changed_at THEN
        NEW.changed_at := greatest(clock_timestamp(), OLD.changed_at + interval '1 microsecond');
    END IF;
    RETURN NEW;
END
$$;

-- `cliplink.sidecars = stored` holds within the transaction of a rebuild: what it writes comes
-- from sidecars.
CREATE OR REPLACE FUNCTION queue_sidecar() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
BEGIN
    IF current_setting('cliplink.sidecars', TRUE) = 'stored' THEN
        RETURN NULL;
    END IF;
    changed := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    CASE TG_TABLE_NAME
        WHEN 'clips' THEN
            INSERT INTO sidecar_outbox (kind, video_id, clip_id)
            VALUES ('clip', changed.video_id, changed.id);
        WHEN 'sources' THEN
            INSERT INTO sidecar_outbox (kind, video_id) VALUES ('source', changed.video_id);
        WHEN 'videos' THEN
            INSERT INTO sidecar_outbox (kind, video_id) VALUES ('video', changed.id);
    END CASE;
    RETURN NULL;
END
$$;

-- The conditions name the columns that are recorded; shared/catalogue/sidecars/sidecar_queries.py reads the
-- same ones.
CREATE OR REPLACE TRIGGER clips_note_change
    BEFORE UPDATE ON clips FOR EACH ROW
    WHEN ((OLD.video_id, OLD.title, OLD.start_time, OLD.end_time, OLD.duration, OLD.created_at,
           OLD.s3_url, OLD.status, OLD.blob_name, OLD.etag, OLD.content_type, OLD.file_size,
           OLD.content_md5, OLD.media, OLD.playback, OLD.cut, OLD.poster_name, OLD.poster_widths,
           OLD.storyboard_name, OLD.preview_name, OLD.placeholder, OLD.own_thumbnail,
           OLD.failure_code, OLD.failure_detail, OLD.expires_at, OLD.deleted_at, OLD.purge_at,
           OLD.pinned, OLD.rendition_state, OLD.rendition_code, OLD.rendition_name,
           OLD.rendition_etag)
          IS DISTINCT FROM
          (NEW.video_id, NEW.title, NEW.start_time, NEW.end_time, NEW.duration, NEW.created_at,
           NEW.s3_url, NEW.status, NEW.blob_name, NEW.etag, NEW.content_type, NEW.file_size,
           NEW.content_md5, NEW.media, NEW.playback, NEW.cut, NEW.poster_name, NEW.poster_widths,
           NEW.storyboard_name, NEW.preview_name, NEW.placeholder, NEW.own_thumbnail,
           NEW.failure_code, NEW.failure_detail, NEW.expires_at, NEW.deleted_at, NEW.purge_at,
           NEW.pinned, NEW.rendition_state, NEW.rendition_code, NEW.rendition_name,
           NEW.rendition_etag))
    EXECUTE FUNCTION note_change();

CREATE OR REPLACE TRIGGER sources_note_change
    BEFORE UPDATE ON sources FOR EACH ROW
    WHEN ((OLD.blob_name, OLD.content_type, OLD.status, OLD.etag, OLD.file_size, OLD.duration,
           OLD.media, OLD.keyframe_interval, OLD.poster_name, OLD.storyboard_name,
           OLD.failure_code, OLD.failure_detail, OLD.created_at)
          IS DISTINCT FROM
          (NEW.blob_name, NEW.content_type, NEW.status, NEW.etag, NEW.file_size, NEW.duration,
           NEW.media, NEW.keyframe_interval, NEW.poster_name, NEW.storyboard_name,
           NEW.failure_code, NEW.failure_detail, NEW.created_at))
    EXECUTE FUNCTION note_change();

CREATE OR REPLACE TRIGGER videos_note_change
    BEFORE UPDATE ON videos FOR EACH ROW
    WHEN ((OLD.user_id, OLD.title, OLD.youtube_id, OLD.status, OLD.created_at, OLD.deleted_at,
           OLD.purge_at, OLD.retention_days)
          IS DISTINCT FROM
          (NEW.user_id, NEW.title, NEW.youtube_id, NEW.status, NEW.created_at, NEW.deleted_at,
           NEW.purge_at, NEW.retention_days))
    EXECUTE FUNCTION note_change();

CREATE OR REPLACE TRIGGER clips_queue_sidecar
    AFTER INSERT OR DELETE ON clips FOR EACH ROW EXECUTE FUNCTION queue_sidecar();
CREATE OR REPLACE TRIGGER clips_queue_changed_sidecar
    AFTER UPDATE ON clips FOR EACH ROW
    WHEN (OLD.changed_at IS DISTINCT FROM NEW.changed_at) EXECUTE FUNCTION queue_sidecar();
CREATE OR REPLACE TRIGGER sources_queue_sidecar
    AFTER INSERT OR DELETE ON sources FOR EACH ROW EXECUTE FUNCTION queue_sidecar();
CREATE OR REPLACE TRIGGER sources_queue_changed_sidecar
    AFTER UPDATE ON sources FOR EACH ROW
    WHEN (OLD.changed_at IS DISTINCT FROM NEW.changed_at) EXECUTE FUNCTION queue_sidecar();
CREATE OR REPLACE TRIGGER videos_queue_sidecar
    AFTER INSERT OR DELETE ON videos FOR EACH ROW EXECUTE FUNCTION queue_sidecar();
CREATE OR REPLACE TRIGGER videos_queue_changed_sidecar
    AFTER UPDATE ON videos FOR EACH ROW
    WHEN (OLD.changed_at IS DISTINCT FROM NEW.changed_at) EXECUTE FUNCTION queue_sidecar();

-- A user of the old service was recognised: the sidecars of its videos name the subject from now on.
CREATE OR REPLACE FUNCTION note_new_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE videos
    SET changed_at = greatest(clock_timestamp(), changed_at + interval '1 microsecond')
    WHERE user_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER users_new_subject
    AFTER UPDATE OF subject ON users FOR EACH ROW
    WHEN (OLD.subject IS DISTINCT FROM NEW.subject) EXECUTE FUNCTION note_new_subject();
