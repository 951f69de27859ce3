"""The Python API: uploads and downloads that are complete or absent, and links."""

import inspect
import os
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from clips import pipeline as module
from clips.pipeline import Cut, Pipeline
from local import azurite
from shared.errors import (
    BlobChanged,
    CutOutOfRange,
    NotFound,
    SourceNotReady,
    StorageUnavailable,
    UnusableFile,
    WrongState,
)
from shared.model.clip import Clip, ClipStatus
from shared.settings import Settings, TransferSettings, from_mapping
from shared.storage.rest import RetryPolicy
from tests.docs.pages import page
from tests.integration.library import Library
from tests.migration.disk import file_size_limit
from tests.migration.flaky import Fault, Line, line_to
from tests.services import AllServices

QUICK = RetryPolicy(first=0.01, longest=0.05, timeout=20.0)
BLOCK = 8 * 1024 * 1024
LARGE = os.urandom(3 * BLOCK + 12_345)


@pytest.fixture
def library(services: AllServices) -> Library:
    return Library(services)


@pytest.fixture
def line(azurite_account: azurite.Account) -> Iterator[Line]:
    with line_to(azurite_account.blob_port) as opened:
        yield opened


@pytest.fixture
def transfer_settings(
    settings: Settings,
    environment: dict[str, str],
    azurite_account: azurite.Account,
    line: Line,
) -> TransferSettings:
    """Storage is reached through a proxy that the test can make fail."""
    name = "AZURE_STORAGE_CONNECTION_STRING"
    detour = environment[name].replace(f":{azurite_account.blob_port}/", f":{line.port}/")
    return TransferSettings(
        storage=from_mapping(environment | {name: detour}).storage,
        database_url=settings.database_url,
        container_prefix=settings.container_prefix,
    )


@pytest.fixture
def pipeline(transfer_settings: TransferSettings) -> Iterator[Pipeline]:
    with Pipeline(transfer_settings, retry_policy=QUICK) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path, film: bytes) -> Path:
    path = tmp_path / "goal.mp4"
    path.write_bytes(film)
    return path


# --- Upload


def test_upload_becomes_a_clip_with_the_given_fields(
    pipeline: Pipeline,
    library: Library,
    file: Path,
    film: bytes,
) -> None:
    reported: list[tuple[int, int]] = []
    clip = pipeline.upload_clip(
        file,
        library.video.id,
        61.5,
        63.5,
        title="Tor für Žižkov",
        progress=lambda done, total: reported.append((done, total)),
    )
    assert reported == [(len(film), len(film))]
    assert (clip.start_time, clip.end_time, clip.title) == (61.5, 63.5, "Tor für Žižkov")
    assert clip.blob_name is not None
    assert library.read("clips", clip.blob_name) == film
    library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).status is ClipStatus.READY


def test_large_file_is_sent_in_blocks_and_reports_progress(
    pipeline: Pipeline, library: Library, tmp_path: Path, line: Line
) -> None:
    path = tmp_path / "long.mov"
    path.write_bytes(LARGE)
    reported: list[int] = []
    clip = pipeline.upload_clip(
        str(path), str(library.video.id), 0, 9, progress=lambda done, _: reported.append(done)
    )
    assert reported == sorted(reported)
    assert (len(reported), reported[-1]) == (4, len(LARGE))
    assert sum("comp=block&" in target for _, target in line.requests) == 4
    assert library.read("clips", str(clip.blob_name)) == LARGE


def test_upload_may_include_a_thumbnail(
    pipeline: Pipeline, library: Library, file: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "cover.JPG"
    picture.write_bytes(b"a picture")
    clip = pipeline.upload_clip(file, library.video.id, 0, 2, picture)
    name = f"{library.video.id}/{clip.id}_thumbnail.jpg"
    assert clip.images.poster_name == name
    assert library.read("thumbnails", name) == b"a picture"


def test_many_threads_may_upload_at_once(
    pipeline: Pipeline, library: Library, tmp_path: Path
) -> None:
    contents = {tmp_path / f"{n}.mp4": os.urandom(50_000 + n) for n in range(24)}
    for path, data in contents.items():
        path.write_bytes(data)

    def upload(path: Path) -> tuple[Path, Clip]:
        return path, pipeline.upload_clip(path, library.video.id, 0, 1)

    with ThreadPoolExecutor(12) as threads:
        for path, clip in threads.map(upload, contents):
            assert library.read("clips", str(clip.blob_name)) == contents[path]
    assert len(library.clips()) == 24


def test_link_to_a_file_is_followed(pipeline: Pipeline, library: Library, file: Path) -> None:
    link = file.with_name("link.webm")
    link.symlink_to(file)
    assert pipeline.upload_clip(link, library.video.id, 0, 2).blob_name


def test_failed_upload_leaves_nothing(
    pipeline: Pipeline, library: Library, file: Path, tmp_path: Path, line: Line
) -> None:
    picture = tmp_path / "cover.jpg"
    picture.write_bytes(b"a picture")
    line.choose = lambda _, method, path: (
        Fault.BUSY if method == "PUT" and "-clips/" in path else None
    )
    with pytest.raises(StorageUnavailable):
        pipeline.upload_clip(file, library.video.id, 0, 2, picture)
    assert library.clips() == []
    assert library.everything_stored() == set()


def test_error_of_an_upload_is_raised_even_if_removing_its_clip_fails(
    pipeline: Pipeline, library: Library, file: Path, line: Line
) -> None:
    """The clip is hidden already; the cleanup removes what is left of it."""

    def enough(*_: int) -> None:
        line.choose = lambda *_: Fault.BUSY
        raise TimeoutError("enough")

    with pytest.raises(TimeoutError, match="enough"):
        pipeline.upload_clip(file, library.video.id, 0, 2, progress=enough)
    assert library.clips() == []
    assert library.everything_stored() != set()
    library.clean_up()
    assert library.everything_stored() == set()


def test_invalid_arguments_are_refused_before_anything_is_sent(
    pipeline: Pipeline, library: Library, file: Path, line: Line
) -> None:
    video = library.video.id
    refused: list[tuple[type[Exception], Callable[[], object]]] = [
        (ValueError, lambda: pipeline.upload_clip(file, video, 5, 5)),
        (ValueError, lambda: pipeline.upload_clip(file, video, -1, 5)),
        (ValueError, lambda: pipeline.upload_clip(file, video, 0, float("nan"))),
        (ValueError, lambda: pipeline.upload_clip(file, video, 0, float("inf"))),
        (ValueError, lambda: pipeline.upload_clip(file, "no id", 0, 1)),
        (ValueError, lambda: pipeline.upload_clip(file, video, 0, 1, title="x" * 501)),
        (ValueError, lambda: pipeline.upload_clip(file, video, 0, 1, title="a\nb")),
        (ValueError, lambda: pipeline.upload_clip(file, video, 0, 1, file)),
        (NotFound, lambda: pipeline.upload_clip(file, uuid4(), 0, 1)),
        (UnusableFile, lambda: pipeline.upload_clip(file.parent, video, 0, 1)),
        (NotFound, lambda: pipeline.generate_clip_access_url(uuid4())),
        (NotFound, lambda: pipeline.download_clip(uuid4(), file.parent)),
    ]
    for error, call in refused:
        with pytest.raises(error):
            call()
    assert line.requests == []
    assert library.clips() == []


def test_error_names_an_unusable_file(pipeline: Pipeline, library: Library) -> None:
    with pytest.raises(UnusableFile) as caught:
        pipeline.upload_clip("/no/such/file.mp4", library.video.id, 0, 1)
    assert caught.value.__notes__ == ["The file is '/no/such/file.mp4'."]


# --- Download


@pytest.fixture
def stored(pipeline: Pipeline, library: Library, tmp_path: Path, line: Line) -> Clip:
    """A clip of four ranges."""
    path = tmp_path / "long.mp4"
    path.write_bytes(LARGE)
    clip = pipeline.upload_clip(path, library.video.id, 0, 9)
    # As the trigger has it when it has claimed the blob.
    library.services.database.run(
        "UPDATE clips SET status = 'processing' WHERE id = %(id)s", {"id": clip.id}
    )
    line.requests.clear()
    return library.clip(clip.id)


def ranges(line: Line) -> int:
    return sum(method == "GET" for method, _ in line.requests)


def test_download_is_complete_and_is_not_fetched_twice(
    pipeline: Pipeline, stored: Clip, tmp_path: Path, line: Line
) -> None:
    reported: list[int] = []
    folder = tmp_path / "new" / "folder"
    path = pipeline.download_clip(stored, folder, progress=lambda done, _: reported.append(done))
    assert path == folder / f"{stored.id}.mp4"
    assert path.read_bytes() == LARGE
    assert reported[-1] == len(LARGE)
    assert list(folder.iterdir()) == [path]
    assert ranges(line) == 4
    assert pipeline.download_clip(stored.id, folder) == path
    assert ranges(line) == 4


def test_existing_file_with_other_contents_is_replaced(
    pipeline: Pipeline, stored: Clip, tmp_path: Path
) -> None:
    path = tmp_path / f"{stored.id}.mp4"
    path.write_bytes(LARGE[:-1] + b"?")
    pipeline.download_clip(stored, tmp_path)
    assert path.read_bytes() == LARGE


def test_interrupted_download_is_continued(
    transfer_settings: TransferSettings,
    pipeline: Pipeline,
    stored: Clip,
    tmp_path: Path,
    line: Line,
) -> None:
    line.choose = lambda *_: Fault.HALF if ranges(line) > 2 else None
    # One range after the other: side by side, it could be the first that breaks off.
    with (
        Pipeline(transfer_settings, at_once=1, retry_policy=QUICK) as slow,
        pytest.raises(StorageUnavailable),
    ):
        slow.download_clip(stored, tmp_path / "d")
    assert not (tmp_path / "d" / f"{stored.id}.mp4").exists()
    (part,) = (tmp_path / "d").iterdir()
    have = part.stat().st_size
    assert have >= BLOCK
    line.choose = lambda *_: None
    line.requests.clear()
    path = pipeline.download_clip(stored, tmp_path / "d")
    assert path.read_bytes() == LARGE
    assert ranges(line) == -(-(len(LARGE) - have) // BLOCK)


def test_download_interrupted_by_a_full_disk_is_continued(
    pipeline: Pipeline, stored: Clip, tmp_path: Path
) -> None:
    with file_size_limit(BLOCK + 1000), pytest.raises(OSError, match="File too large"):
        pipeline.download_clip(stored, tmp_path / "d")
    (part,) = (tmp_path / "d").iterdir()
    assert part.name.endswith(".part")
    assert part.stat().st_size == BLOCK + 1000
    assert pipeline.download_clip(stored, tmp_path / "d").read_bytes() == LARGE


def test_damaged_part_of_a_download_is_dropped(
    pipeline: Pipeline, stored: Clip, tmp_path: Path
) -> None:
    with file_size_limit(BLOCK), pytest.raises(OSError, match="File too large"):
        pipeline.download_clip(stored, tmp_path / "d")
    (part,) = (tmp_path / "d").iterdir()
    part.write_bytes(b"x" * BLOCK)
    with pytest.raises(StorageUnavailable, match="differ from those that storage describes"):
        pipeline.download_clip(stored, tmp_path / "d")
    assert pipeline.download_clip(stored, tmp_path / "d").read_bytes() == LARGE


def test_download_never_mixes_two_versions_of_a_clip(
    pipeline: Pipeline, library: Library, stored: Clip, tmp_path: Path, line: Line
) -> None:
    other = os.urandom(len(LARGE))
    lock = threading.Lock()

    def overwrite(_: int, method: str, _path: str) -> Fault | None:
        with lock:
            if method == "GET" and line.requests[-1][0] == "GET":
                line.choose = lambda *_: None
                library.upload(str(stored.blob_name), other)
        return None

    line.choose = overwrite
    with pytest.raises(BlobChanged):
        pipeline.download_clip(stored, tmp_path / "d")
    assert not (tmp_path / "d" / f"{stored.id}.mp4").exists()
    assert pipeline.download_clip(stored, tmp_path / "d").read_bytes() == other
    assert [path.name for path in (tmp_path / "d").iterdir()] == [f"{stored.id}.mp4"]


def test_simultaneous_downloads_to_one_path_fetch_once(
    pipeline: Pipeline, stored: Clip, tmp_path: Path, line: Line
) -> None:
    with ThreadPoolExecutor(3) as threads:
        paths = list(threads.map(lambda _: pipeline.download_clip(stored, tmp_path / "d"), "abc"))
    assert {path.read_bytes() for path in paths} == {LARGE}
    assert ranges(line) == 4


def test_clip_without_bytes_cannot_be_downloaded(
    pipeline: Pipeline, library: Library, tmp_path: Path
) -> None:
    with pytest.raises(WrongState):
        pipeline.download_clip(library.announce(), tmp_path)


# --- Links


def test_link_opens_the_clip_and_its_grant_is_recorded(
    pipeline: Pipeline,
    library: Library,
    film: bytes,
) -> None:
    clip = library.landed(film)
    url = pipeline.generate_clip_access_url(clip, expiry_hours=1)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == film
    (grant,) = library.services.database.all(
        "SELECT u.subject FROM grants g JOIN users u ON u.id = g.user_id WHERE g.clip_id = %(id)s",
        {"id": clip.id},
    )
    assert grant["subject"] == "urn:cliplink:pipeline"


@pytest.mark.parametrize("hours", [0, -1, 169, float("nan")])
def test_link_is_valid_for_a_week_at_most(pipeline: Pipeline, hours: float) -> None:
    with pytest.raises(ValueError, match="expiry_hours"):
        pipeline.generate_clip_access_url(uuid4(), hours)


def test_clip_that_is_not_ready_has_no_link(pipeline: Pipeline, stored: Clip) -> None:
    with pytest.raises(WrongState):
        pipeline.generate_clip_access_url(stored)


# --- Sources, cuts, playable copies


def test_source_is_uploaded_and_cut(pipeline: Pipeline, library: Library, file: Path) -> None:
    reported: list[int] = []
    video_id = str(library.video.id)
    source = pipeline.upload_source(file, video_id, progress=lambda done, _: reported.append(done))
    assert source.status is ClipStatus.AWAITING_UPLOAD
    assert reported == [file.stat().st_size]
    with pytest.raises(SourceNotReady):
        pipeline.cut_clips(video_id, [Cut(0, 1)])
    app_works(library)
    assert pipeline.read_source(video_id).status is ClipStatus.READY
    cuts = [Cut(0.5, 1.5, "Goal", "a"), Cut(50, 60)]
    goal, behind = pipeline.cut_clips(video_id, cuts, accuracy="edit_list")
    assert isinstance(goal, Clip)
    assert isinstance(behind, CutOutOfRange)
    assert (goal.title, goal.status) == ("Goal", ClipStatus.PROCESSING)
    assert pipeline.cut_clips(video_id, cuts[:1]) == [goal]
    app_works(library)
    done = pipeline.read_clip(goal)
    assert done.status is ClipStatus.READY
    assert done.start_time == pytest.approx(0.48)
    (part,) = pipeline.cut_clips(video_id, [Cut(0, 0.5)], source=goal.id)
    assert isinstance(part, Clip)


def test_failed_upload_leaves_the_source_as_it_was(
    pipeline: Pipeline, library: Library, file: Path, tmp_path: Path
) -> None:
    video_id = library.video.id
    pipeline.upload_source(file, video_id)
    app_works(library)
    before = pipeline.read_source(video_id)
    for bad in (tmp_path / "absent.mp4", tmp_path):
        with pytest.raises(UnusableFile):
            pipeline.upload_source(bad, video_id)
    assert pipeline.read_source(video_id) == before
    with pytest.raises(NotFound):
        pipeline.upload_source(file, uuid4())
    with pytest.raises(NotFound):
        pipeline.read_source(uuid4())


@pytest.mark.parametrize("times", [(2, 1), (-1, 1), (1, 1), (float("nan"), 1), (0, float("inf"))])
def test_cut_of_no_range_is_refused(times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="start_time"):
        Cut(*times)


@pytest.mark.parametrize("client_id", ["", "a b", "goal\n", "tor-ä", "a\0", "x" * 201])
def test_cut_of_an_unusable_client_id_is_refused(client_id: str) -> None:
    with pytest.raises(ValueError, match="client_id"):
        Cut(0, 1, client_id=client_id)


def test_copy_is_made_and_linked(pipeline: Pipeline, library: Library, file: Path) -> None:
    clip = pipeline.upload_clip(file, library.video.id, 0, 2)
    with pytest.raises(WrongState):
        pipeline.make_playable(clip)
    library.services.ingest.landed(str(clip.blob_name))
    with pytest.raises(WrongState):
        pipeline.generate_clip_access_url(clip, variant="play")
    assert pipeline.make_playable(clip).rendition.state == "queued"
    library.services.renditions.work(clip.id)
    url = pipeline.generate_clip_access_url(clip, variant="play")
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.read() != file.read_bytes(), "its index comes first"


# --- The functions of the module, and the page about them


def test_page_shows_the_signatures_of_the_functions() -> None:
    shown = page("docs/python-api.md").section("Reference").table("function").names()
    for text in shown:
        name, _, rest = text.partition("(")
        method = inspect.signature(getattr(Pipeline, name))
        function = inspect.signature(getattr(module, name))
        wanted = [p for p in rest.rstrip(")").split(", ") if p != "*"]
        for signature, extra in ((method, ["self"]), (function, [])):
            written = [
                p.name if p.default is p.empty else f"{p.name}={p.default!r}"
                for p in signature.parameters.values()
            ]
            assert written == extra + wanted


def app_works(library: Library) -> None:
    """What the app's functions do with what a pipeline has left to them."""
    services = library.services
    for path in library.blobs("videos"):
        services.source_ingest.landed(path)
    for clip in library.clips():
        services.cut_worker.work(clip.id)
        services.ingest.landed(str(clip.blob_name))


def test_examples_run(
    environment: dict[str, str],
    library: Library,
    film: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One after the other; the app processes the clips in between."""
    for name, value in environment.items():
        if not name.startswith("AUTH_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    Path("goal.mp4").write_bytes(film)
    Path("match.mp4").write_bytes(film)
    Path("films").mkdir()
    for number in range(3):
        Path(f"films/{number}.mp4").write_bytes(film)
    scope: dict[str, object] = {"VIDEO_ID": str(library.video.id), "__name__": "example"}
    try:
        for block in page("docs/python-api.md").blocks:
            exec(
                compile(block.text, "docs/python-api.md", "exec"), scope
            )  # a page of this repository
            app_works(library)
    finally:
        while module._shared:
            module._shared.pop().close()
    said = capsys.readouterr().out
    assert "awaiting_upload\n" in said
    assert f"{len(film)} of {len(film)} bytes\n" in said
    assert said.endswith("3 clips\n")
    assert "processing\n" in said or "awaiting_upload\n" in said
    assert "The goal processing The source ends at 2.000 s.\n" in said
    assert '"method": "storage_copy"' in said
    assert len(library.clips()) == 5
