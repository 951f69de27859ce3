"""Responses for admins and monitors: migrations, drift reports, the cleanup, health."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypedDict
from uuid import UUID

from pydantic import Field

from clips.http.outputs.base import Link
from shared.model.drift import DriftAction, DriftKind, DriftStatus
from shared.model.migration import MigrationStatus


class MigrationFailure(TypedDict):
    """A file that was not migrated; docs/migration.md lists the codes."""

    clip_id: Annotated[
        UUID | None, Field(description="Null if it is unknown to which clip the file belongs.")
    ]
    code: Annotated[str, Field(examples=["empty_file"])]
    detail: Annotated[
        str,
        Field(description="The file and the reason.", examples=["2024/3.mp4: The file is empty."]),
    ]


class UnmatchedFile(TypedDict):
    """A file that matches no clip and was not moved."""

    path: Annotated[str, Field(description="The path below the folder of the migration.")]
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
    skipped: Annotated[
        int, Field(ge=0, description="Files that were already in storage with the same bytes.")
    ]
    failed: Annotated[int, Field(ge=0)]
    failures: Annotated[
        list[MigrationFailure], Field(description="The failures, one for each file.")
    ]
    unmatched: Annotated[
        list[UnmatchedFile],
        Field(max_length=1000, description="The first thousand of these files."),
    ]
    no_file: Annotated[
        list[UUID],
        Field(
            max_length=1000,
            description="Clips that waited for their file and had none here when the folder was "
            "read; the first thousand.",
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
        DriftAction | None,
        Field(description="What the service will do automatically; null: nothing."),
    ]
    by: Annotated[datetime | None, Field(description="When the cleanup that does it begins.")]


class RepairedLine(DriftLine):
    """A line of the report, and the result of its repair."""

    result: Annotated[
        Literal["repaired", "unchanged", "left", "failed"],
        Field(
            description="`unchanged`: the difference no longer exists, or the item changed; "
            "`left`: the service cannot decide which side is right."
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
        Field(
            description="`failed`: the run was given up; the lines that it had found can be read."
        ),
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


class StepFailure(TypedDict):
    """The error of one item of a step; the codes are those of the problems."""

    step: Annotated[str, Field(examples=["clips_deleted"])]
    item: Annotated[str, Field(description="A clip, a blob, or the step itself.")]
    code: Annotated[str, Field(examples=["blob_held"])]
    detail: str


class CleanupRun(TypedDict):
    """A run of the cleanup."""

    id: UUID
    started_at: datetime
    finished_at: Annotated[
        datetime | None, Field(description="Null while it runs, and if its process died.")
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
        Field(description="Set while so many blobs are missing that no clip is marked as lost."),
    ]


class Health(TypedDict):
    """Whether the database and storage can be reached."""

    status: Annotated[
        Literal["ok", "degraded", "unavailable"],
        Field(description="`degraded`: everything works, but an operator has to decide."),
    ]
    checks: Checks
    detail: Annotated[NotRequired[str], Field(description="What an operator can do.")]
