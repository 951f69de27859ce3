"""Videos: what clips belong to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video that clips belong to; `status` is the one of the old service.

    `deleted_at` and `purge_at` are as of clips.
    """

    id: UUID
    title: str | None
    youtube_id: str | None
    status: str
    created_at: datetime
    clip_count: int
    deleted_at: datetime | None
    purge_at: datetime | None
