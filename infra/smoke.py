"""Tests a deployed Cliplink: the steps of the tutorial, one by one; then it cleans up.

    CLIPLINK_TOKEN=... python -m infra.smoke https://func-cliplink.azurewebsites.net/api clip.mp4

Exits with 1 at the first step that fails. Needs only Python. Reads the token from the
environment, where other users of the machine cannot see it.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn

_PAUSE = 1.0  # seconds between two attempts
_CALL = 60.0  # seconds for one call; the first may wait for a cold start


class SmokeFailed(Exception):
    """A step did not have the expected result."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        return json.loads(self.body)


@dataclass(frozen=True)
class Smoke:
    """The walk-through against one API, by one caller."""

    api: str
    token: str
    film: bytes
    timeout: float
    say: Callable[[str], None]

    def run(self) -> None:
        """Runs every step; raises SmokeFailed."""
        self._wait_until_healthy()
        self._check_refusal_without_token()
        with self._own_video() as video_id:
            clip = self._upload(video_id)
            self._play(clip)
            self._delete(clip)
        self.say("ok: all steps")

    def _wait_until_healthy(self) -> None:
        last = ""

        def check_health() -> Reply | None:
            nonlocal last
            try:
                reply = self._request("GET", f"{self.api}/health")
            except SmokeFailed as failure:  # a new name or its certificate may not be known yet
                last = str(failure)
                return None
            last = f"it answered {reply.status}"
            return reply if reply.status == HTTPStatus.OK else None

        self._wait(check_health, "GET /health to answer 200", lambda: f"; last result: {last}")
        self.say("ok: database and storage answer")

    def _check_refusal_without_token(self) -> None:
        self._expect("GET", f"{self.api}/videos", HTTPStatus.UNAUTHORIZED)
        self.say("ok: the API refuses calls without a token")

    @contextmanager
    def _own_video(self) -> Iterator[str]:
        video = self._call("POST", "/videos", HTTPStatus.CREATED, {"title": "Smoke"})
        try:
            yield str(video["id"])
        finally:  # deletes the clips too, in any state
            self._call("DELETE", f"/videos/{video['id']}", HTTPStatus.OK)
            self.say("ok: video deleted")

    def _upload(self, video_id: str) -> dict[str, Any]:
        about = {"start_time": 0, "end_time": 4, "title": "Smoke", "filename": "smoke.mp4"}
        clip = self._call("POST", f"/videos/{video_id}/clips", HTTPStatus.CREATED, about)
        upload = clip["upload"]
        self._expect(
            upload["method"], upload["url"], HTTPStatus.CREATED, upload["headers"], self.film
        )
        self.say("ok: clip uploaded directly to storage")
        started = time.monotonic()
        clip = self._wait(lambda: self._settled(clip["id"]), "the clip to be processed")
        if clip["status"] != "ready":
            self._fail(f"the clip is {clip['status']}: {clip['failure']}")
        self.say(f"ok: clip ready after {time.monotonic() - started:.1f} s")
        return clip

    def _settled(self, clip_id: str) -> dict[str, Any] | None:
        clip = self._call("GET", f"/clips/{clip_id}", HTTPStatus.OK)
        return clip if clip["status"] in {"ready", "failed"} else None

    def _play(self, clip: dict[str, Any]) -> None:
        poster = self._expect("GET", clip["thumbnail_access_url"], HTTPStatus.OK)
        if not poster.headers.get("content-type", "").startswith("image/"):
            self._fail(f"the poster is {poster.headers.get('content-type')}")
        link = self._link(clip)
        part = self._expect("GET", link, HTTPStatus.PARTIAL_CONTENT, {"Range": "bytes=0-1023"})
        if part.body != self.film[:1024]:
            self._fail("the link returns other bytes than those that were uploaded")
        metadata = self._call("GET", f"/clips/{clip['id']}/metadata", HTTPStatus.OK)
        if metadata["file_size"] != len(self.film):
            self._fail(f"the metadata says {metadata['file_size']} bytes")
        plain = self._request("GET", clip["blob_url"])
        if plain.status < HTTPStatus.BAD_REQUEST:
            self._fail("the plain address of the clip opens it")
        self.say("ok: poster, link, ranges and metadata; the plain address opens nothing")

    def _delete(self, clip: dict[str, Any]) -> None:
        # Not the link that was played: a CDN still serves its copy under that link.
        link = self._link(clip, hours=2)
        self._call("DELETE", f"/clips/{clip['id']}", HTTPStatus.OK)
        self._call("GET", f"/clips/{clip['id']}", HTTPStatus.NOT_FOUND)
        self._expect("GET", link, HTTPStatus.NOT_FOUND)
        self.say("ok: clip deleted, its link opens nothing")

    def _link(self, clip: dict[str, Any], hours: int = 1) -> str:
        path = f"/clips/{clip['id']}/access-url?expiry_hours={hours}"
        answer = self._call("GET", path, HTTPStatus.OK)
        return str(answer["access_url"])

    # --- Calls

    def _call(self, method: str, path: str, status: int, body: object = None) -> Any:  # noqa: ANN401 - an object of the API
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return self._expect(method, f"{self.api}{path}", status, headers, data).json()

    def _expect(
        self,
        method: str,
        url: str,
        status: int,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Reply:
        reply = self._request(method, url, headers, data)
        if reply.status != status:
            self._fail(
                f"{method} {_public(url)} answered {reply.status}, not {int(status)}: "
                f"{reply.body[:500].decode(errors='replace')}"
            )
        return reply

    @staticmethod
    def _request(
        method: str, url: str, headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Reply:
        request = urllib.request.Request(url, data, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=_CALL) as answer:
                return Reply(answer.status, _lower(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, _lower(error.headers.items()), error.read())
        except (urllib.error.URLError, TimeoutError) as error:
            raise SmokeFailed(f"{method} {_public(url)}: {error}") from error

    def _wait[Value](
        self, attempt: Callable[[], Value | None], what: str, why: Callable[[], str] = str
    ) -> Value:
        deadline = time.monotonic() + self.timeout
        while True:
            value = attempt()
            if value is not None:
                return value
            if time.monotonic() > deadline:
                self._fail(f"waited {self.timeout:.0f} s for {what}{why()}")
            time.sleep(_PAUSE)

    @staticmethod
    def _fail(why: str) -> NoReturn:
        raise SmokeFailed(why)


def _lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _public(url: str) -> str:
    """The address without its signature."""
    return url.partition("?")[0]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.smoke")
    parser.add_argument("api", help="address of the API, with /api at its end")
    parser.add_argument("film", type=Path, help="a short video, such as `make sample` writes")
    parser.add_argument("--timeout", type=float, default=300, help="seconds to wait for each step")
    given = parser.parse_args(arguments)
    token = os.environ.get("CLIPLINK_TOKEN", "")
    if not token:
        parser.error("put a token of the issuer into CLIPLINK_TOKEN")

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    smoke = Smoke(given.api.rstrip("/"), token, given.film.read_bytes(), given.timeout, say)
    try:
        smoke.run()
    except SmokeFailed as failure:
        sys.stderr.write(f"failed: {failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
