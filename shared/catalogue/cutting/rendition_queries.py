"""Renditions: the copy of a clip that every browser plays, one for each version of the clip."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import LIVE, VIDEO_EXISTS, VISIBLE, seen_by
from shared.model.playability import PlaybackVerdict
from shared.model.user import Viewer
from shared.postgres.database import Database

# How long a worker owns a rendition; a running worker renews its lease long before the end.
RENDITION_LEASE = timedelta(minutes=2)

# A copy of this version of the clip that is ready or being made is not requested again.
_IS_WANTED: LiteralString = """
    c.status = 'ready' AND c.playback->>'verdict' NOT IN ('direct', 'impossible')
    AND (c.rendition_state IS NULL OR c.rendition_state IN ('failed', 'refused')
         OR c.rendition_etag IS DISTINCT FROM c.etag)
"""

_REQUEST: LiteralString = f"""
    UPDATE clips c
    SET rendition_state = 'queued', rendition_code = NULL, rendition_name = NULL,
        rendition_etag = c.etag, rendition_attempts = 0, rendition_leased_until = NULL
    FROM videos v
    WHERE c.id = %(clip_id)s AND v.id = c.video_id AND {VISIBLE} AND {_IS_WANTED}
"""

# By the policy, for a clip that was processed at this moment.
_REQUEST_BY_POLICY: LiteralString = f"""
    UPDATE clips c
    SET rendition_state = 'queued', rendition_code = NULL, rendition_name = NULL,
        rendition_etag = c.etag, rendition_attempts = 0, rendition_leased_until = NULL
    WHERE c.id = %(clip_id)s AND c.etag = %(etag)s AND c.deleted_at IS NULL
      AND EXISTS (SELECT 1 FROM videos v WHERE v.id = c.video_id AND v.deleted_at IS NULL)
      AND {_IS_WANTED}
"""

_TAKE: LiteralString = f"""
    UPDATE clips c
    SET rendition_state = 'processing', rendition_attempts = c.rendition_attempts + 1,
        rendition_leased_until = now() + %(lease)s
    FROM videos v
    WHERE c.id = %(clip_id)s AND v.id = c.video_id AND {LIVE} AND c.status = 'ready'
      AND c.rendition_state IN ('queued', 'processing') AND c.rendition_etag = c.etag
      AND (c.rendition_leased_until IS NULL OR c.rendition_leased_until < now())
    RETURNING c.id, c.video_id, c.blob_name, c.etag, c.playback->>'verdict' AS verdict,
              c.duration, c.media::text AS media, c.rendition_attempts AS attempts
"""

_RENEW: LiteralString = f"""
    UPDATE clips SET rendition_leased_until = now() + %(lease)s
    WHERE id = %(clip_id)s AND rendition_etag = %(etag)s AND etag = %(etag)s
      AND rendition_state = 'processing' AND deleted_at IS NULL AND {VIDEO_EXISTS}
"""

_RELEASE: LiteralString = """
    UPDATE clips SET rendition_state = 'queued', rendition_leased_until = NULL
    WHERE id = %(clip_id)s AND rendition_etag = %(etag)s AND rendition_state = 'processing'
"""

_END: LiteralString = f"""
    UPDATE clips
    SET rendition_state = %(state)s, rendition_code = %(code)s, rendition_name = %(name)s,
        rendition_leased_until = NULL
    WHERE id = %(clip_id)s AND rendition_etag = %(etag)s AND etag = %(etag)s
      AND rendition_state = 'processing' AND deleted_at IS NULL AND {VIDEO_EXISTS}
"""

# A copy of a newer version than the order's.
_REQUEST_AGAIN: LiteralString = """
    UPDATE clips SET rendition_state = 'queued', rendition_name = NULL
    WHERE id = %(clip_id)s AND rendition_etag <> %(etag)s AND rendition_state = 'ready'
"""

_STALLED: LiteralString = f"""
    SELECT id FROM clips
    WHERE rendition_state IN ('queued', 'processing') AND deleted_at IS NULL
      AND {VIDEO_EXISTS}
      AND coalesce(rendition_leased_until, attempted_at, created_at) < now() - %(after)s
    ORDER BY rendition_leased_until NULLS FIRST LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionOrder:
    """A copy that is to be made of one version of a clip."""

    clip_id: UUID
    video_id: UUID
    blob_name: str
    etag: str
    verdict: PlaybackVerdict
    has_picture: bool
    cost: float
    attempts: int


class Renditions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self, viewer: Viewer, clip_id: UUID) -> bool:
        """Requests a copy; False if none is needed, or one is ready or being made."""
        return self._database.run(_REQUEST, seen_by(viewer) | {"clip_id": clip_id}) == 1

    def request_by_policy(self, clip_id: UUID, etag: str) -> bool:
        """As `request`, for a version that has just been processed."""
        return self._database.run(_REQUEST_BY_POLICY, {"clip_id": clip_id, "etag": etag}) == 1

    def take(self, clip_id: UUID) -> RenditionOrder | None:
        """The right to make a copy; None if there is nothing to do, or another worker does it."""
        row = self._database.one(_TAKE, {"clip_id": clip_id, "lease": RENDITION_LEASE})
        if row is None:
            return None
        return RenditionOrder(
            clip_id=row["id"],
            video_id=row["video_id"],
            blob_name=row["blob_name"],
            etag=row["etag"],
            verdict=PlaybackVerdict(row["verdict"]),
            has_picture=bool(json.loads(row["media"] or "{}").get("video")),
            cost=_cost(row["media"], row["duration"]),
            attempts=row["attempts"],
        )

    def renew(self, order: RenditionOrder) -> bool:
        """Prolongs the lease; False if the clip was deleted or overwritten."""
        return self._database.run(_RENEW, _of(order) | {"lease": RENDITION_LEASE}) == 1

    def release(self, order: RenditionOrder) -> None:
        """Lets another worker take it at once."""
        self._database.run(_RELEASE, _of(order))

    def finish(self, order: RenditionOrder, name: str) -> bool:
        """The copy is a blob of this name; False if the clip was deleted or overwritten."""
        values = _of(order) | {"state": "ready", "code": None, "name": name}
        return self._database.run(_END, values) == 1

    def request_again(self, order: RenditionOrder) -> bool:
        """Requests anew the copy of a newer version that is ready; False if there is none."""
        return self._database.run(_REQUEST_AGAIN, _of(order)) == 1

    def fail(self, order: RenditionOrder, code: str, *, refused: bool = False) -> None:
        state = "refused" if refused else "failed"
        self._database.run(_END, _of(order) | {"state": state, "code": code, "name": None})

    def stalled(self, after: timedelta, limit: int) -> Sequence[UUID]:
        """Copies that no worker has held for a while."""
        rows = self._database.all(_STALLED, {"after": after, "limit": limit})
        return [row["id"] for row in rows]


def _of(order: RenditionOrder) -> dict[str, object]:
    return {"clip_id": order.clip_id, "etag": order.etag}


def _cost(media: str | None, duration: float | None) -> float:
    """How long one core encodes, in seconds: measured 0.8 for each second of 1080p at 30 Hz.

    Tone mapping of HDR takes three times as long.
    """
    video = (json.loads(media or "{}") or {}).get("video") or {}
    pixels = (video.get("coded_width") or 0) * (video.get("coded_height") or 0)
    share = pixels * (video.get("frame_rate") or 30) / (1920 * 1080 * 30)
    hdr = 3 if video.get("hdr", "sdr") != "sdr" else 1
    return float((duration or 0) * share * 0.8 * hdr)
