"""Handlers that need no token: /health."""

from collections.abc import Callable
from http import HTTPStatus

from clips.http import shapes
from clips.http.answers import Answer
from clips.http.calls import OpenCall
from clips.http.operations import RETRY_AFTER, Operation, Reply, Tag
from shared.errors import Unavailable


@Operation(
    tag=Tag.SERVICE,
    summary="Ask whether all is well",
    replies=(
        Reply(HTTPStatus.OK, "All is well.", shapes.Health),
        Reply(HTTPStatus.SERVICE_UNAVAILABLE, "Not all is.", shapes.Health, (RETRY_AFTER,)),
    ),
)
def health(call: OpenCall) -> Answer:
    services = call.services
    checks: shapes.Checks = {
        "database": _check(services.database.check),
        "storage": _check(lambda: services.blobs.check(services.containers.clips)),
    }
    well = all(result == "ok" for result in checks.values())
    body: shapes.Health = {"status": "ok" if well else "unavailable", "checks": checks}
    return Answer(
        HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE,
        body,
        {} if well else {"Retry-After": str(Unavailable.retry_after)},
    )


def _check(check: Callable[[], None]) -> shapes.Wellness:
    try:
        check()
    except Unavailable:
        return "unavailable"
    return "ok"
