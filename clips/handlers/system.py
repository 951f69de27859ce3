"""The handler of /health, which needs no token."""

from http import HTTPStatus

from clips.http.inputs.base import AnyParameters
from clips.http.openapi.operations import RETRY_AFTER, Operation, ResponseSpec, Tag
from clips.http.outputs import admin as outputs
from clips.http.request import AnonymousRequest
from clips.http.response import Response
from clips.http.views import admin as views
from shared.errors import Unavailable


@Operation(
    tag=Tag.SERVICE,
    summary="Check service health",
    parameters=AnyParameters,
    responses=(
        ResponseSpec(
            HTTPStatus.OK,
            "Everything is available. `degraded`: it works, but an operator has to decide.",
            outputs.Health,
        ),
        ResponseSpec(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database or storage is unavailable.",
            outputs.Health,
            (RETRY_AFTER,),
        ),
    ),
)
def health(request: AnonymousRequest, _: AnyParameters) -> Response:
    view = views.health(request.services.health.check())
    if view["status"] != "unavailable":
        return Response(HTTPStatus.OK, view)
    retry = {"Retry-After": str(Unavailable.retry_after)}
    return Response(HTTPStatus.SERVICE_UNAVAILABLE, view, retry)
