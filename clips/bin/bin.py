"""The recycle bin as callers use it: delete, list, restore, empty.

A call changes rows at once, and does as much of the work on blobs as a caller can wait for; the
queue does the rest.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from clips.bin.worker import DeletionSender, DeletionWorker
from clips.library import Library
from clips.upkeep.time_limit import MayGoOn, for_seconds
from shared.blob_names.containers import Containers
from shared.catalogue.bin.bin_content_queries import BinContents, ClipWhereabouts, Whereabouts
from shared.catalogue.bin.bin_queries import Bin
from shared.catalogue.bin.deletion_queries import Deletions, DueClip
from shared.catalogue.bin.video_deletion_queries import BinState
from shared.catalogue.row_mapping import TimeKey
from shared.errors import (
    BlobMissing,
    CliplinkError,
    GoneForGood,
    Unavailable,
    VideoInBin,
    WrongState,
)
from shared.model.clip import Clip, ShownClip
from shared.model.user import Viewer
from shared.model.video import Video
from shared.refusals import no_such_clip, no_such_video, pinned_clip
from shared.storage.sdk.blobs import Blobs
from shared.telemetry import with_current_context

_log = logging.getLogger(__name__)

# Seconds that a caller waits for work on blobs.
_CALLER_WAITS = 4.0
_CHECKS_AT_ONCE = 8
_EMPTIED_AT_ONCE = 512
# No more due clips than this are counted.
_MOST_COUNTED = 4096

# For each of many clips: the error, or None if the call succeeded.
type Outcomes = Mapping[UUID, CliplinkError | None]


class RecycleBin:
    def __init__(
        self,
        *,
        bin_: Bin,
        contents: BinContents,
        deletions: Deletions,
        worker: DeletionWorker,
        sender: DeletionSender,
        library: Library,
        blobs: Blobs,
        containers: Containers,
    ) -> None:
        self._bin = bin_
        self._contents = contents
        self._deletions = deletions
        self._worker = worker
        self._sender = sender
        self._library = library
        self._blobs = blobs
        self._containers = containers

    def delete_clip(self, viewer: Viewer, clip_id: UUID, *, permanent: bool = False) -> None:
        """Moves a clip to the bin, or deletes it permanently, even if it is in the bin already.

        The clip is hidden at once. If its blobs cannot be moved yet, that is not an error. Raises
        NotFound, Pinned.
        """
        error = self.delete_clips(viewer, [clip_id], permanent=permanent)[clip_id]
        if error is not None:
            raise error

    def delete_clips(
        self, viewer: Viewer, clip_ids: Sequence[UUID], *, permanent: bool = False
    ) -> Outcomes:
        """As `delete_clip`, for many clips, each independent of the others."""
        hidden, pinned = self._bin.hide_clips(viewer, clip_ids, permanent=permanent)
        done = {clip.id for clip in hidden}
        self._work_on(hidden)
        return {
            clip_id: None
            if clip_id in done
            else pinned_clip()
            if clip_id in pinned
            else no_such_clip()
            for clip_id in clip_ids
        }

    def delete_video(self, viewer: Viewer, video_id: UUID, *, permanent: bool = False) -> None:
        """As `delete_clip`, for a video and all its clips."""
        if not self._bin.hide_video(viewer, video_id, permanent=permanent):
            raise no_such_video()
        self._work_on_video(video_id)

    def clips(self, viewer: Viewer, limit: int, after: TimeKey | None) -> Sequence[Clip]:
        """Returns up to `limit` of the viewer's own clips in the bin, the last deleted first."""
        return self._contents.clips(viewer.user_id, limit, after)

    def videos(self, viewer: Viewer, limit: int, after: TimeKey | None) -> Sequence[Video]:
        """As `clips`, for videos."""
        return self._contents.videos(viewer.user_id, limit, after)

    def restore_clip(self, viewer: Viewer, clip_id: UUID) -> ShownClip:
        """Restores a clip and returns it; a clip that is not in the bin stays as it is.

        Raises NotFound, GoneForGood, VideoInBin, BlobMissing if its bytes are lost,
        StorageUnavailable.
        """
        error = self.restore_clips(viewer, [clip_id])[clip_id]
        if error is not None:
            raise error
        return self._library.read(viewer, clip_id)

    def restore_clips(self, viewer: Viewer, clip_ids: Sequence[UUID]) -> Outcomes:
        """As `restore_clip`, for many clips, each independent of the others.

        Raises StorageUnavailable if it cannot be checked that the bytes exist.
        """
        found = self._contents.find_clips(viewer, clip_ids)
        with ThreadPoolExecutor(_CHECKS_AT_ONCE) as pool:
            checks = [with_current_context(self._check_restorable) for _ in clip_ids]
            errors = pool.map(lambda check, clip_id: check(found.get(clip_id)), checks, clip_ids)
            outcomes = dict(zip(clip_ids, errors, strict=True))
        wanted = [
            clip_id
            for clip_id, error in outcomes.items()
            if error is None and found[clip_id].whereabouts is Whereabouts.IN_BIN
        ]
        restored = self._bin.restore_clips(viewer, wanted)
        self._work_on(restored)
        if late := set(wanted).difference(clip.id for clip in restored):
            # Another call has restored, deleted or purged these clips first.
            after = self._contents.find_clips(viewer, list(late))
            outcomes |= {clip_id: _refusal(after.get(clip_id)) for clip_id in late}
        return outcomes

    def restore_video(self, viewer: Viewer, video_id: UUID) -> Video:
        """Restores a video and the clips deleted with it; raises NotFound, GoneForGood."""
        if self._bin.restore_video(viewer, video_id):
            self._work_on_video(video_id)
            return self._library.read_video(viewer, video_id)
        match self._contents.find_video(viewer, video_id):
            case Whereabouts.IN_PLACE:
                return self._library.read_video(viewer, video_id)
            case Whereabouts.GONE:
                raise GoneForGood("The video was deleted permanently.")
            case _:
                raise no_such_video()

    def empty(self, viewer: Viewer) -> int:
        """Begins to delete the viewer's clips and videos in the bin; returns their number.

        A batch of clips is deleted at once; a message starts the deletion of the others.
        """
        emptied = self._deletions.emptied
        clips, videos = emptied.mark(viewer.user_id), emptied.delete_videos(viewer.user_id)
        begun = emptied.purge(_EMPTIED_AT_ONCE, viewer.user_id)
        more = begun == _EMPTIED_AT_ONCE
        _unless_outage(lambda: self._sender.send(begun, videos, emptied_bins=more))
        return clips + len(videos)

    def _check_restorable(self, clip: ClipWhereabouts | None) -> CliplinkError | None:
        """Why a clip cannot be restored, or None; asks storage whether its bytes exist."""
        error = _refusal(clip, in_bin_is_fine=True)
        if error is not None or clip is None or clip.blob_name is None or clip.bin_etag is None:
            return error
        if clip.whereabouts is not Whereabouts.IN_BIN:
            return None
        places = (self._containers.bin, self._containers.clips)
        if any(self._blobs.exists(container, clip.blob_name) for container in places):
            return None
        return BlobMissing("The bytes of the clip are no longer in the recycle bin.")

    def _work_on(self, clips: Sequence[DueClip]) -> None:
        may_go_on = for_seconds(_CALLER_WAITS)
        due = [clip for clip in clips if clip.lease_token is not None]
        if not due:
            return
        tally = self._worker.process_clips(due, may_go_on)
        if tally.outages:
            return  # the queue is storage too: the cleanup does the rest
        left = len(due) - tally.done - tally.failed - tally.held
        if left > 0:
            _unless_outage(lambda: self._sender.send(left))

    def _work_on_video(self, video_id: UUID) -> None:
        def work(may_go_on: MayGoOn) -> None:
            video = self._deletions.videos.held(video_id)
            if video is None:
                return
            tally = self._worker.process_video(video, may_go_on)
            if video.state is not BinState.BEING_DELETED and not tally.outages:
                tally.add(self._worker.process_due(may_go_on))
            if tally.outages:
                return  # the cleanup does the rest
            videos = [] if tally.done else [video_id]
            self._sender.send(self._deletions.count_due_clips(_MOST_COUNTED), videos)

        _unless_outage(lambda: work(for_seconds(_CALLER_WAITS)))


def _unless_outage(action: Callable[[], object]) -> None:
    """Runs an action; in an outage the cleanup does the work later."""
    try:
        action()
    except Unavailable as error:
        _log.warning("The cleanup will continue the work: %s", error.detail)


def _refusal(clip: ClipWhereabouts | None, *, in_bin_is_fine: bool = False) -> CliplinkError | None:
    if clip is None:
        return no_such_clip()
    match clip.whereabouts:
        case Whereabouts.IN_PLACE:
            return None
        case Whereabouts.GONE:
            return GoneForGood("The clip was deleted permanently.")
        case Whereabouts.VIDEO_IN_BIN:
            return VideoInBin("The clip's video is in the recycle bin. Restore the video first.")
        case Whereabouts.IN_BIN:
            deleted = WrongState("Another call has just deleted the clip again.")
            return None if in_bin_is_fine else deleted
