"""Uploads of local files, as new clips or as the source of a video: the row, then the bytes.

After a failure there is no new clip; a source awaits its upload again, or stays what it was.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from clips.library import Library
from clips.pipeline.cut import check_range, check_title
from clips.transfer.context import TransferContext
from clips.transfer.file_types import FileKind, type_of
from clips.transfer.local_file import LocalFile, open_file
from clips.upkeep.deletion import ClipRemover
from shared import blob_names
from shared.catalogue.cutting.source_queries import Sources
from shared.catalogue.migration.migration_clip_queries import LegacyThumbnail, MigrationClips
from shared.errors import Unavailable, UnusableFile
from shared.model.clip import Clip, ClipDraft
from shared.model.user import Viewer
from shared.refusals import no_such_video
from shared.storage.files.stored import Place

_log = logging.getLogger(__name__)

type AnyPath = str | os.PathLike[str]

# Called with the bytes done and the total; by any thread, one call at a time.
type Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file and the fields of the clip that it becomes; raises ValueError."""

    path: AnyPath
    video_id: UUID
    start_time: float
    end_time: float
    thumbnail_path: AnyPath | None
    title: str | None

    def __post_init__(self) -> None:
        check_range(self.start_time, self.end_time)
        check_title(self.title)
        if self.thumbnail_path and _kind_of(self.thumbnail_path) is not FileKind.IMAGE:
            raise ValueError("thumbnail_path must be a picture: JPEG, PNG, WebP, AVIF or GIF")


class Uploads:
    def __init__(self, context: TransferContext, library: Library, remover: ClipRemover) -> None:
        self._context = context
        self._containers = context.containers
        self._library = library
        self._remover = remover

    def upload(self, viewer: Viewer, new: NewFile, progress: Progress | None) -> UUID:
        """The id of a new clip whose bytes are in storage and verified.

        Raises NotFound if there is no such video, UnusableFile, Unavailable.
        """
        with _opened(new.path) as source:
            clip = self._library.add(viewer, _draft(new))
            try:
                if new.thumbnail_path:
                    self._upload_thumbnail(new.thumbnail_path, clip)
                self._upload_clip(source, clip, progress)
            except BaseException:
                self._remove(viewer, clip.id)
                raise
        return clip.id

    def upload_source(
        self, viewer: Viewer, path: AnyPath, video_id: UUID, progress: Progress | None
    ) -> None:
        """Raises NotFound if there is no such video, UnusableFile, Unavailable."""
        with _opened(path) as source:
            type_ = type_of(_real(path))
            name = blob_names.source_blob(video_id, type_.extension)
            sources = Sources(self._context.database)
            if sources.announce(viewer, video_id, name, type_.content_type) is None:
                raise no_such_video()
            count = byte_counter(progress, source.size)
            place = Place(self._containers.videos, name)
            self._context.transfer.upload(place, source, type_.content_type, count)

    def _upload_clip(self, source: LocalFile, clip: Clip, progress: Progress | None) -> None:
        assert clip.blob_name is not None  # noqa: S101 - a new clip has a name for its blob
        place = Place(self._containers.clips, clip.blob_name)
        content_type = clip.content_type or "application/octet-stream"
        count = byte_counter(progress, source.size)
        self._context.transfer.upload(place, source, content_type, count)

    def _upload_thumbnail(self, path: AnyPath, clip: Clip) -> None:
        container = self._containers.thumbnails
        type_ = type_of(_real(path))
        name = blob_names.legacy_thumbnail(clip.video_id, clip.id, type_.extension)
        with _opened(path) as source:
            place = Place(container, name)
            self._context.transfer.upload(place, source, type_.content_type, lambda _: None)
        url = self._context.account.url(container, name)
        thumbnail = LegacyThumbnail(clip.id, name, url)
        MigrationClips(self._context.database).set_legacy_thumbnails([thumbnail])

    def _remove(self, viewer: Viewer, clip_id: UUID) -> None:
        """Removes the clip as far as possible now; the caller gets the error of the upload."""
        try:
            self._remover.remove(viewer, clip_id)
        except Unavailable as error:
            _log.warning("The cleanup will remove the clip %s: %s", clip_id, error)


def _draft(new: NewFile) -> ClipDraft:
    extension = type_of(_real(new.path)).extension
    return ClipDraft(
        video_id=new.video_id,
        start_time=new.start_time,
        end_time=new.end_time,
        title=(new.title or "").strip() or None,
        filename=f"clip{extension}",
    )


def byte_counter(progress: Progress | None, total: int) -> Callable[[int], None]:
    """Adds up the bytes that the threads of a transfer report."""
    lock, done = threading.Lock(), 0

    def add(size: int) -> None:
        nonlocal done
        if progress is not None:
            with lock:
                done += size
                progress(done, total)

    return add


def _real(path: AnyPath) -> bytes:
    """The path with symbolic links resolved, as usual for a file that the caller names."""
    return os.fsencode(Path(path).resolve())


@contextmanager
def _opened(path: AnyPath) -> Iterator[LocalFile]:
    folder, _, name = _real(path).rpartition(b"/")
    try:
        with open_file(folder or b"/", name) as source:
            yield source
    except UnusableFile as error:
        error.add_note(f"The file is {os.fspath(path)!r}.")
        raise


def _kind_of(path: AnyPath) -> FileKind:
    return type_of(_real(path)).kind
