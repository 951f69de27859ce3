"""Attacks on shares: guessing, twisting and reusing their secrets, and racing for the last view.

Timing is no attack that a test could show to fail. What it would need is not there: a secret is
turned into its digest, which is looked up in an index; no code compares two secrets,
and the digests of two that differ in one character have nothing in common.
tests/integration/test_shares.py holds the query to the index, the end of this module the code.
"""

import itertools
import secrets
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from string import ascii_letters, digits
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import httpx
import pytest

from clips.links.sharing import Sharing
from shared.catalogue.links.share_queries import OpenShare, Shares, ShareViewer
from shared.clock import utc_now
from shared.errors import NotFound
from shared.model.link import Client
from tests.e2e.app import App, Caller, wait_for
from tests.e2e.test_bad_requests import problem

ALPHABET = ascii_letters + digits + "-_"

type Ready = tuple[Caller, dict[str, Any]]


@pytest.fixture
def visitor(app: App) -> Iterator[httpx.Client]:
    """A client without a bearer token."""
    with app.client(None) as client:
        yield client


class Shared:
    """A share of a ready clip, and the secret in its address."""

    def __init__(self, ready: Ready, **bounds: object) -> None:
        self.owner, self.clip = ready
        self.path = f"/clips/{self.clip['id']}/shares"
        answer = self.owner.http.post(self.path, json=bounds)
        assert answer.status_code == 201, answer.text
        self.made: dict[str, Any] = answer.json()
        self.token = str(self.made["url"]).rpartition("/")[2]

    @property
    def views(self) -> int:
        listed = self.owner.http.get(self.path, params={"limit": 1000}).json()
        (share,) = (share for share in listed if share["id"] == self.made["id"])
        return int(share["views"])

    def revoke(self) -> None:
        answer = self.owner.http.delete(f"{self.path}/{self.made['id']}")
        assert answer.status_code == 200


_viewers = itertools.count(1)


def opened(visitor: httpx.Client, token: str) -> httpx.Response:
    """Each time as another viewer."""
    return visitor.get(f"/s/{quote(token, safe='')}", headers=new_viewer())


def new_viewer() -> dict[str, str]:
    return {"X-Forwarded-For": f"[2001:db8::{next(_viewers):x}]:4711"}


def absent(answer: httpx.Response) -> None:
    """The one answer to everything that is no share."""
    body = problem(answer, 404, "not_found")
    assert body["detail"] == "There is no such share, or it has ended."
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Location" not in answer.headers


class TestGuessing:
    def test_random_token_opens_nothing(self, ready: Ready, visitor: httpx.Client) -> None:
        shares = [Shared(ready) for _ in range(2)]
        for _ in range(50):
            absent(opened(visitor, secrets.token_urlsafe(32)))
        assert [share.views for share in shares] == [0] * 2

    def test_token_with_one_changed_character_opens_nothing(
        self, ready: Ready, visitor: httpx.Client
    ) -> None:
        share = Shared(ready)
        for place, right in enumerate(share.token):
            wrong = ALPHABET[(ALPHABET.index(right) + 1) % len(ALPHABET)]
            absent(opened(visitor, share.token[:place] + wrong + share.token[place + 1 :]))
        assert share.views == 0

    def test_other_encoding_of_the_same_token_opens_nothing(
        self, ready: Ready, visitor: httpx.Client
    ) -> None:
        """43 characters of base64 have two bits to spare: a secret is its text, not its bytes."""
        share = Shared(ready)
        secret = urlsafe_b64decode(share.token + "=")
        variants = [
            variant
            for variant in (share.token[:-1] + last for last in ALPHABET)
            if variant != share.token and urlsafe_b64decode(variant + "=") == secret
        ]
        assert len(variants) == 3
        for variant in (*variants, share.token + "=", secret.hex()):
            absent(opened(visitor, variant))
        assert share.views == 0

    def test_token_in_another_case_opens_nothing(self, ready: Ready, visitor: httpx.Client) -> None:
        share = Shared(ready)
        for twisted in (share.token.lower(), share.token.upper(), share.token.swapcase()):
            absent(opened(visitor, twisted))
        assert share.views == 0

    def test_copy_of_the_database_opens_no_share(self, ready: Ready, visitor: httpx.Client) -> None:
        share = Shared(ready)
        digest = sha256(share.token.encode())
        encoded = urlsafe_b64encode(digest.digest()).decode()
        for stolen in (digest.hexdigest(), encoded, encoded.rstrip("="), share.made["id"]):
            absent(opened(visitor, stolen))
        assert share.views == 0


class TestTwisting:
    @pytest.mark.parametrize(
        "twist",
        [
            "{}x",
            "x{}",
            " {}",
            "{}\n",
            "{}\r\nX: y",
            "{}.",
            "{}?",
            "{}#",
            "{}%",
            "{}' OR '1'='1",
            "{}\N{ZERO WIDTH SPACE}",
            "{}é",
            "\N{FULLWIDTH LATIN SMALL LETTER A}" * 43,
            "\N{COMBINING ACUTE ACCENT}{}",
            "x" * 10_000,
            "%s",
            "null",
            "*",
            "%",
            "_" * 43,
        ],
    )
    def test_malformed_tokens_are_refused(
        self, ready: Ready, visitor: httpx.Client, twist: str
    ) -> None:
        share = Shared(ready)
        absent(opened(visitor, twist.format(share.token)))
        assert share.views == 0

    @pytest.mark.parametrize("path", ["{}%00", "%2e%2e/{}", "x/{}", "{}/x", "{}%2F", "%ff{}", ""])
    def test_malformed_paths_are_refused(
        self, ready: Ready, visitor: httpx.Client, path: str
    ) -> None:
        """The host itself may answer some of these."""
        share = Shared(ready)
        assert visitor.get(f"/s/{path.format(share.token)}").status_code in {400, 404}
        assert share.views == 0

    def test_overlong_request_line_is_refused(self, visitor: httpx.Client) -> None:
        assert opened(visitor, "x" * 60_000).status_code in {400, 404, 414, 431}

    def test_slash_at_the_end_is_the_same_address(
        self, ready: Ready, visitor: httpx.Client
    ) -> None:
        """The real host treats both alike: they are one share, with one count of views."""
        share = Shared(ready, max_views=2)
        for path in (f"/s/{share.token}/", f"/S/{share.token}"):
            assert visitor.get(path, headers=new_viewer()).status_code == 302
        assert share.views == 2
        absent(visitor.get(f"/s/{share.token}/", headers=new_viewer()))

    def test_head_uses_up_no_view(self, ready: Ready, visitor: httpx.Client) -> None:
        share = Shared(ready, max_views=1)
        for _ in range(3):
            answer = visitor.head(f"/s/{share.token}", headers=new_viewer())
            assert (answer.status_code, answer.content) == (302, b"")
        assert visitor.head(f"/s/{'x' * 43}").status_code == 404
        assert share.views == 0
        assert opened(visitor, share.token).status_code == 302
        assert visitor.head(f"/s/{share.token}", headers=new_viewer()).status_code == 404

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_other_methods_open_nothing(
        self, ready: Ready, visitor: httpx.Client, method: str
    ) -> None:
        """The answer is the same as for a token that never existed."""
        share = Shared(ready)
        answers = [visitor.request(method, f"/s/{token}") for token in (share.token, "x" * 43)]
        assert [answer.status_code for answer in answers] == [405, 405]
        assert answers[0].content == answers[1].content
        assert share.views == 0

    def test_query_parameters_change_nothing(self, ready: Ready, visitor: httpx.Client) -> None:
        """Chats and mailers append to addresses what they like."""
        share, over = Shared(ready, max_views=1), Shared(ready)
        over.revoke()
        noise = {"fbclid": "x", "ip": "1.2.3.4", "max_views": "99", "as": "admin"}
        absent(visitor.get(f"/s/{over.token}", params=noise | {"token": share.token}))
        assert visitor.get(f"/s/{share.token}", params=noise).status_code == 302
        assert share.views == 1

    @pytest.mark.parametrize("authorization", ["Bearer rubbish", "Basic YTpi"])
    def test_bearer_token_is_ignored(
        self, ready: Ready, visitor: httpx.Client, authorization: str
    ) -> None:
        share = Shared(ready)
        answer = visitor.get(f"/s/{share.token}", headers={"Authorization": authorization})
        assert answer.status_code == 302


class TestReuse:
    def test_ended_share_looks_like_an_unknown_one(
        self, ready: Ready, visitor: httpx.Client
    ) -> None:
        soon = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
        revoked, used, expired = (
            Shared(ready),
            Shared(ready, max_views=1),
            Shared(ready, expires_at=soon),
        )
        for share in (revoked, used):
            assert opened(visitor, share.token).status_code == 302
        revoked.revoke()
        never = opened(visitor, "x" * 43)
        absent(never)
        wait_for(lambda: opened(visitor, expired.token).status_code == 404 or None, "its end")
        for share in (revoked, used, expired):
            for _ in range(2):
                answer = opened(visitor, share.token)
                assert (answer.status_code, answer.content) == (404, never.content)

    def test_revocation_is_in_force_when_it_is_answered(
        self, ready: Ready, app: App, visitor: httpx.Client
    ) -> None:
        """A viewer who opened it before keeps the link that was handed out then."""
        share, over = Shared(ready), threading.Event()

        def hammer(_: int) -> list[int]:
            statuses = []
            with app.client(None) as client:
                while not over.is_set():
                    statuses.append(opened(client, share.token).status_code)
            return statuses

        with ThreadPoolExecutor(4) as pool:
            visitors = pool.map(hammer, range(4))
            wait_for(lambda: share.views > 20 or None, "a crowd")
            share.revoke()
            counted = share.views
            absent(opened(visitor, share.token))
            over.set()
            statuses = [status for seen in visitors for status in seen]
        assert share.views == counted == statuses.count(302)
        assert set(statuses) <= {302, 404}

    def test_share_of_a_deleted_clip_looks_like_an_unknown_one(
        self, alice: Caller, film: bytes, visitor: httpx.Client
    ) -> None:
        clip = alice.uploaded(film)
        share = Shared((alice, clip))
        link = opened(visitor, share.token).headers["Location"]
        assert alice.http.delete(f"/clips/{clip['id']}").status_code == 200
        absent(opened(visitor, share.token))
        assert httpx.get(link).status_code == 404

    def test_share_of_an_unready_clip_says_so_and_counts_no_view(
        self, alice: Caller, film: bytes, visitor: httpx.Client
    ) -> None:
        clip = alice.announce(alice.video())
        share = Shared((alice, clip), max_views=1)
        problem(opened(visitor, share.token), 409, "wrong_state")
        alice.send(clip, film)
        alice.settled(clip["id"])
        answer = opened(visitor, share.token)
        assert httpx.get(answer.headers["Location"]).content == film


def test_concurrent_viewers_never_exceed_the_maximum(ready: Ready, app: App) -> None:
    share, start = Shared(ready, max_views=3), threading.Barrier(16)

    def rush(_: int) -> int:
        with app.client(None) as client:
            client.get("/health")  # connected
            start.wait()
            return opened(client, share.token).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(rush, range(16)))
    assert sorted(statuses) == [302] * 3 + [404] * 13
    assert share.views == 3


class TestLinksOfShares:
    def test_link_that_ends_soon_is_bound_and_leaks_nothing(
        self, ready: Ready, visitor: httpx.Client
    ) -> None:
        share = Shared(ready, ip="203.0.113.4-203.0.113.9")
        answer = opened(visitor, share.token)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer.headers["Cache-Control"]
        link = urlsplit(answer.headers["Location"])
        said = {name: value for name, [value] in parse_qs(link.query).items()}
        assert (said["sip"], said["sp"], said["sr"]) == ("203.0.113.4-203.0.113.9", "r", "b")
        ends = datetime.fromisoformat(said["se"])
        assert timedelta(0) < ends - datetime.now(UTC) <= timedelta(minutes=5)
        assert share.token not in answer.headers["Location"] + answer.text

    def test_share_url_is_shown_once(self, ready: Ready) -> None:
        share = Shared(ready)
        assert share.made["url"].endswith(f"/api/s/{share.token}")
        listing = share.owner.http.get(share.path, params={"limit": 1000})
        assert share.token not in listing.text
        assert {listed["url"] for listed in listing.json()} == {None}

    def test_other_users_cannot_list_revoke_or_create_shares(
        self, ready: Ready, mallory: Caller, visitor: httpx.Client
    ) -> None:
        share = Shared(ready)
        one = f"{share.path}/{share.made['id']}"
        for method, path in (("GET", share.path), ("POST", share.path), ("DELETE", one)):
            problem(mallory.http.request(method, path), 404, "not_found")
            problem(visitor.request(method, path), 401, "missing_token")
        problem(mallory.http.delete(f"{share.path}/{uuid4()}"), 404, "not_found")
        assert opened(visitor, share.token).status_code == 302

    def test_no_log_shows_a_token(self, ready: Ready, app: App, visitor: httpx.Client) -> None:
        """The log shows neither a token that opens a share nor one that does not."""
        share = Shared(ready, max_views=1)
        guess = secrets.token_urlsafe(32)
        for token in (share.token, share.token, guess):
            opened(visitor, token)
        visitor.post(f"/s/{share.token}")
        share.revoke()
        assert share.token not in app.log
        assert guess not in app.log


class NoShares(Shares):
    """A catalogue without any share, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def find(self, digest: bytes, _viewer: ShareViewer, _now: datetime) -> OpenShare | None:
        self.asked.append(digest)
        return None


def test_every_token_costs_one_lookup_of_its_digest() -> None:
    """What the timing rests on: nothing that depends on how near a guess is."""
    nothing = SimpleNamespace()
    shares = NoShares()
    sharing = Sharing(utc_now, *cast("Any", [nothing, shares, nothing, nothing, nothing]))
    token = secrets.token_urlsafe(32)
    guesses = [token, token[:-1] + "_", "_" + token[1:], secrets.token_urlsafe(32)]
    for guess in guesses:
        with pytest.raises(NotFound):
            sharing.open(guess, Client("203.0.113.4", "curl"))
    assert shares.asked == [sha256(guess.encode()).digest() for guess in guesses]
