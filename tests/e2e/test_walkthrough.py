"""The main job, end to end: made, uploaded, processed, listed, linked, played, deleted."""

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.storage.blob import BlobBlock, BlobClient, ContentSettings
from PIL import Image

from tests.e2e.app import ROOT, App, Caller, wait_for
from tests.e2e.conftest import NewApp

MEDIA = ROOT.parent / "shared" / "media"


def test_clip_works_from_announcement_to_deletion(app: App, alice: Caller, film: bytes) -> None:
    video_id = alice.video()
    made = alice.http.post(
        f"/videos/{video_id}/clips",
        json={"start_time": 1, "end_time": 3.5, "title": "Goal", "filename": "goal.MP4"},
    )
    clip = made.json()
    assert made.headers["Location"] == f"/api/clips/{clip['id']}"
    assert clip["status"] == "awaiting_upload"
    assert clip["duration"] == 2.5
    assert clip["blob_url"].endswith(f"{app.prefix}-clips/{video_id}/{clip['id']}.mp4")

    alice.send(clip, film)
    ready = alice.settled(clip["id"])
    assert (ready["status"], ready["failure"], ready["title"]) == ("ready", None, "Goal")
    assert ready["file_size"] == len(film)
    assert ready["duration"] == pytest.approx(2.0, abs=0.1)
    assert ready["media"]["video"]["codec"] == "h264"
    assert ready["content_type"] == "video/mp4"

    with Image.open(BytesIO(httpx.get(ready["thumbnail_access_url"]).content)) as poster:
        assert poster.size == (320, 180)
    assert httpx.get(ready["thumbnail_url"]).status_code in {403, 404}, "plain addresses are shut"
    assert httpx.get(ready["blob_url"]).status_code in {403, 404}

    link = alice.http.get(f"/clips/{clip['id']}/access-url").json()
    part = httpx.get(link["access_url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, film[100:200])
    assert part.headers["Content-Type"] == "video/mp4"
    assert link["expires_in_hours"] == 24

    assert [c["id"] for c in alice.http.get(f"/videos/{video_id}/clips").json()] == [clip["id"]]

    gone = alice.http.delete(f"/clips/{clip['id']}")
    assert (gone.status_code, gone.json()) == (200, {"message": "Clip deleted successfully"})
    assert alice.http.get(f"/clips/{clip['id']}").status_code == 404
    assert httpx.get(link["access_url"]).status_code == 404
    assert not [name for name in app.blobs() if video_id in name]

    (in_bin,) = alice.http.get("/bin").json()
    assert (in_bin["kind"], in_bin["id"]) == ("clip", clip["id"])
    assert in_bin["purge_at"] > in_bin["deleted_at"]
    restored = alice.http.post(f"/clips/{clip['id']}/restore")
    assert (restored.status_code, restored.json()["deleted_at"]) == (200, None)
    again = alice.settled(clip["id"])
    assert (again["status"], again["media"]) == ("ready", ready["media"])
    assert httpx.get(again["thumbnail_access_url"]).status_code == 200

    wanted = {"clip_ids": [clip["id"]], "permanent": True}
    for code in (None, "not_found"):
        (outcome,) = alice.http.post("/clips/delete", json=wanted).json()
        assert (outcome["error"] and outcome["error"]["code"]) == code
    gone = alice.http.post(f"/clips/{clip['id']}/restore")
    assert (gone.status_code, gone.json()["code"]) == (410, "gone_for_good")
    emptied = alice.http.post("/bin/empty")
    assert (emptied.status_code, emptied.json()) == (202, {"count": 0})


def test_upload_in_blocks_works(alice: Caller, film: bytes) -> None:
    """The storage clients of every language send large files in blocks."""
    clip = alice.announce(alice.video())
    upload, half = clip["upload"], len(film) // 2
    with BlobClient.from_blob_url(upload["url"]) as blob:
        blob.stage_block("1", film[:half])
        blob.stage_block("2", film[half:])
        content_type = upload["headers"]["x-ms-blob-content-type"]
        blob.commit_block_list(
            [BlobBlock("1"), BlobBlock("2")],
            content_settings=ContentSettings(content_type=content_type),
        )
    ready = alice.settled(clip["id"])
    assert (ready["status"], ready["content_type"]) == ("ready", "video/mp4")
    assert ready["file_size"] == len(film)


def test_upload_of_another_tool_appears_in_the_list(app: App, alice: Caller, film: bytes) -> None:
    video_id = alice.video()
    app.put_blob(f"{video_id}/by hand.mp4", film)

    def look() -> str | None:
        clips = alice.http.get(f"/videos/{video_id}/clips").json()
        return str(clips[0]["id"]) if clips else None

    clip = alice.settled(wait_for(look, "the clip to appear"))
    assert (clip["status"], clip["start_time"], clip["title"]) == ("ready", 0, None)


def test_event_grid_event_starts_processing(new_app: NewApp, film: bytes) -> None:
    """On Azure no container is scanned: storage sends events to a webhook."""
    app = new_app(BLOB_TRIGGER_SOURCE="EventGrid")
    with app.running() as host, app.client() as client:
        alice = Caller(client)
        clip = alice.announce(alice.video())
        alice.send(clip, film)
        event = {
            "id": "1",
            "eventType": "Microsoft.Storage.BlobCreated",
            "subject": "/blobServices/default/containers/...",
            "eventTime": datetime.now(UTC).isoformat(),
            "data": {"api": "PutBlob", "blobType": "BlockBlob", "url": clip["blob_url"]},
            "dataVersion": "",
            "metadataVersion": "1",
        }
        for _ in range(2):  # Event Grid delivers at least once
            answer = httpx.post(
                f"{host.url}/runtime/webhooks/blobs",
                params={"functionName": "Host.Functions.clip_landed", "code": "key"},
                headers={"aeg-event-type": "Notification"},
                json=[event],
            )
            assert answer.is_success, answer.text
        assert alice.settled(clip["id"])["status"] == "ready"
        wait_for(lambda: True if app.log.count("clip_landed ok") == 2 else None, "both deliveries")
        assert app.log.count("is ready:") == 1


def test_overwritten_clip_is_processed_anew(app: App, alice: Caller, film: bytes) -> None:
    clip = alice.announce(alice.video())
    alice.send(clip, b"no video at all")
    failed = alice.settled(clip["id"])
    assert failed["failure"]["code"] == "not_a_video"
    assert failed["failure"]["detail"]
    alice.send(clip, film)
    wait_for(
        lambda: True if alice.clip(clip["id"])["status"] == "ready" else None, "the new version"
    )
    assert clip["id"] not in " ".join(app.poison()), "a bad file is a result, not an error"


class TestLists:
    def test_pages_follow_the_link_header(self, alice: Caller) -> None:
        video_id = alice.video()
        for start in (5, 3, 3, 1, 4):
            alice.announce(video_id, start_time=start, end_time=start + 1)
        seen, url = [], f"/videos/{video_id}/clips?limit=2"
        for _ in range(3):
            answer = alice.http.get(url)
            seen += [clip["start_time"] for clip in answer.json()]
            link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
            url = link[1] if link else ""
        assert (seen, url) == ([1, 3, 3, 4, 5], "")

    def test_clips_are_filtered_by_status(self, alice: Caller, film: bytes) -> None:
        video_id = alice.video()
        waiting, sent = alice.announce(video_id), alice.announce(video_id)
        alice.send(sent, film)
        alice.settled(sent["id"])
        for status, expected in (("ready", sent), ("awaiting_upload", waiting)):
            clips = alice.http.get(f"/videos/{video_id}/clips", params={"status": status}).json()
            assert [clip["id"] for clip in clips] == [expected["id"]]

    def test_videos_come_newest_first(self, alice: Caller) -> None:
        ids = [alice.video() for _ in range(3)]
        first = alice.http.get("/videos", params={"limit": 2})
        second = alice.http.get(first.links["next"]["url"])
        listed = [video["id"] for video in first.json() + second.json()]
        assert listed == ids[::-1]
        assert "next" not in second.links

    def test_video_counts_its_clips(self, alice: Caller) -> None:
        video_id = alice.video()
        alice.announce(video_id)
        assert alice.http.get(f"/videos/{video_id}").json()["clip_count"] == 1


class TestChange:
    def test_title_and_expiry_can_be_changed(self, alice: Caller) -> None:
        clip = alice.announce(alice.video(), title="Old")
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        changed = alice.http.patch(f"/clips/{clip['id']}", json={"expires_at": until}).json()
        assert changed["title"] == "Old"
        assert datetime.fromisoformat(changed["expires_at"]) == datetime.fromisoformat(until)
        cleared = alice.http.patch(
            f"/clips/{clip['id']}", json={"title": None, "expires_at": None}
        ).json()
        assert (cleared["title"], cleared["expires_at"]) == (None, None)


class TestPinsAndRetention:
    def test_pinned_clip_is_deleted_only_once_it_is_unpinned(self, alice: Caller) -> None:
        clip = alice.announce(alice.video())
        clip_path, video_path = f"/clips/{clip['id']}", f"/videos/{clip['video_id']}"
        assert not clip["pinned"]
        assert alice.http.patch(clip_path, json={"pinned": True}).json()["pinned"]
        for path in (clip_path, video_path):
            answer = alice.http.delete(path)
            assert (answer.status_code, answer.json()["code"]) == (409, "pinned")
        assert not alice.http.patch(clip_path, json={"pinned": False}).json()["pinned"]
        assert alice.http.delete(clip_path).status_code == 200

    def test_retention_is_shown_set_and_lifted(self, alice: Caller) -> None:
        clip = alice.announce(alice.video())
        path = f"/videos/{clip['video_id']}"
        assert alice.http.get(path).json()["retention_days"] is None
        preview = alice.http.get(f"{path}/retention", params={"retention_days": 30}).json()
        assert (preview["retention_days"], preview["clips"]) == (30, 1)
        changed = alice.http.patch(path, json={"title": " ", "retention_days": 3}).json()
        assert (changed["title"], changed["retention_days"]) == (None, 3)
        found = alice.http.get(f"{path}/retention").json()
        assert found["first_at"] == found["effective_from"] == found["last_at"]
        assert found["days"] == [{"date": found["first_at"][:10], "clips": 1}]
        assert alice.http.patch(path, json={"retention_days": None}).json()["title"] is None
        assert alice.http.get(f"{path}/retention").json()["clips"] == 0


class TestMetadata:
    def test_clip_has_the_fields_of_the_contract(
        self, ready: tuple[Caller, dict[str, Any]]
    ) -> None:
        owner, clip = ready
        metadata = owner.http.get(f"/clips/{clip['id']}/metadata").json()
        assert metadata["clip_id"] == clip["id"]
        assert metadata["media"] == clip["media"]
        azure = metadata["azure_metadata"]
        assert azure["size"] == clip["file_size"] == metadata["file_size"]
        assert azure["content_type"] == "video/mp4"
        assert azure["url"] == clip["blob_url"]
        assert set(azure) == {
            "name", "size", "last_modified", "content_type", "metadata", "url", "etag",
            "access_tier", "content_md5",
        }  # fmt: skip

    def test_metadata_has_no_blob_before_the_upload(self, alice: Caller) -> None:
        clip = alice.announce(alice.video())
        metadata = alice.http.get(f"/clips/{clip['id']}/metadata").json()
        assert (metadata["azure_metadata"], metadata["media"]) == (None, None)


class TestLinks:
    def test_download_is_saved_under_the_title(self, alice: Caller, film: bytes) -> None:
        """Characters that a file name may not hold are left out: Windows refuses quotes."""
        clip = alice.uploaded(film, title='Žižka "1420"')
        link = alice.http.get(f"/clips/{clip['id']}/access-url", params={"download": "true"})
        answer = httpx.get(link.json()["access_url"])
        assert (
            "filename*=UTF-8''%C5%BDi%C5%BEka%20_1420_.mp4"
            in (answer.headers["Content-Disposition"])
        )

    def test_poster_has_a_link(self, ready: tuple[Caller, dict[str, Any]]) -> None:
        owner, clip = ready
        link = owner.http.get(f"/clips/{clip['id']}/access-url", params={"variant": "poster"})
        assert httpx.get(link.json()["access_url"]).headers["Content-Type"] == "image/jpeg"

    def test_link_ends_at_its_expiry(self, ready: tuple[Caller, dict[str, Any]]) -> None:
        owner, clip = ready
        """Never sooner than asked, and later by less than a window, which is an hour here."""
        before = datetime.now(UTC)
        answer = owner.http.get(f"/clips/{clip['id']}/access-url", params={"expiry_hours": 168})
        ends = datetime.fromisoformat(answer.json()["expires_at"])
        assert before + timedelta(hours=168) <= ends
        assert ends < datetime.now(UTC) + timedelta(hours=169)

    def test_link_is_the_same_for_all_users_within_a_window(
        self, ready: tuple[Caller, dict[str, Any]]
    ) -> None:
        """If a window ended between two calls, a third call gets the second link."""
        owner, clip = ready
        path, query = f"/clips/{clip['id']}/access-url", {"expiry_hours": 168}
        first, second, third = (
            owner.http.get(path, params=query).json()["access_url"] for _ in range(3)
        )
        assert second in {first, third}

    def test_link_is_absent_before_the_clip_is_ready(self, alice: Caller) -> None:
        clip = alice.announce(alice.video())
        answer = alice.http.get(f"/clips/{clip['id']}/access-url")
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")

    def test_upload_link_allows_only_the_upload(self, alice: Caller, film: bytes) -> None:
        video_id = alice.video()
        clip, other = alice.announce(video_id), alice.announce(video_id)
        alice.send(clip, film)
        alice.settled(clip["id"])
        url = clip["upload"]["url"]
        assert httpx.get(url).status_code == 403
        assert httpx.head(url).status_code == 403
        assert httpx.delete(url).status_code == 403
        moved = url.replace(clip["id"], other["id"])
        headers = clip["upload"]["headers"]
        assert httpx.put(moved, headers=headers, content=b"x").status_code == 403
        container, query = url.split(f"/{video_id}/")[0], url.split("?")[1]
        listing = f"{container}?restype=container&comp=list&{query}"
        assert httpx.get(listing).status_code == 403


class TestStills:
    def test_still_of_any_time_has_a_link(self, ready: tuple[Caller, dict[str, Any]]) -> None:
        owner, clip = ready
        answer = owner.http.get(
            f"/clips/{clip['id']}/thumbnail", params={"time": 1.5, "width": 160, "format": "webp"}
        )
        assert answer.status_code == 302
        assert answer.headers["Location"] == answer.json()["access_url"]
        still = httpx.get(answer.headers["Location"])
        with Image.open(BytesIO(still.content)) as image:
            assert (image.format, image.size) == ("WEBP", (160, 90))

    def test_player_can_load_the_storyboard(self, ready: tuple[Caller, dict[str, Any]]) -> None:
        owner, clip = ready
        link = owner.http.get(f"/clips/{clip['id']}/access-url", params={"variant": "storyboard"})
        cues = httpx.get(link.json()["access_url"])
        assert cues.headers["Content-Type"] == "text/vtt"
        sheet = re.search(r"^(http\S+)#xywh=0,0,", cues.text, re.MULTILINE)
        assert sheet is not None
        assert httpx.get(sheet[1]).headers["Content-Type"] == "image/jpeg"

    def test_clip_has_a_placeholder(self, ready: tuple[Caller, dict[str, Any]]) -> None:
        _, clip = ready
        assert 15 <= len(b64decode(clip["placeholder"])) <= 30


def test_video_is_deleted_with_all_its_clips(app: App, alice: Caller, film: bytes) -> None:
    clip = alice.uploaded(film)
    video_id = clip["video_id"]
    answer = alice.http.delete(f"/videos/{video_id}")
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    for path in (f"/videos/{video_id}", f"/videos/{video_id}/clips", f"/clips/{clip['id']}"):
        assert alice.http.get(path).status_code == 404
    assert not [name for name in app.blobs() if video_id in name]


def test_health_needs_no_token(app: App) -> None:
    with app.client(None) as anonymous:
        answer = anonymous.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "storage": "ok"}}


@pytest.mark.skipif(not MEDIA.is_dir(), reason="the collection of media files is not here")
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("real_bbb.mp4", "ready"),
        ("rot90.mp4", "ready"),
        ("hevc_hdr10_720p.mp4", "ready"),
        ("vp9_opus.webm", "ready"),
        ("multiaudio_tmcd.mov", "ready"),
        ("audio_only.m4a", "ready"),
        ("single_frame.mp4", "ready"),
        ("text.mp4", "not_a_video"),
        ("hls_ssrf.mp4", "not_a_video"),
        ("trunc_nomoov.mp4", "truncated"),
        ("huge_16000x9000.mp4", "dimensions_too_large"),
    ],
)
def test_real_and_hostile_files_get_the_expected_status(
    alice: Caller, name: str, outcome: str
) -> None:
    clip = alice.uploaded((MEDIA / name).read_bytes(), filename=Path(name).name)
    if outcome == "ready":
        assert clip["status"] == "ready", clip["failure"]
    else:
        assert clip["failure"]["code"] == outcome
