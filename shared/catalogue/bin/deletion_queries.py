"""The work that deletions and restores leave: which rows are due, who works on them, what is done.

`next_try_at` of a row says when its work continues. A worker that takes a row moves that moment
into the future: this is a lease, and its value is the lease token. A row is changed only by the
holder of its lease token; a call that changes the state of a row also replaces the token, so a late
worker writes nothing. What is being deleted permanently needs no token: nothing can change that any
more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from shared.catalogue.bin.bin_emptying_queries import EmptiedBins
from shared.catalogue.bin.video_deletion_queries import BinState, VideoDeletions
from shared.model.blob import Blob
from shared.model.failure import MISSING
from shared.postgres.database import Database

# The columns of a DueClip, of clips `c` and their videos `v`. Bytes under a name of another tool's
# choice go to the bin under the clip's own name, so that the other can be used again.
ITEM_COLUMNS: LiteralString = """
    c.id, c.video_id, c.blob_name, c.bin_etag, c.next_try_at AS lease_token,
    CASE WHEN c.deleted_at IS NOT NULL AND c.purge_at IS NULL THEN 'being_deleted'
         WHEN c.deleted_at IS NOT NULL OR v.deleted_at IS NOT NULL THEN 'in_bin'
         ELSE 'visible' END AS state
"""

# Those of a video that is being deleted are deleted with it.
_TAKE_CLIPS: LiteralString = f"""
    WITH due AS (
        SELECT c.id FROM clips c JOIN videos v ON v.id = c.video_id
        WHERE (c.next_try_at <= now()
               OR (c.deleted_at IS NOT NULL AND c.purge_at IS NULL AND c.next_try_at IS NULL))
          AND (v.deleted_at IS NULL OR v.purge_at IS NOT NULL)
        ORDER BY coalesce(c.next_try_at, c.deleted_at)
        LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE clips c SET next_try_at = now() + %(lease)s
    FROM due, videos v
    WHERE c.id = due.id AND v.id = c.video_id
    RETURNING {ITEM_COLUMNS}
"""

_COUNT_DUE_CLIPS: LiteralString = """
    SELECT count(*) AS due FROM (
        SELECT 1 FROM clips c JOIN videos v ON v.id = c.video_id
        WHERE (c.next_try_at <= now()
               OR (c.deleted_at IS NOT NULL AND c.purge_at IS NULL AND c.next_try_at IS NULL))
          AND (v.deleted_at IS NULL OR v.purge_at IS NOT NULL)
        LIMIT %(limit)s
    ) AS due
"""

_IS_HIDDEN: LiteralString = """
    (c.purge_at IS NOT NULL OR (c.deleted_at IS NULL AND v.purge_at IS NOT NULL))
"""

# Its images are removed next, and a restored clip is processed anew. The etag would let a run that
# still has the old version publish it.
_NOTE_IN_BIN: LiteralString = f"""
    UPDATE clips c
    SET bin_etag = %(bin_etag)s, blob_name = %(bin_name)s, blob_url = %(blob_url)s,
        file_size = %(size)s, content_md5 = %(md5)s,
        status = 'processing', etag = NULL, attempts = 0, attempted_at = NULL,
        archived = FALSE, failure_code = NULL, failure_detail = NULL,
        thumbnail_url = NULL, poster_name = NULL, poster_widths = NULL, storyboard_name = NULL,
        preview_name = NULL, placeholder = NULL,
        rendition_state = NULL, rendition_code = NULL, rendition_name = NULL
    FROM videos v
    WHERE v.id = c.video_id AND c.id = %(id)s AND c.next_try_at = %(lease_token)s AND {_IS_HIDDEN}
"""

_NOTE_ARCHIVED: LiteralString = f"""
    UPDATE clips c SET archived = TRUE
    FROM videos v
    WHERE v.id = c.video_id AND c.id = %(id)s AND c.next_try_at = %(lease_token)s AND {_IS_HIDDEN}
"""

_STILL_HIDDEN: LiteralString = f"""
    SELECT 1 FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE c.id = %(id)s AND c.next_try_at = %(lease_token)s AND {_IS_HIDDEN}
"""

_NAME_IS_TAKEN: LiteralString = """
    SELECT 1 FROM clips WHERE blob_name = %(name)s AND id <> %(id)s
"""

# Nothing is left to do for a clip in the bin. One whose video was restored meanwhile stays due.
_MARK_CLIP_DONE: LiteralString = f"""
    UPDATE clips c SET next_try_at = NULL
    FROM videos v
    WHERE v.id = c.video_id AND c.id = %(id)s AND c.next_try_at = %(lease_token)s AND {_IS_HIDDEN}
"""

_NOTE_RESTORED: LiteralString = """
    UPDATE clips c SET bin_etag = NULL, next_try_at = NULL
    FROM videos v
    WHERE v.id = c.video_id AND c.id = %(id)s AND c.next_try_at = %(lease_token)s
      AND c.deleted_at IS NULL AND v.deleted_at IS NULL
"""

_NOTE_LOST: LiteralString = """
    UPDATE clips c
    SET bin_etag = NULL, next_try_at = NULL, status = 'failed', failure_code = %(code)s,
        failure_detail = %(detail)s
    WHERE c.id = %(id)s AND c.next_try_at = %(lease_token)s AND c.deleted_at IS NULL
"""

_POSTPONE_CLIP: LiteralString = """
    UPDATE clips SET next_try_at = now() + %(delay)s
    WHERE id = %(id)s AND next_try_at = %(lease_token)s
"""

# A clip that was pinned meanwhile stays.
_PURGE_CLIPS: LiteralString = """
    WITH due AS (
        SELECT id FROM clips WHERE purge_at <= now() AND NOT pinned
        ORDER BY purge_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE clips SET purge_at = NULL, bin_owner = NULL, next_try_at = now()
    FROM due WHERE clips.id = due.id
"""

# Deletes the row and writes a note, which stays until no blob can appear under its names any more.
# Clips of a deleted video are swept with it.
_FORGET_CLIPS: LiteralString = """
    WITH gone AS (
        DELETE FROM clips c USING videos v
        WHERE v.id = c.video_id AND c.id = ANY(%(ids)s)
          AND c.deleted_at IS NOT NULL AND c.purge_at IS NULL
        RETURNING c.id, c.video_id, c.blob_name, c.created_at, v.user_id
    )
    INSERT INTO deleted_clips (clip_id, video_id, blob_name, owner_id, sweep_after)
    SELECT id, video_id, blob_name, user_id,
           greatest(now() + %(late_run)s, created_at + %(upload_life)s)
    FROM gone
    ON CONFLICT (clip_id) DO UPDATE SET sweep_after = excluded.sweep_after
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueClip:
    """A clip whose bytes are to follow its state; `lease_token` is the lease of its worker."""

    id: UUID
    video_id: UUID
    blob_name: str | None
    bin_etag: str | None
    lease_token: datetime
    state: BinState


class Deletions:
    """The work on clips; that on videos is in `videos`, that on emptied bins in `emptied`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.videos = VideoDeletions(database)
        self.emptied = EmptiedBins(database)

    def take_clips(self, limit: int, lease: timedelta) -> Sequence[DueClip]:
        """Clips that are due and that no other worker has taken."""
        rows = self._database.all(_TAKE_CLIPS, {"limit": limit, "lease": lease})
        return [bin_clip_of(row) for row in rows]

    def count_due_clips(self, limit: int) -> int:
        """How many clips are due, at most `limit`."""
        row = self._database.one(_COUNT_DUE_CLIPS, {"limit": limit})
        return 0 if row is None else int(row["due"])

    def is_name_taken(self, name: str, clip: DueClip) -> bool:
        """Whether another clip has a blob of that name."""
        return self._database.one(_NAME_IS_TAKEN, {"name": name, "id": clip.id}) is not None

    def note_in_bin(self, clip: DueClip, copy: Blob, blob_url: str) -> bool:
        """Notes that the bytes are in the bin; False if the clip no longer belongs there.

        `blob_url` is where they return to.
        """
        new = {
            "bin_etag": copy.etag,
            "bin_name": copy.name,
            "blob_url": blob_url,
            "size": copy.size,
            "md5": copy.content_md5,
        }
        return self._database.run(_NOTE_IN_BIN, _held(clip) | new) == 1

    def note_archived(self, clip: DueClip) -> bool:
        """Notes that the bytes stay where they are; False as above."""
        return self._database.run(_NOTE_ARCHIVED, _held(clip)) == 1

    def is_still_hidden(self, clip: DueClip) -> bool:
        return self._database.one(_STILL_HIDDEN, _held(clip)) is not None

    def note_restored(self, clip: DueClip) -> bool:
        """Notes that the bytes are back; False if the clip was deleted again."""
        return self._database.run(_NOTE_RESTORED, _held(clip)) == 1

    def note_lost(self, clip: DueClip) -> bool:
        """Marks a restored clip as failed: its bytes are lost."""
        failure = {"code": MISSING.code, "detail": MISSING.detail}
        return self._database.run(_NOTE_LOST, _held(clip) | failure) == 1

    def mark_clip_done(self, clip: DueClip) -> bool:
        """Notes that the work in the bin is done; False if the clip no longer belongs there."""
        return self._database.run(_MARK_CLIP_DONE, _held(clip)) == 1

    def postpone_clip(self, clip: DueClip, delay: timedelta) -> None:
        self._database.run(_POSTPONE_CLIP, _held(clip) | {"delay": delay})

    def purge_clips(self, limit: int) -> int:
        """Begins to delete clips whose time in the bin is over; no restore can win after that."""
        return self._database.run(_PURGE_CLIPS, {"limit": limit})

    def forget_clips(
        self, clip_ids: Sequence[UUID], *, late_run: timedelta, upload_life: timedelta
    ) -> int:
        """Deletes the rows of clips that are being deleted, whose blobs are gone."""
        values = {"ids": list(clip_ids), "late_run": late_run, "upload_life": upload_life}
        return self._database.run(_FORGET_CLIPS, values)


def bin_clip_of(row: dict[str, Any]) -> DueClip:
    """The columns of ITEM_COLUMNS."""
    return DueClip(**row | {"state": BinState(row["state"])})


def _held(item: DueClip) -> dict[str, object]:
    return {"id": item.id, "lease_token": item.lease_token}
