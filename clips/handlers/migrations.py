"""Handlers of /migrate-clips and /migrations."""

from http import HTTPStatus

from clips.http.inputs.admin import MigrationId, NewMigration
from clips.http.openapi.operations import LOCATION, Operation, ResponseSpec, Tag
from clips.http.outputs import admin as outputs
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import admin as views
from shared.errors import NotFound, StorageUnavailable, WrongState
from shared.model.user import Role


@Operation(
    tag=Tag.MIGRATIONS,
    summary="Start a migration",
    description="Uploads files below MIGRATION_ROOT for the clips that wait for them, batch by "
    "batch, on all instances. If a migration of that folder is running, that one is returned. "
    "Files that are in storage already are not sent again.",
    parameters=NewMigration,
    responses=(
        ResponseSpec(
            HTTPStatus.ACCEPTED, "The migration is running.", outputs.Migration, (LOCATION,)
        ),
    ),
    errors=(WrongState, StorageUnavailable),
    role=Role.ADMIN,
)
def start(request: Request, where: NewMigration) -> Response:
    started = request.services.migrations.start(where.local_clips_dir or "", where.batch_size)
    return Response(
        HTTPStatus.ACCEPTED,
        views.migration(started),
        {"Location": request.location_of(f"/api/migrations/{started.migration.id}")},
    )


@Operation(
    tag=Tag.MIGRATIONS,
    summary="Read a migration",
    description="The progress of the migration, and every failure with its reason.",
    parameters=MigrationId,
    responses=(ResponseSpec(HTTPStatus.OK, "The migration.", outputs.Migration),),
    errors=(NotFound,),
    role=Role.ADMIN,
)
def get(request: Request, where: MigrationId) -> Response:
    report = request.services.migrations.get(where.migration_id)
    return Response(HTTPStatus.OK, views.migration(report))
