"""Local files that become new clips: the row, then the bytes; nothing of it where that fails."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from clips.migration import names
from clips.migration.names import Kind
from clips.transfer import local_file as files
from clips.transfer.context import Tools
from clips.transfer.local_file import FileSource
from clips.upkeep.deletion import Deletion
from shared import blob_names, media_types
from shared.catalogue import Clips, NewClip
from shared.catalogue.migration_clip_queries import BroughtThumbnail
from shared.errors import Unavailable, UnmovableFile, no_such_video
from shared.model import LONGEST_POSITION, LONGEST_TITLE, Viewer
from shared.storage import Place

_log = logging.getLogger(__name__)

type AnyPath = str | os.PathLike[str]

type Progress = Callable[[int, int], object]
"""Is told how many bytes are done, and of how many; from any thread, one call at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file and what is said of the clip that it is to become; raises ValueError."""

    path: AnyPath
    video_id: UUID
    start_time: float
    end_time: float
    thumbnail_path: AnyPath | None
    title: str | None

    def __post_init__(self) -> None:
        if not 0 <= self.start_time < self.end_time <= LONGEST_POSITION:
            raise ValueError(
                "start_time must be 0 or more, and end_time greater than start_time and up to "
                f"{LONGEST_POSITION:.0f} seconds"
            )
        title = self.title or ""
        if len(title) > LONGEST_TITLE or not title.isprintable():
            raise ValueError(f"title must be up to {LONGEST_TITLE} printable characters")
        if self.thumbnail_path and _kind_of(self.thumbnail_path) is not Kind.IMAGE:
            raise ValueError("thumbnail_path must be a picture: JPEG, PNG, WebP, AVIF or GIF")


class Uploads:
    def __init__(self, parts: Tools, clips: Clips, deletion: Deletion) -> None:
        self._parts = parts
        self._clips = clips
        self._deletion = deletion

    def upload(self, viewer: Viewer, new: NewFile, progress: Progress | None) -> UUID:
        """The id of a clip whose bytes are in storage, verified.

        Raises NotFound if there is no such video, UnmovableFile, Unavailable.
        """
        clip = self._clip_of(new)
        with _opened(new.path) as source:
            if self._clips.add(viewer, clip) is None:
                raise no_such_video()
            try:
                if new.thumbnail_path:
                    self._upload_thumbnail(new.thumbnail_path, clip)
                place = Place(self._parts.containers.clips, clip.blob_name)
                content_type = clip.content_type or "application/octet-stream"
                told = counted(progress, source.size)
                self._parts.transfer.upload(place, source, content_type, told)
            except BaseException:
                self._remove(viewer, clip.id)
                raise
        return clip.id

    def _clip_of(self, new: NewFile) -> NewClip:
        clip_id, type_ = uuid4(), names.type_of(_real(new.path))
        name = blob_names.clip_blob(new.video_id, clip_id, type_.extension)
        return NewClip(
            id=clip_id,
            video_id=new.video_id,
            title=(new.title or "").strip() or None,
            start_time=new.start_time,
            end_time=new.end_time,
            blob_name=name,
            blob_url=self._parts.account.url(self._parts.containers.clips, name),
            content_type=media_types.servable(type_.content_type),
        )

    def _upload_thumbnail(self, path: AnyPath, clip: NewClip) -> None:
        container = self._parts.containers.thumbnails
        type_ = names.type_of(_real(path))
        name = blob_names.own_thumbnail(clip.video_id, clip.id, type_.extension)
        with _opened(path) as source:
            place = Place(container, name)
            self._parts.transfer.upload(place, source, type_.content_type, lambda _: None)
        url = self._parts.account.url(container, name)
        self._parts.moving.bring_thumbnails([BroughtThumbnail(clip.id, name, url)])

    def _remove(self, viewer: Viewer, clip_id: UUID) -> None:
        """As far as that is possible now: what made the upload fail is what the caller is told."""
        try:
            self._deletion.delete_clip(viewer, clip_id)
        except Unavailable as error:
            _log.warning("The cleanup will remove the clip %s: %s", clip_id, error)


def counted(progress: Progress | None, total: int) -> Callable[[int], None]:
    """Adds up what a transfer tells, from whatever threads."""
    lock, done = threading.Lock(), 0

    def add(size: int) -> None:
        nonlocal done
        if progress is not None:
            with lock:
                done += size
                progress(done, total)

    return add


def _real(path: AnyPath) -> bytes:
    """Links are followed here, as everybody expects of a file that the caller names."""
    return os.fsencode(Path(path).resolve())


@contextmanager
def _opened(path: AnyPath) -> Iterator[FileSource]:
    folder, _, name = _real(path).rpartition(b"/")
    try:
        with files.opened(folder or b"/", name) as source:
            yield source
    except UnmovableFile as error:
        error.add_note(f"The file is {os.fspath(path)!r}.")
        raise


def _kind_of(path: AnyPath) -> Kind:
    return names.type_of(_real(path)).kind
