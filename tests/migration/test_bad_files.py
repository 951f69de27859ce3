"""Files that cannot or must not be moved are listed, and affect no other file."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from clips.transfer.local_file import LocalFile
from tests.migration.conftest import Command, before_moving, read
from tests.migration.old_service import OldService
from tests.services import AllServices

DATA = b"some film" * 1000


def while_reading(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Does something after the first bytes of a file have been read."""
    read_into = LocalFile.read_into

    def acting(source: LocalFile, view: memoryview) -> int:
        length = read_into(source, view)
        act()
        return length

    monkeypatch.setattr(LocalFile, "read_into", acting)


def test_empty_file_fails_and_the_others_are_moved(old: OldService, run: Command) -> None:
    empty, good = old.clip_with_file(b""), old.clip_with_file(DATA)
    done = run()
    assert done.code == 1
    assert done.verdicts() == {f"{empty}.mp4": "empty_file", f"{good}.mp4": "verified"}
    assert old.row(empty)["blob_name"] is None
    assert done.deletable == [str(old.folder / f"{good}.mp4")]


def test_unreadable_file_fails(
    old: OldService, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, who can read everything, so the refusal is simulated."""
    clip_id = old.clip_with_file(DATA)
    opening = os.open

    def refusing(path: bytes, flags: int, *, dir_fd: int | None = None) -> int:
        if path == f"{clip_id}.mp4".encode():
            raise PermissionError(13, "Permission denied")
        return opening(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    done = run()
    line = done.of(f"{clip_id}.mp4")
    assert (done.code, line["code"]) == (1, "unreadable")
    assert line["detail"] == "The file cannot be read: Permission denied."


def test_file_deleted_after_the_plan_fails(
    old: OldService, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip_id = old.clip_with_file(DATA)
    before_moving(monkeypatch, (old.folder / f"{clip_id}.mp4").unlink)
    assert run().verdicts() == {f"{clip_id}.mp4": "vanished"}


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 10)


def rewrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


def replace(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(path.read_bytes())
    stat = path.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("size", [9000, 9 * 1024 * 1024], ids=["small", "in blocks"])
@pytest.mark.parametrize("change", [grow, shrink, rewrite, replace])
def test_file_that_changes_while_it_is_read_is_not_stored(
    old: OldService,
    run: Command,
    services: AllServices,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    size: int,
) -> None:
    clip_id = old.clip_with_file(os.urandom(size))
    path = old.folder / f"{clip_id}.mp4"
    while_reading(monkeypatch, lambda: change(path))
    done = run()
    assert (done.code, done.of(path.name)["code"]) == (1, "changed_while_read")
    assert not services.blobs.exists(services.containers.clips, f"{old.video_id}/{path.name}")
    assert old.row(clip_id)["blob_name"] is None


def test_duplicates_with_the_same_contents_become_one_clip(
    old: OldService, run: Command, services: AllServices
) -> None:
    clip_id = old.clip_with_file(DATA)
    old.file(f"other/{clip_id}.mov", DATA)
    done = run()
    assert done.verdicts() == {f"{clip_id}.mp4": "verified", f"other/{clip_id}.mov": "duplicate"}
    assert done.of(f"other/{clip_id}.mov")["duplicate_of"] == f"{clip_id}.mp4"
    assert len(done.deletable) == 2
    assert len(old.rows("SELECT id FROM clips")) == 1
    assert read(services, "clips", f"{old.video_id}/{clip_id}.mp4") == DATA
    assert run().receipt == done.receipt


def test_duplicates_with_different_contents_are_not_moved(old: OldService, run: Command) -> None:
    clip_id = old.clip_with_file(DATA)
    old.file(f"copy/{clip_id}.mp4", DATA + b".")
    done = run()
    assert set(done.verdicts().values()) == {"other_contents"}
    assert (done.code, done.deletable, old.row(clip_id)["blob_name"]) == (1, [], None)


def test_links_and_pipes_are_listed_and_not_opened(
    old: OldService, run: Command, tmp_path: Path
) -> None:
    linked, piped, good = old.clip(), old.clip(), old.clip_with_file(DATA)
    (tmp_path / "outside.mp4").write_bytes(DATA)
    (old.folder / f"{linked}.mp4").symlink_to(tmp_path / "outside.mp4")
    os.mkfifo(old.folder / f"{piped}.mp4")
    below = old.folder / "below"
    below.mkdir()
    (below / "loop").symlink_to(old.folder)
    (below / "self").symlink_to("self")
    done = run()
    assert done.verdicts() == {
        f"{linked}.mp4": "symlink",
        f"{piped}.mp4": "no_plain_file",
        f"{good}.mp4": "verified",
        "below/loop": "symlink",
        "below/self": "symlink",
        str(linked): "no_file",
        str(piped): "no_file",
    }
    assert done.code == 0


def test_files_replaced_by_links_or_pipes_after_the_plan_are_not_opened(
    old: OldService, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked, piped = old.clip_with_file(DATA), old.clip_with_file(DATA)
    inside = old.clip()
    old.file(f"folder/{inside}.mp4", DATA)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / f"{inside}.mp4").write_bytes(DATA)

    def swap() -> None:
        (old.folder / f"{linked}.mp4").unlink()
        (old.folder / f"{linked}.mp4").symlink_to(outside / f"{inside}.mp4")
        (old.folder / f"{piped}.mp4").unlink()
        os.mkfifo(old.folder / f"{piped}.mp4")
        (old.folder / "folder").rename(tmp_path / "gone")
        (old.folder / "folder").symlink_to(outside)

    before_moving(monkeypatch, swap)
    done = run()
    assert done.verdicts() == {
        f"{linked}.mp4": "unreadable",
        f"{piped}.mp4": "no_plain_file",
        f"folder/{inside}.mp4": "vanished",
    }


def test_files_with_unusual_names_are_moved_and_listed_under_them(
    old: OldService, run: Command, services: AllServices
) -> None:
    names = [b"\xff\xfe caf\xe9.mp4", b"x" * 251 + b".mp4", "日本語\n 😀.mp4".encode(), b"-rf.mp4"]
    for number, name in enumerate(names):
        (old.folder / os.fsdecode(name)).write_bytes(DATA + bytes([number]))
    clips = [
        old.clip("https://files.example.org/" + "".join(f"%{byte:02X}" for byte in name))
        for name in names
    ]
    done = run()
    assert done.code == 0
    found = {os.fsencode(line["path"]): line["clip_id"] for line in done.lines}
    assert found == {name: str(clip_id) for name, clip_id in zip(names, clips, strict=True)}
    assert sorted(map(os.fsencode, done.deletable)) == sorted(
        os.fsencode(old.folder) + b"/" + name for name in names
    )
    for number, clip_id in enumerate(clips):
        assert read(services, "clips", f"{old.video_id}/{clip_id}.mp4") == DATA + bytes([number])


def test_folder_too_deep_for_the_system_counts_as_failed(old: OldService, run: Command) -> None:
    clip_id = old.clip_with_file(DATA)
    here = os.open(old.folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    done = run()
    assert done.code == 1, "there may have been clips in it"
    assert "File name too long" in done.err
    assert "2/2 files" in done.err
    assert "1 failed" in done.err
    found = {line["verdict"]: line for line in done.lines}
    assert found["verified"]["path"] == f"{clip_id}.mp4"
    assert found["failed"]["code"] == "unreadable"
    assert found["failed"]["detail"] == "File name too long"


def test_file_name_cannot_control_the_terminal(old: OldService, run: Command) -> None:
    old.clip("s3://bucket/\x1b[2Jevil.mp4")
    old.file("\x1b[2Jevil.mp4", b"")
    done = run()
    assert done.code == 1
    assert "\x1b[2J" not in done.err
    assert "?[2Jevil.mp4: The file is empty." in done.err
