"""What the catalogue knows about blobs that no row describes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from shared.postgres.database import Database

type OwnedName = tuple[str | None, UUID | None, UUID | None]
"""The name of a blob, and the video and the clip in it."""

# In the order of the blobs.
_SURROUNDINGS: LiteralString = """
    SELECT v.id IS NOT NULL AS video_is_known, v.deleted_at, v.purge_at,
           d.clip_id IS NOT NULL AS is_noted, d.sweep_after,
           EXISTS (SELECT 1 FROM clips c WHERE c.blob_name = n.name)
           OR EXISTS (SELECT 1 FROM sources s WHERE s.blob_name = n.name) AS has_row,
           v.deleted_at IS NULL
           AND (EXISTS (SELECT 1 FROM clips c
                        WHERE c.blob_name = n.name AND c.deleted_at IS NULL AND c.bin_etag IS NULL)
                OR EXISTS (SELECT 1 FROM sources s
                           WHERE s.blob_name = n.name AND s.bin_etag IS NULL)) AS has_visible_row,
           EXISTS (SELECT 1 FROM clips c WHERE c.id = n.clip_id AND c.video_id = n.video_id)
           OR n.clip_id = n.video_id
              AND EXISTS (SELECT 1 FROM sources s WHERE s.video_id = n.video_id) AS clip_exists
    FROM unnest(%(names)s::text[], %(video_ids)s::uuid[], %(clip_ids)s::uuid[])
         WITH ORDINALITY AS n (name, video_id, clip_id, number)
    LEFT JOIN videos v ON v.id = n.video_id
    LEFT JOIN LATERAL (
        SELECT clip_id, sweep_after FROM deleted_clips
        WHERE blob_name = n.name OR (clip_id = n.clip_id AND video_id = n.video_id)
        ORDER BY sweep_after NULLS LAST LIMIT 1
    ) d ON TRUE
    ORDER BY n.number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the catalogue knows about a blob that no row describes.

    `deleted_at` and `purge_at` are of its video. A visible row is neither deleted nor being
    restored. `is_noted`: its clip is deleted permanently, and `sweep_after` is when its name is
    deleted once more, if that is still to come.
    """

    video_is_known: bool
    deleted_at: datetime | None
    purge_at: datetime | None
    is_noted: bool
    sweep_after: datetime | None
    has_row: bool
    has_visible_row: bool
    clip_exists: bool


def surroundings_of(database: Database, blobs: Sequence[OwnedName]) -> Sequence[Surroundings]:
    """For each of the blobs: None for what is unknown or cannot be stored."""
    if not blobs:
        return []
    names, video_ids, clip_ids = zip(*blobs, strict=True)
    parameters = {"names": list(names), "video_ids": list(video_ids), "clip_ids": list(clip_ids)}
    return [Surroundings(**row) for row in database.all(_SURROUNDINGS, parameters)]
