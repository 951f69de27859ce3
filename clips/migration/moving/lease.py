"""Keeps a lease while a long task runs."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator

from shared.errors import Unavailable

_log = logging.getLogger(__name__)

# Seconds; the lease lives for a minute.
_RENEW_EVERY = 15.0


class LeaseKeeper:
    """Renews a lease by calling `renew`, which may raise Unavailable."""

    def __init__(self, renew: Callable[[], object]) -> None:
        self._renew = renew
        self._renewed_at = time.monotonic()

    def tick(self) -> None:
        """Renews the lease when that is due; callers call it often."""
        if time.monotonic() - self._renewed_at < _RENEW_EVERY:
            return
        self._renewed_at = time.monotonic()
        try:
            self._renew()
        except Unavailable as error:
            # If the lease runs out, another worker does the same work with the same result.
            _log.warning("A lease could not be renewed: %s", error)

    def renewing[Item](self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, with a tick at each."""
        for item in items:
            self.tick()
            yield item
