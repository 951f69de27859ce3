"""The work on cuts: taken, recorded, finished.

A lease says who works on a cut; any worker may take one whose lease has ended. The rows are added
by `cut_order_queries`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import LIVE
from shared.model.clip import ClipStatus
from shared.model.cut_method import Accuracy, CutMethod
from shared.model.cutting import CutOrder, CutSource, WrittenCut
from shared.model.failure import Failure
from shared.postgres.database import Database

# How long a worker owns a cut; a running worker renews its lease long before the end.
CUT_LEASE = timedelta(minutes=2)

# The right to work on a cut, for as long as the lease lasts.
_TAKE: LiteralString = f"""
    UPDATE cuts k
    SET leased_until = now() + %(lease)s, attempts = k.attempts + 1
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE k.clip_id = %(clip_id)s AND c.id = k.clip_id AND k.finished_at IS NULL
      AND (k.leased_until IS NULL OR k.leased_until < now()) AND {LIVE}
    RETURNING k.clip_id, k.video_id, k.source_id, k.source_is_clip, k.source_blob, k.source_etag,
              k.has_picture, k.accuracy, k.requested_start, k.requested_end, k.attempts,
              k.first_method, c.blob_name, c.content_type,
              c.start_time - coalesce(k.cut_start, k.requested_start) AS starts_at
"""

_RENEW: LiteralString = """
    UPDATE cuts k SET leased_until = now() + %(lease)s
    FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE k.clip_id = %(clip_id)s AND c.id = k.clip_id AND k.finished_at IS NULL
      AND c.deleted_at IS NULL AND v.deleted_at IS NULL
"""

_RELEASE: LiteralString = """
    UPDATE cuts SET leased_until = NULL WHERE clip_id = ANY(%(clip_ids)s) AND finished_at IS NULL
"""

# Before the blob appears, the rows say what it shows. `k` is the row of the cut as it was: the
# clip begins where it did, but for the difference between two starts. No row if the clip is gone.
_RECORD: LiteralString = f"""
    WITH cut AS (
        UPDATE cuts SET cut_start = %(start)s, cut_end = %(end)s, method = %(method)s,
                        written_etag = NULL
        WHERE clip_id = %(clip_id)s AND finished_at IS NULL
        RETURNING clip_id
    )
    UPDATE clips c
    SET start_time = c.start_time - coalesce(k.cut_start, k.requested_start) + %(start)s,
        end_time = c.start_time - coalesce(k.cut_start, k.requested_start) + %(end)s,
        duration = %(end)s::float8 - %(start)s::float8, cut = %(cut)s
    FROM cut, cuts k, videos v
    WHERE k.clip_id = cut.clip_id AND c.id = cut.clip_id AND v.id = c.video_id AND {LIVE}
"""

# The blobs are written, and ingest does the rest.
_FINISH: LiteralString = """
    UPDATE cuts k SET finished_at = now(), leased_until = NULL, written_etag = new.etag
    FROM unnest(%(clip_ids)s::uuid[], %(methods)s::text[], %(etags)s::text[])
         AS new (clip_id, method, etag)
    WHERE k.clip_id = new.clip_id AND k.finished_at IS NULL AND k.method = new.method
"""

_WRITTEN: LiteralString = """
    SELECT method, written_etag, has_picture FROM cuts WHERE clip_id = %(clip_id)s
"""

_CUT_AGAIN: LiteralString = """
    UPDATE cuts
    SET first_method = %(following)s, method = NULL, written_etag = NULL, finished_at = NULL,
        leased_until = NULL, attempts = 0, created_at = now()
    WHERE clip_id = %(clip_id)s AND method = %(method)s
"""

_FAIL: LiteralString = """
    WITH cut AS (
        UPDATE cuts SET finished_at = now(), leased_until = NULL
        WHERE clip_id = %(clip_id)s AND finished_at IS NULL
        RETURNING clip_id
    )
    UPDATE clips c SET status = 'failed', failure_code = %(code)s, failure_detail = %(detail)s
    FROM cut WHERE c.id = cut.clip_id AND c.status = 'processing'
"""

DISCARD: LiteralString = """
    DELETE FROM clips WHERE id = ANY(%(clip_ids)s) AND status = 'processing'
"""

_STALLED: LiteralString = """
    SELECT k.clip_id
    FROM cuts k JOIN clips c ON c.id = k.clip_id JOIN videos v ON v.id = c.video_id
    WHERE k.finished_at IS NULL AND coalesce(k.leased_until, k.created_at) < now() - %(after)s
      AND c.deleted_at IS NULL AND v.deleted_at IS NULL
    ORDER BY coalesce(k.leased_until, k.created_at) LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class FinishedCut:
    """A cut whose blob is written: by which method, and the ETag of the blob."""

    clip_id: UUID
    method: CutMethod
    etag: str


class Cuts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, clip_id: UUID, lease: timedelta) -> CutOrder | None:
        """The right to work on a cut; None if it is done, or another worker holds the lease."""
        row = self._database.one(_TAKE, {"clip_id": clip_id, "lease": lease})
        if row is None:
            return None
        source = CutSource(
            id=row["source_id"],
            is_clip=row["source_is_clip"],
            blob_name=row["source_blob"],
            etag=row["source_etag"],
            status=ClipStatus.READY,
            archived=False,
            file_size=0,
            duration=None,
            content_type=row["content_type"],
            starts_at=row["starts_at"],
            has_picture=row["has_picture"],
        )
        return CutOrder(
            clip_id=row["clip_id"],
            video_id=row["video_id"],
            source=source,
            accuracy=Accuracy(row["accuracy"]),
            start=row["requested_start"],
            end=row["requested_end"],
            blob_name=row["blob_name"],
            attempts=row["attempts"],
            first_method=CutMethod(row["first_method"] or CutMethod.STORAGE_COPY),
        )

    def renew(self, clip_id: UUID, lease: timedelta) -> bool:
        """Prolongs the lease; False if the clip was deleted, or the cut is done."""
        return self._database.run(_RENEW, {"clip_id": clip_id, "lease": lease}) == 1

    def release(self, clip_ids: Sequence[UUID]) -> None:
        """Lets another worker take the cuts at once."""
        self._database.run(_RELEASE, {"clip_ids": list(clip_ids)})

    def record(self, order: CutOrder, start: float, end: float, method: CutMethod) -> bool:
        """Notes what the blob will show that is about to be written: the source from start to end.

        False if the clip was deleted, or another worker has finished the cut.
        """
        values = {
            "clip_id": order.clip_id,
            "start": start,
            "end": end,
            "method": method,
            "cut": json.dumps(shown_cut(order, start, end, method)),
        }
        return self._database.run(_RECORD, values) == 1

    def finish(self, cuts: Sequence[FinishedCut]) -> None:
        """Notes that the blobs are written, in these versions."""
        values = {
            "clip_ids": [cut.clip_id for cut in cuts],
            "methods": [cut.method for cut in cuts],
            "etags": [cut.etag for cut in cuts],
        }
        self._database.run(_FINISH, values)

    def written(self, clip_id: UUID) -> WrittenCut | None:
        """What is recorded of a cut; None for a clip that was not cut."""
        row = self._database.one(_WRITTEN, {"clip_id": clip_id})
        if row is None:
            return None
        method = CutMethod(row["method"]) if row["method"] is not None else None
        return WrittenCut(method, row["written_etag"], row["has_picture"])

    def cut_again(self, clip_id: UUID, method: CutMethod, following: CutMethod) -> None:
        """What `method` wrote is not published: the clip is cut again from `following` on."""
        values = {"clip_id": clip_id, "method": method, "following": following}
        self._database.run(_CUT_AGAIN, values)

    def fail(self, clip_id: UUID, failure: Failure) -> None:
        values = {"clip_id": clip_id, "code": failure.code, "detail": failure.detail}
        self._database.run(_FAIL, values)

    def discard(self, clip_ids: Sequence[UUID]) -> None:
        """Removes the rows of clips that were never cut."""
        self._database.run(DISCARD, {"clip_ids": list(clip_ids)})

    def stalled(self, after: timedelta, limit: int) -> Sequence[UUID]:
        """Cuts that no worker has held for a while, the oldest first."""
        rows = self._database.all(_STALLED, {"after": after, "limit": limit})
        return [row["clip_id"] for row in rows]


def shown_cut(
    order: CutOrder, start: float | None, end: float | None, method: CutMethod | None
) -> dict[str, object]:
    """The `cut` of a clip as answers show it."""
    return {
        "source": str(order.source.id),
        "requested_start": order.start,
        "requested_end": order.end,
        "start": start,
        "end": end,
        "method": method,
        "accuracy": order.accuracy,
    }
