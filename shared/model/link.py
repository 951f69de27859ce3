"""Links to clips: what they open, who got them, and shares."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Variant(StrEnum):
    """What a link to a clip opens."""

    CLIP = "clip"
    POSTER = "poster"
    STORYBOARD = "storyboard"
    PREVIEW = "preview"
    PLAY = "play"


class ShareVariant(StrEnum):
    """What a share opens: the clip, or a version that every browser plays."""

    CLIP = "clip"
    PLAY = "play"


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


# Pixels, in which stills are offered; a picture that is narrower keeps its own width.
THUMBNAIL_WIDTHS = (160, 320, 640, 1280)


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link that opens one blob between two moments; `id` is the `scid` that it carries."""

    id: UUID
    url: str
    starts_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedGrant:
    """The record of a link that one user, or one visitor of a share, received.

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


@dataclass(frozen=True, slots=True)
class Client:
    """Where an anonymous request comes from: an IP address ("" if unknown) and its User-Agent."""

    address: str
    program: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTerms:
    """The options of a requested link.

    `download` is the file name to save under, "" for the clip's title; None plays it instead.
    """

    life: timedelta
    ip: str | None
    download: str | None
    variant: Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTerms:
    """Limits of a share; None means no limit. `ip` is an address or a range "a-b"."""

    expires_at: datetime | None
    max_views: int | None
    ip: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOptions:
    """`time` is seconds into the clip; None means the poster."""

    time: float | None
    width: int
    image_format: ImageFormat
