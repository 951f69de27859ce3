"""Makes the SDK's clients, which connect when first used, and keeps their key up to date.

Imports the SDK: to be imported late (docs/adr/0020-late-imports.md).
"""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.storage.blob import BlobServiceClient, LinearRetry
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from shared.auth.app_identity import AppIdentity
from shared.network.sdk_transport import strict_transport
from shared.settings.secret import Secret

_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
# https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes The last one is
# the emulator's code for a wrong key. From Azure it means a firewall, and then causes one needless
# read of the vault.
_KEY_REFUSED = {"AuthenticationFailed", "InvalidAuthenticationInfo", "AuthorizationFailure"}
_RETRIES: dict[str, Any] = {"backoff": 1, "random_jitter_range": 1, "retry_total": 2}


def open_client(
    address: str, name: str, key: Secret | None, options: Mapping[str, Any]
) -> BlobServiceClient:
    """A client of the account, which signs in with its key, or as the app without one."""
    return _opened(partial(BlobServiceClient, address), name, key, options)


def open_queue(
    address: str, queue_name: str, name: str, key: Secret | None, options: Mapping[str, Any]
) -> QueueClient:
    """As `open_client`, for one queue; texts go in base64, as the Functions host expects."""
    make = partial(QueueClient, address, queue_name, message_encode_policy=TextBase64EncodePolicy())
    return _opened(make, name, key, options)


def _opened[Client: (BlobServiceClient, QueueClient)](
    make: Callable[..., Client], name: str, key: Secret | None, options: Mapping[str, Any]
) -> Client:
    times = {name: options[name] for name in ("connection_timeout", "read_timeout")}
    transported = {"transport": strict_transport(**times)} | dict(options)
    if key is None:
        plain = {"retry_policy": _Retries(**_RETRIES)} | transported
        return make(credential=AppIdentity().credential, **plain)
    retries = _KeyedRetries(key, **_RETRIES)
    keyed = {"retry_policy": retries} | transported
    client = make(credential=AzureNamedKeyCredential(name, key.current()), **keyed)
    retries.credential = client.credential
    return client


class _Retries(LinearRetry):
    """Repeats failed requests, except after a time-out: a caller waits for that only once."""

    def increment(
        self,
        settings: dict[str, Any],
        request: PipelineRequest[Any],
        response: PipelineResponse[Any, Any] | None = None,
        error: AzureError | None = None,
    ) -> bool:
        """Whether to try again; the SDK calls this."""
        if error is not None and _is_time_out(error):
            return False
        return bool(super().increment(settings, request, response, error))


def _is_time_out(error: AzureError) -> bool:
    """Whether connecting or an answer took too long: its headers, or its body.

    The SDK has classes of errors for the first two only.
    """
    cause: BaseException | None = error.inner_exception
    while cause is not None and not isinstance(cause, TimeoutError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


class _KeyedRetries(_Retries):
    """Retries as above, and once more with another key where the key was refused.

    It comes before the policy that signs requests, so that each attempt is signed anew.
    """

    def __init__(self, key: Secret, **options: Any) -> None:  # noqa: ANN401 - the SDK's options
        super().__init__(**options)
        self._key = key
        self.credential: Any = None

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Sends a request; the SDK calls this."""
        send: Callable[[PipelineRequest[Any]], PipelineResponse[Any, Any]] = super().send
        key = self.credential.account_key = self._key.current()
        response = send(request)
        another = self._key.replacement_for(key) if _is_refusal(response) else None
        if another is None:
            return response
        self.credential.account_key = another
        return send(request)


def _is_refusal(response: PipelineResponse[Any, Any]) -> bool:
    answer = response.http_response
    return answer.status_code in _REFUSED and answer.headers.get("x-ms-error-code") in _KEY_REFUSED
