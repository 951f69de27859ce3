"""Requests and answers of the endpoints as pydantic models."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from bench.fastapi_app.tables import Clip


class VideoTrack(BaseModel):
    codec: str
    profile: str | None
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    frame_rate: float | None
    pixel_format: str | None
    hdr: str
    color_primaries: str | None
    color_transfer: str | None
    color_space: str | None
    color_range: str | None


class AudioTrack(BaseModel):
    codec: str
    channels: int
    sample_rate: int


class Media(BaseModel):
    container: str
    duration: float | None
    bit_rate: int | None
    fast_start: bool | None
    video: VideoTrack | None
    audio: AudioTrack | None


class Failure(BaseModel):
    code: str
    detail: str


class Playback(BaseModel):
    verdict: str
    reasons: list[str]
    rules: int


class Rendition(BaseModel):
    state: str
    code: str | None


class ClipOut(BaseModel):
    id: UUID
    video_id: UUID
    title: str | None
    status: str
    failure: Failure | None
    blob_url: str | None
    thumbnail_url: str | None
    thumbnail_access_url: str | None
    placeholder: str | None
    start_time: float
    end_time: float | None
    duration: float | None
    file_size: int | None
    content_type: str | None
    created_at: datetime
    expires_at: datetime | None
    view_count: int
    media: Media | None
    cut: dict[str, Any] | None
    playback: Playback | None
    rendition: Rendition
    pinned: bool
    deleted_at: datetime | None
    purge_at: datetime | None

    @classmethod
    def of(cls, clip: Clip, thumbnail_access_url: str | None) -> Self:
        return cls(
            id=clip.id,
            video_id=clip.video_id,
            title=clip.title,
            status=clip.status,
            failure=Failure(code=clip.failure_code, detail=clip.failure_detail or "")
            if clip.failure_code
            else None,
            blob_url=clip.blob_url,
            thumbnail_url=clip.thumbnail_url,
            thumbnail_access_url=thumbnail_access_url,
            placeholder=clip.placeholder,
            start_time=clip.start_time,
            end_time=clip.end_time,
            duration=clip.duration,
            file_size=clip.file_size,
            content_type=clip.content_type,
            created_at=clip.created_at,
            expires_at=clip.expires_at,
            view_count=clip.view_count,
            media=Media.model_validate(clip.media) if clip.media else None,
            cut=clip.cut,
            playback=Playback.model_validate(clip.playback) if clip.playback else None,
            rendition=Rendition(state=clip.rendition_state or "none", code=clip.rendition_code),
            pinned=clip.pinned,
            deleted_at=clip.deleted_at,
            purge_at=clip.purge_at,
        )


class AccessUrlOut(BaseModel):
    clip_id: UUID
    access_url: str
    expires_in_hours: int
    expires_at: datetime


class AccessUrlsIn(BaseModel):
    clip_ids: list[UUID] = Field(min_length=1, max_length=1000)
    expiry_hours: int = Field(24, ge=1, le=168)


class LinkError(BaseModel):
    code: str
    detail: str


class LinkOut(BaseModel):
    clip_id: UUID
    access_url: str | None
    expires_at: datetime | None
    error: LinkError | None
