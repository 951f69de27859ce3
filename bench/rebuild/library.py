"""A library of any size that exists only as a listing: 100 clips a video, 13 images a clip.

Writing so many real blobs would take an hour. A read of a sidecar takes as long as a request to
a storage account in the same region; a page of a listing takes ten times as long.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any
from uuid import UUID

from clips.rebuild.decisions import images_of
from clips.sidecars.records import ClipRecord
from clips.sidecars.revisions import revision_of
from clips.sidecars.sidecar_file import render
from clips.sidecars.writer import REVISION
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.errors import BlobMissing
from shared.model.blob import Blob
from shared.model.sidecar import SidecarKey, SidecarKind

_CLIPS_PER_VIDEO = 100
_WIDTHS = (320, 640, 960, 1280, 1920)
_LATENCY = 0.008  # seconds a request
_PAGE = 5000
_MADE = datetime(2026, 1, 1, tzinfo=UTC)
_OWNER = {"user_id": UUID(int=7), "subject": "bench-rebuild", "email": None}
_MEDIA: dict[str, Any] = {
    "container": "mov,mp4,m4a,3gp,3g2,mj2",
    "duration": 12.0,
    "bit_rate": 6_000_000,
    "fast_start": True,
    "audio": {"codec": "aac", "channels": 2, "sample_rate": 48000},
    "video": {
        "codec": "h264",
        "profile": "High",
        "width": 1920,
        "height": 1080,
        "coded_width": 1920,
        "coded_height": 1080,
        "rotation": 0,
        "frame_rate": 30.0,
        "pixel_format": "yuv420p",
        "hdr": "sdr",
        "color_primaries": "bt709",
        "color_transfer": "bt709",
        "color_space": "bt709",
        "color_range": "tv",
    },
}


@dataclass(frozen=True)
class Reader:
    """The content of a sidecar, which is made when it is read."""

    content: bytes

    def read(self, _offset: int, _length: int) -> bytes:
        time.sleep(_LATENCY)
        return self.content


class ListedLibrary:
    """Storage with `count` clips; has only the methods that a rebuild and the daily pass call."""

    def __init__(self, count: int, containers: Containers) -> None:
        self._count = count
        self._containers = containers

    def pages(
        self, container: str, prefix: str = "", *, metadata: bool = False
    ) -> Iterator[list[Blob]]:
        assert not prefix
        assert metadata or container != self._containers.thumbnails
        for page in batched(self._blobs(container), _PAGE, strict=False):
            time.sleep(10 * _LATENCY)
            yield list(page)

    def get(self, container: str, name: str) -> Blob:
        time.sleep(_LATENCY)
        key = blob_names.sidecar_of(name)
        if container != self._containers.thumbnails or key is None:
            raise BlobMissing("The blob does not exist.")
        return self._sidecar(key)

    def reader(self, _container: str, blob: Blob) -> Any:  # noqa: ANN401 - stands for a BlobReader
        key = blob_names.sidecar_of(blob.name)
        assert key is not None
        return Reader(_content(key))

    def _blobs(self, container: str) -> Iterator[Blob]:
        if container not in {self._containers.clips, self._containers.thumbnails}:
            return
        videos = self._count // _CLIPS_PER_VIDEO
        for number in range(videos):
            video_id = UUID(int=(number << 128) // videos)
            for clip_number in range(_CLIPS_PER_VIDEO):
                clip_id = UUID(int=(((clip_number << 96) // _CLIPS_PER_VIDEO) << 32) | number)
                if container == self._containers.clips:
                    yield _blob(f"{video_id}/{clip_id}.mp4")
                else:
                    yield self._sidecar(SidecarKey(SidecarKind.CLIP, video_id, clip_id))
                    yield from map(_blob, sorted(_images(video_id, clip_id)))
            if container == self._containers.thumbnails:
                yield self._sidecar(SidecarKey(SidecarKind.VIDEO, video_id))

    def _sidecar(self, key: SidecarKey) -> Blob:
        return _blob(blob_names.sidecar(key), {REVISION: str(revision_of(_MADE))})


def _blob(name: str, metadata: dict[str, str] | None = None) -> Blob:
    return Blob(
        name=name,
        etag="0x8DE000000000000",
        size=4000,
        last_modified=_MADE,
        content_type=None,
        content_md5=None,
        access_tier="Hot",
        metadata=metadata or {},
    )


def _content(key: SidecarKey) -> bytes:
    common: dict[str, Any] = {"changed_at": _MADE, "created_at": _MADE, "owner": _OWNER}
    if key.clip_id is None:
        row = {"id": key.video_id, "title": "A match", "status": "done"}
    else:
        row = _clip_row(key.video_id, key.clip_id)
    return render(key.kind, common | row)


def _clip_row(video_id: UUID, clip_id: UUID) -> dict[str, Any]:
    at = (video_id, clip_id)
    return {
        "id": clip_id,
        "video_id": video_id,
        "title": "A goal",
        "status": "ready",
        "start_time": 12.5,
        "end_time": 24.5,
        "duration": 12.0,
        "file_size": 4000,
        "blob_name": f"{video_id}/{clip_id}.mp4",
        "etag": "0x8DE000000000000",
        "content_type": "video/mp4",
        "media": _MEDIA,
        "pinned": False,
        "poster_name": blob_names.poster(*at),
        "poster_widths": list(_WIDTHS),
        "storyboard_name": blob_names.storyboard_cues(*at),
        "preview_name": blob_names.preview(*at),
        "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        "playback": {"verdict": "direct", "reasons": []},
        "expires_at": _MADE + timedelta(days=3650),
    }


def _images(video_id: UUID, clip_id: UUID) -> set[str]:
    record = ClipRecord.model_validate(
        {"changed_at": _MADE, "created_at": _MADE, "owner": _OWNER} | _clip_row(video_id, clip_id)
    )
    return images_of(record)
