"""A landed blob becomes a clip, ready or failed, exactly once, also after interruptions."""

import dataclasses
import json
from datetime import timedelta
from io import BytesIO
from uuid import UUID, uuid4

import httpx
import pytest
from azure.storage.blob import ContentSettings
from PIL import Image

from clips.ingest.image_writer import ImageWriter
from shared import media
from shared.catalogue.ingest import landing_queries as landings
from shared.catalogue.ingest.claims import Claim
from shared.errors import DatabaseUnavailable, StorageUnavailable
from shared.model.clip import Clip, ClipStatus, Images
from shared.model.failure import GAVE_UP, MAX_DELIVERIES
from shared.model.link import AccessTerms, Variant
from shared.model.media import AudioTrack, Media, VideoTrack
from shared.settings import from_mapping
from tests.integration.library import Library
from tests.services import AllServices, compose_all


def test_uploaded_clip_becomes_ready(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    assert clip.status is ClipStatus.READY
    assert clip.failure is None
    assert clip.file_size == len(film)
    assert clip.duration == pytest.approx(2.0, abs=0.1)
    assert (clip.start_time, clip.end_time) == (1.0, 4.0)
    assert clip.media is not None
    found = json.loads(clip.media)
    assert found.keys() == names_of(Media)
    assert found["video"].keys() == names_of(VideoTrack)
    assert (found["video"]["width"], found["video"]["height"]) == (320, 180)
    assert found["audio"].keys() == names_of(AudioTrack)


def names_of(kind: type[AudioTrack | Media | VideoTrack]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_its_poster_lies_in_the_thumbnails_container(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    assert clip.images.poster_name == f"{clip.video_id}/{clip.id}/poster.jpg"
    picture = library.read("thumbnails", clip.images.poster_name)
    assert picture is not None
    with Image.open(BytesIO(picture)) as image:
        assert image.size == (320, 180)
    assert clip.thumbnail_url is not None
    assert clip.thumbnail_url.endswith(clip.images.poster_name)


def test_all_images_are_written_and_nothing_else(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    assert clip.images.poster_widths == (320,), "never enlarged"
    assert clip.images.placeholder
    assert clip.images.preview_name is not None
    assert clip.images.storyboard_name == f"{clip.video_id}/{clip.id}/storyboard.vtt"
    assert library.blobs("thumbnails") == library.images_of(clip)
    cues = library.read("thumbnails", clip.images.storyboard_name)
    assert cues is not None
    assert cues.startswith(b"WEBVTT\n")
    assert b"\nstoryboard.jpg#xywh=0,0," in cues


def test_video_is_done_after_its_first_ready_clip(library: Library, film: bytes) -> None:
    assert library.video.status == "pending"
    library.landed(film)
    video = library.services.videos.get(library.viewer, library.video.id)
    assert video is not None
    assert (video.status, video.clip_count) == ("done", 1)


def test_unplayable_file_fails_at_once_with_a_reason(library: Library) -> None:
    clip = library.landed(b"plain text " * 100)
    assert clip.status is ClipStatus.FAILED
    assert clip.failure is not None
    assert clip.failure.code == "not_a_video"
    assert clip.failure.detail.endswith(".")


def test_same_blob_twice_changes_nothing(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    assert clip.blob_name is not None
    before = _image_versions(library)
    library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id) == clip
    assert _image_versions(library) == before


def test_overwritten_blob_is_processed_anew(
    library: Library, film: bytes, longer_film: bytes
) -> None:
    clip = library.landed(film)
    assert clip.blob_name is not None
    stale = f"{clip.video_id}/{clip.id}/from-an-earlier-version.jpg"
    library.upload(stale, b"old", kind="thumbnails")
    library.upload(clip.blob_name, longer_film)
    library.services.ingest.landed(clip.blob_name)
    again = library.clip(clip.id)
    assert again.status is ClipStatus.READY
    assert again.duration == pytest.approx(3.0, abs=0.1)
    assert library.blobs("thumbnails") == library.images_of(again)


def test_clip_overwritten_by_an_unreadable_file_loses_its_poster(
    library: Library, film: bytes
) -> None:
    clip = library.landed(film)
    assert clip.blob_name is not None
    library.upload(clip.blob_name, b"no video")
    library.services.ingest.landed(clip.blob_name)
    again = library.clip(clip.id)
    assert again.status is ClipStatus.FAILED
    assert (again.media, again.images.poster_name, again.thumbnail_url) == (None, None, None)
    assert library.blobs("thumbnails") == set()


def test_failed_clip_can_be_uploaded_again(library: Library, film: bytes) -> None:
    clip = library.landed(b"no video")
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film)
    library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).status is ClipStatus.READY
    assert library.clip(clip.id).failure is None


def test_blob_of_another_tool_becomes_a_clip(library: Library, film: bytes) -> None:
    name = f"{library.video.id}/holiday in Žilina.mp4"
    metadata = {"start_time": "12.5", "end_time": "14.25", "title": "Holiday"}
    library.upload(name, film, metadata)
    library.services.ingest.landed(name)
    (clip,) = library.clips()
    assert clip.status is ClipStatus.READY
    assert (clip.start_time, clip.end_time, clip.title) == (12.5, 14.25, "Holiday")
    assert clip.content_type == "video/mp4"
    assert clip.blob_name == name


def test_media_type_that_browsers_execute_is_not_used(library: Library, film: bytes) -> None:
    name = f"{library.video.id}/page"
    blob = library.services.account.client.get_blob_client(library.containers.clips, name)
    blob.upload_blob(film, content_settings=ContentSettings(content_type="text/html"))
    library.services.ingest.landed(name)
    (clip,) = library.clips()
    assert (clip.status, clip.content_type) == (ClipStatus.READY, None)
    terms = AccessTerms(life=timedelta(hours=1), ip=None, download=None, variant=Variant.CLIP)
    link = library.link(clip, terms)
    assert httpx.get(link.url).headers["Content-Type"] == "application/octet-stream"


def test_clip_without_metadata_runs_from_zero_to_its_end(library: Library, film: bytes) -> None:
    name = f"{library.video.id}/plain.mp4"
    library.upload(name, film)
    library.services.ingest.landed(name)
    (clip,) = library.clips()
    assert clip.start_time == 0
    assert clip.end_time == clip.duration
    assert clip.title is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"start_time": "nan", "end_time": "inf"},
        {"start_time": "-4", "end_time": "0"},
        {"start_time": "five", "end_time": "", "title": "  "},
        # So large that the end would be no later than the start.
        {"start_time": "1e300", "end_time": "1e308"},
    ],
)
def test_senseless_metadata_is_ignored(
    library: Library, film: bytes, metadata: dict[str, str]
) -> None:
    name = f"{library.video.id}/noted.mp4"
    library.upload(name, film, metadata)
    library.services.ingest.landed(name)
    (clip,) = library.clips()
    assert clip.status is ClipStatus.READY
    assert (clip.start_time, clip.title) == (0, None)


def test_rubbish_by_another_tool_becomes_a_failed_clip(library: Library) -> None:
    name = f"{library.video.id}/rubbish.mp4"
    library.upload(name, b"to do: film something")
    library.services.ingest.landed(name)
    (clip,) = library.clips()
    assert clip.status is ClipStatus.FAILED
    assert (clip.end_time, clip.duration) == (None, None)


def test_clip_id_in_the_blob_name_is_used(library: Library, film: bytes) -> None:
    clip_id = uuid4()
    name = f"{library.video.id}/{clip_id}.mp4"
    library.upload(name, film)
    library.services.ingest.landed(name)
    assert library.clip(clip_id).status is ClipStatus.READY


def test_bytes_of_a_clip_of_the_old_service_find_their_row(library: Library, film: bytes) -> None:
    clip_id = uuid4()
    library.services.database.run(
        """INSERT INTO clips (id, video_id, s3_url, blob_url, start_time, end_time, duration)
           VALUES (%(id)s, %(video)s, 's3://old/x.mp4', 's3://old/x.mp4', 30, 32, 2)""",
        {"id": clip_id, "video": library.video.id},
    )
    name = f"{library.video.id}/{clip_id}.mp4"
    library.upload(name, film)
    library.services.ingest.landed(name)
    (clip,) = library.clips()
    assert (clip.id, clip.status, clip.start_time) == (clip_id, ClipStatus.READY, 30)
    assert clip.blob_url is not None
    assert clip.blob_url.endswith(name)


def test_two_files_that_spell_one_id_become_two_clips(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    name = f"{library.video.id}/{clip.id}.mov"
    library.upload(name, film)
    library.services.ingest.landed(name)
    assert {c.blob_name for c in library.clips()} == {clip.blob_name, name}


@pytest.mark.parametrize("folder", ["", "not-a-uuid/", "4b8f3f0e-7c1d-4e2a-9a55-0d6c2b1e7f90/"])
def test_blob_below_no_video_is_ignored(library: Library, film: bytes, folder: str) -> None:
    name = f"{folder}clip.mp4"
    library.upload(name, film)
    library.services.ingest.landed(name)
    assert library.clips() == []
    assert library.blobs() == {name}


def test_deleted_blob_is_no_error(library: Library) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).status is ClipStatus.AWAITING_UPLOAD


def test_late_upload_for_a_deleted_clip_is_removed(library: Library, film: bytes) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    library.upload(clip.blob_name, film)
    library.services.ingest.landed(clip.blob_name)
    assert library.clips() == []
    assert library.everything_stored() == set()


def test_name_chosen_by_another_tool_can_be_used_again(library: Library, film: bytes) -> None:
    name = f"{library.video.id}/take.mp4"
    library.upload(name, film)
    library.services.ingest.landed(name)
    library.services.bin.delete_clip(library.viewer, library.clips()[0].id, permanent=True)
    library.upload(name, film)
    library.services.ingest.landed(name)
    assert [c.status for c in library.clips()] == [ClipStatus.READY]


class _Interrupted(BaseException):
    """Simulates the end of the process: no code of the app may catch it."""


@pytest.mark.parametrize("step", ["delete_prefix", "reader", "put", "publish"])
def test_run_that_dies_is_completed_by_the_next(
    library: Library, film: bytes, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film)
    if step == "delete_prefix":  # images are removed where an earlier version may have left some
        library.services.ingest.landed(clip.blob_name)
        library.upload(clip.blob_name, film)

    def die(*_: object, **__: object) -> None:
        raise _Interrupted

    owner = landings.Landings if step == "publish" else type(library.services.blobs)
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, die)
        with pytest.raises(_Interrupted):
            library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).status is ClipStatus.PROCESSING
    library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).status is ClipStatus.READY
    assert library.blobs("thumbnails") == library.images_of(library.clip(clip.id))


def test_version_overwritten_while_it_is_read_is_dropped(
    library: Library, film: bytes, longer_film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer version wins, and the poster is its poster, whichever run writes last."""
    clip = library.announce()
    assert clip.blob_name is not None
    name = clip.blob_name
    library.upload(name, film)
    write = ImageWriter.write

    def overtaken(self: ImageWriter, claim: Claim, stills: media.Stills) -> Images:
        monkeypatch.undo()
        library.upload(name, longer_film)
        library.services.ingest.landed(name)
        return write(self, claim, stills)

    monkeypatch.setattr(ImageWriter, "write", overtaken)
    library.services.ingest.landed(name)
    after = library.clip(clip.id)
    assert after.duration == pytest.approx(3.0, abs=0.1)
    assert after.images.poster_name is not None
    picture = library.read("thumbnails", after.images.poster_name)
    assert picture is not None
    with Image.open(BytesIO(picture)) as image:
        assert image.size == (160, 160)


@pytest.mark.usefixtures("no_client_retries")
def test_outage_of_storage_is_retried_and_shown_after_the_last_attempt(
    library: Library, environment: dict[str, str], film: bytes
) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film)
    cut_off = _without_storage(environment)
    for attempt in range(MAX_DELIVERIES):
        assert library.clip(clip.id).failure is None, f"given up before attempt {attempt}"
        with cut_off.database, pytest.raises(StorageUnavailable):
            cut_off.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).failure == GAVE_UP
    library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).status is ClipStatus.READY


@pytest.mark.usefixtures("no_client_retries")
def test_ready_clip_stays_ready_through_an_outage(
    library: Library, environment: dict[str, str], film: bytes
) -> None:
    clip = library.landed(film)
    assert clip.blob_name is not None
    cut_off = _without_storage(environment)
    with cut_off.database:
        for _ in range(MAX_DELIVERIES + 1):
            with pytest.raises(StorageUnavailable):
                cut_off.ingest.landed(clip.blob_name)
    assert library.clip(clip.id) == clip


def test_outage_of_the_database_is_an_error_to_retry(
    library: Library, environment: dict[str, str], film: bytes
) -> None:
    name = f"{library.video.id}/clip.mp4"
    library.upload(name, film)
    environment["DATABASE_URL"] = "postgresql://cliplink@127.0.0.1:1/cliplink"
    cut_off = compose_all(from_mapping(environment))
    with cut_off.database, pytest.raises(DatabaseUnavailable):
        cut_off.ingest.landed(name)


def test_internal_error_is_retried_and_shown_too(
    library: Library, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film)

    def fault(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(media, "opened", fault)
    for _ in range(MAX_DELIVERIES):
        with pytest.raises(ZeroDivisionError):
            library.services.ingest.landed(clip.blob_name)
    assert library.clip(clip.id).failure == GAVE_UP


def _without_storage(environment: dict[str, str]) -> AllServices:
    parts = environment["AZURE_STORAGE_CONNECTION_STRING"].split(";")
    parts = [p for p in parts if p and not p.startswith("BlobEndpoint")]
    nowhere = ";".join([*parts, "BlobEndpoint=http://127.0.0.1:1/devstoreaccount1"])
    return compose_all(from_mapping(environment | {"AZURE_STORAGE_CONNECTION_STRING": nowhere}))


def _image_versions(library: Library) -> dict[str, str]:
    pages = library.services.blobs.pages(library.containers.thumbnails)
    return {blob.name: blob.etag for page in pages for blob in page}


def test_clips_compare_by_value(library: Library) -> None:
    """Otherwise the comparisons above would prove nothing."""
    clip: Clip = library.announce()
    assert dataclasses.replace(clip) == clip
    assert dataclasses.replace(clip, title="another") != clip
    assert isinstance(clip.id, UUID)
