"""Clips from Python, for pipelines that run beside the app: upload, download, links.

The functions of this module share one pipeline of the environment's settings, made when first
needed; whoever wants several, or an end to it, uses Pipeline. All may be called from many
threads at once. docs/python-api.md has examples.
"""

import atexit
import math
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import UUID, uuid4

from clips.access import Access, AccessTerms
from clips.archive import Archive
from clips.deletion import Deletion
from clips.lookup import find, no_such_video
from clips.migration import files, names
from clips.migration.compose import tools
from clips.migration.files import FileSource
from clips.migration.names import Kind
from clips.storyboards import Storyboards
from shared import blob_names, media_types
from shared.catalogue import Clips, Grants, NewClip, Upkeep, Users, Videos
from shared.catalogue.moving import BroughtThumbnail
from shared.clock import utc_now
from shared.errors import WrongState
from shared.model import Clip, ClipStatus, RehydratePriority, SignedLink, Variant, Viewer
from shared.settings import MoveSettings, read_move_settings
from shared.storage import RETRY_FOR_MINUTES, Blobs, Place, RetryPolicy, TierCheck

type Progress = Callable[[int, int], object]
"""Is told how many bytes are done, and of how many; from any thread, one call at a time."""

type AnyClip = Clip | UUID | str
"""A clip, or its id."""

# Links that a pipeline hands out are on record under this name.
_SUBJECT = "urn:cliplink:pipeline"
_LONGEST_TITLE = 500
_MOST_HOURS = 168


class Pipeline:
    """Sees every video and clip, as an admin does; `at_once` is how many requests storage gets."""

    def __init__(
        self,
        settings: MoveSettings,
        *,
        at_once: int = 8,
        retry_policy: RetryPolicy = RETRY_FOR_MINUTES,
    ) -> None:
        self._open = ExitStack()
        parts = self._open.enter_context(
            tools(settings, at_once=at_once, retry_policy=retry_policy)
        )
        self._parts = parts
        self._containers = parts.containers
        blobs = Blobs(parts.account)
        self._clips = Clips(parts.database)
        self._users = Users(parts.database)
        self._deletion = Deletion(
            blobs,
            parts.containers,
            self._clips,
            Videos(parts.database),
            Upkeep(parts.database),
        )
        grants = Grants(parts.database, utc_now)
        self._access = Access(
            self._clips,
            grants,
            parts.containers,
            parts.links,
            Storyboards(utc_now, blobs, parts.containers, parts.links, grants),
            Archive(
                utc_now, blobs, parts.containers, TierCheck(parts.account, parts.links).is_readable
            ),
        )

    @classmethod
    def from_environment(cls, *, at_once: int = 8) -> Self:
        """Raises SettingsError, which names every setting that is missing or wrong."""
        return cls(read_move_settings(), at_once=at_once)

    def upload_clip(
        self,
        path: str | os.PathLike[str],
        video_id: UUID | str,
        start_time: float,
        end_time: float,
        thumbnail_path: str | os.PathLike[str] | None = None,
        title: str | None = None,
        *,
        progress: Progress | None = None,
    ) -> Clip:
        """Makes a clip of a file and returns it as it then is, `awaiting_upload` mostly.

        The bytes are in storage and verified then; the app makes metadata and images, and the
        clip `ready`. Where anything goes wrong, no clip is left. Raises ValueError, NotFound if
        there is no such video, UnmovableFile, StorageUnavailable, DatabaseUnavailable.
        """
        source, image = _Local(path), _Local(thumbnail_path) if thumbnail_path else None
        if image is not None and names.type_of(image.name).kind is not Kind.IMAGE:
            raise ValueError("thumbnail_path must be a picture: JPEG, PNG, WebP, AVIF or GIF")
        new = self._new_clip(source, UUID(str(video_id)), (start_time, end_time), title)
        with source.opened() as opened:
            total, viewer = opened.size, self._viewer()
            if self._clips.add(viewer, new) is None:
                raise no_such_video()
            try:
                if image is not None:
                    self._upload_thumbnail(image, new)
                place = Place(self._containers.clips, new.blob_name)
                content_type = new.content_type or "application/octet-stream"
                self._parts.transfer.upload(place, opened, content_type, _counted(progress, total))
            except BaseException:
                self._deletion.delete_clip(viewer, new.id)
                raise
        return find(self._clips, viewer, new.id)

    def download_clip(
        self,
        clip: AnyClip,
        directory: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
    ) -> Path:
        """Writes a clip into a directory, as `{clip_id}` with its extension; returns the path.

        The file is whole and verified when it appears; a call that broke off is gone on with by
        the next one. Raises NotFound, WrongState before anything was uploaded, BlobMissing,
        BlobArchived, StorageUnavailable, OSError.
        """
        found = find(self._clips, self._viewer(), _id_of(clip))
        if found.blob_name is None or found.status is ClipStatus.AWAITING_UPLOAD:
            raise WrongState(f"The clip has no file yet: it is {found.status}.")
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{found.id}{blob_names.extension_of(found.blob_name)}"
        place = Place(self._containers.clips, found.blob_name)
        self._parts.transfer.download(place, target, _counted(progress, found.file_size or 0))
        return target

    def generate_clip_access_url(self, clip: AnyClip, expiry_hours: float = 24) -> str:
        """A link that plays a clip for so many hours, up to 168; it is on record.

        Raises ValueError, NotFound, WrongState if the clip is not ready or is archived.
        """
        if not 0 < expiry_hours <= _MOST_HOURS:
            raise ValueError(f"expiry_hours must be at most {_MOST_HOURS}, and more than 0")
        terms = AccessTerms(
            life=timedelta(hours=expiry_hours), ip=None, download=None, variant=Variant.CLIP
        )
        link = self._access.link(self._viewer(), _id_of(clip), terms, RehydratePriority.STANDARD)
        if not isinstance(link, SignedLink):
            raise WrongState("The clip is being fetched from the archive. Ask again in some hours.")
        return link.url

    def close(self) -> None:
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _viewer(self) -> Viewer:
        return Viewer(self._users.id_of(_SUBJECT, None), as_admin=True)

    def _new_clip(
        self, source: "_Local", video_id: UUID, times: tuple[float, float], title: str | None
    ) -> NewClip:
        start, end = times
        if not (0 <= start < end and math.isfinite(end)):
            raise ValueError("start_time must be 0 or more, and end_time greater than start_time")
        if title is not None and (len(title) > _LONGEST_TITLE or not title.isprintable()):
            raise ValueError(f"title must be up to {_LONGEST_TITLE} printable characters")
        clip_id, type_ = uuid4(), names.type_of(source.name)
        name = blob_names.clip_blob(video_id, clip_id, type_.extension)
        return NewClip(
            id=clip_id,
            video_id=video_id,
            title=(title or "").strip() or None,
            start_time=start,
            end_time=end,
            blob_name=name,
            blob_url=self._parts.account.url(self._containers.clips, name),
            content_type=media_types.servable(type_.content_type),
        )

    def _upload_thumbnail(self, image: "_Local", clip: NewClip) -> None:
        container = self._containers.thumbnails
        type_ = names.type_of(image.name)
        name = blob_names.own_thumbnail(clip.video_id, clip.id, type_.extension)
        with image.opened() as opened:
            place = Place(container, name)
            self._parts.transfer.upload(place, opened, type_.content_type, lambda _: None)
        url = self._parts.account.url(container, name)
        self._parts.moving.bring_thumbnails([BroughtThumbnail(clip.id, name, url)])


class _Local:
    """A file that the caller names; here links are followed, as everybody expects."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        full = os.fsencode(Path(path).resolve())
        self.folder, _, self.name = full.rpartition(b"/")

    def opened(self) -> AbstractContextManager[FileSource]:
        return files.opened(self.folder or b"/", self.name)


def _id_of(clip: AnyClip) -> UUID:
    return clip.id if isinstance(clip, Clip) else UUID(str(clip))


def _counted(progress: Progress | None, total: int) -> Callable[[int], None]:
    """Adds up what a transfer tells, from whatever threads."""
    lock, done = threading.Lock(), 0

    def add(size: int) -> None:
        nonlocal done
        if progress is not None:
            with lock:
                done += size
                progress(done, total)

    return add


_lock = threading.Lock()
_shared: list[Pipeline] = []


def _pipeline() -> Pipeline:
    with _lock:
        if not _shared:
            _shared.append(Pipeline.from_environment())
            atexit.register(_shared[0].close)
        return _shared[0]


def upload_clip(
    path: str | os.PathLike[str],
    video_id: UUID | str,
    start_time: float,
    end_time: float,
    thumbnail_path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    *,
    progress: Progress | None = None,
) -> Clip:
    """As `Pipeline.upload_clip`."""
    return _pipeline().upload_clip(
        path, video_id, start_time, end_time, thumbnail_path, title, progress=progress
    )


def download_clip(
    clip: AnyClip, directory: str | os.PathLike[str], *, progress: Progress | None = None
) -> Path:
    """As `Pipeline.download_clip`."""
    return _pipeline().download_clip(clip, directory, progress=progress)


def generate_clip_access_url(clip: AnyClip, expiry_hours: float = 24) -> str:
    """As `Pipeline.generate_clip_access_url`."""
    return _pipeline().generate_clip_access_url(clip, expiry_hours)
