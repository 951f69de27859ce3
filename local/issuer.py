"""Owns the identity provider of a developer's machine: its key, its tokens, its two pages.

Knows nothing of the app, which checks these tokens exactly as it checks those of Entra. The name
of the issuer is the same on every port, and all copies that run from this folder share the key: a
token stays valid until it expires.
"""

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.ports import LOOPBACK
from local.serving import in_a_thread

ISSUER = "http://issuer.cliplink.localhost"
AUDIENCE = "cliplink"
_LIFETIME = timedelta(hours=12)


class Issuer:
    """Signs tokens with the key in `key_file`, which is created if it does not exist."""

    def __init__(self, key_file: Path) -> None:
        self._key = _load_or_create(key_file)
        numbers = self._key.public_key().public_numbers()
        public_key = {"e": _base64(numbers.e), "kty": "RSA", "n": _base64(numbers.n)}
        canonical = json.dumps(public_key, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(canonical).digest()  # RFC 7638
        self.key_id = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        key = {**public_key, "kid": self.key_id, "use": "sig", "alg": "RS256"}
        self.key_set = {"keys": [key]}

    def token(self, subject: str, roles: Sequence[str] = (), email: str | None = None) -> str:
        """A bearer token that is valid for twelve hours."""
        now = datetime.now(UTC)
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "nbf": now,
            "exp": now + _LIFETIME,
            "roles": list(roles),
        }
        if email is not None:
            claims |= {"email": email, "email_verified": True}
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id})

    @contextmanager
    def serving(self, port: int) -> Iterator[str]:
        """Serves the key set on loopback from a thread; yields the address of the key set."""
        address = f"http://{LOOPBACK}:{port}"
        discovery = {
            "issuer": ISSUER,
            "jwks_uri": f"{address}/jwks.json",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
        }
        pages: dict[str, object] = {
            "/.well-known/openid-configuration": discovery,
            "/jwks.json": self.key_set,
        }
        server = ThreadingHTTPServer((LOOPBACK, port), _handler(pages))
        server.daemon_threads = True
        with in_a_thread(server):
            yield f"{address}/jwks.json"


def _handler(pages: dict[str, object]) -> type[BaseHTTPRequestHandler]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            body = b"" if page is None else json.dumps(page).encode()
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named in http.server
            """Keeps the terminal for the app's own log."""

    return Pages


def _load_or_create(path: Path) -> rsa.RSAPrivateKey:
    if not path.exists():
        _create(path)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{path} holds no RSA key; delete it, and a new one is created")
    return key


def _create(path: Path) -> None:
    """Writes a new key. If two processes do this at once, both use the same key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # readable by the owner only
    unfinished = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()


def _base64(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
