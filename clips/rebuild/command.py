"""The command: `python -m clips.rebuild [--dry-run]` fills the catalogue from the containers.

It reads the settings of the app except those of tokens. It may be interrupted, killed and run
again at any time, also while the service runs: no row is replaced by an older one.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO
from uuid import UUID

from clips.rebuild.decisions import Addresses
from clips.rebuild.display import RebuildDisplay
from clips.rebuild.found_blobs import FoundBlobs
from clips.rebuild.inventory import StoredBlobs
from clips.rebuild.report import Report
from clips.rebuild.restoring import Restoring
from clips.rebuild.row_writer import RowWriter
from clips.terminal.process import fail, interruptible
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.rebuild.rebuild_queries import Rebuilding
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.model.sidecar import SidecarKey
from shared.postgres.database import Database
from shared.settings import SettingsError, TransferSettings, read_transfer_settings
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs

DONE, SOME_LEFT_OUT, USAGE, OUT_OF_REACH, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parsed = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        settings = read_transfer_settings()
    except SettingsError as error:
        return fail(USAGE, str(error))
    report = Report(dry_run=parsed.dry_run)
    code = DONE
    try:
        with interruptible():
            run(settings, report, owner=parsed.owner, out=sys.stderr)
    except KeyboardInterrupt:
        code = fail(INTERRUPTED, "The command was interrupted. Run it again to continue.")
    except Unavailable as error:
        code = fail(OUT_OF_REACH, f"{error} Run the command again to continue.")
    if not _show(report, parsed.report):
        return code or SOME_LEFT_OUT
    return code or (SOME_LEFT_OUT if report.has_gaps else DONE)


def run(settings: TransferSettings, report: Report, *, owner: str | None, out: TextIO) -> None:
    """Rebuilds the catalogue, and fills the report; raises Unavailable."""
    account = StorageAccount(settings.storage, utc_now)
    containers = Containers(settings.container_prefix)
    with Database(settings.database_url) as database:
        rebuild(Blobs(account), account, containers, Rebuilding(database), report, owner, out)


def rebuild(
    blobs: StoredBlobs,
    account: StorageAccount,
    containers: Containers,
    catalogue: Rebuilding,
    report: Report,
    owner: str | None,
    out: TextIO,
) -> None:
    """As `run`, with given parts; `account` is used for plain addresses only."""
    display = RebuildDisplay(out, terminal=out.isatty())
    rows = RowWriter(catalogue, report)
    addresses = _addresses(account, containers)
    restoring = Restoring(blobs, containers, catalogue, addresses, report, rows)

    def advance(key: SidecarKey, count: int) -> None:
        display.advance(blob_names.sidecar(key), count)

    display.begin("sidecars")
    restoring.run(advance)
    display.end()
    owner_id = None
    if owner is not None:
        owner_id = UUID(int=0) if report.dry_run else catalogue.user(owner, None, None)
    found = FoundBlobs(
        blobs,
        containers,
        catalogue,
        account.url,
        report,
        owner_id,
        restoring.planned_videos,
        rows.planned,
    )
    for phase, work in (("blobs of clips", found.run_clips), ("sources", found.run_sources)):
        display.begin(phase)
        work(display.advance)
        display.end()
    report.complete = True


def _addresses(account: StorageAccount, containers: Containers) -> Addresses:
    return Addresses(
        clip=lambda name: account.url(containers.clips, name),
        image=lambda name: account.url(containers.thumbnails, name),
    )


def _show(report: Report, path: Path | None) -> bool:
    """Writes the report; False if it cannot be written."""
    try:
        sys.stdout.write(report.to_text() + "\n")
        sys.stdout.flush()
        if path is not None:
            unfinished = path.with_name(f"{path.name}.part")
            unfinished.write_text(report.to_json() + "\n", encoding="utf-8")
            unfinished.replace(path)
    except OSError as error:
        fail(SOME_LEFT_OUT, f"The report cannot be written: {error.strerror}.")
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m clips.rebuild",
        description="Fills an empty or partial catalogue from the containers.",
        epilog="Exit codes: 0 done, 1 something was left out, 2 wrong usage or settings, "
        "3 storage or database unavailable, 130 interrupted.",
    )
    add = parser.add_argument
    add("--dry-run", action="store_true", help="only show what would be done; changes nothing")
    add("--report", type=_new_file, metavar="FILE", help="write the report to this file, as JSON")
    found = "make clips from blobs of unknown videos; this subject will own the new videos"
    add("--owner", type=_subject, metavar="SUBJECT", help=found)
    return parser


def _new_file(text: str) -> Path:
    path = Path(text)
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder for {text}")
    return path


def _subject(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("must be the subject of a user's tokens")
    return text
