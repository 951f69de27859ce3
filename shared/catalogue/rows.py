"""How rows become clips and media, and media become jsonb."""

from dataclasses import asdict
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from shared.database import Row
from shared.model import AudioTrack, Clip, ClipStatus, Failure, Hdr, Media, VideoTrack

CLIP_COLUMNS: LiteralString = """
    c.id, c.video_id, c.title, c.status, c.failure_code, c.failure_detail, c.blob_name, c.blob_url,
    c.poster_name, c.thumbnail_url, c.start_time, c.end_time, c.duration, c.file_size,
    c.content_type, c.created_at, c.expires_at, c.media
"""


def clip_from(row: Row) -> Clip:
    """A row of CLIP_COLUMNS as a clip."""
    code, detail = row.pop("failure_code"), row.pop("failure_detail")
    media = row.pop("media")
    return Clip(
        **row | {"status": ClipStatus(row["status"])},
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
