"""An Idempotency-Key: for a day, a repeated request creates nothing new."""

from uuid import UUID, uuid4

import pytest

from shared.errors import KeyReused, NotFound, WrongState
from shared.model.clip import ClipDraft
from shared.model.user import RetryKey, User
from tests.at_once import at_once
from tests.integration.library import Library


def key(text: str = "k1", request: bytes = b"a") -> RetryKey:
    return RetryKey(text, request * 32)


def draft(video_id: UUID) -> ClipDraft:
    return ClipDraft(video_id=video_id, start_time=1, end_time=2, filename="a.mp4")


def test_same_clip_is_the_answer_again(library: Library) -> None:
    service, wanted = library.services.library, draft(library.video.id)
    first = service.announce(library.viewer, wanted, key())
    again = service.announce(library.viewer, wanted, key())
    assert again.clip == first.clip
    assert again.upload.headers == first.upload.headers
    assert [clip.id for clip in library.clips()] == [first.clip.id]


def test_requests_at_once_create_one_clip(library: Library) -> None:
    def announce() -> UUID:
        wanted = draft(library.video.id)
        return library.services.library.announce(library.viewer, wanted, key()).clip.id

    ids = set(at_once(8, announce))
    assert ids == {clip.id for clip in library.clips()}
    assert len(ids) == 1


def test_requests_at_once_create_one_video(library: Library) -> None:
    service = library.services.library
    ids = set(at_once(8, lambda: service.create_video(library.user, "a", None, key()).id))
    videos = library.services.videos.page(library.user.id, 10, None)
    assert {video.id for video in videos} == ids | {library.video.id}
    assert len(ids) == 1


def test_another_request_with_the_key_is_refused(library: Library) -> None:
    service = library.services.library
    service.announce(library.viewer, draft(library.video.id), key())
    with pytest.raises(KeyReused):
        service.announce(library.viewer, draft(library.video.id), key(request=b"b"))
    with pytest.raises(KeyReused):
        service.create_video(library.user, None, None, key(request=b"c"))
    assert len(library.clips()) == 1


def test_users_have_separate_idempotency_keys(library: Library) -> None:
    other = Library(library.services, "bob")
    mine = library.services.library.announce(library.viewer, draft(library.video.id), key())
    theirs = library.services.library.announce(other.viewer, draft(other.video.id), key())
    assert mine.clip.id != theirs.clip.id


def test_failed_request_keeps_no_key(library: Library) -> None:
    service = library.services.library
    with pytest.raises(NotFound):
        service.announce(library.viewer, draft(uuid4()), key())
    assert service.announce(library.viewer, draft(library.video.id), key(request=b"b"))


def test_unknown_user_keeps_no_key(library: Library) -> None:
    assert library.services.videos.add(uuid4(), "a", None, key()) is None
    assert library.services.database.all("SELECT key FROM idempotency_keys", {}) == []


def test_deleted_clip_is_not_created_again(library: Library) -> None:
    service, wanted = library.services.library, draft(library.video.id)
    clip = service.announce(library.viewer, wanted, key()).clip
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    with pytest.raises(WrongState):
        service.announce(library.viewer, wanted, key())
    assert library.clips() == []


def test_key_is_forgotten_after_a_day(library: Library) -> None:
    service, wanted = library.services.library, draft(library.video.id)
    service.announce(library.viewer, wanted, key())
    service.announce(library.viewer, wanted, key("k2"))
    library.services.database.run(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours'", {}
    )
    service.announce(library.viewer, wanted, key())
    assert len(library.clips()) == 3
    keys = library.services.database.all("SELECT key FROM idempotency_keys", {})
    assert [row["key"] for row in keys] == ["k1"]


def test_no_link_is_stored_with_a_key(library: Library) -> None:
    announced = library.services.library.announce(
        library.viewer, draft(library.video.id), key("the-key")
    )
    (row,) = library.services.database.all("SELECT * FROM idempotency_keys", {})
    assert set(row) == {"user_id", "key", "fingerprint", "created_id", "created_at"}
    assert row["created_id"] == announced.clip.id


def test_user_of_the_key_is_the_caller(library: Library) -> None:
    user = User(library.user.id, "alice", frozenset())
    video = library.services.library.create_video(user, "a", None, key())
    assert library.services.library.create_video(user, "a", None, key()) == video
