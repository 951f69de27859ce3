"""Views of links, grants and shares. Pure."""

from typing import cast
from uuid import UUID

from clips.http.outputs import links as outputs
from clips.http.views.base import fields_of, item_error
from shared.errors import CliplinkError
from shared.model.blob import Rehydration
from shared.model.link import RecordedGrant, Share, SignedLink

_SHARE = fields_of(outputs.Share, "url")


def access_url(clip_id: UUID, link: SignedLink, expiry_hours: int) -> outputs.AccessUrl:
    return {
        "clip_id": clip_id,
        "access_url": link.url,
        "expires_in_hours": expiry_hours,
        "expires_at": link.expires_at,
    }


def access_urls(clip_id: UUID, answer: SignedLink | CliplinkError) -> outputs.AccessUrlOrError:
    """The result for one of many clips: a link or an error."""
    if isinstance(answer, CliplinkError):
        error = item_error(answer)
        return {"clip_id": clip_id, "access_url": None, "expires_at": None, "error": error}
    return {
        "clip_id": clip_id,
        "access_url": answer.url,
        "expires_at": answer.expires_at,
        "error": None,
    }


def rehydrating(clip_id: UUID, waiting: Rehydration) -> outputs.Rehydrating:
    return {
        "clip_id": clip_id,
        "status": "rehydrating",
        "priority": waiting.priority,
        "retry_after": waiting.retry_after,
    }


def redirect(link: SignedLink) -> outputs.Redirect:
    return {"access_url": link.url, "expires_at": link.expires_at}


def grant(value: RecordedGrant) -> outputs.Grant:
    return {
        "id": value.link_id,
        "who": value.who,
        "clip_id": value.clip_id,
        "variant": value.variant,
        "ip": value.ip,
        "from": value.starts_at,
        "until": value.expires_at,
        "share_id": value.share_id,
        "granted_at": value.granted_at,
    }


def share(value: Share, url: str | None) -> outputs.Share:
    return cast("outputs.Share", _SHARE(value) | {"url": url})
