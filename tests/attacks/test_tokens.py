"""Attacks with tokens on the running app: every token is refused, without an internal error."""

import base64
import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.forged import forged
from tests.e2e.app import App
from tests.e2e.conftest import NewApp
from tests.servers import Reply, Request, refusing, serving
from tests.tokens import KEY, KEY_ID, claims, encoded, public_jwk, signed_by_hand, token

FORGED = forged()
CLIP = "5d2f2f4c-0e55-4bb4-9d25-3e8a5d3f7f2b"
CALLS = [("GET", "/videos"), ("POST", "/videos"), ("DELETE", f"/clips/{CLIP}")]


@pytest.fixture(scope="module")
def anonymous(app: App) -> Iterator[httpx.Client]:
    """A client without a token of its own."""
    with app.client(None) as client:
        yield client


def refused(answer: httpx.Response, code: str) -> None:
    assert answer.status_code == 401, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code
    challenge = 'Bearer realm="cliplink"'
    challenge += ', error="invalid_token"' if code == "invalid_token" else ""
    assert answer.headers.get_list("WWW-Authenticate") == [challenge]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_tokens_of_the_second_issuer_are_accepted(anonymous: httpx.Client) -> None:
    """Otherwise the other tests would prove nothing."""
    assert anonymous.get("/videos", headers=bearer(token())).status_code == 200
    good = signed_by_hand({"alg": "RS256", "kid": KEY_ID}, claims())
    assert anonymous.get("/videos", headers=bearer(good)).status_code == 200


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED.keys())
def test_forged_token_is_refused(anonymous: httpx.Client, text: str) -> None:
    for method, path in CALLS:
        answer = anonymous.request(method, path, headers=bearer(text))
        refused(answer, "invalid_token")
        assert len(text) < 40 or text not in answer.text, "nothing of a token comes back"


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   "])
def test_scheme_may_be_written_in_any_case(anonymous: httpx.Client, scheme: str) -> None:
    answer = anonymous.get("/videos", headers={"Authorization": f"{scheme}{token()}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer{}", "missing_token"),
        ("Bearer\t{}", "missing_token"),
        ("Bearer: {}", "missing_token"),
        ("{}", "missing_token"),
        ("Token {}", "missing_token"),
        ("Negotiate {}", "missing_token"),
        ("Bearer\xa0{}", "missing_token"),
        ('Bearer "{}"', "invalid_token"),
        ("Bearer\t {}", "missing_token"),
        ("Bearer {0} {0}", "invalid_token"),
        ("Bearer {0},Bearer {0}", "invalid_token"),
        ("Bearer Bearer {}", "invalid_token"),
        ("Bearer token={}", "invalid_token"),
    ],
)
def test_authorization_header_has_one_form(anonymous: httpx.Client, header: str, code: str) -> None:
    value = header.format(token()).encode("latin-1")
    refused(anonymous.get("/videos", headers=[(b"Authorization", value)]), code)


def test_two_authorization_headers_are_refused(anonymous: httpx.Client) -> None:
    """A proxy in front may have looked at the other one."""
    good, bad = f"Bearer {token()}", "Bearer x"
    for values in ([good, good], [good, bad], [bad, good], [good, ""], ["", good]):
        answer = anonymous.get("/videos", headers=[("Authorization", value) for value in values])
        assert answer.status_code == 401, values


@pytest.mark.parametrize(
    "value", [b"Bearer %s\0", b"Bearer \r %s", b"Bearer\r\n %s", b"Bearer %s\r\n\tx", b"\xff\xfe%s"]
)
def test_header_with_invalid_bytes_is_refused(app: App, value: bytes) -> None:
    """The server itself refuses these, or the app answers 401."""
    request = b"GET /api/videos HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
    with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
        connection.sendall(request + value % token().encode() + b"\r\n\r\n")
        answer = connection.makefile("rb").readline()
    assert answer.split()[1] in {b"400", b"401"}


@pytest.mark.parametrize("size", [20_000, 60_000, 1_000_000])
def test_huge_token_is_refused_unread(anonymous: httpx.Client, size: int) -> None:
    """The server may close the connection before it has read it all."""
    try:
        answer = anonymous.get("/videos", headers=bearer("x" * size))
        assert answer.status_code in {400, 401, 413, 431}
    except httpx.TransportError:
        pass
    assert anonymous.get("/videos", headers=bearer(token())).status_code == 200


@pytest.mark.parametrize(
    "name", ["access_token", "token", "authorization", "bearer", "jwt", "code"]
)
def test_token_in_the_url_is_ignored(anonymous: httpx.Client, name: str) -> None:
    """Addresses are logged, kept and passed on."""
    refused(anonymous.get("/videos", params={name: token()}), "missing_token")
    refused(anonymous.get("/videos", params={name: f"Bearer {token()}"}), "missing_token")


def test_token_in_a_body_or_a_cookie_is_ignored(anonymous: httpx.Client) -> None:
    text = token()
    refused(anonymous.post("/videos", data={"access_token": text}), "missing_token")
    refused(anonymous.post("/videos", json={"access_token": text}), "missing_token")
    cookies = {"Cookie": f"access_token={text}; Authorization=Bearer {text}"}
    refused(anonymous.get("/videos", headers=cookies), "missing_token")


PRINCIPAL = base64.b64encode(
    json.dumps({"auth_typ": "aad", "claims": [{"typ": "roles", "val": "admin"}]}).encode()
).decode()
IDENTITY_HEADERS = {
    "X-MS-CLIENT-PRINCIPAL": PRINCIPAL,
    "X-MS-CLIENT-PRINCIPAL-ID": "alice",
    "X-MS-CLIENT-PRINCIPAL-NAME": "alice@example.org",
    "X-Forwarded-User": "alice",
    "X-Remote-User": "alice",
    "X-Original-URL": "/api/health",
    "X-Rewrite-URL": "/api/health",
    "X-HTTP-Method-Override": "GET",
    "X-Functions-Key": "master",
}


@pytest.mark.parametrize("name", IDENTITY_HEADERS)
def test_headers_of_a_gateway_are_ignored(anonymous: httpx.Client, name: str) -> None:
    refused(anonymous.get("/videos", headers={name: IDENTITY_HEADERS[name]}), "missing_token")


@pytest.mark.parametrize(
    "name", ["X-Authorization", "Proxy-Authorization", "X-MS-TOKEN-AAD-ACCESS-TOKEN"]
)
def test_token_in_another_header_is_ignored(anonymous: httpx.Client, name: str) -> None:
    refused(anonymous.get("/videos", headers={name: f"Bearer {token()}"}), "missing_token")


@pytest.mark.parametrize(
    "changed",
    [
        {"roles": "admin"},
        {"roles": {"admin": True}},
        {"roles": ["Admin"]},
        {"roles": ["admin "]},
        {"roles": [["admin"]]},
        {"roles": ["user,admin"]},
        {"role": ["admin"]},
        {"role": "admin"},
        {"groups": ["admin"]},
        {"scp": "admin"},
        {"scope": "admin"},
        {"wids": ["admin"]},
        {"admin": True},
    ],
)
def test_only_the_role_itself_makes_an_admin(
    anonymous: httpx.Client, changed: dict[str, object]
) -> None:
    def ask(**more: object) -> httpx.Response:
        return anonymous.get(f"/clips/{CLIP}?as=admin", headers=bearer(token(claims(**more))))

    assert ask(roles=["admin"]).status_code == 404, (
        "the role is accepted, and there is no such migration"
    )
    answer = ask(**changed)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_role")


def test_headers_do_not_change_who_calls(anonymous: httpx.Client) -> None:
    headers = bearer(token(claims(sub="eve")))
    assert anonymous.post("/videos", json={"title": "Eve's"}, headers=headers).status_code == 201
    titles = [
        v["title"] for v in anonymous.get("/videos", headers=headers | IDENTITY_HEADERS).json()
    ]
    assert titles == ["Eve's"]


def test_known_keys_are_used_while_the_issuer_is_away(new_app: NewApp) -> None:
    state = {"up": True}

    def answer(_: Request) -> Reply:
        keys = {"keys": [public_jwk(KEY, KEY_ID)]}
        return Reply(200, json.dumps(keys).encode()) if state["up"] else Reply(503)

    with serving(answer) as jwks:
        app = new_app(AUTH_JWKS_URL=jwks.url)
        with app.running(), app.client(None) as client:

            def ask(text: str) -> httpx.Response:
                return client.get("/videos", headers=bearer(text))

            assert ask(token()).status_code == 200
            state["up"] = False
            refused(ask(token(kid="made up")), "invalid_token")
            assert ask(token()).status_code == 200


def test_unreachable_issuer_is_an_outage(new_app: NewApp) -> None:
    """For signed tokens only: others are refused without a key."""
    with refusing() as port:
        app = new_app(AUTH_JWKS_URL=f"http://127.0.0.1:{port}/keys")
        with app.running(), app.client(None) as client:
            answer = client.get("/videos", headers=bearer(token()))
            refused(client.get("/videos"), "missing_token")
            unsigned = f"{encoded({'alg': 'none'})}.{encoded(claims())}."
            refused(client.get("/videos", headers=bearer(unsigned)), "invalid_token")
    assert (answer.status_code, answer.json()["code"]) == (503, "signing_keys_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "WWW-Authenticate" not in answer.headers


def test_no_attack_caused_an_internal_error(app: App) -> None:
    """Runs last: the log of the attacked app has no unexpected fault."""
    assert "Unexpected error" not in app.log
