"""Every link is recorded: its user, target, address of the caller, start and end."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors as postgres_errors

from clips.upkeep.old_grants import GRANT_LIFE
from shared.catalogue.links.grant_queries import Grant, Grants
from shared.model.clip import Clip
from shared.model.link import (
    AccessTerms,
    ImageFormat,
    RecordedGrant,
    SignedLink,
    StillOptions,
    Variant,
)
from shared.model.user import Viewer
from tests.conftest import SetClock
from tests.integration.library import Library

HOUR = timedelta(hours=1)


def terms(variant: Variant = Variant.CLIP, ip: str | None = None) -> AccessTerms:
    return AccessTerms(life=HOUR, ip=ip, download=None, variant=variant)


def grants_of(
    library: Library, clip: Clip, viewer: Viewer | None = None, limit: int = 1000
) -> list[RecordedGrant]:
    viewer = viewer or library.viewer
    return list(library.services.grants.page(viewer, clip.id, limit, None))


def a_link(clock: SetClock, link_id: UUID | None = None) -> SignedLink:
    """A link without a valid signature, which the record does not need."""
    return SignedLink(link_id or uuid4(), "https://x.example.org", clock.now, clock.now + HOUR)


@pytest.fixture
def admin_connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


class TestRecordedGrants:
    def test_grant_of_a_link_has_all_its_limits(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        link = library.link(clip, terms(ip="203.0.113.4-203.0.113.9"))
        (grant,) = grants_of(library, clip)
        assert (grant.link_id, grant.who, grant.clip_id) == (link.id, "alice", clip.id)
        assert (grant.variant, grant.ip) == ("clip", "203.0.113.4-203.0.113.9")
        assert (grant.starts_at, grant.expires_at) == (link.starts_at, link.expires_at)
        assert grant.share_id is None

    @pytest.mark.parametrize("variant", [each for each in Variant if each is not Variant.PLAY])
    def test_grant_names_the_variant(self, library: Library, film: bytes, variant: Variant) -> None:
        clip = library.landed(film)
        link = library.link(clip, terms(variant))
        assert (link.id, variant) in {(g.link_id, g.variant) for g in grants_of(library, clip)}

    def test_storyboard_and_its_sheet_have_grants(self, library: Library, film: bytes) -> None:
        """The URL in the cues is a link like any other, and the cues hold it in full."""
        clip = library.landed(film)
        link = library.link(clip, terms(Variant.STORYBOARD))
        grants = {grant.link_id: grant for grant in grants_of(library, clip)}
        assert link.id in grants
        assert len(grants) == 2
        assert {(grant.variant, grant.expires_at) for grant in grants.values()} == {
            ("storyboard", link.expires_at)
        }

    def test_links_to_many_clips_have_grants(self, library: Library, film: bytes) -> None:
        """Each clip has its own grant; a clip without a link has none."""
        clips = [library.landed(film), library.landed(film), library.announce()]
        ids = [clip.id for clip in clips]
        bound = terms(Variant.POSTER, ip="203.0.113.4")
        answers = library.services.access.many(library.viewer, ids, bound)
        for clip, answer in zip(clips[:2], answers[:2], strict=True):
            assert isinstance(answer, SignedLink)
            (grant,) = grants_of(library, clip)
            assert (grant.link_id, grant.who, grant.expires_at) == (
                answer.id,
                "alice",
                answer.expires_at,
            )
            assert (grant.variant, grant.ip) == ("poster", "203.0.113.4")
        assert grants_of(library, clips[2]) == []

    def test_posters_of_a_list_have_grants(self, library: Library, film: bytes) -> None:
        clips = [library.landed(film), library.landed(film)]
        library.services.access.posters(library.viewer, clips)
        for clip in clips:
            assert [grant.variant for grant in grants_of(library, clip)] == ["poster"]

    @pytest.mark.parametrize(("time", "variant"), [(1.0, "thumbnail"), (None, "poster")])
    def test_still_has_a_grant(
        self, library: Library, film: bytes, time: float | None, variant: str
    ) -> None:
        clip = library.landed(film)
        wanted = StillOptions(time=time, width=160, image_format=ImageFormat.JPEG)
        link = library.services.thumbnails.link(library.viewer, clip.id, wanted)
        (grant,) = grants_of(library, clip)
        assert (grant.link_id, grant.variant) == (link.id, variant)

    def test_upload_link_has_a_grant(self, library: Library) -> None:
        clip = library.announce()
        library.services.access.upload(library.viewer, clip)
        assert [grant.variant for grant in grants_of(library, clip)] == ["upload"]

    def test_same_link_to_the_same_user_is_one_grant(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        assert library.link(clip, terms()) == library.link(clip, terms())
        library.services.grants._recorded.clear()  # as another instance would
        library.link(clip, terms())
        assert len(grants_of(library, clip)) == 1

    def test_same_link_to_another_user_is_another_grant(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        root = Viewer(library.services.users.id_of("root", None), as_admin=True)
        library.link(clip, terms())
        library.services.access.many(root, [clip.id], terms())
        grants = grants_of(library, clip)
        assert {grant.who for grant in grants} == {"alice", "root"}
        assert len({grant.link_id for grant in grants}) == 1

    def test_link_that_cannot_be_recorded_is_not_returned(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        library.services.database.run("ALTER TABLE grants RENAME TO elsewhere", {})
        with pytest.raises(postgres_errors.UndefinedTable):
            library.link(clip, terms())
        library.services.database.run("ALTER TABLE elsewhere RENAME TO grants", {})
        library.link(clip, terms())
        assert len(grants_of(library, clip)) == 1, "what failed is not remembered as written"


class TestMemory:
    """A page of a thousand posters that is opened again must not add a thousand rows."""

    def test_recent_grants_are_not_written_again(self, library: Library, clock: SetClock) -> None:
        clip, grants = library.announce(), library.services.grants
        grant = Grant(a_link(clock), clip.id, "clip", None)
        grants.record(library.user.id, [grant])
        library.services.database.run("DELETE FROM grants", {})
        grants.record(library.user.id, [grant])
        assert grants_of(library, clip) == []

    def test_record_of_grants_is_complete_minutes_after_a_database_restore(
        self, library: Library, clock: SetClock
    ) -> None:
        clip, grants = library.announce(), library.services.grants
        grant = Grant(a_link(clock), clip.id, "clip", None)
        grants.record(library.user.id, [grant])
        library.services.database.run("DELETE FROM grants", {})
        clock.advance(minutes=11)
        grants.record(library.user.id, [grant])
        assert len(grants_of(library, clip)) == 1

    def test_number_of_remembered_grants_is_bounded(
        self, library: Library, clock: SetClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.catalogue.links.grant_queries._REMEMBERED", 10)
        clip, grants = library.announce(), library.services.grants
        for _ in range(25):
            grants.record(library.user.id, [Grant(a_link(clock), clip.id, "clip", None)])
            assert len(grants._recorded) <= 10
        assert len(grants_of(library, clip)) == 25

    def test_one_call_records_links_on_several_terms(
        self, library: Library, clock: SetClock
    ) -> None:
        clip = library.announce()
        first = a_link(clock)
        clock.advance(minutes=1)
        given = {
            (first, "clip", None),
            (a_link(clock), "clip", None),
            (a_link(clock), "clip", "203.0.113.4"),
            (a_link(clock), "poster", None),
        }
        library.services.grants.record(
            library.user.id, [Grant(link, clip.id, variant, ip) for link, variant, ip in given]
        )
        assert {
            (grant.link_id, grant.starts_at, grant.variant, grant.ip)
            for grant in grants_of(library, clip)
        } == {(link.id, link.starts_at, variant, ip) for link, variant, ip in given}

    def test_users_have_separate_grants(self, library: Library, clock: SetClock) -> None:
        clip, grants = library.announce(), library.services.grants
        grant = Grant(a_link(clock), clip.id, "clip", None)
        bob = library.services.users.id_of("bob", None)
        for user_id in (library.user.id, bob, library.user.id):
            grants.record(user_id, [grant])
        assert {grant.who for grant in grants_of(library, clip)} == {"alice", "bob"}


class TestManyAtOnce:
    def test_threads_that_record_the_same_links_do_not_conflict(
        self, library: Library, clock: SetClock
    ) -> None:
        clip = library.announce()
        links = [a_link(clock) for _ in range(50)]
        start = threading.Barrier(8)

        def record(order: Sequence[SignedLink]) -> None:
            instance = Grants(library.services.database, clock)
            start.wait()
            instance.record(library.user.id, [Grant(link, clip.id, "clip", None) for link in order])

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(record, [links, links[::-1]] * 4))
        assert {grant.link_id for grant in grants_of(library, clip)} == {link.id for link in links}
        assert len(grants_of(library, clip)) == 50

    def test_rows_are_locked_in_one_order_to_avoid_deadlocks(
        self, library: Library, clock: SetClock, admin_connection: psycopg.Connection
    ) -> None:
        """While another call has written the first link, none of the later ones is held."""
        clip = library.announce()
        first, second = sorted(uuid4() for _ in range(2))
        insert = """INSERT INTO grants (link_id, clip_id, variant, user_id, starts_at, expires_at)
                    VALUES (%s, %s, 'clip', %s, now(), now())"""
        new = [Grant(a_link(clock, link), clip.id, "clip", None) for link in (second, first)]
        with ThreadPoolExecutor(1) as pool:
            with admin_connection.transaction():
                admin_connection.execute(insert, [first, clip.id, library.user.id])
                waiting = pool.submit(library.services.grants.record, library.user.id, new)
                _wait_for_a_waiting_backend(library)
                admin_connection.execute("SET LOCAL lock_timeout = '2s'")
                admin_connection.execute(insert, [second, clip.id, library.user.id])
            waiting.result()
        assert len(grants_of(library, clip)) == 2


def _wait_for_a_waiting_backend(library: Library) -> None:
    query = """SELECT 1 AS one FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    while library.services.database.one(query, {}) is None:
        pass


class TestList:
    def test_grants_are_listed_newest_first_without_gaps_or_repeats(
        self, library: Library, clock: SetClock
    ) -> None:
        """The order is stable if several were granted at one moment."""
        clip, grants = library.announce(), library.services.grants
        for _ in range(4):
            batch = [Grant(a_link(clock), clip.id, "clip", None) for _ in range(5)]
            grants.record(library.user.id, batch)
        seen: list[RecordedGrant] = []
        while page := grants.page(
            library.viewer, clip.id, 3, (seen[-1].granted_at, seen[-1].id) if seen else None
        ):
            seen += page
        assert len({grant.link_id for grant in seen}) == len(seen) == 20
        assert seen == sorted(seen, key=lambda g: (g.granted_at, g.id), reverse=True)

    def test_clip_of_another_user_has_no_grants(self, library: Library, clock: SetClock) -> None:
        clip = library.announce()
        library.services.grants.record(
            library.user.id, [Grant(a_link(clock), clip.id, "clip", None)]
        )
        mallory = Viewer(library.services.users.id_of("mallory", None))
        assert grants_of(library, clip, mallory) == []
        assert len(grants_of(library, clip, Viewer(mallory.user_id, as_admin=True))) == 1

    def test_grants_of_a_deleted_clip_stay_visible_to_admins(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        link = library.link(clip, terms())
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        assert grants_of(library, clip) == [], "for its owner the clip is gone"
        root = Viewer(library.services.users.id_of("root", None), as_admin=True)
        assert link.id in {grant.link_id for grant in grants_of(library, clip, root)}


class TestCleanup:
    def test_cleanup_deletes_grants_of_links_that_ended_long_ago(
        self, library: Library, clock: SetClock
    ) -> None:
        clip = library.announce()
        library.services.grants.record(
            library.user.id, [Grant(a_link(clock), clip.id, "clip", None)]
        )
        clock.now += HOUR + GRANT_LIFE - timedelta(minutes=1)
        assert library.services.cleanup.run()["grants_forgotten"] == 0
        clock.advance(minutes=2)
        assert library.services.cleanup.run()["grants_forgotten"] == 1

    def test_cleanup_deletes_all_old_grants(
        self, library: Library, clock: SetClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clips.upkeep.old_grants._GRANTS_AT_ONCE", 4)
        clip = library.announce()
        batch = [Grant(a_link(clock), clip.id, "clip", None) for _ in range(9)]
        library.services.grants.record(library.user.id, batch)
        clock.now += HOUR + GRANT_LIFE + timedelta(minutes=1)
        assert library.services.cleanup.run()["grants_forgotten"] == 9
