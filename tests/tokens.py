"""Valid and forged tokens, and an issuer's key set over HTTP that a test can change."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.issuer import AUDIENCE, ISSUER
from shared.auth.tokens import Identity, TokenVerifier
from shared.errors import Unauthenticated
from shared.settings import AuthSettings
from tests.conftest import SetClock
from tests.servers import Reply, Served


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


KEY = new_key()
OTHER_KEY = new_key()
KEY_ID = "first"


def public_jwk(key: rsa.RSAPrivateKey, key_id: object, **more: object) -> dict[str, object]:
    found: dict[str, object] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "n": found["n"], "e": found["e"], "kid": key_id, "use": "sig"} | more


def claims(**changes: object) -> dict[str, object]:
    """Valid claims with changes; a change to None removes the claim."""
    valid = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": moment(hours=1)}
    return {k: v for k, v in (valid | changes).items() if v is not None}


def moment(**parts: float) -> int:
    return int((datetime.now(UTC) + timedelta(**parts)).timestamp())


def token(
    payload: dict[str, object] | None = None,
    *,
    key: rsa.RSAPrivateKey = KEY,
    algorithm: str = "RS256",
    **header: object,
) -> str:
    headers: dict[str, Any] = {"kid": KEY_ID} | header
    return jwt.encode(payload or claims(), key, algorithm=algorithm, headers=headers)


def encoded(data: bytes | object) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_by_hand(header: bytes | object, payload: bytes | object) -> str:
    """Any bytes as header and payload, under a valid RS256 signature."""
    text = f"{encoded(header)}.{encoded(payload)}"
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{text}.{encoded(algorithm.sign(text.encode(), KEY))}"


def signed_with_a_weak_key(key: rsa.RSAPrivateKey) -> str:
    """Signed without the library, which warns of weak keys."""
    text = f"{encoded({'alg': 'RS256', 'kid': 'weak'})}.{encoded(claims())}"
    return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def hmac_signed(secret: bytes, key_id: str = KEY_ID) -> str:
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': key_id})}.{encoded(claims())}"
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), 'sha256'))}"


def public_forms(key: rsa.RSAPrivateKey, jwk: Mapping[str, object]) -> list[bytes]:
    """A public key, in bytes that look like a secret."""
    public, numbers = key.public_key(), key.public_key().public_numbers()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return [
        pem,
        pem.strip(),
        pem.replace(b"\n", b"\r\n"),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        json.dumps(jwk).encode(),
        json.dumps(jwk, separators=(",", ":")).encode(),
        json.dumps({"keys": [jwk]}).encode(),
        str(jwk["n"]).encode(),
        numbers.n.to_bytes(256),
        b"",
    ]


@dataclass
class KeySet:
    """An issuer's JWKS, over HTTP, to be changed by a test."""

    served: Served
    clock: SetClock
    keys: list[dict[str, object]] = field(default_factory=lambda: [public_jwk(KEY, KEY_ID)])
    reply: Reply | None = None

    def answer(self) -> Reply:
        return self.reply or Reply(200, json.dumps({"keys": self.keys}).encode())

    @property
    def fetches(self) -> int:
        return len(self.served.requests)

    def verifier(self) -> TokenVerifier:
        url = f"{self.served.url}/keys"
        return TokenVerifier(
            AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=url), self.clock
        )


type Verify = Callable[[str], Identity]


def refusal(verify: Verify, text: str) -> str:
    """The detail of the refusal of a token, which may not contain the token."""
    with pytest.raises(Unauthenticated) as caught:
        verify(text)
    assert len(text) < 40 or text not in caught.value.detail
    return caught.value.detail
