"""Migrations by the running app: started by a call, executed by a queue."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.e2e.app import App, Caller, wait_for
from tests.e2e.conftest import NewApp
from tests.e2e.test_bad_requests import places, problem
from tests.media import clips
from tests.migration.old_service import OldService

_numbers = itertools.count(1)

type Json = dict[str, Any]


@pytest.fixture(scope="module")
def small_film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A fifth of a second of 64x64, of which hundreds are processed quickly."""
    path: Path = tmp_path_factory.mktemp("small") / "film.mp4"
    return clips.make(path, clips.Clip(seconds=0.2, size=(64, 64))).read_bytes()


@pytest.fixture
def admin(app: App) -> Iterator[httpx.Client]:
    with app.client(f"mover-{next(_numbers)}", ["admin"]) as client:
        yield client


@pytest.fixture
def old(app: App) -> OldService:
    """An old service with a folder of its own on the share of all tests."""
    return OldService(app.environment["DATABASE_URL"], app.share / f"old-{next(_numbers)}")


def start(admin: httpx.Client, folder: str = "", **parameters: str | int) -> Json:
    answer = admin.post("/migrate-clips", params={"local_clips_dir": folder, **parameters})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    begun: Json = answer.json()
    assert answer.headers["Location"] == f"/api/migrations/{begun['id']}"
    return begun


def look(admin: httpx.Client, begun: Json) -> Json:
    answer = admin.get(f"/migrations/{begun['id']}")
    assert answer.status_code == httpx.codes.OK, answer.text
    found: Json = answer.json()
    return found


def until(admin: httpx.Client, begun: Json, reached: Callable[[Json], bool]) -> Json:
    def seen() -> Json | None:
        found = look(admin, begun)
        return found if reached(found) else None

    return wait_for(seen, "a migration")


def ended(admin: httpx.Client, begun: Json) -> Json:
    return until(admin, begun, lambda found: found["status"] != "running")


def counts(found: Json) -> tuple[int, ...]:
    return tuple(found[name] for name in ("total", "migrated", "skipped", "failed"))


def ready(old: OldService) -> int:
    (row,) = old.rows(
        "SELECT count(*) AS n FROM clips WHERE video_id = %s AND status = 'ready'", old.video_id
    )
    return int(str(row["n"]))


def test_clips_of_several_batches_are_migrated(
    app: App, admin: httpx.Client, old: OldService, small_film: bytes
) -> None:
    """The response is immediate; the counts grow; the trigger makes each clip ready."""
    moved = [old.clip_with_file(small_film) for _ in range(24)]
    begun = start(admin, old.folder.name, batch_size=4)
    assert (begun["status"], begun["finished_at"]) == ("running", None)
    part = until(admin, begun, lambda found: found["migrated"] > 0)
    assert (part["status"], part["total"]) == ("running", 24)
    done = ended(admin, begun)
    assert (done["status"], counts(done), done["failures"]) == ("done", (24, 24, 0, 0), [])
    assert done["finished_at"] > done["created_at"]
    stored = app.blobs()
    assert {f"clips/{old.video_id}/{clip_id}.mp4" for clip_id in moved} <= stored
    wait_for(lambda: ready(old) == 24 or None, "all clips to be ready")
    (clip,) = admin.get(f"/videos/{old.video_id}/clips?as=admin&limit=1").json()
    assert (clip["status"], clip["media"]["video"]["codec"]) == ("ready", "h264")
    assert (clip["start_time"], clip["end_time"], clip["view_count"]) == (1, 5, 0)

    again = ended(admin, start(admin, old.folder.name))
    assert again["id"] != begun["id"]
    assert counts(again) == (24, 0, 24, 0)


def test_migration_survives_a_killed_host(new_app: NewApp, small_film: bytes) -> None:
    """Another host continues: every clip is migrated once and completely."""
    app = new_app()
    old = OldService(app.environment["DATABASE_URL"], app.share)
    moved = [old.clip_with_file(small_film) for _ in range(20)]
    with app.client("root", ["admin"]) as admin:
        with app.running(lease_seconds=3) as host:
            begun = start(admin, batch_size=2)
            until(admin, begun, lambda found: found["migrated"] >= 4)
            host.child.process.kill()
            host.child.process.wait()
        with app.running():
            assert look(admin, begun)["status"] == "running"
            done = ended(admin, begun)
            assert (done["status"], counts(done)) == ("done", (20, 20, 0, 0))
            wait_for(lambda: ready(old) == 20 or None, "all clips to be ready")
    stored = {name for name in app.blobs() if name.startswith("clips/")}
    assert stored == {f"clips/{old.video_id}/{clip_id}.mp4" for clip_id in moved}
    names = [row["blob_name"] for row in old.rows("SELECT blob_name FROM clips")]
    assert len(names) == len(set(names)) == 20


def test_audit_log_records_who_started_a_migration(app: App, old: OldService) -> None:
    """With the requested folder, refused or not, and the id of the migration."""
    with app.client("root of migrations", ["admin"]) as admin:
        asked = f"missing' {old.folder.name}"
        assert admin.post("/migrate-clips", params={"local_clips_dir": asked}).status_code == 400
        begun = start(admin, old.folder.name, batch_size=7)
    who = "INFO clips.audit: Admin 'root of migrations' calls POST /api/migrate-clips with"
    wait_for(lambda: begun["id"] in app.log or None, "the line in the log")
    for folder, size in ((asked, 10), (old.folder.name, 7)):
        assert f"{who} { {'local_clips_dir': folder, 'batch_size': size} }\n" in app.log
    assert f"migration {begun['id']} of {old.folder.name.encode()!r} is running\n" in app.log


def test_failures_are_reported_with_clip_file_and_reason(
    admin: httpx.Client, old: OldService, small_film: bytes
) -> None:
    """Files without a clip and clips without a file are listed too, and are no failures."""
    good, empty = old.clip_with_file(small_film), old.clip_with_file(b"")
    old.file(b"\xff.mp4", small_film)
    missing = old.clip()
    done = ended(admin, start(admin, str(old.folder)))
    assert (done["status"], counts(done)) == ("done", (2, 1, 0, 1))
    assert done["failures"] == [
        {
            "clip_id": str(empty),
            "code": "empty_file",
            "detail": f"{empty}.mp4: The file is empty.",
        }
    ]
    assert [(file["path"], file["code"]) for file in done["unmatched"]] == [
        ("\\xff.mp4", "no_clip")
    ]
    assert str(missing) in done["no_file"]
    assert not {str(good), str(empty)} & set(done["no_file"])


@pytest.mark.parametrize(
    "folder", ["..", "../..", "/", "/etc", "link", "link/deeper", "missing", "{share}-too"]
)
def test_folders_outside_the_share_are_refused(app: App, admin: httpx.Client, folder: str) -> None:
    """By `..`, an absolute path or a link; and folders that do not exist."""
    outside = app.share.parent / "share-too"
    (outside / "deeper").mkdir(parents=True, exist_ok=True)
    link = app.share / "link"
    if not link.is_symlink():
        link.symlink_to(outside)
    wanted = folder.replace("{share}", str(app.share))
    answer = admin.post("/migrate-clips", params={"local_clips_dir": wanted})
    assert places(problem(answer, 400, "invalid_request")) == {"local_clips_dir"}


@pytest.mark.parametrize("size", ["0", "51", "-1", "many", "1.5"])
def test_batch_has_one_to_fifty_files(admin: httpx.Client, size: str) -> None:
    answer = admin.post("/migrate-clips", params={"batch_size": size})
    assert places(problem(answer, 400, "invalid_request")) == {"batch_size"}


def test_migrations_require_the_admin_role(app: App, alice: Caller) -> None:
    problem(alice.http.post("/migrate-clips"), 403, "missing_role")
    problem(alice.http.get(f"/migrations/{uuid4()}"), 403, "missing_role")
    with app.client(None) as anonymous:
        problem(anonymous.post("/migrate-clips"), 401, "missing_token")


def test_unknown_migration_is_not_found(admin: httpx.Client) -> None:
    problem(admin.get(f"/migrations/{UUID(int=0)}"), 404, "not_found")
    assert places(problem(admin.get("/migrations/one"), 400, "invalid_request")) == {"migration_id"}


def test_migrations_require_a_share(new_app: NewApp) -> None:
    """The error names the setting."""
    app = new_app(MIGRATION_ROOT="")
    with app.running(), app.client("root", ["admin"]) as admin:
        refused = problem(admin.post("/migrate-clips"), 409, "wrong_state")
    assert "MIGRATION_ROOT" in refused["detail"]
