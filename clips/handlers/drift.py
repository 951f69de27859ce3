"""Handlers of /drift."""

from http import HTTPStatus

from clips.http.inputs.admin import DriftId, NewRepair
from clips.http.inputs.base import NoParameters
from clips.http.openapi.operations import LOCATION, Operation, ResponseSpec, Tag
from clips.http.outputs import admin as outputs
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import admin as views
from shared.errors import NeedsForce, NotFound, StorageUnavailable, WrongState
from shared.model.user import Role


@Operation(
    tag=Tag.DRIFT,
    summary="Start a drift report",
    description="Compares every container with the catalogue, and changes nothing. If a report is "
    "already being written, that report is returned. Reports are kept for 30 days.",
    parameters=NoParameters,
    responses=(
        ResponseSpec(
            HTTPStatus.ACCEPTED, "The report is being written.", outputs.Drift, (LOCATION,)
        ),
    ),
    errors=(StorageUnavailable,),
    role=Role.ADMIN,
)
def start(request: Request, _: NoParameters) -> Response:
    started = request.services.drift.start()
    location = request.location_of(f"/api/drift/{started.run.report.id}")
    return Response(HTTPStatus.ACCEPTED, views.drift(started), {"Location": location})


@Operation(
    tag=Tag.DRIFT,
    summary="Read a drift report",
    description="The number of lines of each kind, the first of them, and a link to all lines. "
    "Each line says what the service will do automatically, and when.",
    parameters=DriftId,
    responses=(ResponseSpec(HTTPStatus.OK, "The report.", outputs.Drift),),
    errors=(NotFound, StorageUnavailable),
    role=Role.ADMIN,
)
def get(request: Request, where: DriftId) -> Response:
    return Response(HTTPStatus.OK, views.drift(request.services.drift.get(where.drift_id)))


@Operation(
    tag=Tag.DRIFT,
    summary="Repair what a report lists",
    description="Checks every line of these kinds again, and repairs it if only one repair is "
    "possible; `repair` of the report has the results. A repair of more than 20 % of the "
    "catalogue needs `force`. Nothing is deleted under a video that is not in the catalogue.",
    parameters=DriftId,
    body=NewRepair,
    example={"kinds": ["image_missing", "stuck_processing"]},
    responses=(
        ResponseSpec(HTTPStatus.ACCEPTED, "The repair is running.", outputs.Drift, (LOCATION,)),
    ),
    errors=(NotFound, WrongState, NeedsForce, StorageUnavailable),
    role=Role.ADMIN,
)
def repair(request: Request, where: DriftId, wanted: NewRepair) -> Response:
    started = request.services.drift.start_repair(where.drift_id, wanted.kinds, force=wanted.force)
    location = request.location_of(f"/api/drift/{where.drift_id}")
    return Response(HTTPStatus.ACCEPTED, views.drift(started), {"Location": location})
