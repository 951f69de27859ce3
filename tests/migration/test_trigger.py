"""The run and the blob trigger, in either order, give the same clip."""

import hashlib
from base64 import b64encode

from azure.storage.blob import BlobBlock, ContentSettings

from shared.model.clip import ClipStatus
from tests.migration.conftest import Command, read
from tests.migration.old_service import OldService
from tests.services import AllServices

DATA = b"some film" * 1000
MD5 = b64encode(hashlib.md5(DATA).digest()).decode()


def upload(services: AllServices, name: str, data: bytes, md5: bytes | None = None) -> None:
    """As any other tool would."""
    blob = services.account.client.get_blob_client(services.containers.clips, name)
    settings = ContentSettings(content_md5=bytearray(md5)) if md5 else None
    blob.upload_blob(data, content_settings=settings)


def test_trigger_after_the_row_update_makes_the_clip_ready(
    old: OldService,
    run: Command,
    services: AllServices,
    film: bytes,
) -> None:
    clip_id = old.clip_with_file(film)
    old_url = old.row(clip_id)["s3_url"]
    first = run()
    services.ingest.landed(f"{old.video_id}/{clip_id}.mp4")
    clip = services.clips.get(old.viewer, clip_id)
    assert clip is not None
    assert (clip.status, clip.start_time, clip.end_time) == (ClipStatus.READY, 1, 5)
    assert clip.images.poster_name is not None
    assert old.row(clip_id)["s3_url"] == old_url
    assert run().receipt == first.receipt


def test_trigger_before_the_row_update_attaches_the_blob(
    old: OldService,
    run: Command,
    services: AllServices,
    film: bytes,
) -> None:
    """A run that died after its upload: the blob is there, the row still waits."""
    clip_id = old.clip_with_file(film)
    old.execute("UPDATE clips SET s3_url = NULL")
    old_url = old.row(clip_id)["blob_url"]
    name = f"{old.video_id}/{clip_id}.mp4"
    upload(services, name, film)
    services.ingest.landed(name)
    done = run()
    assert (done.code, done.sent, done.summary["summary"]["verified"]) == (0, 0, 1)
    clip = services.clips.get(old.viewer, clip_id)
    assert clip is not None
    assert (clip.status, clip.blob_name) == (ClipStatus.READY, name)
    assert old.row(clip_id)["s3_url"] == old_url, "where the bytes were stays on record"
    assert len(old.rows("SELECT id FROM clips")) == 1


def test_next_run_updates_the_row_of_a_stored_blob(
    old: OldService, run: Command, services: AllServices
) -> None:
    clip_id = old.clip_with_file(DATA)
    first = run()
    old.execute("UPDATE clips SET blob_name = NULL, blob_url = s3_url")
    assert run().receipt == first.receipt
    assert old.row(clip_id)["blob_name"] == f"{old.video_id}/{clip_id}.mp4"
    assert services.blobs.exists(services.containers.clips, f"{old.video_id}/{clip_id}.mp4")


def test_blob_with_other_bytes_is_never_overwritten(
    old: OldService, run: Command, services: AllServices
) -> None:
    small, large = old.clip_with_file(DATA), old.clip_with_file(DATA * 5000)
    for clip_id in (small, large):
        upload(services, f"{old.video_id}/{clip_id}.mp4", b"other bytes")
    done = run()
    assert (done.code, set(done.verdicts().values())) == (1, {"blob_differs"})
    for clip_id in (small, large):
        name = f"{old.video_id}/{clip_id}.mp4"
        assert read(services, "clips", name) == b"other bytes"
        assert old.row(clip_id)["blob_name"] is None


def test_blob_without_an_md5_does_not_count_as_verified(
    old: OldService, run: Command, services: AllServices
) -> None:
    clip_id = old.clip_with_file(DATA)
    name = f"{old.video_id}/{clip_id}.mp4"
    blob = services.account.client.get_blob_client(services.containers.clips, name)
    blob.stage_block("MDAwMA==", DATA)
    blob.commit_block_list([BlobBlock("MDAwMA==")])
    assert run().of(f"{clip_id}.mp4")["code"] == "blob_unverified"
    services.blobs.set_md5(
        services.containers.clips, services.blobs.get(services.containers.clips, name), MD5
    )
    assert run().code == 0


def test_clip_that_is_deleted_meanwhile_stays_deleted(
    old: OldService, run: Command, services: AllServices
) -> None:
    """Hidden between plan and row update; its blob is removed by the trigger."""
    clip_id = old.clip_with_file(DATA)
    name = f"{old.video_id}/{clip_id}.mp4"
    old.execute(
        "CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF OLD.deleted_at IS NULL THEN NEW := OLD; NEW.deleted_at := now(); END IF;"
        " RETURN NEW; END $$"
    )
    old.execute("CREATE TRIGGER hide BEFORE UPDATE ON clips FOR EACH ROW EXECUTE FUNCTION hide()")
    done = run()
    assert (done.code, done.of(f"{clip_id}.mp4")["code"]) == (1, "clip_deleted")
    assert done.deletable == []
    services.ingest.landed(name)
    assert not services.blobs.exists(services.containers.clips, name)
    assert [row["id"] for row in old.rows("SELECT id FROM clips")] == [clip_id]


def test_announced_clip_keeps_its_blob_name(
    old: OldService, run: Command, services: AllServices
) -> None:
    clip_id = old.clip_with_file(DATA, ".mov")
    name = f"{old.video_id}/{clip_id}.mp4"
    old.execute("UPDATE clips SET blob_name = %s", name)
    assert run().of(f"{clip_id}.mov")["blob"] == name
    assert services.blobs.exists(services.containers.clips, name)


# --- Thumbnails


def test_legacy_thumbnail_is_shown_if_no_poster_can_be_made(
    old: OldService, run: Command, services: AllServices
) -> None:
    clip_id = old.clip_with_file(b"this is no film")
    old.file(f"{clip_id}_thumbnail.png", b"a picture")
    first = run()
    name = f"{old.video_id}/{clip_id}_thumbnail.png"
    assert first.of(f"{clip_id}_thumbnail.png")["blob"] == name
    services.ingest.landed(f"{old.video_id}/{clip_id}.mp4")
    clip = services.clips.get(old.viewer, clip_id)
    assert clip is not None
    assert clip.status is ClipStatus.FAILED
    assert clip.images.poster_name == name
    assert clip.thumbnail_url == services.account.url(services.containers.thumbnails, name)
    blob = services.blobs.get(services.containers.thumbnails, name)
    assert blob.content_type == "image/png"
    again = run()
    assert (again.sent, again.receipt) == (0, first.receipt)


def test_poster_is_preferred_to_a_legacy_thumbnail(
    old: OldService,
    run: Command,
    services: AllServices,
    film: bytes,
) -> None:
    clip_id = old.clip_with_file(film)
    old.file(f"{clip_id}_thumbnail.png", b"a picture")
    run()
    services.ingest.landed(f"{old.video_id}/{clip_id}.mp4")
    clip = services.clips.get(old.viewer, clip_id)
    assert clip is not None
    assert clip.images.poster_name == f"{old.video_id}/{clip_id}/poster.jpg"


def test_deleting_a_clip_deletes_its_legacy_thumbnail(
    old: OldService, run: Command, services: AllServices
) -> None:
    clip_id = old.clip_with_file(DATA)
    old.file(f"{clip_id}_thumbnail.png", b"a picture")
    run()
    services.bin.delete_clip(old.viewer, clip_id, permanent=True)
    for container in (services.containers.clips, services.containers.thumbnails):
        assert [blob.name for page in services.blobs.pages(container) for blob in page] == []


# --- Adoption


def test_adopted_file_becomes_one_clip_before_or_after_the_trigger(
    old: OldService,
    run: Command,
    services: AllServices,
    film: bytes,
) -> None:
    old.file("Žofie am See.mp4", film)
    first = run("--adopt", str(old.video_id))
    (row,) = old.rows("SELECT id, blob_name, title FROM clips")
    assert row["title"] == "Žofie am See"
    # As if the trigger had been first and had made the row.
    old.execute("UPDATE clips SET title = NULL, s3_url = NULL")
    services.ingest.landed(str(row["blob_name"]))
    again = run("--adopt", str(old.video_id))
    assert (again.code, again.sent, again.receipt) == (0, 0, first.receipt)
    (clip,) = services.clips.page(old.viewer, old.video_id, 10, None, None)
    assert (clip.status, clip.start_time) == (ClipStatus.READY, 0)
    assert clip.end_time is not None


def test_adopting_requires_an_existing_video(run: Command) -> None:
    done = run("--adopt", "00000000-0000-4000-8000-000000000001")
    assert done.code == 2
    assert "There is no video" in done.err
