"""Views for admins and monitors: migrations, drift reports, the cleanup, health. Pure."""

from typing import cast

from clips.http.outputs import admin as outputs
from clips.http.views.base import fields_of
from shared.model.cleanup import CleanupRun
from shared.model.drift import DriftKind, ShownDrift, ShownRun
from shared.model.health import HealthReport
from shared.model.migration import MigrationReport

_RUN = fields_of(outputs.CleanupRun)


def drift(shown: ShownDrift) -> outputs.Drift:
    report = shown.run.report
    answer: dict[str, object] = {
        "id": report.id,
        "status": report.status,
        "progress": round(shown.run.progress, 3),
        "created_at": report.created_at,
        "finished_at": report.finished_at,
        "counts": {kind.value: report.counts.get(kind, 0) for kind in DriftKind},
        "samples": {kind.value: report.samples.get(kind, []) for kind in DriftKind},
        "lines_url": _lines_url(shown.run),
        "repair": None if shown.repair is None else _repair(shown.repair),
    }
    return cast("outputs.Drift", answer)


def _repair(shown: ShownRun) -> dict[str, object]:
    report = shown.report
    return {
        "id": report.id,
        "kinds": report.kinds,
        "status": report.status,
        "created_at": report.created_at,
        "finished_at": report.finished_at,
        "counts": report.counts,
        "samples": report.samples,
        "lines_url": _lines_url(shown),
    }


def _lines_url(shown: ShownRun) -> str | None:
    return None if shown.lines is None else shown.lines.url


def migration(report: MigrationReport) -> outputs.Migration:
    value = report.migration
    failures: list[outputs.MigrationFailure] = [
        {
            "clip_id": file.clip_id,
            "code": file.failure.code,
            "detail": f"{_readable(file.path)}: {file.failure.detail}",
        }
        for file in report.failures
    ]
    if value.failure is not None:
        failures.append(
            {"clip_id": None, "code": value.failure.code, "detail": value.failure.detail}
        )
    return {
        "id": value.id,
        "status": value.status,
        "total": value.total,
        "migrated": value.migrated,
        "skipped": value.skipped,
        "failed": value.failed,
        "failures": failures,
        "unmatched": [
            {"path": _readable(file.path), "code": file.failure.code, "detail": file.failure.detail}
            for file in report.unmatched
        ],
        "no_file": list(report.no_file),
        "created_at": value.created_at,
        "finished_at": value.finished_at,
    }


def cleanup_run(value: CleanupRun) -> outputs.CleanupRun:
    return cast("outputs.CleanupRun", _RUN(value))


def health(value: HealthReport) -> outputs.Health:
    checks: outputs.Checks = {
        "database": _availability(value.database),
        "storage": _availability(value.storage),
    }
    view: outputs.Health = {"status": _availability(value.answers), "checks": checks}
    if value.held is not None:
        checks["reconciliation"] = "held"
        view["detail"] = value.held
        view["status"] = "degraded" if value.answers else "unavailable"
    return view


def _availability(answers: bool) -> outputs.Availability:  # noqa: FBT001 - the value itself
    return "ok" if answers else "unavailable"


def _readable(path: bytes) -> str:
    """A path in UTF-8; other bytes are escaped, as JSON cannot hold them."""
    return path.decode(errors="backslashreplace")
