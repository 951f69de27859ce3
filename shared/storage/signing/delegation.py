"""Signing with an identity: user-delegation keys, fetched when first needed, kept in memory.

All instances have to sign alike; otherwise one link would have another address on each. A SAS names
of its key nothing but who asked for it, from when until when it holds, and for which service and
version; so the service must be able to make the key again from these. We infer that keys asked for
with the same two moments sign alike, and ask for moments that follow from the link alone. Should
that be wrong, links are good but not the same.
https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.clock import Clock
from shared.errors import StorageUnavailable
from shared.storage.signing.sas import DelegationKey, LinkPeriod, Signer

_log = logging.getLogger(__name__)

# The longest that the service allows a key, and so a link that it signs.
KEY_LIFE = timedelta(days=7)

# A key begins with the day, so that one serves nearly all links of a day. A link that would
# outlive that one gets a key that begins later: with the hour, or with its own five minutes.
_GRIDS = (86_400, 3600, 300)
# Keys can be revoked, all at once: new links work again after this time at most.
_TTL = timedelta(hours=1)
_RETRY_AFTER = timedelta(minutes=1)
_RENEWAL_PATIENCE = 0.5  # seconds
# A day needs one or two, and long links one more every ten minutes.
_MAX_KEPT = 16

type Fetch = Callable[[datetime, datetime], DelegationKey]


def key_period(period: LinkPeriod) -> tuple[datetime, datetime]:
    """The start and end of the key of a link; the link may have to end with its key.

    The start is in the past whenever the link's is, so the end is less than seven days away.
    """
    begins = int(period.starts_at.timestamp())
    for grid in _GRIDS:
        start = datetime.fromtimestamp(begins // grid * grid, UTC)
        if start + KEY_LIFE >= period.expires_at:
            break
    return start, start + KEY_LIFE


@dataclass(slots=True)
class _Kept:
    signer: Signer
    stale_at: datetime


class DelegatedSigners:
    """A signer for each key; `make` makes one of a key that `fetch` got from the account."""

    def __init__(self, clock: Clock, fetch: Fetch, make: Callable[[DelegationKey], Signer]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._make = make
        self._kept: dict[tuple[datetime, datetime], _Kept] = {}
        self._lock = threading.Lock()
        self._failures = 0

    def signer_for(self, period: LinkPeriod) -> tuple[Signer, LinkPeriod]:
        """The signer of a link, and the link's period, which ends no later than the key.

        Raises StorageUnavailable if there is no key.
        """
        holds = key_period(period)
        if holds[1] < period.expires_at:
            period = LinkPeriod(period.starts_at, holds[1])
        kept = self._kept.get(holds)
        if kept is None:
            return self._first(holds), period
        # One thread fetches it again, the others use the old signer.
        if kept.stale_at <= self._clock() and self._lock.acquire(blocking=False):
            renewal = threading.Thread(target=self._renew, args=(holds, kept), daemon=True)
            renewal.start()
            # A caller does not wait for storage that does not answer: the old signer still works.
            renewal.join(_RENEWAL_PATIENCE)
        return kept.signer, period

    def _first(self, holds: tuple[datetime, datetime]) -> Signer:
        failures = self._failures
        with self._lock:
            kept = self._kept.get(holds)
            if kept is not None:
                return kept.signer
            if self._failures != failures:
                # A thread that waited out one failed attempt does not start another.
                raise StorageUnavailable("There is no key to sign links.")
            try:
                signer = self._make(self._fetch(*holds))
            except StorageUnavailable:
                self._failures += 1
                raise
            while len(self._kept) >= _MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[holds] = _Kept(signer, self._clock() + _TTL)
            return signer

    def _renew(self, holds: tuple[datetime, datetime], kept: _Kept) -> None:
        """Fetches a key again, in a thread of its own, and releases the lock."""
        try:
            if kept.stale_at > self._clock():
                return  # another thread has just done it
            kept.signer = self._make(self._fetch(*holds))
            kept.stale_at = self._clock() + _TTL
        except StorageUnavailable:
            _log.warning("The key that signs links could not be renewed; the old key is used")
            kept.stale_at = self._clock() + _RETRY_AFTER
        finally:
            self._lock.release()
