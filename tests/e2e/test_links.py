"""A link holds all terms of its request, for every endpoint that makes links."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from azure.storage.blob import BlobServiceClient, StandardBlobTier

from tests.e2e.app import App, Caller

type Ready = tuple[Caller, dict[str, Any]]
type Ask = Callable[..., dict[str, Any]]

VARIANTS = {
    "clip": ("-clips/", ".mp4"),
    "poster": ("-thumbnails/", "/poster.jpg"),
    "preview": ("-thumbnails/", "/preview.webp"),
    "storyboard": ("-temp/", ".vtt"),
}
RANGE = "203.0.113.4-203.0.113.9"


def says(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def alone(owner: Caller, clip_id: str, **terms: object) -> dict[str, Any]:
    query = {name: str(value) for name, value in terms.items()}
    answer = owner.http.get(f"/clips/{clip_id}/access-url", params=query)
    assert answer.status_code == 200, answer.text
    link: dict[str, Any] = answer.json()
    return link


def one_of_many(owner: Caller, clip_id: str, **terms: object) -> dict[str, Any]:
    body = {"clip_ids": [clip_id]} | terms
    answer = owner.http.post("/clips/access-urls", json=body)
    assert answer.status_code == 200, answer.text
    (link,) = answer.json()
    assert link["error"] is None
    return dict(link)


@pytest.mark.parametrize("ask", [alone, one_of_many])
@pytest.mark.parametrize("variant", VARIANTS)
def test_link_has_every_requested_term(ready: Ready, variant: str, ask: Ask) -> None:
    """Lives of three hours have windows of three quarters of an hour."""
    owner, clip = ready
    before = datetime.now(UTC)
    link = ask(owner, clip["id"], variant=variant, expiry_hours=3, ip=RANGE, download="Žába.bin")
    container, ending = VARIANTS[variant]
    path = urlsplit(link["access_url"]).path
    assert container in path
    assert path.endswith(ending)
    said = says(link["access_url"])
    assert (said["sp"], said["sr"], said["sip"]) == ("r", "b", RANGE)
    ends = datetime.fromisoformat(link["expires_at"])
    assert datetime.fromisoformat(said["se"]) == ends
    assert before + timedelta(hours=3) <= ends + timedelta(seconds=1)
    assert ends < datetime.now(UTC) + timedelta(hours=3, minutes=45)
    if variant == "storyboard":
        assert "rscd" not in said, "a player loads it, no one saves it"
    else:
        assert "filename*=UTF-8''%C5%BD%C3%A1ba.bin" in said["rscd"]


@pytest.mark.parametrize("ask", [alone, one_of_many])
@pytest.mark.parametrize("variant", VARIANTS)
def test_link_has_no_limits_that_were_not_requested(ready: Ready, variant: str, ask: Ask) -> None:
    """A day, from anywhere, and browsers show it."""
    owner, clip = ready
    link = ask(owner, clip["id"], variant=variant)
    said = says(link["access_url"])
    assert not {"sip", "rscd"} & set(said)
    lives = datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < lives < timedelta(hours=25)


def test_image_is_saved_under_the_title_with_its_own_extension(alice: Caller, film: bytes) -> None:
    clip = alice.uploaded(film, title="Goal")
    for variant, name in (("poster", "Goal.jpg"), ("preview", "Goal.webp")):
        url = alone(alice, clip["id"], variant=variant, download="true")["access_url"]
        assert f'filename="{name}"' in httpx.get(url).headers["Content-Disposition"]


def test_cues_are_bound_to_the_same_address_as_their_storyboard(ready: Ready) -> None:
    """The URL of the sheet is in the cues: it would bypass the rule."""
    owner, clip = ready
    link = alone(owner, clip["id"], variant="storyboard", ip=RANGE, expiry_hours=3)
    cues = httpx.get(link["access_url"]).text
    sheet = next(line for line in cues.splitlines() if line.startswith("http")).partition("#")[0]
    assert says(sheet)["sip"] == RANGE
    assert datetime.fromisoformat(says(sheet)["se"]) == datetime.fromisoformat(link["expires_at"])


@pytest.mark.parametrize("hours", [1, 24, 168])
def test_answer_repeats_the_hours(ready: Ready, hours: int) -> None:
    owner, clip = ready
    assert alone(owner, clip["id"], expiry_hours=hours)["expires_in_hours"] == hours


@pytest.mark.parametrize(
    ("query", "priority", "seconds"),
    [
        ({}, "standard", 3600),
        ({"rehydrate": "standard"}, "standard", 3600),
        ({"rehydrate": "high"}, "high", 600),
    ],
)
def test_archived_clip_is_restored_with_the_requested_priority(
    app: App, alice: Caller, film: bytes, query: dict[str, str], priority: str, seconds: int
) -> None:
    """The emulator has it back at once, so the second call gets the link."""
    clip = alice.uploaded(film)
    name = urlsplit(clip["blob_url"]).path.partition(f"{app.prefix}-clips/")[2]
    with BlobServiceClient.from_connection_string(app.account.connection_string) as client:
        blob = client.get_blob_client(f"{app.prefix}-clips", name)
        blob.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    waiting = alice.http.get(f"/clips/{clip['id']}/access-url", params=query)
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (202, str(seconds))
    assert waiting.json() == {
        "clip_id": clip["id"],
        "status": "rehydrating",
        "priority": priority,
        "retry_after": seconds,
    }
    assert httpx.get(alone(alice, clip["id"])["access_url"]).content == film
