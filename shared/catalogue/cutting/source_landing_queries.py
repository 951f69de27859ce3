"""What the blob trigger of the videos container writes: a source has landed, and is processed.

As with clips, a claim is for one version of a blob: only that version is published.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from shared.catalogue.ingest.admission import Landing, Verdict
from shared.catalogue.ingest.claims import Claim, Standing, giving_up, standing_of
from shared.catalogue.row_mapping import media_to_json
from shared.model.clip import Images
from shared.model.failure import MAX_ATTEMPTS, Failure, is_final
from shared.model.media import Media
from shared.postgres.database import Database

_COUNT_ATTEMPT: LiteralString = """
    UPDATE sources SET attempts = attempts + 1, attempted_at = now()
    WHERE blob_name = %(blob_name)s AND status IN ('awaiting_upload', 'processing')
"""

_LOCK_VIDEO: LiteralString = """
    SELECT 1 FROM videos WHERE id = %(video_id)s AND deleted_at IS NULL FOR SHARE
"""

# Its video is in the recycle bin: the file is to be moved there as well.
_MOVE_VIDEO_AGAIN: LiteralString = """
    UPDATE videos SET next_try_at = now() WHERE id = %(video_id)s AND purge_at IS NOT NULL
"""

_LOCK: LiteralString = """
    SELECT etag, status, failure_code, attempts
    FROM sources WHERE video_id = %(video_id)s FOR UPDATE
"""

_TAKE: LiteralString = """
    INSERT INTO sources AS s (video_id, blob_name, content_type, status, etag, file_size, attempts,
                              attempted_at)
    VALUES (%(video_id)s, %(blob_name)s, %(content_type)s, 'processing', %(etag)s, %(size)s, 1,
            now())
    ON CONFLICT (video_id) DO UPDATE
    SET blob_name = excluded.blob_name, status = 'processing', etag = excluded.etag,
        file_size = excluded.file_size,
        content_type = coalesce(excluded.content_type, s.content_type),
        duration = NULL, media = NULL, keyframe_interval = NULL, poster_name = NULL,
        storyboard_name = NULL, failure_code = NULL, failure_detail = NULL,
        attempts = CASE WHEN s.etag IS DISTINCT FROM excluded.etag THEN 1 ELSE s.attempts END,
        attempted_at = now()
"""

_PUBLISH: LiteralString = """
    UPDATE sources
    SET status = 'ready', media = %(media)s, duration = %(duration)s, attempts = 0,
        keyframe_interval = %(keyframe_interval)s, poster_name = %(poster_name)s,
        storyboard_name = %(storyboard_name)s
    WHERE video_id = %(video_id)s AND etag = %(etag)s AND status = 'processing'
"""

_STANDING: LiteralString = "SELECT etag, status FROM sources WHERE video_id = %(video_id)s"

_FAIL: LiteralString = """
    UPDATE sources
    SET status = 'failed', failure_code = %(code)s, failure_detail = %(detail)s, attempts = 0
    WHERE video_id = %(video_id)s AND etag = %(etag)s AND status = 'processing'
"""

_GIVE_UP: LiteralString = """
    UPDATE sources
    SET status = 'failed', failure_code = %(code)s, failure_detail = %(detail)s
    WHERE blob_name = %(blob_name)s AND attempts >= %(at_least)s
      AND status IN ('awaiting_upload', 'processing')
"""

# Sources whose event may have been lost, or whose run has died; the one tried longest ago first.
_STALLED: LiteralString = """
    SELECT s.blob_name
    FROM sources s JOIN videos v ON v.id = s.video_id
    WHERE s.status IN ('awaiting_upload', 'processing') AND v.deleted_at IS NULL
      AND coalesce(s.attempted_at, s.created_at) < now() - %(stalled_for)s
    ORDER BY coalesce(s.attempted_at, s.created_at) LIMIT %(limit)s
"""

_SETTLED_NAME: LiteralString = """
    SELECT blob_name FROM sources
    WHERE video_id = %(video_id)s AND status IN ('ready', 'failed')
"""

# Videos that exist, each with the version of its source that is on record.
_KNOWN: LiteralString = """
    SELECT v.id, s.etag
    FROM videos v LEFT JOIN sources s ON s.video_id = v.id
    WHERE v.id = ANY(%(video_ids)s) AND v.deleted_at IS NULL
"""


class SourceLandings:
    """What the blob trigger writes about sources; a Claim has the video's id as its clip's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count_attempt(self, blob_name: str) -> None:
        self._database.run(_COUNT_ATTEMPT, {"blob_name": blob_name})

    def stalled(self, stalled_for: timedelta, limit: int) -> list[str]:
        """Names of the blobs of unfinished sources that nothing has tried for so long."""
        parameters = {"stalled_for": stalled_for, "limit": limit}
        return [row["blob_name"] for row in self._database.all(_STALLED, parameters)]

    def finished_name(self, video_id: UUID) -> str | None:
        """The blob that the row describes, if it was processed to its end."""
        row = self._database.one(_SETTLED_NAME, {"video_id": video_id})
        return row["blob_name"] if row else None

    def known(self, video_ids: Sequence[UUID]) -> Mapping[UUID, str | None]:
        """The version on record of the source of each video that exists; None for no source."""
        rows = self._database.all(_KNOWN, {"video_ids": list(video_ids)}) if video_ids else []
        return {row["id"]: row["etag"] for row in rows}

    def claim(self, landing: Landing) -> tuple[Verdict, Claim | None]:
        """Decides about a version of a blob, and claims it if it is to be processed."""
        values = landing.parameters()
        with self._database.transaction() as connection:
            if connection.execute(_LOCK_VIDEO, values).fetchone() is None:
                if connection.execute(_MOVE_VIDEO_AGAIN, values).rowcount == 1:
                    return Verdict.IN_BIN, None
                return Verdict.UNKNOWN_VIDEO, None
            row = connection.execute(_LOCK, values).fetchone()
            if row is not None and row["etag"] == landing.etag:
                if is_final(row["status"], row["failure_code"]):
                    return Verdict.NOTHING_NEW, None
                if row["attempts"] > MAX_ATTEMPTS:
                    connection.execute(_GIVE_UP, giving_up(landing.blob_name))
                    return Verdict.ATTEMPTS_EXHAUSTED, None
            connection.execute(_TAKE, values)
        video_id = landing.video_id
        return Verdict.PROCESS, Claim(clip_id=video_id, video_id=video_id, etag=landing.etag)

    def standing(self, claim: Claim) -> Standing:
        """Whether a claim is still valid, or the reason why it is not."""
        return standing_of(claim, self._database.one(_STANDING, {"video_id": claim.video_id}))

    def publish(
        self, claim: Claim, media: Media, images: Images, keyframe_interval: float | None
    ) -> bool:
        """Makes the source ready; False if the claim no longer holds."""
        new = {
            "media": media_to_json(media),
            "duration": media.duration or None,
            "keyframe_interval": keyframe_interval,
            "poster_name": images.poster_name,
            "storyboard_name": images.storyboard_name,
        }
        return self._database.run(_PUBLISH, _claimed(claim) | new) == 1

    def fail(self, claim: Claim, failure: Failure) -> bool:
        """Marks the source as failed; False if the claim no longer holds."""
        values = _claimed(claim) | {"code": failure.code, "detail": failure.detail}
        return self._database.run(_FAIL, values) == 1

    def give_up_after_last_attempt(self, blob_name: str) -> bool:
        """After the last attempt, marks the source as failed; before, does nothing."""
        return self._database.run(_GIVE_UP, giving_up(blob_name)) == 1


def _claimed(claim: Claim) -> dict[str, object]:
    return {"video_id": claim.video_id, "etag": claim.etag}
