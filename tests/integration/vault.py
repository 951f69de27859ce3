"""A key vault for its real client: HTTPS, a challenge, secrets by name, refusals.

https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret
https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
"""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import trustme

from local.ports import LOOPBACK
from tests.integration.storage import ManagedIdentity
from tests.servers import Reply, Request, serving

_JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass
class FakeVault:
    """Returns secrets by their names, and accepts well-formed tokens for its audience.

    `replies` are answered first to a caller with such a token. `environment` is that of a process
    that may read the vault.
    """

    secrets: dict[str, str]
    identity: ManagedIdentity = field(default_factory=ManagedIdentity)
    replies: Iterator[Reply] = field(default_factory=lambda: iter(()))
    url: str = ""
    resource: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    challenges: int = 0
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        headers = {name.lower(): value for name, value in request.headers.items()}
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if not token or _audience(token) != self.resource:
            self.challenges += 1
            return self._challenge()
        address = urlsplit(request.path)
        kind, name = address.path.strip("/").split("/")
        assert (request.method, kind) == ("GET", "secrets")
        assert parse_qs(address.query)["api-version"]
        self.asked.append(name)
        return next(self.replies, None) or self._secret(name)

    def _challenge(self) -> Reply:
        authorization = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000"
        challenge = f'Bearer authorization="{authorization}", resource="{self.resource}"'
        return refusal(401, "Unauthorized", **{"WWW-Authenticate": challenge})

    def _secret(self, name: str) -> Reply:
        if name not in self.secrets:
            return refusal(404, "SecretNotFound")
        body = {
            "value": self.secrets[name],
            "id": f"{self.url}/secrets/{name}/4387e9f3d6e14c459867679a90fd0f79",
            "attributes": {"enabled": True, "created": 1493938410, "updated": 1493938410},
        }
        return Reply(200, json.dumps(body).encode(), _JSON)


def refusal(status: int, code: str, reason: str | None = None, **headers: str) -> Reply:
    """An error answer of a vault; `reason` is its inner, more precise code."""
    error: dict[str, object] = {"code": code, "message": "For people, not for programs."}
    if reason is not None:
        error["innererror"] = {"code": reason}
    return Reply(status, json.dumps({"error": error}).encode(), _JSON | headers)


@contextmanager
def serving_vault(folder: Path, secrets: dict[str, str]) -> Iterator[FakeVault]:
    """Runs a vault, and the service that gives tokens to the app's managed identity."""
    vault = FakeVault(secrets)
    authority = trustme.CA()
    trusted = folder / "vault-authority.pem"
    authority.cert_pem.write_to_path(trusted)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(LOOPBACK).configure_cert(tls)
    with serving(vault.answer, tls) as served, serving(vault.identity.answer) as tokens:
        vault.url = served.url
        # The client insists on tokens for the domain that the vault's host is in, as
        # vault.azure.net is for cliplink.vault.azure.net: for 127.0.0.1 that is 0.0.1.
        vault.resource = served.url.replace(LOOPBACK, LOOPBACK.partition(".")[2])
        vault.environment = {
            "KEY_VAULT_URL": served.url,
            "IDENTITY_ENDPOINT": f"{tokens.url}/msi/token",
            "IDENTITY_HEADER": vault.identity.secret,
            "REQUESTS_CA_BUNDLE": str(trusted),
            # Excludes other identities of the machine.
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        }
        yield vault


def _audience(token: str) -> str:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["aud"])
