"""Lists blobs through the REST API, with a signature that opens the listing of one container."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote, urlencode

from shared import telemetry
from shared.clock import utc_now
from shared.errors import BlobMissing
from shared.storage.error_table import CredentialsRefused
from shared.storage.listed_page import ListedPage
from shared.storage.rest import RequestRefused, RestClient, RetryPolicy
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.sas import Signer, listing_query
from shared.storage.signing.windows import link_period

PAGE = 5000
_LINK_LIFE = timedelta(minutes=15)
_NO_WINDOW = timedelta(0)
# A caller of the API may wait for this: for silence only once, as the SDK's client does here.
_RETRIES = RetryPolicy(attempts=5, first=0.1, timeout=10.0, repeats_silence=False)


class Listing:
    """Pages of listings; threads may share it."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account
        self._rest = RestClient(account.address, _RETRIES)

    def page(
        self, container: str, marker: str | None, *, prefix: str = "", metadata: bool
    ) -> ListedPage:
        """Up to 5000 blobs; raises BlobMissing if the marker is not valid, StorageUnavailable."""
        query = {"restype": "container", "comp": "list", "maxresults": str(PAGE)}
        query |= {"prefix": prefix} if prefix else {}
        query |= {"include": "metadata"} if metadata else {}
        query |= {"marker": marker} if marker else {}
        with telemetry.request("storage.list", "storage"):
            try:
                body = self._send(container, urlencode(query, quote_via=quote))
            except RequestRefused as refused:
                if marker and refused.status == HTTPStatus.BAD_REQUEST:
                    raise BlobMissing("The marker of the listing is not valid any more.") from None
                raise
            return ListedPage(body)

    def _send(self, container: str, query: str) -> bytes:
        """Sends the request; once more with another key, if the key was refused."""
        signer, link = self._link(container)
        try:
            return self._rest.send("GET", link, query=query).body
        except CredentialsRefused:
            if not self._account.has_another_key(signer):
                raise
        return self._rest.send("GET", self._link(container)[1], query=query).body

    def _link(self, container: str) -> tuple[Signer, Callable[[], str]]:
        now: datetime = utc_now()
        signer, period = self._account.signer_for(link_period(now, _LINK_LIFE, _NO_WINDOW))
        url = f"{self._account.address}/{quote(container)}"
        link = f"{url}?{listing_query(signer, container, period)}"
        return signer, lambda: link
