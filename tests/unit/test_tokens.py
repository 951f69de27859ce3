"""Tokens: only what the issuer signed, for us, and still good, is believed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local.issuer import AUDIENCE, ISSUER, Issuer
from local.ports import free_port
from shared.errors import CliplinkError, SigningKeysUnavailable, Unauthenticated
from shared.settings import AuthSettings
from shared.tokens import Identity, TokenVerifier
from tests.conftest import SetClock
from tests.servers import Reply, Request, Served, refusing, serving


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


KEY = new_key()
OTHER_KEY = new_key()
KEY_ID = "first"
PUBLIC_PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def public_jwk(key: rsa.RSAPrivateKey, key_id: object, **more: object) -> dict[str, object]:
    found: dict[str, object] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "n": found["n"], "e": found["e"], "kid": key_id, "use": "sig"} | more


def claims(**changes: object) -> dict[str, object]:
    """Good ones, with changes; a change to None leaves the claim out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": moment(hours=1)}
    return {k: v for k, v in (good | changes).items() if v is not None}


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
    """Any bytes as header and payload, under a good RS256 signature."""
    text = f"{encoded(header)}.{encoded(payload)}"
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{text}.{encoded(algorithm.sign(text.encode(), KEY))}"


def hmac_signed(secret: bytes, digest: str = "sha256") -> str:
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': KEY_ID})}.{encoded(claims())}"
    return f"{text}.{encoded(hmac.new(secret, text.encode(), digest).digest())}"


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


class _Listener:
    """What answers for the key set of whichever test is running."""

    key_set: KeySet | None = None

    def answer(self, _: Request) -> Reply:
        return Reply(404) if self.key_set is None else self.key_set.answer()


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[_Listener, Served]]:
    listener = _Listener()
    with serving(listener.answer) as served:
        yield listener, served


@pytest.fixture
def key_set(listener: tuple[_Listener, Served], clock: SetClock) -> KeySet:
    answering, served = listener
    served.requests.clear()
    answering.key_set = KeySet(served, clock)
    return answering.key_set


@pytest.fixture
def verify(key_set: KeySet) -> Callable[[str], Identity]:
    verifier = key_set.verifier()
    return lambda text: verifier.verify(f"Bearer {text}")


type Verify = Callable[[str], Identity]


def refusal(verify: Verify, text: str) -> str:
    """Why a token is refused: a sentence that can be shown to anybody."""
    with pytest.raises(Unauthenticated) as caught:
        verify(text)
    assert len(text) < 40 or text not in caught.value.detail
    return caught.value.detail


def test_the_local_issuers_token_is_believed(tmp_path: Path, clock: SetClock) -> None:
    issuer = Issuer(tmp_path / "key.pem")
    with issuer.serving(free_port()) as url:
        settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=url)
        verifier = TokenVerifier(settings, clock)
        good = issuer.token("alice", ["admin"], "alice@example.org")
        assert verifier.verify(f"Bearer {good}") == Identity(
            "alice", frozenset({"admin"}), "alice@example.org"
        )


def test_a_good_token_tells_who_calls(verify: Verify) -> None:
    assert verify(token()) == Identity("alice", frozenset(), None)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic YWxpY2U6c2VjcmV0", "{token}", "Token {token}"],
)
def test_without_a_bearer_token_nobody_calls(key_set: KeySet, header: str | None) -> None:
    text = header and header.format(token=token())
    with pytest.raises(Unauthenticated, match="Authorization"):
        key_set.verifier().verify(text)


@pytest.mark.parametrize("header", ["bearer {}", "BEARER {}", "  Bearer   {}  "])
def test_the_scheme_is_written_in_any_case(key_set: KeySet, header: str) -> None:
    assert key_set.verifier().verify(header.format(token())).subject == "alice"


# --- Signatures


def test_an_unsigned_token_is_refused(verify: Verify) -> None:
    for name in ("none", "None", "NONE", "nOnE", ""):
        text = f"{encoded({'alg': name, 'kid': KEY_ID})}.{encoded(claims())}."
        assert "RS256" in refusal(verify, text)
    unsigned = jwt.encode(claims(), "", algorithm="none", headers={"kid": KEY_ID})
    refusal(verify, unsigned)


def test_the_public_key_is_no_shared_secret(verify: Verify) -> None:
    """The classic confusion: HS256, signed with what everybody can fetch."""
    jwk = public_jwk(KEY, KEY_ID)
    numbers = KEY.public_key().public_numbers()
    secrets = [
        PUBLIC_PEM,
        PUBLIC_PEM.strip(),
        json.dumps(jwk).encode(),
        json.dumps(jwk, separators=(",", ":")).encode(),
        str(jwk["n"]).encode(),
        numbers.n.to_bytes(256),
        b"",
    ]
    for secret in secrets:
        assert "RS256" in refusal(verify, hmac_signed(secret))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS512"])
def test_other_algorithms_of_the_right_key_are_refused(verify: Verify, algorithm: str) -> None:
    assert "RS256" in refusal(verify, token(algorithm=algorithm))


@pytest.mark.parametrize("algorithm", [None, 5, ["RS256"], {"RS256": 1}, "rs256", "RS256 "])
def test_the_algorithm_is_named_exactly(verify: Verify, algorithm: object) -> None:
    refusal(verify, signed_by_hand({"alg": algorithm, "kid": KEY_ID}, claims()))


def test_another_keys_signature_is_refused(verify: Verify) -> None:
    refusal(verify, token(key=OTHER_KEY))


def test_a_tampered_payload_is_refused(verify: Verify) -> None:
    header, _, signature = token().split(".")
    refusal(verify, f"{header}.{encoded(claims(sub='mallory'))}.{signature}")


def test_a_tampered_signature_is_refused(verify: Verify) -> None:
    header, payload, signature = token().split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[17] ^= 1
    refusal(verify, f"{header}.{payload}.{encoded(bytes(raw))}")
    for other in ("", signature[:-8], signature[::-1], encoded(b"\0" * 256)):
        refusal(verify, f"{header}.{payload}.{other}")


def test_a_key_that_the_token_brings_along_counts_for_nothing(key_set: KeySet) -> None:
    """jku, x5u, jwk and x5c would let anybody name the key that believes them."""
    with serving(
        lambda _: Reply(200, json.dumps({"keys": [public_jwk(OTHER_KEY, KEY_ID)]}).encode())
    ) as trap:
        brought: dict[str, object] = {
            "kid": KEY_ID,
            "jwk": public_jwk(OTHER_KEY, KEY_ID),
            "jku": f"{trap.url}/keys",
            "x5u": f"{trap.url}/certificate",
            "x5c": [encoded(PUBLIC_PEM)],
        }
        verifier = key_set.verifier()
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {jwt.encode(claims(), OTHER_KEY, 'RS256', brought)}")
        assert (
            verifier.verify(f"Bearer {jwt.encode(claims(), KEY, 'RS256', brought)}").subject
            == "alice"
        )
    assert trap.requests == []


# --- The key's name


@pytest.mark.parametrize("key_id", [None, 5, True, ["first"], {"first": 1}, 1e308])
def test_a_key_is_named_by_text(verify: Verify, key_id: object) -> None:
    refusal(verify, signed_by_hand({"alg": "RS256", "kid": key_id}, claims()))


def test_a_token_names_its_key(verify: Verify) -> None:
    refusal(verify, signed_by_hand({"alg": "RS256"}, claims()))


@pytest.mark.parametrize("key_id", ["unknown", "", "first ", "FIRST", "x" * 8000, "../first", "\0"])
def test_an_unknown_key_is_refused(verify: Verify, key_id: str) -> None:
    refusal(verify, token(kid=key_id))


# --- Issuer, audience, times


@pytest.mark.parametrize(
    "issuer", [None, "", f"{ISSUER}/", ISSUER.upper(), "https://evil.example.org", 5, [ISSUER]]
)
def test_another_issuer_is_refused(verify: Verify, issuer: object) -> None:
    payload = claims() | {"iss": issuer} if issuer is not None else claims(iss=None)
    refusal(verify, signed_by_hand({"alg": "RS256", "kid": KEY_ID}, payload))


@pytest.mark.parametrize(
    "audience", [None, "", "other", f"{AUDIENCE}x", [], ["other"], [AUDIENCE, 5], {AUDIENCE: 1}, 5]
)
def test_another_audience_is_refused(verify: Verify, audience: object) -> None:
    refusal(verify, token(claims(aud=audience)))


def test_ours_may_be_one_of_many_audiences(verify: Verify) -> None:
    assert verify(token(claims(aud=["other", AUDIENCE]))).subject == "alice"


def test_an_expired_token_is_refused(verify: Verify) -> None:
    for expiry in (moment(seconds=-31), moment(days=-400), 0, -1):
        assert "expired" in refusal(verify, token(claims(exp=expiry)))


def test_a_token_is_refused_before_its_time(verify: Verify) -> None:
    refusal(verify, token(claims(nbf=moment(minutes=5))))
    refusal(verify, token(claims(iat=moment(minutes=5))))


def test_clocks_may_differ_by_half_a_minute(verify: Verify) -> None:
    verify(token(claims(exp=moment(seconds=-1))))
    verify(token(claims(nbf=moment(seconds=29))))


def test_a_token_without_an_end_is_refused(verify: Verify) -> None:
    assert "exp" in refusal(verify, token(claims(exp=None)))


@pytest.mark.parametrize(
    "value", ['"soon"', "null", "[]", "{}", "Infinity", "-Infinity", "NaN", "1e400", '""', "1e999"]
)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_times_are_numbers(verify: Verify, name: str, value: str) -> None:
    """Whatever stands in place of a time, the answer is no, and not a fault of ours."""
    text = json.dumps(claims() | {name: "@"}).replace('"@"', value)
    refusal(verify, signed_by_hand({"alg": "RS256", "kid": KEY_ID}, text.encode()))


# --- The subject, roles and e-mail address


@pytest.mark.parametrize(
    "subject",
    [
        None,
        "",
        5,
        True,
        ["alice"],
        {"alice": 1},
        "al\0ice",
        "al\nice",
        "\x1b[31malice",
        "alice\u2028",
        "\ud800",
        "x" * 256,
    ],
)
def test_an_unusable_subject_is_refused(verify: Verify, subject: object) -> None:
    refusal(verify, token(claims(sub=subject)))


@pytest.mark.parametrize("subject", ["x" * 255, "Žofie Nováková", "auth0|1234", "日本"])
def test_a_subject_is_any_line_of_text(verify: Verify, subject: str) -> None:
    assert verify(token(claims(sub=subject))).subject == subject


@pytest.mark.parametrize(
    ("value", "roles"),
    [
        (["admin", "editor"], {"admin", "editor"}),
        (["admin", 5, None, ["editor"]], {"admin"}),
        ([], set()),
        ("admin", set()),
        ({"admin": True}, set()),
        (True, set()),
    ],
)
def test_roles_come_from_a_list_of_text_only(
    verify: Verify, value: object, roles: set[str]
) -> None:
    assert verify(token(claims(roles=value))).roles == roles


@pytest.mark.parametrize("verified", [None, False, "true", 1, "yes", ["true"]])
def test_an_address_that_is_not_verified_counts_for_nothing(
    verify: Verify, verified: object
) -> None:
    text = token(claims(email="alice@example.org", email_verified=verified))
    assert verify(text).verified_email is None


def test_a_verified_address_is_taken_over(verify: Verify) -> None:
    text = token(claims(email="alice@example.org", email_verified=True))
    assert verify(text).verified_email == "alice@example.org"


@pytest.mark.parametrize("email", ["", 5, ["a@b"], "a\0@b", "a@b\n", "\ud800@b", "x" * 321])
def test_an_unusable_address_counts_for_nothing(verify: Verify, email: object) -> None:
    assert verify(token(claims(email=email, email_verified=True))).verified_email is None


# --- What is no token at all


@pytest.mark.parametrize(
    "text",
    [
        "x",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b.c.d.e",
        "null.null.null",
        "\N{SNOWMAN}.\N{SNOWMAN}.\N{SNOWMAN}",
        "\ud800.\ud800.\ud800",
        "e30.e30.e30",
        "=.=.=",
        f"{encoded(b'{')}.e30.e30",
        f"{encoded([])}.e30.e30",
        f"{encoded('RS256')}.e30.e30",
        f"{encoded(5)}.e30.e30",
        f"{encoded(b'null')}.e30.e30",
        f"{encoded(bytes(range(128, 256)))}.e30.e30",
        f"{encoded(b'{}' * 3)}.e30.e30",
        f"{encoded(b'1' * 5000)}.e30.e30",
    ],
)
def test_garbage_is_refused(verify: Verify, text: str) -> None:
    refusal(verify, text)


def test_a_huge_token_is_refused_unread(key_set: KeySet) -> None:
    with pytest.raises(Unauthenticated, match="too long"):
        key_set.verifier().verify("Bearer " + token(claims(padding="x" * 20_000)))
    assert key_set.fetches == 0


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_deep_nesting_is_refused(verify: Verify, bracket: bytes) -> None:
    deep = bracket * (12_000 // len(bracket))
    refusal(verify, f"{encoded(deep)}.e30.e30")
    refusal(verify, f"{encoded(b'{"alg":"RS256","kid":' + deep)}.e30.e30")


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b'"alice"', b"null", b"\xff\xfe", b"[" * 9_000]
)
def test_a_signed_payload_that_is_no_object_is_refused(verify: Verify, payload: bytes) -> None:
    refusal(verify, signed_by_hand({"alg": "RS256", "kid": KEY_ID}, payload))


@pytest.mark.parametrize(
    "extra", [{"crit": ["\ud800"]}, {"crit": ["exp"]}, {"crit": 5}, {"b64": False}, {"zip": "DEF"}]
)
def test_extensions_of_the_header_are_no_way_in(verify: Verify, extra: dict[str, object]) -> None:
    forged = f"{encoded({'alg': 'RS256', 'kid': KEY_ID} | extra)}.{encoded(claims())}.e30"
    refusal(verify, forged)


# --- The issuer's keys


def test_keys_are_fetched_once(key_set: KeySet) -> None:
    verifier = key_set.verifier()
    for _ in range(5):
        verifier.verify(f"Bearer {token()}")
    assert key_set.fetches == 1


def test_nothing_is_fetched_before_the_first_call(key_set: KeySet) -> None:
    key_set.verifier()
    assert key_set.fetches == 0


def test_keys_that_were_never_seen_are_an_outage_and_no_refusal(clock: SetClock) -> None:
    with refusing() as port:
        url = f"http://127.0.0.1:{port}/keys"
        settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=url)
        with pytest.raises(SigningKeysUnavailable):
            TokenVerifier(settings, clock).verify(f"Bearer {token()}")


ELSEWHERE = {"Location": "https://login.example.org/keys"}
BAD_REPLIES = {
    "error": Reply(500, b"oops"),
    "absent": Reply(404, b'{"keys": []}'),
    "redirect": Reply(302, b"", ELSEWHERE),
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
def test_an_issuer_that_answers_rubbish_is_away(key_set: KeySet, reply: Reply) -> None:
    """Never a fault of ours, and never a way in; when it is back, its keys are known."""
    key_set.reply = reply
    verifier = key_set.verifier()
    with pytest.raises(CliplinkError) as caught:
        verifier.verify(f"Bearer {token()}")
    assert isinstance(caught.value, SigningKeysUnavailable | Unauthenticated)
    key_set.reply = None
    key_set.clock.advance(seconds=11)
    assert verifier.verify(f"Bearer {token()}").subject == "alice"


@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES.keys())
def test_known_keys_go_on_while_the_issuer_is_away(key_set: KeySet, reply: Reply) -> None:
    verifier = key_set.verifier()
    verifier.verify(f"Bearer {token()}")
    key_set.reply = reply
    key_set.clock.advance(hours=1)
    assert verifier.verify(f"Bearer {token()}").subject == "alice"
    assert key_set.fetches == 2


def test_a_redirect_to_other_keys_is_not_followed(key_set: KeySet) -> None:
    body = json.dumps({"keys": [public_jwk(OTHER_KEY, KEY_ID)]}).encode()
    with serving(lambda _: Reply(200, body)) as elsewhere:
        key_set.reply = Reply(302, b"", {"Location": f"{elsewhere.url}/keys"})
        with pytest.raises(SigningKeysUnavailable):
            key_set.verifier().verify(f"Bearer {token(key=OTHER_KEY)}")
    assert elsewhere.requests == []


def test_a_rotated_key_is_found_at_its_first_use(key_set: KeySet) -> None:
    verifier = key_set.verifier()
    verifier.verify(f"Bearer {token()}")
    key_set.keys.append(public_jwk(OTHER_KEY, "second"))
    key_set.clock.advance(seconds=11)
    assert verifier.verify(f"Bearer {token(key=OTHER_KEY, kid='second')}").subject == "alice"


def test_a_withdrawn_key_is_forgotten_within_minutes(key_set: KeySet) -> None:
    verifier = key_set.verifier()
    verifier.verify(f"Bearer {token()}")
    key_set.keys = [public_jwk(OTHER_KEY, "second")]
    key_set.clock.advance(minutes=4)
    verifier.verify(f"Bearer {token()}")
    key_set.clock.advance(minutes=1)
    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {token()}")


def test_made_up_key_names_cannot_hammer_the_issuer(key_set: KeySet) -> None:
    verifier = key_set.verifier()
    for number in range(100):
        key_set.clock.advance(seconds=1)
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {token(kid=f'made-up-{number}')}")
    assert key_set.fetches == 10


def test_an_issuer_that_is_away_is_not_hammered(key_set: KeySet) -> None:
    key_set.reply = Reply(500)
    verifier = key_set.verifier()
    for _ in range(20):
        with pytest.raises(SigningKeysUnavailable):
            verifier.verify(f"Bearer {token()}")
    assert key_set.fetches == 1


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "RS512"}, {"alg": "PS256"}])
def test_a_key_for_another_purpose_is_none_for_tokens(
    key_set: KeySet, change: dict[str, object]
) -> None:
    key_set.keys = [public_jwk(OTHER_KEY, "other"), public_jwk(KEY, KEY_ID, **change)]
    with pytest.raises(Unauthenticated):
        key_set.verifier().verify(f"Bearer {token()}")


@pytest.mark.parametrize("missing", ["use", "alg"])
def test_a_key_need_not_say_its_purpose(key_set: KeySet, missing: str) -> None:
    key = public_jwk(KEY, KEY_ID, alg="RS256")
    del key[missing]
    key_set.keys = [key]
    assert key_set.verifier().verify(f"Bearer {token()}").subject == "alice"


def test_a_key_whose_name_is_no_text_is_left_alone(key_set: KeySet) -> None:
    key_set.keys = [public_jwk(OTHER_KEY, ["first"]), public_jwk(KEY, KEY_ID)]
    assert key_set.verifier().verify(f"Bearer {token()}").subject == "alice"


def test_keys_that_are_not_rsa_are_left_alone(key_set: KeySet) -> None:
    curve = jwt.algorithms.ECAlgorithm.to_jwk(
        ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True
    )
    secret: dict[str, object] = {
        "kty": "oct",
        "k": encoded(hashlib.sha256(b"x").digest()),
        "kid": KEY_ID,
    }
    key_set.keys = [{**curve, "kid": KEY_ID}, secret, {"kty": "new", "kid": KEY_ID}]
    verifier = key_set.verifier()
    for text in (token(), hmac_signed(hashlib.sha256(b"x").digest())):
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {text}")
    key_set.keys.append(public_jwk(KEY, KEY_ID))
    key_set.clock.advance(seconds=11)
    assert verifier.verify(f"Bearer {token()}").subject == "alice"
