"""Errors as problem+json: one shape, stable codes, the right status and headers."""

import ast
import inspect
import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from clips.http.problems import problem, status_of, unexpected
from clips.http.response import render
from shared import errors
from shared.errors import CliplinkError, FieldError, InvalidRequest

# What programs rely on: a change here is a change of the API.
CATALOGUE: dict[type[CliplinkError], tuple[str, int]] = {
    errors.CliplinkError: ("internal_error", 500),
    errors.InvalidRequest: ("invalid_request", 400),
    errors.BodyTooLarge: ("body_too_large", 413),
    errors.UnsupportedMediaType: ("unsupported_media_type", 415),
    errors.KeyReused: ("idempotency_key_reused", 422),
    errors.Unauthenticated: ("invalid_token", 401),
    errors.TokenMissing: ("missing_token", 401),
    errors.Forbidden: ("missing_role", 403),
    errors.NotFound: ("not_found", 404),
    errors.MethodNotAllowed: ("method_not_allowed", 405),
    errors.WrongState: ("wrong_state", 409),
    errors.SourceNotReady: ("source_not_ready", 409),
    errors.NeedsForce: ("repair_needs_force", 409),
    errors.Pinned: ("pinned", 409),
    errors.VideoInBin: ("video_in_bin", 409),
    errors.GoneForGood: ("gone_for_good", 410),
    errors.CutOutOfRange: ("cut_out_of_range", 422),
    errors.BlobMissing: ("blob_missing", 409),
    errors.BlobChanged: ("blob_changed", 409),
    errors.BlobExists: ("blob_exists", 409),
    errors.BlobHeld: ("blob_held", 409),
    errors.BlobArchived: ("blob_archived", 409),
    errors.Unavailable: ("unavailable", 503),
    errors.DatabaseUnavailable: ("database_unavailable", 503),
    errors.StorageUnavailable: ("storage_unavailable", 503),
    errors.SigningKeysUnavailable: ("signing_keys_unavailable", 503),
    errors.Busy: ("busy", 503),
    # The result of an ingest, not of a call: at the HTTP edge it is an internal error.
    errors.UnplayableClip: ("unplayable_clip", 500),
    # The result of a move, likewise.
    errors.UnusableFile: ("unmovable_file", 500),
}


def tree(root: type[CliplinkError] = CliplinkError) -> Iterator[type[CliplinkError]]:
    """Every error of the app's own (tests may derive more)."""
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


def example(kind: type[CliplinkError]) -> CliplinkError:
    if issubclass(kind, (errors.UnplayableClip, errors.UnusableFile)):
        return kind("a_code", "It happened.")
    if issubclass(kind, errors.MethodNotAllowed):
        return kind("It happened.", ("GET", "POST"))
    return kind("It happened.")


@pytest.mark.parametrize("kind", list(tree()))
def test_every_error_has_its_status_and_code(kind: type[CliplinkError]) -> None:
    assert (kind.code, status_of(kind)) == CATALOGUE[kind]


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in tree()]
    assert len(codes) == len(set(codes))


def test_titles_are_unique_and_plain() -> None:
    titles = [kind.title for kind in tree()]
    assert len(titles) == len(set(titles))
    assert all(title and not title.endswith(".") for title in titles)


def test_drawing_of_the_tree_shows_every_error() -> None:
    drawing = ast.get_docstring(ast.parse(inspect.getsource(errors))) or ""
    words = set(drawing.split())
    assert {kind.__name__ for kind in tree()} <= words


@pytest.mark.parametrize("kind", list(tree()))
def test_every_answer_has_the_one_shape(kind: type[CliplinkError]) -> None:
    answer = render(problem(example(kind)))
    body = json.loads(answer.get_body())
    assert body == {
        "type": f"urn:cliplink:problem:{kind.code}",
        "title": kind.title,
        "status": answer.status_code,
        "detail": "It happened.",
        "code": kind.code,
    }
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("kind", list(tree()))
def test_headers_stand_where_they_belong(kind: type[CliplinkError]) -> None:
    headers = problem(example(kind)).headers
    assert ("Retry-After" in headers) == issubclass(kind, errors.Unavailable)
    assert ("WWW-Authenticate" in headers) == issubclass(kind, errors.Unauthenticated)
    assert ("Allow" in headers) == issubclass(kind, errors.MethodNotAllowed)


def test_headers_say_what_to_do() -> None:
    assert int(problem(errors.StorageUnavailable("Away.")).headers["Retry-After"]) > 0
    bearer = problem(errors.Unauthenticated("No.")).headers["WWW-Authenticate"]
    assert bearer == 'Bearer realm="cliplink", error="invalid_token"'
    assert problem(errors.MethodNotAllowed("No.", ("GET", "PUT"))).headers["Allow"] == "GET, PUT"


def test_missing_token_gives_no_error_parameter() -> None:
    """RFC 6750, section 3.1: the challenge to a call without any token is the plain one."""
    assert problem(errors.TokenMissing("No.")).headers == {
        "WWW-Authenticate": 'Bearer realm="cliplink"'
    }


def test_bad_fields_are_listed_by_parameter_or_pointer() -> None:
    fields = (
        FieldError("must be a number", pointer="/start_time"),
        FieldError("must be a UUID", parameter="video_id"),
        FieldError("must be an object", pointer=""),
    )
    assert json.loads(render(problem(InvalidRequest("Look.", fields))).get_body())["errors"] == [
        {"pointer": "/start_time", "detail": "must be a number"},
        {"parameter": "video_id", "detail": "must be a UUID"},
        {"pointer": "", "detail": "must be an object"},
    ]


def test_problem_without_bad_fields_has_no_list() -> None:
    assert "errors" not in json.loads(render(problem(InvalidRequest("No."))).get_body())


def test_unencodable_text_is_replaced() -> None:
    """A detail may quote a caller's text, which may contain half a surrogate pair."""
    field = FieldError("odd: \ud800", pointer="/\udfff", parameter="\ud800")
    body = json.loads(render(problem(InvalidRequest("Look at \ud800.", (field,)))).get_body())
    assert body["detail"] == "Look at ?."
    assert body["errors"] == [{"parameter": "?", "pointer": "/?", "detail": "odd: ?"}]


def test_derived_error_takes_the_status_of_its_nearest_ancestor() -> None:
    class QueueUnavailable(errors.Unavailable):
        """An outage of a kind that the table does not name."""

    assert status_of(QueueUnavailable) == HTTPStatus.SERVICE_UNAVAILABLE


def test_internal_error_shows_only_the_invocation_id() -> None:
    answer = unexpected("8f3c")
    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
    body = json.loads(render(answer).get_body())
    assert body["code"] == "internal_error"
    assert body["detail"] == "The error is logged under invocation 8f3c."
