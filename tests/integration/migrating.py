"""Helpers of tests for migrations without files on a disk."""

from uuid import UUID, uuid4

from shared.catalogue.migration.migration_file_queries import PlannedFile
from shared.model.migration import MigrationReport
from tests.services import AllServices


def counts(report: MigrationReport) -> tuple[int, int, int, int]:
    """Total, migrated, skipped, failed."""
    found = report.migration
    return (found.total, found.migrated, found.skipped, found.failed)


def end_file_leases(services: AllServices) -> None:
    past = "now() - interval '2 minutes'"
    for statement in (
        f"UPDATE migration_items SET leased_until = {past} WHERE leased_until IS NOT NULL",
        f"UPDATE migrations SET leased_until = {past} WHERE leased_until IS NOT NULL",
        f"UPDATE migrations SET created_at = {past}",
    ):
        services.database.run(statement, {})


def planned(path: bytes, clip_id: UUID | None = None) -> PlannedFile:
    return PlannedFile(
        path=path,
        clip_id=clip_id or uuid4(),
        video_id=uuid4(),
        blob_name=path.decode(),
        size=1,
        already_stored=False,
        duplicates=(),
    )
