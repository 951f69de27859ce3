"""One run of the command, stage by stage: scan, match, plan, move, report.

State is kept in storage and in the catalogue only: a run may die at any moment, and the next one
does what is missing.
"""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from clips.migration import receipt
from clips.migration.ledger import Ledger, LedgerLost
from clips.migration.matching import match
from clips.migration.moving.executor import Callbacks, Executor, Move
from clips.migration.moving.mover import CountBytes, FileMover
from clips.migration.moving.row_updater import RowUpdater
from clips.migration.old_files import old_address
from clips.migration.old_files.remote_file import RemoteMover
from clips.migration.old_files.scan import ScannedFile, scan
from clips.migration.outcomes import ClipWithoutFile, Outcome, PlanItem, VerifiedFile
from clips.migration.plan import Plan
from clips.migration.progress import ProgressDisplay
from clips.migration.receipt import Summary
from clips.transfer.context import TransferContext
from clips.transfer.file_types import FileKind, type_of
from shared import blob_names
from shared.catalogue.migration.migration_clip_queries import MigrationClips

_log = logging.getLogger(__name__)

# Makes the display of a run of so many files and bytes; bytes at old addresses do not count.
type OpenDisplay = Callable[[int, int], ProgressDisplay]

# Begins the name of an item without a file. No path begins so, and all paths come before it.
_NO_PATH = b"\xff/"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationOptions:
    """`folder` is the full path; `report` is the path of the receipt, or None.

    `batch_size` is how many rows are updated together, `at_once` how many files are moved at a
    time. Files without a clip become clips of the video `adopt`.
    """

    folder: bytes
    batch_size: int
    at_once: int
    dry_run: bool = False
    report: Path | None = None
    adopt: UUID | None = None
    from_url: bool = False
    allow_private: bool = False


def migrate(
    context: TransferContext, options: MigrationOptions, open_display: OpenDisplay
) -> Summary:
    """Runs a migration and returns its summary.

    The receipt is written also after an error. Raises Outage, Unavailable, Unwritable;
    LedgerLost, and then there is no receipt.
    """
    with Ledger() as ledger:
        return MigrationRun(context, options, ledger, open_display).execute()


class MigrationRun:
    def __init__(
        self,
        context: TransferContext,
        options: MigrationOptions,
        ledger: Ledger,
        open_display: OpenDisplay,
    ) -> None:
        self._context = context
        self._options = options
        self._ledger = ledger
        self._open_display = open_display
        self._clips = MigrationClips(context.database)
        self._plan = Plan(ledger, options.adopt)

    def execute(self) -> Summary:
        self.scan()
        self.match()
        try:
            if self._options.dry_run:
                self.list_plan()
            else:
                self.move()
        except LedgerLost:
            raise
        except BaseException:
            self._report_incomplete()
            raise
        return self.report(complete=True)

    def scan(self) -> None:
        """Reads the folder, but for the receipt of an earlier run, and the rows of all clips."""
        own = {os.fsencode(path) for path in receipt.files_of(self._options.report)}

        def is_own(file: ScannedFile) -> bool:
            return os.path.abspath(os.path.join(self._options.folder, file.path)) in own

        self._ledger.add_files(file for file in scan(self._options.folder) if not is_own(file))
        self._ledger.add_clips(self._clips.clips())

    def match(self) -> None:
        """Decides which file belongs to which clip, and records the files without one."""
        match(self._ledger)
        for file in self._plan.unmatched():
            self._ledger.record(receipt.render(file))

    def plan(self) -> Iterator[PlanItem]:
        """Everything to be moved: files of the folder, then clips at their old addresses."""
        yield from self._plan.items()
        if self._options.from_url:
            yield from self._remote_items()

    def list_plan(self) -> None:
        """Records what would be moved, for a dry run."""
        for item in self.plan():
            self._ledger.record(receipt.render(item))

    def move(self) -> None:
        display = self._display()

        def record(outcome: Outcome) -> None:
            self._ledger.record(receipt.render(outcome))
            display.add_outcome(outcome)

        callbacks = Callbacks(
            record=record,
            tick=display.tick,
            cancel=self._context.cancel,
            count_bytes=display.add_bytes,
        )
        try:
            self._executor(callbacks).run(self.plan())
        finally:
            display.close()

    def report(self, *, complete: bool) -> Summary:
        """Writes the receipt of everything that is known by now; raises Unwritable."""
        options = self._options
        return receipt.write(
            options.report, self._receipt_lines(), options.folder, complete=complete
        )

    def _report_incomplete(self) -> None:
        """Its own errors must not hide the one that ended the run."""
        try:
            self.report(complete=False)
        except (receipt.Unwritable, LedgerLost) as error:
            _log.warning("%s", error)

    def _receipt_lines(self) -> Iterator[receipt.ReceiptLine]:
        yield from self._ledger.lines()
        for clip in self._plan.clips_without_file():
            if not (self._options.from_url and old_address.parse(clip.old_url or "").url):
                yield receipt.render(clip)

    def _remote_items(self) -> Iterator[PlanItem]:
        for clip in self._plan.clips_without_file(migrated=True):
            address = old_address.parse(clip.old_url or "")
            if address.url is not None:
                yield _remote_item(clip, address.url, address.names)

    def _display(self) -> ProgressDisplay:
        """Shows unreadable files first: they count as failed."""
        unreadable = [file for file in self._plan.unmatched() if file.is_unreadable]
        files, size = self._plan.totals()
        files += len(unreadable)
        if self._options.from_url:
            files += sum(1 for _ in self._remote_items())
        display = self._open_display(files, size)
        for file in unreadable:
            display.add_outcome(file)
        return display

    def _executor(self, callbacks: Callbacks) -> Executor:
        context, options = self._context, self._options
        rows = RowUpdater(self._clips, context.account, context.containers, context.retry_policy)
        return Executor(
            self._mover(),
            rows,
            callbacks,
            batch_size=options.batch_size,
            at_once=options.at_once,
        )

    def _mover(self) -> Move:
        context, options = self._context, self._options
        local = FileMover(options.folder, context.transfer, context.containers)
        if not options.from_url:
            return local.move
        remote = RemoteMover(local, context.retry_policy, allow_private=options.allow_private)

        def move(item: PlanItem, count: CountBytes) -> VerifiedFile:
            return (remote if item.url else local).move(item, count)

        return move


def _remote_item(clip: ClipWithoutFile, url: str, names: tuple[str, ...]) -> PlanItem:
    type_ = type_of(os.fsencode(names[0]) if names else b"")
    name = clip.blob_name or blob_names.clip_blob(clip.video_id, clip.clip_id, type_.extension)
    return PlanItem(
        path=_NO_PATH + clip.clip_id.bytes,
        size=0,
        kind=FileKind.VIDEO,
        clip_id=clip.clip_id,
        video_id=clip.video_id,
        blob_name=name,
        content_type=type_.content_type,
        already_stored=clip.blob_name is not None,
        url=url,
    )
