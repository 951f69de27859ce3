"""The records in sidecars, one for each row of the catalogue, as they are written and read. Pure.

A sidecar holds the columns of its row by their names, its owner, and nothing secret. What is read
is not trusted: a file that does not fit is reported and left out, never restored in part.
"""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clips.sidecars.field_types import LONGEST, AnyTime, ByteSize, PastTime, Seconds, Status, Text
from clips.sidecars.revisions import revision_of
from shared import blob_names
from shared.blob_names.foreign import check_storable
from shared.model.sidecar import SidecarKey, SidecarKind

# The version of the format that this module reads and writes.
FORMAT = 1


class Owner(BaseModel):
    """The owner of a video. `email` identifies a user who has no subject yet."""

    model_config = ConfigDict(extra="ignore")

    user_id: UUID
    subject: Annotated[str, Field(min_length=1, max_length=LONGEST)] | None
    email: Text | None = None


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    format: int = FORMAT
    changed_at: PastTime
    created_at: PastTime
    status: str

    @property
    def revision(self) -> int:
        return revision_of(self.changed_at)


class _Hidden(_Record):
    deleted_at: AnyTime | None = None
    purge_at: AnyTime | None = None

    @model_validator(mode="after")
    def _is_hidden_in_a_known_way(self) -> Self:
        if self.purge_at is not None and self.deleted_at is None:
            raise ValueError("purge_at requires deleted_at")
        return self


class _Processed(_Record):
    failure_code: Text | None = None
    failure_detail: Text | None = None
    etag: Text | None = None
    content_type: Text | None = None
    file_size: ByteSize | None = None
    media: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _failure_fits(self) -> Self:
        failed = self.failure_code is not None and self.failure_detail is not None
        if (self.status == "failed") != failed or (self.failure_code is None) == failed:
            raise ValueError("only a failed clip may have a failure")
        return self


class VideoRecord(_Hidden):
    kind: Literal[SidecarKind.VIDEO] = SidecarKind.VIDEO
    id: UUID
    owner: Owner
    title: Text | None = None
    youtube_id: Text | None = None
    status: Literal["pending", "processing", "done", "failed"]
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = None

    def key(self) -> SidecarKey:
        return SidecarKey(SidecarKind.VIDEO, self.id)


class SourceRecord(_Processed):
    kind: Literal[SidecarKind.SOURCE] = SidecarKind.SOURCE
    video_id: UUID
    blob_name: Text
    status: Status
    duration: Seconds | None = None
    keyframe_interval: Seconds | None = None
    poster_name: Text | None = None
    storyboard_name: Text | None = None

    def key(self) -> SidecarKey:
        return SidecarKey(SidecarKind.SOURCE, self.video_id)

    @model_validator(mode="after")
    def _names_are_its_own(self) -> Self:
        if blob_names.video_id_of_source(self.blob_name) != self.video_id:
            raise ValueError("the blob belongs to another video")
        images = blob_names.derived_prefix(self.video_id, self.video_id)
        _check_names(images, self.poster_name, self.storyboard_name)
        return self


class CutRecord(BaseModel):
    """How a clip was cut: its row of `cuts`."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    client_id: Text | None = None
    source_id: UUID
    source_is_clip: bool
    source_blob: Text
    source_etag: Text
    accuracy: Literal["keyframe", "frame", "edit_list"]
    requested_start: Seconds
    requested_end: Seconds
    cut_start: Seconds | None = None
    cut_end: Seconds | None = None
    method: Literal["storage_copy", "packets", "encode"] | None = None
    finished_at: AnyTime | None = None
    created_at: AnyTime

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.requested_end <= self.requested_start:
            raise ValueError("requested_end must be after requested_start")
        return self

    def is_of(self, video_id: UUID) -> bool:
        """Whether what is cut is the source of this video, or a clip of it."""
        video_of = blob_names.video_id_of if self.source_is_clip else blob_names.video_id_of_source
        return video_of(self.source_blob) == video_id


class ClipRecord(_Processed, _Hidden):
    kind: Literal[SidecarKind.CLIP] = SidecarKind.CLIP
    id: UUID
    video_id: UUID
    owner: Owner
    title: Text | None = None
    status: Status
    start_time: Seconds
    end_time: Seconds | None = None
    duration: Annotated[float, Field(gt=0, le=1e12)] | None = None
    s3_url: Text | None = None
    blob_name: Text | None = None
    content_md5: Text | None = None
    playback: dict[str, Any] | None = None
    cut: dict[str, Any] | None = None
    cut_order: CutRecord | None = None
    poster_name: Text | None = None
    poster_widths: (
        Annotated[list[Annotated[int, Field(gt=0, le=100_000)]], Field(max_length=50)] | None
    ) = None
    storyboard_name: Text | None = None
    preview_name: Text | None = None
    placeholder: Text | None = None
    own_thumbnail: Text | None = None
    expires_at: AnyTime | None = None
    pinned: bool = False
    rendition_state: Literal["queued", "processing", "ready", "failed", "refused"] | None = None
    rendition_code: Text | None = None
    rendition_name: Text | None = None
    rendition_etag: Text | None = None

    def key(self) -> SidecarKey:
        return SidecarKey(SidecarKind.CLIP, self.video_id, self.id)

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.end_time is not None and self.end_time <= self.start_time:
            raise ValueError("end_time must be after start_time")
        return self

    @model_validator(mode="after")
    def _names_are_its_own(self) -> Self:
        if self.blob_name is not None and (
            blob_names.video_id_of(self.blob_name) != self.video_id
            or check_storable(self.blob_name)
        ):
            raise ValueError("the blob is not below its video")
        if self.cut_order is not None and not self.cut_order.is_of(self.video_id):
            raise ValueError("it is cut from another video")
        images = (self.poster_name, self.storyboard_name, self.preview_name, self.rendition_name)
        _check_names(blob_names.derived_prefix(self.video_id, self.id), *images)
        _check_names(blob_names.images_prefix(self.video_id, self.id), self.own_thumbnail)
        return self


type Record = ClipRecord | SourceRecord | VideoRecord


def _check_names(prefix: str, *names: str | None) -> None:
    """Raises ValueError if a name is not below the prefix: links to images are signed by name."""
    for name in names:
        if name is not None and not name.startswith(prefix):
            raise ValueError("an image belongs to another clip")
