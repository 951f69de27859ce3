"""Requests to the REST API, each authorized by a signature: listings, and single blobs.

The SDK takes some three milliseconds of CPU for each request, a signed one a tenth of that
(docs/adr/0019-a-small-client-of-storages-rest-api.md).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from shared import telemetry
from shared.clock import utc_now
from shared.storage.error_table import CredentialsRefused
from shared.storage.rest import RestClient, RestResponse, RetryPolicy
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.sas import LinkPeriod, Signer
from shared.storage.signing.windows import link_period

_LINK_LIFE = timedelta(minutes=15)
_NO_WINDOW = timedelta(0)
# A caller of the API may wait for this: for silence only once, as the SDK's client does here.
_RETRIES = RetryPolicy(
    attempts=5, first=0.1, timeout=10.0, connect_timeout=4.0, repeats_silence=False
)

# Makes the URL of a request: path and signed query.
type SignedUrl = Callable[[Signer, LinkPeriod], str]


class SignedRequests:
    """Sends requests to one account; threads may share it."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account
        self._rest = RestClient(account.address, _RETRIES)

    def send(
        self,
        operation: str,
        method: str,
        url: SignedUrl,
        *,
        query: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RestResponse:
        """Sends a request, and once more with another key if the key was refused.

        `operation` names it in the span around it. Raises as `RestClient.send` does.
        """

        def attempt(signed: str) -> RestResponse:
            view = None if body is None else memoryview(body)
            return self._rest.send(method, lambda: signed, query=query, body=view, headers=headers)

        with telemetry.request(f"storage.{operation}", "storage"):
            signer, signed = self._signed(url)
            try:
                return attempt(signed)
            except CredentialsRefused:
                if not self._account.has_another_key(signer):
                    raise
            return attempt(self._signed(url)[1])

    def _signed(self, url: SignedUrl) -> tuple[Signer, str]:
        period = link_period(utc_now(), _LINK_LIFE, _NO_WINDOW)
        signer, period = self._account.signer_for(period)
        return signer, url(signer, period)
