"""The clients of the soak: readers that fetch clips, writers that upload and delete them.

Each is a thread with one connection to the service. A seed chooses the calls, so that two runs
make the same calls in the same order.
"""

import http.client
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from local.ports import LOOPBACK

_PAUSE = 0.02  # seconds between two calls of a reader
_POLL = 0.25  # seconds between two requests for a clip that is being processed
_READY_WITHIN = 120.0  # seconds
_SECONDS = 4  # of each clip
_OUTCOMES = {"ready", "failed"}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Material:
    """A video whose clips are read and have blobs, and films to upload."""

    video: UUID
    films: Sequence[bytes]


@dataclass(slots=True)
class Record:
    """Results of all clients: seconds of each call since the last `take`, answers by status.

    `problems` counts the details of answers from 500 on. `clips` counts the outcomes of clips; at
    the end, the last clip of each writer may still be processing.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    clips: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float, status: int) -> None:
        with self._lock:
            self.seconds.append(seconds)
            self.statuses[status] += 1

    def add_problem(self, call: str, status: int, body: bytes) -> None:
        """`call` is the method and the path, of which the ids are left out."""
        detail = json.loads(body).get("detail") if body.startswith(b"{") else None
        with self._lock:
            self.problems[f"{_ID.sub('{id}', call.partition('?')[0])}: {status} {detail}"] += 1

    def take(self) -> list[float]:
        """Removes and returns the seconds of every call since the last `take`."""
        with self._lock:
            taken, self.seconds = self.seconds, []
        return taken


class Caller:
    """Calls the API as one user over one connection."""

    def __init__(self, port: int, token: str, record: Record) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._record = record

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - JSON
        """The parsed answer; None if it has no JSON or is not a success."""
        text = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self._connection.request(method, path, text, self._headers)
        answer = self._connection.getresponse()
        data = answer.read()
        self._record.add(time.perf_counter() - began, answer.status)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._record.add_problem(f"{method} {path}", answer.status, data)
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return json.loads(data) if is_json and answer.status < HTTPStatus.MULTIPLE_CHOICES else None

    def close(self) -> None:
        self._connection.close()


def read(caller: Caller, material: Material, seed: int, stop: threading.Event) -> None:
    """Reads the clips of a video as a front end does, until `stop` is set."""
    chance = random.Random(seed)
    while not stop.wait(_PAUSE):
        page = caller.call("GET", f"/api/videos/{material.video}/clips?limit=50")
        clip = chance.choice(page)["id"]
        caller.call("GET", f"/api/clips/{clip}")
        if chance.random() < 0.5:
            caller.call("GET", f"/api/clips/{clip}/access-url?expiry_hours={chance.randint(1, 48)}")
        else:
            ids = [other["id"] for other in page[:20]]
            caller.call("POST", "/api/clips/access-urls", {"clip_ids": ids})


def write(caller: Caller, material: Material, record: Record, stop: threading.Event) -> None:
    """Uploads clips, waits for each, asks for stills and links of it, and deletes most of them."""
    video = caller.call("POST", "/api/videos", {"title": "Soak"})["id"]
    for number in count():
        if stop.is_set():
            return
        film = material.films[number % len(material.films)]
        clip = upload(caller, video, film, number)
        status = _wait(caller, clip, stop)
        record.clips[status] += 1
        if stop.is_set():
            return
        for moment in (0.5, 1.5, 3.0):
            caller.call("GET", f"/api/clips/{clip}/thumbnail?time={moment}&width=320")
        for path in ("metadata", "access-url?variant=storyboard", "grants"):
            caller.call("GET", f"/api/clips/{clip}/{path}")
        share = caller.call("POST", f"/api/clips/{clip}/shares", {"max_views": 5})
        if share is not None:
            caller.call("GET", urlsplit(share["url"]).path)
        caller.call("POST", f"/api/videos/{video}/clips/{clip}/view")
        if number % 4:
            caller.call("DELETE", f"/api/clips/{clip}")


def wait_until_idle(caller: Caller, film: bytes) -> None:
    """Waits until a newly uploaded clip is ready or failed.

    When the host starts, it first processes the existing clips of the library; clips of the
    writers would wait for minutes.
    """
    video = caller.call("POST", "/api/videos", {"title": "Before the soak"})["id"]
    clip = upload(caller, video, film, 0)
    while caller.call("GET", f"/api/clips/{clip}")["status"] not in _OUTCOMES:
        time.sleep(_POLL)


def start(work: Callable[[], None], failures: list[BaseException]) -> threading.Thread:
    """Starts a thread that does the work; its exception is added to `failures`."""

    def keep_failure() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again by the measurement
            failures.append(error)

    thread = threading.Thread(target=keep_failure)
    thread.start()
    return thread


def upload(caller: Caller, video: str, film: bytes, number: int) -> str:
    """Announces a clip, sends its bytes to storage, and returns its id."""
    new = {"start_time": number, "end_time": number + _SECONDS, "filename": "clip.mp4"}
    clip = caller.call("POST", f"/api/videos/{video}/clips", new)
    upload = clip["upload"]
    target = urlsplit(upload["url"])
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
    try:
        connection.request("PUT", f"{target.path}?{target.query}", film, upload["headers"])
        answer = connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.CREATED:
            raise RuntimeError(f"storage answered {answer.status} to an upload")
    finally:
        connection.close()
    return str(clip["id"])


def _wait(caller: Caller, clip: str, stop: threading.Event) -> str:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        status = str(caller.call("GET", f"/api/clips/{clip}")["status"])
        if status in _OUTCOMES:
            return status
        if stop.wait(_POLL):
            return f"{status} at the end"
    return "too late"
