"""Responses about links, grants and shares."""

from datetime import datetime
from typing import Annotated, Literal, TypedDict
from uuid import UUID

from pydantic import Field

from clips.http.outputs.base import ItemError, Link
from shared.model.blob import RehydratePriority
from shared.model.link import Variant


class AccessUrl(TypedDict):
    """A link to one blob of a clip."""

    clip_id: UUID
    access_url: Link
    expires_in_hours: Annotated[int, Field(ge=1, le=168, description="The requested lifetime.")]
    expires_at: datetime


class AccessUrlOrError(TypedDict):
    """The result for one of many clips: a link or an error."""

    clip_id: UUID
    access_url: Link | None
    expires_at: datetime | None
    error: ItemError | None


class Rehydrating(TypedDict):
    """A clip that is being restored from the archive."""

    clip_id: UUID
    status: Literal["rehydrating"]
    priority: RehydratePriority
    retry_after: Annotated[int, Field(ge=1, description="Seconds; as in `Retry-After`.")]


class Redirect(TypedDict):
    """The target of `Location`, for clients that do not follow it."""

    access_url: Link
    expires_at: datetime


# `from` is a keyword of Python, hence the functional syntax.
Grant = TypedDict(
    "Grant",
    {
        "id": Annotated[
            UUID,
            Field(description="The id of the link: `scid` in the link and in the storage logs."),
        ],
        "who": Annotated[
            str | None, Field(description="The subject of a token; null for a share's visitor.")
        ],
        "clip_id": UUID,
        "variant": Annotated[
            str,
            Field(
                json_schema_extra={"enum": [*Variant, "thumbnail", "upload"]},
                description="What the link opens.",
            ),
        ],
        "ip": Annotated[
            str | None, Field(description="The link works only from this address or range.")
        ],
        "from": datetime,
        "until": datetime,
        "share_id": Annotated[UUID | None, Field(description="The share that was opened.")],
        "granted_at": datetime,
    },
)


Grant.__doc__ = "A link that a user or the visitor of a share received."


class Share(TypedDict):
    """Access to a clip without a bearer token, which can be revoked."""

    id: UUID
    clip_id: UUID
    url: Annotated[
        Link | None,
        Field(description="The URL to pass on: shown only when the share is created."),
    ]
    expires_at: datetime | None
    max_views: Annotated[int | None, Field(ge=1)]
    views: Annotated[int, Field(ge=0, description="How many viewers opened it.")]
    ip: Annotated[str | None, Field(description="The links work only from this address or range.")]
    created_at: datetime
    revoked_at: datetime | None
