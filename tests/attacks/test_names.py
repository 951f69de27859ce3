"""Titles and file names that are made to be paths, headers or programs: they stay names."""

import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from tests.e2e.app import NO_TLS, App, Caller

type Ready = tuple[Caller, dict[str, Any]]

# What a title says, and under which name a browser saves the clip.
NAMES = {
    "The goal": "The goal.mp4",
    "../../../etc/passwd": "_.._.._etc_passwd.mp4",
    "/etc/cron.d/x": "_etc_cron.d_x.mp4",
    "..\\..\\Windows\\win.ini": "_.._Windows_win.ini.mp4",
    "C:\\autoexec.bat": "C__autoexec.bat.mp4",
    "\\\\server\\share": "__server_share.mp4",
    "file:///etc/passwd": "file____etc_passwd.mp4",
    "..": "_.mp4",
    ".bashrc": "bashrc.mp4",
    "~/.ssh/authorized_keys": "~_.ssh_authorized_keys.mp4",
    'a"; filename="evil.exe': "a_; filename=_evil.exe.mp4",
    "a'; filename*=UTF-8''evil.exe": "a'; filename_=UTF-8''evil.exe.mp4",
    "a\\": "a_.mp4",
    "a%0d%0aSet-Cookie: x=1": "a%0d%0aSet-Cookie_ x=1.mp4",
    "%2e%2e%2fetc%2fpasswd": "%2e%2e%2fetc%2fpasswd.mp4",
    "a\u560d\u560aSet-Cookie: x": "a\u560d\u560aSet-Cookie_ x.mp4",  # CR and LF to a careless cut
    "=?utf-8?q?evil?=": "=_utf-8_q_evil_=.mp4",
    "holiday\u202e4pm.exe": "holiday4pm.exe.mp4",
    "zero\u200bwidth\ufeff": "zerowidth.mp4",
    "\u2066\u2069": "_.mp4",
    "CON": "_CON.mp4",
    "nul.txt": "_nul.txt.mp4",
    "com1": "_com1.mp4",
    "ends with a dot.": "ends with a dot.mp4",
    "-rf": "-rf.mp4",
    "$(reboot) `id` |x": "$(reboot) `id` _x.mp4",
    "<script>alert(1)</script>": "_script_alert(1)__script_.mp4",
    "Žofie 日本語 🎬 e\u0301": "Žofie 日本語 🎬 e\u0301.mp4",
    "👩\u200d👩\u200d👧": "👩\u200d👩\u200d👧.mp4",
    "x" * 500: "x" * 251 + ".mp4",
    "é" * 500: "é" * 125 + ".mp4",
    "🎬" * 500: "🎬" * 62 + ".mp4",
}
NO_LINE = [
    "a\r\nSet-Cookie: x=1",
    "a\nb",
    "a\rb",
    "a\0b",
    "a\x1b[2Jb",
    "a\x85b",
    "a\u2028b",
    "\ud800",
]
DISPOSITION = re.compile(r"attachment; filename=\"([ !#-\[\]-~]*)\"; filename\*=UTF-8''([\w.~%-]+)")


def saved_as(url: str) -> str:
    """The name under which a browser saves the file of a link, as storage sends it."""
    answer = httpx.get(url, verify=NO_TLS)
    assert answer.status_code == 200, answer.text
    assert "Set-Cookie" not in answer.headers
    (disposition,) = answer.headers.get_list("Content-Disposition")
    said = DISPOSITION.fullmatch(disposition)
    assert said is not None, disposition
    plain, extended = said.groups()
    name = unquote(extended, errors="strict")
    assert len(plain) == len(name)
    assert all(c in (d, "_") for c, d in zip(plain, name, strict=True)), "an older browser's name"
    return name


def link(owner: Caller, clip_id: str, **query: str) -> httpx.Response:
    return owner.http.get(f"/clips/{clip_id}/access-url", params=query)


@pytest.mark.parametrize(("title", "name"), NAMES.items())
def test_title_becomes_a_single_file_name(ready: Ready, title: str, name: str) -> None:
    owner, clip = ready
    changed = owner.http.patch(f"/clips/{clip['id']}", json={"title": title})
    assert changed.status_code == 200, changed.text
    assert changed.json()["title"] == title, "a title itself is kept as it is"
    assert saved_as(link(owner, clip["id"], download="true").json()["access_url"]) == name
    many = owner.http.post(
        "/clips/access-urls", json={"clip_ids": [clip["id"]], "download": True}
    ).json()
    assert saved_as(many[0]["access_url"]) == name


@pytest.mark.parametrize("asked", [name for name in NAMES if len(name) <= 255])
def test_requested_download_name_is_a_plain_file_name(ready: Ready, asked: str) -> None:
    """No name leads out of the folder that the file is saved in."""
    owner, clip = ready
    name = saved_as(link(owner, clip["id"], download=f"{asked}.mp4").json()["access_url"])
    assert name not in {"", ".", ".."}
    assert not set(name) & set('/\\:*?"<>|')
    assert len(name.encode()) <= 255
    assert name.endswith("mp4")


@pytest.mark.parametrize("text", NO_LINE)
def test_name_of_several_lines_is_refused(ready: Ready, text: str) -> None:
    owner, clip = ready
    new_clip = {"start_time": 0, "end_time": 1}
    for method, path, body in (
        ("POST", "/videos", {"title": text}),
        ("PATCH", f"/clips/{clip['id']}", {"title": text}),
        ("POST", f"/videos/{clip['video_id']}/clips", new_clip | {"title": text}),
        ("POST", f"/videos/{clip['video_id']}/clips", new_clip | {"filename": text}),
        ("POST", "/clips/access-urls", {"clip_ids": [clip["id"]], "download": text}),
    ):
        # json.dumps writes "\\ud800", which httpx's own way of writing JSON cannot.
        answer = owner.http.request(
            method, path, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), body


@pytest.mark.parametrize("text", [text for text in NO_LINE if text != "\ud800"])
def test_download_name_of_several_lines_is_refused(ready: Ready, text: str) -> None:
    owner, clip = ready
    answer = link(owner, clip["id"], download=text)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("filename", "extension"),
    [
        *((name, None) for name in NAMES if len(name) <= 255),
        ("../../x.mp4", ".mp4"),
        ("x.mp4/../../../y", ""),
        ("a.mp4\\..\\b.webm", ".webm"),
        ("a.m p4", ""),
        ("a.mp4?sig=x", ""),
        ("a.mp4#", ""),
        ("a.%2fx", ""),
        ("a.\u202emp4", ""),
        ("a.MP4", ".mp4"),
        ("a.exe", ".exe"),
        ("a." + "x" * 100, ""),
    ],
)
def test_file_name_gives_storage_at_most_an_extension(
    app: App, alice: Caller, filename: str, extension: str | None
) -> None:
    clip = alice.announce(alice.video(), filename=filename)
    place = f"/devstoreaccount1/{app.prefix}-clips/{clip['video_id']}/{clip['id']}"
    for url in (clip["blob_url"], clip["upload"]["url"]):
        path = urlsplit(url).path
        rest = path.removeprefix(place)
        assert path.startswith(place)
        assert re.fullmatch(r"(\.[a-z0-9]{1,8})?", rest)
        assert extension in (None, rest)


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/html", "image/svg+xml", "application/javascript", "video/", "/mp4", "video"),
        *("video/mp4\r\nX-Evil: 1", "video/mp4\0", "video/m p4", "video/mp4, text/html"),
        *('video/"mp4"', "video/" + "x" * 200, "video//html"),
    ],
)
def test_type_that_a_browser_would_run_or_misread_is_refused(
    alice: Caller, content_type: str
) -> None:
    body = {"start_time": 0, "end_time": 1, "content_type": content_type}
    answer = alice.http.post(f"/videos/{alice.video()}/clips", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_parameters_of_a_media_type_are_dropped(alice: Caller) -> None:
    clip = alice.announce(alice.video(), content_type="video/mp4; x=\r\nX-Evil: 1")
    assert clip["content_type"] == clip["upload"]["headers"]["x-ms-blob-content-type"]
    assert clip["content_type"] == "video/mp4"


@pytest.mark.parametrize(
    "content_type", ["text/html", "video/mp4, text/html", "video/x+xml", "image/svg+xml"]
)
def test_upload_with_a_type_that_browsers_run_is_served_with_the_announced_type(
    alice: Caller, film: bytes, content_type: str
) -> None:
    """An uploader may send other headers than the API gave, but storage serves no web page."""
    clip = alice.announce(alice.video(), filename="film.mp4")
    clip["upload"]["headers"]["x-ms-blob-content-type"] = content_type
    alice.send(clip, film)
    assert alice.settled(clip["id"])["content_type"] == "video/mp4"
    opened = httpx.get(link(alice, clip["id"]).json()["access_url"], verify=NO_TLS)
    assert (opened.status_code, opened.headers["Content-Type"]) == (200, "video/mp4")


def test_no_attack_caused_an_internal_error(app: App) -> None:
    """Runs last: the log of the attacked app has no unexpected fault."""
    assert "Unexpected error" not in app.log
