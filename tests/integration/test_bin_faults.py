"""After any death, fault or interruption, bytes are where their row says, and only once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from threading import Barrier

import pytest

from shared.catalogue.bin.deletion_queries import Deletions
from shared.errors import (
    BlobHeld,
    CliplinkError,
    DatabaseUnavailable,
    GoneForGood,
    NotFound,
    StorageUnavailable,
)
from shared.model.clip import Clip
from shared.storage.sdk.blobs import Blobs
from tests.integration import faults
from tests.integration.faults import Death, Requests
from tests.integration.library import Library

# No film: the ingest finds out within milliseconds, and the bin does not care.
DATA = b"no film at all"


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    return faults.watch(monkeypatch)


type Fault = Callable[[], BaseException]


@dataclass(frozen=True)
class Case:
    """A clip with an image, a call that moves it, and its places before and after."""

    prepare: Callable[[Library, Clip], object]
    act: Callable[[Library, Clip], object]
    begins: str
    ends: str


@dataclass(frozen=True)
class Round:
    """The result of a clip; `is_over` if the call had finished its requests before the fault."""

    state: str
    is_over: bool
    seen: list[str]


def _nothing(_library: Library, _clip: Clip) -> None:
    """Does nothing: the clip stays as it landed."""


def _delete(library: Library, clip: Clip) -> None:
    library.services.bin.delete_clip(library.viewer, clip.id)


def _delete_permanently(library: Library, clip: Clip) -> None:
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)


def _restore(library: Library, clip: Clip) -> None:
    library.services.bin.restore_clip(library.viewer, clip.id)


def _delete_video(library: Library, _clip: Clip) -> None:
    library.services.bin.delete_video(library.viewer, library.video.id)
    library.work_off()


def _restore_video(library: Library, _clip: Clip) -> None:
    library.services.bin.restore_video(library.viewer, library.video.id)
    library.work_off()


def _purge_video(library: Library, _clip: Clip) -> None:
    library.services.bin.delete_video(library.viewer, library.video.id, permanent=True)
    library.work_off()


CASES = {
    "delete": Case(_nothing, _delete, "visible", "in bin"),
    "delete permanently": Case(_nothing, _delete_permanently, "visible", "gone"),
    "delete permanently out of the bin": Case(_delete, _delete_permanently, "in bin", "gone"),
    "restore": Case(_delete, _restore, "in bin", "visible"),
    "delete video": Case(_nothing, _delete_video, "visible", "in bin"),
    "restore video": Case(_delete_video, _restore_video, "in bin", "visible"),
    "purge video": Case(_delete_video, _purge_video, "in bin", "gone"),
}


def landed(library: Library) -> Clip:
    """A clip whose bytes are stored, and perhaps processed."""
    clip = library.announce()
    library.upload(str(clip.blob_name), DATA)
    library.upload(f"{clip.video_id}/{clip.id}_thumbnail.png", b"old", kind="thumbnails")
    library.upload(f"{clip.video_id}.mp4", DATA, kind="videos")
    return clip


def check(library: Library, clip: Clip) -> str:
    """The place of a clip after all work; fails if its bytes are missing, or stored twice."""
    row = library.services.database.one(
        """SELECT c.deleted_at IS NULL AND v.deleted_at IS NULL AS visible, c.bin_etag,
                  c.next_try_at, v.next_try_at AS next_try_of_video
           FROM clips c JOIN videos v ON v.id = c.video_id WHERE c.id = %(id)s""",
        {"id": clip.id},
    )
    stored = {kind for kind in ("clips", "bin") if library.read(kind, str(clip.blob_name)) == DATA}
    old = f"{clip.video_id}/{clip.id}_thumbnail.png"
    images = {kind for kind in ("thumbnails", "bin") if library.read(kind, old) is not None}
    if row is None:
        assert (stored, images) == (set(), set())
        return "gone"
    assert (row["next_try_at"], row["next_try_of_video"]) == (None, None)
    if row["visible"]:
        assert (stored, images, row["bin_etag"]) == ({"clips"}, {"thumbnails"}, None)
        return "visible"
    assert (stored, images) == ({"bin"}, {"bin"})
    assert row["bin_etag"] is not None
    return "in bin"


def settle(library: Library) -> None:
    """Finishes all work of the cleanup, the queue and the blob trigger."""
    for _ in range(4):
        library.make_due()
        library.work_off()
        # What other rounds left behind is settled already.
        for page in library.services.blobs.pages(library.containers.clips, str(library.video.id)):
            for blob in page:
                library.services.ingest.landed(blob.name)
        if not is_due(library):
            break


def is_due(library: Library) -> bool:
    row = library.services.database.one(
        """SELECT 1 FROM videos v LEFT JOIN clips c ON c.video_id = v.id
           WHERE v.id = %(id)s AND (v.next_try_at IS NOT NULL OR c.next_try_at IS NOT NULL
                 OR (c.deleted_at IS NOT NULL AND c.purge_at IS NULL)
                 OR (v.deleted_at IS NOT NULL AND v.purge_at IS NULL))""",
        {"id": library.video.id},
    )
    return row is not None


def round_of(library: Library, case: Case, requests: Requests, fault: Fault, at: int) -> Round:
    """Calls on a new clip in a new video, with a fault at one request; returns the result."""
    library.__post_init__()
    clip = landed(library)
    case.prepare(library, clip)
    assert check(library, clip) == case.begins
    requests.arm(at, fault)
    with suppress(Death, CliplinkError, ZeroDivisionError):
        case.act(library, clip)
    is_over, seen = requests.count < at, list(requests.seen)
    requests.disarm()
    settle(library)
    return Round(check(library, clip), is_over, seen)


@pytest.mark.parametrize("name", CASES)
def test_death_at_any_request_loses_nothing(
    library: Library, requests: Requests, name: str
) -> None:
    case = CASES[name]
    for at in count(1):
        done = round_of(library, case, requests, Death, at)
        assert done.state in {case.begins, case.ends}, done.seen
        if done.is_over:
            break
    assert done.state == case.ends
    assert at > 3, "some requests were made"


@pytest.mark.parametrize("restores", ["clip", "video", "nothing"])
def test_copy_that_no_row_knows_of_does_not_stay(
    library: Library, monkeypatch: pytest.MonkeyPatch, restores: str
) -> None:
    """A worker dies after it made the copy in the bin and before it recorded the copy."""
    clip = landed(library)
    name = str(clip.blob_name)

    def die(*_: object) -> bool:
        raise Death

    with monkeypatch.context() as patch, suppress(Death):
        patch.setattr(Deletions, "note_in_bin", die)
        (_delete_video if restores == "video" else _delete)(library, clip)
    assert library.blobs("bin") >= {name}
    if restores == "nothing":  # and another tool removes the original: the copy is all there is
        library.services.blobs.delete(library.containers.clips, name)
        settle(library)
        assert check(library, clip) == "in bin"
        _restore(library, clip)
    elif restores == "video":
        _restore_video(library, clip)
    else:
        _restore(library, clip)
    settle(library)
    assert check(library, clip) == "visible"


@pytest.mark.parametrize("original", ["in place", "gone"])
def test_copy_that_came_after_a_restore_is_found(library: Library, original: str) -> None:
    """A late worker made a copy, and died before it could remove the copy."""
    clip, other, binned = landed(library), landed(library), landed(library)
    name = str(clip.blob_name)
    library.services.ingest.landed(name)
    library.upload(name, DATA, kind="bin")
    _delete(library, binned)
    if original == "gone":
        library.services.blobs.delete(library.containers.clips, name)
    part, sweep = name[:2], library.services.sweep
    assert sweep.wake_owners_of_copies("zz") == 0
    assert sweep.wake_owners_of_copies(part) == 1
    settle(library)
    assert [check(library, c) for c in (clip, other, binned)] == ["visible", "visible", "in bin"]
    assert sweep.wake_owners_of_copies(part) == 0


def test_copy_of_a_clip_whose_name_has_the_id_of_another_stays(library: Library) -> None:
    clip = landed(library)
    name = f"{clip.video_id}/{clip.id}.mov"
    library.upload(name, DATA)
    library.services.ingest.landed(name)
    (other,) = [c for c in library.clips() if c.blob_name == name]
    _delete(library, other)
    assert library.services.sweep.wake_owners_of_copies(name[:2]) == 0
    settle(library)
    assert library.read("bin", f"{clip.video_id}/{other.id}.mov") == DATA
    assert check(library, clip) == "visible"


FAULTS: dict[str, Fault] = {
    "storage": lambda: StorageUnavailable("503, 429 or silence"),
    "database": lambda: DatabaseUnavailable("restarted, or read-only"),
    "hold": lambda: BlobHeld("409 of a legal hold"),
    "bug": ZeroDivisionError,
}


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", ["delete", "restore"])
def test_error_at_any_request_loses_nothing(
    library: Library, requests: Requests, name: str, kind: str
) -> None:
    case = CASES[name]
    for at in count(1, step=2):
        done = round_of(library, case, requests, FAULTS[kind], at)
        assert done.state in {case.begins, case.ends}, done.seen
        if done.is_over:
            break
    assert done.state == case.ends


@pytest.mark.parametrize("other", ["delete", "delete permanently", "restore"])
def test_one_of_two_simultaneous_calls_wins(library: Library, other: str) -> None:
    """A restore and another call on a clip in the bin, many times."""
    for _ in range(6):
        clip = landed(library)
        _delete(library, clip)
        barrier = Barrier(2)

        def call(act: Callable[[Library, Clip], object]) -> str:
            barrier.wait()  # noqa: B023 - called within the same round
            try:
                act(library, clip)  # noqa: B023 - the same
            except (NotFound, GoneForGood, CliplinkError) as error:
                return error.code
            return "done"

        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(call, [_restore, CASES[other].act]))
        settle(library)
        state = check(library, clip)
        if other == "restore":
            assert (outcomes, state) == (["done", "done"], "visible")
        elif state == "gone":
            assert outcomes[1] == "done"
        elif state == "visible":
            assert outcomes[0] == "done"
        if state != "gone":
            _delete_permanently(library, clip)


def test_purge_beats_a_restore_that_comes_later(library: Library) -> None:
    clip = landed(library)
    _delete(library, clip)
    library.services.bin.empty(library.viewer)
    with pytest.raises(GoneForGood):
        _restore(library, clip)
    settle(library)
    assert check(library, clip) == "gone"


def test_restore_while_the_bytes_are_moved_wins(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restore comes after the change of the row and before the deletion of the original."""
    clip = landed(library)
    delete = Blobs.delete_version
    interfered: list[bool] = []

    def restored_meanwhile(self: Blobs, container: str, version: object) -> bool:
        if not interfered:
            interfered.append(True)
            _restore(library, clip)
        return delete(self, container, version)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(Blobs, "delete_version", restored_meanwhile)
    _delete(library, clip)
    settle(library)
    assert check(library, clip) == "visible"


@pytest.mark.parametrize("permanent", [False, True])
@pytest.mark.parametrize("number", [0, 2])
def test_deletion_asks_a_silent_storage_no_more_than_once(
    library: Library,
    requests: Requests,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    permanent: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Each request would make the caller wait for another time-out; the cleanup does the rest."""
    clips = [library.announce() for _ in range(number)]
    asked: list[str] = []

    def answer_nothing(what: str) -> None:
        if what.startswith("storage."):
            asked.append(what)
            raise StorageUnavailable("Silent.")

    monkeypatch.setattr(requests, "pass_", answer_nothing)
    service = library.services.bin
    if clips:
        service.delete_clips(library.viewer, [clip.id for clip in clips], permanent=permanent)
    else:
        service.delete_video(library.viewer, library.video.id, permanent=permanent)
    assert "storage.send_message" not in asked
    assert len(asked) <= max(number, 4 if permanent else 1)
