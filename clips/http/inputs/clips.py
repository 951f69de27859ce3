"""Parameters and bodies of videos, clips and the recycle bin. Pure."""

from collections.abc import Collection
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from clips.http.fields import Id, Limit, PositionKey, RetentionDays, TimeKey, Title
from clips.http.inputs.base import Body, Expiry, Owned, Parameters, TitledRange, UploadedFile
from shared.model.clip import ClipStatus


class NewVideo(Body):
    title: Title = None
    youtube_id: Annotated[
        str | None,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"),
        Field(description="1 to 64 letters, digits, `-` and `_`."),
    ] = None


class NewClip(UploadedFile, TitledRange):
    """Only the extension of `filename` is used; links serve the type in `content_type`."""


class Change(Body):
    """A field that is absent stays as it is, null clears it."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    null_is_default = False

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "must contain a field to change")
        return self


class VideoChange(Change):
    title: Title = None
    retention_days: RetentionDays | None = None


class ClipChange(Change):
    title: Title = None
    expires_at: Expiry = None
    pinned: Annotated[
        bool, Field(description="No call, expiry or retention deletes a pinned clip.")
    ] = False


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


class VideoPage(Parameters):
    limit: Limit = 50
    cursor: TimeKey | None = None


class BinPage(VideoPage):
    """A page of the recycle bin, the last deleted first."""

    kind: Annotated[Literal["clip", "video"], Field(description="What to list.")] = "clip"


class Deletable(Owned):
    permanent: Annotated[
        bool, Field(description="Delete permanently, even from the recycle bin.")
    ] = False


class DeletedClip(Deletable):
    clip_id: Id


class DeletedVideo(Deletable):
    video_id: Id


class ClipPage(Owned):
    video_id: Id
    limit: Limit = 1000
    cursor: PositionKey | None = None
    status: Annotated[ClipStatus | None, Field(description="Only clips with this status.")] = None


class ClipIds(Body):
    clip_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]

    @property
    def ids(self) -> Collection[UUID]:
        return self.clip_ids


class DeletedClips(ClipIds):
    permanent: Annotated[
        bool, Field(description="Delete permanently, even from the recycle bin.")
    ] = False
