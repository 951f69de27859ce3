"""Path, query and JSON body of a request, parsed as an operation declares them.

Every bad field is reported at once, path, query and body together.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import azure.functions as func
import orjson
from pydantic import BaseModel, ValidationError

from clips.http.inputs.base import Body, EmptyBody, Parameters
from shared.errors import BodyTooLarge, FieldError, InvalidRequest, UnsupportedMediaType
from shared.model.user import RetryKey

# What an Idempotency-Key may be: visible ASCII characters.
_RETRY_KEY = re.compile(r"^[!-~]{1,255}$")

_LARGEST_BODY = 64 * 1024  # bytes
# Null, an empty text, or one that begins with what may be white space: most bodies have none.
_BLANK = re.compile(rb':\s*(?:null|"(?:"|[\s\\]|[^\x00-\x7f]))')


def parse[P: Parameters, B: Body](
    request: func.HttpRequest, parameters: type[P], body: type[B]
) -> tuple[P, B]:
    """The parameters and the body; a body that is not declared is not read.

    Raises InvalidRequest with all bad fields, BodyTooLarge, UnsupportedMediaType.
    """
    fields: list[FieldError] = []
    has_body = not issubclass(body, EmptyBody)
    if has_body:
        _check_body(request)
    if parameters.model_config.get("extra") == "forbid":
        twice = (name for name in request.params if name in request.route_params)
        fields += [FieldError("is part of the path", parameter=name) for name in twice]
    where = _collect(
        fields,
        lambda: parameters.model_validate({**request.params, **request.route_params}),
        _bad_parameter,
    )
    raw = (_without_blanks(request.get_body(), body) or b"{}") if has_body else b"{}"
    content = _collect(fields, lambda: body.model_validate_json(raw), _bad_body_field)
    if where is None or content is None or fields:
        raise _invalid(fields)
    return where, content


def invalid_body(error: ValidationError) -> InvalidRequest:
    """The error of one item of a body, which does not fail the others."""
    return _invalid([_bad_body_field(problem) for problem in error.errors()])


def retry_key_of(request: func.HttpRequest, where: Parameters, body: Body) -> RetryKey | None:
    """The Idempotency-Key with a fingerprint of its request; None without the header.

    Two spellings of the same JSON have one fingerprint. Raises InvalidRequest.
    """
    key = (request.headers.get("idempotency-key") or "").strip()
    if not key:
        return None
    if not _RETRY_KEY.fullmatch(key):
        detail = "must be 1 to 255 visible ASCII characters"
        raise _invalid([FieldError(detail, parameter="Idempotency-Key")])
    parts = (request.method, type(body).__name__, where.model_dump_json(), body.model_dump_json())
    return RetryKey(key, hashlib.sha256("\n".join(parts).encode()).digest())


def _check_body(request: func.HttpRequest) -> None:
    if len(request.get_body()) > _LARGEST_BODY:
        raise BodyTooLarge(f"The body may have at most {_LARGEST_BODY} bytes.")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {"", "application/json"} and not media_type.endswith("+json"):
        raise UnsupportedMediaType(
            "Send the body as JSON, with the header Content-Type: application/json."
        )


def _without_blanks(raw: bytes, body: type[Body]) -> bytes:
    """The body as `Body.without_blanks` has it.

    What is not a JSON object is returned as it is: the model reports it.
    """
    if not _BLANK.search(raw):
        return raw
    try:
        values = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw
    return orjson.dumps(body.without_blanks(values)) if isinstance(values, dict) else raw


def _collect[M: BaseModel](
    fields: list[FieldError], validate: Callable[[], M], field_of: Callable[[Any], FieldError]
) -> M | None:
    """What `validate` returns; where it fails, None, with its problems added to `fields`."""
    try:
        return validate()
    except ValidationError as error:
        fields += [field_of(problem) for problem in error.errors()]
        return None


def _bad_parameter(problem: Any) -> FieldError:  # noqa: ANN401 - pydantic's ErrorDetails
    return FieldError(problem["msg"], parameter=".".join(map(str, problem["loc"])))


def _bad_body_field(problem: Any) -> FieldError:  # noqa: ANN401 - pydantic's ErrorDetails
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in problem["loc"])
    return FieldError(problem["msg"], pointer="".join(f"/{part}" for part in escaped))


def _invalid(fields: list[FieldError]) -> InvalidRequest:
    names = sorted({field.pointer or field.parameter or "" for field in fields} - {""})
    detail = (
        f"Invalid fields: {', '.join(names)}" if names else f"Invalid request: {fields[0].detail}"
    )
    return InvalidRequest(f"{detail.rstrip('.')}.", tuple(fields))
