"""A run: so many files at a time, rows switched in batches, an end when there is no use going on.

A row is switched after its file was verified. What dies between the two is no loss: the blob
trigger attaches a blob to the row that waits for it, and the next run finds it there.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from clips.migration import receipt
from clips.migration.items import Item, Line
from clips.migration.move import Progress, Verified
from clips.migration.rows import Rows
from clips.transfer.faults import Code
from shared.catalogue.migration_clip_queries import Switched
from shared.errors import CliplinkError, Unavailable, UnmovableFile

_log = logging.getLogger(__name__)

# Seconds.
_TICK = 0.2
_SWITCH_WITHIN = 2.0  # even if a batch is not full by then

type Move = Callable[[Item, Progress], Verified]
type Note = Callable[[bytes, Line], object]


class Meter(Protocol):
    """Is told how a run goes on."""

    def moved(self, size: int) -> None:
        """So many bytes need no more work; called from many threads."""

    def finished(self, line: Line) -> None:
        """A file is done with."""

    def tick(self) -> None:
        """Called a few times a second."""

    def close(self) -> None:
        """Called once, when the run is over."""


class Stopped(Exception):
    """Raised in whatever waits when the run is to end."""


class OutOfReach(Exception):
    """Storage or the database is away for longer than patience lasts: the run ended early."""


class Run:
    """Moves items and switches their rows; `note` is told of each file what became of it.

    `stop` makes moves that are under way end soon.
    """

    def __init__(
        self,
        move: Move,
        rows: Rows,
        meter: Meter,
        note: Note,
        stop: Callable[[], object],
        *,
        batch_size: int,
        at_once: int,
    ) -> None:
        self._move = move
        self._rows = rows
        self._meter = meter
        self._note = note
        self._stop = stop
        self._batch_size = batch_size
        self._at_once = at_once
        self._verified: list[Verified] = []
        self._switched_at = time.monotonic()
        self._outages, self._outage = 0, ""

    def run(self, items: Iterable[Item]) -> None:
        """Raises OutOfReach; whatever ends it, what was verified has been switched if possible."""
        try:
            with ThreadPoolExecutor(self._at_once, "move") as workers:
                try:
                    self._work(iter(items), workers)
                except BaseException:
                    self._stop()
                    workers.shutdown(wait=False, cancel_futures=True)
                    self._switch_what_can_be()
                    raise
            self._switch()
            if self._outages:
                # The last that were tried: nobody knows yet whether it is over.
                raise OutOfReach(self._outage)
        finally:
            self._meter.close()

    def _work(self, upcoming: Iterator[Item], workers: ThreadPoolExecutor) -> None:
        pending: dict[Future[Verified], Item] = {}
        while True:
            # A few more than are worked on: the plan is read while files are.
            while len(pending) < 2 * self._at_once and (item := next(upcoming, None)):
                pending[workers.submit(self._measured, item)] = item
            if not pending:
                return
            done, _ = wait(pending, _TICK, FIRST_COMPLETED)
            for future in done:
                self._collect(pending.pop(future), future)
            overdue = time.monotonic() - self._switched_at > _SWITCH_WITHIN
            if len(self._verified) >= self._batch_size or overdue:
                self._switch()
            self._meter.tick()

    def _measured(self, item: Item) -> Verified:
        """Moves an item; of a file, the meter has been told neither more nor less than its size."""
        told = 0

        def progress(size: int) -> None:
            nonlocal told
            told += size
            self._meter.moved(size)

        try:
            return self._move(item, progress)
        finally:
            if item.url is None:
                self._meter.moved(item.size - told)

    def _collect(self, item: Item, future: Future[Verified]) -> None:
        try:
            result = future.result()
        except Unavailable as error:
            self._fail(item, error.code, error.detail)
            self._outages, self._outage = self._outages + 1, error.detail
            if self._outages >= self._at_once:
                raise OutOfReach(error.detail) from error
        except UnmovableFile as error:
            self._fail(item, error.failure_code, error.detail)
        except CliplinkError as error:
            self._fail(item, error.code, error.detail)
        except Exception:  # noqa: BLE001  # logged and told; one file must not stop the rest
            _log.exception("A fault of ours at %r", item.path)
            self._fail(item, "internal_error", "A fault of ours; the log tells more.")
        else:
            self._outages = 0
            self._verified.append(result)

    def _switch(self) -> None:
        """Lets the rows of what was verified speak of it; raises OutOfReach."""
        self._switched_at = time.monotonic()
        batch, self._verified = self._verified[:], []
        if not batch:
            return
        try:
            states = self._rows.switch(batch)
        except Unavailable as error:
            for result in batch:
                self._fail(result.item, error.code, error.detail)
            raise OutOfReach(error.detail) from error
        for result in batch:
            self._tell(result, states.get(result.item.clip_id, Switched.DONE))

    def _switch_what_can_be(self) -> None:
        try:
            self._switch()
        except (OutOfReach, Stopped):
            _log.warning("Some clips are in storage, but not switched: run again")

    def _tell(self, result: Verified, state: Switched) -> None:
        match state:
            case Switched.DONE:
                self._finish(result.item.path, receipt.verified_line(result))
                for path in result.item.twins:
                    self._finish(path, receipt.duplicate_line(result, path))
            case Switched.ELSEWHERE:
                self._fail(result.item, Code.BLOB_DIFFERS, Code.BLOB_DIFFERS.sentence)
            case Switched.GONE:
                self._fail(result.item, Code.CLIP_DELETED, Code.CLIP_DELETED.sentence)

    def _fail(self, item: Item, code: str, detail: str) -> None:
        for line in failed_lines(item, code, detail):
            self._finish(*line)

    def _finish(self, path: bytes, line: Line) -> None:
        self._note(path, line)
        self._meter.finished(line)


def failed_lines(item: Item, code: str, detail: str) -> Sequence[tuple[bytes, Line]]:
    """A line for the file, and one for each of its twins."""
    return [
        (path, receipt.failed_line(item, path, code, detail)) for path in (item.path, *item.twins)
    ]
