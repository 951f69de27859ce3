"""Works through the items of a step, each independent of every other."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from shared.blob_names.foreign import printable
from shared.errors import BlobHeld, CliplinkError, Unavailable
from shared.model.cleanup import ItemFailure

_log = logging.getLogger(__name__)

# How many failures of a step are kept by name; all of them are logged and counted.
_MOST_FAILURES = 20


@dataclass(slots=True)
class Tally:
    """The result of a step: how many items were done, were kept by a policy, or failed.

    `unmarked` are clips without a blob that the guard against loss in bulk left alone. `failures`
    are the first items that were not done, by name. `stopped_by` is the error that ended the
    listing of items; what was done before counts.
    """

    done: int = 0
    held: int = 0
    failed: int = 0
    unmarked: int = 0
    outages: list[Unavailable] = field(default_factory=list)
    failures: list[ItemFailure] = field(default_factory=list)
    stopped_by: Exception | None = None

    def add(self, other: "Tally") -> None:
        self.done += other.done
        self.held += other.held
        self.failed += other.failed
        self.unmarked += other.unmarked
        self.outages += other.outages
        self.failures += other.failures[: _MOST_FAILURES - len(self.failures)]
        self.stopped_by = self.stopped_by or other.stopped_by

    def attempt(self, name: str, work: Callable[[], int]) -> bool:
        """Runs `work` on the item of that name, counts what it returns, and says if it succeeded.

        A failure is logged once, with the name, and counted.
        """
        try:
            count = work()  # may itself add to this tally
        except Exception as error:  # noqa: BLE001 - logged and counted; one item must not stop the others
            self._count(name, error)
            return False
        self.done += count
        return True

    def report(self, item: str, code: str, detail: str) -> None:
        """Adds an item to the failures, without counting or logging it."""
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append(ItemFailure(printable(item), code, printable(detail)))

    def _count(self, name: str, error: Exception) -> None:
        code, detail = CliplinkError.code, f"{type(error).__name__}: see the log."
        if isinstance(error, CliplinkError):
            code, detail = error.code, error.detail
        self.report(name, code, detail)
        name, detail = printable(name), printable(detail)
        if isinstance(error, BlobHeld):
            _log.warning(
                "A policy prevents the deletion, which will be tried again: %s: %s", name, detail
            )
            self.held += 1
        elif isinstance(error, Unavailable):
            _log.warning(
                "An outage interrupted an item, which will be tried again: %s: %s", name, detail
            )
            self.outages.append(error)
        else:
            _log.error("An item failed and will be tried again: %s", name, exc_info=error)
            self.failed += 1


# After so many outages in a row the step stops: the other items would most likely fail too.
_OUTAGES_IN_A_ROW = 5


def each[Item](
    items: Iterable[Item],
    work: Callable[[Item], int],
    name: Callable[[Item], str],
    *,
    may_go_on: Callable[[], bool] = lambda: True,
    postpone: Callable[[Item], object] = lambda _item: None,
) -> Tally:
    """Runs `work` on each item until the time is up; those that fail are postponed.

    If the items cannot be listed any further, `stopped_by` of the tally says why.
    """
    tally, in_a_row = Tally(), 0
    iterator = iter(items)
    while may_go_on() and in_a_row < _OUTAGES_IN_A_ROW:
        try:
            taken = list(islice(iterator, 1))
        except Exception as error:  # noqa: BLE001 - the runner of the step logs and counts it
            tally.stopped_by = error
            break
        if not taken:
            break
        (item,) = taken
        outages = len(tally.outages)
        if tally.attempt(name(item), partial(work, item)):
            in_a_row = 0
            continue
        in_a_row = in_a_row + 1 if len(tally.outages) > outages else 0
        tally.attempt(f"postponing {name(item)}", partial(_run, postpone, item))
    return tally


def from_batches[Item](next_batch: Callable[[Sequence[Item]], Sequence[Item]]) -> Iterator[Item]:
    """Items batch by batch; `next_batch` gets all earlier items, to leave them out.

    So items that fail in every run do not delay the others.
    """
    given: list[Item] = []
    while batch := next_batch(given):
        given += batch
        yield from batch


def in_batches[Item](
    next_batch: Callable[[Sequence[Item]], Sequence[Item]],
    work: Callable[[Sequence[Item]], int],
    name: Callable[[Item], str],
    *,
    may_go_on: Callable[[], bool],
) -> Tally:
    """Runs `work` on batches until there is none, or the time is up.

    A batch that fails is worked on item by item; `next_batch` gets the items that failed, to leave
    them out.
    """
    tally = Tally()
    failed: list[Item] = []
    before = -1, -1
    # If nothing was done, the batch was empty, or all its items have changed.
    while may_go_on() and (tally.done, len(failed)) != before:
        before = tally.done, len(failed)
        try:
            if batch := next_batch(failed):
                failed += work_on_batch(batch, work, name, tally)
        except Exception as error:  # noqa: BLE001 - the runner of the step logs and counts it
            tally.stopped_by = error
            break
    return tally


def work_on_batch[Item](
    batch: Sequence[Item],
    work: Callable[[Sequence[Item]], int],
    name: Callable[[Item], str],
    tally: Tally,
) -> list[Item]:
    """Runs `work` on a batch, or where that fails on each item alone; returns those that failed.

    Raises Unavailable, if the batch meets an outage.
    """
    try:
        tally.done += work(batch)
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001 - tried again item by item, which logs and counts it
        return [item for item in batch if not tally.attempt(name(item), partial(work, [item]))]
    return []


def _run[Item](action: Callable[[Item], object], item: Item) -> int:
    """Runs an action without counting its result."""
    action(item)
    return 0
