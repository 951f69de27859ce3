"""Errors as problem+json (RFC 9457): the one place where an error gets its HTTP status."""

from collections.abc import Mapping
from http import HTTPStatus

from clips.http.response import Response
from shared import errors
from shared.errors import CliplinkError, FieldError

_STATUS: Mapping[type[CliplinkError], HTTPStatus] = {
    errors.InvalidRequest: HTTPStatus.BAD_REQUEST,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.WrongState: HTTPStatus.CONFLICT,
    errors.GoneForGood: HTTPStatus.GONE,
    errors.CutOutOfRange: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    # Storage changed during the request: the next attempt sees the new state.
    errors.BlobMissing: HTTPStatus.CONFLICT,
    errors.BlobChanged: HTTPStatus.CONFLICT,
    errors.BlobExists: HTTPStatus.CONFLICT,
    errors.BlobHeld: HTTPStatus.CONFLICT,
    errors.BlobArchived: HTTPStatus.CONFLICT,
}

TYPE = "urn:cliplink:problem:"


def problem(error: CliplinkError) -> Response:
    status = status_of(type(error))
    body: dict[str, object] = {
        "type": TYPE + error.code,
        "title": error.title,
        "status": status,
        "detail": _writable(error.detail),
        "code": error.code,
    }
    if isinstance(error, errors.InvalidRequest) and error.fields:
        body["errors"] = [_field(field) for field in error.fields]
    return Response(status, body, _headers(error), content_type="application/problem+json")


def status_of(kind: type[CliplinkError]) -> HTTPStatus:
    """The status of a class is that of its nearest ancestor in the table."""
    for ancestor in kind.__mro__:
        if ancestor in _STATUS:
            return _STATUS[ancestor]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def unexpected(invocation_id: str) -> Response:
    """For a bug: gives the caller only the id under which it is logged."""
    return problem(CliplinkError(f"The error is logged under invocation {invocation_id}."))


def _headers(error: CliplinkError) -> dict[str, str]:
    match error:
        case errors.Unavailable():
            return {"Retry-After": str(error.retry_after)}
        case errors.TokenMissing():
            # RFC 6750, section 3.1: without a token, the challenge carries no error code.
            return {"WWW-Authenticate": 'Bearer realm="cliplink"'}
        case errors.Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="cliplink", error="invalid_token"'}
        case errors.MethodNotAllowed():
            return {"Allow": ", ".join(error.allowed)}
        case _:
            return {}


def _field(field: FieldError) -> dict[str, str]:
    where = {"parameter": field.parameter, "pointer": field.pointer}
    named = {name: _writable(value) for name, value in where.items() if value is not None}
    return named | {"detail": _writable(field.detail)}


def _writable(text: str) -> str:
    """The text without characters that UTF-8 cannot hold: it may quote what a caller sent."""
    return text.encode(errors="replace").decode()
