"""Adds a user with two thousand ready clips, for bench/requests."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from uuid import UUID, uuid4

import psycopg
from azure.storage.blob import BlobServiceClient, ContainerClient

from bench.stack import Stack
from shared.blob_names.containers import Containers
from shared.model.media import Media
from tests.media.described import FULL_HD, STEREO

SUBJECT = "bench-requests"
_SECONDS = 12.5
_BYTES = 6_553_600
_PREFIX = "bench"
_COLUMNS = (
    "id", "video_id", "title", "status", "blob_name", "blob_url", "content_type", "etag",
    "poster_name", "poster_widths", "storyboard_name", "preview_name", "placeholder",
    "thumbnail_url", "start_time", "end_time", "duration", "file_size", "media",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Library:
    """Ids of videos and of their clips; `many` has a thousand, `some` fifty."""

    user: UUID
    many: UUID
    some: UUID
    clips: Sequence[UUID]


def fill(stack: Stack) -> Library:
    """Adds 21 videos; clips of the largest have blobs, the first five of each video posters."""
    sizes = {uuid4(): size for size in (1000, *[50] * 20)}
    many, some, *_ = sizes
    clips = {video: [uuid4() for _ in range(size)] for video, size in sizes.items()}
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        user = _rows(connection, clips, stack.account.blob_endpoint)
    with BlobServiceClient.from_connection_string(stack.direct_connection_string) as client:
        containers = Containers(_PREFIX)
        etags = _put(
            client.get_container_client(containers.clips),
            [f"{many}/{clip}.mp4" for clip in clips[many]],
        )
        _put(
            client.get_container_client(containers.thumbnails),
            [f"{video}/{clip}/poster.jpg" for video in clips for clip in clips[video][:5]],
        )
    # Otherwise a host that scans the container would process every clip again.
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        rows = list(zip(etags, clips[many], strict=True))
        connection.cursor().executemany("UPDATE clips SET etag = %s WHERE id = %s", rows)
        connection.execute("ANALYZE clips")
    return Library(user, many, some, clips[many])


def _rows(connection: psycopg.Connection, clips: dict[UUID, list[UUID]], endpoint: str) -> UUID:
    user = uuid4()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO users (id, subject) VALUES (%s, %s)", [user, SUBJECT])
        for video in clips:
            cursor.execute(
                "INSERT INTO videos (id, user_id, title) VALUES (%s, %s, 'Match day')",
                [video, user],
            )
        with cursor.copy(f"COPY clips ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for video, ids in clips.items():
                for number, clip in enumerate(ids):
                    copy.write_row(_row(video, clip, number, endpoint))
        cursor.execute("ANALYZE users, videos, clips")
    return user


def _row(video: UUID, clip: UUID, number: int, endpoint: str) -> Sequence[object]:
    start, stem = number * _SECONDS, f"{video}/{clip}"
    values = {
        "id": clip,
        "video_id": video,
        "title": f"Goal {number}, seen from behind the net",
        "status": "ready",
        "blob_name": f"{stem}.mp4",
        "blob_url": f"{endpoint}/{_PREFIX}-clips/{stem}.mp4",
        "content_type": "video/mp4",
        "etag": f"0x8DE0{number:012X}",
        "poster_name": f"{stem}/poster.jpg",
        "poster_widths": [160, 320, 640, 1280],
        "storyboard_name": f"{stem}/storyboard.vtt",
        "preview_name": f"{stem}/preview.webp",
        "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j3A",
        "thumbnail_url": f"{endpoint}/{_PREFIX}-thumbnails/{stem}/poster.jpg",
        "start_time": start,
        "end_time": start + _SECONDS,
        "duration": _SECONDS,
        "file_size": _BYTES + number,
        "media": json.dumps(asdict(_media(number))),
    }
    return [values[column] for column in _COLUMNS]


def _media(number: int) -> Media:
    return Media(
        container="mp4",
        duration=_SECONDS,
        bit_rate=4_194_304 + number,
        fast_start=True,
        video=FULL_HD,
        audio=STEREO,
    )


def _put(container: ContainerClient, names: Sequence[str]) -> Sequence[str]:
    """Writes a blob for each name; returns the ETags in the form of the catalogue."""

    def put(name: str) -> str:
        etag: str = container.upload_blob(name, b"clip").get_blob_properties().etag
        return etag.strip('"')

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(put, names))
