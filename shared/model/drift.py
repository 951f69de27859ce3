"""Drift: differences between storage and catalogue, and what the cleanup does about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.model.link import SignedLink

# How long the report of a run can be read.
DRIFT_LIFE = timedelta(days=30)

# A line of a report as JSON: the fields of DriftLine; of a repair, with `result` and `reason`.
type DriftJson = dict[str, object]


class DriftKind(StrEnum):
    """What differs; docs/drift.md explains each."""

    BLOB_WITHOUT_ROW = "blob_without_row"
    BLOB_OF_UNKNOWN_VIDEO = "blob_of_unknown_video"
    ROW_WITHOUT_BLOB = "row_without_blob"
    ETAG_DIFFERS = "etag_differs"
    SIZE_DIFFERS = "size_differs"
    MD5_DIFFERS = "md5_differs"
    TIER_DIFFERS = "tier_differs"
    IMAGE_MISSING = "image_missing"
    IMAGE_WITHOUT_CLIP = "image_without_clip"
    STUCK_PROCESSING = "stuck_processing"
    DELETED_BUT_PRESENT = "deleted_but_present"


class DriftAction(StrEnum):
    """What the cleanup does automatically about a difference."""

    PROCESS = "process"
    MARK_MISSING = "mark_missing"
    NOTE_TIER = "note_tier"
    CUT = "cut"
    MOVE_TO_BIN = "move_to_bin"
    DELETE = "delete"


class DriftStatus(StrEnum):
    """How far a run is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLine:
    """One difference. `blob` is a name in `container`; `by` is when `action` is done."""

    kind: DriftKind
    container: str
    blob: str | None
    video_id: UUID | None
    clip_id: UUID | None
    detail: str
    action: DriftAction | None = None
    by: datetime | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Identifies a difference: the same in every comparison that finds it."""
        return (self.kind, self.container, self.blob, self.clip_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """A run as callers see it: one that finds differences, or one that repairs them.

    `counts` and `samples` are by kind, or by the result of a repair.
    """

    id: UUID
    repair_of: UUID | None
    kinds: Sequence[DriftKind]
    status: DriftStatus
    created_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int]
    samples: Mapping[str, Sequence[DriftJson]]
    has_lines: bool
    stage: str
    compared: int
    catalogue_size: int


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run with the link to its lines, once there is a file of them; `progress` is from 0 to 1."""

    report: DriftReport
    progress: float
    lines: SignedLink | None


@dataclass(frozen=True, slots=True)
class ShownDrift:
    """A run that finds drift, and the last repair of what it found."""

    run: ShownRun
    repair: ShownRun | None
