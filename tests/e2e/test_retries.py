"""HEAD, blank fields and retries of POST, over HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.app import App
from tests.e2e.test_bad_requests import problem

KEY = {"Idempotency-Key": "5f0c8a4e-9d3b-4f0e"}
CLIP: dict[str, object] = {"start_time": 0, "end_time": 1, "filename": "a.mkv"}


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/docs", "/health?probe=1"])
def test_head_has_the_status_and_headers_of_get(app: App, path: str) -> None:
    with app.client(None) as anyone:
        head, get = anyone.head(path), anyone.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    head.headers.pop("date")
    get.headers.pop("date")
    assert head.headers == get.headers
    assert int(head.headers["content-length"]) == len(get.content)


@pytest.mark.parametrize("path", ["/videos", "/nope", "/migrate-clips", "/s/x"])
def test_head_elsewhere_is_refused_without_a_body(app: App, path: str) -> None:
    with app.client("alice") as alice:
        answer = alice.head(path)
    assert answer.status_code in {404, 405}
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0  # as GET has it: RFC 9110, 8.6


@pytest.fixture
def alice(app: App) -> Iterator[httpx.Client]:
    with app.client("alice of retries") as client:
        yield client


def test_retried_posts_have_the_same_answer(alice: httpx.Client) -> None:
    first, again = (alice.post("/videos", json={"title": "a"}, headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.json(), first.headers["Location"]) == (again.json(), again.headers["Location"])
    path, key = f"/videos/{first.json()['id']}/clips", {"Idempotency-Key": "of-the-clip"}
    bodies: list[dict[str, object]] = [CLIP, CLIP | {"title": ""}]
    clips = [alice.post(path, json=body, headers=key).json() for body in bodies]
    uploads = [clip.pop("upload") for clip in clips]
    assert clips[0] == clips[1]
    assert uploads[0]["headers"] == uploads[1]["headers"]
    assert [clip["id"] for clip in alice.get(path).json()] == [clips[0]["id"]]


@pytest.mark.parametrize(
    ("path", "body"), [("/videos", {"title": "b"}), ("/videos", {"youtube_id": "x"})]
)
def test_key_with_another_body_is_refused(
    alice: httpx.Client, path: str, body: dict[str, str]
) -> None:
    key = {"Idempotency-Key": f"key-of-{body}".replace(" ", "")}
    assert alice.post(path, json={"title": "a"}, headers=key).status_code == 201
    problem(alice.post(path, json=body, headers=key), 422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["x" * 256, "a b", "a\tb"])
def test_malformed_key_is_named(alice: httpx.Client, key: str) -> None:
    answer = alice.post("/videos", json={}, headers={"Idempotency-Key": key})
    assert problem(answer, 400, "invalid_request")["errors"][0]["parameter"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("content_type", "filename", "served"),
    [
        ("", "a.mkv", "video/x-matroska"),
        ("application/mp4", "a.mp4", "video/mp4"),
        ("binary/octet-stream", "a.mts", "video/mp2t"),
        ("application/ogg", "a.ogv", "video/ogg"),
    ],
)
def test_content_type_of_browsers_is_taken(
    alice: httpx.Client, content_type: str, filename: str, served: str
) -> None:
    video = alice.post("/videos", json={"youtube_id": ""}).json()
    body = CLIP | {"filename": filename, "content_type": content_type}
    clip = alice.post(f"/videos/{video['id']}/clips", json=body)
    assert (clip.status_code, clip.json()["content_type"]) == (201, served)
