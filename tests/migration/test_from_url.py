"""Clips without a file are fetched from their old address, and from no other."""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import trustme

from clips.migration.old_files import address_check, old_address
from shared.errors import UnusableFile
from shared.storage.rest import RetryPolicy
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


def test_clip_is_fetched_from_its_old_address(
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


def test_unencoded_address_is_fetched_encoded(
    old: OldService, run: Command, services: AllServices, site: Site
) -> None:
    clip_id = old.clip(f"{site.url}/clips/take #2, 100% Ž.mp4")
    done = run("--from-url", "--allow-private")
    assert (done.code, done.summary["summary"]["verified"]) == (0, 1)
    assert site.requests[0].path == "/clips/take%20%232,%20100%25%20%C5%BD.mp4"
    assert read(services, "clips", f"{old.video_id}/{clip_id}.mp4") == FILM


def test_fetched_files_are_counted_with_the_others(
    old: OldService, run: Command, site: Site
) -> None:
    """The total of their bytes is unknown."""
    old.clip(f"{site.url}/film.mp4")
    old.clip_with_file(b"film")
    done = run("--from-url", "--allow-private")
    assert f"2/2 files  {(len(FILM) + 4) / 1000:.1f} KB  " in done.err


def test_second_run_fetches_nothing_and_gives_the_same_receipt(
    old: OldService, run: Command, site: Site
) -> None:
    old.clip(f"{site.url}/film.mp4")
    first = run("--from-url", "--allow-private")
    asked = len(site.requests)
    again = run("--from-url", "--allow-private")
    assert (again.receipt, again.sent, len(site.requests)) == (first.receipt, 0, asked)


def test_file_in_the_folder_is_preferred_to_the_old_address(
    old: OldService, run: Command, site: Site
) -> None:
    old.clip(f"{site.url}/film.mp4")
    old.file("film.mp4", b"the file itself")
    assert run("--from-url", "--allow-private").summary["summary"]["verified"] == 1
    assert site.requests == []


def codes(run: Command, *options: str) -> set[object]:
    return {line.get("code", line["verdict"]) for line in run("--from-url", *options).lines}


def test_loopback_addresses_are_refused_by_default(
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
def test_address_must_be_plain_https(old: OldService, run: Command, site: Site, url: str) -> None:
    old.clip(url.format(port=site.port))
    assert codes(run, "--allow-private") == {"refused_address"}
    assert site.requests == []


def test_redirect_is_followed_and_checked_too(
    old: OldService,
    run: Command,
    services: AllServices,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """127.0.0.1 counts as public here, 127.0.0.2 as private."""
    monkeypatch.setattr(address_check, "is_public", lambda ip: ip == "127.0.0.1")
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
    found = {line["clip_id"]: line.get("code") for line in done.lines}
    assert {path: found[str(clip_id)] for path, clip_id in clips.items()} == {
        "/good": None,
        "/private": "refused_address",
        "/plain": "refused_address",
        "/round": "download_failed",
        "/half": "refused_address",
    }
    assert read(services, "clips", f"{old.video_id}/{clips['/good']}") == FILM


def test_connection_goes_to_the_checked_ip_address(
    old: OldService, run: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name may resolve to another address a moment later."""
    resolve, asked = socket.getaddrinfo, 0

    def rebinding(host: str, port: int, *rest: object, **options: object) -> object:
        nonlocal asked
        if host != HOST:
            return resolve(host, port, *rest, **options)  # type: ignore[arg-type]  # handed on
        asked += 1
        ip = "127.0.0.1" if asked == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(address_check, "is_public", lambda ip: ip == "127.0.0.1")
    old.clip(f"https://{HOST}:{site.port}/film.mp4")
    assert run("--from-url").code == 0
    assert (asked, len(site.requests)) == (1, 1)
    assert site.requests[0].headers["Host"] == f"{HOST}:{site.port}"


def test_name_with_one_private_address_among_others_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("8.8.8.8", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(UnusableFile):
        address_check.resolve("https://films.example.test/a", allow_private=False)


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
def test_private_addresses_are_not_public(ip: str) -> None:
    assert not address_check.is_public(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_public(ip: str) -> None:
    assert address_check.is_public(ip)


@pytest.mark.parametrize(
    ("old_url", "url"),
    [
        ("s3://bucket/a/film one.mp4", "https://bucket.s3.amazonaws.com/a/film%20one.mp4"),
        ("s3://bucket/a%20b.mp4", "https://bucket.s3.amazonaws.com/a%2520b.mp4"),
        ("s3://b/take #2.mp4", "https://b.s3.amazonaws.com/take%20%232.mp4"),
        ("s3://b/what?.mp4", "https://b.s3.amazonaws.com/what%3F.mp4"),
        ("s3://b/a+b;c&d=e.mp4", "https://b.s3.amazonaws.com/a%2Bb%3Bc%26d%3De.mp4"),
        ("s3://b/100%.mp4 ", "https://b.s3.amazonaws.com/100%25.mp4%20"),
        ("S3://b//tab\t.mp4", "https://b.s3.amazonaws.com//tab%09.mp4"),
        ("s3://evil.test#/a.mp4", None),
        ("s3://evil.test?/a.mp4", None),
        ("s3://user@evil.test/a.mp4", None),
        ("gs://bucket/a.mp4", None),
        ("https://x.test/take #2.mp4", "https://x.test/take%20%232.mp4"),
        ("https://x.test/what?.mp4", "https://x.test/what%3F.mp4"),
        ("https://x.test/100%.mp4", "https://x.test/100%25.mp4"),
        ("https://x.test/100%25+1%2B1.mp4", "https://x.test/100%25+1%2B1.mp4"),
        ("https://x.test/Ž.mp4", "https://x.test/%C5%BD.mp4"),
        ("https://x.test/a.mp4?sig=a%2Fb+c#t=1", "https://x.test/a.mp4?sig=a%2Fb+c"),
        (
            "https://x.test/take #2.mp4?X-Amz-Signature=a",
            "https://x.test/take%20%232.mp4?X-Amz-Signature=a",
        ),
        ("https://x.test/a?b=c", "https://x.test/a?b=c"),
        ("http://x.test/a", "http://x.test/a"),
        ("file:///etc/passwd", None),
        ("/srv/a.mp4", None),
        ("s3:///a", None),
        ("https://[::1/a", None),
        ("", None),
    ],
)
def test_old_address_has_one_url_to_fetch_from(old_url: str, url: str | None) -> None:
    assert old_address.parse(old_url).url == url


# --- Responses that are not a video file


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
def test_incomplete_responses_are_not_stored(
    old: OldService, run: Command, services: AllServices, site: Site, reply: Reply, code: str
) -> None:
    clip_id = old.clip(f"{site.url}/film.mp4")
    site.answer = lambda _: reply
    assert codes(run, "--allow-private") == {code}
    assert old.row(clip_id)["blob_name"] is None
    assert not any(services.blobs.pages(services.containers.clips).__next__())


@pytest.mark.usefixtures("impatient")
def test_interrupted_response_is_fetched_again(
    old: OldService, run: Command, services: AllServices, site: Site
) -> None:
    clip_id: UUID = old.clip(f"{site.url}/film.mp4")
    site.answer = lambda _: Reply(body=FILM, missing=7 if len(site.requests) < 2 else 0)
    assert codes(run, "--allow-private") == {"verified"}
    assert read(services, "clips", f"{old.video_id}/{clip_id}.mp4") == FILM


def test_untrusted_certificate_is_refused(
    old: OldService, run: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    old.clip(f"{site.url}/film.mp4")
    assert codes(run, "--allow-private") == {"download_failed"}
    assert site.requests == []
