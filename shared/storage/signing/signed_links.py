"""Time-limited links to single blobs: what they are bound to, and where they point.

A link opens one blob, for one purpose, until a moment; https only, except on loopback. Read links
are the same for all requests within a window (`shared.storage.signing.windows`), so that browsers
and a CDN can cache their content.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote

from shared.clock import Clock
from shared.model.link import SignedLink
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.delegation import KEY_LIFE
from shared.storage.signing.sas import CREATE_OR_OVERWRITE, READ, Draft, quoted_name
from shared.storage.signing.windows import CLOCK_SKEW, link_period, window_of

# For how long browsers and a CDN may serve a copy without asking storage again.
_LONGEST_CACHED = 3600
# With an identity a link ends with its key, seven days on: then a window takes from its life.
_WINDOW_OF_LONG_LINKS = timedelta(minutes=10)
_NO_WINDOW = timedelta(0)
# A template is good for its window, but the account's key may be rotated within it.
_TEMPLATE_LIFE = timedelta(minutes=1)
_MAX_TEMPLATES = 512
# Pages are asked for again, with the same posters in them: signing is half of what they cost.
_MAX_REMEMBERED = 10_000
_NOT_IN_A_QUOTED_STRING = re.compile(r"[^ !#-\[\]-~]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTerms:
    """The limits and headers of a read link besides blob and time.

    `ip` is an address or a range "a-b". `download_as` makes browsers save it under that name,
    `shown_as` makes them play it, and is the name if the user saves it.
    """

    ip: str | None = None
    download_as: str | None = None
    shown_as: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class _Template:
    """What all links on the same terms have in common, valid for requests in (after, upto]."""

    draft: Draft
    address: str
    after: datetime
    upto: datetime


class Links:
    """Makes links; with a `cdn` those that read lead there, to an address without a final /."""

    def __init__(self, account: StorageAccount, clock: Clock, cdn: str | None = None) -> None:
        self._account = account
        self._clock = clock
        self._cdn = cdn
        self._templates: dict[object, _Template] = {}
        self._made = lru_cache(_MAX_REMEMBERED)(_link)

    def to_read(
        self,
        container: str,
        name: str,
        life: timedelta,
        terms: LinkTerms = LinkTerms(),
        *,
        window: timedelta | None = None,
        now: datetime | None = None,
    ) -> SignedLink:
        """A link that reads the blob, for `life` and up to a `window` more.

        The window is `window_of(life)` unless the caller sets it; a window of zero gives a new link
        every second. `now` serves to make links that end together. Raises StorageUnavailable.
        """
        now = now or self._clock()
        key = (container, life, window, terms.ip, terms.content_type)
        template = self._templates.get(key)
        if template is None or not template.after < now <= template.upto:
            template = self._template(container, now, life, terms, window)
            if len(self._templates) >= _MAX_TEMPLATES:
                self._templates.clear()
            self._templates[key] = template
        return self._made(template.address, template.draft, name, terms.download_as, terms.shown_as)

    def to_upload(self, container: str, name: str, life: timedelta) -> SignedLink:
        """A link that can create or overwrite this blob and do nothing else."""
        signer, when = self._account.signer_for(link_period(self._clock(), life, _NO_WINDOW))
        draft = Draft(signer, container, CREATE_OR_OVERWRITE, when)
        return _link(f"{self._account.address}/{quote(container)}", draft, name)

    def _template(
        self,
        container: str,
        now: datetime,
        life: timedelta,
        terms: LinkTerms,
        window: timedelta | None,
    ) -> _Template:
        wanted = link_period(now, life, self._window(life, window))
        signer, when = self._account.signer_for(wanted)
        # Requests of a CDN come from the CDN's address, which storage would refuse.
        through_cdn = self._cdn is not None and terms.ip is None
        draft = Draft(
            signer,
            container,
            READ,
            when,
            ip=terms.ip,
            cache_control=_cache_control(life, shared=through_cdn),
            content_type=terms.content_type,
        )
        base = self._cdn if self._cdn and through_cdn else self._account.address
        upto = min(wanted.expires_at - life, now + _TEMPLATE_LIFE)
        address = f"{base}/{quote(container)}"
        return _Template(draft, address, wanted.starts_at + CLOCK_SKEW, upto)

    def _window(self, life: timedelta, asked: timedelta | None) -> timedelta:
        window = window_of(life) if asked is None else asked
        if self._account.delegates and life + window + CLOCK_SKEW > KEY_LIFE:
            return min(window, _WINDOW_OF_LONG_LINKS)
        return window


def _link(
    address: str,
    draft: Draft,
    name: str,
    download_as: str | None = None,
    shown_as: str | None = None,
) -> SignedLink:
    """A link to a blob of the container at the address."""
    link_id, query = draft.sign(name, _disposition(download_as, shown_as))
    url = f"{address}/{quoted_name(name)}?{query}"
    return SignedLink(link_id, url, draft.period.starts_at, draft.period.expires_at)


def _cache_control(life: timedelta, *, shared: bool) -> str:
    """For a CDN and the browsers behind it, or for one browser alone; never for long.

    A copy that was fetched in the link's last second is served for so long after its end.
    """
    seconds = min(_LONGEST_CACHED, int(life.total_seconds()))
    return f"{'public' if shared else 'private'}, max-age={seconds}"


def _disposition(download_as: str | None, shown_as: str | None) -> str | None:
    """Content-Disposition with a file name in any language: RFC 6266, RFC 8187."""
    filename = shown_as if download_as is None else download_as
    if filename is None:
        return None
    kind = "inline" if download_as is None else "attachment"
    plain = _NOT_IN_A_QUOTED_STRING.sub("_", filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
