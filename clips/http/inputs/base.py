"""What the parameters and bodies of all requests have in common. Pure.

Bodies are strict JSON: "5" is not a number, 1 is not a string, and NaN is an error. So is an
unknown field or parameter: a misspelt name must not count as an absent field.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from clips.http.fields import FileName, FutureMoment, MediaType, Position, Title
from shared.model.media_types import upload_type

# A field that several bodies have.
Expiry = Annotated[
    FutureMoment | None,
    Field(description="When the clip is deleted automatically; must be in the future."),
]


def _must_follow_start(end_time: float, info: ValidationInfo) -> float:
    if end_time <= info.data.get("start_time", -1):
        raise PydanticCustomError("end_time", "must be greater than start_time")
    return end_time


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("default") is None:
        return schema
    about: dict[str, Any] = {k: v for k, v in schema.items() if k in {"default", "description"}}
    value = {name: part for name, part in schema.items() if name not in about}
    options = value["anyOf"] if value.keys() == {"anyOf"} else [value]
    return {"anyOf": [*options, {"type": "null"}], **about}


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


class Body(BaseModel):
    """A JSON object."""

    # Built when first used: a cold start serves one request, and needs few of the models.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    # Whether null in a field with a default means the default; otherwise it is an error.
    null_is_default: ClassVar[bool] = True

    @property
    def ids(self) -> Collection[UUID]:
        """The videos and clips that the body names."""
        return ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The schema with null where it means the default."""
        reference = handler(core)
        schema = handler.resolve_ref_schema(reference)
        if cls.null_is_default:
            fields = schema.get("properties", {})
            fields.update({name: _or_null(field) for name, field in fields.items()})
        return reference

    @classmethod
    def without_blanks(cls, values: Mapping[str, object]) -> dict[str, object]:
        """The values with null for a blank text in an optional field; unset if it has a default.

        Forms send a blank text for a field that was left empty, and other programs null.
        """
        cleaned = dict(values)
        for name, field in cls.model_fields.items():
            value = values.get(name)
            is_blank = _is_blank(value)
            if field.is_required() or name not in values or not (is_blank or value is None):
                continue
            if field.default is None:
                cleaned[name] = None
            elif is_blank or cls.null_is_default:
                del cleaned[name]
        return cleaned


class EmptyBody(Body):
    """The body of an operation without a body."""


class Parameters(BaseModel):
    """Path and query parameters together; all of them arrive as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _no_blank_values(cls, values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if not _is_blank(value)}


class NoParameters(Parameters):
    """The parameters of an operation that has none."""


class AnyParameters(Parameters):
    """The parameters of an operation that ignores them: monitors and caches append their own."""

    model_config = ConfigDict(extra="ignore")


class Owned(Parameters):
    """Parameters of an operation on owned data; with `as=admin` an admin acts on others' data."""

    acting_as: Annotated[
        Literal["admin"] | None,
        Field(
            alias="as",
            description="With `admin`, the call works on other users' data; this needs the role "
            "`admin`.",
        ),
    ] = None

    @property
    def ids(self) -> Collection[UUID]:
        """The videos and clips that the path names."""
        return [value for _, value in self if isinstance(value, UUID)]


class UploadedFile(Body):
    filename: Annotated[
        FileName | None,
        Field(description="Gives the blob's extension, and its type if `content_type` is absent."),
    ] = None
    content_type: Annotated[
        MediaType | None,
        Field(
            description="`video/...`, `audio/...` or `application/octet-stream`. Any other type "
            "is replaced by that of the `filename`'s extension, if that is known."
        ),
    ] = None

    @field_validator("content_type")
    @classmethod
    def _is_servable(cls, content_type: str | None, info: ValidationInfo) -> str | None:
        known = upload_type(content_type, info.data.get("filename"))
        if content_type is not None and known is None:
            raise PydanticCustomError(
                "media_type", "must be a video/... or audio/... type, or application/octet-stream"
            )
        return content_type


class TitledRange(Body):
    start_time: Annotated[Position, Field(description="Seconds into the video, or of the source.")]
    end_time: Annotated[Position, Field(description="Seconds; greater than `start_time`.")]
    title: Title = None

    _after_start = field_validator("end_time")(_must_follow_start)
