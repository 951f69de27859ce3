"""Registers handlers as HTTP functions: authenticates, parses, calls, renders, and maps errors.

Every handler needs a description (`openapi/operations.py`): without one the app does not start.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from clips.http.inputs.base import Body, Parameters
from clips.http.openapi.operations import Endpoint, Route
from clips.http.parsing import parse, retry_key_of
from clips.http.permissions import check_role, record_admin_operation, viewer_of
from clips.http.problems import problem, unexpected
from clips.http.request import AnonymousRequest, Request
from clips.http.response import Response, render
from shared.errors import CliplinkError, MethodNotAllowed, NotFound
from shared.model import User
from shared.postgres.time_limit import for_a_caller

if TYPE_CHECKING:
    from clips.compose import Services

_log = logging.getLogger(__name__)

type Answer = Callable[[func.HttpRequest], Response]

# The host tries routes in the order of function names, and a catch-all must be tried last:
# https://github.com/Azure/azure-functions-host/issues/9876.
_FALLBACK = "zz_unknown_route"


class Routes:
    """The HTTP functions of an app. Function keys are not used: requests carry tokens."""

    def __init__(
        self, app: func.FunctionApp, services: "Services", public_url: str | None = None
    ) -> None:
        """`public_url` is the setting PUBLIC_URL."""
        self._app = app
        self._public_url = public_url
        self._services = services
        self._methods: dict[str, list[str]] = defaultdict(list)
        self.described: list[Route] = []

    def add[P: Parameters, B: Body](
        self, name: str, method: str, path: str, endpoint: Endpoint[Request, P, B]
    ) -> None:
        """A function for callers with a valid token that has the operation's role, if any."""
        operation = endpoint.operation

        def answer(req: func.HttpRequest) -> Response:
            user = self._user(req)
            if operation.role is not None:
                check_role(user, operation.role)
            where, body = parse(req, operation.parameters, operation.body)
            if operation.role is not None:
                record_admin_operation(user, req, where)
            viewer = viewer_of(user, req, where, body, self._services.owners.of)
            retry_key = retry_key_of(req, where, body) if operation.retry_key else None
            request = Request(self._services, req, self._public_url, user, viewer, retry_key)
            return endpoint.handler(request, where, body)

        self._register(Route(name, method, path, operation, is_public=False), answer)

    def add_public[P: Parameters, B: Body](
        self, name: str, method: str, path: str, endpoint: Endpoint[AnonymousRequest, P, B]
    ) -> None:
        """A function that needs no token; its handler does not know who calls.

        Where it answers GET it answers HEAD too, as RFC 9110 says: without a body.
        """
        operation = endpoint.operation

        def answer(req: func.HttpRequest) -> Response:
            where, body = parse(req, operation.parameters, operation.body)
            request = AnonymousRequest(self._services, req, self._public_url)
            return endpoint.handler(request, where, body)

        self._register(Route(name, method, path, operation, is_public=True), answer)

    def add_fallback(self) -> None:
        """Answers what no other route matches: 404, or 405 where the path exists. Call it last."""
        # Every method: the host itself would answer others, such as TRACE, with an empty 404.
        self._serve(_FALLBACK, "{*path}", None, self._unknown)

    def _register(self, route: Route, answer: Answer) -> None:
        self.described.append(route)
        methods = ["GET", "HEAD"] if route.answers_head else [route.method]
        self._methods[route.path] += methods
        self._serve(route.name, route.path, methods, answer)

    def _serve(self, name: str, path: str, methods: Sequence[str] | None, answer: Answer) -> None:
        def serve(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
            return _respond(answer, req, context)

        self._app.function_name(name)(self._app.route(path, methods=methods)(serve))

    def _user(self, request: func.HttpRequest) -> User:
        identity = self._services.tokens.verify(request.headers.get("authorization"))
        user_id = self._services.users.id_of(identity.subject, identity.verified_email)
        return User(user_id, identity.subject, identity.roles)

    def _unknown(self, request: func.HttpRequest) -> Response:
        path = request.route_params.get("path") or ""
        matching = [route for route in self._methods if _matches(route, path)]
        if not matching:
            raise NotFound("There is no such path.")
        # clips/access-urls also matches clips/{clip_id}: the path with fewer variables wins.
        methods = self._methods[min(matching, key=lambda route: route.count("{"))]
        raise MethodNotAllowed(f"This path allows {', '.join(methods)}.", tuple(methods))


def _respond(answer: Answer, request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    try:
        with for_a_caller():
            response = answer(request)
    except CliplinkError as error:
        response = problem(error)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.warning("Answered %d: %s", response.status, error.code, exc_info=True)
    except Exception:  # noqa: BLE001 - the edge: logged with its trace, answered as an opaque 500
        _log.exception("Unexpected fault in invocation %s", context.invocation_id)
        response = unexpected(str(context.invocation_id))
    return render(response, with_body=request.method != "HEAD")


def _matches(route: str, path: str) -> bool:
    # Case-insensitive, as the host compares them.
    pattern, given = route.lower().split("/"), path.lower().strip("/").split("/")
    return len(pattern) == len(given) and all(
        p.startswith("{") or p == g for p, g in zip(pattern, given, strict=True)
    )
