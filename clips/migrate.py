"""Moves clips of the old service in from a folder: `python -m clips.migrate DIR`.

Reads the settings that the app reads, but for those of tokens. May be interrupted, killed and
run again at any time: what is done is not done twice. docs/migration.md is its manual.
"""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from uuid import UUID

from clips.migration.ledger import LedgerLost
from clips.migration.progress import Display
from clips.migration.receipt import Summary, Unwritable, Verdict
from clips.migration.run import Meter, OutOfReach, Stopped
from clips.migration.session import Order, move_in
from clips.transfer.context import tools
from clips.transfer.faults import reason
from shared.errors import Unavailable
from shared.settings import SettingsError, read_migration_settings

DONE, SOME_FAILED, USAGE, OUT_OF_REACH, INTERRUPTED = 0, 1, 2, 3, 130

_MOST_AT_ONCE = 64
_LARGEST_BATCH = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    order = _order(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        settings = read_migration_settings()
    except SettingsError as error:
        return _say(USAGE, str(error))
    try:
        with _interruptible(), tools(settings, at_once=order.at_once) as parts:
            if order.adopt is not None and not parts.moving.video_exists(order.adopt):
                return _say(USAGE, f"There is no video {order.adopt}.")
            summary = move_in(parts, order, _meter)
            _print(summary, order, parts.transfer.bytes_sent)
    except (KeyboardInterrupt, Stopped):
        return _say(INTERRUPTED, "Interrupted. Run the same command again to go on.")
    except (OutOfReach, Unavailable, LedgerLost) as error:
        return _say(OUT_OF_REACH, f"{error} Run the same command again to go on.")
    except Unwritable as error:
        return _say(SOME_FAILED, f"{error} What was moved is not moved again for it.")
    return SOME_FAILED if summary.verdicts[Verdict.FAILED] else DONE


def _order(arguments: Sequence[str] | None) -> Order:
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.allow_private and not given.from_url:
        parser.error("--allow-private belongs to --from-url")
    if given.report is not None and (why := _why_not(given.report)):
        parser.error(f"{why} {given.report}")
    return Order(**vars(given))


def _parser() -> argparse.ArgumentParser:
    """Names what is given as Order does."""
    parser = argparse.ArgumentParser(
        prog="python -m clips.migrate",
        description="Moves the files of clips into storage, verified, and writes a receipt.",
        epilog="Exit codes: 0 done, 1 some files failed, 2 wrong usage or settings, "
        "3 storage, database or room on the disk missing, 130 interrupted.",
    )
    add = parser.add_argument
    add("folder", metavar="DIR", type=_folder, help="where the files are, folders below included")
    rows = "clips whose rows are switched together (default 50)"
    add("--batch-size", type=_number_to(_LARGEST_BATCH), default=50, metavar="N", help=rows)
    many = "files, and connections to storage, at a time (default 8)"
    most = _number_to(_MOST_AT_ONCE)
    add("--concurrency", dest="at_once", type=most, default=8, metavar="N", help=many)
    add("--dry-run", action="store_true", help="only tell what would be done; sends nothing")
    add("--report", type=Path, metavar="FILE", help="write the receipt there, as JSON lines")
    add("--adopt", type=UUID, metavar="VIDEO_ID", help="make clips of this video of other files")
    fetch = "fetch clips without a file from their old https or S3 address"
    add("--from-url", action="store_true", help=fetch)
    private = "with --from-url: fetch from private and loopback addresses too"
    add("--allow-private", action="store_true", help=private)
    return parser


def _why_not(report: Path) -> str | None:
    """Told before the work is done, and not after it."""
    folder = report.absolute().parent
    if not folder.is_dir():
        return "there is no folder for"
    writable = os.access(folder, os.W_OK | os.X_OK) and not report.is_dir()
    return None if writable else "you cannot write"


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


def _meter(files: int, size: int) -> Meter:
    return Display(files, size, sys.stderr, terminal=sys.stderr.isatty())


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets SIGTERM end the run as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(code: int, text: str) -> int:
    with suppress(OSError):  # a log on a full disk: the code says it too
        sys.stderr.write(f"{text}\n")
    return code


def _print(summary: Summary, order: Order, sent: int) -> None:
    """Raises Unwritable."""
    counts = summary.verdicts
    rows = {
        "planned": Verdict.PLANNED,
        "verified": Verdict.VERIFIED,
        "duplicates": Verdict.DUPLICATE,
        "failed": Verdict.FAILED,
        "files without a clip": Verdict.UNMATCHED,
        "clips without a file": Verdict.NO_FILE,
    }
    lines = [
        f"{name}: {counts[verdict]}"
        for name, verdict in rows.items()
        if counts[verdict] or verdict not in {Verdict.PLANNED, Verdict.DUPLICATE}
    ]
    lines += [f"bytes verified: {summary.bytes_verified}", f"bytes sent: {sent}"]
    if order.report is not None:
        lines.append(f"receipt: {order.report}")
    try:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    except OSError as error:
        raise Unwritable(f"The summary cannot be written: {reason(error)}.") from error


if __name__ == "__main__":
    sys.exit(main())
