"""Shared parts of queries: columns of clips and their mapping to objects, visibility, paging."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from shared.model.clip import Clip, ClipFile, ClipStatus, Images, Rendition
from shared.model.failure import Failure
from shared.model.media import Media, MediaJson
from shared.model.user import Viewer

# If no poster could be made, the thumbnail of the old service is used.
_IMAGE_COLUMNS: LiteralString = """
    coalesce(c.poster_name, c.own_thumbnail) AS poster_name, c.poster_widths, c.storyboard_name,
    c.preview_name, c.placeholder
"""

CLIP_COLUMNS: LiteralString = f"""
    c.id, c.video_id, c.title, c.status, c.failure_code, c.failure_detail, c.blob_name, c.blob_url,
    {_IMAGE_COLUMNS},
    coalesce(c.thumbnail_url, c.own_thumbnail_url) AS thumbnail_url,
    c.start_time, c.end_time, c.duration, c.file_size,
    c.content_type, c.created_at, c.expires_at, c.view_count,
    c.media::text AS media, c.cut::text AS cut, c.playback::text AS playback,
    coalesce(c.rendition_state, 'none') AS rendition_state, c.rendition_code, c.pinned,
    c.deleted_at, c.purge_at
"""

# The columns of clips that callers can change.
CHANGEABLE_COLUMNS: tuple[LiteralString, ...] = ("title", "expires_at", "pinned")

# The columns of clips that sidecars record, and from which a rebuild restores them. Where they
# change, a trigger of 033_sidecars.sql notes it.
RECORDED_COLUMNS: tuple[LiteralString, ...] = (
    *("video_id", "title", "start_time", "end_time", "duration", "created_at", "s3_url", "status"),
    *("blob_name", "etag", "content_type", "file_size", "content_md5", "media", "playback", "cut"),
    *("poster_name", "poster_widths", "storyboard_name", "preview_name", "placeholder"),
    *("own_thumbnail", "failure_code", "failure_detail", "expires_at", "deleted_at", "purge_at"),
    *("pinned", "rendition_state", "rendition_code", "rendition_name", "rendition_etag"),
)

FILE_COLUMNS: LiteralString = f"""
    c.id, c.video_id, c.title, c.status, c.blob_name, c.archived, c.content_type,
    coalesce(c.playback->>'verdict' = 'direct', FALSE) AS plays_everywhere,
    CASE WHEN c.rendition_state = 'ready' THEN c.rendition_name END AS rendition_name,
    {_IMAGE_COLUMNS}
"""


# Conditions on clips `c` and their videos `v`: neither deleted nor expired (LIVE), and also seen
# by a viewer (VISIBLE). A pinned clip does not expire.
UNEXPIRED: LiteralString = "(c.expires_at IS NULL OR c.expires_at > now() OR c.pinned)"
LIVE: LiteralString = f"c.deleted_at IS NULL AND {UNEXPIRED} AND v.deleted_at IS NULL"
VISIBLE: LiteralString = f"{LIVE} AND (v.user_id = %(user_id)s OR %(as_admin)s)"

# The video of a clip (`clips`, without an alias) is not deleted: for updates of a clip that is
# known to be undeleted itself, but may have been deleted with its video.
VIDEO_EXISTS: LiteralString = """
    EXISTS (SELECT 1 FROM videos WHERE videos.id = clips.video_id AND videos.deleted_at IS NULL)
"""


def seen_by(viewer: Viewer) -> dict[str, object]:
    """The parameters of VISIBLE."""
    return {"user_id": viewer.user_id, "as_admin": viewer.as_admin}


# The sort key of the last row of a page: time of creation or start time, then id.
type TimeKey = tuple[datetime, UUID]
type StartKey = tuple[float, UUID]


def page_after(key: TimeKey | StartKey | None, limit: int) -> dict[str, object]:
    """The parameters of a keyset page that follows `key`; without a key, the first page."""
    after, after_id = key or (None, None)
    return {"after": after, "after_id": after_id, "limit": limit}


class ClipRow(NamedTuple):
    """The values of CLIP_COLUMNS, in their order."""

    id: UUID
    video_id: UUID
    title: str | None
    status: str
    failure_code: str | None
    failure_detail: str
    blob_name: str | None
    blob_url: str | None
    poster_name: str | None
    poster_widths: Sequence[int] | None
    storyboard_name: str | None
    preview_name: str | None
    placeholder: str | None
    thumbnail_url: str | None
    start_time: float
    end_time: float | None
    duration: float | None
    file_size: int | None
    content_type: str | None
    created_at: datetime
    expires_at: datetime | None
    view_count: int
    media: MediaJson | None
    cut: str | None
    playback: str | None
    rendition_state: str
    rendition_code: str | None
    pinned: bool
    deleted_at: datetime | None
    purge_at: datetime | None


def clip_of(*values: Any) -> Clip:  # noqa: ANN401 - the values of a ClipRow, from the driver
    """The values of CLIP_COLUMNS, in their order, as a clip."""
    row = ClipRow._make(values)
    images = _images(
        row.poster_name, row.poster_widths, row.storyboard_name, row.preview_name, row.placeholder
    )
    failure = None if row.failure_code is None else Failure(row.failure_code, row.failure_detail)
    return Clip(
        id=row.id,
        video_id=row.video_id,
        title=row.title,
        status=ClipStatus(row.status),
        failure=failure,
        blob_name=row.blob_name,
        blob_url=row.blob_url,
        images=images,
        thumbnail_url=row.thumbnail_url,
        start_time=row.start_time,
        end_time=row.end_time,
        duration=row.duration,
        file_size=row.file_size,
        content_type=row.content_type,
        created_at=row.created_at,
        expires_at=row.expires_at,
        view_count=row.view_count,
        media=row.media,
        cut=row.cut,
        playback=row.playback,
        rendition=Rendition(row.rendition_state, row.rendition_code),
        pinned=row.pinned,
        deleted_at=row.deleted_at,
        purge_at=row.purge_at,
    )


def file_of(
    clip_id: UUID,
    video_id: UUID,
    title: str | None,
    status: str,
    blob_name: str | None,
    archived: bool,  # noqa: FBT001 - a column, and called by the driver alone
    content_type: str | None,
    plays_everywhere: bool,  # noqa: FBT001 - the same
    rendition_name: str | None,
    *images: Any,  # noqa: ANN401 - the values of the columns of the images, handed on
) -> ClipFile:
    """The values of FILE_COLUMNS, in their order."""
    return ClipFile(
        id=clip_id,
        video_id=video_id,
        title=title,
        status=ClipStatus(status),
        blob_name=blob_name,
        archived=archived,
        content_type=content_type,
        plays_everywhere=plays_everywhere,
        rendition_name=rendition_name,
        images=_images(*images),
    )


def media_to_json(media: Media) -> MediaJson:
    return MediaJson(json.dumps(asdict(media)))


def _images(
    poster_name: str | None,
    poster_widths: Sequence[int] | None,
    storyboard_name: str | None,
    preview_name: str | None,
    placeholder: str | None,
) -> Images:
    """The values of the columns of the images, in their order."""
    return Images(
        poster_name=poster_name,
        poster_widths=tuple(poster_widths or ()),
        storyboard_name=storyboard_name,
        preview_name=preview_name,
        placeholder=placeholder,
    )
