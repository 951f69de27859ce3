"""The parameters and JSON bodies of requests, validated field by field. Pure.

Bodies are strict JSON: "5" is not a number, 1 is not a string, and NaN is an error. So is an
unknown field or parameter: a misspelt one must not pass for an absent one.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, cast
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from clips.http.fields import (
    BatchSize,
    ByteCount,
    Count,
    FileName,
    FolderName,
    FutureMoment,
    Hours,
    Id,
    IpRule,
    Limit,
    MediaType,
    Position,
    PositionKey,
    RetentionDays,
    SwitchOrName,
    TimeKey,
    Title,
    Width,
)
from shared.media_types import upload_type
from shared.model import (
    Accuracy,
    ClipStatus,
    DriftKind,
    ImageFormat,
    RehydratePriority,
    ShareVariant,
    Variant,
)

_CLIENT_ID = r"^[!-~]{1,200}$"

# Fields that several bodies have.
_UploadName = Annotated[
    FileName | None,
    Field(description="Gives the blob's extension and, unless `content_type` does, its type."),
]
_UploadType = Annotated[
    MediaType | None,
    Field(
        description="`video/...`, `audio/...` or `application/octet-stream`. Any other type "
        "is replaced by that of the `filename`'s extension, if that is known."
    ),
]
_Expiry = Annotated[
    FutureMoment | None,
    Field(description="In the future: when the clip is deleted automatically."),
]


def _must_follow_start(end_time: float, info: ValidationInfo) -> float:
    if end_time <= info.data.get("start_time", -1):
        raise PydanticCustomError("end_time", "must be greater than start_time")
    return end_time


def _must_be_uploadable(content_type: str | None, info: ValidationInfo) -> str | None:
    if content_type and upload_type(content_type, info.data.get("filename")) is None:
        raise PydanticCustomError("media_type", "must be a video/... or audio/... type")
    return content_type


class Body(BaseModel):
    """A JSON object."""

    # Built when first used: a cold start serves one request, and needs few of the models.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    @property
    def ids(self) -> Collection[UUID]:
        """The videos and clips that the body names."""
        return ()


class NoBody(Body):
    """The body of an operation without a body."""


class Parameters(BaseModel):
    """Path and query parameters together; all of them arrive as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _no_empty_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != ""}


class NoParameters(Parameters):
    """Of an operation that takes none."""


class AnyParameters(Parameters):
    """Of an operation that ignores them: monitors and caches append their own."""

    model_config = ConfigDict(extra="ignore")


class Owned(Parameters):
    """Of something that has an owner; with `as=admin` an admin acts on other users' data."""

    acting_as: Annotated[
        Literal["admin"] | None,
        Field(alias="as", description="Act on other users' data; needs the role `admin`."),
    ] = None

    @property
    def ids(self) -> Collection[UUID]:
        """The videos and clips that the path names."""
        return [value for _, value in self if isinstance(value, UUID)]


class NewVideo(Body):
    title: Title = None
    youtube_id: Annotated[
        str | None,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"),
        Field(description="1 to 64 letters, digits, `-` and `_`."),
    ] = None


class NewClip(Body):
    """`filename` gives the extension only; `content_type` is the type that links serve."""

    start_time: Annotated[Position, Field(description="Seconds into the video.")]
    end_time: Annotated[Position, Field(description="Seconds; greater than `start_time`.")]
    title: Title = None
    filename: _UploadName = None
    content_type: _UploadType = None

    _after_start = field_validator("end_time")(_must_follow_start)
    _uploadable = field_validator("content_type")(_must_be_uploadable)


class Change(Body):
    """Absent leaves as it is, null clears."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "must name a field to change")
        return self


class VideoChange(Change):
    title: Title = None
    retention_days: RetentionDays | None = None


class ClipChange(Change):
    title: Title = None
    expires_at: _Expiry = None
    pinned: Annotated[
        bool, Field(description="A pinned clip is deleted by no call, expiry or retention.")
    ] = False


class NewSource(Body):
    """`filename` gives the extension only; `content_type` is the type of the upload."""

    filename: _UploadName = None
    content_type: _UploadType = None
    content_length: Annotated[
        ByteCount | None, Field(description="Bytes; for information only.")
    ] = None

    _uploadable = field_validator("content_type")(_must_be_uploadable)


class CutItem(Body):
    """A clip that is to be cut; the same `client_id` again is the same clip."""

    start_time: Annotated[Position, Field(description="Seconds of the source.")]
    end_time: Annotated[Position, Field(description="Seconds; greater than `start_time`.")]
    title: Title = None
    expires_at: _Expiry = None
    client_id: Annotated[
        str | None, StringConstraints(pattern=_CLIENT_ID), Field(description="Your name for it.")
    ] = None

    _after_start = field_validator("end_time")(_must_follow_start)


class NewRendition(Body):
    kind: Annotated[
        Literal["play"], Field(description="`play`: the copy that every browser plays.")
    ] = "play"


class SourceClip(Body):
    clip_id: Annotated[Id, Field(description="A clip of the same video.")]


@dataclass(frozen=True, slots=True)
class MalformedItem:
    """An item of NewCuts that is no CutItem, and what is wrong with it."""

    error: ValidationError
    client_id: str | None


def _cut_or_problem(value: Any, _: ValidatorFunctionWrapHandler) -> CutItem | MalformedItem:  # noqa: ANN401 - any JSON
    """Each item is validated for itself, by the rules of JSON."""
    try:
        return CutItem.model_validate_json(json.dumps(value))
    except ValidationError as error:
        name = value.get("client_id") if isinstance(value, dict) else None
        return MalformedItem(error, name if isinstance(name, str) else None)


class NewCuts(Body):
    """Each item of `clips` is checked for itself: a malformed one fails alone."""

    source: Annotated[
        SourceClip | None, Field(description="What is cut; by default the source of the video.")
    ] = None
    accuracy: Annotated[Accuracy, Field(strict=False)] = Accuracy.KEYFRAME
    clips: Annotated[
        list[Annotated[CutItem, WrapValidator(_cut_or_problem)]],
        Field(min_length=1, max_length=100),
    ]

    @property
    def ids(self) -> Collection[UUID]:
        return () if self.source is None else (self.source.clip_id,)

    @property
    def items(self) -> list[CutItem | MalformedItem]:
        """The clips in their order; a malformed one is a MalformedItem."""
        return cast("list[CutItem | MalformedItem]", self.clips)


class VideoId(Owned):
    video_id: Id


class VideoRetention(Owned):
    """Without `retention_days`, the retention that the video has."""

    video_id: Id
    retention_days: RetentionDays | None = None


class ClipId(Owned):
    clip_id: Id


class ClipOfVideo(Owned):
    video_id: Id
    clip_id: Id


class ShareId(Owned):
    clip_id: Id
    share_id: Id


class VideoPage(Parameters):
    limit: Limit = 50
    cursor: TimeKey | None = None


class BinPage(VideoPage):
    """A page of the recycle bin, the last deleted first."""

    kind: Annotated[Literal["clip", "video"], Field(description="What to list.")] = "clip"


class Deletable(Owned):
    permanent: Annotated[
        bool, Field(description="Delete for ever, also what is in the recycle bin already.")
    ] = False


class DeletedClip(Deletable):
    clip_id: Id


class DeletedVideo(Deletable):
    video_id: Id


class CleanupRunPage(Parameters):
    limit: Limit = 50
    cursor: TimeKey | None = None


class RecordPage(Owned):
    """A list that belongs to a clip, newest first: its grants or its shares."""

    clip_id: Id
    limit: Limit = 50
    cursor: TimeKey | None = None


class ClipPage(Owned):
    video_id: Id
    limit: Limit = 1000
    cursor: PositionKey | None = None
    status: Annotated[ClipStatus | None, Field(description="Only clips with this status.")] = None


class Thumbnail(Owned):
    """`time` is seconds into the clip; without it, the poster."""

    clip_id: Id
    time: Annotated[
        Position | None, Field(description="Seconds into the clip; absent for the poster.")
    ] = None
    width: Annotated[Width, Field(description="Pixels; a picture is never enlarged.")] = 640
    format: ImageFormat = ImageFormat.JPEG


class AccessUrl(Owned):
    """`download` is a switch, or the file name to save under."""

    clip_id: Id
    expiry_hours: Hours = 24
    ip: IpRule | None = None
    download: Annotated[
        FileName | None,
        Field(
            description="`true` or `1`: browsers save it under the clip's title; another text is "
            "the file name; `false` or `0`: they play it. Ignored for a `storyboard`."
        ),
    ] = None
    variant: Variant = Variant.CLIP
    rehydrate: RehydratePriority = RehydratePriority.STANDARD


class AccessUrls(Body):
    """Many links on the same terms; `download` is a switch, or the file name to save under."""

    clip_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    expiry_hours: Hours = 24
    ip: IpRule | None = None
    download: Annotated[
        SwitchOrName,
        Field(description="Whether browsers save it, or the file name to save it under."),
    ] = False
    variant: Annotated[Variant, Field(strict=False)] = Variant.CLIP

    @property
    def ids(self) -> Collection[UUID]:
        return self.clip_ids


class ClipIds(Body):
    clip_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]

    @property
    def ids(self) -> Collection[UUID]:
        return self.clip_ids


class DeletedClips(ClipIds):
    permanent: Annotated[
        bool, Field(description="Delete for ever, also what is in the recycle bin already.")
    ] = False


class NewShare(Body):
    """Limits of a share; null means no limit."""

    expires_at: FutureMoment | None = None
    max_views: Count | None = None
    ip: IpRule | None = None
    variant: Annotated[
        ShareVariant,
        Field(strict=False, description="With `play` the URL ends with `?variant=play`."),
    ] = ShareVariant.CLIP


class NewMigration(Parameters):
    """All of MIGRATION_ROOT, or one folder below it."""

    local_clips_dir: Annotated[
        FolderName | None,
        Field(
            description="A folder below MIGRATION_ROOT: relative to it, or an absolute path; "
            "without it, all of MIGRATION_ROOT."
        ),
    ] = None
    batch_size: BatchSize = 10


class MigrationId(Parameters):
    migration_id: Id


class DriftId(Parameters):
    drift_id: Id


class NewRepair(Body):
    kinds: Annotated[
        list[Annotated[DriftKind, Field(strict=False)]],
        Field(min_length=1, max_length=len(DriftKind), description="What is repaired."),
    ]
    force: Annotated[
        bool,
        Field(
            description="Confirms a repair that concerns more than 20 % of the catalogue, and that "
            "clips whose blobs are missing in bulk are lost."
        ),
    ] = False


class ShareToken(Parameters):
    """Other parameters are ignored: mail and chat programs append their own to links."""

    model_config = ConfigDict(extra="ignore")

    token: str
    variant: Annotated[
        ShareVariant,
        Field(description="`play`: the clip if every browser plays it, else its playable copy."),
    ] = ShareVariant.CLIP
