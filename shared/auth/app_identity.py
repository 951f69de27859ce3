"""The app's own identity: a managed identity on Azure, `az login` on a developer's machine.

AZURE_CLIENT_ID names a user-assigned identity; azure-identity reads that variable.
Nothing is imported or requested before the identity is first needed: the import alone takes a
third of a second, and an app that uses passwords does not need it.
"""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# Seconds. The SDK would wait for five minutes each.
_CONNECT_SECONDS = 4.0
_ANSWER_SECONDS = 20.0


class NotSignedIn(Exception):
    """No token can be obtained: there is no identity, or the token service is unavailable."""


class AppIdentity:
    """Gets tokens, and caches them until shortly before they expire; threads may share it."""

    @cached_property
    def credential(self) -> "TokenCredential":
        """For the SDK's clients, which fetch their own tokens."""
        from azure.identity import DefaultAzureCredential

        from shared.network.sdk_transport import strict_transport

        transport = strict_transport(
            connection_timeout=_CONNECT_SECONDS, read_timeout=_ANSWER_SECONDS
        )
        return DefaultAzureCredential(transport=transport)

    def token(self, scope: str) -> str:
        """A token that is valid for some minutes at least; raises NotSignedIn."""
        from azure.core.exceptions import AzureError

        try:
            return self.credential.get_token(scope).token
        except AzureError as error:
            raise NotSignedIn(f"The app's identity gets no token for {scope}") from error
