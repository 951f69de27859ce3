"""Drift reports of a library, processed as by messages of the queue."""

import json
import urllib.request
from dataclasses import dataclass
from uuid import UUID

from shared.model.drift import DriftKind, DriftReport, DriftStatus
from tests.integration.library import Library
from tests.services import AllServices


@dataclass
class Drift:
    """Makes reports and repairs, each processed until its end."""

    library: Library

    def report(self) -> DriftReport:
        started = self.services.drift.start()
        self.work(started.run.report.id)
        return self.services.drift.get(started.run.report.id).run.report

    def counts(self) -> dict[str, int]:
        return dict(self.report().counts)

    def line(self, kind: DriftKind) -> dict[str, object]:
        """The only line of a report."""
        report = self.report()
        assert report.counts == {kind: 1}, report.samples
        (line,) = report.samples[kind]
        return dict(line)

    def repair(self, *kinds: DriftKind, force: bool = True) -> dict[str, int]:
        """Repairs the lines of a new report; returns the number of lines by result."""
        found = self.report()
        shown = self.services.drift.start_repair(found.id, kinds, force=force)
        assert shown.repair is not None
        self.work(shown.repair.report.id)
        return dict(self.last_repair(found.id).counts)

    def last_repair(self, drift_id: UUID) -> DriftReport:
        repair = self.services.drift.get(drift_id).repair
        assert repair is not None
        assert repair.report.status is DriftStatus.DONE
        return repair.report

    def work(self, run_id: UUID) -> None:
        messages = [str(run_id)]
        while messages:
            messages = list(self.services.drift.work(messages[0]))

    def lines(self, drift_id: UUID) -> list[dict[str, object]]:
        """Reads the lines through the link, as an admin does."""
        link = self.services.drift.get(drift_id).run.lines
        assert link is not None
        with urllib.request.urlopen(link.url, timeout=20) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]

    @property
    def services(self) -> AllServices:
        return self.library.services


def copy_rows(library: Library, clip_id: UUID, count: int) -> None:
    """Rows of ready clips without a blob or images."""
    library.services.database.run(
        """INSERT INTO clips (video_id, blob_name, blob_url, etag, status, start_time, end_time,
                              duration, file_size, created_at, attempted_at)
           SELECT video_id, video_id || '/' || gen_random_uuid() || '.mp4', blob_url, etag, 'ready',
                  start_time, end_time, duration, file_size, created_at, attempted_at
           FROM clips, generate_series(1, %(count)s) WHERE id = %(id)s""",
        {"count": count, "id": clip_id},
    )
