"""Parameters and bodies of links, grants and shares. Pure."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from clips.http.fields import (
    Count,
    FileName,
    FutureMoment,
    Hours,
    Id,
    IpRule,
    Limit,
    Position,
    SwitchOrName,
    TimeKey,
    Width,
)
from clips.http.inputs.base import Body, Owned, Parameters
from shared.model.blob import RehydratePriority
from shared.model.link import ImageFormat, ShareVariant, Variant


class ShareId(Owned):
    clip_id: Id
    share_id: Id


class RecordPage(Owned):
    """A list that belongs to a clip, newest first: its grants or its shares."""

    clip_id: Id
    limit: Limit = 50
    cursor: TimeKey | None = None


class Thumbnail(Owned):
    """`time` is seconds into the clip; without it, the poster."""

    clip_id: Id
    time: Annotated[
        Position | None, Field(description="Seconds into the clip; absent for the poster.")
    ] = None
    width: Annotated[Width, Field(description="Pixels; a picture is never enlarged.")] = 640
    format: ImageFormat = ImageFormat.JPEG


class AccessUrl(Owned):
    """`download` is a switch, or the file name to save under."""

    clip_id: Id
    expiry_hours: Hours = 24
    ip: IpRule | None = None
    download: Annotated[
        FileName | None,
        Field(
            description="`true` or `1`: browsers save the clip under its title; any other text is "
            "the file name; `false` or `0`: they play it. Ignored for a `storyboard`."
        ),
    ] = None
    variant: Variant = Variant.CLIP
    rehydrate: RehydratePriority = RehydratePriority.STANDARD


class AccessUrls(Body):
    """Many links on the same terms; `download` is a switch, or the file name to save under."""

    clip_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    expiry_hours: Hours = 24
    ip: IpRule | None = None
    download: Annotated[
        SwitchOrName,
        Field(description="Whether browsers save it, or the file name to save it under."),
    ] = False
    variant: Annotated[Variant, Field(strict=False)] = Variant.CLIP

    @property
    def ids(self) -> Collection[UUID]:
        return self.clip_ids


class NewShare(Body):
    """Limits of a share; null means no limit."""

    expires_at: FutureMoment | None = None
    max_views: Count | None = None
    ip: IpRule | None = None
    variant: Annotated[
        ShareVariant,
        Field(strict=False, description="With `play` the URL ends with `?variant=play`."),
    ] = ShareVariant.CLIP


class ShareToken(Parameters):
    """Other parameters are ignored: mail and chat programs append their own to links."""

    model_config = ConfigDict(extra="ignore")

    token: str
    variant: Annotated[
        ShareVariant,
        Field(description="`play`: the clip if every browser plays it, else its playable copy."),
    ] = ShareVariant.CLIP
