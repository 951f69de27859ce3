"""Runs the steps of a cleanup, each independent of every other, and puts the run on record."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import uuid4

from clips.upkeep.items import Tally
from shared import telemetry
from shared.catalogue.upkeep.run_queries import CleanupRuns
from shared.model.cleanup import StepFailure

_log = logging.getLogger(__name__)

# Counts of a run, by the names of its steps.
type Counts = dict[str, int]
type Step = Callable[[], int | Tally]


class StepRunner:
    def __init__(self, runs: CleanupRuns) -> None:
        self._runs = runs

    def run(self, steps: Mapping[str, Step]) -> Counts:
        """Runs every step and returns the counts.

        Raises Unavailable if a step or an item met an outage, when all steps have run.
        """
        run_id, began = uuid4(), time.monotonic()
        report: Counts = {}
        total = Tally()
        failures: list[StepFailure] = []
        total.attempt("the record of the run", lambda: self._runs.begin(run_id))
        for name, step in steps.items():
            tally = _run_step(name, step)
            report[name] = tally.done
            failures += [StepFailure(name, f.item, f.code, f.detail) for f in tally.failures]
            total.add(tally)
        counts = report | _totals(total)
        took = timedelta(seconds=time.monotonic() - began)
        total.attempt(
            "the record of the run", lambda: self._runs.finish(run_id, took, counts, failures)
        )
        _record(report, total)
        if total.outages:
            raise total.outages[0]
        return report


def _run_step(name: str, step: Step) -> Tally:
    """A step that fails as a whole counts as one failed item of that name."""
    tally = Tally()

    def run() -> int:
        with telemetry.span(f"cleanup.{name}"):
            result = step()
            if not isinstance(result, Tally):
                return result
            tally.add(result)
            if result.stopped_by is not None:
                raise result.stopped_by
        return 0

    tally.attempt(f"cleanup step {name}", run)
    return tally


def _record(report: Counts, total: Tally) -> None:
    """Logs the counts, in one line and as its fields, and adds them to the metrics."""
    counts = " ".join(f"{name}={count}" for name, count in report.items())
    totals = _totals(total)
    _log.info(
        "Cleanup done: %s outages=%d held=%d unmarked=%d failures=%d",
        counts,
        *totals.values(),
        extra=report | totals,
    )
    for name, count in report.items():
        telemetry.CLEANUP_ITEMS.add(count, kind=name)
    # An alert fires if there are none: then the timer has stopped.
    outcome = "outage" if total.outages else "failed" if total.failed else "done"
    telemetry.CLEANUP_RUNS.add(outcome=outcome)


def _totals(total: Tally) -> Counts:
    return {
        "outages": len(total.outages),
        "held": total.held,
        "unmarked": total.unmarked,
        "failures": total.failed,
    }
