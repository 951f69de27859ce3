"""Responses about videos, clips and the recycle bin."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal, TypedDict
from uuid import UUID

from pydantic import Field

from clips.http.outputs.base import (
    Bytes,
    DeletedAt,
    ItemError,
    Link,
    PurgeAt,
    RetentionDays,
    Seconds,
    Title,
    Url,
)
from shared.model.clip import ClipStatus, Rendition, Upload
from shared.model.cut_method import Accuracy, CutMethod
from shared.model.failure import Failure
from shared.model.media import Media
from shared.model.playability import Playback


class Video(TypedDict):
    """A video that clips belong to."""

    id: UUID
    title: Title | None
    youtube_id: str | None
    status: Annotated[
        str,
        Field(
            json_schema_extra={"enum": ["pending", "processing", "done", "failed"]},
            description="`pending` until a first clip is ready, then `done`; the other two occur "
            "in data of the old service.",
        ),
    ]
    created_at: datetime
    clip_count: Annotated[
        int, Field(ge=0, description="Clips that its owner can see, of any status.")
    ]
    retention_days: RetentionDays
    deleted_at: DeletedAt
    purge_at: PurgeAt


class RetentionDay(TypedDict):
    """How many clips are deleted on a day."""

    date: Annotated[date, Field(description="In UTC.")]
    clips: Annotated[int, Field(ge=1)]


class Retention(TypedDict):
    """What the retention of a video will delete, as its clips are now."""

    video_id: UUID
    retention_days: RetentionDays
    effective_from: Annotated[
        datetime | None,
        Field(
            description="It deletes nothing before this time, seven days after it was set or "
            "shortened."
        ),
    ]
    clips: Annotated[int, Field(ge=0, description="How many it deletes in all.")]
    pinned: Annotated[int, Field(ge=0, description="How many stay because they are pinned.")]
    first_at: Annotated[datetime | None, Field(description="When the first of them is deleted.")]
    last_at: datetime | None
    days: Annotated[
        list[RetentionDay], Field(max_length=366, description="The first days with deletions.")
    ]


class Cut(TypedDict):
    """How a clip was cut out of a source; times are seconds of the source."""

    source: Annotated[UUID, Field(description="A video or a clip.")]
    requested_start: float
    requested_end: float
    start: Annotated[float | None, Field(description="Null until it has been cut.")]
    end: float | None
    method: CutMethod | None
    accuracy: Accuracy


class Clip(TypedDict):
    """A clip: a part of a video, and its file after the upload."""

    id: UUID
    video_id: UUID
    title: Title | None
    status: ClipStatus
    failure: Annotated[Failure | None, Field(description="The reason, while `status` is `failed`.")]
    blob_url: Url | None
    thumbnail_url: Url | None
    thumbnail_access_url: Annotated[
        Link | None, Field(description="A signed link to the poster, for an `<img>`.")
    ]
    placeholder: Annotated[
        str | None,
        Field(
            description="A thumbhash in base64: a blurred image to show until the poster is loaded."
        ),
    ]
    start_time: Seconds
    end_time: Annotated[
        Seconds | None,
        Field(description="Null until a clip that was not announced has been processed."),
    ]
    duration: Annotated[
        float | None,
        Field(description="Seconds: `end_time - start_time`, then the length of the file."),
    ]
    file_size: Annotated[Bytes | None, Field(description="Bytes; null until the file is uploaded.")]
    content_type: Annotated[
        str | None,
        Field(description="The type that links serve; null means `application/octet-stream`."),
    ]
    created_at: datetime
    expires_at: Annotated[datetime | None, Field(description="When it is deleted automatically.")]
    view_count: Annotated[int, Field(ge=0, description="How many views were reported.")]
    media: Annotated[
        Media | None, Field(description="The media properties of the file; null until `ready`.")
    ]
    cut: Annotated[Cut | None, Field(description="For a clip that was cut out of a source.")]
    playback: Annotated[
        Playback | None, Field(description="Whether every browser plays it; null until `ready`.")
    ]
    rendition: Annotated[
        Rendition, Field(description="The copy of it that every browser plays: `variant=play`.")
    ]
    pinned: Annotated[
        bool, Field(description="No call, expiry or retention deletes a pinned clip.")
    ]
    deleted_at: DeletedAt
    purge_at: PurgeAt


class BinClip(Clip):
    """A clip in the recycle bin."""

    kind: Literal["clip"]


class BinVideo(Video):
    """A video in the recycle bin, with the clips that were deleted with it."""

    kind: Literal["video"]


class ClipOutcome(TypedDict):
    """The result for one of many clips; it succeeded if `error` is null."""

    clip_id: UUID
    error: "ItemError | None"


class Emptied(TypedDict):
    """How many clips and videos are being deleted permanently."""

    count: Annotated[int, Field(ge=0)]


class AnnouncedClip(Clip):
    """A clip that waits for its file, and how to upload it."""

    upload: Upload


class BlobProperties(TypedDict):
    """The properties of the blob in storage at this moment."""

    name: Annotated[str, Field(description="Its name in its container.")]
    size: Bytes
    last_modified: datetime
    content_type: str | None
    metadata: Annotated[Mapping[str, str], Field(description="The blob's own names and values.")]
    url: Url | None
    etag: Annotated[str, Field(description="The version, without quotation marks.")]
    access_tier: Annotated[str | None, Field(examples=["Hot"])]
    content_md5: Annotated[str | None, Field(description="Base64.")]


class Metadata(TypedDict):
    """A clip's file: its media properties, and those of its blob."""

    clip_id: UUID
    video_id: UUID
    start_time: Seconds
    end_time: Seconds | None
    duration: float | None
    file_size: Bytes | None
    created_at: datetime
    blob_url: Url | None
    thumbnail_url: Url | None
    media: Media | None
    azure_metadata: Annotated[
        BlobProperties | None, Field(description="Null while there is no blob.")
    ]
