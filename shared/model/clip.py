"""Clips: their state, files, images and uploads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.errors import WrongState
from shared.model.failure import Failure
from shared.model.media import MediaJson


class ClipStatus(StrEnum):
    """The status of a clip; `ready` and `failed` are final until its blob is overwritten."""

    AWAITING_UPLOAD = "awaiting_upload"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images made from a clip; the names are those of blobs in the thumbnails container.

    `poster_widths` are the widths in pixels, ascending, in which the poster is stored;
    `storyboard_name` is the WebVTT beside its sheet; `placeholder` a thumbhash in base64.
    """

    poster_name: str | None = None
    poster_widths: tuple[int, ...] = ()
    storyboard_name: str | None = None
    preview_name: str | None = None
    placeholder: str | None = None


@dataclass(frozen=True, slots=True)
class Rendition:
    """The copy of a clip that every browser plays: its state, and the reason if there is no copy.

    `state` is one of none, queued, processing, ready, failed, refused.
    """

    state: str
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip as the catalogue knows it.

    `blob_name` is its name in the clips container: None for a clip of the service this one replaces
    whose bytes are not there yet. `blob_url` and `thumbnail_url` are plain addresses that open
    nothing by themselves. `cut` and `playback` are JSON, as answers show them. `deleted_at` is when
    it was moved to the recycle bin, `purge_at` when it will be deleted permanently. Both are None
    for a clip outside of the bin. `end_time` and `duration` are None until a clip that landed
    unannounced has been processed. No call and no date deletes a `pinned` clip.
    """

    id: UUID
    video_id: UUID
    title: str | None
    status: ClipStatus
    failure: Failure | None
    blob_name: str | None
    blob_url: str | None
    images: Images
    thumbnail_url: str | None
    start_time: float
    end_time: float | None
    duration: float | None
    file_size: int | None
    content_type: str | None
    created_at: datetime
    expires_at: datetime | None
    view_count: int
    media: MediaJson | None
    cut: str | None
    playback: str | None
    rendition: Rendition
    pinned: bool
    deleted_at: datetime | None
    purge_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFile:
    """The part of a Clip that links to it need.

    `rendition_name` is the copy of it that every browser plays, where there is one.
    `archived` is what the last cleanup saw, a few minutes ago: storage is the authority.
    """

    id: UUID
    video_id: UUID
    title: str | None
    status: ClipStatus
    blob_name: str | None
    archived: bool
    images: Images
    content_type: str | None
    plays_everywhere: bool
    rendition_name: str | None

    @property
    def served_as(self) -> str:
        """The type that links serve, independent of the blob's: never one that browsers run."""
        return self.content_type or "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipUpdate:
    """New values for the fields in `named`; the others stay."""

    named: frozenset[str]
    title: str | None = None
    expires_at: datetime | None = None
    pinned: bool = False


def ready_blob(clip: Clip | ClipFile) -> str:
    """The name of the blob of a clip that can be played; raises WrongState."""
    if clip.status is not ClipStatus.READY or clip.blob_name is None:
        raise WrongState(f"The clip is not ready. Its status is {clip.status}.")
    return clip.blob_name


# What copies for browsers are served as, whichever way they were made.
COPY_TYPE = "video/mp4"


def playable_copy(file: ClipFile) -> str:
    """The name of the blob of the copy that every browser plays; raises WrongState."""
    if file.rendition_name is None:
        raise WrongState("The clip has no copy yet that every browser plays.")
    return file.rendition_name


# Seconds, about 115 days: no video is longer, and a typing error often is.
LONGEST_POSITION = 10_000_000.0

LONGEST_TITLE = 500


def title_from(text: str) -> str | None:
    """The title in an unchecked text; None if no character of it can be printed."""
    return "".join(c for c in text if c.isprintable()).strip()[:LONGEST_TITLE] or None


# How long an upload link is valid, and so how long a blob may still arrive for a deleted clip.
UPLOAD_LIFE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Upload:
    """How to upload a clip's bytes to storage: with exactly this method, URL and headers."""

    method: str
    url: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipDraft:
    """A clip that a caller announces; times are seconds into the video.

    `filename` gives the extension of the blob and, where `content_type` is None, the type.
    """

    video_id: UUID
    start_time: float
    end_time: float
    title: str | None = None
    filename: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class ShownClip:
    """A clip with a signed link to its poster; None if it has no poster."""

    clip: Clip
    poster_url: str | None
