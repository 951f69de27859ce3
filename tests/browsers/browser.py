"""A headless browser that shows films on a test page and reports the frames.

No driver is needed: the page asks this process for films, and sends back its results.
"""

import json
import os
import queue
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.ports import LOOPBACK
from local.serving import in_a_thread

_PAGE = Path(__file__).with_name("player.html")
_PATIENCE = 90.0  # seconds; includes the start of a browser on a busy machine
_ASKS_AGAIN_AFTER = 10.0

PROGRAMS: Mapping[str, Sequence[str]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
}
_PREFERENCES = {
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """The frames that a browser showed: the numbers of the first and the last, and seconds.

    `at` is the position of the player after a seek to the end.
    """

    first: int
    last: int
    duration: float
    at: float
    size: tuple[int, int]


class Browser:
    """`films` are the next films for the page, `results` its answers.

    `shows_beyond_the_end` is the number of frames that it may show after the end of an edit list:
    Firefox shows the frames that are in the file for earlier B-frames.
    """

    def __init__(self, kind: str) -> None:
        self.shows_beyond_the_end = 2 if kind == "firefox" else 0
        self.films = queue.Queue[str]()
        self.results = queue.Queue[str]()

    def show(self, url: str) -> Seen:
        """Raises AssertionError if the browser cannot play the film."""
        self.films.put(url)
        result = json.loads(self.results.get(timeout=_PATIENCE))
        assert "error" not in result, result["error"]
        result["size"] = tuple(result["size"])
        return Seen(**result)


def found(kind: str) -> str | None:
    """The path of the program, or None if it is not installed."""
    paths = (shutil.which(name) for name in PROGRAMS[kind])
    return next((path for path in paths if path), None)


@contextmanager
def running(kind: str, program: str) -> Iterator[Browser]:
    browser = Browser(kind)

    class Handler(_Handler):
        of = browser

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    # Outside the files of the tests: a browser stores addresses, which are secrets.
    with in_a_thread(server), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = f"http://{LOOPBACK}:{server.server_port}/"
        process = subprocess.Popen(
            [program, *_options(kind, Path(folder)), page],
            env={**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield browser
        finally:
            os.killpg(process.pid, 9)  # with the processes of its pages
            process.wait()


def _options(kind: str, profile: Path) -> Sequence[str]:
    if kind == "firefox":
        lines = [f'user_pref("{name}", {json.dumps(v)});' for name, v in _PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines))
        return ("--headless", "--no-remote", "--profile", str(profile))
    return (
        "--headless=new",
        "--no-sandbox",  # tests may run as root, in a container
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        f"--user-data-dir={profile}",
    )


class _Handler(BaseHTTPRequestHandler):
    """The page, the next film for it, and its results."""

    of: Browser

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200, "text/html", _PAGE.read_bytes())
        elif self.path == "/film":
            try:
                film = self.of.films.get(timeout=_ASKS_AGAIN_AFTER)
            except queue.Empty:
                self._answer(204, "text/plain", b"")
            else:
                self._answer(200, "text/plain", film.encode())
        else:
            self._answer(404, "text/plain", b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.of.results.put(self.rfile.read(length).decode())
        self._answer(204, "text/plain", b"")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the same
        """Logs nothing."""
