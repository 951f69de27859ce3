"""What queries share: whom they show what, in pages; how rows become clips, and media jsonb."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from shared.database import Row
from shared.model import (
    Clip,
    ClipFile,
    ClipStatus,
    Failure,
    Images,
    Media,
    MediaJson,
    Viewer,
)

# Where no poster could be made, the thumbnail shows that came along from the service before.
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
    c.media::text AS media
"""

FILE_COLUMNS: LiteralString = f"""
    c.id, c.video_id, c.title, c.status, c.blob_name, c.archived, c.content_type, {_IMAGE_COLUMNS}
"""


# Of clips `c` and their videos `v`: those that are there for anybody, and of them those that a
# viewer sees. The parameters are those of `sight`.
THERE: LiteralString = """
    c.deleted_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())
    AND v.deleted_at IS NULL
"""
VISIBLE: LiteralString = f"{THERE} AND (v.user_id = %(user_id)s OR %(as_admin)s)"


def sight(viewer: Viewer) -> dict[str, object]:
    """The parameters by which a query tells what a viewer sees."""
    return {"user_id": viewer.user_id, "as_admin": viewer.as_admin}


# What a page ended with, as its rows are ordered: by when they were made, or by start time.
type TimeKey = tuple[datetime, UUID]
type StartKey = tuple[float, UUID]


def page_after(key: TimeKey | StartKey | None, limit: int) -> dict[str, object]:
    """The parameters by which a query is given a page; without a key it is the first one."""
    after, after_id = key or (None, None)
    return {"after": after, "after_id": after_id, "limit": limit}


def clip_from(row: Row) -> Clip:
    """A row of CLIP_COLUMNS as a clip; takes the row apart."""
    code, detail = row.pop("failure_code"), row.pop("failure_detail")
    return Clip(
        status=ClipStatus(row.pop("status")),
        images=_images(row),
        failure=None if code is None else Failure(code, detail),
        **row,
    )


def file_from(row: Row) -> ClipFile:
    """A row of FILE_COLUMNS; takes the row apart."""
    return ClipFile(status=ClipStatus(row.pop("status")), images=_images(row), **row)


def media_to_json(media: Media) -> MediaJson:
    return MediaJson(json.dumps(asdict(media)))


def _images(row: Row) -> Images:
    """Takes the columns of the images out of a row."""
    return Images(
        poster_name=row.pop("poster_name"),
        poster_widths=tuple(row.pop("poster_widths") or ()),
        storyboard_name=row.pop("storyboard_name"),
        preview_name=row.pop("preview_name"),
        placeholder=row.pop("placeholder"),
    )
