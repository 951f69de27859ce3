"""Cuts that callers order: clips out of the source of a video, or out of another clip.

The row of a clip and that of its cut are written together, before anything is cut.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from shared.catalogue.cutting.cut_queries import DISCARD, shown_cut
from shared.catalogue.row_mapping import LIVE
from shared.model.cut_method import CutMethod
from shared.model.cutting import CutOrder
from shared.postgres.database import Database

_KNOWN: LiteralString = f"""
    SELECT k.client_id, CASE WHEN {LIVE} THEN k.clip_id END AS clip_id
    FROM cuts k JOIN clips c ON c.id = k.clip_id JOIN videos v ON v.id = c.video_id
    WHERE k.video_id = %(video_id)s AND k.client_id = ANY(%(client_ids)s)
"""

# Those whose video is gone, or whose client id was used at the same moment, have no row of `cuts`.
# In the order of the client ids, so that two calls with the same ones wait for each other in turn.
_ADD: LiteralString = """
    WITH new AS (
        SELECT *
        FROM json_to_recordset(%(cuts)s) AS new (
            clip_id uuid, title text, video_start float8, video_end float8, blob_name text,
            blob_url text, expires_at timestamptz, cut jsonb, client_id text, start float8,
            "end" float8, cut_start float8, cut_end float8, method text, leased boolean)
        ORDER BY client_id
    ), clip AS (
        INSERT INTO clips (id, video_id, title, start_time, end_time, duration, status, blob_name,
                           blob_url, content_type, expires_at, cut)
        SELECT n.clip_id, v.id, n.title, n.video_start, n.video_end,
               n.video_end - n.video_start, 'processing', n.blob_name, n.blob_url,
               %(content_type)s, n.expires_at, n.cut
        FROM new n, (
            SELECT id FROM videos WHERE id = %(video_id)s AND deleted_at IS NULL FOR SHARE
        ) v
        RETURNING id
    )
    INSERT INTO cuts (clip_id, video_id, client_id, source_id, source_is_clip, source_blob,
                      source_etag, has_picture, accuracy, requested_start, requested_end,
                      cut_start, cut_end, method, leased_until)
    SELECT n.clip_id, %(video_id)s, n.client_id, %(source_id)s, %(source_is_clip)s,
           %(source_blob)s, %(source_etag)s, %(has_picture)s, %(accuracy)s, n.start, n."end",
           n.cut_start, n.cut_end, n.method, CASE WHEN n.leased THEN now() + %(lease)s END
    FROM new n JOIN clip ON clip.id = n.clip_id
    ORDER BY n.client_id
    ON CONFLICT (video_id, client_id) WHERE client_id IS NOT NULL DO NOTHING
    RETURNING clip_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCut:
    """A cut that a caller orders, and the clip that it becomes.

    `shown` is what a clip will show that is cut by its index, in seconds of the source; None where
    that is not known before it is cut. `leased` is whether the caller cuts it, or the queue.
    """

    order: CutOrder
    title: str | None
    expires_at: datetime | None
    client_id: str | None
    blob_url: str
    shown: tuple[float, float] | None
    leased: bool


class CutOrders:
    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, video_id: UUID, client_ids: Sequence[str]) -> Mapping[str, UUID | None]:
        """The clips that were cut under these names before; None for one that is deleted."""
        values = {"video_id": video_id, "client_ids": list(client_ids)}
        rows = self._database.all(_KNOWN, values) if client_ids else []
        return {row["client_id"]: row["clip_id"] for row in rows}

    def add(self, cuts: Sequence[NewCut], lease: timedelta) -> Collection[UUID]:
        """Writes clips and their cuts, of one source, and returns the ids of those added.

        The others have no video any more, or another call has just used the same client id.
        """
        if not cuts:
            return set()
        order, source = cuts[0].order, cuts[0].order.source
        values = {
            "cuts": json.dumps([_new_row(cut) for cut in cuts]),
            "video_id": order.video_id,
            "content_type": source.content_type,
            "source_id": source.id,
            "source_is_clip": source.is_clip,
            "source_blob": source.blob_name,
            "source_etag": source.etag,
            "has_picture": source.has_picture,
            "accuracy": order.accuracy,
            "lease": lease,
        }
        with self._database.transaction() as connection:
            added = {row["clip_id"] for row in connection.execute(_ADD, values)}
            refused = [id_ for cut in cuts if (id_ := cut.order.clip_id) not in added]
            if refused:
                connection.execute(DISCARD, {"clip_ids": refused})
        return added


def _new_row(cut: NewCut) -> dict[str, object]:
    order, shown = cut.order, cut.shown
    start, end = shown or (None, None)
    video_start, video_end = shown or (order.start, order.end)
    method = CutMethod.STORAGE_COPY if shown else None
    return {
        "clip_id": str(order.clip_id),
        "title": cut.title,
        "video_start": order.source.starts_at + video_start,
        "video_end": order.source.starts_at + video_end,
        "blob_name": order.blob_name,
        "blob_url": cut.blob_url,
        "expires_at": cut.expires_at and cut.expires_at.isoformat(),
        "cut": shown_cut(order, start, end, method),
        "client_id": cut.client_id,
        "start": order.start,
        "end": order.end,
        "cut_start": start,
        "cut_end": end,
        "method": method,
        "leased": cut.leased,
    }
