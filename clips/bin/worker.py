"""The work that deletions and restores leave behind: moves bytes, deletes blobs and rows.

A message of the queue is CLIPS, for a batch of clips that are due, BINS, for bins that were
emptied, or the id of a video. It may come twice, late or never: only the worker that leased a row
works on it, and the cleanup sends messages for rows that are due. Each item is independent of every
other; one that fails is tried again later.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from clips.bin.bin_mover import BinMover
from clips.upkeep.deletion import Deletion
from clips.upkeep.items import Tally
from clips.upkeep.time_limit import MayGoOn, for_seconds
from shared.catalogue.bin.deletion_queries import Deletions, DueClip
from shared.catalogue.bin.video_deletion_queries import BinState, DueVideo
from shared.errors import BlobChanged, BlobMissing, Unavailable
from shared.telemetry import span, with_current_context

_log = logging.getLogger(__name__)

# The message for a batch of clips.
CLIPS = "clips"
# The message for the clips of emptied bins.
BINS = "bins"

# Longer than a batch takes: after this time, other workers may take the rows of a worker that died.
LEASE = timedelta(minutes=15)
_BATCH = 256
_THREADS = 8
_PURGED_AT_ONCE = 2000
_WOKEN_AT_ONCE = 5000
# How many messages the cleanup sends at once for clips, and how many for videos.
_MOST_MESSAGES = 16
_WORKING_SECONDS = 60.0
# How long a failed item waits before it is tried again, so that it does not keep workers busy.
_RETRY_DELAY = timedelta(minutes=5)
_NO_DELAY = timedelta(0)
_LOWEST_ID = UUID(int=0)


class DeletionWorker:
    def __init__(self, deletions: Deletions, deletion: Deletion, mover: BinMover) -> None:
        self._deletions = deletions
        self._deletion = deletion
        self._mover = mover

    def work(self, message: str) -> Sequence[str]:
        """Does the work of a message for about a minute; returns the messages to send next.

        Raises Unavailable if an item met an outage, when the others have been tried.
        """
        may_go_on = for_seconds(_WORKING_SECONDS)
        with span("deletion"):
            if message == CLIPS:
                following, tally = self._clips(may_go_on)
            elif message == BINS:
                following, tally = self._bins(may_go_on), Tally()
            else:
                following, tally = self._video(UUID(message), may_go_on)
        if tally.outages:
            raise tally.outages[0]
        return following

    def process_clips(self, clips: Sequence[DueClip], may_go_on: MayGoOn) -> Tally:
        """Moves or deletes the bytes of clips that the caller has leased, as their rows say."""
        tally = Tally()
        with ThreadPoolExecutor(_THREADS) as pool:
            tasks = [with_current_context(self._process_clip) for _ in clips]
            for part in pool.map(lambda task, clip: task(clip, may_go_on), tasks, clips):
                tally.add(part)
        return tally

    def process_video(self, video: DueVideo, may_go_on: MayGoOn) -> Tally:
        """As `process_clips`, for a video; its clips are made due, or deleted with it."""
        tally = Tally()
        succeeded = tally.attempt(
            f"video {video.id}", lambda: self._follow_state_of_video(video, may_go_on)
        )
        if not succeeded:
            _try_to_postpone(lambda: self._deletions.videos.postpone(video, _RETRY_DELAY))
        elif not tally.done:
            _try_to_postpone(lambda: self._deletions.videos.postpone(video, _NO_DELAY))
        return tally

    def process_due(self, may_go_on: MayGoOn) -> Tally:
        """As `process_clips`, for clips that are due, until none is left or the time is up."""
        tally = Tally()
        while may_go_on() and (clips := self._deletions.take_clips(_BATCH, LEASE)):
            tally.add(self.process_clips(clips, may_go_on))
            if tally.outages:
                break
        return tally

    def _clips(self, may_go_on: MayGoOn) -> tuple[Sequence[str], Tally]:
        tally = self.process_due(may_go_on)
        more = not may_go_on() and self._deletions.count_due_clips(1) > 0
        _log.info("Deletions and restores: %d clips done, %d failed", tally.done, tally.failed)
        return [CLIPS] if more else [], tally

    def _bins(self, may_go_on: MayGoOn) -> Sequence[str]:
        """Makes the clips of emptied bins due, one batch for each worker."""
        purged, all_purged = 0, False
        while may_go_on() and not all_purged:
            more = self._deletions.emptied.purge(_PURGED_AT_ONCE)
            purged, all_purged = purged + more, more < _PURGED_AT_ONCE
        return [*_batches(purged), *([] if all_purged else [BINS])]

    def _video(self, video_id: UUID, may_go_on: MayGoOn) -> tuple[Sequence[str], Tally]:
        video = self._deletions.videos.take(video_id, LEASE)
        if video is None:
            _log.info("The video %s is done, or another worker has leased it", video_id)
            return [], Tally()
        tally = self.process_video(video, may_go_on)
        if video.state is not BinState.BEING_DELETED:
            return [CLIPS], tally
        return [] if tally.done or tally.failed or tally.held else [str(video_id)], tally

    def _process_clip(self, clip: DueClip, may_go_on: MayGoOn) -> Tally:
        tally = Tally()
        if not may_go_on():
            _try_to_postpone(lambda: self._deletions.postpone_clip(clip, _NO_DELAY))
            return tally
        if not tally.attempt(f"clip {clip.id}", lambda: self._follow_state(clip)):
            _try_to_postpone(lambda: self._deletions.postpone_clip(clip, _RETRY_DELAY))
        elif not tally.done:
            _try_to_postpone(lambda: self._deletions.postpone_clip(clip, _NO_DELAY))
        return tally

    def _follow_state(self, clip: DueClip) -> bool:
        """Returns False if the state or the blobs of the clip have changed: it is due again."""
        try:
            match clip.state:
                case BinState.IN_BIN:
                    return self._mover.into_bin(clip)
                case BinState.VISIBLE:
                    return self._mover.out_of_bin(clip)
                case BinState.BEING_DELETED:
                    return self._deletion.finish_clip(clip.id, clip.video_id, clip.blob_name)
        except (BlobChanged, BlobMissing):
            return False

    def _follow_state_of_video(self, video: DueVideo, may_go_on: MayGoOn) -> bool:
        if video.state is BinState.BEING_DELETED:
            return self._deletion.finish_video(video.id, may_go_on)
        if not self._wake_clips(video, may_go_on):
            return False
        into_bin = video.state is BinState.IN_BIN
        move = self._mover.source_into_bin if into_bin else self._mover.source_out_of_bin
        try:
            moved = move(video)
        except (BlobChanged, BlobMissing):
            return False
        if moved:
            self._deletions.videos.mark_done(video)
        return moved

    def _wake_clips(self, video: DueVideo, may_go_on: MayGoOn) -> bool:
        after: UUID | None = _LOWEST_ID
        while after is not None:
            if not may_go_on():
                return False
            after = self._deletions.videos.wake_clips(video, after, _WOKEN_AT_ONCE)
        return True


class DeletionSender:
    """Sends messages for what is due, and begins to delete what has been in the bin long enough."""

    def __init__(self, deletions: Deletions, send: Callable[[Iterable[str]], object]) -> None:
        self._deletions = deletions
        self._send_messages = send

    def purge(self) -> int:
        """Counts the clips and videos whose time in the bin is over."""
        steps = (
            self._deletions.purge_clips,
            self._deletions.videos.purge,
            self._deletions.emptied.purge,
        )
        return sum(map(_purge_all, steps))

    def resume(self) -> int:
        """Sends a message for every batch of due clips and every due video; counts both."""
        clips = self._deletions.count_due_clips(_MOST_MESSAGES * _BATCH)
        videos = self._deletions.videos.due(_MOST_MESSAGES)
        self.send(clips, videos)
        return clips + len(videos)

    def send(self, clips: int, videos: Iterable[UUID] = (), *, emptied_bins: bool = False) -> None:
        """Sends the messages for so many due clips, and the others; raises StorageUnavailable."""
        bins = [BINS] if emptied_bins else []
        self._send_messages([*_batches(clips), *map(str, videos), *bins])


def _batches(clips: int) -> Sequence[str]:
    return [CLIPS] * min(-(-clips // _BATCH), _MOST_MESSAGES)


def _purge_all(purge: Callable[[int], int]) -> int:
    total, may_go_on = 0, for_seconds(_WORKING_SECONDS)
    while may_go_on() and (purged := purge(_PURGED_AT_ONCE)):
        total += purged
    return total


def _try_to_postpone(postpone: Callable[[], object]) -> None:
    """Postpones an item; in an outage its lease expires instead."""
    try:
        postpone()
    except Unavailable as error:
        _log.warning("The work could not be postponed: %s", error.detail)
