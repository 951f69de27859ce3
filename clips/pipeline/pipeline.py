"""The class behind the Python API: one set of settings, one pool of connections."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

from clips.pipeline.cut import Cut
from clips.pipeline.parts import (
    make_access,
    make_cutting,
    make_library,
    make_remover,
    make_rendition_requests,
)
from clips.pipeline.uploads import AnyPath, NewFile, Progress, Uploads, byte_counter
from clips.transfer.context import open_transfer
from shared import blob_names
from shared.catalogue.cutting.source_queries import Sources
from shared.catalogue.library.user_queries import Users
from shared.errors import CliplinkError, NotFound, WrongState
from shared.model.blob import RehydratePriority
from shared.model.clip import Clip, ClipStatus
from shared.model.cut_method import Accuracy
from shared.model.cutting import CutDraft, Source
from shared.model.link import AccessTerms, SignedLink, Variant
from shared.model.user import Viewer
from shared.settings import TransferSettings, read_transfer_settings
from shared.storage.files.stored import Place
from shared.storage.rest import RETRY_FOR_MINUTES, RetryPolicy

# A clip, or its id.
type AnyClip = Clip | UUID | str

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
        self._users = Users(context.database)
        self._access = make_access(context)
        self._library = make_library(context, self._users, self._access)
        self._uploads = Uploads(context, self._library, make_remover(context))
        self._cutting = make_cutting(context, self._library)
        self._renditions = make_rendition_requests(context, self._library)

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

    def upload_source(
        self, path: AnyPath, video_id: UUID | str, *, progress: Progress | None = None
    ) -> Source:
        """Uploads the file of a whole video, from which clips are cut, and returns its source.

        By then the bytes are in storage and verified; the app makes the source `ready`. A source
        that the video has stays until then. Raises NotFound if there is no such video,
        UnusableFile, StorageUnavailable, DatabaseUnavailable.
        """
        self._uploads.upload_source(self._viewer(), path, UUID(str(video_id)), progress)
        return self.read_source(video_id)

    def read_source(self, video_id: UUID | str) -> Source:
        """Raises NotFound if there is no such video or it has no source, DatabaseUnavailable."""
        viewer, id_ = self._viewer(), UUID(str(video_id))
        source = Sources(self._context.database).get(viewer, id_)
        if source is None:
            self._library.read_video(viewer, id_)
            raise NotFound("The video has no source.")
        return source

    def cut_clips(
        self,
        video_id: UUID | str,
        cuts: Sequence[Cut],
        source: AnyClip | None = None,
        accuracy: str = "keyframe",
    ) -> list[Clip | CliplinkError]:
        """Orders clips of a source, and returns a clip or an error for each, in order.

        The source is the video's, or the clip `source` of the video. The clips are `processing`
        until the app has cut them. `accuracy` is `keyframe`, `edit_list` or `frame`. Raises
        ValueError, NotFound, SourceNotReady, BlobArchived, StorageUnavailable,
        DatabaseUnavailable.
        """
        drafts = [
            CutDraft(start=c.start_time, end=c.end_time, title=c.title, client_id=c.client_id)
            for c in cuts
        ]
        clip_id = None if source is None else _id_of(source)
        answers = self._cutting.cut(
            self._viewer(), UUID(str(video_id)), clip_id, Accuracy(accuracy), drafts
        )
        return [each if isinstance(each, CliplinkError) else each.clip for each in answers]

    def read_clip(self, clip: AnyClip) -> Clip:
        """The clip as it is now; raises NotFound, DatabaseUnavailable."""
        return self._library.find(self._viewer(), _id_of(clip))

    def make_playable(self, clip: AnyClip) -> Clip:
        """Requests a copy that every browser plays, unless the clip plays or has one.

        `rendition` of the clip says how far it is. Raises NotFound, WrongState if the clip is not
        ready, StorageUnavailable, DatabaseUnavailable.
        """
        viewer, clip_id = self._viewer(), _id_of(clip)
        self._renditions.request(viewer, clip_id)
        return self._library.find(viewer, clip_id)

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
            raise WrongState(f"The clip has no file yet. Its status is {found.status}.")
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{found.id}{blob_names.extension_of(found.blob_name)}"
        place = Place(self._containers.clips, found.blob_name)
        self._context.transfer.download(place, target, byte_counter(progress, found.file_size or 0))
        return target

    def generate_clip_access_url(
        self, clip: AnyClip, expiry_hours: float = 24, variant: str = "clip"
    ) -> str:
        """Returns a link that plays a clip for so many hours, up to 168; the grant is recorded.

        `variant` is one of the API's; with `play` the link opens what every browser plays. Raises
        ValueError, NotFound, WrongState if the clip is not ready, is archived or has no playable
        copy yet.
        """
        if not 0 < expiry_hours <= _MAX_HOURS:
            raise ValueError(f"expiry_hours must be at most {_MAX_HOURS}, and more than 0")
        terms = AccessTerms(
            life=timedelta(hours=expiry_hours), ip=None, download=None, variant=Variant(variant)
        )
        link = self._access.link(self._viewer(), _id_of(clip), terms, RehydratePriority.STANDARD)
        if not isinstance(link, SignedLink):
            raise WrongState(
                "The clip is being restored from the archive tier. Try again in some hours."
            )
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
