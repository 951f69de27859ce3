"""A glance at a blob: can it be read? Asked with one cheap request.

Every link to a clip asks first. The vendor's client takes two milliseconds of CPU to ask and a
third of a second to load; a request with a link of our own takes a fraction of the one and
nothing of the other.
"""

from datetime import timedelta

from shared.errors import StorageUnavailable
from shared.storage.account import StorageAccount
from shared.storage.links import Links
from shared.storage.wire import Patience, Wire

_LINK_LIFE = timedelta(minutes=5)
_ONE_ATTEMPT = Patience(attempts=1, silence=4.0)


class Glance:
    """Looks; any number of threads may."""

    def __init__(self, account: StorageAccount, links: Links) -> None:
        self._links = links
        self._wire = Wire(account.address, _ONE_ATTEMPT)

    def is_readable(self, container: str, name: str) -> bool:
        """Whether the blob is certainly in a tier that can be read; raises BlobMissing.

        False too if a single attempt does not tell: a connection that was closed meanwhile, a
        key that was replaced, an outage. `Blobs` knows what to do about these.
        """
        try:
            answer = self._wire.send("HEAD", lambda: self._link(container, name))
        except StorageUnavailable:
            return False
        return answer.headers.get("x-ms-access-tier") != "Archive"

    def _link(self, container: str, name: str) -> str:
        return self._links.to_read(container, name, _LINK_LIFE).url
