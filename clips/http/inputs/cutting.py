"""Parameters and bodies of sources, cuts and playable copies. Pure."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from clips.http.fields import ByteCount, Id
from clips.http.inputs.base import Body, Expiry, TitledRange, UploadedFile
from shared.model.cut_method import Accuracy
from shared.model.cutting import CLIENT_ID


class NewSource(UploadedFile):
    """Only the extension of `filename` is used; `content_type` is the type of the upload."""

    content_length: Annotated[
        ByteCount | None, Field(description="Bytes; for information only.")
    ] = None


class CutItem(TitledRange):
    """A clip that is to be cut; a repeated `client_id` returns the same clip."""

    expires_at: Expiry = None
    client_id: Annotated[
        str | None,
        StringConstraints(pattern=CLIENT_ID),
        Field(description="The caller's own id for the clip."),
    ] = None


class NewRendition(Body):
    kind: Annotated[
        Literal["play"], Field(description="`play`: the copy that every browser plays.")
    ] = "play"


class SourceClip(Body):
    clip_id: Annotated[Id, Field(description="A clip of the same video.")]


@dataclass(frozen=True, slots=True)
class MalformedItem:
    """An item of NewCuts that is not a valid CutItem, and what is wrong with it."""

    error: ValidationError
    client_id: str | None


def _cut_or_problem(value: Any, _: ValidatorFunctionWrapHandler) -> CutItem | MalformedItem:  # noqa: ANN401 - any JSON
    """Each item is validated for itself, by the rules of JSON."""
    item = CutItem.without_blanks(value) if isinstance(value, dict) else value
    try:
        return CutItem.model_validate_json(json.dumps(item))
    except ValidationError as error:
        name = value.get("client_id") if isinstance(value, dict) else None
        return MalformedItem(error, name if isinstance(name, str) else None)


class NewCuts(Body):
    """Each item of `clips` is checked separately: a malformed item fails alone."""

    source: Annotated[
        SourceClip | None, Field(description="What is cut; by default the source of the video.")
    ] = None
    accuracy: Annotated[Accuracy, Field(strict=False)] = Accuracy.KEYFRAME
    clips: Annotated[
        list[Annotated[CutItem, WrapValidator(_cut_or_problem)]],
        Field(min_length=1, max_length=100),
    ]

    @property
    def ids(self) -> Collection[UUID]:
        return () if self.source is None else (self.source.clip_id,)

    @property
    def items(self) -> list[CutItem | MalformedItem]:
        """The clips in their order; a malformed one is a MalformedItem."""
        return cast("list[CutItem | MalformedItem]", self.clips)
