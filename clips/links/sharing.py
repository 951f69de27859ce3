"""Shares: URLs that open a clip without a token, and can be revoked.

A signed link cannot be revoked; a share can, at any moment. Its URL holds a secret, and redirects
its bearer to a link of a few minutes, as often as the share allows.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from clips.links.archive import Archive
from shared.blob_names import Containers
from shared.catalogue import Clips, NewShare, OpenShare, Shares, TimeKey
from shared.clock import Clock
from shared.errors import NotFound, no_such_clip
from shared.model import RehydratePriority, Rehydration, Share, SignedLink, Viewer, ready_blob
from shared.storage import Links, LinkTerms

LINK_LIFE = timedelta(minutes=5)
"""Life of the links that a share gives out: for so long a revocation may leave them open."""

_SHORTEST_LINK = timedelta(seconds=1)
_NO_WINDOW = timedelta(0)

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTerms:
    """Bounds of a share; None leaves one open. `ip` is an address or a range "a-b"."""

    expires_at: datetime | None
    max_views: int | None
    ip: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The outcome of opening a share: a link, or how long to wait for one."""

    clip_id: UUID
    outcome: SignedLink | Rehydration


class Sharing:
    def __init__(
        self,
        clock: Clock,
        clips: Clips,
        shares: Shares,
        containers: Containers,
        links: Links,
        archive: Archive,
    ) -> None:
        self._clock = clock
        self._clips = clips
        self._shares = shares
        self._containers = containers
        self._links = links
        self._archive = archive

    def create(self, viewer: Viewer, clip_id: UUID, terms: ShareTerms) -> tuple[Share, str]:
        """A new share and its secret, which is stored nowhere.

        The clip need not be ready yet. Raises NotFound.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        share = self._shares.add(
            viewer,
            NewShare(
                clip_id=clip_id,
                digest=_digest(token),
                ip=terms.ip,
                max_views=terms.max_views,
                expires_at=terms.expires_at,
            ),
        )
        if share is None:
            raise no_such_clip()
        return share, token

    def page(
        self, viewer: Viewer, clip_id: UUID, limit: int, after: TimeKey | None
    ) -> Sequence[Share]:
        """A page of a clip's shares, newest first, also those that are over; raises NotFound."""
        shares = self._shares.page(viewer, clip_id, limit, after)
        if not shares and self._clips.get(viewer, clip_id) is None:
            raise no_such_clip()
        return shares

    def revoke(self, viewer: Viewer, clip_id: UUID, share_id: UUID) -> None:
        """Ends a share for good; raises NotFound. Can be repeated."""
        if not self._shares.revoke(viewer, clip_id, share_id):
            raise NotFound("There is no such share.")

    def open(self, token: str) -> Opened:
        """A link for the bearer of a secret, which uses up a view and is put on record.

        The view is counted last, when the link is certain. Raises NotFound, in the same words
        whatever the reason; for a valid share, WrongState if its clip is not ready, BlobMissing,
        StorageUnavailable.
        """
        # No timing attack: the secret is looked up by its digest, never compared with another,
        # and digests of similar secrets have nothing in common.
        share = self._shares.find(_digest(token)) if _TOKEN.fullmatch(token) else None
        if share is None:
            raise _no_such_share()
        blob_name = ready_blob(share.file)
        waiting = self._archive.state(blob_name, RehydratePriority.STANDARD)
        if waiting is not None:
            return Opened(share.file.id, waiting)
        link = self._link(share, blob_name)
        if not self._shares.claim(share.id, link):
            raise _no_such_share()
        return Opened(share.file.id, link)

    def _link(self, share: OpenShare, blob_name: str) -> SignedLink:
        life = LINK_LIFE
        if share.expires_at is not None:
            life = max(min(life, share.expires_at - self._clock()), _SHORTEST_LINK)
        terms = LinkTerms(ip=share.ip, content_type=share.file.served_as)
        return self._links.to_read(
            self._containers.clips, blob_name, life, terms, window=_NO_WINDOW
        )


def _digest(token: str) -> bytes:
    """What is stored of a secret. With 256 random bits, a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).digest()


def _no_such_share() -> NotFound:
    return NotFound("There is no such share, or it is over.")
