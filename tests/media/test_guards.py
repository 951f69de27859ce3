"""No content of a file makes the service read another file or reach a host."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from unittest.mock import patch

import av
import pytest

from local.ports import LOOPBACK
from local.serving import in_a_thread
from shared import media
from shared.errors import UnplayableClip
from shared.media.inspect.formats import ACCEPTED_FORMATS
from tests.media.clips import Clip, MemorySource, source_of
from tests.media.conftest import Make, sample

_events: list[tuple[str, object]] = []
_listening = False


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _listening and event in ("open", "os.open", "socket.connect", "socket.getaddrinfo"):
        what = arguments[0] if arguments else None
        if what != "/proc/self/statm":
            _events.append((event, what))


sys.addaudithook(_audit)  # cannot be removed again: it listens only inside `audited`


@contextmanager
def audited() -> Iterator[list[tuple[str, object]]]:
    """Yields the files and sockets that Python opens, except those of `memory`."""
    global _listening  # noqa: PLW0603 - an audit hook has no other place for its state
    _events.clear()
    _listening = True
    try:
        yield _events
    finally:
        _listening = False


@pytest.fixture
def trap() -> Iterator[tuple[int, list[bytes]]]:
    """Returns the port of a server on this machine, and its requests."""
    asked: list[bytes] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            asked.append(self.request.recv(1024))

    server = TCPServer((LOOPBACK, 0), Handler)
    with in_a_thread(server):
        yield server.server_address[1], asked


def playlists(target: str) -> dict[str, bytes]:
    """Returns files of formats that FFmpeg knows and that name another file or address."""
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n".encode(),
        "concat": f"ffconcat version 1.0\nfile '{target}'\n".encode(),
        "dash": (
            "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'><Period>"
            "<AdaptationSet mimeType='video/mp4'><Representation id='1' bandwidth='1'>"
            f"<BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>"
        ).encode(),
        "sdp": (
            b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
        ),
        "smil": f"<smil><body><video src='{target}'/></body></smil>".encode(),
        "image sequence": target.replace(".ts", "%03d.jpg").encode(),
    }


@pytest.mark.parametrize("kind", playlists(""))
def test_playlists_do_not_reach_local_files(made: Make, kind: str) -> None:
    """The named file exists and is playable: if FFmpeg opened it, there would be a clip."""
    target = made("target.ts")
    with audited() as events, pytest.raises(UnplayableClip) as caught:
        _use(MemorySource(playlists(str(target))[kind]))
    assert caught.value.failure_code == media.FailureCode.NOT_A_VIDEO
    assert events == []


@pytest.mark.parametrize("kind", playlists(""))
def test_playlists_do_not_reach_hosts(kind: str, trap: tuple[int, list[bytes]]) -> None:
    """The server at the named address gets no request."""
    port, asked = trap
    with pytest.raises(UnplayableClip):
        _use(MemorySource(playlists(f"http://127.0.0.1:{port}/a.ts")[kind]))
    assert asked == []


def with_samples_in(path: Path, data: bytes) -> bytes:
    """Returns a MOV that refers to the file `path` for its samples (a QuickTime alias)."""
    location = str(path).encode()
    alias = (
        bytes(10)
        + bytes((1, *b"v", *bytes(26)))  # name of the volume
        + bytes(12)
        + bytes((1, *b"f", *bytes(62)))  # name of the file
        + bytes(16)
        + bytes(4)  # no levels up and down to it, so the absolute path counts
        + bytes(16)
        + (2).to_bytes(2)  # a record that is the absolute path
        + len(location).to_bytes(2)
        + location
        + bytes(len(location) % 2)
        + b"\xff\xff\0\0"
    )
    old = data.index(b"dref") + 12
    length = int.from_bytes(data[old : old + 4])
    entry = (12 + len(alias)).to_bytes(4) + b"alis" + bytes(4) + alias
    changed = bytearray(data[:old] + entry + data[old + length :])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = changed.rindex(parent, 0, old) - 4
        size = int.from_bytes(changed[at : at + 4]) + len(entry) - length
        changed[at : at + 4] = size.to_bytes(4)
    return bytes(changed)


def test_external_data_references_are_not_followed(made: Make, tmp_path: Path) -> None:
    """A MOV may keep its samples in another file; FFmpeg would open it if it were allowed to."""
    data = made("a.mov").read_bytes()
    target = tmp_path / "samples.mov"
    target.write_bytes(data)
    external = with_samples_in(target, data)
    asked: list[str] = []

    def note(url: str, _flags: int, _options: dict[str, str]) -> None:
        asked.append(url)
        raise PermissionError(url)

    told_to = {"enable_drefs": "1", "use_absolute_path": "1"}
    with suppress(av.FFmpegError, PermissionError):
        av.open(BytesIO(external), "r", options=told_to, io_open=note).close()
    assert [url for url in asked if url.endswith(str(target))], "the trap does not work"

    asked.clear()
    with patch("shared.media.reading.container._refuse", note), audited() as events:
        try_to_use(MemorySource(external))
    assert asked == []
    assert events == []


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.webm"])
def test_good_clips_open_nothing_either(made: Make, name: str) -> None:
    """All bytes come from the source."""
    codec = "libvpx" if name.endswith("webm") else "libx264"
    source = source_of(made(name, Clip(codec=codec)))
    with audited() as events:
        _use(source)
    assert events == []


def test_playlist_formats_are_not_accepted() -> None:
    """This checks their names, in case the list grows."""
    accepted = set(ACCEPTED_FORMATS.split(","))
    assert accepted.isdisjoint(
        {"hls", "applehttp", "concat", "dash", "sdp", "rtsp", "image2", "image2pipe", "smil"}
        | {"imf", "webm_dash_manifest", "tee", "lavfi", "mpjpeg", "vapoursynth", "avisynth"}
    )


def test_sample_playlist_reaches_no_host() -> None:
    """The sample beside the repository names an address of this machine."""
    with audited() as events, pytest.raises(UnplayableClip):
        _use(source_of(sample("hls_ssrf.mp4")))
    assert [event for event in events if event[0].startswith("socket")] == []


def try_to_use(source: MemorySource) -> None:
    """Uses a file that may well fail."""
    with suppress(UnplayableClip):
        _use(source)


@pytest.fixture(autouse=True, scope="module")
def warm(made: Make) -> None:
    """Lets Pillow load its plugins before opened files are recorded."""
    _use(source_of(made("a.mp4")))


def _use(source: MemorySource) -> None:
    with media.opened(source) as file:
        file.stills()
