"""Field types of requests: how each value is validated, and its JSON Schema.

Numbers and ids that arrive as text are accepted in one spelling only, that of JSON and RFC 9562:
`1_0`, `+5` and `{0190...}` are refused.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, PydanticKnownError, core_schema

from clips.http import cursors
from shared.model.clip import LONGEST_POSITION, LONGEST_TITLE
from shared.model.link import THUMBNAIL_WIDTHS

_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ].+", re.ASCII)
# A day before the last date that every time zone can show.
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)

# The same rules as regular expressions, for the JSON Schemas.
_ONE_LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS = rf"{_OCTET}(\.{_OCTET}){{3}}"


def _whole_number(value: object) -> object:
    if isinstance(value, str) and not _WHOLE_NUMBER.fullmatch(value):
        raise PydanticKnownError("int_parsing")
    if isinstance(value, float) and value.is_integer():
        return int(value)  # JSON knows numbers only: 24.0 is 24
    return value


def _number(value: object) -> object:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise PydanticKnownError("float_parsing")
    return value


def _canonical_uuid() -> core_schema.CoreSchema:
    """Accepts only the spelling of RFC 9562.

    It is the only one with 36 characters that pydantic knows. Native all through: a request may
    name a thousand ids. Made anew for each use, as pydantic writes into it.
    """
    text = core_schema.str_schema(min_length=36, max_length=36)
    return core_schema.custom_error_schema(
        core_schema.chain_schema([text, core_schema.uuid_schema(strict=False)]),
        custom_error_type="uuid",
        custom_error_message="must be a UUID: 8-4-4-4-12 hexadecimal digits",
    )


def _switch_or_name(source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    """One error for both types: otherwise the pointer to the field would name each of them."""
    return core_schema.custom_error_schema(
        handler(source),
        custom_error_type="download",
        custom_error_message="must be true, false or one line of at most 255 characters",
    )


def _check_printable(text: str) -> str:
    # Cc: control characters and NUL; Cs: lone surrogates; Zl, Zp: other line breaks.
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise PydanticCustomError("control_character", "must not contain control characters")
    return text


def _without_parameters(value: object) -> object:
    """Browser recorders send `video/webm;codecs=vp9,opus`: only the type counts."""
    return value.partition(";")[0].strip() if isinstance(value, str) else value


def _address_or_range(text: str) -> str:
    """IPv4 or a-b: https://learn.microsoft.com/rest/api/storageservices/create-service-sas."""
    try:
        first, last = _addresses(text)
    except ValueError:
        raise PydanticCustomError(
            "ip", "must be an IPv4 address or a range of two, such as 203.0.113.4-203.0.113.9"
        ) from None
    if first > last:
        raise PydanticCustomError("ip", "must be a range from a lower to a higher address")
    return text


def _addresses(text: str) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    low, dash, high = text.partition("-")
    first = ipaddress.IPv4Address(low)
    return first, ipaddress.IPv4Address(high) if dash else first


def _date_and_time(value: object) -> object:
    # pydantic would take a number in quotes for seconds since 1970.
    if not (isinstance(value, str) and _DATE_AND_TIME.fullmatch(value)):
        raise PydanticCustomError("moment", "must be an ISO 8601 date and time")
    return value


def _in_the_future(value: datetime) -> datetime:
    if value <= datetime.now(UTC):
        raise PydanticCustomError("moment", "must be in the future")
    if value > _LATEST:
        raise PydanticCustomError("moment", "must be before the end of the year 9999")
    return value.astimezone(UTC)


def _offered_width(width: int) -> int:
    if width not in THUMBNAIL_WIDTHS:
        raise PydanticCustomError("width", f"must be one of {THUMBNAIL_WIDTHS}")
    return width


def _cursor[Key](decode: Callable[[str], Key]) -> BeforeValidator:
    def check(text: object) -> Key:
        try:
            return decode(str(text))
        except ValueError:
            raise PydanticCustomError(
                "cursor", "must be a cursor from the Link header of the previous page"
            ) from None

    return BeforeValidator(check)


_CURSOR_SCHEMA = WithJsonSchema(
    {"type": "string", "description": "From the `Link` header of the previous page; opaque."}
)

type Id = Annotated[
    UUID,
    GetPydanticSchema(lambda _source, _handler: _canonical_uuid()),
    WithJsonSchema({"type": "string", "format": "uuid"}),
]
# Accepts what JSON calls a whole number: 24.0 is 24. Put behind the bounds of a field.
WHOLE_NUMBER = BeforeValidator(_whole_number)

type BatchSize = Annotated[
    int,
    Field(ge=1, le=50, description="How many files one queue message uploads."),
    WHOLE_NUMBER,
]
type ByteCount = Annotated[int, Field(ge=1), WHOLE_NUMBER]
type Count = Annotated[int, Field(ge=1, le=1_000_000), WHOLE_NUMBER]
type Hours = Annotated[
    int,
    Field(ge=1, le=168, description="How long the link is valid, in hours."),
    WHOLE_NUMBER,
]
type Limit = Annotated[
    int,
    Field(ge=1, le=1000, description="The maximum number of entries on a page."),
    WHOLE_NUMBER,
]
type Position = Annotated[
    float, Field(ge=0, le=LONGEST_POSITION, allow_inf_nan=False), BeforeValidator(_number)
]
type RetentionDays = Annotated[
    int,
    Field(ge=1, le=36_500, description="Clips are deleted that many days after their creation."),
    WHOLE_NUMBER,
]
type Width = Annotated[
    int,
    Field(json_schema_extra={"enum": list(THUMBNAIL_WIDTHS)}),
    WHOLE_NUMBER,
    AfterValidator(_offered_width),
]
type Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TITLE),
    AfterValidator(_check_printable),
]
type Title = Annotated[
    Line | None,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": LONGEST_TITLE, "pattern": _ONE_LINE},
                {"type": "null"},
            ],
            "description": "One line.",
        }
    ),
]
type FileName = Annotated[
    str,
    StringConstraints(max_length=255),
    AfterValidator(_check_printable),
    Field(json_schema_extra={"pattern": _ONE_LINE}),
]
type SwitchOrName = Annotated[bool | FileName, GetPydanticSchema(_switch_or_name)]
type FolderName = Annotated[
    str,
    StringConstraints(max_length=4096),
    AfterValidator(_check_printable),
    Field(json_schema_extra={"pattern": _ONE_LINE}),
]
type MediaType = Annotated[
    str,
    BeforeValidator(_without_parameters),
    StringConstraints(to_lower=True, max_length=127),
    AfterValidator(_check_printable),
    WithJsonSchema({"type": "string", "maxLength": 127, "pattern": _ONE_LINE}),
]
type IpRule = Annotated[
    str,
    AfterValidator(_address_or_range),
    Field(
        json_schema_extra={"pattern": f"^{_ADDRESS}(-{_ADDRESS})?$"},
        description="The link works only from this IPv4 address or range.",
        examples=["203.0.113.4-203.0.113.9"],
    ),
]
type FutureMoment = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_date_and_time),
    AfterValidator(_in_the_future),
]
type TimeKey = Annotated[tuple[datetime, UUID], _cursor(cursors.decode_time), _CURSOR_SCHEMA]
type PositionKey = Annotated[tuple[float, UUID], _cursor(cursors.decode_position), _CURSOR_SCHEMA]
