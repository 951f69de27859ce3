"""Answers the calls of an HTTP function: authenticates, parses, calls, renders, and maps errors."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from clips.http.inputs.base import Body, Parameters
from clips.http.openapi.operations import Endpoint
from clips.http.parsing import parse, retry_key_of
from clips.http.permissions import check_role, record_admin_operation, viewer_of
from clips.http.problems import problem, unexpected
from clips.http.request import AnonymousRequest, Request
from clips.http.response import Response, render
from shared.errors import CliplinkError
from shared.model.user import User
from shared.postgres.time_limit import for_a_caller

if TYPE_CHECKING:
    from clips.compose import Services

_log = logging.getLogger(__name__)


def respond(
    answer: Callable[[func.HttpRequest], Response], request: func.HttpRequest, context: func.Context
) -> func.HttpResponse:
    """What `answer` returns, or the problem that it raises."""
    try:
        with for_a_caller():
            response = answer(request)
    except CliplinkError as error:
        response = problem(error)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.warning("Answered %d: %s", response.status, error.code, exc_info=True)
    except Exception:  # noqa: BLE001 - the edge: logged with its trace, answered as an opaque 500
        _log.exception("Unexpected error in invocation %s", context.invocation_id)
        response = unexpected(str(context.invocation_id))
    return render(response, with_body=request.method != "HEAD")


def answer_user[P: Parameters, B: Body](
    endpoint: Endpoint[Request, P, B],
    services: "Services",
    http: func.HttpRequest,
    public_url: str | None,
) -> Response:
    """For a caller with a valid token that has the operation's role, if any."""
    operation = endpoint.operation
    user = _user(services, http)
    if operation.role is not None:
        check_role(user, operation.role)
    where, body = parse(http, operation.parameters, operation.body)
    if operation.role is not None:
        record_admin_operation(user, http, where)
    viewer = viewer_of(user, http, where, body, services.owners.of)
    retry_key = retry_key_of(http, where, body) if operation.retry_key else None
    request = Request(services, http, public_url, user, viewer, retry_key)
    return endpoint.handler(request, where, body)


def answer_anyone[P: Parameters, B: Body](
    endpoint: Endpoint[AnonymousRequest, P, B],
    services: "Services",
    http: func.HttpRequest,
    public_url: str | None,
) -> Response:
    """For a caller who needs no token."""
    where, body = parse(http, endpoint.operation.parameters, endpoint.operation.body)
    return endpoint.handler(AnonymousRequest(services, http, public_url), where, body)


def _user(services: "Services", request: func.HttpRequest) -> User:
    identity = services.tokens.verify(request.headers.get("authorization"))
    user_id = services.users.id_of(identity.subject, identity.verified_email)
    return User(user_id, identity.subject, identity.roles)
