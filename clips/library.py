"""Videos and clips as callers see them: create, list, read, change, count views.

The one service for videos and clips: the HTTP handlers and the Python API call it. Every method
takes the viewer, who sees their own videos and clips, or everyone's as an admin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from clips.links.access import Access
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.library.clip_queries import Clips, NewClip, ViewLog
from shared.catalogue.library.user_queries import Users
from shared.catalogue.library.video_queries import Videos
from shared.catalogue.row_mapping import StartKey, TimeKey
from shared.catalogue.upkeep.retention_queries import Retentions
from shared.errors import BlobMissing, DatabaseUnavailable
from shared.model import media_types
from shared.model.blob import Blob
from shared.model.clip import Clip, ClipDraft, ClipStatus, ClipUpdate, ShownClip, Upload
from shared.model.user import RetryKey, User, Viewer
from shared.model.video import RetentionForecast, Video, VideoUpdate
from shared.refusals import no_such_clip, no_such_video
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs


@dataclass(frozen=True, slots=True)
class AnnouncedClip:
    """A new clip, and how to send its bytes."""

    clip: Clip
    upload: Upload


@dataclass(frozen=True, slots=True)
class ClipMetadata:
    """A clip with the properties of its blob; None while nothing is uploaded."""

    clip: Clip
    blob: Blob | None


class Library:
    def __init__(
        self,
        *,
        users: Users,
        videos: Videos,
        clips: Clips,
        view_log: ViewLog,
        retention: Retentions,
        access: Access,
        account: StorageAccount,
        blobs: Blobs,
        containers: Containers,
    ) -> None:
        self._users = users
        self._videos = videos
        self._clips = clips
        self._view_log = view_log
        self._retention = retention
        self._access = access
        self._account = account
        self._blobs = blobs
        self._container = containers.clips

    def create_video(
        self,
        user: User,
        title: str | None,
        youtube_id: str | None,
        retry_key: RetryKey | None = None,
    ) -> Video:
        """A new video, or the one that the key created; raises KeyReused, WrongState."""
        video = self._videos.add(user.id, title, youtube_id, retry_key)
        if video is None:  # the database was emptied or restored while the app ran
            self._users.forget(user.subject)
            raise DatabaseUnavailable("The catalogue has just been replaced. Try again.")
        return video

    def list_videos(self, viewer: Viewer, limit: int, after: TimeKey | None) -> Sequence[Video]:
        """Up to `limit` of the viewer's own videos, newest first, after the one with that key."""
        return self._videos.page(viewer.user_id, limit, after)

    def read_video(self, viewer: Viewer, video_id: UUID) -> Video:
        """Raises NotFound."""
        video = self._videos.get(viewer, video_id)
        if video is None:
            raise no_such_video()
        return video

    def change_video(self, viewer: Viewer, video_id: UUID, update: VideoUpdate) -> Video:
        """The video after the change; raises NotFound."""
        video = self._videos.change(viewer, video_id, update)
        if video is None:
            raise no_such_video()
        return video

    def forecast_retention(
        self, viewer: Viewer, video_id: UUID, days: int | None
    ) -> RetentionForecast:
        """What the video's retention, or one of so many days, will delete; raises NotFound."""
        forecast = self._retention.forecast(viewer, video_id, days)
        if forecast is None:
            raise no_such_video()
        return forecast

    def announce(
        self, viewer: Viewer, draft: ClipDraft, retry_key: RetryKey | None = None
    ) -> AnnouncedClip:
        """A new clip, or the one that the key created, and a link to upload its bytes.

        Raises NotFound if there is no such video, KeyReused, WrongState if the key's clip is
        deleted. The link is signed anew: it is stored nowhere.
        """
        clip = self.add(viewer, draft, retry_key)
        return AnnouncedClip(clip, self._access.upload(viewer, clip))

    def add(self, viewer: Viewer, draft: ClipDraft, retry_key: RetryKey | None = None) -> Clip:
        """As `announce`, without a link."""
        clip_id = uuid4()
        extension = blob_names.extension_of(draft.filename)
        blob_name = blob_names.clip_blob(draft.video_id, clip_id, extension)
        clip = self._clips.add(
            viewer,
            NewClip(
                id=clip_id,
                video_id=draft.video_id,
                title=draft.title,
                start_time=draft.start_time,
                end_time=draft.end_time,
                blob_name=blob_name,
                blob_url=self._account.url(self._container, blob_name),
                content_type=media_types.upload_type(draft.content_type, draft.filename),
            ),
            retry_key,
        )
        if clip is None:
            raise no_such_video()
        return clip

    def list_clips(
        self,
        viewer: Viewer,
        video_id: UUID,
        limit: int,
        after: StartKey | None,
        status: ClipStatus | None,
    ) -> Sequence[ShownClip]:
        """Up to `limit` clips by start time, after the one with that key.

        Raises NotFound if there is no such video, StorageUnavailable.
        """
        clips = self._clips.page(viewer, video_id, limit, after, status)
        if not clips:
            self.read_video(viewer, video_id)
        return self._with_posters(viewer, clips)

    def find(self, viewer: Viewer, clip_id: UUID) -> Clip:
        """The clip without a link to its poster; raises NotFound."""
        clip = self._clips.get(viewer, clip_id)
        if clip is None:
            raise no_such_clip()
        return clip

    def read(self, viewer: Viewer, clip_id: UUID) -> ShownClip:
        """Raises NotFound, StorageUnavailable."""
        return self._with_posters(viewer, [self.find(viewer, clip_id)])[0]

    def read_many(self, viewer: Viewer, clip_ids: Sequence[UUID]) -> Mapping[UUID, ShownClip]:
        """Those of the clips that the viewer sees, by id; raises StorageUnavailable."""
        shown = self._with_posters(viewer, self._clips.get_many(viewer, clip_ids))
        return {each.clip.id: each for each in shown}

    def change(self, viewer: Viewer, clip_id: UUID, update: ClipUpdate) -> ShownClip:
        """The clip after the change; raises NotFound, StorageUnavailable."""
        clip = self._clips.change(viewer, clip_id, update)
        if clip is None:
            raise no_such_clip()
        return self._with_posters(viewer, [clip])[0]

    def record_view(self, viewer: Viewer, video_id: UUID, clip_id: UUID) -> None:
        """Counts a view; raises NotFound if that video has no such clip."""
        if not self._view_log.add(viewer, video_id, clip_id):
            raise no_such_clip()

    def metadata(self, viewer: Viewer, clip_id: UUID) -> ClipMetadata:
        """Raises NotFound, StorageUnavailable."""
        clip = self.find(viewer, clip_id)
        if clip.blob_name is None:
            return ClipMetadata(clip, None)
        try:
            return ClipMetadata(clip, self._blobs.get(self._container, clip.blob_name))
        except BlobMissing:
            return ClipMetadata(clip, None)

    def _with_posters(self, viewer: Viewer, clips: Sequence[Clip]) -> Sequence[ShownClip]:
        posters = self._access.posters(viewer, clips)
        return [ShownClip(clip, poster) for clip, poster in zip(clips, posters, strict=True)]
