"""Azure Key Vault as the place where settings are kept, read with the app's own identity.

Only imported where a vault is named: the client takes a tenth of a second to import, the
identity more. What the client raises becomes VaultUnavailable here, and no value is in it.
https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret
"""

from http import HTTPStatus
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import RetryPolicy
from azure.keyvault.secrets import SecretClient

from shared.auth.app_identity import AppIdentity
from shared.network.sdk_transport import strict_transport
from shared.settings.secret import VaultUnavailable

_RETRIES = 2
_LONGEST_PAUSE = 2.0
# A call to Postgres that needs a new connection waits for less than twice this:
# shared/postgres/pool.py.
_TIMEOUT = 2.0


class KeyVault:
    """The secrets of one vault by the names of settings; threads may share it."""

    def __init__(self, url: str, identity: AppIdentity) -> None:
        # The client sends no token before it has made sure that the vault asks for one that
        # is meant for vaults of its own domain.
        self._client = SecretClient(
            url,
            identity.credential,
            retry_policy=_ShortRetries(retry_backoff_factor=0.4),
            transport=strict_transport(connection_timeout=_TIMEOUT, read_timeout=_TIMEOUT),
        )

    def get(self, name: str, *, patient: bool = False) -> str | None:
        """A setting's value without space around it; None if it is absent or empty.

        The names of secrets have no underscores: DATABASE_URL is DATABASE-URL there.
        """
        secret = name.replace("_", "-")
        retries = _RETRIES if patient else 0
        try:
            value = self._client.get_secret(secret, retry_total=retries).value
        except ResourceNotFoundError as error:
            if _code(error) == "SecretNotFound":
                return None
            raise VaultUnavailable(_fault(error, secret)) from error
        except (AzureError, ValueError) as error:
            raise VaultUnavailable(_fault(error, secret)) from error
        return (value or "").strip() or None


class _ShortRetries(RetryPolicy[Any, Any]):
    """Bounds the pause that a vault may ask for by what a caller can wait."""

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _LONGEST_PAUSE)


def _fault(error: Exception, secret: str) -> str:
    """The problem, for the operator; continues a sentence that begins with KEY_VAULT_URL."""
    status = getattr(error, "status_code", None)
    match error:
        case ClientAuthenticationError():
            return "cannot be read: the app's identity cannot sign in"
        case HttpResponseError() if status == HTTPStatus.FORBIDDEN:
            return f"refuses to give the secret {secret} to the app's identity ({_code(error)})"
        case HttpResponseError() if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
            return "does not answer like a key vault"
        case HttpResponseError():
            return f"answers with {status} when asked for the secret {secret}"
        case ValueError():
            return "asks for tokens that are not for it: is it the address of a key vault?"
    return "does not answer"


def _code(error: HttpResponseError) -> str:
    """The most precise of the codes in an answer, such as ForbiddenByRbac."""
    outer: Any = error.error
    inner = getattr(outer, "innererror", None) or {}
    return str(inner.get("code") or getattr(outer, "code", None) or "no reason given")
