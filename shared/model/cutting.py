"""Sources of videos, and how clips are cut out of them. Times are seconds of the source."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.model.clip import ClipStatus, Upload
from shared.model.cut_method import Accuracy, CutMethod
from shared.model.failure import Failure
from shared.model.media import MediaJson

# A caller's own name for a cut: visible ASCII characters.
CLIENT_ID = r"^[!-~]{1,200}$"


class CutResult(StrEnum):
    """The decision about a version of a clip that was cut."""

    PUBLISH = "publish"
    CUT_AGAIN = "cut_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The file that a whole video was uploaded as.

    `keyframe_interval` is how far its keyframes are apart on average; None until it is ready.
    """

    video_id: UUID
    blob_name: str
    status: ClipStatus
    failure: Failure | None
    file_size: int | None
    content_type: str | None
    duration: float | None
    media: MediaJson | None
    keyframe_interval: float | None
    storyboard_name: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSource:
    """What is cut: one version of a blob. `starts_at` is where it begins in the video.

    `has_picture` is None where that is unknown.
    """

    id: UUID
    is_clip: bool
    blob_name: str
    etag: str
    status: ClipStatus
    archived: bool
    file_size: int
    duration: float | None
    content_type: str | None
    starts_at: float
    has_picture: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOrder:
    """A clip that is to be cut out of a source, from `start` to `end`.

    Methods before `first_method` have given a clip without a picture.
    """

    clip_id: UUID
    video_id: UUID
    source: CutSource
    accuracy: Accuracy
    start: float
    end: float
    blob_name: str
    attempts: int
    first_method: CutMethod = CutMethod.STORAGE_COPY


@dataclass(frozen=True, slots=True)
class WrittenCut:
    """What is on record of a cut: by which method, and the version (ETag) that it wrote.

    The method is None until the clip is written, the version until that is finished.
    """

    method: CutMethod | None
    etag: str | None
    has_picture: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutDraft:
    """A clip that a caller orders; with the same `client_id` a repeated order is no second clip."""

    start: float
    end: float
    title: str | None = None
    expires_at: datetime | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class ShownSource:
    """A source with a link to its storyboard; `upload` is how to send bytes that it waits for."""

    source: Source
    storyboard_url: str | None
    upload: Upload | None = None
