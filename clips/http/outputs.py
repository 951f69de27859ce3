"""The JSON bodies of responses, field by field: `views.py` builds them, orjson writes them.

The counterpart of `inputs.py`. mypy checks the views against these types, and the API's
description is generated from them. Dataclasses of the model that appear in a response (`Media`,
`Failure`, `Upload`) are written as they are; fields with the same name in the model are copied.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal, NotRequired, TypedDict
from uuid import UUID

from pydantic import Field

from shared.model import (
    Accuracy,
    ClipStatus,
    CutMethod,
    DriftAction,
    DriftKind,
    DriftStatus,
    Failure,
    Media,
    MigrationStatus,
    RehydratePriority,
    Rendition,
    Upload,
    Variant,
)
from shared.playability import Playback

_URI = {"format": "uri"}

type Url = Annotated[
    str, Field(json_schema_extra=_URI, description="A plain address; it needs a signature to open.")
]
type Link = Annotated[
    str, Field(json_schema_extra=_URI, description="A signed address that opens one blob.")
]
type Title = Annotated[str, Field(examples=["Holidays"])]
type Seconds = Annotated[float, Field(description="Seconds into the video.", examples=[12.5])]
type RetentionDays = Annotated[
    int | None,
    Field(description="Clips are deleted so many days after their creation; null: never."),
]
type Bytes = Annotated[int, Field(ge=0, examples=[1843200])]
type DeletedAt = Annotated[
    datetime | None, Field(description="When it was moved to the recycle bin; null: it was not.")
]
type PurgeAt = Annotated[
    datetime | None,
    Field(description="When the recycle bin deletes it for ever; null: it is not in the bin."),
]


class Message(TypedDict):
    message: Annotated[str, Field(description="A sentence for humans.")]


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
        Field(description="It deletes nothing before: seven days after it was set or shortened."),
    ]
    clips: Annotated[int, Field(ge=0, description="How many it deletes in all.")]
    pinned: Annotated[int, Field(ge=0, description="How many it spares because they are pinned.")]
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
    """A clip: a stretch of a video, and the file that holds it once it is uploaded."""

    id: UUID
    video_id: UUID
    title: Title | None
    status: ClipStatus
    failure: Annotated[Failure | None, Field(description="Why, while `status` is `failed`.")]
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
    media: Annotated[Media | None, Field(description="What the file holds; null until `ready`.")]
    cut: Annotated[Cut | None, Field(description="For a clip that was cut out of a source.")]
    playback: Annotated[
        Playback | None, Field(description="Whether every browser plays it; null until `ready`.")
    ]
    rendition: Annotated[
        Rendition, Field(description="The copy of it that every browser plays: `variant=play`.")
    ]
    pinned: Annotated[
        bool, Field(description="A pinned clip is deleted by no call, expiry or retention.")
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
    """The result for one of many clips; without an error it is done."""

    clip_id: UUID
    error: "AccessError | None"


class Emptied(TypedDict):
    """How many clips and videos are being deleted for ever."""

    count: Annotated[int, Field(ge=0)]


class CutFailure(TypedDict):
    """Why one of many clips was not cut."""

    error: "AccessError"
    client_id: str | None


class Source(TypedDict):
    """The file of a whole video, from which clips are cut."""

    video_id: UUID
    status: ClipStatus
    failure: Failure | None
    file_size: Bytes | None
    content_type: str | None
    duration: float | None
    media: Annotated[Media | None, Field(description="What the file holds; null until `ready`.")]
    keyframe_interval: Annotated[
        float | None,
        Field(description="Seconds between keyframes, on average; null where no index tells."),
    ]
    storyboard_access_url: Annotated[
        Link | None, Field(description="A WebVTT for a player's seek bar, as a signed link.")
    ]
    created_at: datetime


class AnnouncedSource(Source):
    """A source, and how to send its bytes where it awaits them."""

    upload: Upload | None


class AnnouncedClip(Clip):
    """A clip that waits for its file, and how to upload it."""

    upload: Upload


class AccessUrl(TypedDict):
    """A link to one blob of a clip."""

    clip_id: UUID
    access_url: Link
    expires_in_hours: Annotated[int, Field(ge=1, le=168, description="As requested.")]
    expires_at: datetime


class AccessError(TypedDict):
    """Why there is no link; the codes are those of the problems."""

    code: Annotated[str, Field(examples=["not_found"])]
    detail: str


class AccessUrlOrError(TypedDict):
    """The result for one of many clips: a link or an error."""

    clip_id: UUID
    access_url: Link | None
    expires_at: datetime | None
    error: AccessError | None


class Rehydrating(TypedDict):
    """A clip that is being restored from the archive."""

    clip_id: UUID
    status: Literal["rehydrating"]
    priority: RehydratePriority
    retry_after: Annotated[int, Field(ge=1, description="Seconds; as in `Retry-After`.")]


class Redirect(TypedDict):
    """The target of `Location`, for clients that do not follow it."""

    access_url: Link
    expires_at: datetime


# `from` is a keyword of Python, hence the functional syntax.
Grant = TypedDict(
    "Grant",
    {
        "id": Annotated[
            UUID,
            Field(description="The id of the link: `scid` in the link and in the storage logs."),
        ],
        "who": Annotated[
            str | None, Field(description="The subject of a token; null for a share's visitor.")
        ],
        "clip_id": UUID,
        "variant": Annotated[
            str,
            Field(
                json_schema_extra={"enum": [*Variant, "thumbnail", "upload"]},
                description="What the link opens.",
            ),
        ],
        "ip": Annotated[
            str | None, Field(description="The address or range from which alone the link works.")
        ],
        "from": datetime,
        "until": datetime,
        "share_id": Annotated[UUID | None, Field(description="The share that was opened.")],
        "granted_at": datetime,
    },
)
Grant.__doc__ = "A link that was given to someone."


class Share(TypedDict):
    """Access to a clip without a bearer token, which can be revoked."""

    id: UUID
    clip_id: UUID
    url: Annotated[
        Link | None,
        Field(description="The URL to pass on: shown only when the share is created."),
    ]
    expires_at: datetime | None
    max_views: Annotated[int | None, Field(ge=1)]
    views: Annotated[int, Field(ge=0, description="How many viewers opened it.")]
    ip: Annotated[
        str | None, Field(description="The address or range from which alone its links work.")
    ]
    created_at: datetime
    revoked_at: datetime | None


class MigrationFailure(TypedDict):
    """A file that was not migrated; docs/migration.md lists the codes."""

    clip_id: Annotated[
        UUID | None, Field(description="Null if it is unknown to which clip the file belongs.")
    ]
    code: Annotated[str, Field(examples=["empty_file"])]
    detail: Annotated[
        str, Field(description="The file, and why.", examples=["2024/3.mp4: It is empty."])
    ]


class UnmatchedFile(TypedDict):
    """A file that matches no clip; it was not touched."""

    path: Annotated[str, Field(description="Below the folder of the migration.")]
    code: Annotated[str, Field(examples=["no_clip"])]
    detail: str


class Migration(TypedDict):
    """Files of a folder that become the bytes of clips. The counts are of clips."""

    id: UUID
    status: Annotated[
        MigrationStatus,
        Field(
            description="`done`: nothing is left to do, though clips may have failed; `failed`: "
            "the folder could not be read."
        ),
    ]
    total: Annotated[int, Field(ge=0, description="0 until the folder has been read.")]
    migrated: Annotated[int, Field(ge=0)]
    skipped: Annotated[int, Field(ge=0, description="Were in storage already, byte for byte.")]
    failed: Annotated[int, Field(ge=0)]
    failures: Annotated[list[MigrationFailure], Field(description="One for each file.")]
    unmatched: Annotated[
        list[UnmatchedFile], Field(max_length=1000, description="The first thousand.")
    ]
    no_file: Annotated[
        list[UUID],
        Field(
            max_length=1000,
            description="Clips that waited for their file and had none here when the folder "
            "was read; the first thousand.",
        ),
    ]
    created_at: datetime
    finished_at: datetime | None


class DriftLine(TypedDict):
    """One difference between storage and catalogue; docs/drift.md explains the kinds."""

    kind: DriftKind
    clip_id: UUID | None
    video_id: UUID | None
    container: Annotated[str, Field(examples=["cliplink-clips"])]
    blob: Annotated[str | None, Field(description="The name of the blob in its container.")]
    detail: Annotated[str, Field(description="What differs, in a sentence.")]
    action: Annotated[
        DriftAction | None, Field(description="What the service does about it by itself.")
    ]
    by: Annotated[datetime | None, Field(description="When the cleanup that does it begins.")]


class RepairedLine(DriftLine):
    """A line of the report, and what became of it."""

    result: Annotated[
        Literal["repaired", "unchanged", "left", "failed"],
        Field(
            description="`unchanged`: the difference is gone, or the item changed meanwhile; "
            "`left`: it has no one right answer."
        ),
    ]
    reason: Annotated[str | None, Field(description="Why it is not repaired.")]


class Repair(TypedDict):
    """The repair of what a drift report lists."""

    id: UUID
    kinds: list[DriftKind]
    status: DriftStatus
    created_at: datetime
    finished_at: datetime | None
    counts: Annotated[dict[str, int], Field(description="Lines by result.")]
    samples: Annotated[
        dict[str, list[RepairedLine]], Field(description="The first 20 lines of each result.")
    ]
    lines_url: Annotated[Link | None, Field(description="All lines as JSON lines, for an hour.")]


class Drift(TypedDict):
    """Where storage and catalogue differ."""

    id: UUID
    status: Annotated[
        DriftStatus,
        Field(description="`failed`: it was given up; what it found until then can be read."),
    ]
    progress: Annotated[float, Field(ge=0, le=1, description="The part that has been compared.")]
    created_at: datetime
    finished_at: datetime | None
    counts: Annotated[dict[DriftKind, int], Field(description="Lines by kind.")]
    samples: Annotated[
        dict[DriftKind, list[DriftLine]], Field(description="The first 20 lines of each kind.")
    ]
    lines_url: Annotated[
        Link | None,
        Field(description="All lines as JSON lines, for an hour; null until the run has begun."),
    ]
    repair: Annotated[Repair | None, Field(description="The last repair.")]


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


class StepFailure(TypedDict):
    """What one item of a step met; the codes are those of the problems."""

    step: Annotated[str, Field(examples=["clips_deleted"])]
    item: Annotated[str, Field(description="A clip, a blob, or the step itself.")]
    code: Annotated[str, Field(examples=["blob_held"])]
    detail: str


class CleanupRun(TypedDict):
    """A run of the cleanup."""

    id: UUID
    started_at: datetime
    finished_at: Annotated[
        datetime | None, Field(description="Null while it is at work, and if it died.")
    ]
    counts: Annotated[
        Mapping[str, int], Field(description="By step, and `outages, held, unmarked, failures`.")
    ]
    failures: Annotated[list[StepFailure], Field(description="The first twenty of each step.")]


type Availability = Literal["ok", "unavailable"]


class Checks(TypedDict):
    database: Availability
    storage: Availability
    reconciliation: Annotated[
        NotRequired[Literal["held"]],
        Field(description="There while so many blobs are missing that no clip is marked as lost."),
    ]


class Health(TypedDict):
    """Whether the database and storage can be reached."""

    status: Annotated[
        Literal["ok", "degraded", "unavailable"],
        Field(description="`degraded`: everything answers, but an operator has to decide."),
    ]
    checks: Checks
    detail: Annotated[NotRequired[str], Field(description="What an operator can do.")]
