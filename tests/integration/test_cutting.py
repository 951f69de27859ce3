"""Sources and cuts on real parts: uploaded once, cut at once or by the queue, each clip exact."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from clips.ingest.image_writer import ImageWriter
from shared import blob_names
from shared.catalogue.ingest.claims import Claim
from shared.errors import BlobChanged, CliplinkError, NotFound, SourceNotReady, WrongState
from shared.media.pictures.stills import Stills
from shared.model.blob import Blob
from shared.model.clip import ClipStatus, Images, ShownClip
from shared.model.cut_method import Accuracy
from shared.model.cutting import CutDraft, Source
from shared.model.user import User, Viewer
from shared.storage.blob_reader import BlobReader
from shared.storage.sdk.blobs import Blobs
from tests.conftest import SetClock
from tests.media.clips import Clip, make
from tests.media.counted import counted, shown
from tests.media.fuzz import ENCRYPTED
from tests.services import AllServices

ME = "cutter"


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make(tmp_path_factory.mktemp("film") / "film.mp4", counted()).read_bytes()


@pytest.fixture(scope="module")
def mkv(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    recipe = counted(codec_options={"preset": "fast", "bf": "2"})
    return make(tmp_path_factory.mktemp("film") / "film.mkv", recipe).read_bytes()


@pytest.fixture
def viewer(services: AllServices) -> Viewer:
    return Viewer(services.users.id_of(ME, None))


@pytest.fixture
def video_id(services: AllServices, viewer: Viewer) -> UUID:
    user = User(viewer.user_id, ME, frozenset())
    return services.library.create_video(user, "Match", None).id


def upload(services: AllServices, viewer: Viewer, video_id: UUID, data: bytes, name: str) -> Source:
    """Uploads a source, and processes it as the trigger does."""
    services.sources.announce(viewer, video_id, name, None)
    blob = blob_names.source_blob(video_id, Path(name).suffix)
    services.blobs.put(services.containers.videos, blob, data, "video/mp4", replace=True)
    services.source_ingest.landed(blob)
    return services.sources.read(viewer, video_id).source


def cut(
    services: AllServices,
    viewer: Viewer,
    video_id: UUID,
    *drafts: CutDraft | CliplinkError,
    accuracy: Accuracy = Accuracy.KEYFRAME,
    clip_id: UUID | None = None,
) -> Sequence[ShownClip | CliplinkError]:
    return services.cutting.cut(viewer, video_id, clip_id, accuracy, list(drafts))


def only(answers: Sequence[ShownClip | CliplinkError]) -> ShownClip:
    (answer,) = answers
    assert isinstance(answer, ShownClip), answer
    return answer


def numbers(services: AllServices, answer: ShownClip, to: Path) -> list[int]:
    assert answer.clip.blob_name is not None
    blob = services.blobs.get(services.containers.clips, answer.clip.blob_name)
    reader = services.blobs.reader(services.containers.clips, blob)
    to.write_bytes(reader.read(0, blob.size))
    return shown(to).numbers


def test_source_shows_its_properties(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    awaited = services.sources.announce(viewer, video_id, "match.mp4", None)
    assert awaited.source.status is ClipStatus.AWAITING_UPLOAD
    assert awaited.upload is not None
    source = upload(services, viewer, video_id, mp4, "match.mp4")
    assert source.status is ClipStatus.READY
    assert source.duration == pytest.approx(8, abs=0.1)
    assert source.keyframe_interval == pytest.approx(2, abs=0.1)
    assert source.file_size == len(mp4)
    read = services.sources.read(viewer, video_id)
    assert read.storyboard_url is not None
    assert read.upload is None


def test_cut_of_an_mp4_is_ready_in_the_same_call(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes, tmp_path: Path
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    answer = only(cut(services, viewer, video_id, CutDraft(start=3.3, end=5, title="Goal")))
    assert answer.clip.status is ClipStatus.READY
    assert answer.clip.title == "Goal"
    assert (answer.clip.start_time, answer.clip.end_time) == (2, 5)
    assert '"method": "storage_copy"' in (answer.clip.cut or "")
    assert answer.poster_url is not None
    assert numbers(services, answer, tmp_path / "cut.mp4") == list(range(50, 125))


def test_cut_of_a_matroska_is_copied_into_an_mp4(
    services: AllServices, viewer: Viewer, video_id: UUID, mkv: bytes, tmp_path: Path
) -> None:
    upload(services, viewer, video_id, mkv, "match.mkv")
    draft = CutDraft(start=3.3, end=5)
    answer = only(cut(services, viewer, video_id, draft, accuracy=Accuracy.EDIT_LIST))
    assert answer.clip.status is ClipStatus.READY
    assert answer.clip.content_type == "video/mp4"
    assert '"method": "packets"' in (answer.clip.cut or "")
    assert numbers(services, answer, tmp_path / "cut.mp4") == list(range(82, 125))


def test_exact_cut_is_left_to_the_queue_and_encoded(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes, tmp_path: Path
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    draft = CutDraft(start=3.32, end=4)
    answer = only(cut(services, viewer, video_id, draft, accuracy=Accuracy.FRAME))
    assert answer.clip.status is ClipStatus.PROCESSING
    services.cut_worker.work(answer.clip.id)
    services.cut_worker.work(answer.clip.id)  # a message may come twice
    assert answer.clip.blob_name is not None
    services.ingest.landed(answer.clip.blob_name)
    done = services.library.read(viewer, answer.clip.id)
    assert done.clip.status is ClipStatus.READY
    assert '"method": "encode"' in (done.clip.cut or "")
    assert numbers(services, done, tmp_path / "cut.mp4") == list(range(83, 100))
    assert (done.clip.start_time, done.clip.end_time) == (3.32, 4)


def test_clip_is_cut_out_of_a_clip(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes, tmp_path: Path
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    first = only(cut(services, viewer, video_id, CutDraft(start=2, end=8)))
    draft = CutDraft(start=2, end=3)
    second = only(cut(services, viewer, video_id, draft, clip_id=first.clip.id))
    assert numbers(services, second, tmp_path / "cut.mp4") == list(range(100, 125))
    assert (second.clip.start_time, second.clip.end_time) == (4, 5)


def test_same_client_id_is_the_same_clip(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    draft = CutDraft(start=0, end=1, client_id="goal-1")
    once = cut(services, viewer, video_id, draft, draft)
    again = cut(services, viewer, video_id, draft)
    ids = {answer.clip.id for answer in [*once, *again] if isinstance(answer, ShownClip)}
    assert len(ids) == 1
    assert len(services.library.list_clips(viewer, video_id, 10, None, None)) == 1


def test_client_id_of_a_deleted_clip_is_refused_until_the_clip_is_restored(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    draft = CutDraft(start=0, end=1, client_id="goal-1")
    made = only(cut(services, viewer, video_id, draft))
    services.bin.delete_clip(viewer, made.clip.id)
    refused, other = cut(services, viewer, video_id, draft, CutDraft(start=1, end=2))
    assert isinstance(refused, WrongState)
    assert isinstance(other, ShownClip)
    services.bin.restore_clip(viewer, made.clip.id)
    assert only(cut(services, viewer, video_id, draft)).clip.id == made.clip.id


def test_many_cuts_of_one_call_are_made_side_by_side(
    services: AllServices,
    viewer: Viewer,
    video_id: UUID,
    mp4: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is its own range, in the order of the drafts; the index is read once."""
    upload(services, viewer, video_id, mp4, "match.mp4")
    readers: list[str] = []
    reader = Blobs.reader

    def counted_reader(blobs: Blobs, container: str, blob: Blob) -> BlobReader:
        readers.append(container)
        return reader(blobs, container, blob)

    with monkeypatch.context() as patch:
        patch.setattr("clips.cutting.cuts._PROCESSING_SECONDS", -1.0)
        patch.setattr(Blobs, "reader", counted_reader)
        starts = [number % 7 + 0.5 for number in range(14)]
        drafts = [CutDraft(start=start, end=start + 0.5) for start in starts]
        answers = cut(services, viewer, video_id, *drafts, accuracy=Accuracy.EDIT_LIST)
    assert readers == [services.containers.videos]
    assert len({answer.clip.id for answer in answers if isinstance(answer, ShownClip)}) == 14
    unfinished = "SELECT 1 FROM cuts WHERE finished_at IS NULL OR written_etag IS NULL"
    assert services.database.all(unfinished, {}) == []
    for answer, start in zip(answers, starts, strict=True):
        assert isinstance(answer, ShownClip)
        assert answer.clip.start_time == pytest.approx(start, abs=0.021)
        shown_from = json.loads(answer.clip.cut or "{}")
        got = numbers(services, answer, tmp_path / "cut.mp4")
        assert got == list(range(round(shown_from["start"] * 25), round(shown_from["end"] * 25)))


def test_calls_with_the_same_client_ids_at_one_moment_share_their_clips(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    drafts = [CutDraft(start=n, end=n + 1, client_id=f"goal-{n}") for n in range(5)]
    orders = [drafts, drafts[::-1], drafts[2:] + drafts[:2]]
    with ThreadPoolExecutor(len(orders)) as pool:
        calls = [pool.submit(cut, services, viewer, video_id, *order) for order in orders]
        answers = [call.result() for call in calls]
    by_name = [
        {draft.client_id: only([answer]).clip.id for draft, answer in zip(order, made, strict=True)}
        for order, made in zip(orders, answers, strict=True)
    ]
    assert by_name[0] == by_name[1] == by_name[2]
    assert len(services.library.list_clips(viewer, video_id, 10, None, None)) == 5


def test_call_leaves_its_cuts_to_the_queue_while_others_are_cutting(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    calls = services.cutting._calls
    held = 0
    while calls.acquire(blocking=False):
        held += 1
    answer = only(cut(services, viewer, video_id, CutDraft(start=0, end=1)))
    calls.release(held)
    assert answer.clip.status is ClipStatus.PROCESSING
    services.cut_worker.work(answer.clip.id)
    assert services.blobs.exists(services.containers.clips, answer.clip.blob_name or "")
    answer = only(cut(services, viewer, video_id, CutDraft(start=0, end=1)))
    assert answer.clip.status is ClipStatus.READY


def test_range_behind_the_source_fails_alone(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    drafts = [CutDraft(start=8.5, end=9), CutDraft(start=1, end=2), CutDraft(start=900, end=901)]
    answers = cut(services, viewer, video_id, *drafts)
    codes = [answer.code if isinstance(answer, CliplinkError) else "" for answer in answers]
    assert codes == ["cut_out_of_range", "", "cut_out_of_range"]
    assert len(services.library.list_clips(viewer, video_id, 10, None, None)) == 1


def test_video_without_a_ready_source_is_not_cut(
    services: AllServices, viewer: Viewer, video_id: UUID
) -> None:
    with pytest.raises(NotFound):
        cut(services, viewer, video_id, CutDraft(start=0, end=1))
    services.sources.announce(viewer, video_id, "match.mp4", None)
    with pytest.raises(SourceNotReady, match="awaiting_upload"):
        cut(services, viewer, video_id, CutDraft(start=0, end=1))


def test_source_of_another_user_looks_absent(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    other = Viewer(services.users.id_of("other", None))
    for attempt in (
        lambda: services.sources.read(other, video_id),
        lambda: services.sources.delete(other, video_id),
        lambda: services.sources.announce(other, video_id, "a.mp4", None),
        lambda: cut(services, other, video_id, CutDraft(start=0, end=1)),
        lambda: cut(services, other, uuid4(), CutDraft(start=0, end=1)),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_source_that_was_overwritten_is_cut_by_no_old_index(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    source = upload(services, viewer, video_id, mp4, "match.mp4")
    services.blobs.put(
        services.containers.videos, source.blob_name, mp4 + b"\0", "video/mp4", replace=True
    )
    for accuracy in Accuracy:
        with pytest.raises(BlobChanged):
            cut(services, viewer, video_id, CutDraft(start=0, end=1), accuracy=accuracy)
    assert services.library.list_clips(viewer, video_id, 10, None, None) == []


def test_new_source_replaces_the_old_one_of_another_extension(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes, mkv: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    time.sleep(1.1)  # storage knows the age of blobs in whole seconds
    source = upload(services, viewer, video_id, mkv, "match.mkv")
    assert source.status is ClipStatus.READY
    assert source.blob_name.endswith(".mkv")
    (page,) = services.blobs.pages(services.containers.videos)
    assert [blob.name for blob in page] == [source.blob_name]


def test_deleting_a_source_frees_it_and_keeps_its_clips(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    answer = only(cut(services, viewer, video_id, CutDraft(start=0, end=1)))
    services.sources.delete(viewer, video_id)
    with pytest.raises(NotFound):
        services.sources.read(viewer, video_id)
    assert list(services.blobs.pages(services.containers.videos)) in ([], [[]])
    assert services.library.read(viewer, answer.clip.id).clip.status is ClipStatus.READY


def test_source_that_is_deleted_during_its_run_leaves_no_images(
    services: AllServices,
    viewer: Viewer,
    video_id: UUID,
    mp4: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = ImageWriter.write

    def write_after_deletion(images: ImageWriter, claim: Claim, stills: Stills) -> Images:
        services.sources.delete(viewer, video_id)
        return write(images, claim, stills)

    monkeypatch.setattr(ImageWriter, "write", write_after_deletion)
    with pytest.raises(NotFound):
        upload(services, viewer, video_id, mp4, "match.mp4")
    images = services.blobs.pages(services.containers.thumbnails, f"{video_id}/{video_id}/")
    assert [blob.name for page in images for blob in page] == []


def test_cut_whose_message_was_lost_is_sent_again(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    upload(services, viewer, video_id, mp4, "match.mp4")
    draft = CutDraft(start=0, end=1)
    only(cut(services, viewer, video_id, draft, accuracy=Accuracy.FRAME))
    services.database.run("UPDATE cuts SET created_at = now() - interval '1 hour'", {})
    assert services.cut_worker.resume().done == 1


def test_source_whose_event_was_lost_is_processed_by_the_cleanup(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    services.sources.announce(viewer, video_id, "match.mp4", None)
    blob = blob_names.source_blob(video_id, ".mp4")
    services.blobs.put(services.containers.videos, blob, mp4, "video/mp4", replace=True)
    assert services.cleanup.run()["sources_processed"] == 0
    services.database.run("UPDATE sources SET created_at = now() - interval '1 hour'", {})
    assert services.cleanup.run()["sources_processed"] == 1
    assert services.sources.read(viewer, video_id).source.status is ClipStatus.READY


def test_source_that_is_not_a_media_file_fails(
    services: AllServices, viewer: Viewer, video_id: UUID
) -> None:
    source = upload(services, viewer, video_id, b"text" * 100, "match.mp4")
    assert source.status is ClipStatus.FAILED
    assert source.failure is not None
    assert source.failure.code == "not_a_video"


def put(services: AllServices, video_id: UUID, extension: str, data: bytes) -> str:
    """Writes the file of a video without the API."""
    name = blob_names.source_blob(video_id, extension)
    services.blobs.put(services.containers.videos, name, data, "video/mp4", replace=True)
    return name


def test_overwritten_source_whose_event_was_lost_is_processed_by_the_cleanup(
    services: AllServices,
    viewer: Viewer,
    video_id: UUID,
    mp4: bytes,
    mkv: bytes,
    clock: SetClock,
) -> None:
    """The file may have any extension, and may be the first source of its video."""
    upload(services, viewer, video_id, mp4, "match.mp4")
    user = User(viewer.user_id, ME, frozenset())
    other = services.library.create_video(user, "Another", None).id
    put(services, video_id, ".mp4", mp4 + b"\0")
    put(services, other, ".mkv", mkv)
    put(services, uuid4(), ".mkv", mkv)
    services.blobs.put(services.containers.videos, "notes.txt", b"-", "text/plain", replace=True)
    assert services.source_ingest.stalled() == []
    clock.advance(minutes=11)
    names = services.source_ingest.stalled()
    assert len(names) == 2
    for name in names:
        services.source_ingest.landed(name)
    assert services.source_ingest.stalled() == []
    assert services.sources.read(viewer, video_id).source.file_size == len(mp4) + 1
    assert services.sources.read(viewer, other).source.status is ClipStatus.READY


def test_newest_file_of_a_video_is_its_source(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes, mkv: bytes
) -> None:
    """Events may come late, twice and in any order."""
    older = put(services, video_id, ".mp4", mp4)
    time.sleep(1.1)  # storage knows the age of blobs in whole seconds
    newer = put(services, video_id, ".mkv", mkv)
    for name in (older, newer, older, newer):
        services.source_ingest.landed(name)
    assert services.sources.read(viewer, video_id).source.blob_name == newer
    (page,) = services.blobs.pages(services.containers.videos)
    assert [blob.name for blob in page] == [newer]


def test_each_bad_item_fails_alone(
    services: AllServices, viewer: Viewer, video_id: UUID, mp4: bytes
) -> None:
    """Ranges after the end, even by one frame; names that are used twice or by another video."""
    upload(services, viewer, video_id, mp4, "match.mp4")
    user = User(viewer.user_id, ME, frozenset())
    other = services.library.create_video(user, "Another", None).id
    upload(services, viewer, other, mp4, "match.mp4")
    elsewhere = only(cut(services, viewer, other, CutDraft(start=0, end=1, client_id="goal")))
    answers = cut(
        services,
        viewer,
        video_id,
        CutDraft(start=8.0, end=8.04),
        CutDraft(start=7.96, end=8.04, client_id="last"),
        CutDraft(start=0, end=1, client_id="goal"),
        CutDraft(start=2, end=3, client_id="goal"),
        CutDraft(start=1e7, end=1e7 + 1),
        NotFound("a malformed item"),
    )
    found = [a.code if isinstance(a, CliplinkError) else a.clip.id for a in answers]
    assert [found[0], *found[4:]] == ["cut_out_of_range", "cut_out_of_range", "not_found"]
    assert found[2] == found[3] != elsewhere.clip.id
    assert isinstance(answers[1], ShownClip)
    assert answers[1].clip.end_time == pytest.approx(8, abs=0.001)
    assert len(services.library.list_clips(viewer, video_id, 10, None, None)) == 2


@pytest.mark.parametrize(
    ("name", "recipe", "missing"),
    [
        ("picture.mp4", counted(sounds=(), seconds=3.0), "audio"),
        ("sound.m4a", counted(codec=None, seconds=3.0), "video"),
    ],
)
def test_film_of_pictures_or_of_sound_alone_is_cut(
    services: AllServices,
    viewer: Viewer,
    video_id: UUID,
    tmp_path: Path,
    name: str,
    recipe: Clip,
    missing: str,
) -> None:
    upload(services, viewer, video_id, make(tmp_path / name, recipe).read_bytes(), name)
    answer = only(cut(services, viewer, video_id, CutDraft(start=1, end=2)))
    assert answer.clip.status is ClipStatus.READY
    media = json.loads(answer.clip.media or "{}")
    assert [kind for kind in ("video", "audio") if media[kind] is None] == [missing]


def test_source_that_failed_is_not_cut(
    services: AllServices, viewer: Viewer, video_id: UUID
) -> None:
    upload(services, viewer, video_id, b"text" * 100, "match.mp4")
    with pytest.raises(SourceNotReady, match="failed"):
        cut(services, viewer, video_id, CutDraft(start=0, end=1))


def test_encrypted_source_fails_as_encrypted_and_is_not_cut(
    services: AllServices, viewer: Viewer, video_id: UUID, tmp_path: Path
) -> None:
    film = make(tmp_path / "film.mp4", Clip(size=(96, 64), seconds=1, options=ENCRYPTED))
    source = upload(services, viewer, video_id, film.read_bytes(), "match.mp4")
    assert source.failure is not None
    assert source.failure.code == "encrypted"
    with pytest.raises(SourceNotReady, match="failed"):
        cut(services, viewer, video_id, CutDraft(start=0, end=1))
