"""The Python API, for pipelines that run beside the app: upload, cut, download, links.

The functions of this module share one Pipeline with the settings of the environment, made by the
first call. Use the class for several pipelines, or to close one. Everything may be called by many
threads at once. docs/python-api.md has examples.
"""

import atexit
import threading
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from clips.pipeline.cut import Cut
from clips.pipeline.pipeline import AnyClip, Pipeline
from clips.pipeline.uploads import AnyPath, Progress
from shared.errors import CliplinkError
from shared.model.clip import Clip
from shared.model.cutting import Source

__all__ = [
    "Cut",
    "Pipeline",
    "cut_clips",
    "download_clip",
    "generate_clip_access_url",
    "make_playable",
    "read_clip",
    "read_source",
    "upload_clip",
    "upload_source",
]

_lock = threading.Lock()
_shared: list[Pipeline] = []


def _pipeline() -> Pipeline:
    with _lock:
        if not _shared:
            _shared.append(Pipeline.from_environment())
            atexit.register(_shared[0].close)
        return _shared[0]


def upload_clip(
    path: AnyPath,
    video_id: UUID | str,
    start_time: float,
    end_time: float,
    thumbnail_path: AnyPath | None = None,
    title: str | None = None,
    *,
    progress: Progress | None = None,
) -> Clip:
    """As `Pipeline.upload_clip`."""
    return _pipeline().upload_clip(
        path, video_id, start_time, end_time, thumbnail_path, title, progress=progress
    )


def upload_source(
    path: AnyPath, video_id: UUID | str, *, progress: Progress | None = None
) -> Source:
    """As `Pipeline.upload_source`."""
    return _pipeline().upload_source(path, video_id, progress=progress)


def read_source(video_id: UUID | str) -> Source:
    """As `Pipeline.read_source`."""
    return _pipeline().read_source(video_id)


def cut_clips(
    video_id: UUID | str,
    cuts: Sequence[Cut],
    source: AnyClip | None = None,
    accuracy: str = "keyframe",
) -> list[Clip | CliplinkError]:
    """As `Pipeline.cut_clips`."""
    return _pipeline().cut_clips(video_id, cuts, source, accuracy)


def read_clip(clip: AnyClip) -> Clip:
    """As `Pipeline.read_clip`."""
    return _pipeline().read_clip(clip)


def make_playable(clip: AnyClip) -> Clip:
    """As `Pipeline.make_playable`."""
    return _pipeline().make_playable(clip)


def download_clip(clip: AnyClip, directory: AnyPath, *, progress: Progress | None = None) -> Path:
    """As `Pipeline.download_clip`."""
    return _pipeline().download_clip(clip, directory, progress=progress)


def generate_clip_access_url(clip: AnyClip, expiry_hours: float = 24, variant: str = "clip") -> str:
    """As `Pipeline.generate_clip_access_url`."""
    return _pipeline().generate_clip_access_url(clip, expiry_hours, variant)
