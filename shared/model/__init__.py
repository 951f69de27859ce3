"""The domain model: users, videos, clips and the media inside them.

Frozen values without behaviour that needs a database, a storage account or FFmpeg.
Times of day are timezone-aware; positions and durations are seconds; sizes are bytes.
"""

from shared.model.blob import Blob, RehydratePriority, Rehydration
from shared.model.cleanup import CleanupRun, ItemFailure, StepFailure
from shared.model.clip import (
    COPY_TYPE,
    LONGEST_POSITION,
    LONGEST_TITLE,
    UPLOAD_LIFE,
    Clip,
    ClipFile,
    ClipStatus,
    ClipUpdate,
    Images,
    Rendition,
    Upload,
    playable_copy,
    ready_blob,
    title_from,
)
from shared.model.cutting import (
    Accuracy,
    CutMethod,
    CutOrder,
    CutResult,
    CutSource,
    Source,
    WrittenCut,
)
from shared.model.failure import (
    ARCHIVED,
    GAVE_UP,
    MAX_ATTEMPTS,
    MAX_DELIVERIES,
    MISSING,
    PASSING_FAILURES,
    Failure,
    is_settled,
)
from shared.model.health import HealthReport
from shared.model.link import (
    THUMBNAIL_WIDTHS,
    Client,
    ImageFormat,
    RecordedGrant,
    Share,
    ShareVariant,
    SignedLink,
    Variant,
)
from shared.model.media import AudioTrack, Hdr, Media, MediaJson, VideoTrack
from shared.model.migration import (
    FileProblem,
    Migration,
    MigrationReport,
    MigrationStatus,
)
from shared.model.sidecar import SidecarKey, SidecarKind
from shared.model.user import RetryKey, Role, User, Viewer
from shared.model.video import RetentionDay, RetentionForecast, Video, VideoUpdate

__all__ = [
    "ARCHIVED",
    "COPY_TYPE",
    "GAVE_UP",
    "LONGEST_POSITION",
    "LONGEST_TITLE",
    "MAX_ATTEMPTS",
    "MAX_DELIVERIES",
    "MISSING",
    "PASSING_FAILURES",
    "THUMBNAIL_WIDTHS",
    "UPLOAD_LIFE",
    "Accuracy",
    "AudioTrack",
    "Blob",
    "CleanupRun",
    "Client",
    "Clip",
    "ClipFile",
    "ClipStatus",
    "ClipUpdate",
    "CutMethod",
    "CutOrder",
    "CutResult",
    "CutSource",
    "Failure",
    "FileProblem",
    "Hdr",
    "HealthReport",
    "ImageFormat",
    "Images",
    "ItemFailure",
    "Media",
    "MediaJson",
    "Migration",
    "MigrationReport",
    "MigrationStatus",
    "RecordedGrant",
    "RehydratePriority",
    "Rehydration",
    "Rendition",
    "RetentionDay",
    "RetentionForecast",
    "RetryKey",
    "Role",
    "Share",
    "ShareVariant",
    "SidecarKey",
    "SidecarKind",
    "SignedLink",
    "Source",
    "StepFailure",
    "Upload",
    "User",
    "Variant",
    "Video",
    "VideoTrack",
    "VideoUpdate",
    "Viewer",
    "WrittenCut",
    "is_settled",
    "playable_copy",
    "ready_blob",
    "title_from",
]
