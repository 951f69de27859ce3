"""Parameters and bodies of operations for admins: migrations, drift reports, the cleanup. Pure."""

from typing import Annotated

from pydantic import Field

from clips.http.fields import BatchSize, FolderName, Id, Limit, TimeKey
from clips.http.inputs.base import Body, Parameters
from shared.model.drift import DriftKind


class CleanupRunPage(Parameters):
    limit: Limit = 50
    cursor: TimeKey | None = None


class NewMigration(Parameters):
    """All of MIGRATION_ROOT, or one folder below it."""

    local_clips_dir: Annotated[
        FolderName | None,
        Field(
            description="A folder below MIGRATION_ROOT: relative to it, or an absolute path; "
            "without it, all of MIGRATION_ROOT."
        ),
    ] = None
    batch_size: BatchSize = 10


class MigrationId(Parameters):
    migration_id: Id


class DriftId(Parameters):
    drift_id: Id


class NewRepair(Body):
    kinds: Annotated[
        list[Annotated[DriftKind, Field(strict=False)]],
        Field(min_length=1, max_length=len(DriftKind), description="What is repaired."),
    ]
    force: Annotated[
        bool,
        Field(
            description="Confirms a repair that concerns more than 20 % of the clips, and that "
            "clips whose blobs are missing in bulk are lost."
        ),
    ] = False
