"""Routes check roles and the methods of a path."""

import gc
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID, uuid4

import azure.functions as func
import pytest

from clips.compose import Services
from clips.http.inputs.base import EmptyBody, NoParameters
from clips.http.openapi.operations import Endpoint, Operation, ResponseSpec, Tag
from clips.http.request import Request
from clips.http.response import Response
from clips.http.routes import Routes
from shared.model.user import Role

type Serve = Callable[[func.HttpRequest, Any], func.HttpResponse]


@dataclass(frozen=True)
class Who:
    """The identity in a token."""

    roles: frozenset[str]
    subject: str = "alice"
    verified_email: str | None = None


@dataclass(frozen=True)
class AcceptingServices:
    """Services that accept the caller that the header names, and do nothing else."""

    id: UUID

    @property
    def tokens(self) -> "AcceptingServices":
        return self

    @property
    def owners(self) -> "AcceptingServices":
        return self

    @property
    def users(self) -> "AcceptingServices":
        return self

    def of(self, ids: Collection[UUID]) -> Sequence[str]:  # noqa: ARG002 - as Owners has it
        return ()

    def verify(self, header: str | None) -> Who:
        return Who(frozenset((header or "").split()))

    def id_of(self, subject: str, email: str | None) -> UUID:  # noqa: ARG002 - as Users has it
        return self.id


type AnyEndpoint = Endpoint[Request, NoParameters, EmptyBody]


def endpoint(role: Role | None = None) -> AnyEndpoint:
    @Operation(
        tag=Tag.SERVICE,
        summary="Try",
        parameters=NoParameters,
        responses=(ResponseSpec(HTTPStatus.OK, "Done.", str),),
        role=role,
    )
    def answer(request: Request, _: NoParameters) -> Response:
        return Response(HTTPStatus.OK, f"Welcome, {request.user.subject}")

    return answer


def served(*routes: tuple[str, str, Role | None]) -> dict[str, Serve]:
    """The functions of an app with these routes, by name."""
    app = func.FunctionApp()
    mine = Routes(app, cast("Services", AcceptingServices(uuid4())))
    for method, path, role in routes:
        mine.add(f"{method} {path}", method, path, partial(endpoint, role))
    mine.add_fallback()
    return {
        str(function.get_function_name()): function.get_user_function()
        for function in app.get_functions()
    }


def ask(serve: Serve, roles: str = "", path: str = "") -> tuple[int, Any, Any]:
    request = func.HttpRequest(
        "GET", "/", headers={"Authorization": roles}, route_params={"path": path}, body=b""
    )
    answer = serve(request, None)
    return answer.status_code, json.loads(answer.get_body()), answer.headers


@pytest.mark.parametrize(
    ("asked", "token", "status"),
    [
        (None, "", 200),
        (Role.ADMIN, "", 403),
        (Role.ADMIN, "reader administrator ADMIN", 403),
        (Role.ADMIN, "reader admin", 200),
    ],
)
def test_operation_with_a_role_needs_it(asked: Role | None, token: str, status: int) -> None:
    (serve, _) = served(("GET", "things", asked)).values()
    answered, body, _ = ask(serve, roles=token)
    assert answered == status
    assert body == "Welcome, alice" if status == HTTPStatus.OK else body["code"] == "missing_role"


def test_collections_skip_what_a_first_call_has_loaded() -> None:
    (serve, _) = served(("GET", "things", None)).values()
    loaded: list[object] = [[]]  # as a module, it is there when the call ends
    ask(serve)
    assert not any(each is loaded for each in gc.get_objects())
    later: list[object] = [[]]
    ask(serve)
    assert any(each is later for each in gc.get_objects())
    gc.unfreeze()


ROUTES: list[tuple[str, str, Role | None]] = [
    ("GET", "clips/{clip_id}", None),
    ("DELETE", "clips/{clip_id}", None),
    ("POST", "clips/access-urls", None),
    ("GET", "clips/{clip_id}/grants", None),
]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("clips/7", "GET, DELETE"),
        ("/clips/7/", "GET, DELETE"),
        ("Clips/7", "GET, DELETE"),  # the case of a path does not matter to the host either
        ("clips/access-urls", "POST"),  # and not those of a clip of that name
        ("clips/access-urls/grants", "GET"),
    ],
)
def test_known_path_names_its_methods(path: str, allowed: str) -> None:
    status, body, headers = ask(served(*ROUTES)["zz_unknown_route"], path=path)
    assert (status, body["code"], headers["Allow"]) == (405, "method_not_allowed", allowed)


@pytest.mark.parametrize("path", ["", "clips", "clips/7/8", "clips/7/grants/8", "\0"])
def test_unknown_path_is_not_found(path: str) -> None:
    status, body, headers = ask(served(*ROUTES)["zz_unknown_route"], path=path)
    assert (status, body["code"]) == (404, "not_found")
    assert "Allow" not in headers
