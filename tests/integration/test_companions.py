"""Folders, hidden files and sidecars beside films do not become clips, and stay."""

import pytest
from azure.storage.blob import ContentSettings

from shared.model.clip import ClipStatus
from tests.conftest import SetClock
from tests.integration.library import Library

COMPANIONS = (
    "._film.mp4",
    ".DS_Store",
    "star/.hidden/film.mp4",
    "Thumbs.db",
    "star/DESKTOP.INI",
    "film.srt",
    "star/film.XMP",
    "film.en.vtt",
    "film.nfo",
    "__MACOSX/film.mp4",
    "$RECYCLE.BIN/film.mp4",
    "film.TXT",
    "films.m3u8",
    "film.mp4.part",
    "day/",
)
STUBS = ({"hdi_isfolder": "true"}, {"Hdi_IsFolder": "True"}, {"HDI_ISFOLDER": "TRUE", "owner": "x"})


def upload_all(library: Library, film: bytes) -> set[str]:
    """Returns the names of companions and folder stubs; one film is beside them."""
    names = [f"{library.video.id}/{name}" for name in COMPANIONS]
    for name in names:
        library.upload(name, b"" if name.endswith("/") else film)
    for number, metadata in enumerate(STUBS):
        names.append(f"{library.video.id}/folder{number}")
        library.upload(names[-1], b"", metadata)
    for name, content_type in (("a_$folder$", None), ("duck", "httpd/unix-directory")):
        names.append(f"{library.video.id}/{name}")
        blob = library.services.account.client.get_blob_client(library.containers.clips, names[-1])
        blob.upload_blob(b"", content_settings=ContentSettings(content_type))
    return set(names)


def test_companions_become_no_clips_and_are_not_deleted(
    library: Library, film: bytes, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    names = upload_all(library, film)
    library.upload(f"{library.video.id}/film.mp4", film)
    for name in library.blobs():
        library.services.ingest.landed(name)
    clock.advance(minutes=30)
    report = library.services.cleanup.run()
    (clip,) = library.clips()
    assert clip.status is ClipStatus.READY
    assert library.blobs() == names | {clip.blob_name}
    assert report["blobs_reconciled"] == 0
    assert "lie under no existing video" not in caplog.text
    video = library.services.videos.get(library.viewer, library.video.id)
    assert video is not None
    assert video.clip_count == 1


def test_announced_clip_is_processed_with_any_extension(library: Library, film: bytes) -> None:
    clip = library.announce(".json")
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film)
    library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).status is ClipStatus.READY


@pytest.mark.parametrize("name", ["a.b.mp4", "no extension", "srt", "a.srt.mp4", "x.y/film"])
def test_other_names_become_clips(library: Library, film: bytes, name: str) -> None:
    library.upload(f"{library.video.id}/{name}", film, {"hdi_isfolder": "false"})
    library.services.ingest.landed(f"{library.video.id}/{name}")
    assert [clip.status for clip in library.clips()] == [ClipStatus.READY]


@pytest.mark.parametrize(
    ("metadata", "title", "times"),
    [
        ({"Title": "Goal", "START_TIME": "3", "End_Time": "7"}, "Goal", (3.0, 7.0)),
        ({"TITLE": "Caf%C3%A9%20%F0%9F%8E%AC"}, "Café 🎬", (0.0, None)),
        ({"title": "100% sure"}, "100% sure", (0.0, None)),
        ({"title": "Tor fÃ¼r KÃ¶ln"}, "Tor für Köln", (0.0, None)),
        ({"title": "Tor für Köln"}, "Tor für Köln", (0.0, None)),
    ],
)
def test_metadata_of_an_uploader_is_read_leniently(
    library: Library,
    film: bytes,
    metadata: dict[str, str],
    title: str,
    times: tuple[float, float | None],
) -> None:
    name = f"{library.video.id}/noted.mp4"
    blob = library.services.account.client.get_blob_client(library.containers.clips, name)
    blob.upload_blob(
        film, metadata=metadata, content_settings=ContentSettings(content_type="video/mp4")
    )
    library.services.ingest.landed(name)
    (clip,) = library.clips()
    assert clip.title == title
    assert clip.start_time == times[0]
    assert clip.end_time == (times[1] or clip.duration)
