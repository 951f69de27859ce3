"""Blobs without a sidecar: they become clips or sources of their video, or are listed.

The rules are those of the blob trigger: a blob below a video becomes a clip of it, with the times
and the title of its metadata. The folder of a blob names its video, so even a video without a row
and without a sidecar can be made, if the operator names its owner.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

from clips.ingest.landing import landing_of
from clips.rebuild.inventory import StoredBlobs
from clips.rebuild.report import Report
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.blob_names.foreign import check_storable, is_companion, is_folder_stub
from shared.catalogue.ingest.admission import Verdict
from shared.catalogue.rebuild.rebuild_queries import Rebuilding
from shared.model.blob import Blob
from shared.model.media_types import of_name, servable

# Called with the name of the last blob that was compared, and their number since the last call.
type OnBlobs = Callable[[str, int], object]


class FoundBlobs:
    """`planned_videos` and `planned_blobs` are those that a dry run would have restored."""

    def __init__(
        self,
        blobs: StoredBlobs,
        containers: Containers,
        catalogue: Rebuilding,
        url: Callable[[str, str], str],
        report: Report,
        owner: UUID | None,
        planned_videos: set[UUID],
        planned_blobs: set[int],
    ) -> None:
        self._blobs = blobs
        self._containers = containers
        self._catalogue = catalogue
        self._url = url
        self._report = report
        self._owner = owner
        self._planned_videos = planned_videos
        self._planned_blobs = planned_blobs

    def run_clips(self, progress: OnBlobs) -> None:
        """Makes clips of blobs that no row has; raises Unavailable."""
        container = self._containers.clips
        for page in self._blobs.pages(container, metadata=True):
            films = {b.name: b for b in page if _may_be_clip(b)}
            holders = self._catalogue.holders(films)
            without = {
                name: blob
                for name, blob in films.items()
                if name not in holders and hash(name) not in self._planned_blobs
            }
            videos = self._videos({n: v for n in without if (v := blob_names.video_id_of(n))})
            for name in videos:
                self._add_clip(without[name], videos[name])
            if page:
                progress(page[-1].name, len(page))

    def run_sources(self, progress: OnBlobs) -> None:
        """Makes sources of blobs that no row has; raises Unavailable."""
        container = self._containers.videos
        for page in self._blobs.pages(container):
            files = {b.name: b for b in page if blob_names.video_id_of_source(b.name) and b.size}
            known = self._catalogue.known_sources(list(files))
            without = {
                name: blob
                for name, blob in files.items()
                if name not in known and hash(name) not in self._planned_blobs
            }
            videos = self._videos(
                {n: v for n in without if (v := blob_names.video_id_of_source(n))}
            )
            for name, video_id in videos.items():
                self._add_source(without[name], video_id)
            if page:
                progress(page[-1].name, len(page))

    def _videos(self, of: Mapping[str, UUID]) -> Mapping[str, UUID]:
        """The names whose video exists; unknown videos are made if an owner is given."""
        known = set(self._catalogue.hidden(list(set(of.values())))) | self._planned_videos
        for video_id in sorted(set(of.values()) - known):
            if self._owner is None:
                continue
            if self._report.dry_run:
                self._planned_videos.add(video_id)
            else:
                self._catalogue.add_found_video(video_id, self._owner)
            self._report.found["videos"] += 1
            known.add(video_id)
        for video_id in of.values():
            if video_id not in known:
                self._report.add_unknown(video_id)
        return {name: video_id for name, video_id in of.items() if video_id in known}

    def _add_clip(self, blob: Blob, video_id: UUID) -> None:
        url = self._url(self._containers.clips, blob.name)
        if self._report.dry_run:
            self._report.found["clips"] += 1
            return
        verdict = self._catalogue.add_found_clip(landing_of(blob, url, video_id))
        if verdict is Verdict.PROCESS:
            self._report.found["clips"] += 1
        elif verdict is Verdict.UNKNOWN_VIDEO:
            self._report.leave_out(blob.name, "video_deleted", "Its video is deleted.")
        else:
            self._report.leave_out(blob.name, "deleted", "Its clip was deleted.")

    def _add_source(self, blob: Blob, video_id: UUID) -> None:
        content_type = servable(blob.content_type) or of_name(blob.name)
        made = self._report.dry_run or self._catalogue.add_found_source(
            video_id, blob.name, content_type, blob.last_modified
        )
        if made:
            self._report.found["sources"] += 1


def _may_be_clip(blob: Blob) -> bool:
    """Whether the blob trigger would make a clip of it."""
    return (
        blob_names.video_id_of(blob.name) is not None
        and not is_companion(blob.name)
        and not is_folder_stub(blob)
        and check_storable(blob.name) is None
    )
