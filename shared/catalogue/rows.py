"""How rows become clips and media, and media become jsonb."""

from dataclasses import asdict
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from shared.database import Row
from shared.model import AudioTrack, Clip, ClipStatus, Failure, Hdr, Images, Media, VideoTrack

CLIP_COLUMNS: LiteralString = """
    c.id, c.video_id, c.title, c.status, c.failure_code, c.failure_detail, c.blob_name, c.blob_url,
    c.poster_name, c.poster_widths, c.storyboard_name, c.preview_name, c.placeholder,
    c.thumbnail_url, c.start_time, c.end_time, c.duration, c.file_size,
    c.content_type, c.created_at, c.expires_at, c.media
"""


def clip_from(row: Row) -> Clip:
    """A row of CLIP_COLUMNS as a clip."""
    code, detail = row.pop("failure_code"), row.pop("failure_detail")
    media = row.pop("media")
    images = Images(
        poster_name=row.pop("poster_name"),
        poster_widths=tuple(row.pop("poster_widths") or ()),
        storyboard_name=row.pop("storyboard_name"),
        preview_name=row.pop("preview_name"),
        placeholder=row.pop("placeholder"),
    )
    return Clip(
        **row | {"status": ClipStatus(row["status"])},
        images=images,
        failure=None if code is None else Failure(code, detail),
        media=None if media is None else _media(media),
    )


def media_to_json(media: Media) -> Jsonb:
    return Jsonb(asdict(media))


def _media(stored: dict[str, Any]) -> Media:
    video, audio = stored["video"], stored["audio"]
    return Media(
        **stored
        | {
            "video": video and VideoTrack(**video | {"hdr": Hdr(video["hdr"])}),
            "audio": audio and AudioTrack(**audio),
        }
    )
