"""Executes a plan: moves several files at a time, updates rows in batches, and stops in an outage.

A row is updated after its file was verified. If the process dies between the two, the blob
trigger attaches the blob to the row that waits for it, and the next run finds it in storage.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from clips.migration.moving.mover import CountBytes
from clips.migration.moving.row_updater import RowUpdater
from clips.migration.outcomes import DuplicateFile, FailedFile, Outcome, PlanItem, VerifiedFile
from clips.migration.reasons import Reason
from clips.transfer.context import Cancelled
from shared.catalogue.migration.migration_clip_queries import RowUpdate
from shared.errors import CliplinkError, Unavailable, UnusableFile

_log = logging.getLogger(__name__)

# Seconds.
_TICK = 0.2
# Rows are updated after this time even if a batch is not full.
_UPDATE_WITHIN = 2.0

type Move = Callable[[PlanItem, CountBytes], VerifiedFile]


class Outage(Exception):
    """Storage or Postgres was unavailable for longer than the retry policy allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """`record` gets every outcome, `tick` is called a few times a second: by the calling thread.

    `count_bytes` is called by all threads. `cancel` makes moves that are under way end soon.
    """

    record: Callable[[Outcome], object]
    tick: Callable[[], object]
    cancel: Callable[[], object]
    count_bytes: CountBytes = lambda _: None


class Executor:
    def __init__(
        self,
        move: Move,
        rows: RowUpdater,
        callbacks: Callbacks,
        *,
        batch_size: int,
        at_once: int,
    ) -> None:
        self._move = move
        self._rows = rows
        self._callbacks = callbacks
        self._batch_size = batch_size
        self._at_once = at_once
        self._verified: list[VerifiedFile] = []
        self._updated_at = time.monotonic()
        self._outages_in_a_row, self._last_outage = 0, ""

    def run(self, items: Iterable[PlanItem]) -> None:
        """Raises Outage. Rows of verified files are updated if possible, also after an error."""
        with ThreadPoolExecutor(self._at_once, "move") as workers:
            try:
                self._work(iter(items), workers)
            except BaseException:
                self._callbacks.cancel()
                workers.shutdown(wait=False, cancel_futures=True)
                self._update_if_possible()
                raise
        self._update()
        if self._outages_in_a_row:
            # Of the last files: nothing shows yet that the outage is over.
            raise Outage(self._last_outage)

    def _work(self, items: Iterator[PlanItem], workers: ThreadPoolExecutor) -> None:
        pending: dict[Future[VerifiedFile], PlanItem] = {}
        while True:
            # More than are moved at a time, so that no worker waits for the plan.
            while len(pending) < 2 * self._at_once and (item := next(items, None)):
                pending[workers.submit(self._move_counted, item)] = item
            if not pending:
                return
            done, _ = wait(pending, _TICK, FIRST_COMPLETED)
            for future in done:
                self._collect(pending.pop(future), future)
            is_due = time.monotonic() - self._updated_at > _UPDATE_WITHIN
            if len(self._verified) >= self._batch_size or is_due:
                self._update()
            self._callbacks.tick()

    def _move_counted(self, item: PlanItem) -> VerifiedFile:
        """Moves an item; of a local file exactly its size is counted, also after an error."""
        counted = 0

        def count(size: int) -> None:
            nonlocal counted
            counted += size
            self._callbacks.count_bytes(size)

        try:
            return self._move(item, count)
        finally:
            if item.url is None:
                self._callbacks.count_bytes(item.size - counted)

    def _collect(self, item: PlanItem, future: Future[VerifiedFile]) -> None:
        try:
            verified = future.result()
        except Unavailable as error:
            self._fail(item, error.code, error.detail, in_outage=True)
            self._outages_in_a_row += 1
            self._last_outage = error.detail
            if self._outages_in_a_row >= self._at_once:
                raise Outage(error.detail) from error
        except UnusableFile as error:
            self._fail(item, error.failure_code, error.detail)
        except CliplinkError as error:
            self._fail(item, error.code, error.detail)
        except Exception:  # noqa: BLE001 - logged and recorded; one file must not stop the others
            _log.exception("Unexpected error at %r", item.path)
            self._fail(
                item, "internal_error", "An unexpected error occurred; the log describes it."
            )
        else:
            self._outages_in_a_row = 0
            self._verified.append(verified)

    def _update(self) -> None:
        """Points the rows of verified files at their blobs; raises Outage."""
        self._updated_at = time.monotonic()
        batch, self._verified = self._verified[:], []
        if not batch:
            return
        try:
            updates = self._rows.update(batch)
        except Unavailable as error:
            for file in batch:
                self._fail(file.item, error.code, error.detail, in_outage=True)
            raise Outage(error.detail) from error
        for file in batch:
            self._record_update(file, updates.get(file.item.clip_id, RowUpdate.DONE))

    def _update_if_possible(self) -> None:
        try:
            self._update()
        except (Outage, Cancelled):
            _log.warning("Some files are in storage, but their rows are not updated: run again")

    def _record_update(self, file: VerifiedFile, update: RowUpdate) -> None:
        match update:
            case RowUpdate.DONE:
                self._callbacks.record(file)
                for path in file.item.duplicates:
                    self._callbacks.record(DuplicateFile(path, file))
            case RowUpdate.OTHER_BLOB:
                self._fail(file.item, Reason.BLOB_DIFFERS, Reason.BLOB_DIFFERS.sentence)
            case RowUpdate.CLIP_DELETED:
                self._fail(file.item, Reason.CLIP_DELETED, Reason.CLIP_DELETED.sentence)

    def _fail(self, item: PlanItem, code: str, detail: str, *, in_outage: bool = False) -> None:
        """The item's file fails, and its duplicates with it."""
        for path in (item.path, *item.duplicates):
            self._callbacks.record(
                FailedFile(item=item, path=path, code=code, detail=detail, in_outage=in_outage)
            )
