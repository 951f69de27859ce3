"""Whether a blob is in a tier that can be read, found out with one cheap request.

Every link to a clip asks this first. The SDK would take two milliseconds of CPU, and a third of a
second to load; a request with a signed URL takes a fraction of that CPU, and no library.
"""

from datetime import timedelta

from shared.errors import StorageUnavailable
from shared.storage.rest import RestClient, RetryPolicy, StorageSilent
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links
from shared.storage.slots import Admission, Unbounded

_LINK_LIFE = timedelta(minutes=5)
# A caller of the API waits for this.
_ONE_ATTEMPT = RetryPolicy(attempts=1, timeout=4.0)


class TierCheck:
    """Asks storage for the tier of blobs; threads may share it."""

    def __init__(
        self, account: StorageAccount, links: Links, admission: Admission | None = None
    ) -> None:
        """`admission` as for `Blobs`."""
        self._links = links
        self._admission = admission or Unbounded()
        self._rest = RestClient(account.address, _ONE_ATTEMPT)

    def is_readable(self, container: str, name: str) -> bool:
        """Whether the blob is certainly in a tier that can be read.

        False also if a single attempt fails: a connection that was closed, a rotated key. `Blobs`
        deals with these. Raises BlobMissing, and StorageUnavailable if storage does not answer: a
        caller waits only once.
        """
        with self._admission.slot():
            try:
                response = self._rest.send("HEAD", lambda: self._link(container, name))
            except StorageSilent:
                raise
            except StorageUnavailable:
                return False
        return response.headers.get("x-ms-access-tier") != "Archive"

    def _link(self, container: str, name: str) -> str:
        return self._links.to_read(container, name, _LINK_LIFE).url
