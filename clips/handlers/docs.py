"""Handlers of /openapi.json and /docs, which need no token."""

from collections.abc import Mapping
from http import HTTPStatus

from clips.http.inputs.base import AnyParameters, EmptyBody
from clips.http.openapi.description import Description
from clips.http.openapi.operations import Endpoint, Header, Operation, ResponseSpec, Tag
from clips.http.request import AnonymousRequest
from clips.http.response import Response

# It holds no secret, and changes with a deployment only.
_CACHED = {"Cache-Control": "public, max-age=300"}
_POLICY = Header(
    "Content-Security-Policy", "Prevents the page from loading any resource.", {"type": "string"}
)


def openapi(description: Description) -> Endpoint[AnonymousRequest, AnyParameters, EmptyBody]:
    @Operation(
        tag=Tag.SERVICE,
        summary="Read this description",
        parameters=AnyParameters,
        responses=(
            ResponseSpec(HTTPStatus.OK, "A document in OpenAPI 3.1.", Mapping[str, object]),
        ),
    )
    def answer(_request: AnonymousRequest, _where: AnyParameters) -> Response:
        return Response(HTTPStatus.OK, description.json, _CACHED)

    return answer


def page(description: Description) -> Endpoint[AnonymousRequest, AnyParameters, EmptyBody]:
    @Operation(
        tag=Tag.SERVICE,
        summary="Read this description as a page",
        parameters=AnyParameters,
        responses=(ResponseSpec(HTTPStatus.OK, "The page.", str, (_POLICY,), "text/html"),),
    )
    def answer(_request: AnonymousRequest, _where: AnyParameters) -> Response:
        headers = {**_CACHED, **description.page_headers}
        return Response(HTTPStatus.OK, description.page, headers, "text/html")

    return answer
