"""Forged tokens, each named after its defect, and the keys for them.

Except for attacks on time, they are valid for an hour: only the attack can be the reason.
"""

import json
from collections.abc import Iterator

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local.issuer import AUDIENCE, ISSUER
from tests.tokens import (
    KEY,
    KEY_ID,
    OTHER_KEY,
    claims,
    encoded,
    hmac_signed,
    moment,
    public_forms,
    public_jwk,
    signed_by_hand,
    signed_with_a_weak_key,
    token,
)

CURVE = ec.generate_private_key(ec.SECP256R1())
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
# These three are in the app's key set, but must not verify a token.
SHARED_SECRET = b"which an issuer publishes by mistake"

GOOD = {"alg": "RS256", "kid": KEY_ID}
_ATTACKERS_KEYS = "https://attacker.example.org/keys.json"


def forged() -> dict[str, str]:
    """Every forged token by its name."""
    return dict(
        [
            *_without_signature(),
            *_with_a_public_secret(),
            *_by_another_algorithm(),
            *_with_a_manipulated_key(),
            *_for_another_audience(),
            *_at_the_wrong_time(),
            *_malformed(),
        ]
    )


def _without_signature() -> Iterator[tuple[str, str]]:
    header, payload, signature = token().split(".")
    for name in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {name!r}", f"{encoded({'alg': name, 'kid': KEY_ID})}.{payload}."
        yield f"alg {name!r}, signed", signed_by_hand({"alg": name, "kid": KEY_ID}, claims())
    yield "no alg", signed_by_hand({"kid": KEY_ID}, claims())
    yield "signature stripped", f"{header}.{payload}."
    yield "signature and dot stripped", f"{header}.{payload}"
    yield "signature truncated", token()[:-12]
    yield "signature of another payload", f"{header}.{encoded(claims(sub='eve'))}.{signature}"
    yield "signature of nothing", f"{header}.{payload}.{encoded(bytes(256))}"
    yield "payload stripped", f"{header}..{signature}"


def _with_a_public_secret() -> Iterator[tuple[str, str]]:
    for number, secret in enumerate(public_forms(KEY, public_jwk(KEY, KEY_ID))):
        yield f"HS256 with the public key, form {number}", hmac_signed(secret)
    yield "HS256 with a published secret", hmac_signed(SHARED_SECRET, "shared secret")


def _by_another_algorithm() -> Iterator[tuple[str, str]]:
    for algorithm in ("RS384", "RS512", "PS256", "PS384", "PS512"):
        yield algorithm, token(algorithm=algorithm)
    yield "ES256", jwt.encode(claims(), CURVE, "ES256", {"kid": "curve"})
    yield "RS256 of a curve's key", signed_by_hand({"alg": "RS256", "kid": "curve"}, claims())
    yield "a key of 1024 bits", signed_with_a_weak_key(WEAK)
    yield "a key for encryption", token(key=OTHER_KEY, kid="for encryption")


def _with_a_manipulated_key() -> Iterator[tuple[str, str]]:
    yield "another key", token(key=OTHER_KEY)
    yield "no kid", signed_by_hand({"alg": "RS256"}, claims())
    for key_id in (
        *("", "unknown", "FIRST", "first\0", "x" * 8000, "weak", "curve", "shared secret"),
        *("../../../../dev/null", "/dev/null", "file:///dev/null", _ATTACKERS_KEYS),
        *("first' OR '1'='1", "' UNION SELECT 'secret", "first; rm -rf /", "$(id)", "|id", "{{7}}"),
        *(None, 5, 1e308, True, ["first"], {"first": 1}, "\ud800"),
    ):
        yield f"kid {str(key_id)[:30]!a}", signed_by_hand({"alg": "RS256", "kid": key_id}, claims())
    for name, value in (
        ("jwk", public_jwk(OTHER_KEY, KEY_ID)),
        ("jku", _ATTACKERS_KEYS),
        ("x5u", _ATTACKERS_KEYS),
        ("x5c", [encoded(b"a certificate")]),
    ):
        headers = {"kid": KEY_ID, name: value}
        yield f"{name} with another key", jwt.encode(claims(), OTHER_KEY, "RS256", headers)
    yield "crit", signed_by_hand(GOOD | {"crit": ["payments-only"], "payments-only": 1}, claims())
    yield "b64", signed_by_hand(GOOD | {"crit": ["b64"], "b64": False}, claims())


def _for_another_audience() -> Iterator[tuple[str, str]]:
    for issuer in (f"{ISSUER}/", ISSUER.upper(), "https://attacker.example.org", "", 5, [ISSUER]):
        yield f"iss {issuer}", signed_by_hand(GOOD, claims(iss=issuer))
    for audience in ("other", f"{AUDIENCE}/", AUDIENCE.upper(), "", [], ["other"], [AUDIENCE, 5]):
        yield f"aud {audience}", signed_by_hand(GOOD, claims(aud=audience))
    for name in ("iss", "aud", "sub", "exp"):
        yield f"no {name}", signed_by_hand(GOOD, claims(**{name: None}))
    for subject in ("", 5, ["alice"], "x" * 256, "al\0ice", "alice\nadmin", "\ud800"):
        yield f"sub {str(subject)[:30]!a}", signed_by_hand(GOOD, claims(sub=subject))


def _at_the_wrong_time() -> Iterator[tuple[str, str]]:
    # Tokens are made when tests are collected, which may be many minutes before they are sent.
    for name, when, value in (
        ("exp", "two minutes ago", moment(minutes=-2)),
        ("exp", "in 1970", 0),
        ("nbf", "in an hour", moment(hours=1)),
        ("iat", "in an hour", moment(hours=1)),
    ):
        yield f"{name} {when}", signed_by_hand(GOOD, claims(**{name: value}))
    for text in ('"2524608000"', "1e300", "1" * 400, "NaN", "Infinity", "-1", "true", "null", "{}"):
        payload = json.dumps(claims(exp="@")).replace('"@"', text)
        yield f"exp {text[:30]}", signed_by_hand(GOOD, payload.encode())


def _malformed() -> Iterator[tuple[str, str]]:
    yield from {
        "a word": "x",
        "dots": "..",
        "five parts": "a.b.c.d.e",
        "a token twice": f"{token()}.{token()}",
        "empty objects": "e30.e30.e30",
        "a header that is a list": signed_by_hand([], claims()),
        "a payload that is a list": signed_by_hand(GOOD, []),
        "a payload that is a text": signed_by_hand(GOOD, "alice"),
        "a payload of no UTF-8": signed_by_hand(GOOD, b"\xff\xfe"),
        "a deep header": f"{encoded(b'[' * 9000)}.e30.e30",
        "a deep payload": signed_by_hand(GOOD, b'{"a":' * 1800),
        "a deep payload of lists": signed_by_hand(GOOD, b"[" * 9000),
        "a number of 5000 digits": signed_by_hand(b"1" * 5000, claims()),
        "more than 16 KB": signed_by_hand(GOOD, claims(padding="x" * 13_000)),
        "a space within": token().replace(".", " .", 1),
        "padding": token().replace(".", "=.", 1),
    }.items()
