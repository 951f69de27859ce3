"""The domain model: users, videos, clips and the media inside them.

Frozen values without behaviour that needs a database, a storage account or FFmpeg.
Times of day are timezone-aware; positions and durations are seconds; sizes are bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID


class ClipStatus(StrEnum):
    """How far a clip has come; `ready` and `failed` are final until its blob is overwritten."""

    AWAITING_UPLOAD = "awaiting_upload"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class Hdr(StrEnum):
    """The transfer of a picture: standard, PQ (SMPTE ST 2084) or HLG (ARIB STD-B67)."""

    SDR = "sdr"
    HDR10 = "hdr10"
    HLG = "hlg"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTrack:
    """The picture. `width` x `height` are as displayed: after rotation, in square pixels.

    `coded_width` x `coded_height` are what the codec stores; `rotation` is how many degrees
    clockwise the coded picture is turned for display: 0, 90, 180 or 270. Names of codec,
    pixel format and colour properties are FFmpeg's.
    """

    codec: str
    profile: str | None
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    frame_rate: float | None
    pixel_format: str | None
    hdr: Hdr
    color_primaries: str | None
    color_transfer: str | None
    color_space: str | None
    color_range: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTrack:
    """The first sound track; `sample_rate` in Hz."""

    codec: str
    channels: int
    sample_rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What a file holds. `bit_rate` is bits per second over the whole file.

    `fast_start` tells whether a player can begin before the whole file is there:
    for MP4 and MOV, whether `moov` precedes `mdat`; None where the question has no meaning.
    """

    container: str
    duration: float | None
    bit_rate: int | None
    fast_start: bool | None
    video: VideoTrack | None
    audio: AudioTrack | None


MediaJson = NewType("MediaJson", str)
"""A Media as JSON: the catalogue stores it, answers repeat it, and nobody between reads it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a clip failed: a stable code and a sentence for its owner."""

    code: str
    detail: str


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


class Role(StrEnum):
    """What a token can allow its bearer beyond their own videos and clips."""

    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class User:
    """The subject of a valid token. `id` is our own, `subject` the issuer's."""

    id: UUID
    subject: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Viewer:
    """On whose behalf the catalogue is read or changed; `as_admin` sees what is anybody's."""

    user_id: UUID
    as_admin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video that clips belong to; `status` is the one of the old service."""

    id: UUID
    title: str | None
    youtube_id: str | None
    status: str
    created_at: datetime
    clip_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip as the catalogue knows it.

    `blob_name` is its name in the clips container: None for a clip of the service this one
    replaces whose bytes are not there yet. `blob_url` and `thumbnail_url` are plain addresses
    that open nothing by themselves. `end_time` and `duration` are None until a clip that
    landed unannounced has been looked into.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFile:
    """The part of a Clip that links to it need.

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

    @property
    def served_as(self) -> str:
        """The type that links serve it as, whatever the blob has: none that a browser would run."""
        return self.content_type or "application/octet-stream"


class RehydratePriority(StrEnum):
    """How soon a blob is fetched out of the archive: hours, or at a price less than one."""

    STANDARD = "standard"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A stored blob's properties. `etag` names this version of it; `content_md5` is base64.

    `rehydrating` is how urgently it is being fetched from the archive, if it is.
    """

    name: str
    etag: str
    size: int
    last_modified: datetime
    content_type: str | None
    content_md5: str | None
    access_tier: str | None
    metadata: Mapping[str, str]
    rehydrating: RehydratePriority | None = None

    @property
    def archived(self) -> bool:
        """Whether its bytes cannot be read before it has been rehydrated."""
        return self.access_tier == "Archive"


class Variant(StrEnum):
    """What a link to a clip opens."""

    CLIP = "clip"
    POSTER = "poster"
    STORYBOARD = "storyboard"
    PREVIEW = "preview"


class ImageFormat(StrEnum):
    """How a still picture is encoded."""

    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        return f"image/{self}"

    @property
    def extension(self) -> str:
        """What the names of its files end with, the dot included."""
        return ".jpg" if self is ImageFormat.JPEG else ".webp"


LONGEST_POSITION = 10_000_000.0
"""Seconds, about 115 days: no video is longer, and a typing error often is."""

LONGEST_TITLE = 500


def title_from(text: str) -> str | None:
    """The title that a text makes which nobody has checked; None if nothing of it can be read."""
    return "".join(c for c in text if c.isprintable()).strip()[:LONGEST_TITLE] or None


THUMBNAIL_WIDTHS = (160, 320, 640, 1280)
"""Pixels, in which stills are offered; a picture that is narrower keeps its own width."""


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link that opens one blob between two moments; `id` is the `scid` that it carries."""

    id: UUID
    url: str
    starts_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedGrant:
    """A link in the hands of one user, or of whoever opened one share.

    `link_id` is the `scid` of the link, `who` the subject of the user. `ip` is the address or
    range that the link is bound to; it opens its blob from `starts_at` until `expires_at`.
    """

    id: UUID
    link_id: UUID
    who: str | None
    clip_id: UUID
    variant: str
    ip: str | None
    starts_at: datetime
    expires_at: datetime
    share_id: UUID | None
    granted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Access to a clip that needs no token and can be revoked.

    `views` counts how often it was opened; from `max_views` on it opens nothing. `ip` is the
    address or range that the links it gives are bound to.
    """

    id: UUID
    clip_id: UUID
    ip: str | None
    max_views: int | None
    views: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rehydration:
    """A blob on its way out of the archive; `retry_after` is seconds until asking again."""

    priority: RehydratePriority
    retry_after: int


class MigrationStatus(StrEnum):
    """`done`: every file is settled, if only by a failure; `failed`: it could not be planned."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Files of a folder that become the bytes of clips, and how far that is.

    The counts are of clips, with all files of theirs; 0 until the folder has been read.
    `skipped` are those whose bytes were all in storage before. `failure` is why it was given up.
    """

    id: UUID
    status: MigrationStatus
    total: int
    migrated: int
    skipped: int
    failed: int
    failure: Failure | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class StrayFile:
    """A file that was not moved: it failed, or belongs to no clip. `path` is below the folder."""

    path: bytes
    clip_id: UUID | None
    why: Failure


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """A migration with what to look at: all failed files, some files and clips without a match."""

    migration: Migration
    failures: Sequence[StrayFile]
    unmatched: Sequence[StrayFile]
    no_file: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Upload:
    """How to send a clip's bytes to storage: exactly this method, address and headers."""

    method: str
    url: str
    headers: Mapping[str, str]
    expires_at: datetime
