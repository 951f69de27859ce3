"""What requests may hold, checked field by field. Pure: pydantic and the model only.

Bodies are strict JSON: "5" is no number, 1 is no string, and NaN is nothing. An unknown field
or parameter is an error too: a misspelt one must not pass for an absent one.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from clips.http import cursors
from shared.media_types import servable
from shared.model import (
    THUMBNAIL_WIDTHS,
    ClipStatus,
    ImageFormat,
    RehydratePriority,
    Variant,
)

LONGEST_POSITION = 10_000_000.0
"""Seconds, about 115 days: no video is longer, and a typing error often is."""

_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ].+", re.ASCII)
# A day before the calendar ends, whatever zone a database shows it in.
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)


def _printable(text: str) -> str:
    # Cc: control characters and NUL; Cs: lone surrogates; Zl, Zp: line breaks by another name.
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise PydanticCustomError("control_character", "must not contain control characters")
    return text


def _media_type(text: str) -> str:
    if servable(text) is None and text != "application/octet-stream":
        raise PydanticCustomError("media_type", "must be a video/... or audio/... type")
    return text


def _address_or_range(text: str) -> str:
    """IPv4 or a-b: https://learn.microsoft.com/rest/api/storageservices/create-service-sas."""
    try:
        first, last = _addresses(text)
    except ValueError:
        raise PydanticCustomError(
            "ip", "must be an IPv4 address or a range of two, such as 203.0.113.4-203.0.113.9"
        ) from None
    if first > last:
        raise PydanticCustomError("ip", "must be a range from a lower to a higher address")
    return text


def _addresses(text: str) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    low, dash, high = text.partition("-")
    first = ipaddress.IPv4Address(low)
    return first, ipaddress.IPv4Address(high) if dash else first


def _cursor[Key](decode: Callable[[str], Key]) -> BeforeValidator:
    def check(text: object) -> Key:
        try:
            return decode(str(text))
        except ValueError:
            raise PydanticCustomError(
                "cursor", "must be a cursor from the Link header of the page before"
            ) from None

    return BeforeValidator(check)


def _offered_width(width: int) -> int:
    if width not in THUMBNAIL_WIDTHS:
        raise PydanticCustomError("width", f"must be one of {THUMBNAIL_WIDTHS}")
    return width


def _blank_is_none(value: object) -> object:
    """Forms send an empty text for a field that was left empty."""
    return None if isinstance(value, str) and not value.strip() else value


def _without_parameters(value: object) -> object:
    """A browser's recorder says `video/webm;codecs=vp9,opus`: the type is what counts."""
    return value.partition(";")[0].strip() if isinstance(value, str) else value


type Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_printable),
]
type Title = Annotated[Line | None, BeforeValidator(_blank_is_none)]
type FileName = Annotated[str, StringConstraints(max_length=255), AfterValidator(_printable)]
type MediaType = Annotated[
    str,
    BeforeValidator(_without_parameters),
    StringConstraints(to_lower=True, max_length=127, pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$"),
    AfterValidator(_media_type),
]
type Hours = Annotated[int, Field(ge=1, le=168)]
type IpRule = Annotated[str, AfterValidator(_address_or_range)]
type TextUuid = Annotated[UUID, Field(strict=False)]
type Position = Annotated[float, Field(ge=0, le=LONGEST_POSITION, allow_inf_nan=False)]


class Body(BaseModel):
    """A JSON object."""

    # Built when first used: an instance starts for one call, and has most models in vain.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Parameters(BaseModel):
    """Path and query parameters together; all of them arrive as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _no_empty_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != ""}


class NoParameters(Parameters):
    pass


class Owned(Parameters):
    """Of something that has an owner; `as=admin` is how an admin acts on anybody's."""

    acting_as: Annotated[Literal["admin"] | None, Field(alias="as")] = None


class NewVideo(Body):
    title: Title = None
    youtube_id: Annotated[str | None, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = None


class NewClip(Body):
    """`filename` gives the extension only; `content_type` is what the blob will be served as."""

    start_time: Position
    end_time: Position
    title: Title = None
    filename: FileName | None = None
    content_type: MediaType | None = None

    @field_validator("end_time")
    @classmethod
    def _after_start(cls, end_time: float, info: Any) -> float:  # noqa: ANN401 - pydantic's own
        if end_time <= info.data.get("start_time", -1):
            raise PydanticCustomError("end_time", "must be greater than start_time")
        return end_time


class ClipChange(Body):
    """Absent leaves as it is, null clears."""

    title: Title = None
    expires_at: Annotated[AwareDatetime | None, Field(strict=False)] = None

    @field_validator("expires_at", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        # pydantic would take a number in quotes for seconds since 1970.
        if value is not None and not (isinstance(value, str) and _DATE_AND_TIME.fullmatch(value)):
            raise PydanticCustomError("expires_at", "must be an ISO 8601 date and time")
        return value

    @field_validator("expires_at")
    @classmethod
    def _in_the_future(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        if value <= datetime.now(UTC):
            raise PydanticCustomError("expires_at", "must be in the future")
        if value > _LATEST:
            raise PydanticCustomError("expires_at", "must be before the end of the year 9999")
        return value.astimezone(UTC)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "must name a field to change")
        return self


class VideoId(Owned):
    video_id: UUID


class ClipId(Owned):
    clip_id: UUID


class ClipOfVideo(Owned):
    video_id: UUID
    clip_id: UUID


class VideoPage(Parameters):
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    cursor: Annotated[tuple[datetime, UUID] | None, _cursor(cursors.decode_time)] = None


class ClipPage(Owned):
    video_id: UUID
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    cursor: Annotated[tuple[float, UUID] | None, _cursor(cursors.decode_position)] = None
    status: ClipStatus | None = None


class Thumbnail(Owned):
    """`time` is seconds into the clip; without it, the poster."""

    clip_id: UUID
    time: Position | None = None
    width: Annotated[int, AfterValidator(_offered_width)] = 640
    format: ImageFormat = ImageFormat.JPEG


class AccessUrl(Owned):
    """`download` is a switch, or the file name to save under."""

    clip_id: UUID
    expiry_hours: Hours = 24
    ip: IpRule | None = None
    download: FileName | None = None
    variant: Variant = Variant.CLIP
    rehydrate: RehydratePriority = RehydratePriority.STANDARD


class AccessUrls(Body):
    """Many links on the same terms; `download` is a switch, or the file name to save under."""

    clip_ids: Annotated[list[TextUuid], Field(min_length=1, max_length=1000)]
    expiry_hours: Hours = 24
    ip: IpRule | None = None
    download: bool | FileName = False
    variant: Annotated[Variant, Field(strict=False)] = Variant.CLIP
