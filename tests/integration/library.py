"""Makes and reads a user's videos, clips and blobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContentSettings

from clips.bin.worker import LEASE
from clips.upkeep.items import Tally
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.bin.deletion_queries import Deletions
from shared.catalogue.library.clip_queries import NewClip
from shared.model.blob import RehydratePriority
from shared.model.clip import Clip
from shared.model.link import AccessTerms, ImageFormat, SignedLink
from shared.model.user import User, Viewer
from shared.model.video import Video
from tests.services import AllServices


@dataclass
class Library:
    """The videos, clips and blobs of one user."""

    services: AllServices
    subject: str = "alice"
    user: User = field(init=False)
    video: Video = field(init=False)

    def __post_init__(self) -> None:
        user_id = self.services.users.id_of(self.subject, None)
        self.user = User(user_id, self.subject, frozenset())
        video = self.services.videos.add(user_id, "A video", None)
        assert video is not None
        self.video = video

    def announce(self, extension: str = ".mp4", title: str | None = None) -> Clip:
        """A clip made through the API, before its upload."""
        clip_id = uuid4()
        name = blob_names.clip_blob(self.video.id, clip_id, extension)
        clip = self.services.clips.add(
            self.viewer,
            NewClip(
                id=clip_id,
                video_id=self.video.id,
                title=title,
                start_time=1.0,
                end_time=4.0,
                blob_name=name,
                blob_url=self.services.account.url(self.containers.clips, name),
                content_type="video/mp4",
            ),
        )
        assert clip is not None
        return clip

    def upload(
        self, name: str, data: bytes, metadata: dict[str, str] | None = None, kind: str = "clips"
    ) -> str:
        """Writes a blob without the API; returns its ETag."""
        container = f"{self.containers.prefix}-{kind}"
        answer = self.services.account.client.get_blob_client(container, name).upload_blob(
            data,
            overwrite=True,
            metadata=metadata,
            content_settings=ContentSettings(content_type="application/octet-stream"),
        )
        return str(answer["etag"]).strip('"')

    def landed(self, data: bytes, title: str | None = None) -> Clip:
        """An announced clip whose upload has been processed."""
        clip = self.announce(title=title)
        assert clip.blob_name is not None
        self.upload(clip.blob_name, data)
        self.services.ingest.landed(clip.blob_name)
        return self.clip(clip.id)

    def clip(self, clip_id: UUID) -> Clip:
        clip = self.services.clips.get(self.viewer, clip_id)
        assert clip is not None
        return clip

    def link(self, clip: Clip, terms: AccessTerms) -> SignedLink:
        """The link that the owner gets."""
        answer = self.services.access.link(self.viewer, clip.id, terms, RehydratePriority.STANDARD)
        assert isinstance(answer, SignedLink)
        return answer

    def clips(self) -> list[Clip]:
        return list(self.services.clips.page(self.viewer, self.video.id, 1000, None, None))

    def blobs(self, kind: str = "clips") -> set[str]:
        container = f"{self.containers.prefix}-{kind}"
        return {b.name for page in self.services.blobs.pages(container) for b in page}

    def images_of(self, clip: Clip) -> set[str]:
        """The expected names of all blobs of a clip's images."""
        images, at = clip.images, (clip.video_id, clip.id)
        names = {
            blob_names.poster_size(*at, width, image_format)
            for width in images.poster_widths
            for image_format in ImageFormat
        }
        names |= {n for n in (images.poster_name, images.preview_name) if n is not None}
        if images.storyboard_name is not None:
            names |= {images.storyboard_name, blob_names.storyboard_sheet(*at)}
        return names

    def clean_up(self) -> Mapping[str, int]:
        """Runs a cleanup and the deletions that it queues; returns their counts."""
        self.make_due()
        report = self.services.cleanup.run()
        deleted = self.work_off()
        self.services.sidecars.drain(60)  # of the deleted rows
        return report | {"deleted": deleted}

    def work_off(self) -> int:
        """Finishes all due deletions and restores; returns their number."""
        worker, rows = self.services.deletions, Deletions(self.services.database)
        tally = Tally()
        for video_id in rows.videos.due(100):
            video = rows.videos.take(video_id, LEASE)
            if video is not None:
                tally.add(worker.process_video(video, lambda: True))
        tally.add(worker.process_due(lambda: True))
        if tally.outages:
            raise tally.outages[0]
        return tally.done

    def make_due(self) -> None:
        """Ends the leases of dead calls and workers, and the pauses after failures."""
        for table in ("clips", "videos"):
            due = "SET next_try_at = now() WHERE next_try_at > now()"
            self.services.database.run(f"UPDATE {table} {due}", {})

    def everything_stored(self) -> set[str]:
        """The names of all blobs but sidecars, which follow their rows."""
        kinds = ("videos", "clips", "thumbnails", "temp", "bin")
        names = set().union(*map(self.blobs, kinds))
        return {name for name in names if not blob_names.is_sidecar(name)}

    def read(self, kind: str, name: str) -> bytes | None:
        container = f"{self.containers.prefix}-{kind}"
        try:
            data = self.services.account.client.get_blob_client(container, name).download_blob()
        except ResourceNotFoundError:
            return None
        return data.readall()

    @property
    def viewer(self) -> Viewer:
        return Viewer(self.user.id)

    @property
    def containers(self) -> Containers:
        return self.services.containers
