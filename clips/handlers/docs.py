"""Handlers of /openapi.json and /docs, which need no token."""

from collections.abc import Mapping
from http import HTTPStatus

from clips.http.openapi.description import Description
from clips.http.openapi.operations import Endpoint, Header, Operation, ResponseSpec, Tag
from clips.http.request import AnonymousRequest
from clips.http.response import Response

# Nothing in it is secret, and it changes with a deployment only.
_KEPT = {"Cache-Control": "public, max-age=300"}
_POLICY = Header(
    "Content-Security-Policy", "Keeps the page from loading anything.", {"type": "string"}
)


def openapi(description: Description) -> Endpoint[[AnonymousRequest]]:
    @Operation(
        tag=Tag.SERVICE,
        summary="Read this description",
        responses=(
            ResponseSpec(HTTPStatus.OK, "A document in OpenAPI 3.1.", Mapping[str, object]),
        ),
    )
    def answer(_request: AnonymousRequest) -> Response:
        return Response(HTTPStatus.OK, description.json, _KEPT)

    return answer


def page(description: Description) -> Endpoint[[AnonymousRequest]]:
    @Operation(
        tag=Tag.SERVICE,
        summary="Read this description as a page",
        responses=(ResponseSpec(HTTPStatus.OK, "The page.", str, (_POLICY,), "text/html"),),
    )
    def answer(_request: AnonymousRequest) -> Response:
        headers = {**_KEPT, **description.page_headers}
        return Response(HTTPStatus.OK, description.page, headers, "text/html")

    return answer
