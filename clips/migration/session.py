"""One run from the folder to the receipt: scan, match, move, write down."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from clips.migration import names, receipt
from clips.migration.addresses import fetchable
from clips.migration.items import Fileless, Item
from clips.migration.ledger import Ledger, LedgerLost
from clips.migration.move import Mover, Progress, Verified
from clips.migration.names import Kind
from clips.migration.plan import Plan
from clips.migration.receipt import Summary
from clips.migration.remote import Fetcher
from clips.migration.run import Meter, Move, Run
from clips.migration.scan import Found, scan
from clips.transfer.context import Tools
from shared import blob_names

_log = logging.getLogger(__name__)

type MeterOf = Callable[[int, int], Meter]
"""Makes the meter of a run of so many files and bytes; what is fetched has no size yet."""

# Names an item without a file; no path is like it, a file's last part has no / behind it.
_NO_PATH = b"\xff/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of a run."""

    folder: bytes
    batch_size: int
    at_once: int
    dry_run: bool = False
    report: Path | None = None
    adopt: UUID | None = None
    from_url: bool = False
    allow_private: bool = False


def move_in(tools: Tools, order: Order, meter_of: MeterOf) -> Summary:
    """Does it and says what came of it; whatever ends it early, the receipt is written.

    Raises OutOfReach, Unavailable, Unwritable; LedgerLost, and then there is no receipt.
    """
    with Ledger() as ledger:
        ledger.add_files(_scanned(order))
        ledger.add_clips(tools.moving.clips())
        plan = Plan(ledger, order.adopt)
        for file in plan.left_over():
            ledger.note(file.path, receipt.left_over_line(file))
        try:
            if order.dry_run:
                for item in _items(plan, order):
                    ledger.note(item.path, receipt.planned_line(item))
            else:
                _run(tools, order, ledger, _meter(plan, order, meter_of)).run(_items(plan, order))
        except BaseException as error:
            if not isinstance(error, LedgerLost):
                _write_what_is_known(ledger, plan, order)
            raise
        return _write(ledger, plan, order, complete=True)


def _write(ledger: Ledger, plan: Plan, order: Order, *, complete: bool) -> Summary:
    lines = receipt.lines(ledger, _fileless(plan, order))
    return receipt.write(order.report, lines, order.folder, complete=complete)


def _write_what_is_known(ledger: Ledger, plan: Plan, order: Order) -> None:
    """The receipt of a run that ends early; its own troubles do not hide what ended the run."""
    try:
        _write(ledger, plan, order, complete=False)
    except (receipt.Unwritable, LedgerLost) as error:
        _log.warning("%s", error)


def _meter(plan: Plan, order: Order, meter_of: MeterOf) -> Meter:
    """For everything to be moved; what could not be looked at is told first, as failed."""
    files, size = plan.totals()
    files += sum(file.is_unseen for file in plan.left_over())
    if order.from_url:
        files += sum(1 for _ in _items_by_address(plan))
    meter = meter_of(files, size)
    for file in plan.left_over():
        if file.is_unseen:
            meter.finished(receipt.left_over_line(file))
    return meter


def _scanned(order: Order) -> Iterator[Found]:
    """The folder but for our own receipt: a second run is to find what the first one found."""
    ours = {os.fsencode(path) for path in receipt.files_of(order.report)}
    for found in scan(order.folder):
        if os.path.abspath(os.path.join(order.folder, found.path)) not in ours:
            yield found


def _run(tools: Tools, order: Order, ledger: Ledger, meter: Meter) -> Run:
    mover = Mover(order.folder, tools.transfer, tools.containers)
    return Run(
        _moves(mover, tools, order) if order.from_url else mover.move,
        tools.rows,
        meter,
        ledger.note,
        tools.stop,
        batch_size=order.batch_size,
        at_once=order.at_once,
    )


def _moves(mover: Mover, tools: Tools, order: Order) -> Move:
    """Moves files from the folder, and others from their old addresses."""
    fetcher = Fetcher(mover, tools.retry_policy, allow_private=order.allow_private)

    def move(item: Item, progress: Progress) -> Verified:
        return mover.move(item, progress) if item.url is None else fetcher.move(item, progress)

    return move


def _items(plan: Plan, order: Order) -> Iterator[Item]:
    yield from plan.items()
    if order.from_url:
        yield from _items_by_address(plan)


def _items_by_address(plan: Plan) -> Iterator[Item]:
    for clip in plan.without_file(moved=True):
        url = fetchable(clip.old_url or "")
        if url is not None:
            yield _fetched(clip, url)


def _fetched(clip: Fileless, url: str) -> Item:
    path = os.fsencode(urlsplit(url).path)
    type_ = names.type_of(path)
    name = clip.blob_name or blob_names.clip_blob(clip.video_id, clip.clip_id, type_.extension)
    return Item(
        path=_NO_PATH + clip.clip_id.bytes,
        size=0,
        kind=Kind.VIDEO,
        clip_id=clip.clip_id,
        video_id=clip.video_id,
        blob_name=name,
        content_type=type_.content_type,
        there=clip.blob_name is not None,
        url=url,
    )


def _fileless(plan: Plan, order: Order) -> Iterator[Fileless]:
    """The clips that nothing was done about."""
    for clip in plan.without_file():
        if not (order.from_url and fetchable(clip.old_url or "")):
            yield clip
