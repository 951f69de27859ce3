"""The Python API, for pipelines that run beside the app: upload, download, links.

The functions of this module share one Pipeline with the settings of the environment, made by the
first call. Use the class for several pipelines, or to close one. Everything may be called by many
threads at once. docs/python-api.md has examples.
"""

import atexit
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

from clips.library import Library
from clips.links.access import Access, AccessTerms
from clips.links.archive import Archive
from clips.links.storyboards import Storyboards
from clips.pipeline.uploads import AnyPath, NewFile, Progress, Uploads, byte_counter
from clips.transfer.context import open_transfer
from clips.upkeep.deletion import Deletion
from shared import blob_names
from shared.catalogue import Clips, Grants, Retention, Upkeep, Users, Videos, ViewLog
from shared.clock import utc_now
from shared.errors import WrongState
from shared.model import Clip, ClipStatus, RehydratePriority, SignedLink, Variant, Viewer
from shared.settings import TransferSettings, read_transfer_settings
from shared.storage import RETRY_FOR_MINUTES, Blobs, Place, RetryPolicy, TierCheck

type AnyClip = Clip | UUID | str
"""A clip, or its id."""

# The subject of the user to whom links of a pipeline are granted.
_SUBJECT = "urn:cliplink:pipeline"
_MAX_HOURS = 168


class Pipeline:
    """Has access to every video and clip, as an admin; `at_once` bounds the requests to storage."""

    def __init__(
        self,
        settings: TransferSettings,
        *,
        at_once: int = 8,
        retry_policy: RetryPolicy = RETRY_FOR_MINUTES,
    ) -> None:
        self._open = ExitStack()
        context = self._open.enter_context(
            open_transfer(settings, at_once=at_once, retry_policy=retry_policy)
        )
        self._context = context
        self._containers = context.containers
        blobs = Blobs(context.account)
        users, videos = Users(context.database), Videos(context.database)
        clips, upkeep = Clips(context.database), Upkeep(context.database)
        grants = Grants(context.database, utc_now)
        tier_check = TierCheck(context.account, context.links)
        self._users = users
        self._access = Access(
            clips,
            grants,
            context.containers,
            context.links,
            Storyboards(utc_now, blobs, context.containers, context.links, grants),
            Archive(utc_now, blobs, context.containers, tier_check.is_readable),
        )
        self._library = Library(
            users=users,
            videos=videos,
            clips=clips,
            view_log=ViewLog(context.database),
            retention=Retention(context.database),
            access=self._access,
            account=context.account,
            blobs=blobs,
            containers=context.containers,
        )
        deletion = Deletion(blobs, context.containers, clips, videos, upkeep)
        self._uploads = Uploads(context, self._library, deletion)

    @classmethod
    def from_environment(cls, *, at_once: int = 8) -> Self:
        """Raises SettingsError, which names every setting that is missing or wrong."""
        return cls(read_transfer_settings(), at_once=at_once)

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
        """Uploads a file as a new clip and returns the clip, usually `awaiting_upload`.

        By then the bytes are in storage and verified; the app adds metadata and images and makes
        the clip `ready`. After any error there is no clip. Raises ValueError, NotFound if there
        is no such video, UnusableFile, StorageUnavailable, DatabaseUnavailable.
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
        return self._library.find(viewer, self._uploads.upload(viewer, new, progress))

    def download_clip(
        self,
        clip: AnyClip,
        directory: AnyPath,
        *,
        progress: Progress | None = None,
    ) -> Path:
        """Writes a clip into a directory, as `{clip_id}` with its extension; returns the path.

        The file is complete and verified when it appears; the next call continues one that was
        interrupted. Raises NotFound, WrongState if nothing was uploaded yet, BlobMissing,
        BlobChanged, BlobArchived, StorageUnavailable, OSError.
        """
        found = self._library.find(self._viewer(), _id_of(clip))
        if found.blob_name is None or found.status is ClipStatus.AWAITING_UPLOAD:
            raise WrongState(f"The clip has no file yet: it is {found.status}.")
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{found.id}{blob_names.extension_of(found.blob_name)}"
        place = Place(self._containers.clips, found.blob_name)
        self._context.transfer.download(place, target, byte_counter(progress, found.file_size or 0))
        return target

    def generate_clip_access_url(self, clip: AnyClip, expiry_hours: float = 24) -> str:
        """Returns a link that plays a clip for so many hours, up to 168; the grant is recorded.

        Raises ValueError, NotFound, WrongState if the clip is not ready or is archived.
        """
        if not 0 < expiry_hours <= _MAX_HOURS:
            raise ValueError(f"expiry_hours must be at most {_MAX_HOURS}, and more than 0")
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
