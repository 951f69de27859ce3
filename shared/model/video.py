"""Videos: what clips belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
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
    retention_days: int | None
    deleted_at: datetime | None
    purge_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoUpdate:
    """New values for the fields in `named`; the others stay."""

    named: frozenset[str]
    title: str | None = None
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class RetentionDay:
    """How many clips retention deletes on a day (UTC)."""

    date: date
    clips: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionForecast:
    """What retention will delete of a video, as its clips are now.

    `effective_from` is when it begins to delete, `clips` how many it takes in all, `pinned` how
    many it spares because they are pinned; `days` are the first days on which it deletes.
    """

    video_id: UUID
    retention_days: int | None
    effective_from: datetime | None
    clips: int
    pinned: int
    first_at: datetime | None
    last_at: datetime | None
    days: Sequence[RetentionDay]
