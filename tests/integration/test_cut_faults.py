"""Cuts while storage fails, sources change and workers die: always one complete clip."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from azure.storage.blob import ContainerClient, LinearRetry, StandardBlobTier

from local import azurite
from shared import blob_names
from shared.errors import CliplinkError
from shared.media.cutting.by_index import mp4_selection
from shared.media.cutting.by_index.mp4_index import Movie, Track
from shared.model.clip import Clip, ClipStatus, ShownClip
from shared.model.cut_method import Accuracy
from shared.model.cutting import CutDraft
from shared.model.user import User, Viewer
from shared.postgres.database import Database
from shared.settings import from_mapping
from shared.storage.rest import RestClient, RetryPolicy
from shared.storage.sdk import account
from tests.integration.dying import kill_at
from tests.media.clips import make
from tests.media.counted import counted, shown
from tests.migration.flaky import Fault, Line, line_to
from tests.services import AllServices, compose_all

START, END = 3.3, 5.0
SHOWN = list(range(50, 125))
# More than any cut here makes.
MOST_STEPS = 60
FILMS = {
    "film.mp4": counted(codec_options={"preset": "fast", "bf": "2"}),
    "film.mkv": counted(codec_options={"preset": "fast", "bf": "2"}),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("films")
    return {name: make(folder / name, film).read_bytes() for name, film in FILMS.items()}


@dataclass
class Bench:
    """A video with a source, and services whose connection to storage can fail."""

    services: AllServices
    line: Line
    films: dict[str, bytes]
    folder: Path
    viewer: Viewer
    video_id: UUID
    source: str = ""

    def upload(self, name: str) -> None:
        data = self.films[name]
        self.source = blob_names.source_blob(self.video_id, Path(name).suffix)
        self.services.sources.announce(self.viewer, self.video_id, name, None)
        self.put(data)
        _again_after_errors(partial(self.services.source_ingest.landed, self.source))

    def put(self, data: bytes) -> None:
        container = self.services.containers.videos
        self.services.blobs.put(container, self.source, data, "video/mp4", replace=True)

    def restore(self, name: str) -> None:
        """Resets the source to its state after the upload, except for its images."""
        self.put(self.films[name])
        etag = self.services.blobs.get(self.services.containers.videos, self.source).etag
        ready = "UPDATE sources SET status = 'ready', etag = %(etag)s"
        self.services.database.run(ready, {"etag": etag})

    def cut(self, client_id: str | None = None) -> ShownClip | CliplinkError:
        draft = CutDraft(start=START, end=END, client_id=client_id)
        (answer,) = self.services.cutting.cut(
            self.viewer, self.video_id, None, Accuracy.KEYFRAME, [draft]
        )
        return answer

    def queued(self) -> UUID:
        """A cut that a call left to the queue during an outage of storage."""
        self.line.choose = lambda *_: Fault.BUSY
        answer = self.cut()
        self.line.choose = lambda *_: None
        assert isinstance(answer, ShownClip)
        assert answer.clip.status is ClipStatus.PROCESSING
        return answer.clip.id

    def deliver(self, clip_id: UUID) -> None:
        """Delivers a message as the host does: again after an error."""
        _again_after_errors(lambda: self.services.cut_worker.work(clip_id))

    def land(self) -> None:
        """Processes the events of all blobs of clips."""
        for name in self.stored():
            _again_after_errors(partial(self.services.ingest.landed, name))

    def settle(self) -> None:
        """Ends the leases and runs the cleanup, which sends messages again."""
        self.services.database.run(
            "UPDATE cuts SET leased_until = now() - interval '1 hour', "
            "created_at = now() - interval '1 hour' WHERE finished_at IS NULL",
            {},
        )
        self.services.cut_worker.resume()
        for clip in self.clips():
            self.deliver(clip.id)

    def clips(self) -> list[Clip]:
        listed = self.services.library.list_clips(self.viewer, self.video_id, 1000, None, None)
        return [shown_clip.clip for shown_clip in listed]

    def stored(self, *, uncommitted: bool = False) -> set[str]:
        """The blobs of clips, including those with only uncommitted blocks."""
        container: ContainerClient = self.services.account.client.get_container_client(
            self.services.containers.clips
        )
        include = ["uncommittedblobs"] if uncommitted else []
        return {str(blob.name) for blob in container.list_blobs(include=include)}

    def numbers(self, clip: Clip) -> list[int]:
        assert clip.blob_name is not None
        blob = self.services.blobs.get(self.services.containers.clips, clip.blob_name)
        path = self.folder / "cut.mp4"
        path.write_bytes(
            self.services.blobs.reader(self.services.containers.clips, blob).read(0, blob.size)
        )
        return shown(path).numbers

    def assert_whole(self) -> None:
        """Fails unless storage has only one clip, with its own frames, and its cut is finished."""
        (clip,) = self.clips()
        assert (clip.start_time, clip.end_time) == (2, 5)
        assert self.stored(uncommitted=True) == {clip.blob_name}
        assert self.numbers(clip) == SHOWN
        assert self.services.database.all("SELECT 1 FROM cuts WHERE finished_at IS NULL", {}) == []

    def forget_clips(self) -> None:
        for clip in self.clips():
            self.services.bin.delete_clip(self.viewer, clip.id, permanent=True)


def _again_after_errors(call: Callable[[], None]) -> None:
    """No client repeats its requests here, and the emulator closes connections that are idle."""
    for _ in range(3):
        try:
            call()
        except CliplinkError:
            continue
        return


@pytest.fixture
def bench(
    environment: dict[str, str],
    azurite_account: azurite.Account,
    films: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    # Ingest has tests of its own.
    monkeypatch.setattr("clips.cutting.cuts._PROCESSING_SECONDS", -1.0)
    once = RetryPolicy(attempts=1, timeout=5.0)
    for name in ("RETRY_FOR_SECONDS", "RETRY_FOR_MINUTES"):
        monkeypatch.setattr(f"clips.compose.cutting_services.{name}", once)
    retries = LinearRetry(backoff=0, random_jitter_range=0, retry_total=0)
    monkeypatch.setitem(account._CLIENT_OPTIONS, "retry_policy", retries)
    with line_to(azurite_account.blob_port) as line:
        name = "AZURE_STORAGE_CONNECTION_STRING"
        detour = environment[name].replace(f":{azurite_account.blob_port}/", f":{line.port}/")
        services = compose_all(from_mapping(environment | {name: detour}))
        with services.database:
            user_id = services.users.id_of("cutter", None)
            user = User(user_id, "cutter", frozenset())
            video_id = services.library.create_video(user, "Match", None).id
            yield Bench(services, line, films, tmp_path, Viewer(user_id), video_id)


MIXED = [Fault.INTERNAL, Fault.HALF, Fault.BUSY, Fault.CUT, Fault.CONFLICT, Fault.THROTTLED]


@pytest.mark.parametrize(
    ("faults", "name"),
    [([Fault.LOST], "film.mp4"), (MIXED, "film.mp4"), (MIXED[::-1], "film.mkv")],
    ids=["lost-mp4", "mixed-mp4", "mixed-mkv"],
)
def test_worker_survives_a_fault_at_any_request(
    bench: Bench, faults: list[Fault], name: str
) -> None:
    """One request fails each time; tests of the clients cover the kinds of faults."""
    bench.upload(name)
    clip_id, failed = bench.queued(), 0
    for struck in range(MOST_STEPS):
        first, fault = len(bench.line.requests), faults[struck % len(faults)]
        bench.line.choose = lambda number, *_, at=first + struck, fault=fault: (
            fault if number == at else None
        )
        bench.deliver(clip_id)
        if len(bench.line.requests) <= first + struck:
            break
        failed += 1
        bench.line.choose = lambda *_: None
        bench.assert_whole()
        bench.forget_clips()
        clip_id = bench.queued()
    assert failed >= 5


@pytest.mark.parametrize("fault", [Fault.INTERNAL, Fault.LOST])
def test_call_survives_a_fault_at_any_request(bench: Bench, fault: Fault) -> None:
    """The caller repeats a call that failed, under the same name."""
    bench.upload("film.mp4")
    failed = 0
    for struck in range(12):  # the cut, and the beginning of ingest
        first = len(bench.line.requests)
        bench.line.choose = lambda number, *_, at=first + struck: fault if number == at else None
        answer = bench.cut("goal")
        if len(bench.line.requests) <= first + struck:
            break
        failed += 1
        bench.line.choose = lambda *_: None
        again = bench.cut("goal")
        assert isinstance(answer, ShownClip)
        assert isinstance(again, ShownClip)
        assert again.clip.id == answer.clip.id
        bench.settle()
        bench.assert_whole()
        bench.forget_clips()
    assert failed >= 5


@pytest.mark.parametrize("name", FILMS)
def test_storage_that_fails_within_a_call_loses_no_clip(bench: Bench, name: str) -> None:
    """Finished clips stay, and the queue cuts the others."""
    bench.upload(name)
    first = len(bench.line.requests)
    bench.line.choose = lambda number, *_: Fault.BUSY if number >= first + 22 else None
    drafts = [CutDraft(start=START, end=END) for _ in range(8)]
    answers = bench.services.cutting.cut(
        bench.viewer, bench.video_id, None, Accuracy.KEYFRAME, drafts
    )
    bench.line.choose = lambda *_: None
    ids = {answer.clip.id for answer in answers if isinstance(answer, ShownClip)}
    assert ids == {clip.id for clip in bench.clips()}
    assert len(ids) == len(drafts)
    assert 0 < len(bench.stored()) < len(drafts)
    bench.settle()
    assert bench.stored(uncommitted=True) == {clip.blob_name for clip in bench.clips()}
    assert [bench.numbers(clip) for clip in bench.clips()] == [SHOWN] * len(drafts)


def overwrite(bench: Bench) -> None:
    bench.put(bench.films["film.mkv"])


def delete(bench: Bench) -> None:
    bench.services.blobs.delete(bench.services.containers.videos, bench.source)


def archive(bench: Bench) -> None:
    bench.services.account.client.get_blob_client(
        bench.services.containers.videos, bench.source
    ).set_standard_blob_tier(StandardBlobTier.ARCHIVE)


@pytest.mark.parametrize(
    ("change", "code"),
    [(overwrite, "source_changed"), (delete, "source_changed"), (archive, "blob_archived")],
)
def test_source_that_changes_at_any_request_gives_a_whole_clip_or_a_failure(
    bench: Bench, change: Callable[[Bench], None], code: str
) -> None:
    bench.upload("film.mp4")
    outcomes = set()
    for struck in range(MOST_STEPS):
        clip_id = bench.queued()
        first, done = len(bench.line.requests), False

        def choose(number: int, *_: object, at: int = first + struck) -> None:
            nonlocal done
            if number == at and not done:
                done = True
                change(bench)

        bench.line.choose = choose
        bench.deliver(clip_id)
        bench.line.choose = lambda *_: None
        (clip,) = bench.clips()
        if clip.status is ClipStatus.FAILED:
            assert clip.failure is not None
            assert clip.failure.code == code
            assert bench.stored() == set()
            outcomes.add(clip.failure.code)
        else:
            bench.settle()
            bench.assert_whole()
            outcomes.add("whole")
        if not done:
            break
        bench.forget_clips()
        delete(bench)
        bench.restore("film.mp4")
    assert outcomes == {"whole", code}


class Killed(BaseException):
    """The process has ended: no code of the app may catch it."""


CALLS: list[tuple[type, str]] = [
    (RestClient, "send"),
    *((Database, name) for name in ("one", "one_as", "all", "run", "transaction")),
]


@contextmanager
def dying(step: int) -> Iterator[Callable[[], bool]]:
    """The process dies at a step: before a call to storage or the database, or right after it."""
    steps = 0

    def advance() -> None:
        nonlocal steps
        if steps >= step:
            raise Killed
        steps += 1

    def mortal(call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def wrapper(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any call's
            advance()
            result = call(*arguments, **named)
            advance()
            return result

        return wrapper

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in CALLS:
            patch.setattr(owner, name, mortal(getattr(owner, name)))
        yield lambda: steps >= step


@pytest.mark.parametrize("name", FILMS)
def test_worker_may_die_at_any_step(bench: Bench, name: str) -> None:
    """It dies before each call: nothing happens between two calls."""
    bench.upload(name)
    for step in range(0, MOST_STEPS, 2):
        clip_id = bench.queued()
        with dying(step) as has_died:
            with suppress(Killed):
                bench.services.cut_worker.work(clip_id)
            died = has_died()
        bench.settle()
        bench.assert_whole()
        if not died:
            break
        bench.forget_clips()
    assert 10 < step < MOST_STEPS - 1


def test_killed_worker_leaves_nothing_but_work_to_do(
    bench: Bench, environment: dict[str, str]
) -> None:
    """It is killed after its blocks are staged and before they are committed."""
    bench.upload("film.mp4")
    clip_id = bench.queued()
    kill_at(environment, "cut_worker", clip_id, 3)
    assert bench.stored() == set()
    assert bench.stored(uncommitted=True) != set()
    bench.deliver(clip_id)  # the lease of the dead one still holds
    assert bench.stored() == set()
    bench.settle()
    bench.assert_whole()


def test_call_may_die_at_any_step(bench: Bench) -> None:
    bench.upload("film.mp4")
    for step in range(0, MOST_STEPS, 2):
        died = False
        with dying(step):
            try:
                bench.cut("goal")
            except Killed:
                died = True
        assert isinstance(bench.cut("goal"), ShownClip)
        bench.settle()
        bench.assert_whole()
        if not died:
            break
        bench.forget_clips()
    assert step > 10


def test_messages_may_come_twice_late_and_for_nothing(bench: Bench) -> None:
    bench.upload("film.mp4")
    clip_id = bench.queued()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(bench.services.cut_worker.work, [clip_id] * 3))
    bench.settle()
    bench.assert_whole()
    etag = {blob.etag for page in bench.services.blobs.pages(bench.services.containers.clips)
            for blob in page}  # fmt: skip
    bench.services.cut_worker.work(clip_id)
    bench.services.cut_worker.work(uuid4())
    bench.settle()
    assert etag == {blob.etag for page in bench.services.blobs.pages(
        bench.services.containers.clips) for blob in page}  # fmt: skip
    bench.forget_clips()
    bench.services.cut_worker.work(clip_id)
    assert bench.stored(uncommitted=True) == set()


def test_clip_that_is_deleted_while_it_is_cut_leaves_nothing(bench: Bench) -> None:
    bench.upload("film.mp4")
    for struck in range(MOST_STEPS):
        clip_id = bench.queued()
        first, done = len(bench.line.requests), False

        def choose(
            number: int, *_: object, at: int = first + struck, clip_id: UUID = clip_id
        ) -> None:
            nonlocal done
            if number >= at and not done:
                done = True
                bench.services.bin.delete_clip(bench.viewer, clip_id, permanent=True)

        bench.line.choose = choose
        bench.deliver(clip_id)
        bench.line.choose = lambda *_: None
        if not done:
            break
        bench.land()  # which removes what came too late
        assert (bench.clips(), bench.stored()) == ([], set())
    assert struck > 5


def sound_only(movie: Movie) -> Track:
    """Hides the picture of a film, so that its cuts have none."""
    return next(track for track in movie.tracks if not track.is_picture)


def shows_picture(clip: Clip) -> bool:
    return json.loads(clip.media or "{}")["video"] is not None


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_clip_without_its_picture_is_cut_by_the_next_method(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    bench.upload("film.mp4")
    with monkeypatch.context() as patch:
        patch.setattr(mp4_selection, "_main_track", sound_only)
        answer = bench.cut()
        assert isinstance(answer, ShownClip)
        bench.land()
        assert bench.clips()[0].status is ClipStatus.PROCESSING
        for _ in range(broken - 1):
            bench.settle()
            bench.land()
    bench.settle()
    bench.land()
    (clip,) = bench.clips()
    if broken == 3:
        assert clip.failure is not None
        assert clip.failure.code == "cut_failed"
        return
    method = ("storage_copy", "packets", "encode")[broken]
    assert f'"method": "{method}"' in (clip.cut or "")
    assert clip.status is ClipStatus.READY
    assert shows_picture(clip)
    assert bench.numbers(clip)[-1] == SHOWN[-1]
    assert clip.start_time == pytest.approx(2 if broken == 1 else 3.28, abs=0.001)


def test_sound_that_replaces_a_cut_is_no_cut(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A clip that its owner overwrites may have no picture."""
    bench.upload("film.mp4")
    answer = bench.cut()
    assert isinstance(answer, ShownClip)
    assert answer.clip.blob_name is not None
    sound = make(tmp_path_factory.mktemp("sound") / "sound.m4a", counted(codec=None, seconds=2.0))
    bench.services.blobs.put(
        bench.services.containers.clips,
        answer.clip.blob_name,
        sound.read_bytes(),
        "audio/mp4",
        replace=True,
    )
    bench.services.ingest.landed(answer.clip.blob_name)
    (clip,) = bench.clips()
    assert clip.status is ClipStatus.READY
    assert not shows_picture(clip)
