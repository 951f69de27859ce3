"""Works through the items of a step, each independent of every other."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.errors import BlobHeld, Unavailable

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """What a step came to: how many items were done, were kept by a policy, or failed.

    `unmarked` are clips without a blob that the guard against loss in bulk left alone.
    """

    done: int = 0
    held: int = 0
    failed: int = 0
    unmarked: int = 0
    outages: list[Unavailable] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.done += other.done
        self.held += other.held
        self.failed += other.failed
        self.unmarked += other.unmarked
        self.outages += other.outages

    def attempt(self, name: str, work: Callable[[], int]) -> bool:
        """Runs `work` on the item of that name, counts what it returns, and says if it succeeded.

        A failure is logged once, with the name, and counted.
        """
        try:
            count = work()  # may itself add to this tally
            self.done += count
        except BlobHeld as error:
            _log.warning("Kept by a policy, to be tried again: %s: %s", name, error.detail)
            self.held += 1
        except Unavailable as error:
            _log.warning("An outage, to be tried again: %s: %s", name, error.detail)
            self.outages.append(error)
        except Exception:  # noqa: BLE001 - logged and counted; one item must not stop the others
            _log.exception("Failed, to be tried again: %s", name)
            self.failed += 1
        else:
            return True
        return False


# Where so many items in a row meet an outage, the rest would most likely meet it too.
_OUTAGES_IN_A_ROW = 5


def each[Item](
    items: Iterable[Item],
    work: Callable[[Item], int],
    name: Callable[[Item], str],
    *,
    may_go_on: Callable[[], bool] = lambda: True,
    postpone: Callable[[Item], object] = lambda _item: None,
) -> Tally:
    """Runs `work` on each item until the time is up; those that fail are postponed."""
    tally, in_a_row = Tally(), 0
    for item in items:
        if not may_go_on() or in_a_row == _OUTAGES_IN_A_ROW:
            break
        outages = len(tally.outages)
        if tally.attempt(name(item), partial(work, item)):
            in_a_row = 0
            continue
        in_a_row = in_a_row + 1 if len(tally.outages) > outages else 0
        tally.attempt(f"postponing {name(item)}", partial(_run, postpone, item))
    return tally


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
    while may_go_on() and (batch := next_batch(failed)):
        before = tally.done, len(failed)
        failed += together(batch, work, name, tally)
        if (tally.done, len(failed)) == before:
            break  # all of them changed meanwhile: a matter for the next run
    return tally


def together[Item](
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
    """Runs an action that counts for nothing."""
    action(item)
    return 0
