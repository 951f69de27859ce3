"""Clips from Python, for pipelines that run beside the app: upload, download, links.

The functions of this module share one pipeline of the environment's settings, made when first
needed; whoever wants several, or an end to it, uses Pipeline. All may be called from many
threads at once. docs/python-api.md has examples.
"""

import atexit
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

from clips.links.access import Access, AccessTerms
from clips.links.archive import Archive
from clips.links.storyboards import Storyboards
from clips.pipeline.uploads import AnyPath, NewFile, Progress, Uploads, counted
from clips.transfer.context import tools
from clips.upkeep.deletion import Deletion
from shared import blob_names
from shared.catalogue import Clips, Grants, Upkeep, Users, Videos
from shared.clock import utc_now
from shared.errors import WrongState, no_such_clip
from shared.model import Clip, ClipStatus, RehydratePriority, SignedLink, Variant, Viewer
from shared.settings import MoveSettings, read_move_settings
from shared.storage import RETRY_FOR_MINUTES, Blobs, Place, RetryPolicy, TierCheck

type AnyClip = Clip | UUID | str
"""A clip, or its id."""

# Links that a pipeline hands out are on record under this name.
_SUBJECT = "urn:cliplink:pipeline"
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
        videos, upkeep = Videos(parts.database), Upkeep(parts.database)
        deletion = Deletion(blobs, parts.containers, self._clips, videos, upkeep)
        self._uploads = Uploads(parts, self._clips, deletion)
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
        path: AnyPath,
        video_id: UUID | str,
        start_time: float,
        end_time: float,
        thumbnail_path: AnyPath | None = None,
        title: str | None = None,
        *,
        progress: Progress | None = None,
    ) -> Clip:
        """Makes a clip of a file and returns it as it then is, `awaiting_upload` mostly.

        The bytes are in storage and verified then; the app makes metadata and images, and the
        clip `ready`. Where anything goes wrong, no clip is left. Raises ValueError, NotFound if
        there is no such video, UnmovableFile, StorageUnavailable, DatabaseUnavailable.
        """
        new = NewFile(
            path=path,
            video_id=UUID(str(video_id)),
            start_time=start_time,
            end_time=end_time,
            thumbnail_path=thumbnail_path,
            title=title,
        )
        viewer = self._viewer()
        return self._find(viewer, self._uploads.upload(viewer, new, progress))

    def download_clip(
        self,
        clip: AnyClip,
        directory: AnyPath,
        *,
        progress: Progress | None = None,
    ) -> Path:
        """Writes a clip into a directory, as `{clip_id}` with its extension; returns the path.

        The file is whole and verified when it appears; a call that broke off is gone on with by
        the next one. Raises NotFound, WrongState before anything was uploaded, BlobMissing,
        BlobArchived, StorageUnavailable, OSError.
        """
        found = self._find(self._viewer(), _id_of(clip))
        if found.blob_name is None or found.status is ClipStatus.AWAITING_UPLOAD:
            raise WrongState(f"The clip has no file yet: it is {found.status}.")
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{found.id}{blob_names.extension_of(found.blob_name)}"
        place = Place(self._containers.clips, found.blob_name)
        self._parts.transfer.download(place, target, counted(progress, found.file_size or 0))
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

    def _find(self, viewer: Viewer, clip_id: UUID) -> Clip:
        clip = self._clips.get(viewer, clip_id)
        if clip is None:
            raise no_such_clip()
        return clip

    def _viewer(self) -> Viewer:
        return Viewer(self._users.id_of(_SUBJECT, None), as_admin=True)


def _id_of(clip: AnyClip) -> UUID:
    return clip.id if isinstance(clip, Clip) else UUID(str(clip))


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


def download_clip(clip: AnyClip, directory: AnyPath, *, progress: Progress | None = None) -> Path:
    """As `Pipeline.download_clip`."""
    return _pipeline().download_clip(clip, directory, progress=progress)


def generate_clip_access_url(clip: AnyClip, expiry_hours: float = 24) -> str:
    """As `Pipeline.generate_clip_access_url`."""
    return _pipeline().generate_clip_access_url(clip, expiry_hours)
