"""The recycle bin: what is deleted can be restored as it was, until it is purged."""

from uuid import UUID

import pytest

from clips.bin.worker import BINS, CLIPS
from shared.errors import BlobMissing, GoneForGood, NotFound, VideoInBin
from shared.model.clip import Clip, ClipStatus, ClipUpdate
from shared.model.link import Client, ShareTerms
from shared.model.user import Viewer
from tests.integration.library import Library
from tests.integration.test_deletion import rows
from tests.services import AllServices


def purge(library: Library) -> None:
    """Purges as at the end of the time in the bin."""
    for table in ("clips", "videos"):
        due = "SET purge_at = now() WHERE purge_at IS NOT NULL"
        library.services.database.run(f"UPDATE {table} {due}", {})
    library.clean_up()


def process(library: Library) -> None:
    """Processes every blob in the clips container, as the blob trigger does."""
    for name in library.blobs():
        library.services.ingest.landed(name)


def restore(library: Library, clip: Clip) -> Clip:
    """Restores a clip, moves its blob back and processes it."""
    library.services.bin.restore_clip(library.viewer, clip.id)
    process(library)
    return library.clip(clip.id)


def essentials(clip: Clip) -> tuple[object, ...]:
    """The values that a restored clip must have again."""
    return (
        clip.id,
        clip.title,
        clip.status,
        clip.start_time,
        clip.end_time,
        clip.expires_at,
        clip.view_count,
        clip.created_at,
        clip.media,
        clip.images,
        clip.pinned,
        clip.deleted_at,
    )


def test_deleted_clip_lies_in_the_bin_with_its_bytes(library: Library, film: bytes) -> None:
    clip = library.landed(film, title="Goal")
    library.services.bin.delete_clip(library.viewer, clip.id)
    assert library.clips() == []
    assert (library.blobs(), library.blobs("thumbnails")) == (set(), set())
    assert library.blobs("bin") == {clip.blob_name}
    (shown,) = library.services.bin.clips(library.viewer, 10, None)
    assert (shown.id, shown.title, shown.media) == (clip.id, "Goal", clip.media)
    assert shown.deleted_at is not None
    assert shown.purge_at is not None
    assert (shown.purge_at - shown.deleted_at).days == 14


def test_restored_clip_is_as_it_was(library: Library, film: bytes) -> None:
    clip = library.landed(film, title="Goal")
    library.services.view_log.add(library.viewer, library.video.id, clip.id)
    share, token = library.services.sharing.create(
        library.viewer, clip.id, ShareTerms(expires_at=None, max_views=None, ip=None)
    )
    before = library.clip(clip.id)
    library.services.bin.delete_clip(library.viewer, clip.id)
    with pytest.raises(NotFound):
        library.services.sharing.open(token, Client("203.0.113.4", "test"))
    assert essentials(restore(library, clip)) == essentials(before)
    assert library.blobs("bin") == set()
    assert library.blobs("thumbnails") == library.images_of(before)
    assert library.read("clips", str(clip.blob_name)) == film
    opened = library.services.sharing.open(token, Client("203.0.113.4", "test"))
    assert opened.clip_id == share.clip_id


def test_restoring_twice_is_restoring_once(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id)
    restore(library, clip)
    assert essentials(restore(library, clip)) == essentials(clip)


def test_clip_can_be_deleted_and_restored_again_and_again(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    for _ in range(3):
        library.services.bin.delete_clip(library.viewer, clip.id)
        assert library.blobs("bin") == {clip.blob_name}
        assert essentials(restore(library, clip)) == essentials(clip)


def test_purged_clip_is_gone_for_its_owner_and_unknown_to_others(
    library: Library, film: bytes
) -> None:
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id)
    purge(library)
    assert library.everything_stored() == set()
    assert rows(library.services, "clips") == 0
    with pytest.raises(GoneForGood):
        library.services.bin.restore_clip(library.viewer, clip.id)
    admin = Library(library.services, "root").viewer.user_id
    with pytest.raises(GoneForGood):
        library.services.bin.restore_clip(Viewer(admin, as_admin=True), clip.id)
    with pytest.raises(NotFound):
        library.services.bin.restore_clip(Library(library.services, "eve").viewer, clip.id)


def test_clip_in_the_bin_is_seen_by_its_owner_alone(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id)
    eve = Library(library.services, "eve")
    assert library.services.bin.clips(eve.viewer, 10, None) == []
    for act in (
        lambda: library.services.bin.restore_clip(eve.viewer, clip.id),
        lambda: library.services.bin.delete_clip(eve.viewer, clip.id, permanent=True),
    ):
        with pytest.raises(NotFound):
            act()
    library.services.bin.restore_clip(Viewer(eve.user.id, as_admin=True), clip.id)
    assert library.clip(clip.id).deleted_at is None


def test_clip_can_be_deleted_for_ever_out_of_the_bin(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id)
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert (library.everything_stored(), rows(library.services, "clips")) == (set(), 0)


def test_clip_without_a_blob_is_deleted_and_restored(library: Library, film: bytes) -> None:
    clip = library.announce()
    library.services.bin.delete_clip(library.viewer, clip.id)
    library.services.bin.restore_clip(library.viewer, clip.id)
    assert library.clip(clip.id).status is ClipStatus.AWAITING_UPLOAD
    library.upload(str(clip.blob_name), film)
    process(library)
    assert library.clip(clip.id).status is ClipStatus.READY


def test_upload_that_comes_late_is_kept_with_its_clip(library: Library, film: bytes) -> None:
    """The upload is kept in the bin, and links to the clip stay closed."""
    clip = library.announce()
    library.services.bin.delete_clip(library.viewer, clip.id)
    library.upload(str(clip.blob_name), film)
    process(library)
    library.work_off()
    assert (library.blobs(), library.blobs("bin")) == (set(), {clip.blob_name})
    assert restore(library, clip).status is ClipStatus.READY
    assert library.read("clips", str(clip.blob_name)) == film


def test_overwrite_in_the_bin_replaces_what_lies_there(
    library: Library, film: bytes, longer_film: bytes
) -> None:
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id)
    library.upload(str(clip.blob_name), longer_film)
    process(library)
    library.work_off()
    assert library.read("bin", str(clip.blob_name)) == longer_film
    restore(library, clip)
    assert library.read("clips", str(clip.blob_name)) == longer_film


def test_name_of_another_tool_can_be_used_again(
    library: Library, film: bytes, longer_film: bytes
) -> None:
    name = f"{library.video.id}/holiday.mp4"
    library.upload(name, film)
    process(library)
    (old,) = library.clips()
    library.services.bin.delete_clip(library.viewer, old.id)
    library.upload(name, longer_film)
    process(library)
    (new,) = library.clips()
    assert (new.id != old.id, new.blob_name) == (True, name)
    restored = restore(library, old)
    assert library.read("clips", name) == longer_film
    assert library.read("clips", str(restored.blob_name)) == film
    assert restored.status is ClipStatus.READY


def test_thumbnail_of_the_old_service_returns(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    name = f"{clip.video_id}/{clip.id}_thumbnail.png"
    library.upload(name, b"old", kind="thumbnails")
    library.services.bin.delete_clip(library.viewer, clip.id)
    assert library.blobs("thumbnails") == set()
    assert library.blobs("bin") == {clip.blob_name, name}
    restore(library, clip)
    assert library.read("thumbnails", name) == b"old"
    assert library.blobs("bin") == set()


def test_expired_clip_is_not_restored(library: Library, film: bytes) -> None:
    """Its owner set the date for its deletion."""
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id)
    library.services.database.run("UPDATE clips SET expires_at = now()", {})
    with pytest.raises(GoneForGood):
        library.services.bin.restore_clip(library.viewer, clip.id)


def test_clip_is_purged_when_it_expires(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    library.services.database.run("UPDATE clips SET expires_at = now() + interval '1 day'", {})
    library.services.bin.delete_clip(library.viewer, clip.id)
    (shown,) = library.services.bin.clips(library.viewer, 10, None)
    assert shown.purge_at == shown.expires_at


def test_restoring_a_clip_without_bytes_is_refused(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id)
    library.services.blobs.delete(library.containers.bin, str(clip.blob_name))
    with pytest.raises(BlobMissing):
        library.services.bin.restore_clip(library.viewer, clip.id)
    outcomes = library.services.bin.restore_clips(library.viewer, [clip.id])
    assert isinstance(outcomes[clip.id], BlobMissing)


def test_many_clips_are_deleted_and_restored_independently(library: Library, film: bytes) -> None:
    clips = [library.landed(film) for _ in range(3)]
    library.services.library.change(
        library.viewer, clips[1].id, ClipUpdate(named=frozenset({"pinned"}), pinned=True)
    )
    unknown = UUID(int=7)
    ids = [clips[0].id, unknown, clips[1].id, clips[2].id, clips[0].id]
    outcomes = library.services.bin.delete_clips(library.viewer, ids)
    codes = [error and error.code for error in map(outcomes.get, ids)]
    assert codes == [None, "not_found", "pinned", None, None]
    assert len(library.blobs("bin")) == 2
    library.services.bin.delete_clip(library.viewer, clips[2].id, permanent=True)
    outcomes = library.services.bin.restore_clips(library.viewer, ids)
    codes = [error and error.code for error in map(outcomes.get, ids)]
    assert codes == [None, "not_found", None, "gone_for_good", None]
    process(library)
    assert {clip.status for clip in library.clips()} == {ClipStatus.READY}


def test_pages_are_in_the_order_of_deletion(library: Library) -> None:
    clips = [library.announce() for _ in range(5)]
    for clip in clips:
        library.services.bin.delete_clip(library.viewer, clip.id)
    found: list[UUID] = []
    after = None
    while page := library.services.bin.clips(library.viewer, 2, after):
        found += [clip.id for clip in page]
        assert page[-1].deleted_at is not None
        after = (page[-1].deleted_at, page[-1].id)
    assert found == [clip.id for clip in reversed(clips)]


class TestVideos:
    def test_video_is_restored_with_the_clips_that_were_deleted_with_it(
        self, library: Library, film: bytes
    ) -> None:
        kept, before = library.landed(film, "kept"), library.landed(film, "before")
        library.upload(f"{library.video.id}.mp4", film, kind="videos")
        library.services.source_ingest.landed(f"{library.video.id}.mp4")
        library.services.bin.delete_clip(library.viewer, before.id)
        library.services.bin.delete_video(library.viewer, library.video.id)
        library.work_off()
        assert library.services.videos.get(library.viewer, library.video.id) is None
        for kind in ("clips", "videos", "thumbnails"):
            assert library.blobs(kind) == set(), kind
        assert library.blobs("bin") == {
            kept.blob_name,
            before.blob_name,
            f"{library.video.id}.mp4",
        }
        (video,) = library.services.bin.videos(library.viewer, 10, None)
        assert (video.id, video.clip_count) == (library.video.id, 1)
        with pytest.raises(VideoInBin):
            library.services.bin.restore_clip(library.viewer, before.id)
        restored = library.services.bin.restore_video(library.viewer, library.video.id)
        assert (restored.id, restored.deleted_at) == (library.video.id, None)
        library.work_off()
        process(library)
        library.services.source_ingest.landed(f"{library.video.id}.mp4")
        assert [clip.id for clip in library.clips()] == [kept.id]
        assert essentials(library.clip(kept.id)) == essentials(kept)
        assert library.blobs("bin") == {before.blob_name}
        source = library.services.sources.read(library.viewer, library.video.id).source
        assert source.status is ClipStatus.READY
        assert essentials(restore(library, before)) == essentials(before)

    def test_purged_video_is_gone_with_everything(self, library: Library, film: bytes) -> None:
        clip, other = library.landed(film), library.landed(film)
        library.upload(f"{library.video.id}.mp4", film, kind="videos")
        library.services.bin.delete_clip(library.viewer, other.id)
        library.services.bin.delete_video(library.viewer, library.video.id)
        purge(library)
        assert library.everything_stored() == set()
        assert (rows(library.services, "clips"), rows(library.services, "videos")) == (0, 0)
        for act in (
            lambda: library.services.bin.restore_video(library.viewer, library.video.id),
            lambda: library.services.bin.restore_clip(library.viewer, clip.id),
        ):
            with pytest.raises(GoneForGood):
                act()

    def test_upload_under_a_video_in_the_bin_waits(self, library: Library, film: bytes) -> None:
        clip = library.announce()
        library.services.bin.delete_video(library.viewer, library.video.id)
        library.upload(str(clip.blob_name), film)
        process(library)
        library.work_off()
        assert library.blobs() == set()
        library.services.bin.restore_video(library.viewer, library.video.id)
        library.work_off()
        process(library)
        assert library.clip(clip.id).status is ClipStatus.READY


def test_emptied_bin_is_empty_at_once(library: Library, film: bytes) -> None:
    clips = [library.landed(film) for _ in range(2)]
    other = Library(library.services, "bob")
    theirs = other.landed(film)
    for owner, clip in ((library, clips[0]), (other, theirs)):
        owner.services.bin.delete_clip(owner.viewer, clip.id)
    library.services.bin.delete_video(library.viewer, library.video.id)
    assert library.services.bin.empty(library.viewer) == 2
    assert library.services.bin.clips(library.viewer, 10, None) == []
    assert library.services.bin.videos(library.viewer, 10, None) == []
    library.work_off()
    assert library.everything_stored() == {theirs.blob_name}
    assert library.services.bin.empty(library.viewer) == 0


def test_large_bin_is_emptied_by_one_mark(
    library: Library, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call begins with one of five clips; the queue does the rest."""
    monkeypatch.setattr("clips.bin.bin._EMPTIED_AT_ONCE", 1)
    monkeypatch.setattr("clips.bin.worker._PURGED_AT_ONCE", 2)
    bin_ = library.services.bin
    clips = [library.announce() for _ in range(4)] + [library.landed(film)]
    bin_.delete_clips(library.viewer, [clip.id for clip in clips])
    assert bin_.empty(library.viewer) == 5
    assert bin_.clips(library.viewer, 10, None) == []
    assert bin_.empty(library.viewer) == 0
    outcomes = bin_.restore_clips(library.viewer, [clip.id for clip in clips])
    assert {type(error) for error in outcomes.values()} == {GoneForGood}
    later = library.announce()
    bin_.delete_clip(library.viewer, later.id)
    assert library.services.deletions.work(BINS) == [CLIPS]
    library.work_off()
    assert library.everything_stored() == set()
    assert rows(library.services, "clips") == 1
    bin_.restore_clip(library.viewer, later.id)
    assert library.clip(later.id).deleted_at is None


def test_cleanup_goes_on_with_an_emptied_bin_whose_message_was_lost(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clips.bin.bin._EMPTIED_AT_ONCE", 1)
    clips = [library.announce() for _ in range(3)]
    library.services.bin.delete_clips(library.viewer, [clip.id for clip in clips])
    library.services.bin.empty(library.viewer)
    library.clean_up()
    assert rows(library.services, "clips") == 0


def test_bin_that_is_switched_off_keeps_nothing(services: AllServices, film: bytes) -> None:
    library = Library(services)
    clip = library.landed(film)
    services.bin._bin._days = None
    services.bin.delete_clip(library.viewer, clip.id)
    assert library.everything_stored() == set()


@pytest.mark.parametrize("table", ["clips", "videos"])
def test_row_that_refuses_every_change_does_not_stop_others(
    library: Library, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The second of three deletions fails; its clip is named and tried again."""
    database = library.services.database
    if table == "clips":
        ids = [library.announce().id for _ in range(3)]
    else:
        ids = [library.video.id, *(Library(library.services, n).video.id for n in ("bob", "eve"))]
    database.run(f"UPDATE {table} SET deleted_at = now()", {})
    database.run(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'refused'; END $$""",
        {},
    )
    database.run(
        f"""CREATE TRIGGER refuse BEFORE DELETE ON {table} FOR EACH ROW
            WHEN (OLD.id = '{ids[1]}') EXECUTE FUNCTION refuse()""",
        {},
    )
    assert library.work_off() == 2
    assert f"An item failed and will be tried again: {table[:-1]} {ids[1]}" in caplog.text
    assert rows(library.services, table) == 1


def test_deleting_a_video_with_many_clips_changes_one_row(library: Library) -> None:
    services = library.services
    services.database.run(
        """INSERT INTO clips (video_id, blob_name, start_time, end_time, duration)
           SELECT %(id)s, %(id)s::text || '/' || n, 0, 1, 1 FROM generate_series(1, 3000) n""",
        {"id": library.video.id},
    )
    services.bin_rows.hide_video(library.viewer, library.video.id, permanent=False)
    assert rows(services, "clips WHERE deleted_at IS NOT NULL") == 0
    assert library.clips() == []
    services.bin_rows.restore_video(library.viewer, library.video.id)
    assert len(library.clips()) == 1000, "a page"
