"""Users: a subject keeps its id, and no user gets the videos of another."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from shared import link_user
from shared.catalogue.library.legacy_user_queries import LegacyUsers
from shared.catalogue.library.user_queries import Users
from shared.errors import DatabaseUnavailable
from shared.postgres.database import Database
from shared.settings.secret import Fixed
from tests.servers import refusing


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(Fixed(database_url)) as database:
        yield database


@pytest.fixture
def users(database: Database) -> Users:
    return Users(database)


@pytest.fixture
def admin(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def legacy(admin: psycopg.Connection, email: str | None) -> UUID:
    """A user who signed in with a password at the old service."""
    row = admin.execute(
        "INSERT INTO users (email, password_hash) VALUES (%s, 'hash') RETURNING id", [email]
    ).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def subjects(admin: psycopg.Connection) -> dict[UUID, str | None]:
    return dict(admin.execute("SELECT id, subject FROM users").fetchall())


def test_first_token_of_a_subject_makes_a_user(users: Users, admin: psycopg.Connection) -> None:
    alice = users.id_of("alice", "alice@example.org")
    row = admin.execute("SELECT id, subject, email FROM users").fetchall()
    assert row == [(alice, "alice", "alice@example.org")]


def test_subject_keeps_its_id(users: Users, database: Database) -> None:
    alice = users.id_of("alice", None)
    assert users.id_of("alice", None) == alice
    assert users.id_of("alice", "later@example.org") == alice
    assert Users(database).id_of("alice", None) == alice


def test_different_subjects_are_different_users(users: Users) -> None:
    names = ["alice", "Alice", "alice ", "älice", "bob"]
    assert len({users.id_of(name, None) for name in names}) == len(names)


def test_two_subjects_with_one_address_are_two_users(users: Users) -> None:
    """Only a user of the old service is found by address, never one that has a subject."""
    assert users.id_of("alice", "a@example.org") != users.id_of("mallory", "a@example.org")


def test_subject_of_concurrent_requests_gets_one_id(
    database: Database, admin: psycopg.Connection
) -> None:
    for subject in ("alice", "bob", "carol"):
        start = threading.Barrier(8)

        def meet(_: int, subject: str = subject, start: threading.Barrier = start) -> UUID:
            instance = Users(database)  # as another process would have
            start.wait()
            return instance.id_of(subject, None)

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(meet, range(8)))) == 1
    assert sorted(filter(None, subjects(admin).values())) == ["alice", "bob", "carol"]


@pytest.mark.parametrize("spelling", ["anna@example.org", "Anna@Example.org", "ANNA@EXAMPLE.ORG"])
def test_user_of_the_old_service_is_recognised_by_verified_address(
    users: Users, admin: psycopg.Connection, spelling: str
) -> None:
    anna = legacy(admin, "Anna@example.org")
    assert users.id_of("auth0|anna", spelling) == anna
    assert subjects(admin) == {anna: "auth0|anna"}


def test_unverified_address_recognises_no_user(users: Users, admin: psycopg.Connection) -> None:
    anna, nameless = legacy(admin, "anna@example.org"), legacy(admin, None)
    found = users.id_of("auth0|anna", None)
    assert found not in {anna, nameless}
    assert subjects(admin) == {anna: None, nameless: None, found: "auth0|anna"}


@pytest.mark.parametrize(
    "address",
    ["anna@example.or", "anna%", "anna@example_org", "_nna@example.org", " anna@example.org"],
)
def test_another_address_recognises_no_user(
    users: Users, admin: psycopg.Connection, address: str
) -> None:
    anna = legacy(admin, "anna@example.org")
    assert users.id_of("auth0|mallory", address) != anna


@pytest.mark.parametrize(
    "address",
    ["mi\N{KELVIN SIGN}e@example.org", "m\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}ke@example.org"],
)
def test_address_that_differs_beyond_ascii_case_recognises_no_user(
    users: Users, admin: psycopg.Connection, address: str
) -> None:
    """Its owner can have it verified: it is another mailbox, or an own domain."""
    mike = legacy(admin, "mike@example.org")
    assert users.id_of("auth0|mallory", address) != mike


def test_address_of_two_users_recognises_neither(users: Users, admin: psycopg.Connection) -> None:
    both = {legacy(admin, "shared@example.org"), legacy(admin, "Shared@example.org")}
    assert users.id_of("auth0|one", "shared@example.org") not in both


def test_recognised_user_is_not_recognised_again(users: Users, admin: psycopg.Connection) -> None:
    anna = legacy(admin, "anna@example.org")
    assert users.id_of("auth0|anna", "anna@example.org") == anna
    assert users.id_of("auth0|mallory", "anna@example.org") != anna


def test_only_one_of_two_concurrent_subjects_gets_an_address(
    database: Database, admin: psycopg.Connection
) -> None:
    for number in range(10):
        anna = legacy(admin, f"anna{number}@example.org")
        start = threading.Barrier(4)

        def meet(claimant: int, number: int = number, start: threading.Barrier = start) -> UUID:
            start.wait()
            subject = f"{number}|{claimant}"
            return Users(database).id_of(subject, f"anna{number}@example.org")

        with ThreadPoolExecutor(4) as pool:
            ids = list(pool.map(meet, range(4)))
        assert len(set(ids)) == 4
        assert ids.count(anna) == 1


def test_known_subject_costs_no_query(users: Users, database: Database) -> None:
    alice = users.id_of("alice", None)
    database.run("ALTER TABLE users RENAME TO elsewhere", {})
    assert users.id_of("alice", None) == alice


def test_memory_of_users_is_bounded(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.catalogue.library.user_queries._REMEMBERED", 3)
    ids = {name: users.id_of(name, None) for name in "abcdefgh"}
    assert len(users._known) <= 3
    assert {name: users.id_of(name, None) for name in "abcdefgh"} == ids


def test_outage_is_raised_and_not_cached(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.postgres.pool._WAIT_SECONDS", 1.0)
    with refusing() as port, Database(Fixed(f"postgresql://cliplink@127.0.0.1:{port}/x")) as away:
        users = Users(away)
        with pytest.raises(DatabaseUnavailable):
            users.id_of("alice", None)
        with Database(Fixed(database_url)) as back:
            monkeypatch.setattr(users, "_database", back)
            assert isinstance(users.id_of("alice", None), UUID)


# --- Recognised later


def videos_of(admin: psycopg.Connection, user: UUID) -> int:
    row = admin.execute("SELECT count(*) FROM videos WHERE user_id = %s", [user]).fetchone()
    assert row is not None
    return int(row[0])


def add_video(admin: psycopg.Connection, user: UUID) -> None:
    admin.execute("INSERT INTO videos (user_id, title) VALUES (%s, 'old')", [user])


@pytest.mark.parametrize("restarted", [False, True])
def test_known_subject_is_recognised_when_its_address_is_verified_later(
    users: Users,
    database: Database,
    admin: psycopg.Connection,
    restarted: bool,  # noqa: FBT001 - a table
) -> None:
    anna = legacy(admin, "anna@example.org")
    add_video(admin, anna)
    first = users.id_of("auth0|anna", None)
    later = Users(database) if restarted else users
    assert later.id_of("auth0|anna", "Anna@Example.org") == first
    assert (videos_of(admin, first), videos_of(admin, anna)) == (1, 0)
    # The instance that met her before knows nothing of that, and is right all the same.
    assert users.id_of("auth0|anna", None) == first


def test_subject_that_owns_videos_is_not_merged(users: Users, admin: psycopg.Connection) -> None:
    anna = legacy(admin, "anna@example.org")
    add_video(admin, anna)
    mallory = users.id_of("auth0|mallory", "mallory@example.org")
    add_video(admin, mallory)
    assert users.id_of("auth0|mallory", "anna@example.org") == mallory
    assert (videos_of(admin, mallory), videos_of(admin, anna)) == (1, 1)


def test_two_subjects_with_one_address_do_not_both_get_its_videos(
    users: Users, admin: psycopg.Connection
) -> None:
    anna = legacy(admin, "anna@example.org")
    add_video(admin, anna)
    first, second = users.id_of("one", None), users.id_of("two", None)
    users.id_of("one", "anna@example.org")
    users.id_of("two", "anna@example.org")
    assert (videos_of(admin, first), videos_of(admin, second)) == (1, 0)


@pytest.mark.parametrize(
    "address", ["mi\N{KELVIN SIGN}e@example.org", "mike@example.org.", "mike+x@example.org"]
)
def test_similar_address_merges_no_users(
    users: Users, admin: psycopg.Connection, address: str
) -> None:
    mike = legacy(admin, "mike@example.org")
    add_video(admin, mike)
    users.id_of("auth0|mallory", None)
    users.id_of("auth0|mallory", address)
    assert videos_of(admin, mike) == 1


def test_new_account_with_the_address_of_a_known_user_gets_no_videos(
    users: Users, admin: psycopg.Connection
) -> None:
    """The account was deleted at the issuer, and the mailbox has another owner."""
    anna = legacy(admin, "anna@example.org")
    add_video(admin, anna)
    assert users.id_of("old account", "anna@example.org") == anna
    again = users.id_of("new account", "anna@example.org")
    assert (videos_of(admin, again), videos_of(admin, anna)) == (0, 1)


def test_address_of_two_users_stays_ambiguous_when_one_is_linked(
    users: Users, database: Database, admin: psycopg.Connection
) -> None:
    one, two = legacy(admin, "shared@example.org"), legacy(admin, "shared@example.org")
    add_video(admin, two)
    assert LegacyUsers(database).link(one, "auth0|one") == 0
    assert users.id_of("auth0|mallory", "shared@example.org") != two
    assert videos_of(admin, two) == 1


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        (None, "no e-mail address"),
        ("else@example.org", "no user of the old service"),
        ("shared@example.org", "several users"),
    ],
)
def test_log_says_why_a_user_is_not_recognised(
    users: Users,
    admin: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    email: str | None,
    reason: str,
) -> None:
    caplog.set_level("INFO")
    legacy(admin, "shared@example.org"), legacy(admin, "Shared@example.org")
    user = users.id_of("auth0|someone", email)
    assert f"User {user} is not recognised as a user of the old service: " in caplog.text
    assert reason in caplog.text
    assert "example.org" not in caplog.text


def test_log_is_silent_where_no_user_of_the_old_service_is_left(
    users: Users, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    users.id_of("auth0|someone", None)
    assert "recognised" not in caplog.text


# --- Linked by an operator


@pytest.mark.parametrize("known", [False, True])
def test_command_links_a_user_of_the_old_service(
    users: Users,
    admin: psycopg.Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    known: bool,  # noqa: FBT001 - a table
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    anna = legacy(admin, "anna@example.org")
    add_video(admin, anna)
    if known:
        add_video(admin, users.id_of("auth0|anna", None))
    assert link_user.main(["auth0|anna", "--email", "ANNA@example.org"]) == link_user.DONE
    assert f"linked user {anna} with 1 videos" in capsys.readouterr().out
    assert videos_of(admin, users.id_of("auth0|anna", None)) == 1 + known
    assert link_user.main(["auth0|mallory", "--user", str(anna)]) == link_user.NOT_LINKED


def test_command_does_not_choose_between_two_users(
    admin: psycopg.Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    both = {legacy(admin, "shared@example.org"), legacy(admin, "shared@example.org")}
    assert link_user.main(["s", "--email", "shared@example.org"]) == link_user.NOT_LINKED
    printed = capsys.readouterr().err
    assert all(str(user) in printed for user in both)
    assert link_user.main(["s", "--email", "else@example.org"]) == link_user.NOT_LINKED
