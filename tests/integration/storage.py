"""Requests to a storage account, with three kinds of credentials and plain HTTP."""

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from local import azurite
from tests.servers import Reply, Request


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message  # names in any case
    body: bytes


def send(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    authority: Path | None = None,
) -> Answer:
    """Sends a request as a browser does, without the vendor's library."""
    # urllib declares a body without a type as a form; a browser sends no type.
    extra = {} if body is None else {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, body, extra | dict(headers or {}), method=method)
    trust = ssl.create_default_context(cafile=authority) if url.startswith("https") else None
    try:
        with urllib.request.urlopen(request, timeout=20, context=trust) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def said(url: str, name: str) -> str:
    """A parameter of a signed link."""
    return parse_qs(urlsplit(url).query)[name][0]


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@dataclass
class ManagedIdentity:
    """The endpoint from which App Service and Functions give tokens to an app."""

    secret: str = "identity-header"
    broken: bool = False
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        asked = parse_qs(urlsplit(request.path).query)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self.broken or headers.get("x-identity-header") != self.secret:
            return Reply(403, b"{}", {"Content-Type": "application/json"})
        (resource,) = asked["resource"]
        self.asked.append(resource)
        expiry = int(time.time()) + 86_400
        body = {
            "access_token": _token(resource, expiry),
            "expires_on": str(expiry),
            "resource": resource,
            "token_type": "Bearer",
        }
        return Reply(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _token(audience: str, expiry: int) -> str:
    """A well-formed token: the emulator checks nothing else."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": expiry,
        "oid": "00000000-0000-0000-0000-000000000001",
        "tid": "00000000-0000-0000-0000-000000000000",
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts]
    return ".".join([*texts, "c2lnbmF0dXJl"])


def identity_environment(
    account: azurite.Account, endpoint: str, identity: ManagedIdentity
) -> dict[str, str]:
    """The environment of an app with a managed identity."""
    assert account.certificate is not None
    return {
        "IDENTITY_ENDPOINT": f"{endpoint}/msi/token",
        "IDENTITY_HEADER": identity.secret,
        "REQUESTS_CA_BUNDLE": str(account.certificate.authority),
        "SSL_CERT_FILE": str(account.certificate.authority),
    }
