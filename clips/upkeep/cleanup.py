"""The timer's work: deletes what is due, and keeps storage and catalogue consistent.

The steps are independent of each other, and so are the items of a step: what fails is logged with
its name and counted, and all others still run. `clips/compose/cleanup_services.py` lists the steps.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from clips.upkeep.step_runner import Counts, Step, StepRunner
from shared import telemetry
from shared.catalogue.row_mapping import TimeKey
from shared.catalogue.upkeep.run_queries import CleanupRuns
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.errors import Unavailable
from shared.model.cleanup import CleanupRun

_log = logging.getLogger(__name__)


class Cleanup:
    def __init__(self, upkeep: Upkeep, runs: CleanupRuns, steps: Mapping[str, Step]) -> None:
        """`steps` are in their order, by the names of their counts."""
        self._upkeep = upkeep
        self._runs = runs
        self._runner = StepRunner(runs)
        self._steps = steps

    def run(self) -> Counts:
        """Runs every step and returns the counts.

        If another run is active, this one ends at once with an empty report: a run may take longer
        than the schedule, and an operator may start one at any time. Raises Unavailable if a step
        or an item met an outage, when all steps have run.
        """
        with ExitStack() as stack:
            try:
                is_alone = stack.enter_context(self._upkeep.alone())
            except Unavailable:
                is_alone = True  # the steps that need no database still run, and others report it
            if is_alone:
                return self._runner.run(self._steps)
        _log.warning("Another cleanup is running, so this one ends")
        telemetry.CLEANUP_RUNS.add(outcome="skipped")
        return {}

    def runs(self, limit: int, after: TimeKey | None) -> Sequence[CleanupRun]:
        """Up to `limit` runs on record, newest first, after the one with that key."""
        return self._runs.page(limit, after)
