"""What the blob trigger writes: a blob has landed, is processed, and becomes ready or failed.

Messages come twice, late and out of order, and runs die half-way. A claim is therefore for one
version of a blob, its ETag: the run that holds it may publish. When the blob has been
overwritten since, the claim is no longer valid and nothing is published.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from shared.catalogue.ingest.admission import Landing, Verdict, admit
from shared.catalogue.ingest.claims import Claim, Standing, giving_up, standing_of
from shared.catalogue.row_mapping import VIDEO_EXISTS, media_to_json
from shared.model.clip import Images
from shared.model.failure import MAX_ATTEMPTS, PASSING_FAILURES, Failure, is_final
from shared.model.media import Media
from shared.model.playability import Playback
from shared.postgres.database import Connection, Database

# Counted before anything can go wrong. No row: a blob that is not known yet.
_COUNT_ATTEMPT: LiteralString = f"""
    UPDATE clips SET attempts = attempts + 1, attempted_at = now()
    WHERE blob_name = %(blob_name)s AND deleted_at IS NULL AND {VIDEO_EXISTS}
      AND (status IN ('awaiting_upload', 'processing') OR failure_code = ANY(%(passing)s))
"""

_LOCK_CLIP: LiteralString = """
    SELECT c.id, c.video_id, c.etag, c.status, c.failure_code, c.attempts,
           c.deleted_at IS NOT NULL OR v.deleted_at IS NOT NULL AS deleted,
           (c.deleted_at IS NULL OR c.purge_at IS NOT NULL)
           AND (v.deleted_at IS NULL OR v.purge_at IS NOT NULL) AS restorable
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.blob_name = %(blob_name)s FOR UPDATE OF c
"""

# A newer version has landed for a clip in the bin: it is moved there as well.
_MOVE_AGAIN: LiteralString = "UPDATE clips SET next_try_at = now() WHERE id = %(id)s"

_TAKE: LiteralString = """
    UPDATE clips
    SET status = 'processing', etag = %(etag)s, file_size = %(size)s, content_md5 = %(content_md5)s,
        content_type = coalesce(%(content_type)s, content_type),
        media = NULL, playback = NULL,
        rendition_state = NULL, rendition_code = NULL, rendition_name = NULL,
        thumbnail_url = NULL, poster_name = NULL, poster_widths = NULL,
        storyboard_name = NULL, preview_name = NULL, placeholder = NULL,
        failure_code = NULL, failure_detail = NULL,
        attempts = CASE WHEN etag IS DISTINCT FROM %(etag)s THEN 1 ELSE attempts END,
        attempted_at = now()
    WHERE id = %(id)s
"""

# No row if the clip was deleted or its blob overwritten meanwhile.
_PUBLISH: LiteralString = f"""
    WITH published AS (
        UPDATE clips
        SET status = 'ready', media = %(media)s, playback = %(playback)s, attempts = 0,
            thumbnail_url = %(thumbnail_url)s, poster_name = %(poster_name)s,
            poster_widths = %(poster_widths)s, storyboard_name = %(storyboard_name)s,
            preview_name = %(preview_name)s, placeholder = %(placeholder)s,
            duration = coalesce(%(duration)s, duration),
            end_time = coalesce(end_time, start_time + %(duration)s)
        WHERE id = %(id)s AND etag = %(etag)s AND status = 'processing' AND deleted_at IS NULL
          AND {VIDEO_EXISTS}
        RETURNING video_id
    ), done AS (
        UPDATE videos SET status = 'done'
        WHERE id IN (SELECT video_id FROM published) AND status <> 'done'
    )
    SELECT video_id FROM published
"""

_STANDING: LiteralString = f"""
    SELECT etag, status FROM clips WHERE id = %(id)s AND deleted_at IS NULL
      AND {VIDEO_EXISTS}
"""

# The attempt does not count: the file was not complete yet.
_KEEP_WAITING: LiteralString = f"""
    UPDATE clips SET attempts = 0
    WHERE id = %(id)s AND etag = %(etag)s AND status = 'processing' AND deleted_at IS NULL
      AND {VIDEO_EXISTS}
"""

_ANNOUNCED_AT: LiteralString = f"""
    SELECT created_at FROM clips WHERE blob_name = %(blob_name)s AND deleted_at IS NULL
      AND {VIDEO_EXISTS}
"""

_FAIL: LiteralString = f"""
    UPDATE clips
    SET status = 'failed', failure_code = %(code)s, failure_detail = %(detail)s, attempts = 0
    WHERE id = %(id)s AND etag = %(etag)s AND status = 'processing' AND deleted_at IS NULL
      AND {VIDEO_EXISTS}
"""

_GIVE_UP: LiteralString = f"""
    UPDATE clips
    SET status = 'failed', failure_code = %(code)s, failure_detail = %(detail)s
    WHERE blob_name = %(blob_name)s AND attempts >= %(at_least)s
      AND status IN ('awaiting_upload', 'processing') AND deleted_at IS NULL
        AND {VIDEO_EXISTS}
"""


class Landings:
    def __init__(self, database: Database) -> None:
        self._database = database

    def count_attempt(self, blob_name: str) -> None:
        self._database.run(
            _COUNT_ATTEMPT, {"blob_name": blob_name, "passing": list(PASSING_FAILURES)}
        )

    def claim(self, landing: Landing, *, adopts: bool = True) -> tuple[Verdict, Claim | None]:
        """Decides about a version of a blob, and claims it if it is to be processed.

        A blob that no row has becomes a clip, if it may; with `adopts` False the verdict is
        NO_ROW.
        """
        with self._database.transaction() as connection:
            clip = _lock(connection, landing)
            if clip is None:
                verdict = admit(connection, landing) if adopts else Verdict.NO_ROW
                if verdict is not Verdict.PROCESS:
                    return verdict, None
                clip = _lock(connection, landing)
                if clip is None:
                    raise AssertionError("a clip that was just admitted has its row")
            if clip.in_bin:
                connection.execute(_MOVE_AGAIN, {"id": clip.id})
                return Verdict.IN_BIN, None
            if clip.deleted:
                return Verdict.REMOVE, None
            if clip.final_etag == landing.etag:
                return Verdict.NOTHING_NEW, None
            if clip.etag == landing.etag and clip.attempts > MAX_ATTEMPTS:
                connection.execute(_GIVE_UP, giving_up(landing.blob_name))
                return Verdict.ATTEMPTS_EXHAUSTED, None
            connection.execute(_TAKE, landing.parameters() | {"id": clip.id})
        claim = Claim(
            clip_id=clip.id,
            video_id=clip.video_id,
            etag=landing.etag,
            is_first=clip.etag is None,
        )
        return Verdict.PROCESS, claim

    def standing(self, claim: Claim) -> Standing:
        """Whether a claim is still valid, or the reason why it is not."""
        return standing_of(claim, self._database.one(_STANDING, {"id": claim.clip_id}))

    def announced_at(self, blob_name: str) -> datetime | None:
        """When the clip of a blob was made; None if the blob has no clip."""
        row = self._database.one(_ANNOUNCED_AT, {"blob_name": blob_name})
        return row["created_at"] if row else None

    def keep_waiting(self, claim: Claim) -> None:
        """Leaves a clip in `processing` whose file is not complete yet."""
        self._database.run(_KEEP_WAITING, {"id": claim.clip_id, "etag": claim.etag})

    def publish(
        self,
        claim: Claim,
        media: Media,
        playback: Playback,
        images: Images,
        thumbnail_url: str | None,
    ) -> bool:
        """Makes the clip ready; False if the claim is no longer valid."""
        row = self._database.one(
            _PUBLISH,
            {
                "id": claim.clip_id,
                "etag": claim.etag,
                "media": media_to_json(media),
                "playback": json.dumps(asdict(playback)),
                "duration": media.duration or None,
                "thumbnail_url": thumbnail_url,
                "poster_name": images.poster_name,
                "poster_widths": list(images.poster_widths),
                "storyboard_name": images.storyboard_name,
                "preview_name": images.preview_name,
                "placeholder": images.placeholder,
            },
        )
        return row is not None

    def fail(self, claim: Claim, failure: Failure, playback: Playback | None = None) -> bool:
        """Marks the clip as failed; False if the claim is no longer valid."""
        shown = None if playback is None else json.dumps(asdict(playback))
        values = {"id": claim.clip_id, "etag": claim.etag, "playback": shown}
        touched = self._database.run(
            _FAIL, values | {"code": failure.code, "detail": failure.detail}
        )
        return touched == 1

    def give_up_after_last_attempt(self, blob_name: str) -> bool:
        """Marks the clip as given up if this was its last attempt; says whether it did."""
        return self._database.run(_GIVE_UP, giving_up(blob_name)) == 1


@dataclass(frozen=True, slots=True)
class _LockedClip:
    id: UUID
    video_id: UUID
    deleted: bool
    in_bin: bool
    attempts: int
    etag: str | None
    final_etag: str | None


def _lock(connection: Connection, landing: Landing) -> _LockedClip | None:
    row = connection.execute(_LOCK_CLIP, landing.parameters()).fetchone()
    if row is None:
        return None
    finished = is_final(row["status"], row["failure_code"])
    return _LockedClip(
        id=row["id"],
        video_id=row["video_id"],
        deleted=row["deleted"],
        in_bin=row["deleted"] and row["restorable"],
        attempts=row["attempts"],
        etag=row["etag"],
        final_etag=row["etag"] if finished else None,
    )
