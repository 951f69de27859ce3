"""Handlers of /migrate-clips and /migrations."""

from http import HTTPStatus

from clips.http import inputs, outputs, views
from clips.http.openapi.operations import LOCATION, Operation, ResponseSpec, Tag
from clips.http.request import Request
from clips.http.response import Response
from shared.errors import NotFound, StorageUnavailable, WrongState
from shared.model import Role


@Operation(
    tag=Tag.MIGRATIONS,
    summary="Move clips in from a folder",
    description="Files that the app can see below MIGRATION_ROOT become the bytes of clips that "
    "wait for them, batch by batch, on as many instances as there are. While one is running for "
    "that folder, it is the answer. What is in storage already is not sent again.",
    parameters=inputs.NewMigration,
    responses=(ResponseSpec(HTTPStatus.ACCEPTED, "It has begun.", outputs.Migration, (LOCATION,)),),
    errors=(WrongState, StorageUnavailable),
    role=Role.ADMIN,
)
def start(request: Request) -> Response:
    wanted = request.parameters(inputs.NewMigration)
    folder = wanted.local_clips_dir or ""
    request.record(f"moves clips in from {folder!r}, {wanted.batch_size} files a batch")
    begun = request.services.migrations.start(folder, wanted.batch_size)
    return Response(
        HTTPStatus.ACCEPTED,
        views.migration(begun),
        {"Location": f"/api/migrations/{begun.migration.id}"},
    )


@Operation(
    tag=Tag.MIGRATIONS,
    summary="Look at a migration",
    description="How far it is, and every failure with its reason.",
    parameters=inputs.MigrationId,
    responses=(ResponseSpec(HTTPStatus.OK, "How far it is.", outputs.Migration),),
    errors=(NotFound,),
    role=Role.ADMIN,
)
def get(request: Request) -> Response:
    where = request.parameters(inputs.MigrationId)
    return Response(
        HTTPStatus.OK, views.migration(request.services.migrations.get(where.migration_id))
    )
