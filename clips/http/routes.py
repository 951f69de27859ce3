"""Registers handlers as HTTP functions: authenticates, calls, renders, and maps errors.

A handler without a description (`operations.py`) is refused: the app does not start.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from clips.http.openapi.operations import Endpoint, Route
from clips.http.problems import problem, unexpected
from clips.http.request import AnonymousRequest, Request
from clips.http.response import Response, render
from shared.errors import CliplinkError, MethodNotAllowed, NotFound
from shared.model import User

if TYPE_CHECKING:
    from clips.compose import Services

_log = logging.getLogger(__name__)

type Serve = Callable[[func.HttpRequest, func.Context], func.HttpResponse]

# The host tries routes in the order of function names, and a catch-all must be tried last:
# https://github.com/Azure/azure-functions-host/issues/9876.
_FALLBACK = "zz_unknown_route"


class Routes:
    """The HTTP functions of an app. Function keys are not used: requests carry tokens."""

    def __init__(self, app: func.FunctionApp, services: "Services") -> None:
        self._app = app
        self._services = services
        self._methods: dict[str, list[str]] = defaultdict(list)
        self.described: list[Route] = []

    def add(self, name: str, method: str, path: str, endpoint: Endpoint[[Request]]) -> None:
        """A function for callers with a valid token that has the operation's role, if any."""
        handler, role = endpoint.handler, endpoint.operation.role

        def produce(req: func.HttpRequest) -> Response:
            request = Request(self._services, req, self._caller(req))
            if role is not None:
                request.require(role)
            return handler(request)

        def serve(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
            return _respond(lambda: produce(req), context)

        self._register(Route(name, method, path, endpoint.operation, is_public=False), serve)

    def add_public(
        self, name: str, method: str, path: str, endpoint: Endpoint[[AnonymousRequest]]
    ) -> None:
        """A function for everybody; it does not know who calls."""
        handler = endpoint.handler

        def serve(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
            return _respond(lambda: handler(AnonymousRequest(self._services, req)), context)

        self._register(Route(name, method, path, endpoint.operation, is_public=True), serve)

    def add_fallback(self) -> None:
        """Answers what no other route matches: 404, or 405 where the path exists. Call it last."""

        def serve(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
            return _respond(lambda: self._unknown(req), context)

        # Every method: the host itself would answer others, such as TRACE, with an empty 404.
        self._app.function_name(_FALLBACK)(self._app.route("{*path}")(serve))

    def _register(self, route: Route, serve: Serve) -> None:
        self.described.append(route)
        self._methods[route.path].append(route.method)
        register = self._app.route(route.path, methods=[route.method])
        self._app.function_name(route.name)(register(serve))

    def _caller(self, request: func.HttpRequest) -> User:
        identity = self._services.tokens.verify(request.headers.get("authorization"))
        user_id = self._services.users.id_of(identity.subject, identity.verified_email)
        return User(user_id, identity.subject, identity.roles)

    def _unknown(self, request: func.HttpRequest) -> Response:
        path = request.route_params.get("path") or ""
        fitting = [route for route in self._methods if _matches(route, path)]
        if not fitting:
            raise NotFound("There is no such path.")
        # clips/access-urls is a path of its own, though it might be a clips/{clip_id}.
        methods = self._methods[min(fitting, key=lambda route: route.count("{"))]
        raise MethodNotAllowed(f"This path has {', '.join(methods)}.", tuple(methods))


def _respond(produce: Callable[[], Response], context: func.Context) -> func.HttpResponse:
    try:
        response = produce()
    except CliplinkError as error:
        response = problem(error)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.warning("Answered %d: %s", response.status, error.code, exc_info=True)
    except Exception:  # noqa: BLE001 - the edge: logged with its trace, answered as an opaque 500
        _log.exception("Unexpected fault in invocation %s", context.invocation_id)
        response = unexpected(str(context.invocation_id))
    return render(response)


def _matches(route: str, path: str) -> bool:
    # Case-insensitive, as the host compares them.
    wanted, given = route.lower().split("/"), path.lower().strip("/").split("/")
    return len(wanted) == len(given) and all(
        w.startswith("{") or w == g for w, g in zip(wanted, given, strict=True)
    )
