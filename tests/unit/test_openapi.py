"""The API's OpenAPI document is valid, complete and made of what the code uses.

tests/e2e/test_described.py tests that the running app answers as described.
"""

import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, cast

import azure.functions as func
import jsonschema_rs
import pytest
import schemathesis

from clips.compose import Services
from clips.handlers import clips, links, migrations, shares, system, videos
from clips.http.inputs.base import Body
from clips.http.inputs.clips import ClipChange, NewClip, NewVideo
from clips.http.inputs.links import AccessUrl
from clips.http.openapi import document as openapi
from clips.http.openapi.operations import Endpoint
from clips.http.openapi.problem_schemas import Problems
from clips.http.openapi.schemas import Schemas
from clips.http.outputs import clips as outputs
from clips.http.problems import problem, status_of
from clips.http.request import Request
from clips.http.response import Response, render
from clips.http.routes import Route, Routes
from shared import errors
from shared.errors import CliplinkError
from tests.unit.described import ROOT, Described, describe
from tests.unit.test_problems import example, tree

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

# Raised, but caught before they become an answer.
UNANSWERED = {
    "unplayable_clip": "becomes the clip's failure",
    "unmovable_file": "becomes a failure of the migration",
    "blob_held": "caught where blobs are deleted",
    "blob_exists": "what is made at once by two is taken from the first",
    "unavailable": "raised as one of its kinds",
    "cut_out_of_range": "the error of one of many clips",
}


@pytest.fixture(scope="module")
def described() -> Described:
    return describe()


@pytest.fixture(scope="module")
def document(described: Described) -> dict[str, Any]:
    return described.document


def references(value: object) -> Iterator[str]:
    """Everything that `$ref` leads to, anywhere inside."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


# --- The document


def test_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_every_schema_is_valid(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": _DRAFT, **schema})
        assert re.fullmatch(r"[A-Za-z0-9]+", name), "pydantic spells out names that clash"


def test_components_and_references_match(document: dict[str, Any]) -> None:
    used = set(references(document))
    named = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in document["components"][kind]
    }
    # The one answer that belongs to a path and to no operation.
    assert named - used == {"#/components/responses/MethodNotAllowed"}
    assert used <= named


def is_open(operation: dict[str, Any]) -> bool:
    """Whether it needs no token; such an operation answers HEAD as well."""
    return operation.get("security") == []


def test_every_function_is_an_operation_and_every_operation_a_function(
    described: Described,
) -> None:
    functions = {
        name: (methods, f"/{route}")
        for name, (methods, route) in described.functions.items()
        if not route.startswith("{*")
    }
    operations = {
        operation["operationId"]: (["GET", "HEAD"] if is_open(operation) else [method], path)
        for method, path, operation in described.operations
    }
    assert operations == functions


def test_all_but_public_operations_need_a_token(described: Described) -> None:
    assert described.document["security"] == [{"bearer": []}]
    open_ones = [op["operationId"] for _, _, op in described.operations if op.get("security") == []]
    assert sorted(open_ones) == sorted(described.open)
    assert {"health", "openapi", "docs"} <= set(open_ones)
    for _, _, operation in described.operations:
        refuses = "401" in operation["responses"]
        assert refuses == (operation["operationId"] not in open_ones)


def test_every_part_of_a_path_is_a_parameter(described: Described) -> None:
    for _, path, operation in described.operations:
        named = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        assert sorted(named) == sorted(re.findall(r"\{(\w+)\}", path)), path


def test_every_operation_has_a_unique_summary_and_a_known_tag(described: Described) -> None:
    tags = {tag["name"]: tag["description"] for tag in described.document["tags"]}
    for _, path, operation in described.operations:
        assert operation["summary"], path
        assert set(operation["tags"]) <= set(tags), path
    summaries = [operation["summary"] for _, _, operation in described.operations]
    assert len(set(summaries)) == len(summaries)
    assert {tag for _, _, operation in described.operations for tag in operation["tags"]} == set(
        tags
    )


def test_pages_of_other_origins_can_read_the_headers_that_are_described(
    described: Described,
) -> None:
    """A front end needs them to find the next page and the time of a retry."""
    exposed = render(Response(HTTPStatus.OK, {})).headers["Access-Control-Expose-Headers"]
    for_the_browser_itself = {"Content-Security-Policy", "Referrer-Policy"}
    answers = (
        described.document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        if "$ref" in answer
        else answer
        for _, _, operation in described.operations
        for answer in operation["responses"].values()
    )
    named = {name for answer in answers for name in answer.get("headers", {})}
    assert {"Link", "Location", "Retry-After"} <= named
    assert named - for_the_browser_itself <= set(exposed.split(", "))


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    """The test covers the examples of bodies and of single values."""
    bodies = [
        operation["requestBody"]["content"]["application/json"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    ]
    for body in bodies:
        assert is_valid(document, body["schema"], body["example"]), body
    for schema in with_examples(document):
        assert all(is_valid(document, schema, value) for value in schema["examples"]), schema


def is_valid(document: dict[str, Any], schema: dict[str, Any], value: object) -> bool:
    whole = schema | {"components": document["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value)


def with_examples(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("examples"), list):
            yield value
        for part in value.values():
            yield from with_examples(part)
    elif isinstance(value, list):
        for part in value:
            yield from with_examples(part)


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == openapi.VERSION


def test_start_of_the_app_does_not_build_the_document(described: Described) -> None:
    assert described.loaded_at_start == []


# --- Errors


def test_document_has_every_error_that_is_answered(document: dict[str, Any]) -> None:
    listed = {
        (schema["properties"]["code"]["const"], schema["properties"]["status"]["const"])
        for name, schema in document["components"]["schemas"].items()
        if name.endswith("Problem")
    }
    all_of_them = {(kind.code, int(status_of(kind))) for kind in tree()}
    assert {code for code, _ in all_of_them - listed} == set(UNANSWERED)
    assert listed <= all_of_them


@pytest.mark.parametrize("kind", [kind for kind in tree() if kind.code not in UNANSWERED])
def test_error_is_answered_as_described(kind: type[CliplinkError]) -> None:
    """The body fits its schema and no field is left over; the headers are there."""
    problems = Problems()
    (reference,) = problems.by_status([kind]).values()
    (response,) = problems.responses.values()
    (schema,) = problems.schemas.values()
    raised = example(kind)
    if kind is errors.InvalidRequest:
        raised = kind("It happened.", (errors.FieldError("is bad", pointer="/a"),))
    answer = problem(raised)
    jsonschema_rs.validate(schema | {"additionalProperties": False}, answer.body)
    assert set(answer.headers) == set(response.get("headers", {}))
    assert answer.content_type in response["content"]
    assert reference["$ref"].startswith("#/components/responses/")


# --- Handlers

ENDPOINTS = [
    pytest.param(value, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in (videos, clips, links, shares, migrations, system)
    for name, value in inspect.getmembers(module)
    if isinstance(value, Endpoint)
]


def test_handler_without_a_description_has_no_document() -> None:
    routes = Routes(func.FunctionApp(), cast("Services", None))
    undescribed = cast("Endpoint[Request, Any, Any]", lambda _call: None)
    routes.add("nameless", "GET", "nameless", lambda: undescribed)
    with pytest.raises(AttributeError, match="operation"):
        openapi.document(routes.described)


# --- Shapes


def test_schema_has_null_and_formats() -> None:
    fields = Schemas([], [outputs.Clip]).named["Clip"]["properties"]
    assert fields["id"] == {"type": "string", "format": "uuid"}
    assert fields["created_at"] == {"type": "string", "format": "date-time"}
    options = [option.get("format") or option["type"] for option in fields["blob_url"]["anyOf"]]
    assert options == ["uri", "null"]


# --- Inputs


def test_parameter_schema_has_no_null() -> None:
    listed = Schemas([], []).of_parameters(AccessUrl)
    hours = {key: listed["expiry_hours"][key] for key in ("type", "minimum", "maximum", "default")}
    assert hours == {"type": "integer", "minimum": 1, "maximum": 168, "default": 24}
    assert listed["as"]["const"] == "admin"
    assert "null" not in json.dumps(listed)


@pytest.mark.parametrize(
    ("body", "required"),
    [(NewVideo, False), (NewClip, True), (ClipChange, True)],
)
def test_body_is_required_unless_it_may_be_empty(body: type[Body], required: bool) -> None:  # noqa: FBT001 - a parameter of the test
    (endpoint,) = (
        case.values[0]
        for case in ENDPOINTS
        if isinstance(case.values[0], Endpoint) and case.values[0].operation.body is body
    )
    made = openapi.document([Route("name", "POST", "path", lambda: endpoint, is_public=False)])
    assert made["paths"]["/path"]["post"]["requestBody"]["required"] is required
