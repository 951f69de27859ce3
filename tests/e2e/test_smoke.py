"""The script that tries a deployment out, against an app that runs."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import smoke
from tests.e2e.app import App
from tests.servers import Reply, refusing, serving


@pytest.fixture
def film_file(film: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(film)
    return path


def api(app: App) -> str:
    return f"http://127.0.0.1:{app.port}/api"


def run(
    monkeypatch: pytest.MonkeyPatch, address: str, token: str, film: Path, timeout: int = 60
) -> int:
    monkeypatch.setattr(smoke, "_PAUSE", 0.05)
    monkeypatch.setenv("CLIPLINK_TOKEN", token)
    return smoke.main([address, str(film), "--timeout", str(timeout)])


def test_smoke_test_passes_and_removes_what_it_made(
    app: App,
    film_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, api(app), app.issuer.token("smoke"), film_file) == 0
    said = capsys.readouterr()
    assert said.out.endswith("ok: all steps\n")
    assert said.err == ""
    with app.client("smoke") as client:
        assert client.get("/videos").json() == []


def test_cached_clip_at_a_cdn_is_accepted(
    app: App, film_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps an object under the whole of its link, also after the object's end."""
    kept: dict[str, smoke.Reply] = {}
    origin = smoke.Smoke._request

    def through_cdn(
        method: str, url: str, headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> smoke.Reply:
        if method == "GET" and url in kept:
            return kept[url]
        reply = origin(method, url, headers, data)
        if method == "GET" and "sig=" in url and reply.status < 300:
            kept[url] = reply
        return reply

    monkeypatch.setattr(smoke.Smoke, "_request", staticmethod(through_cdn))
    assert run(monkeypatch, api(app), app.issuer.token("smoke-cdn"), film_file) == 0
    assert kept


def test_output_holds_no_link_and_no_token(
    app: App,
    film_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    token = app.issuer.token("smoke-quiet")
    run(monkeypatch, api(app), token, film_file)
    said = capsys.readouterr()
    assert token not in said.out + said.err
    assert "sig=" not in said.out + said.err


def test_invalid_token_fails(
    app: App,
    film_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, api(app), "no.such.token", film_file) == 1
    assert "POST" in capsys.readouterr().err


def test_clip_that_cannot_be_processed_fails_and_is_removed(
    app: App,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    assert run(monkeypatch, api(app), app.issuer.token("smoke-broken"), broken) == 1
    assert "the clip is failed" in capsys.readouterr().err
    with app.client("smoke-broken") as client:
        assert client.get("/videos").json() == []


def test_unhealthy_app_fails(
    film_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(lambda _: Reply(503)) as unwell:
        assert run(monkeypatch, f"{unwell.url}/api", "token", film_file, timeout=0) == 1
    assert "GET /health to answer 200; last result: it answered 503" in capsys.readouterr().err


def test_smoke_waits_for_an_address_that_does_not_exist_yet(
    film_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new deployment's name, or the certificate for it, takes a while."""
    with refusing() as port:
        address = f"http://127.0.0.1:{port}/api"
        assert run(monkeypatch, address, "token", film_file, timeout=0) == 1
        said = capsys.readouterr().err
        assert "waited 0 s for GET /health" in said
        assert "refused" in said


def test_missing_token_ends_the_script_at_once(
    film_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CLIPLINK_TOKEN", raising=False)
    with pytest.raises(SystemExit):
        smoke.main(["https://nowhere.localhost/api", str(film_file)])
    assert "CLIPLINK_TOKEN" in capsys.readouterr().err
