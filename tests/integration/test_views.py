"""Views are counted and recorded with their user; only users who see the clip can view it."""

from uuid import UUID, uuid4

import psycopg

from shared.catalogue.library.clip_queries import ViewLog
from shared.model.clip import Clip
from shared.model.user import Viewer
from shared.schema.apply import apply_schema
from tests.at_once import at_once
from tests.integration.library import Library
from tests.integration.test_migrations import by_psql, make_legacy


def view(library: Library, clip: Clip, viewer: Viewer | None = None) -> bool:
    log = library.services.view_log
    return log.add(viewer or library.viewer, clip.video_id, clip.id)


def logged(library: Library) -> list[tuple[UUID | None, UUID]]:
    rows = library.services.database.all("SELECT user_id, clip_id FROM clip_view_logs", {})
    return [(row["user_id"], row["clip_id"]) for row in rows]


def test_view_is_counted_and_logged(library: Library) -> None:
    clip, other = library.announce(), library.announce()
    assert clip.view_count == 0
    assert view(library, clip)
    assert view(library, clip)
    assert library.clip(clip.id).view_count == 2
    assert library.clip(other.id).view_count == 0
    assert logged(library) == [(library.user.id, clip.id)] * 2


def test_lists_show_the_count(library: Library) -> None:
    clip = library.announce()
    view(library, clip)
    assert [listed.view_count for listed in library.clips()] == [1]


def test_view_needs_a_visible_clip(library: Library) -> None:
    clip = library.announce()
    mallory = Viewer(library.services.users.id_of("mallory", None))
    assert not view(library, clip, mallory)
    assert not library.services.view_log.add(library.viewer, uuid4(), clip.id), "another video"
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert not view(library, clip)
    assert logged(library) == []


def test_admin_views_under_their_own_name(library: Library) -> None:
    clip = library.announce()
    root = Viewer(library.services.users.id_of("root", None), as_admin=True)
    assert view(library, clip, root)
    assert logged(library) == [(root.user_id, clip.id)]


def test_view_of_an_admin_without_a_row_has_no_user(library: Library) -> None:
    """After a restore the app may remember an id that the database does not have."""
    clip = library.announce()
    assert view(library, clip, Viewer(uuid4(), as_admin=True))
    assert logged(library) == [(None, clip.id)]
    assert library.clip(clip.id).view_count == 1


def test_concurrent_views_are_all_counted(library: Library) -> None:
    clip = library.announce()

    def watch() -> bool:
        log = ViewLog(library.services.database)
        return all(log.add(library.viewer, clip.video_id, clip.id) for _ in range(10))

    assert all(at_once(8, watch))
    assert library.clip(clip.id).view_count == len(logged(library)) == 80


def test_views_of_the_old_service_are_counted_once(empty_database_url: str) -> None:
    """The migration fills the counter from the log; run again it changes nothing."""
    make_legacy(empty_database_url, "clerk")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "INSERT INTO clip_view_logs (clip_id) SELECT clip_id FROM clip_view_logs LIMIT 1000"
        )
    apply_schema(empty_database_url)
    counts = "SELECT view_count, count(*) FROM clips GROUP BY 1 ORDER BY 1"
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute(counts).fetchall() == [(1, 2000), (2, 1000)]
        connection.execute("UPDATE clips SET view_count = 3 WHERE view_count = 2")
    by_psql(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute(counts).fetchall() == [(1, 2000), (3, 1000)]
