"""Handlers of /migrate-clips and /migrations."""

from http import HTTPStatus

from clips.http import inputs, shapes, views
from clips.http.answers import Answer
from clips.http.calls import Call
from clips.http.operations import LOCATION, Operation, Reply, Tag
from shared.errors import NotFound, StorageUnavailable, WrongState
from shared.model import Role


@Operation(
    tag=Tag.MIGRATIONS,
    summary="Move clips in from a folder",
    description="Files that the app can see below MIGRATION_ROOT become the bytes of clips that "
    "wait for them, batch by batch, on as many instances as there are. While one is running for "
    "that folder, it is the answer. What is in storage already is not sent again.",
    parameters=inputs.NewMigration,
    replies=(Reply(HTTPStatus.ACCEPTED, "It has begun.", shapes.Migration, (LOCATION,)),),
    errors=(WrongState, StorageUnavailable),
    role=Role.ADMIN,
)
def start(call: Call) -> Answer:
    wanted = call.parameters(inputs.NewMigration)
    folder = wanted.local_clips_dir or ""
    call.record(f"moves clips in from {folder!r}, {wanted.batch_size} files a batch")
    begun = call.services.migrations.start(folder, wanted.batch_size)
    return Answer(
        HTTPStatus.ACCEPTED,
        views.migration(begun),
        {"Location": f"/api/migrations/{begun.migration.id}"},
    )


@Operation(
    tag=Tag.MIGRATIONS,
    summary="Look at a migration",
    description="How far it is, and every failure with its reason.",
    parameters=inputs.MigrationId,
    replies=(Reply(HTTPStatus.OK, "How far it is.", shapes.Migration),),
    errors=(NotFound,),
    role=Role.ADMIN,
)
def get(call: Call) -> Answer:
    where = call.parameters(inputs.MigrationId)
    return Answer(HTTPStatus.OK, views.migration(call.services.migrations.get(where.migration_id)))
