"""Registers handlers as HTTP functions.

Every handler needs a description (`openapi/operations.py`). A handler, what answers its calls
(`answering.py`) and the libraries under them are loaded with the first call: most instances never
have one, see docs/adr/0020-late-imports.md.
"""

import gc
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import azure.functions as func

from shared.errors import MethodNotAllowed, NotFound

if TYPE_CHECKING:
    from clips.compose import Services
    from clips.http.inputs.base import Body, Parameters
    from clips.http.openapi.operations import AnyOperation, Endpoint
    from clips.http.request import AnonymousRequest, Request
    from clips.http.response import Response

type Answer = Callable[[func.HttpRequest], Response]

# Loads a handler: `lambda: handlers.videos.create`.
type Load[R, P: Parameters, B: Body] = Callable[[], Endpoint[R, P, B]]

# The host tries routes in the order of function names, and a catch-all must be tried last:
# https://github.com/Azure/azure-functions-host/issues/9876.
_FALLBACK = "zz_unknown_route"


@dataclass(frozen=True, slots=True)
class Route:
    """A handler at its path; `is_public` if it needs no token."""

    name: str
    method: str
    path: str
    load: "Load[Any, Any, Any]"
    is_public: bool

    @property
    def operation(self) -> "AnyOperation":
        return self.load().operation

    @property
    def answers_head(self) -> bool:
        return self.is_public and self.method == "GET"


class Routes:
    """The HTTP functions of an app. Function keys are not used: requests carry tokens."""

    def __init__(
        self, app: func.FunctionApp, services: "Services", public_url: str | None = None
    ) -> None:
        """`public_url` is the setting PUBLIC_URL."""
        self._app = app
        self._public_url = public_url
        self._services = services
        self._called: set[str] = set()
        self._methods: dict[str, list[str]] = defaultdict(list)
        self.described: list[Route] = []

    def add[P: Parameters, B: Body](
        self, name: str, method: str, path: str, load: "Load[Request, P, B]"
    ) -> None:
        """A function for callers with a valid token that has the operation's role, if any."""

        def answer(request: func.HttpRequest) -> "Response":
            from clips.http.answering import answer_user

            return answer_user(load(), self._services, request, self._public_url)

        self._register(Route(name, method, path, load, is_public=False), answer)

    def add_public[P: Parameters, B: Body](
        self, name: str, method: str, path: str, load: "Load[AnonymousRequest, P, B]"
    ) -> None:
        """A function that needs no token; its handler does not know the caller.

        If it answers GET, it also answers HEAD without a body (RFC 9110).
        """

        def answer(request: func.HttpRequest) -> "Response":
            from clips.http.answering import answer_anyone

            return answer_anyone(load(), self._services, request, self._public_url)

        self._register(Route(name, method, path, load, is_public=True), answer)

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
            from clips.http.answering import respond

            response = respond(answer, req, context)
            if name not in self._called:
                self._called.add(name)
                gc.freeze()  # what a first call loads stays, as in function_app.py
            return response

        self._app.function_name(name)(self._app.route(path, methods=methods)(serve))

    def _unknown(self, request: func.HttpRequest) -> "Response":
        path = request.route_params.get("path") or ""
        matching = [route for route in self._methods if _matches(route, path)]
        if not matching:
            raise NotFound("There is no such path.")
        # clips/access-urls also matches clips/{clip_id}: the path with fewer variables wins.
        methods = self._methods[min(matching, key=lambda route: route.count("{"))]
        raise MethodNotAllowed(f"This path allows {', '.join(methods)}.", tuple(methods))


def _matches(route: str, path: str) -> bool:
    # Case-insensitive, as the host compares them.
    pattern, given = route.lower().split("/"), path.lower().strip("/").split("/")
    return len(pattern) == len(given) and all(
        p.startswith("{") or p == g for p, g in zip(pattern, given, strict=True)
    )
