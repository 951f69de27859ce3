"""What happened to a clip, as its owner sees it: who was given links, who shared, who viewed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from azure.storage.blob import BlobServiceClient, StandardBlobTier

from tests.e2e.app import App, Caller
from tests.e2e.test_bad_requests import places, problem

type Ready = tuple[Caller, dict[str, Any]]


class TestGrants:
    def test_grants_name_users_and_links(self, alice: Caller, film: bytes) -> None:
        clip = alice.uploaded(film)
        query = {"ip": "203.0.113.4", "expiry_hours": "1"}
        link = alice.http.get(f"/clips/{clip['id']}/access-url", params=query).json()
        newest, *older = alice.http.get(f"/clips/{clip['id']}/grants").json()
        assert UUID(newest.pop("id"))
        assert newest.pop("who").startswith("alice-")
        begins, granted = newest.pop("from"), newest.pop("granted_at")
        assert datetime.fromisoformat(begins) < datetime.fromisoformat(granted)
        assert newest == {
            "clip_id": clip["id"],
            "variant": "clip",
            "ip": "203.0.113.4",
            "until": link["expires_at"],
            "share_id": None,
        }
        assert {grant["variant"] for grant in older} == {"upload", "poster"}

    def test_grants_are_paged(self, alice: Caller, film: bytes) -> None:
        clip = alice.uploaded(film)
        for hours in range(1, 6):
            alice.http.get(f"/clips/{clip['id']}/access-url", params={"expiry_hours": hours})
        whole = alice.http.get(f"/clips/{clip['id']}/grants").json()
        assert len(whole) == 7
        seen, url = [], f"/clips/{clip['id']}/grants?limit=3"
        while url:
            page = alice.http.get(url)
            seen += page.json()
            url = page.links.get("next", {}).get("url", "")
        assert seen == whole

    @pytest.mark.parametrize(
        ("query", "bad"),
        [("limit=0&cursor=x", {"limit", "cursor"}), ("as=me", {"as"}), ("status=x", {"status"})],
    )
    def test_bad_parameters_of_records_are_refused(
        self, ready: Ready, query: str, bad: set[str]
    ) -> None:
        owner, clip = ready
        for of in ("grants", "shares"):
            answer = owner.http.get(f"/clips/{clip['id']}/{of}?{query}")
            assert places(problem(answer, 400, "invalid_request")) == bad


class TestViews:
    def test_views_are_counted(self, alice: Caller) -> None:
        clip = alice.announce(alice.video())
        assert clip["view_count"] == 0
        path = f"/videos/{clip['video_id']}/clips/{clip['id']}/view"
        for _ in range(2):
            answer = alice.http.post(path)
            assert (answer.status_code, list(answer.json())) == (201, ["message"])
        assert alice.clip(clip["id"])["view_count"] == 2

    def test_clip_is_viewed_under_its_own_video(self, alice: Caller) -> None:
        clip, other = alice.announce(alice.video()), alice.video()
        answer = alice.http.post(f"/videos/{other}/clips/{clip['id']}/view")
        problem(answer, 404, "not_found")
        assert alice.clip(clip["id"])["view_count"] == 0


class TestShares:
    def test_share_works_from_creation_to_revocation(
        self, app: App, alice: Caller, film: bytes
    ) -> None:
        clip = alice.uploaded(film)
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        bounds = {"expires_at": until, "max_views": 2, "ip": "203.0.113.4"}
        made = alice.http.post(f"/clips/{clip['id']}/shares", json=bounds)
        share = made.json()
        assert made.status_code == 201
        assert made.headers["Location"] == f"/api/clips/{clip['id']}/shares/{share['id']}"
        assert share["url"].startswith(f"http://127.0.0.1:{app.port}/api/s/")
        assert datetime.fromisoformat(share["expires_at"]) == datetime.fromisoformat(until)
        assert datetime.fromisoformat(share["created_at"]) <= datetime.now(UTC)
        known = {
            "clip_id": clip["id"],
            "max_views": 2,
            "views": 0,
            "ip": "203.0.113.4",
            "revoked_at": None,
        }
        assert share == share | known
        assert set(share) == {*known, "id", "url", "expires_at", "created_at"}

        opened = httpx.get(share["url"])
        assert opened.status_code == 302
        assert opened.json()["access_url"] == opened.headers["Location"]
        (listed,) = alice.http.get(f"/clips/{clip['id']}/shares").json()
        assert listed == share | {"url": None, "views": 1}
        (grant,) = (
            g
            for g in alice.http.get(f"/clips/{clip['id']}/grants").json()
            if g["share_id"] is not None
        )
        assert (grant["share_id"], grant["who"], grant["ip"]) == (share["id"], None, "203.0.113.4")

        for _ in range(2):
            gone = alice.http.delete(f"/clips/{clip['id']}/shares/{share['id']}")
            assert (gone.status_code, list(gone.json())) == (200, ["message"])
        assert httpx.get(share["url"]).status_code == 404
        (listed,) = alice.http.get(f"/clips/{clip['id']}/shares").json()
        assert listed["revoked_at"] is not None

    def test_shares_are_paged_newest_first(self, alice: Caller) -> None:
        clip = alice.announce(alice.video())
        url = f"/clips/{clip['id']}/shares"
        made = [alice.http.post(url, json={"max_views": n}).json()["id"] for n in range(1, 6)]
        first = alice.http.get(f"{url}?limit=3")
        second = alice.http.get(first.links["next"]["url"])
        assert "next" not in second.links
        assert [share["id"] for share in first.json() + second.json()] == made[::-1]

    def test_share_without_limits_plays_in_a_browser(self, alice: Caller, film: bytes) -> None:
        """An empty body is enough; who follows the redirect has the bytes, ranges included."""
        clip = alice.uploaded(film)
        share = alice.http.post(f"/clips/{clip['id']}/shares").json()
        part = httpx.get(share["url"], headers={"Range": "bytes=0-99"}, follow_redirects=True)
        assert (part.status_code, part.content) == (206, film[:100])
        assert part.headers["Content-Type"] == "video/mp4"

    @pytest.mark.parametrize(
        ("body", "bad"),
        [
            ({"expires_at": "2020-01-01T00:00:00Z"}, {"/expires_at"}),
            ({"expires_at": "tomorrow", "max_views": 0}, {"/expires_at", "/max_views"}),
            ({"max_views": 1.5}, {"/max_views"}),
            ({"max_views": True}, {"/max_views"}),
            ({"max_views": 10**9}, {"/max_views"}),
            ({"ip": "2001:db8::1"}, {"/ip"}),
            ({"ip": "203.0.113.9-203.0.113.4", "views": 0}, {"/ip", "/views"}),
            ({"token": "mine"}, {"/token"}),
        ],
    )
    def test_bad_limits_of_a_share_are_refused(
        self, ready: Ready, body: dict[str, object], bad: set[str]
    ) -> None:
        owner, clip = ready
        answer = owner.http.post(f"/clips/{clip['id']}/shares", json=body)
        assert places(problem(answer, 400, "invalid_request")) == bad

    def test_malformed_id_is_refused(self, ready: Ready) -> None:
        owner, clip = ready
        answer = owner.http.delete(f"/clips/{clip['id']}/shares/none")
        assert places(problem(answer, 400, "invalid_request")) == {"share_id"}
        problem(owner.http.delete(f"/clips/{clip['id']}/shares/{uuid4()}"), 404, "not_found")

    def test_share_of_an_archived_clip_answers_accepted(
        self, app: App, alice: Caller, film: bytes
    ) -> None:
        clip = alice.uploaded(film)
        share = alice.http.post(f"/clips/{clip['id']}/shares", json={"max_views": 1}).json()
        name = urlsplit(clip["blob_url"]).path.partition(f"{app.prefix}-clips/")[2]
        with BlobServiceClient.from_connection_string(app.account.connection_string) as client:
            blob = client.get_blob_client(f"{app.prefix}-clips", name)
            blob.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
        waiting = httpx.get(share["url"])
        assert waiting.status_code == 202
        assert waiting.json()["status"] == "rehydrating"
        assert int(waiting.headers["Retry-After"]) == waiting.json()["retry_after"]
        assert waiting.headers["Referrer-Policy"] == "no-referrer"
        assert httpx.get(share["url"]).status_code == 302, "the emulator fetches at once"
