"""Clips without a file are fetched from where they were, and from nowhere else."""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import trustme

from clips.migration import addresses
from shared.errors import UnmovableFile
from shared.storage import RetryPolicy
from tests.migration.conftest import Command, read
from tests.migration.old_service import OldService
from tests.servers import Reply, Request, Served, serving
from tests.services import AllServices

FILM = os.urandom(300_000)
HOST = "films.example.test"
type Answer = Callable[[Request], Reply]


class Site:
    """An https server on loopback whose certificate is trusted; `answer` may be changed."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _: Reply(body=FILM, headers={"Content-Type": "video/mp4"})
        self.served: Served | None = None

    def respond(self, request: Request) -> Reply:
        return self.answer(request)

    @property
    def url(self) -> str:
        assert self.served is not None
        return self.served.url.replace("http://", "https://")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def requests(self) -> list[Request]:
        assert self.served is not None
        return self.served.requests


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def site(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", HOST).configure_cert(context)
    site = Site()
    with serving(site.respond, context) as served:
        site.served = served
        yield site


def test_a_clip_is_fetched_from_its_old_address(
    old: OldService, run: Command, services: AllServices, site: Site
) -> None:
    clip_id = old.clip(f"{site.url}/clips/film%20one.mp4?X-Amz-Signature=secret")
    done = run("--from-url", "--allow-private")
    assert (done.code, done.summary["summary"]["verified"]) == (0, 1)
    name = f"{old.video_id}/{clip_id}.mp4"
    assert read(services, "clips", name) == FILM
    assert old.row(clip_id)["blob_name"] == name
    (line,) = done.lines
    assert line["url"] == f"{site.url}/clips/film%20one.mp4"
    assert b"secret" not in done.receipt
    assert (done.deletable, line["safe_to_delete"]) == ([], False)
    assert site.requests[0].path.endswith("?X-Amz-Signature=secret")


def test_what_is_fetched_is_counted_with_the_files(
    old: OldService, run: Command, site: Site
) -> None:
    """Of how many bytes, nobody knows before."""
    old.clip(f"{site.url}/film.mp4")
    old.clip_with_file(b"film")
    done = run("--from-url", "--allow-private")
    assert f"2/2 files  {(len(FILM) + 4) / 1000:.1f} KB  " in done.err


def test_a_second_run_fetches_nothing_and_gives_the_same_receipt(
    old: OldService, run: Command, site: Site
) -> None:
    old.clip(f"{site.url}/film.mp4")
    first = run("--from-url", "--allow-private")
    asked = len(site.requests)
    again = run("--from-url", "--allow-private")
    assert (again.receipt, again.sent, len(site.requests)) == (first.receipt, 0, asked)


def test_a_file_here_is_taken_before_the_address(old: OldService, run: Command, site: Site) -> None:
    old.clip(f"{site.url}/film.mp4")
    old.file("film.mp4", b"the file itself")
    assert run("--from-url", "--allow-private").summary["summary"]["verified"] == 1
    assert site.requests == []


def codes(run: Command, *options: str) -> set[object]:
    return {line.get("code", line["verdict"]) for line in run("--from-url", *options).lines}


def test_loopback_is_not_asked_unless_that_is_allowed(
    old: OldService, run: Command, site: Site
) -> None:
    old.clip(f"{site.url}/film.mp4")
    old.clip(f"https://localhost:{site.port}/film.mp4")
    old.clip(f"https://[::ffff:127.0.0.1]:{site.port}/film.mp4")
    assert codes(run) == {"refused_address"}
    assert site.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/film.mp4",
        "https://user:password@127.0.0.1:{port}/film.mp4",
        "https://127.0.0.1:{port}99999/film.mp4",
        "https://127.0.0.1..:{port}/film.mp4",
    ],
)
def test_an_address_must_be_plain_https(
    old: OldService, run: Command, site: Site, url: str
) -> None:
    old.clip(url.format(port=site.port))
    assert codes(run, "--allow-private") == {"refused_address"}
    assert site.requests == []


def test_a_redirect_is_followed_and_checked_too(
    old: OldService,
    run: Command,
    services: AllServices,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """127.0.0.1 plays a public address here, 127.0.0.2 a private one."""
    monkeypatch.setattr(addresses, "is_public", lambda ip: ip == "127.0.0.1")
    targets = {
        "/good": "/film.mp4",
        "/private": f"https://127.0.0.2:{site.port}/film.mp4",
        "/plain": f"http://127.0.0.1:{site.port}/film.mp4",
        "/round": "/round",
        "/half": "https://[::1/film.mp4",
    }

    def answer(request: Request) -> Reply:
        if request.path in targets:
            return Reply(302, headers={"Location": targets[request.path]})
        return Reply(body=FILM)

    site.answer = answer
    clips = {path: old.clip(f"{site.url}{path}") for path in targets}
    done = run("--from-url")
    told = {line["clip_id"]: line.get("code") for line in done.lines}
    assert {path: told[str(clip_id)] for path, clip_id in clips.items()} == {
        "/good": None,
        "/private": "refused_address",
        "/plain": "refused_address",
        "/round": "download_failed",
        "/half": "refused_address",
    }
    assert read(services, "clips", f"{old.video_id}/{clips['/good']}") == FILM


def test_the_address_that_was_checked_is_the_one_that_is_asked(
    old: OldService, run: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolves to something else a moment later gains nothing by it."""
    resolve, asked = socket.getaddrinfo, 0

    def rebinding(host: str, port: int, *rest: object, **options: object) -> object:
        nonlocal asked
        if host != HOST:
            return resolve(host, port, *rest, **options)  # type: ignore[arg-type]  # handed on
        asked += 1
        ip = "127.0.0.1" if asked == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(addresses, "is_public", lambda ip: ip == "127.0.0.1")
    old.clip(f"https://{HOST}:{site.port}/film.mp4")
    assert run("--from-url").code == 0
    assert (asked, len(site.requests)) == (1, 1)
    assert site.requests[0].headers["Host"] == f"{HOST}:{site.port}"


def test_a_name_with_one_private_address_among_others_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("8.8.8.8", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(UnmovableFile):
        addresses.checked("https://films.example.test/a", allow_private=False)


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0"),
        *("169.254.169.254", "168.63.129.16", "224.0.0.1", "255.255.255.255", "198.18.0.1"),
        *("::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.1"),
        *("64:ff9b::169.254.169.254", "2002:7f00:1::", "2001:db8::1"),
        *("::127.0.0.1", "::ffff:0:127.0.0.1", "fec0::1", "64:ff9b:1::10.0.0.1"),
    ],
)
def test_no_such_address_is_public(ip: str) -> None:
    assert not addresses.is_public(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_others_are(ip: str) -> None:
    assert addresses.is_public(ip)


@pytest.mark.parametrize(
    ("old_url", "url"),
    [
        ("s3://bucket/a/film one.mp4", "https://bucket.s3.amazonaws.com/a/film%20one.mp4"),
        ("s3://bucket/a%20b.mp4", "https://bucket.s3.amazonaws.com/a%20b.mp4"),
        ("https://x.test/a?b=c", "https://x.test/a?b=c"),
        ("http://x.test/a", "http://x.test/a"),
        ("file:///etc/passwd", None),
        ("/srv/a.mp4", None),
        ("s3:///a", None),
        ("https://[::1/a", None),
        ("", None),
    ],
)
def test_what_an_old_address_stands_for(old_url: str, url: str | None) -> None:
    assert addresses.fetchable(old_url) == url


# --- Answers that are no film


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RetryPolicy, "pauses", lambda _: iter([0.0, 0.0]))


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(404), "download_failed"),
        (Reply(503), "download_failed"),
        (
            Reply(body=b"<html>", headers={"Content-Type": "text/html; charset=utf-8"}),
            "download_failed",
        ),
        (Reply(body=FILM, missing=10), "download_failed"),
        (Reply(body=FILM, headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}), "download_failed"),
        (Reply(body=b""), "empty_file"),
    ],
    ids=["404", "503", "a page", "cut", "hurt", "empty"],
)
@pytest.mark.usefixtures("impatient")
def test_what_is_no_whole_file_is_not_stored(
    old: OldService, run: Command, services: AllServices, site: Site, reply: Reply, code: str
) -> None:
    clip_id = old.clip(f"{site.url}/film.mp4")
    site.answer = lambda _: reply
    assert codes(run, "--allow-private") == {code}
    assert old.row(clip_id)["blob_name"] is None
    assert not any(services.blobs.pages(services.containers.clips).__next__())


@pytest.mark.usefixtures("impatient")
def test_a_cut_that_passes_is_outlasted(
    old: OldService, run: Command, services: AllServices, site: Site
) -> None:
    clip_id: UUID = old.clip(f"{site.url}/film.mp4")
    site.answer = lambda _: Reply(body=FILM, missing=7 if len(site.requests) < 2 else 0)
    assert codes(run, "--allow-private") == {"verified"}
    assert read(services, "clips", f"{old.video_id}/{clip_id}.mp4") == FILM


def test_a_certificate_that_nobody_vouches_for_is_refused(
    old: OldService, run: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    old.clip(f"{site.url}/film.mp4")
    assert codes(run, "--allow-private") == {"download_failed"}
    assert site.requests == []
