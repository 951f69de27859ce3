"""Lists blobs through the REST API, with a signature that opens the listing of one container."""

from functools import partial
from http import HTTPStatus
from urllib.parse import quote, urlencode

from shared.errors import BlobMissing
from shared.storage.listed_page import ListedPage
from shared.storage.rest import RequestRefused
from shared.storage.sdk.account import StorageAccount
from shared.storage.signed_requests import SignedRequests
from shared.storage.signing.sas import LinkPeriod, Signer, listing_query

PAGE = 5000


class Listing:
    """Pages of listings; threads may share it."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account
        self._requests = SignedRequests(account)

    def page(
        self, container: str, marker: str | None, *, prefix: str = "", metadata: bool
    ) -> ListedPage:
        """Up to 5000 blobs; raises BlobMissing if the marker is not valid, StorageUnavailable."""
        query = {"restype": "container", "comp": "list", "maxresults": str(PAGE)}
        query |= {"prefix": prefix} if prefix else {}
        query |= {"include": "metadata"} if metadata else {}
        query |= {"marker": marker} if marker else {}
        url = partial(_signed_url, f"{self._account.address}/{quote(container)}", container)
        encoded = urlencode(query, quote_via=quote)
        try:
            body = self._requests.send("list", "GET", url, query=encoded).body
        except RequestRefused as refused:
            if marker and refused.status == HTTPStatus.BAD_REQUEST:
                raise BlobMissing("The marker of the listing is no longer valid.") from None
            raise
        return ListedPage(body)


def _signed_url(address: str, container: str, signer: Signer, period: LinkPeriod) -> str:
    return f"{address}?{listing_query(signer, container, period)}"
