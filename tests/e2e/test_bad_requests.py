"""Every bad request gets a clear problem+json and never a 5xx."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.e2e.app import App, Caller

type Ready = tuple[Caller, dict[str, Any]]

VIDEO = UUID("7f0a3c52-1d7e-4a55-9f0b-6c1c0d9e8a11")
CLIP = UUID("0b9d5e34-8c1f-4f6e-b2a7-3e5d7c9f1a22")


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Checks that an answer is this problem, and returns its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert {"type", "title", "detail"} <= set(body)
    return body


def places(body: dict[str, Any]) -> set[str]:
    return {field.get("pointer") or field.get("parameter") for field in body["errors"]}


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "pointers"),
        [
            ({}, {"/start_time", "/end_time"}),
            ({"start_time": "1", "end_time": None}, {"/start_time", "/end_time"}),
            ({"start_time": 3, "end_time": 3}, {"/end_time"}),
            ({"start_time": 4, "end_time": 3}, {"/end_time"}),
            ({"start_time": -1, "end_time": 3}, {"/start_time"}),
            ({"start_time": 0, "end_time": 1e300}, {"/end_time"}),
            ({"start_time": True, "end_time": 3}, {"/start_time"}),
            ({"start_time": 0, "end_time": 3, "title": "a\x00b"}, {"/title"}),
            ({"start_time": 0, "end_time": 3, "title": "a\x1b[2J"}, {"/title"}),
            ({"start_time": 0, "end_time": 3, "title": 7}, {"/title"}),
            ({"start_time": 0, "end_time": 3, "title": "x" * 501}, {"/title"}),
            ({"start_time": 0, "end_time": 3, "titel": "x"}, {"/titel"}),
            ({"start_time": 0, "end_time": 3, "a/b~c": "x"}, {"/a~1b~0c"}),
            ({"start_time": 0, "end_time": 3, "content_type": "text/html"}, {"/content_type"}),
            (
                {"start_time": [], "end_time": {}, "title": []},
                {"/start_time", "/end_time", "/title"},
            ),
        ],
    )
    def test_every_bad_field_is_named(
        self, alice: Caller, body: dict[str, object], pointers: set[str]
    ) -> None:
        answer = alice.http.post(f"/videos/{alice.video()}/clips", json=body)
        assert places(problem(answer, 400, "invalid_request")) == pointers

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "null",
            "[]",
            '"text"',
            "7",
            '{"start_time": NaN, "end_time": 1}',
            '{"start_time": 0, "end_time": Infinity}',
            '{"start_time": 0, "end_time": 1e400}',
            '{"start_time": 0, "end_time": 1, "title": "\\ud800"}',
            "[" * 10_000,
            '{"a":' * 10_000,
        ],
    )
    def test_malformed_json_is_refused(self, alice: Caller, text: str) -> None:
        answer = alice.http.post(
            f"/videos/{VIDEO}/clips", content=text, headers={"Content-Type": "application/json"}
        )
        problem(answer, 400, "invalid_request")

    def test_body_that_is_not_utf8_is_refused(self, alice: Caller) -> None:
        answer = alice.http.post(
            "/videos",
            content=b'{"title": "\xff\xfe"}',
            headers={"Content-Type": "application/json"},
        )
        problem(answer, 400, "invalid_request")

    def test_body_of_ten_megabytes_is_refused(self, alice: Caller) -> None:
        body = json.dumps({"title": "x" * 10_000_000})
        answer = alice.http.post(
            "/videos", content=body, headers={"Content-Type": "application/json"}
        )
        problem(answer, 413, "body_too_large")

    def test_body_of_another_media_type_is_refused(self, alice: Caller) -> None:
        answer = alice.http.post("/videos", data={"title": "form"})
        problem(answer, 415, "unsupported_media_type")

    def test_change_without_a_field_is_refused(self, ready: Ready) -> None:
        owner, clip = ready
        problem(owner.http.patch(f"/clips/{clip['id']}", json={}), 400, "invalid_request")

    @pytest.mark.parametrize("value", ["yesterday", "2020-01-01T00:00:00Z", "2090-01-01", 5, {}])
    def test_expiry_must_be_in_the_future(self, ready: Ready, value: object) -> None:
        owner, clip = ready
        answer = owner.http.patch(f"/clips/{clip['id']}", json={"expires_at": value})
        assert places(problem(answer, 400, "invalid_request")) == {"/expires_at"}


class TestParameters:
    @pytest.mark.parametrize(
        ("query", "bad"),
        [
            ("limit=0", {"limit"}),
            ("limit=1001", {"limit"}),
            ("limit=ten", {"limit"}),
            ("cursor=rubbish", {"cursor"}),
            ("cursor=WzEsMl0", {"cursor"}),
            ("status=done", {"status"}),
            ("offset=5", {"offset"}),
            ("limit=-1&status=x&cursor=y&page=2", {"limit", "status", "cursor", "page"}),
            ("limit=9999999999999999999999999999999999", {"limit"}),
            ("status=%00", {"status"}),
        ],
    )
    def test_bad_parameters_of_a_list_are_refused(
        self, alice: Caller, query: str, bad: set[str]
    ) -> None:
        answer = alice.http.get(f"/videos/{VIDEO}/clips?{query}")
        assert places(problem(answer, 400, "invalid_request")) == bad

    @pytest.mark.parametrize(
        ("query", "bad"),
        [
            ("expiry_hours=0", {"expiry_hours"}),
            ("expiry_hours=169", {"expiry_hours"}),
            ("expiry_hours=1.5", {"expiry_hours"}),
            ("expiry_hours=NaN", {"expiry_hours"}),
            ("ip=2001:db8::1", {"ip"}),
            ("ip=1.2.3.4-1.2.3.3", {"ip"}),
            ("ip=1.2.3.4/8", {"ip"}),
            ("variant=gif", {"variant"}),
            ("download=a%0d%0ab", {"download"}),
        ],
    )
    def test_bad_parameters_of_a_link_are_refused(
        self, ready: Ready, query: str, bad: set[str]
    ) -> None:
        owner, clip = ready
        answer = owner.http.get(f"/clips/{clip['id']}/access-url?{query}")
        assert places(problem(answer, 400, "invalid_request")) == bad

    @pytest.mark.parametrize(
        ("query", "bad"),
        [
            ("time=-1", {"time"}),
            ("time=NaN&width=0&format=gif", {"time", "width", "format"}),
            ("time=inf", {"time"}),
            ("time=1e9", {"time"}),
            ("width=641", {"width"}),
            ("width=100000", {"width"}),
            ("height=90", {"height"}),
        ],
    )
    def test_bad_parameters_of_a_thumbnail_are_refused(
        self, ready: Ready, query: str, bad: set[str]
    ) -> None:
        owner, clip = ready
        answer = owner.http.get(f"/clips/{clip['id']}/thumbnail?{query}")
        assert places(problem(answer, 400, "invalid_request")) == bad

    @pytest.mark.parametrize("bad_id", ["1", "x", "%2e%2e%2fx", "'%20OR%201=1--", "é"])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/videos/{}"),
            ("DELETE", "/videos/{}"),
            ("GET", "/videos/{}/clips"),
            ("GET", "/clips/{}"),
            ("DELETE", "/clips/{}"),
            ("GET", "/clips/{}/access-url"),
            ("GET", "/clips/{}/metadata"),
        ],
    )
    def test_malformed_id_is_refused(
        self, alice: Caller, method: str, path: str, bad_id: str
    ) -> None:
        answer = alice.http.request(method, path.format(bad_id))
        (name,) = places(problem(answer, 400, "invalid_request"))
        assert name in {"video_id", "clip_id"}

    @pytest.mark.parametrize("path", ["/videos/%00", "/clips/..", "/%00", "/videos/%zz"])
    def test_malformed_path_is_refused(self, alice: Caller, path: str) -> None:
        """The host itself may answer these, without a body."""
        assert alice.http.get(path).status_code in {400, 404}

    @pytest.mark.parametrize("host", ["[", "[::1", "a]b", "u@h", "h:x", "h/api/clips?"])
    def test_malformed_host_is_refused(self, alice: Caller, host: str) -> None:
        """The response would hold a URL with that host; no share may be made without its URL."""
        video = alice.video()
        alice.video()
        clip = alice.announce(video)["id"]
        shares, headers = f"/clips/{clip}/shares", {"Host": host}
        for answer in (
            alice.http.get("/videos?limit=1", headers=headers),
            alice.http.post(shares, json={}, headers=headers),
        ):
            assert places(problem(answer, 400, "invalid_request")) == {"Host"}
        assert alice.http.get(shares).json() == []

    def test_path_and_body_are_judged_together(self, alice: Caller) -> None:
        answer = alice.http.post("/videos/no-id/clips", json={"start_time": 5, "end_time": 1})
        assert places(problem(answer, 400, "invalid_request")) == {"video_id", "/end_time"}


class TestPathsAndMethods:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PUT", "/videos", {"GET", "POST"}),
            ("PUT", f"/videos/{VIDEO}", {"GET", "PATCH", "DELETE"}),
            ("POST", f"/clips/{CLIP}", {"GET", "PATCH", "DELETE"}),
            ("DELETE", f"/clips/{CLIP}/access-url", {"GET"}),
            ("POST", "/health", {"GET", "HEAD"}),
        ],
    )
    def test_unknown_method_gets_the_allowed_ones(
        self, alice: Caller, method: str, path: str, allowed: set[str]
    ) -> None:
        answer = alice.http.request(method, path)
        problem(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == allowed

    @pytest.mark.parametrize("path", ["/", "/clip", f"/clips/{CLIP}/x", "/videos/a/b/c"])
    def test_unknown_path_is_not_found(self, alice: Caller, path: str) -> None:
        problem(alice.http.get(path), 404, "not_found")


class TestTokens:
    """Texts that are not tokens; tests/attacks has forged tokens."""

    def refused(
        self, app: App, authorization: str | None, code: str = "invalid_token"
    ) -> httpx.Headers:
        headers = {} if authorization is None else {"Authorization": authorization}
        with app.client(None) as client:
            for method, path in (("GET", "/videos"), ("DELETE", f"/clips/{CLIP}")):
                answer = client.request(method, path, headers=headers)
                problem(answer, 401, code)
        return answer.headers

    @pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic YTpi"])
    def test_call_without_a_token_is_refused(self, app: App, authorization: str | None) -> None:
        """A request without a token gets a challenge (RFC 6750, section 3.1)."""
        headers = self.refused(app, authorization, "missing_token")
        assert headers["WWW-Authenticate"] == 'Bearer realm="cliplink"'

    @pytest.mark.parametrize("authorization", ["Bearer x", "Bearer a.b.c"])
    def test_malformed_token_is_refused(self, app: App, authorization: str) -> None:
        headers = self.refused(app, authorization)
        assert headers["WWW-Authenticate"] == 'Bearer realm="cliplink", error="invalid_token"'


class TestOtherPeoplesThings:
    """They look absent: the answer is that for an unknown id."""

    def test_other_users_things_look_absent_on_every_path(
        self, ready: Ready, mallory: Caller
    ) -> None:
        """This covers every operation whose path names a video or a clip."""
        _, clip = ready
        theirs = {"video_id": clip["video_id"], "clip_id": clip["id"], "share_id": CLIP}
        unknown = {"video_id": VIDEO, "clip_id": CLIP, "share_id": CLIP}
        operations = [
            (method, path, operation)
            for path, methods in mallory.http.get("/openapi.json").json()["paths"].items()
            for method, operation in methods.items()
            if "{video_id}" in path or "{clip_id}" in path
        ]
        assert len(operations) > 20
        for method, path, operation in operations:
            content = operation.get("requestBody", {}).get("content", {})
            example = content.get("application/json", {}).get("example")
            answers = [
                problem(
                    mallory.http.request(method, path.format(**ids), json=example), 404, "not_found"
                )
                for ids in (theirs, unknown)
            ]
            assert answers[0] == answers[1], f"{method} {path}"

    @pytest.mark.parametrize("path", ["/clips/delete", "/bin/restore", "/clips/access-urls"])
    def test_other_users_clips_are_absent_among_many(
        self, ready: Ready, mallory: Caller, path: str
    ) -> None:
        theirs, unknown = (
            mallory.http.post(path, json={"clip_ids": [clip_id]}).raise_for_status().json()[0]
            for clip_id in (ready[1]["id"], str(CLIP))
        )
        assert theirs["error"]["code"] == "not_found"
        assert theirs | {"clip_id": str(CLIP)} == unknown

    def test_clip_of_another_user_is_no_source_of_a_cut(
        self, ready: Ready, mallory: Caller
    ) -> None:
        """Neither in a video of the caller nor in that of the clip."""
        clip = ready[1]
        for video_id in (mallory.video(), clip["video_id"]):
            order = {
                "source": {"clip_id": clip["id"]},
                "clips": [{"start_time": 0, "end_time": 1}],
            }
            problem(mallory.http.post(f"/videos/{video_id}/cuts", json=order), 404, "not_found")

    @pytest.mark.usefixtures("ready")
    def test_other_users_things_are_not_listed(self, mallory: Caller) -> None:
        assert mallory.http.get("/videos").json() == []

    def test_other_users_things_stay_unchanged(self, ready: Ready) -> None:
        owner, clip = ready
        assert owner.clip(str(clip["id"]))["title"] == "Ready"


def test_no_call_of_this_module_caused_an_internal_error(app: App) -> None:
    """Runs last: the log of the shared app has no unexpected fault."""
    assert "Unexpected error" not in app.log
