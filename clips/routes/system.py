"""Handlers that need no token: /health."""

from collections.abc import Callable
from http import HTTPStatus

from clips.http.answers import Answer
from clips.http.calls import OpenCall
from shared.errors import Unavailable


def health(call: OpenCall) -> Answer:
    services = call.services
    checks = {
        "database": _check(services.database.check),
        "storage": _check(lambda: services.blobs.check(services.containers.clips)),
    }
    well = all(result == "ok" for result in checks.values())
    return Answer(
        HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE,
        {"status": "ok" if well else "unavailable", "checks": checks},
        {} if well else {"Retry-After": str(Unavailable.retry_after)},
    )


def _check(check: Callable[[], None]) -> str:
    try:
        check()
    except Unavailable:
        return "unavailable"
    return "ok"
