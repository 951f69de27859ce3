"""Sources: the file of a whole video, uploaded once, from which clips are cut."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from clips.library import Library
from clips.links.access import Access
from clips.links.storyboards import Storyboards
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.cutting.source_queries import Sources
from shared.errors import BlobChanged, BlobMissing, NotFound
from shared.model import media_types
from shared.model.clip import ClipStatus, Upload
from shared.model.cutting import ShownSource, Source
from shared.model.user import Viewer
from shared.refusals import no_such_video
from shared.storage.sdk.blobs import Blobs

_STORYBOARD_LIFE = timedelta(hours=24)


class VideoSources:
    def __init__(
        self,
        sources: Sources,
        library: Library,
        access: Access,
        storyboards: Storyboards,
        blobs: Blobs,
        containers: Containers,
    ) -> None:
        self._sources = sources
        self._library = library
        self._access = access
        self._storyboards = storyboards
        self._blobs = blobs
        self._containers = containers

    def announce(
        self, viewer: Viewer, video_id: UUID, filename: str | None, content_type: str | None
    ) -> ShownSource:
        """The source of a video and a link to upload its bytes; raises NotFound.

        An existing source stays as it is until the new file has landed.
        """
        name = blob_names.source_blob(video_id, blob_names.extension_of(filename))
        content_type = media_types.upload_type(content_type, filename)
        source = self._sources.announce(viewer, video_id, name, content_type)
        if source is None:
            raise no_such_video()
        upload = self._access.upload_to(
            viewer, self._containers.videos, name, video_id, content_type
        )
        return ShownSource(source, self._storyboard(viewer, source), upload)

    def read(self, viewer: Viewer, video_id: UUID) -> ShownSource:
        """Raises NotFound, StorageUnavailable."""
        source = self._find(viewer, video_id)
        return ShownSource(
            source, self._storyboard(viewer, source), self._pending_upload(viewer, source)
        )

    def delete(self, viewer: Viewer, video_id: UUID) -> None:
        """Removes the file, its images and the row, in this order; raises NotFound.

        Clips that were cut out of it stay. A call that was cut off can be repeated.
        """
        self._find(viewer, video_id)
        for name in self._names(video_id):
            self._blobs.delete(self._containers.videos, name)
        images = blob_names.derived_prefix(video_id, video_id)
        self._blobs.delete_prefix(self._containers.thumbnails, images)
        self._sources.remove(video_id)

    def _find(self, viewer: Viewer, video_id: UUID) -> Source:
        source = self._sources.get(viewer, video_id)
        if source is None:
            self._library.read_video(viewer, video_id)
            raise NotFound("The video has no source.")
        return source

    def _pending_upload(self, viewer: Viewer, source: Source) -> Upload | None:
        if source.status is not ClipStatus.AWAITING_UPLOAD:
            return None
        return self._access.upload_to(
            viewer,
            self._containers.videos,
            source.blob_name,
            source.video_id,
            source.content_type,
        )

    def _storyboard(self, viewer: Viewer, source: Source) -> str | None:
        if source.storyboard_name is None:
            return None
        try:
            return self._storyboards.link_to(
                viewer, source.video_id, source.video_id, source.storyboard_name, _STORYBOARD_LIFE
            ).url
        except (BlobMissing, BlobChanged):
            return None  # it is being replaced at this moment

    def _names(self, video_id: UUID) -> Sequence[str]:
        """All blobs that are files of this video, whatever their extension."""
        prefix = blob_names.source_blob(video_id, "")
        pages = self._blobs.pages(self._containers.videos, prefix)
        return [
            blob.name
            for page in pages
            for blob in page
            if blob_names.video_id_of_source(blob.name) == video_id
        ]
