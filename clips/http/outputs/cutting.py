"""Responses about sources and cuts."""

from datetime import datetime
from typing import Annotated, TypedDict
from uuid import UUID

from pydantic import Field

from clips.http.outputs.base import Bytes, ItemError, Link
from shared.model.clip import ClipStatus, Upload
from shared.model.failure import Failure
from shared.model.media import Media


class CutFailure(TypedDict):
    """Why one of many clips was not cut."""

    error: "ItemError"
    client_id: str | None


class Source(TypedDict):
    """The file of a whole video, from which clips are cut."""

    video_id: UUID
    status: ClipStatus
    failure: Failure | None
    file_size: Bytes | None
    content_type: str | None
    duration: float | None
    media: Annotated[
        Media | None, Field(description="The media properties of the file; null until `ready`.")
    ]
    keyframe_interval: Annotated[
        float | None,
        Field(description="Seconds between keyframes, on average; null if the file has no index."),
    ]
    storyboard_access_url: Annotated[
        Link | None, Field(description="A WebVTT for a player's seek bar, as a signed link.")
    ]
    created_at: datetime


class AnnouncedSource(Source):
    """A source, and how to upload its bytes while it awaits them."""

    upload: Upload | None
