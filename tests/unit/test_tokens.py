"""Tokens: only what the issuer signed for this audience, and what is still valid, is accepted."""

import base64
import json
import time
from datetime import timedelta
from pathlib import Path

import jwt
import pytest

from local.issuer import AUDIENCE, ISSUER, Issuer
from local.ports import free_port
from shared.auth import tokens
from shared.auth.tokens import Identity, TokenVerifier
from shared.errors import TokenMissing, Unauthenticated
from shared.settings import AuthSettings
from tests.conftest import SetClock
from tests.servers import Reply, serving
from tests.tokens import (
    KEY,
    KEY_ID,
    OTHER_KEY,
    KeySet,
    Verify,
    claims,
    encoded,
    hmac_signed,
    moment,
    public_forms,
    public_jwk,
    refusal,
    signed_by_hand,
    token,
)


def test_token_of_the_local_issuer_is_accepted(tmp_path: Path, clock: SetClock) -> None:
    issuer = Issuer(tmp_path / "key.pem")
    with issuer.serving(free_port()) as url:
        settings = AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=url)
        verifier = TokenVerifier(settings, clock)
        good = issuer.token("alice", ["admin"], "alice@example.org")
        assert verifier.verify(f"Bearer {good}") == Identity(
            "alice", frozenset({"admin"}), "alice@example.org"
        )


def test_valid_token_names_its_bearer(verify: Verify) -> None:
    assert verify(token()) == Identity("alice", frozenset(), None)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic YWxpY2U6c2VjcmV0", "{token}", "Token {token}"],
)
def test_request_without_a_bearer_token_is_refused(key_set: KeySet, header: str | None) -> None:
    text = header and header.format(token=token())
    with pytest.raises(TokenMissing, match="Authorization"):
        key_set.verifier().verify(text)


@pytest.mark.parametrize(
    "header", ["Bearer {0},Bearer {0}", "Bearer {0} {0}", "Bearer Bearer {0}", "Bearer {0};"]
)
def test_one_token_is_sent_at_a_time(key_set: KeySet, header: str) -> None:
    """Two headers arrive as one, joined by a comma; neither token is accepted."""
    with pytest.raises(Unauthenticated) as caught:
        key_set.verifier().verify(header.format(token()))
    assert not isinstance(caught.value, TokenMissing)


@pytest.mark.parametrize("header", ["bearer {}", "BEARER {}", "  Bearer   {}  "])
def test_scheme_is_written_in_any_case(key_set: KeySet, header: str) -> None:
    assert key_set.verifier().verify(header.format(token())).subject == "alice"


# --- Signatures


def test_unsigned_token_is_refused(verify: Verify) -> None:
    for name in ("none", "None", "NONE", "nOnE", ""):
        text = f"{encoded({'alg': name, 'kid': KEY_ID})}.{encoded(claims())}."
        assert "RS256" in refusal(verify, text)
    unsigned = jwt.encode(claims(), "", algorithm="none", headers={"kid": KEY_ID})
    refusal(verify, unsigned)


def test_public_key_is_not_accepted_as_a_shared_secret(verify: Verify) -> None:
    """The classic confusion: HS256, signed with the public key."""
    for secret in public_forms(KEY, public_jwk(KEY, KEY_ID)):
        assert "RS256" in refusal(verify, hmac_signed(secret))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS512"])
def test_other_algorithms_of_the_right_key_are_refused(verify: Verify, algorithm: str) -> None:
    assert "RS256" in refusal(verify, token(algorithm=algorithm))


@pytest.mark.parametrize("algorithm", [None, 5, ["RS256"], {"RS256": 1}, "rs256", "RS256 "])
def test_algorithm_is_named_exactly(verify: Verify, algorithm: object) -> None:
    refusal(verify, signed_by_hand({"alg": algorithm, "kid": KEY_ID}, claims()))


def test_another_keys_signature_is_refused(verify: Verify) -> None:
    refusal(verify, token(key=OTHER_KEY))


def test_tampered_payload_is_refused(verify: Verify) -> None:
    header, _, signature = token().split(".")
    refusal(verify, f"{header}.{encoded(claims(sub='mallory'))}.{signature}")


def test_tampered_signature_is_refused(verify: Verify) -> None:
    header, payload, signature = token().split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[17] ^= 1
    refusal(verify, f"{header}.{payload}.{encoded(bytes(raw))}")
    for other in ("", signature[:-8], signature[::-1], encoded(b"\0" * 256)):
        refusal(verify, f"{header}.{payload}.{other}")


def test_token_like_an_accepted_one_is_refused(verify: Verify) -> None:
    good = token()
    verify(good)
    header, payload, signature = good.split(".")
    refusal(verify, f"{header}.{encoded(claims(sub='mallory'))}.{signature}")
    refusal(verify, f"{header}.{payload}.{signature[:-8]}")
    refusal(verify, f"{header}.{payload}.")
    refusal(verify, token(key=OTHER_KEY))
    assert verify(good).subject == "alice"


def test_key_inside_the_token_is_ignored(key_set: KeySet) -> None:
    """With jku, x5u, jwk or x5c an attacker could name the key that verifies the token."""
    with serving(
        lambda _: Reply(200, json.dumps({"keys": [public_jwk(OTHER_KEY, KEY_ID)]}).encode())
    ) as trap:
        brought: dict[str, object] = {
            "kid": KEY_ID,
            "jwk": public_jwk(OTHER_KEY, KEY_ID),
            "jku": f"{trap.url}/keys",
            "x5u": f"{trap.url}/certificate",
            "x5c": [encoded(b"a certificate")],
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
def test_key_is_named_by_text(verify: Verify, key_id: object) -> None:
    refusal(verify, signed_by_hand({"alg": "RS256", "kid": key_id}, claims()))


def test_token_names_its_key(verify: Verify) -> None:
    refusal(verify, signed_by_hand({"alg": "RS256"}, claims()))


@pytest.mark.parametrize("key_id", ["unknown", "", "first ", "FIRST", "x" * 8000, "../first", "\0"])
def test_unknown_key_is_refused(verify: Verify, key_id: str) -> None:
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


def test_audience_may_be_one_of_many(verify: Verify) -> None:
    assert verify(token(claims(aud=["other", AUDIENCE]))).subject == "alice"


def test_expired_token_is_refused(verify: Verify) -> None:
    for expiry in (moment(seconds=-31), moment(days=-400), 0, -1):
        assert "expired" in refusal(verify, token(claims(exp=expiry)))


def test_token_that_was_accepted_is_refused_once_it_has_expired(
    verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LEEWAY", timedelta(0))
    expiry = int(time.time()) + 1
    text = token(claims(exp=expiry))
    assert verify(text) == verify(text)
    time.sleep(max(0.0, expiry - time.time()))
    assert "expired" in refusal(verify, text)


def test_token_is_refused_before_its_time(verify: Verify) -> None:
    refusal(verify, token(claims(nbf=moment(minutes=5))))
    refusal(verify, token(claims(iat=moment(minutes=5))))


def test_clocks_may_differ_by_half_a_minute(verify: Verify) -> None:
    verify(token(claims(exp=moment(seconds=-1))))
    verify(token(claims(nbf=moment(seconds=29))))


def test_token_without_an_end_is_refused(verify: Verify) -> None:
    assert "exp" in refusal(verify, token(claims(exp=None)))


@pytest.mark.parametrize(
    "value",
    [
        *('"soon"', "null", "[]", "{}", "Infinity", "-Infinity", "NaN", "1e400", '""', "1e999"),
        *('"2524608000"', '" 2524608000 "', '"2_524_608_000"', '"2524608000.5"', "true", "[1]"),
        *("1e300", "253402300800", "1" * 30, "9" * 5000, "-1", "-1e300"),
    ],
)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_times_are_numbers(verify: Verify, name: str, value: str) -> None:
    """Any other value than a time is refused, without an internal error."""
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
def test_unusable_subject_is_refused(verify: Verify, subject: object) -> None:
    refusal(verify, token(claims(sub=subject)))


@pytest.mark.parametrize("subject", ["x" * 255, "Žofie Nováková", "auth0|1234", "日本"])
def test_subject_is_any_line_of_text(verify: Verify, subject: str) -> None:
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


ADDRESS = "alice@example.org"
NAMESPACE = "https://clips.example.org"


@pytest.mark.parametrize(
    "verified", [None, False, "false", "", 0, 1, "1", "yes", "True", ["true"], {}]
)
def test_unverified_address_is_not_used(verify: Verify, verified: object) -> None:
    text = token(claims(email=ADDRESS, email_verified=verified))
    assert verify(text).verified_email is None


@pytest.mark.parametrize(
    "sent",
    [
        {"email": ADDRESS, "email_verified": True},
        {"email": ADDRESS, "email_verified": "true"},  # Cognito
        {"email": ADDRESS, "xms_edov": True},  # Entra
        {"email": ADDRESS, "xms_edov": "true"},
        {"email": ADDRESS, "xms_edov": "1"},
        {"email": ADDRESS, "xms_edov": 1},
        {f"{NAMESPACE}/email": ADDRESS, f"{NAMESPACE}/email_verified": True},  # Auth0
    ],
)
def test_verified_address_is_used_from_the_claims_of_known_issuers(
    verify: Verify, sent: dict[str, object]
) -> None:
    assert verify(token(claims(**sent))).verified_email == ADDRESS


@pytest.mark.parametrize(
    "sent",
    [
        {"email": ADDRESS, "email_verified": False, "xms_edov": True},
        {"email": ADDRESS, "xms_edov": False},
        {"email": ADDRESS, "xms_edov": "0"},
        {"preferred_username": ADDRESS, "email_verified": True},
        {"upn": ADDRESS, "xms_edov": True},
        {f"{NAMESPACE}/email": ADDRESS},
        {f"{NAMESPACE}/email": ADDRESS, "email_verified": True},
        {"email": ADDRESS, f"{NAMESPACE}/email_verified": True},
        {f"{NAMESPACE}/email": ADDRESS, "https://else.example.org/email_verified": True},
        {
            f"{NAMESPACE}/email": ADDRESS,
            f"{NAMESPACE}/email_verified": True,
            "https://else.example.org/email": "bob@example.org",
            "https://else.example.org/email_verified": True,
        },
        {"x/email": ADDRESS, "x/email_verified": True},
        {"email": ADDRESS, "verified_primary_email": [ADDRESS]},
    ],
)
def test_claims_that_do_not_belong_together_verify_nothing(
    verify: Verify, sent: dict[str, object]
) -> None:
    assert verify(token(claims(**sent))).verified_email is None


@pytest.mark.parametrize("email", ["", 5, ["a@b"], "a\0@b", "a@b\n", "\ud800@b", "x" * 321])
def test_unusable_address_is_ignored(verify: Verify, email: object) -> None:
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


def test_huge_token_is_refused_without_parsing(key_set: KeySet) -> None:
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
def test_signed_payload_that_is_not_an_object_is_refused(verify: Verify, payload: bytes) -> None:
    refusal(verify, signed_by_hand({"alg": "RS256", "kid": KEY_ID}, payload))


@pytest.mark.parametrize(
    "extra", [{"crit": ["\ud800"]}, {"crit": ["exp"]}, {"crit": 5}, {"b64": False}, {"zip": "DEF"}]
)
def test_extensions_of_the_header_are_no_way_in(verify: Verify, extra: dict[str, object]) -> None:
    forged = f"{encoded({'alg': 'RS256', 'kid': KEY_ID} | extra)}.{encoded(claims())}.e30"
    refusal(verify, forged)


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["urn:example:only-for-payments"], "urn:example:only-for-payments": True},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"crit": "exp"},
        {"crit": None},
        {"b64": False},
    ],
)
def test_critical_headers_are_not_ignored(verify: Verify, extra: dict[str, object]) -> None:
    """RFC 7515, section 4.1.11: a valid signature is not enough if a header is unknown."""
    refusal(verify, signed_by_hand({"alg": "RS256", "kid": KEY_ID} | extra, claims()))


def test_last_of_two_members_with_one_name_counts(verify: Verify) -> None:
    """All readers of a token see the same value: the checked one is the used one."""
    header = b'{"alg":"%s","alg":"%s","kid":"%s","kid":"%s"}'
    good = signed_by_hand(header % (b"none", b"RS256", b"other", b"first"), claims())
    assert verify(good).subject == "alice"
    refusal(verify, signed_by_hand(header % (b"RS256", b"none", b"first", b"first"), claims()))
    refusal(verify, signed_by_hand(header % (b"RS256", b"RS256", b"first", b"other"), claims()))
    twice = json.dumps(claims()).replace("{", '{"exp":1,', 1)
    assert verify(signed_by_hand({"alg": "RS256", "kid": KEY_ID}, twice.encode()))
