"""The issuer's keys: fetched when needed, kept while the issuer is unreachable."""

import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local.issuer import AUDIENCE, ISSUER
from shared.auth import signing_keys
from shared.auth.tokens import Identity, TokenVerifier
from shared.errors import CliplinkError, SigningKeysUnavailable, Unauthenticated
from shared.network.tls import machine_trust
from shared.settings import AuthSettings
from tests.conftest import SetClock
from tests.servers import Reply, Request, dripping, refusing, serving
from tests.tokens import (
    KEY,
    KEY_ID,
    OTHER_KEY,
    KeySet,
    claims,
    encoded,
    hmac_signed,
    public_jwk,
    signed_by_hand,
    signed_with_a_weak_key,
    token,
)


def test_keys_are_fetched_once(key_set: KeySet) -> None:
    verifier = key_set.verifier()
    for _ in range(5):
        verifier.verify(f"Bearer {token()}")
    assert key_set.fetches == 1


def test_keys_are_not_fetched_before_the_first_call(key_set: KeySet) -> None:
    key_set.verifier()
    assert key_set.fetches == 0


def test_keys_that_were_never_seen_are_an_outage_and_no_refusal(clock: SetClock) -> None:
    with refusing() as port:
        url = f"http://127.0.0.1:{port}/keys"
        settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=url)
        with pytest.raises(SigningKeysUnavailable):
            TokenVerifier(settings, clock).verify(f"Bearer {token()}")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """The only authority that this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authorities.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    machine_trust.cache_clear()
    yield authority
    machine_trust.cache_clear()


def first_call(clock: SetClock, certificate: trustme.LeafCert) -> Identity:
    """The bearer of a token whose issuer has this certificate, at its IP address."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    body = json.dumps({"keys": [public_jwk(KEY, KEY_ID)]}).encode()
    with serving(lambda _: Reply(200, body), tls) as served:
        url = f"{served.url.replace('http:', 'https:')}/keys"
        settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=url)
        return TokenVerifier(settings, clock).verify(f"Bearer {token()}")


def test_keys_come_over_https(clock: SetClock, authority: trustme.CA) -> None:
    assert first_call(clock, authority.issue_cert("127.0.0.1")).subject == "alice"


def test_keys_of_an_issuer_without_a_trusted_certificate_are_not_used(
    clock: SetClock, authority: trustme.CA
) -> None:
    for certificate in (
        trustme.CA().issue_cert("127.0.0.1"),
        authority.issue_cert("login.example.org"),
        authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)),
    ):
        with pytest.raises(SigningKeysUnavailable):
            first_call(clock, certificate)


ELSEWHERE = {"Location": "https://login.example.org/keys"}
LOCAL_FILE = {"Location": "file:///etc/passwd"}
BAD_REPLIES = {
    "error": Reply(500, b"oops"),
    "absent": Reply(404, b'{"keys": []}'),
    "redirect": Reply(302, b"", ELSEWHERE),
    "redirect to a file": Reply(301, b"", LOCAL_FILE),
    "redirect that keeps the method": Reply(308, b"", ELSEWHERE),
    "cut off": Reply(200, b'{"keys": [', missing=500),
    "nothing": Reply(200, b""),
    "page": Reply(200, b"<!doctype html><title>Sign in</title>"),
    "bytes": Reply(200, bytes(range(256))),
    "null": Reply(200, b"null"),
    "list": Reply(200, b"[]"),
    "no keys": Reply(200, b'{"keys": []}'),
    "text for keys": Reply(200, b'{"keys": "all"}'),
    "numbers for keys": Reply(200, b'{"keys": [1, null, "x"]}'),
    "broken keys": Reply(200, b'{"keys": [{"kty": "RSA", "kid": "first", "n": 5, "e": []}]}'),
    "no numbers": Reply(200, b'{"keys": [{"kty": "RSA", "kid": "first", "n": "", "e": ""}]}'),
    "odd type": Reply(200, b'{"keys": [{"kty": ["RSA"], "kid": "first", "alg": {}}]}'),
    "deep": Reply(200, b'{"keys": ' + b"[" * 100_000),
}


@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES.keys())
def test_malformed_answer_of_the_issuer_is_an_outage(key_set: KeySet, reply: Reply) -> None:
    """Never an internal error, and no token is accepted; when it is back, its keys are used."""
    key_set.reply = reply
    verifier = key_set.verifier()
    with pytest.raises(CliplinkError) as caught:
        verifier.verify(f"Bearer {token()}")
    assert isinstance(caught.value, SigningKeysUnavailable | Unauthenticated)
    key_set.reply = None
    key_set.clock.advance(seconds=11)
    assert verifier.verify(f"Bearer {token()}").subject == "alice"


def test_key_set_of_megabytes_is_not_read(key_set: KeySet) -> None:
    """It would be accepted if it were read."""
    key_set.keys.append({"padding": "x" * 8_000_000})
    with pytest.raises(SigningKeysUnavailable):
        key_set.verifier().verify(f"Bearer {token()}")


def test_silent_issuer_is_an_outage(key_set: KeySet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the limit, its answer would be accepted."""
    monkeypatch.setattr(signing_keys, "_TIMEOUT", 0.1)
    over = threading.Event()
    good = key_set.answer()

    def answer(_: Request) -> Reply:
        over.wait(30)
        return good

    with serving(answer) as silent:
        settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=silent.url)
        with pytest.raises(SigningKeysUnavailable):
            TokenVerifier(settings, key_set.clock).verify(f"Bearer {token()}")
        over.set()


def test_endless_answer_of_the_issuer_is_an_outage(
    key_set: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time. Without the limit, the answer would be accepted."""
    monkeypatch.setattr(signing_keys, "_DEADLINE", 0.1)
    key_set.reply = Reply(200, key_set.answer().body, pause=0.005)
    with pytest.raises(SigningKeysUnavailable):
        key_set.verifier().verify(f"Bearer {token()}")


@pytest.mark.parametrize("at_once", [0, 20, 200], ids=["status", "headers", "body"])
def test_issuer_that_sends_byte_by_byte_is_an_outage(
    key_set: KeySet, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Without the limit, its answer would be accepted."""
    monkeypatch.setattr(signing_keys, "_TIMEOUT", 0.3)
    monkeypatch.setattr(signing_keys, "_DEADLINE", 60.0)
    head = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 150 + b"\r\n\r\n"
    with dripping(head + key_set.answer().body, at_once) as url:
        settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=url)
        with pytest.raises(SigningKeysUnavailable):
            TokenVerifier(settings, key_set.clock).verify(f"Bearer {token()}")


@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES.keys())
def test_known_keys_are_used_while_the_issuer_is_away(key_set: KeySet, reply: Reply) -> None:
    verifier = key_set.verifier()
    verifier.verify(f"Bearer {token()}")
    key_set.reply = reply
    key_set.clock.advance(hours=1)
    assert verifier.verify(f"Bearer {token()}").subject == "alice"
    assert key_set.fetches == 2


def test_known_keys_are_used_for_a_day_and_no_longer(key_set: KeySet) -> None:
    """A blocked connection to the issuer does not keep a withdrawn key valid."""
    verifier = key_set.verifier()
    verifier.verify(f"Bearer {token()}")
    key_set.reply = Reply(503)
    key_set.clock.advance(hours=23, minutes=59)
    assert verifier.verify(f"Bearer {token()}").subject == "alice"
    key_set.clock.advance(minutes=1)
    with pytest.raises(SigningKeysUnavailable):
        verifier.verify(f"Bearer {token()}")
    key_set.reply = None
    key_set.clock.advance(seconds=11)
    assert verifier.verify(f"Bearer {token()}").subject == "alice"


def test_callers_wait_for_the_keys_after_a_day_without_calls(key_set: KeySet) -> None:
    """All callers wait for the one that fetches; none gets an outage."""
    verifier = key_set.verifier()
    verifier.verify(f"Bearer {token()}")
    key_set.clock.advance(days=2)
    key_set.reply = Reply(200, key_set.answer().body, pause=0.001)
    with ThreadPoolExecutor(8) as callers:
        subjects = callers.map(
            lambda text: verifier.verify(text).subject, [f"Bearer {token()}"] * 8
        )
    assert list(subjects) == ["alice"] * 8
    assert key_set.fetches == 2


def test_redirect_to_other_keys_is_not_followed(key_set: KeySet) -> None:
    body = json.dumps({"keys": [public_jwk(OTHER_KEY, KEY_ID)]}).encode()
    with serving(lambda _: Reply(200, body)) as elsewhere:
        key_set.reply = Reply(302, b"", {"Location": f"{elsewhere.url}/keys"})
        with pytest.raises(SigningKeysUnavailable):
            key_set.verifier().verify(f"Bearer {token(key=OTHER_KEY)}")
    assert elsewhere.requests == []


def test_rotated_key_is_found_at_its_first_use(key_set: KeySet) -> None:
    verifier = key_set.verifier()
    verifier.verify(f"Bearer {token()}")
    key_set.keys.append(public_jwk(OTHER_KEY, "second"))
    key_set.clock.advance(seconds=11)
    assert verifier.verify(f"Bearer {token(key=OTHER_KEY, kid='second')}").subject == "alice"


def test_withdrawn_key_is_refused_within_minutes(key_set: KeySet) -> None:
    verifier = key_set.verifier()
    verifier.verify(f"Bearer {token()}")
    key_set.keys = [public_jwk(OTHER_KEY, "second")]
    key_set.clock.advance(minutes=4)
    verifier.verify(f"Bearer {token()}")
    key_set.clock.advance(minutes=1)
    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {token()}")


def test_token_is_refused_when_its_kid_names_another_key(key_set: KeySet) -> None:
    """A token that was accepted is verified again with each download of the keys."""
    verifier = key_set.verifier()
    text = f"Bearer {token()}"
    assert verifier.verify(text) == verifier.verify(text)
    key_set.keys = [public_jwk(OTHER_KEY, KEY_ID)]
    key_set.clock.advance(minutes=5)
    with pytest.raises(Unauthenticated, match="ignature"):
        verifier.verify(text)


def test_made_up_key_names_do_not_flood_the_issuer(key_set: KeySet) -> None:
    verifier = key_set.verifier()
    for number in range(100):
        key_set.clock.advance(seconds=1)
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {token(kid=f'made-up-{number}')}")
    assert key_set.fetches == 10


def test_unavailable_issuer_is_not_flooded(key_set: KeySet) -> None:
    key_set.reply = Reply(500)
    verifier = key_set.verifier()
    for _ in range(20):
        with pytest.raises(SigningKeysUnavailable):
            verifier.verify(f"Bearer {token()}")
    assert key_set.fetches == 1


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "RS512"}, {"alg": "PS256"}])
def test_key_for_another_purpose_is_not_used(key_set: KeySet, change: dict[str, object]) -> None:
    key_set.keys = [public_jwk(OTHER_KEY, "other"), public_jwk(KEY, KEY_ID, **change)]
    with pytest.raises(Unauthenticated):
        key_set.verifier().verify(f"Bearer {token()}")


@pytest.mark.parametrize("missing", ["use", "alg"])
def test_key_need_not_say_its_purpose(key_set: KeySet, missing: str) -> None:
    key = public_jwk(KEY, KEY_ID, alg="RS256")
    del key[missing]
    key_set.keys = [key]
    assert key_set.verifier().verify(f"Bearer {token()}").subject == "alice"


@pytest.mark.parametrize("bits", [1024, 2040])
def test_weak_key_is_not_used(key_set: KeySet, bits: int) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    key_set.keys.append(public_jwk(weak, "weak"))
    with pytest.raises(Unauthenticated):
        key_set.verifier().verify(f"Bearer {signed_with_a_weak_key(weak)}")
    assert key_set.verifier().verify(f"Bearer {token()}").subject == "alice"


RUBBISH: dict[str, object] = {
    "null": None,
    "text": "key",
    "number": 5,
    "list": [],
    "nothing": {},
    "type of another type": {"kty": ["RSA"], "kid": KEY_ID, "alg": {}, "use": []},
    "no numbers": {"kty": "RSA", "kid": KEY_ID},
    "numbers of another type": {"kty": "RSA", "kid": KEY_ID, "n": 5, "e": []},
    "empty numbers": {"kty": "RSA", "kid": KEY_ID, "n": "", "e": ""},
    "no base64": {"kty": "RSA", "kid": KEY_ID, "n": "!", "e": "AQAB"},
    "not ASCII": {"kty": "RSA", "kid": KEY_ID, "n": "é", "e": "AQAB"},
    "exponent of one": public_jwk(KEY, KEY_ID) | {"e": "AQ"},
    "even exponent": public_jwk(KEY, KEY_ID) | {"e": "Ag"},
    "deep": {"kty": "RSA", "kid": [[[[[]]]]]},
}


@pytest.mark.parametrize("entry", RUBBISH.values(), ids=RUBBISH.keys())
@pytest.mark.parametrize("first", [True, False])
def test_key_beside_malformed_entries_is_used(
    key_set: KeySet, entry: dict[str, object], *, first: bool
) -> None:
    """One malformed or unknown entry of an issuer does not disable the others."""
    key_set.keys.insert(0 if first else 1, entry)
    assert key_set.verifier().verify(f"Bearer {token()}").subject == "alice"


def test_last_of_two_keys_with_one_id_counts(key_set: KeySet) -> None:
    key_set.keys = [public_jwk(OTHER_KEY, KEY_ID), public_jwk(KEY, KEY_ID)]
    verifier = key_set.verifier()
    assert verifier.verify(f"Bearer {token()}").subject == "alice"
    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {token(key=OTHER_KEY)}")


def test_only_the_public_part_of_a_published_private_key_is_used(key_set: KeySet) -> None:
    """The issuer's mistake does not make its public key unusable."""
    whole = jwt.algorithms.RSAAlgorithm.to_jwk(KEY, as_dict=True)
    key_set.keys = [public_jwk(KEY, KEY_ID) | whole | {"key_ops": ["verify"]}]
    assert key_set.verifier().verify(f"Bearer {token()}").subject == "alice"


def test_key_with_an_id_that_is_no_text_is_ignored(key_set: KeySet) -> None:
    key_set.keys = [public_jwk(OTHER_KEY, ["first"]), public_jwk(KEY, KEY_ID)]
    assert key_set.verifier().verify(f"Bearer {token()}").subject == "alice"


def test_keys_that_are_not_rsa_are_ignored(key_set: KeySet) -> None:
    curve = jwt.algorithms.ECAlgorithm.to_jwk(
        ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True
    )
    secret: dict[str, object] = {
        "kty": "oct",
        "k": encoded(hashlib.sha256(b"x").digest()),
        "kid": KEY_ID,
    }
    key_set.keys = [{**curve, "kid": KEY_ID}, secret, {"kty": "new", "kid": KEY_ID}]
    key_set.keys.append(public_jwk(OTHER_KEY, "other"))
    verifier = key_set.verifier()
    for text in (token(), hmac_signed(hashlib.sha256(b"x").digest())):
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {text}")
    key_set.keys.append(public_jwk(KEY, KEY_ID))
    key_set.clock.advance(seconds=11)
    assert verifier.verify(f"Bearer {token()}").subject == "alice"


# --- Keys without an id


def without_id(key: rsa.RSAPrivateKey, **more: object) -> dict[str, object]:
    return {
        name: value for name, value in public_jwk(key, None, **more).items() if value is not None
    }


def bearer(**header: object) -> str:
    return f"Bearer {signed_by_hand({'alg': 'RS256'} | header, claims())}"


@pytest.mark.parametrize("key", [without_id(KEY), public_jwk(KEY, None)], ids=["absent", "null"])
@pytest.mark.parametrize("others", [[], [public_jwk(OTHER_KEY, "other")]])
def test_token_without_kid_is_verified_with_the_only_key_without_one(
    key_set: KeySet, key: dict[str, object], others: list[dict[str, object]]
) -> None:
    key_set.keys = [*others, key]
    verifier = key_set.verifier()
    assert verifier.verify(bearer()).subject == "alice"
    assert key_set.fetches == 1


def test_token_without_kid_means_none_of_several_keys(key_set: KeySet) -> None:
    key_set.keys = [without_id(KEY), without_id(OTHER_KEY), public_jwk(OTHER_KEY, KEY_ID)]
    with pytest.raises(Unauthenticated, match="does not name its key"):
        key_set.verifier().verify(bearer())


@pytest.mark.parametrize("keys", [[without_id(KEY)], [without_id(KEY), without_id(OTHER_KEY)]])
def test_token_with_kid_is_not_verified_with_a_key_without_one(
    key_set: KeySet, keys: list[dict[str, object]]
) -> None:
    key_set.keys = keys
    with pytest.raises(Unauthenticated, match="the keys of the issuer have no names"):
        key_set.verifier().verify(f"Bearer {token()}")


def test_another_keys_signature_is_refused_without_kid_too(key_set: KeySet) -> None:
    key_set.keys = [without_id(OTHER_KEY)]
    with pytest.raises(Unauthenticated):
        key_set.verifier().verify(bearer())


@pytest.mark.parametrize("null", ["alg", "use"])
def test_null_in_a_key_counts_as_absent(key_set: KeySet, null: str) -> None:
    key_set.keys = [public_jwk(KEY, KEY_ID) | {null: None}]
    assert key_set.verifier().verify(f"Bearer {token()}").subject == "alice"


@pytest.mark.parametrize("reply", [r for n, r in BAD_REPLIES.items() if n != "cut off"])
def test_issuer_without_usable_keys_differs_from_a_silent_one(
    key_set: KeySet, reply: Reply
) -> None:
    key_set.reply = reply
    with pytest.raises(SigningKeysUnavailable, match="answers, but not with a key set"):
        key_set.verifier().verify(f"Bearer {token()}")
    with refusing() as port:
        url = f"http://127.0.0.1:{port}/keys"
        settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=url)
        with pytest.raises(SigningKeysUnavailable, match="does not answer"):
            TokenVerifier(settings, key_set.clock).verify(f"Bearer {token()}")
