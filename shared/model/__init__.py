"""The domain model: users, videos, clips and the media inside them.

Frozen values without behaviour that needs a database, a storage account or FFmpeg.
Times of day are timezone-aware; positions and durations are seconds; sizes are bytes.
"""

from shared.model.blob import Blob, RehydratePriority, Rehydration
from shared.model.clip import (
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
    ready_blob,
    title_from,
)
from shared.model.cutting import Accuracy, CutMethod, CutOrder, CutSource, Source
from shared.model.drift import (
    DRIFT_LIFE,
    DriftAction,
    DriftJson,
    DriftKind,
    DriftLine,
    DriftReport,
    DriftStatus,
    ShownDrift,
    ShownRun,
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
from shared.model.link import (
    THUMBNAIL_WIDTHS,
    Client,
    ImageFormat,
    RecordedGrant,
    Share,
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
    "DRIFT_LIFE",
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
    "Client",
    "Clip",
    "ClipFile",
    "ClipStatus",
    "ClipUpdate",
    "CutMethod",
    "CutOrder",
    "CutSource",
    "DriftAction",
    "DriftJson",
    "DriftKind",
    "DriftLine",
    "DriftReport",
    "DriftStatus",
    "Failure",
    "FileProblem",
    "Hdr",
    "ImageFormat",
    "Images",
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
    "ShownDrift",
    "ShownRun",
    "SidecarKey",
    "SidecarKind",
    "SignedLink",
    "Source",
    "Upload",
    "User",
    "Variant",
    "Video",
    "VideoTrack",
    "VideoUpdate",
    "Viewer",
    "is_settled",
    "ready_blob",
    "title_from",
]
