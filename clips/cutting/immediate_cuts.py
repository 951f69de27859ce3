"""Cuts that a call makes itself: several clips of one source at a time, by a few threads.

The index of the source shows what the clips will be before anything is stored. The queue does what
a call cannot do in time.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from clips.cutting.cutter import Cutter, TooLargeForNow
from clips.cutting.films import OpenFilm
from clips.cutting.ordered_cuts import OrderedCut
from shared.catalogue.cutting.cut_queries import Cuts, FinishedCut
from shared.errors import CliplinkError, Unavailable
from shared.refusals import no_such_video
from shared.telemetry import with_current_context

# How many clips of a call are cut at a time: most of the time is spent waiting for storage.
_AT_A_TIME = 4


class ImmediateCuts:
    """Cuts the clips of one call."""

    def __init__(self, cuts: Cuts, cutter: Cutter, source: OpenFilm, until: float) -> None:
        """`until` is when no more cuts are begun, by `time.monotonic`."""
        self._cuts = cuts
        self._cutter = cutter
        self._source = source
        self._until = until
        self._is_storage_down = False

    def plan(self, items: Sequence[OrderedCut]) -> None:
        """Finds out what the clips will be."""
        _in_threads(self._plan, items, lambda _: None)

    def cut(self, items: Sequence[OrderedCut]) -> None:
        """Cuts the clips, which are on record and leased; raises DatabaseUnavailable.

        Rows of clips that have a problem are removed, leases of cuts for the queue are ended.
        """
        _in_threads(self._cut, items, self._finish)
        discarded = [item.order.clip_id for item in items if item.problem is not None]
        if discarded:
            self._cuts.discard(discarded)
        released = [item.order.clip_id for item in items if item.is_for_queue]
        if released:
            self._cuts.release(released)

    def _finish(self, results: Sequence[FinishedCut | None]) -> None:
        finished = [cut for cut in results if cut is not None]
        if finished:
            self._cuts.finish(finished)

    def _plan(self, item: OrderedCut) -> None:
        def plan() -> None:
            item.planned = self._cutter.plan(item.order, self._source)

        self._attempt(item, plan)

    def _cut(self, item: OrderedCut) -> FinishedCut | None:
        finished: FinishedCut | None = None

        def cut() -> None:
            nonlocal finished
            order = item.order
            staged = self._cutter.stage_planned(order, self._source, item.planned)
            film = staged.film
            if item.planned is None and not self._cuts.record(
                order, film.start, film.end, staged.method
            ):
                raise no_such_video()  # it was deleted at this moment
            finished = FinishedCut(order.clip_id, staged.method, film.commit())
            item.is_written = True

        self._attempt(item, cut)
        return finished

    def _attempt(self, item: OrderedCut, work: Callable[[], None]) -> None:
        if self._is_storage_down or time.monotonic() > self._until:
            item.is_for_queue = True
            return
        try:
            work()
        except TooLargeForNow:
            item.is_for_queue = True
        except Unavailable:
            item.is_for_queue = self._is_storage_down = True
        except CliplinkError as problem:
            item.problem = problem


def _in_threads[Result](
    work: Callable[[OrderedCut], Result],
    items: Sequence[OrderedCut],
    take: Callable[[Sequence[Result]], None],
) -> None:
    """Works on all items, and passes on the results in groups, as soon as they are ready."""
    if not items:
        return
    with ThreadPoolExecutor(min(_AT_A_TIME, len(items)), "cut") as threads:
        waiting = {threads.submit(with_current_context(work), item) for item in items}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                take([each.result() for each in done])
        finally:
            for each in waiting:
                each.cancel()
