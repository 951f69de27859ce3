"""Types of fields, and what the responses of several resources have in common."""

from datetime import datetime
from typing import Annotated, TypedDict

from pydantic import Field

_URI = {"format": "uri"}
type Url = Annotated[
    str, Field(json_schema_extra=_URI, description="A plain address; it needs a signature to open.")
]
type Link = Annotated[
    str, Field(json_schema_extra=_URI, description="A signed address that opens one blob.")
]
type Title = Annotated[str, Field(examples=["Holidays"])]
type Seconds = Annotated[float, Field(description="Seconds into the video.", examples=[12.5])]
type RetentionDays = Annotated[
    int | None,
    Field(description="Clips are deleted that many days after their creation; null: never."),
]
type Bytes = Annotated[int, Field(ge=0, examples=[1843200])]
type DeletedAt = Annotated[
    datetime | None,
    Field(description="When it was moved to the recycle bin; null: it is not in the bin."),
]
type PurgeAt = Annotated[
    datetime | None,
    Field(description="When the recycle bin deletes it permanently; null: it is not in the bin."),
]


class Message(TypedDict):
    message: Annotated[str, Field(description="A sentence for humans.")]


class ItemError(TypedDict):
    """Why one of many items failed; the codes are those of the problems."""

    code: Annotated[str, Field(examples=["not_found"])]
    detail: str
