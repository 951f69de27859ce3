"""The command: `python -m clips.migrate DIR` migrates the clips of the old service.

It reads the settings of the app except those of tokens. It may be interrupted, killed and run
again at any time: nothing is done twice.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from clips.migration.ledger import LedgerLost
from clips.migration.moving.executor import Outage
from clips.migration.progress import ProgressDisplay
from clips.migration.receipt import LineKind, Summary, Unwritable
from clips.migration.run import MigrationOptions, migrate
from clips.terminal.process import fail, interruptible
from clips.transfer.context import Cancelled, open_transfer
from clips.transfer.faults import system_message
from shared.catalogue.migration.migration_clip_queries import MigrationClips
from shared.errors import Unavailable
from shared.settings import SettingsError, read_transfer_settings

DONE, SOME_FAILED, USAGE, OUT_OF_REACH, INTERRUPTED = 0, 1, 2, 3, 130

_MAX_AT_ONCE = 64
_MAX_BATCH = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = _options(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        settings = read_transfer_settings()
    except SettingsError as error:
        return fail(USAGE, str(error))
    try:
        with interruptible(), open_transfer(settings, at_once=options.at_once) as context:
            clips = MigrationClips(context.database)
            if options.adopt is not None and not clips.video_exists(options.adopt):
                return fail(USAGE, f"There is no video {options.adopt}.")
            summary = migrate(context, options, _open_display)
            _print(summary, options, context.transfer.bytes_sent)
    except (KeyboardInterrupt, Cancelled):
        return fail(INTERRUPTED, "The command was interrupted. Run it again to continue.")
    except (Outage, Unavailable, LedgerLost) as error:
        return fail(OUT_OF_REACH, f"{error} Run the command again to continue.")
    except Unwritable as error:
        return fail(SOME_FAILED, f"{error} The clips are not affected by this.")
    return SOME_FAILED if summary.verdicts[LineKind.FAILED] else DONE


def _options(arguments: Sequence[str] | None) -> MigrationOptions:
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.allow_private and not parsed.from_url:
        parser.error("--allow-private requires --from-url")
    if parsed.report is not None and (problem := _report_problem(parsed.report)):
        parser.error(problem)
    return MigrationOptions(
        folder=parsed.folder,
        batch_size=parsed.batch_size,
        at_once=parsed.concurrency,
        dry_run=parsed.dry_run,
        report=parsed.report,
        adopt=parsed.adopt,
        from_url=parsed.from_url,
        allow_private=parsed.allow_private,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m clips.migrate",
        description="Moves the files of clips into storage, verifies them, and writes a receipt.",
        epilog="Exit codes: 0 done, 1 some files failed, 2 wrong usage or settings, "
        "3 no storage, database or disk space, 130 interrupted.",
    )
    add = parser.add_argument
    add("folder", metavar="DIR", type=_folder, help="the folder of the files; includes subfolders")
    rows = "number of clips whose rows are updated together (default 50)"
    add("--batch-size", type=_number_to(_MAX_BATCH), default=50, metavar="N", help=rows)
    many = "number of files and of connections to storage at a time (default 8)"
    add("--concurrency", type=_number_to(_MAX_AT_ONCE), default=8, metavar="N", help=many)
    add("--dry-run", action="store_true", help="only show what would be done; sends nothing")
    add("--report", type=Path, metavar="FILE", help="write the receipt to this file, as JSON lines")
    add(
        "--adopt",
        type=UUID,
        metavar="VIDEO_ID",
        help="make new clips of this video from files without a clip",
    )
    fetch = "fetch clips without a file from their old https or S3 address"
    add("--from-url", action="store_true", help=fetch)
    private = "with --from-url: fetch from private and loopback addresses too"
    add("--allow-private", action="store_true", help=private)
    return parser


def _report_problem(report: Path) -> str | None:
    """Why the receipt could not be written, found before the work is done; or None."""
    folder = report.absolute().parent
    if not folder.is_dir():
        return f"there is no folder for {report}"
    writable = os.access(folder, os.W_OK | os.X_OK) and not report.is_dir()
    return None if writable else f"you cannot write {report}"


def _folder(text: str) -> bytes:
    path = Path(text).absolute()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return os.fsencode(path)


def _number_to(largest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= largest:
            raise argparse.ArgumentTypeError(f"must be a number from 1 to {largest}")
        return int(text)

    return number


def _open_display(files: int, size: int) -> ProgressDisplay:
    return ProgressDisplay(files, size, sys.stderr, terminal=sys.stderr.isatty())


def _print(summary: Summary, options: MigrationOptions, sent: int) -> None:
    """Raises Unwritable."""
    counts = summary.verdicts
    rows = {
        "planned": LineKind.PLANNED,
        "verified": LineKind.VERIFIED,
        "duplicates": LineKind.DUPLICATE,
        "failed": LineKind.FAILED,
        "files without a clip": LineKind.UNMATCHED,
        "clips without a file": LineKind.NO_FILE,
    }
    lines = [
        f"{name}: {counts[verdict]}"
        for name, verdict in rows.items()
        if counts[verdict] or verdict not in {LineKind.PLANNED, LineKind.DUPLICATE}
    ]
    lines += [f"bytes verified: {summary.bytes_verified}", f"bytes sent: {sent}"]
    if options.report is not None:
        lines.append(f"receipt: {options.report}")
    try:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    except OSError as error:
        raise Unwritable(f"The summary cannot be written: {system_message(error)}.") from error
