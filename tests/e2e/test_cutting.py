"""From the file of a whole video to clips, and to copies that every browser plays, over HTTP."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.app import NO_TLS, Caller, wait_for
from tests.media.clips import make
from tests.media.counted import counted, shown


@pytest.fixture(scope="module")
def match(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Eight seconds with a keyframe every two; the index comes last."""
    return make(tmp_path_factory.mktemp("film") / "match.mp4", counted()).read_bytes()


@pytest.fixture(scope="module")
def matroska(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds that need another container to play everywhere."""
    recipe = counted(seconds=2.0)
    return make(tmp_path_factory.mktemp("film") / "film.mkv", recipe).read_bytes()


def source_of(caller: Caller, data: bytes) -> str:
    """The id of a new video with a source that was uploaded and processed."""
    video_id = caller.video()
    announced = caller.http.post(f"/videos/{video_id}/source", json={"filename": "match.mp4"})
    assert announced.status_code == 201, announced.text
    assert announced.json()["status"] == "awaiting_upload"
    caller.send(announced.json(), data)

    def ready() -> dict[str, Any] | None:
        source: dict[str, Any] = caller.http.get(f"/videos/{video_id}/source").json()
        return source if source["status"] in {"ready", "failed"} else None

    source = wait_for(ready, "the source")
    assert (source["status"], source["failure"]) == ("ready", None)
    assert source["duration"] == pytest.approx(8.0, abs=0.1)
    assert source["keyframe_interval"] == pytest.approx(2.0)
    assert source["storyboard_access_url"]
    assert source["file_size"] == len(data)
    return video_id


def cut(caller: Caller, video_id: str, **order: object) -> list[dict[str, Any]]:
    answer = caller.http.post(f"/videos/{video_id}/cuts", json=order)
    assert answer.status_code == 200, answer.text
    clips: list[dict[str, Any]] = answer.json()
    return clips


def numbers(url: str, to: Path) -> list[int]:
    """The numbers of the frames that a player shows."""
    answer = httpx.get(url, verify=NO_TLS, follow_redirects=True)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    to.write_bytes(answer.content)
    return shown(to).numbers


def link(caller: Caller, clip_id: str, variant: str = "clip") -> str:
    answer = caller.http.get(f"/clips/{clip_id}/access-url", params={"variant": variant})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_url"])


def test_clips_are_cut_out_of_a_source(alice: Caller, match: bytes, tmp_path: Path) -> None:
    video_id = source_of(alice, match)
    wanted = [
        {"start_time": 2.5, "end_time": 4, "title": "Goal", "client_id": "a"},
        {"start_time": 4, "end_time": 3, "client_id": "b"},
        {"start_time": 90, "end_time": 95, "client_id": "c"},
        {"start_time": 6, "end_time": 60},
    ]
    goal, backwards, behind, last = cut(alice, video_id, clips=wanted)
    assert backwards["client_id"] == "b"
    assert backwards["error"]["code"] == "invalid_request"
    assert behind["client_id"] == "c"
    assert behind["error"]["code"] == "cut_out_of_range"
    done = alice.settled(goal["id"])
    assert (done["status"], done["title"], done["playback"]["verdict"]) == (
        "ready",
        "Goal",
        "direct",
    )
    assert done["cut"] == {
        "source": video_id,
        "requested_start": 2.5,
        "requested_end": 4,
        "start": 2,
        "end": 4,
        "method": "storage_copy",
        "accuracy": "keyframe",
    }
    assert numbers(link(alice, goal["id"]), tmp_path / "goal.mp4") == list(range(50, 100))
    assert alice.settled(last["id"])["cut"]["end"] == pytest.approx(8.0)
    (again,) = cut(alice, video_id, clips=wanted[:1])
    assert again["id"] == goal["id"]
    assert len(alice.http.get(f"/videos/{video_id}/clips").json()) == 2


def test_exact_cut_is_made_by_the_queue(alice: Caller, match: bytes, tmp_path: Path) -> None:
    video_id = source_of(alice, match)
    clips = [{"start_time": 2.52, "end_time": 3}]
    (clip,) = cut(alice, video_id, accuracy="frame", clips=clips)
    assert clip["status"] == "processing"
    done = alice.settled(clip["id"])
    assert (done["status"], done["cut"]["method"]) == ("ready", "encode")
    assert numbers(link(alice, clip["id"]), tmp_path / "cut.mp4") == list(range(63, 75))


def test_clip_is_cut_out_of_a_clip(alice: Caller, match: bytes, tmp_path: Path) -> None:
    whole = alice.uploaded(match, start_time=100, end_time=108)
    order = {"source": {"clip_id": whole["id"]}, "clips": [{"start_time": 2, "end_time": 3}]}
    (part,) = cut(alice, whole["video_id"], **order)
    assert alice.settled(part["id"])["cut"]["source"] == whole["id"]
    assert numbers(link(alice, part["id"]), tmp_path / "part.mp4") == list(range(50, 75))


def test_source_of_another_user_is_absent(alice: Caller, mallory: Caller, match: bytes) -> None:
    path = f"/videos/{source_of(alice, match)}"
    order = {"clips": [{"start_time": 0, "end_time": 1}]}
    refused = [
        mallory.http.get(f"{path}/source"),
        mallory.http.delete(f"{path}/source"),
        mallory.http.post(f"{path}/source", json={"filename": "match.mp4"}),
        mallory.http.post(f"{path}/cuts", json=order),
    ]
    assert {answer.status_code for answer in refused} == {404}
    assert alice.http.delete(f"{path}/source").status_code == 200
    assert alice.http.get(f"{path}/source").status_code == 404
    assert alice.http.post(f"{path}/cuts", json=order).status_code == 404


def test_every_kind_of_link_opens_the_playable_copy(
    alice: Caller, matroska: bytes, tmp_path: Path
) -> None:
    clip = alice.uploaded(matroska, filename="film.mkv", content_type="video/x-matroska")
    assert clip["playback"]["verdict"] == "remux"

    def made() -> dict[str, Any] | None:
        seen = alice.clip(clip["id"])
        return seen if seen["rendition"]["state"] in {"ready", "failed", "refused"} else None

    assert wait_for(made, "the copy")["rendition"] == {"state": "ready", "code": None}
    asked = {"clip_ids": [clip["id"]], "variant": "play"}
    (of_many,) = alice.http.post("/clips/access-urls", json=asked).json()
    share = alice.http.post(f"/clips/{clip['id']}/shares", json={"variant": "play"}).json()
    assert share["url"].endswith("?variant=play")
    for url in (link(alice, clip["id"], "play"), of_many["access_url"], share["url"]):
        assert numbers(url, tmp_path / "copy.mp4") == list(range(50)), url
    plain = httpx.get(share["url"].partition("?")[0], verify=NO_TLS, follow_redirects=True)
    assert plain.content == matroska


def test_link_to_a_copy_says_that_there_is_none_yet(alice: Caller, tmp_path: Path) -> None:
    recipe = counted(seconds=1.0, sounds=("ac3",))
    clip = alice.uploaded(make(tmp_path / "film.mkv", recipe).read_bytes(), filename="film.mkv")
    assert clip["playback"]["verdict"] == "audio"
    share = alice.http.post(f"/clips/{clip['id']}/shares", json={"variant": "play"}).json()
    for answer in (
        alice.http.get(f"/clips/{clip['id']}/access-url", params={"variant": "play"}),
        httpx.get(share["url"], verify=NO_TLS),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    asked = alice.http.post(f"/clips/{clip['id']}/renditions", json={"kind": "play"})
    assert (asked.status_code, asked.json()["rendition"]["state"]) == (202, "queued")
    wait_for(
        lambda: True if alice.clip(clip["id"])["rendition"]["state"] == "ready" else None,
        "the copy",
    )
    assert numbers(share["url"], tmp_path / "copy.mp4") == list(range(25))
