"""Handlers that need no token: /health."""

from collections.abc import Callable
from http import HTTPStatus

from clips.http import outputs
from clips.http.openapi.operations import RETRY_AFTER, Operation, ResponseSpec, Tag
from clips.http.request import AnonymousRequest
from clips.http.response import Response
from shared.errors import Unavailable


@Operation(
    tag=Tag.SERVICE,
    summary="Ask whether all is well",
    responses=(
        ResponseSpec(HTTPStatus.OK, "All is well.", outputs.Health),
        ResponseSpec(HTTPStatus.SERVICE_UNAVAILABLE, "Not all is.", outputs.Health, (RETRY_AFTER,)),
    ),
)
def health(request: AnonymousRequest) -> Response:
    services = request.services
    checks: outputs.Checks = {
        "database": _check(services.database.check),
        "storage": _check(lambda: services.blobs.check(services.containers.clips)),
    }
    well = all(result == "ok" for result in checks.values())
    body: outputs.Health = {"status": "ok" if well else "unavailable", "checks": checks}
    return Response(
        HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE,
        body,
        {} if well else {"Retry-After": str(Unavailable.retry_after)},
    )


def _check(check: Callable[[], None]) -> outputs.Availability:
    try:
        check()
    except Unavailable:
        return "unavailable"
    return "ok"
