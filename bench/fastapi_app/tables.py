"""The tables as SQLAlchemy sees them: the columns that the endpoints use."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str | None]


class Video(Base):
    __tablename__ = "videos"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    deleted_at: Mapped[datetime | None]


class Clip(Base):
    __tablename__ = "clips"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    video_id: Mapped[UUID] = mapped_column(ForeignKey("videos.id"))
    title: Mapped[str | None]
    status: Mapped[str]
    failure_code: Mapped[str | None]
    failure_detail: Mapped[str | None]
    blob_name: Mapped[str | None]
    blob_url: Mapped[str | None]
    poster_name: Mapped[str | None]
    thumbnail_url: Mapped[str | None]
    placeholder: Mapped[str | None]
    start_time: Mapped[float]
    end_time: Mapped[float | None]
    duration: Mapped[float | None]
    file_size: Mapped[int | None]
    content_type: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    view_count: Mapped[int]
    media: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    cut: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    playback: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    rendition_state: Mapped[str | None]
    rendition_code: Mapped[str | None]
    pinned: Mapped[bool]
    purge_at: Mapped[datetime | None]
