"""The command: `python -m clips.drift` writes a drift report and, if asked, repairs what it lists.

It reads the settings of the app. If the app or another command is writing a report, it works on
that report. It may be interrupted at any time: the app continues the run.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO
from uuid import UUID

from clips.compose import compose
from clips.drift.jobs import DriftJobs
from clips.terminal.process import fail
from clips.terminal.status_line import StatusLine
from shared.errors import CliplinkError, Unavailable
from shared.model.drift import DriftKind, DriftStatus, ShownDrift, ShownRun
from shared.settings import SettingsError, read_environment

NO_DRIFT, DRIFT, USAGE, OUT_OF_REACH, INTERRUPTED = 0, 1, 2, 3, 130

# Seconds between two reads of a run.
_STEP = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        services = compose(read_environment())
    except SettingsError as error:
        return fail(USAGE, str(error))
    try:
        return _run(services.drift, options)
    except KeyboardInterrupt:
        return fail(INTERRUPTED, "The command was interrupted. The app continues the report.")
    except Unavailable as error:
        return fail(OUT_OF_REACH, f"{error} Run the command again to continue.")
    except CliplinkError as error:
        return fail(USAGE, str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m clips.drift",
        description="Compares storage with the catalogue. Changes nothing without --repair.",
        epilog="Exit codes: 0 no differences are left, 1 some are left, 2 wrong usage or settings, "
        "3 storage or database unavailable, 130 interrupted.",
    )
    add = parser.add_argument
    add("--lines", type=Path, metavar="FILE", help="write every line to this file, as JSON lines")
    add("--repair", type=_kinds, metavar="KIND,...", help="repair these kinds, or `all`")
    add(
        "--force",
        action="store_true",
        help="repair even if this concerns more than 20 %% of the clips",
    )
    return parser


def _kinds(text: str) -> Sequence[DriftKind]:
    if text == "all":
        return list(DriftKind)
    try:
        return [DriftKind(part.strip()) for part in text.split(",")]
    except ValueError as error:
        known = ", ".join(DriftKind)
        raise argparse.ArgumentTypeError(f"must be `all`, or some of: {known}") from error


def _run(drift: DriftJobs, options: argparse.Namespace) -> int:
    display = DriftDisplay(sys.stderr, terminal=sys.stderr.isatty())
    drift_id = drift.start().run.report.id
    found = _finish(drift, drift_id, lambda shown: shown.run, display)
    _print(found.run, found.run.report.counts)
    if options.lines is not None:
        with options.lines.open("wb") as out:
            out.writelines(drift.lines(drift_id))
    if found.run.report.status is DriftStatus.FAILED:
        return fail(
            OUT_OF_REACH,
            "The report failed after its last attempt. The lines above were found before.",
        )
    if not options.repair or not found.run.report.counts:
        return DRIFT if found.run.report.counts else NO_DRIFT
    repair = drift.start_repair(drift_id, options.repair, force=options.force).repair
    assert repair is not None  # noqa: S101 - it was started
    repaired = _finish(drift, repair.report.id, lambda shown: shown.repair, display, of=drift_id)
    assert repaired.repair is not None  # noqa: S101 - it was started
    _print(repaired.repair, repaired.repair.report.counts)
    done = repaired.repair.report.counts.get("repaired", 0)
    return NO_DRIFT if done == sum(found.run.report.counts.values()) else DRIFT


def _finish(
    drift: DriftJobs,
    run_id: UUID,
    pick: Callable[[ShownDrift], ShownRun | None],
    display: "DriftDisplay",
    of: UUID | None = None,
) -> ShownDrift:
    """Works on a run until it has ended, or waits for the worker that does."""
    while True:
        has_more = drift.step(run_id, _STEP)
        shown = drift.get(of or run_id)
        run = pick(shown)
        assert run is not None  # noqa: S101 - a run that was started can be read
        display.show(run)
        if run.report.finished_at is not None:
            display.close()
            return shown
        if not has_more:
            time.sleep(_STEP)  # another worker has leased it


class DriftDisplay:
    """The progress of a run."""

    def __init__(self, out: TextIO, *, terminal: bool) -> None:
        self._line = StatusLine(out, terminal=terminal)
        self._last = ("", 0.0)

    def show(self, run: ShownRun) -> None:
        report = run.report
        found = sum(report.counts.values())
        compared = f"{report.stage}  {report.compared}/{report.catalogue_size}"
        self._last = (f"{run.progress:4.0%}  {compared}  {found} lines", run.progress)
        if self._line.is_due():
            self._line.show(*self._last)

    def close(self) -> None:
        self._line.end(*self._last)


def _print(run: ShownRun, counts: Mapping[str, int]) -> None:
    for name, count in sorted(counts.items()):
        print(f"{count:>9}  {name}")  # noqa: T201 - the command's output
    total = sum(counts.values())
    print(f"{total:>9}  lines in all")  # noqa: T201 - the command's output
    if run.lines is not None and total:
        print(run.lines.url)  # noqa: T201 - the command's output
