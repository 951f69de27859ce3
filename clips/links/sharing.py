"""Shares: URLs that open a clip without a bearer token, and can be revoked.

A signed link cannot be revoked; a share can, at any moment. Its URL holds a secret, and redirects
to a link of a few minutes, for as many views as the share allows. Requests of one viewer count as
one view while a link of the share is valid, because players seek and downloads resume.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from clips.links.archive import Archive
from clips.links.download_names import clip_file_name
from shared.blob_names.containers import Containers
from shared.catalogue.library.clip_queries import Clips
from shared.catalogue.links.share_queries import NewShare, OpenShare, Shares, ShareViewer
from shared.catalogue.row_mapping import TimeKey
from shared.clock import Clock
from shared.errors import NotFound
from shared.model.blob import RehydratePriority, Rehydration
from shared.model.clip import COPY_TYPE, ClipFile, playable_copy, ready_blob
from shared.model.link import Client, Share, ShareTerms, ShareVariant, SignedLink
from shared.model.user import Viewer
from shared.refusals import no_such_clip
from shared.storage.signing.signed_links import Links, LinkTerms

# How long the links of a share are valid, also after its revocation.
LINK_LIFE = timedelta(minutes=5)

_SHORTEST_LINK = timedelta(seconds=1)
# HEAD uses no view, so its link lives only long enough to follow the redirect at once.
_HEAD_LINK_LIFE = timedelta(seconds=30)
_NO_WINDOW = timedelta(0)

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# Programs that play a video for a browser (on iOS, macOS, Android), with their own User-Agent.
_MEDIA_STACKS = ("AppleCoreMedia/", "stagefright/", "Dalvik/", "ExoPlayer")


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
        """A page of a clip's shares, newest first, including ended ones; raises NotFound."""
        shares = self._shares.page(viewer, clip_id, limit, after)
        if not shares and self._clips.get(viewer, clip_id) is None:
            raise no_such_clip()
        return shares

    def revoke(self, viewer: Viewer, clip_id: UUID, share_id: UUID) -> None:
        """Ends a share for good; raises NotFound. Can be repeated."""
        if not self._shares.revoke(viewer, clip_id, share_id):
            raise NotFound("There is no such share.")

    def open(self, token: str, client: Client, variant: ShareVariant = ShareVariant.CLIP) -> Opened:
        """A link for the bearer of a secret, which is recorded and uses up a view.

        `variant` is the clip, or what every browser plays.

        A client whose link of this share is still valid uses no view. The view is counted last,
        after every step that can fail. Raises NotFound, with the same sentence for each reason; for
        a valid share, WrongState if its clip is not ready, BlobMissing, StorageUnavailable.
        """
        now, viewer = self._clock(), _viewer(token, client)
        share = self._find(token, viewer, now)
        opens = _opened_by(share.file, variant)
        waiting = opens.is_clip and self._archive.state(opens.name, RehydratePriority.STANDARD)
        if waiting:
            return Opened(share.file.id, waiting)
        link = self._link(share, opens, LINK_LIFE)
        if not self._shares.claim(share.id, link, viewer, now):
            raise _no_such_share()
        return Opened(share.file.id, link)

    def peek(self, token: str, client: Client, variant: ShareVariant = ShareVariant.CLIP) -> Opened:
        """As `open`, for HEAD: uses up no view and restores nothing; its link lives for seconds."""
        share = self._find(token, _viewer(token, client), self._clock())
        opens = _opened_by(share.file, variant)
        waiting = opens.is_clip and self._archive.state(
            opens.name, RehydratePriority.STANDARD, start=False
        )
        if waiting:
            return Opened(share.file.id, waiting)
        link = self._link(share, opens, _HEAD_LINK_LIFE)
        self._shares.record(share.id, link)
        return Opened(share.file.id, link)

    def _find(self, token: str, viewer: ShareViewer, now: datetime) -> OpenShare:
        # No timing attack: the secret is looked up by its digest, never compared with another,
        # and digests of similar secrets have nothing in common.
        found = self._shares.find(_digest(token), viewer, now) if _TOKEN.fullmatch(token) else None
        if found is None:
            raise _no_such_share()
        return found

    def _link(self, share: OpenShare, opens: "_OpenedBlob", life: timedelta) -> SignedLink:
        if share.expires_at is not None:
            life = max(min(life, share.expires_at - self._clock()), _SHORTEST_LINK)
        terms = LinkTerms(
            ip=share.ip,
            content_type=share.file.served_as if opens.is_clip else COPY_TYPE,
            shown_as=clip_file_name(share.file, opens.name),
        )
        containers = self._containers
        container = containers.clips if opens.is_clip else containers.thumbnails
        return self._links.to_read(container, opens.name, life, terms, window=_NO_WINDOW)


@dataclass(frozen=True, slots=True)
class _OpenedBlob:
    """What a share opens: the blob of the clip, or of the copy that every browser plays."""

    name: str
    is_clip: bool


def _opened_by(file: ClipFile, variant: ShareVariant) -> _OpenedBlob:
    """Raises WrongState if the clip is not ready, or has no copy yet that every browser plays."""
    clip = ready_blob(file)
    if variant is ShareVariant.PLAY and not file.plays_everywhere:
        return _OpenedBlob(playable_copy(file), is_clip=False)
    return _OpenedBlob(clip, is_clip=True)


def _viewer(token: str, client: Client) -> ShareViewer:
    def keyed(text: str) -> bytes:
        return hmac.digest(token.encode(errors="replace"), text.encode(errors="replace"), "sha256")

    return ShareViewer(
        address=keyed(client.address),
        program=keyed(client.program),
        any_program=client.program.startswith(_MEDIA_STACKS),
    )


def _digest(token: str) -> bytes:
    """The digest of a secret, which is stored.

    A secret has 256 random bits, so a slow hash would add nothing.
    """
    return hashlib.sha256(token.encode()).digest()


def _no_such_share() -> NotFound:
    return NotFound("There is no such share, or it has ended.")
