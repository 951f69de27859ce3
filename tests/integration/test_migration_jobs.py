"""Migrations that the API starts, message by message, on real servers."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient, TextBase64DecodePolicy

from clips.migration.moving import batch
from shared.blob_names.containers import Containers
from shared.catalogue.migration.migration_file_queries import MAX_ATTEMPTS, MigrationFiles
from shared.catalogue.migration.migration_queries import MAX_PLANNINGS, Migrations
from shared.errors import InvalidRequest, NotFound, StorageUnavailable, WrongState
from shared.model.migration import MigrationReport, MigrationStatus
from shared.settings import Settings, from_mapping
from shared.storage.rest import RetryPolicy
from tests.integration.migrating import counts, let_leases_run_out
from tests.migration.old_service import OldService
from tests.servers import refusing
from tests.services import AllServices, compose_all
from tests.telemetry import recording


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The settings of a test, with a share to move from."""
    (tmp_path / "share").mkdir()
    return environment | {"MIGRATION_ROOT": str(tmp_path / "share")}


@pytest.fixture
def old(database_url: str, settings: Settings) -> OldService:
    assert settings.migration_root is not None
    return OldService(database_url, settings.migration_root / "old")


@pytest.fixture
def queue(settings: Settings, services: AllServices) -> Iterator[QueueClient]:
    """The queue that the host reads."""
    secret = settings.storage.connection_string
    assert secret is not None
    with QueueClient.from_connection_string(
        secret.current(),
        services.containers.migrations_queue,
        message_decode_policy=TextBase64DecodePolicy(),
    ) as client:
        yield client


def messages(queue: QueueClient) -> list[str]:
    """Takes all messages of the queue."""
    found = []
    try:
        for message in queue.receive_messages():
            found.append(str(message.content))
            queue.delete_message(message)
    except ResourceNotFoundError:
        pass
    return found


def work(services: AllServices, message: str, message_id: str) -> None:
    """Processes a message, and sends the messages of the function's output binding."""
    following = services.migrations.work(message, message_id)
    services.migrations._queue.send(following)


def deliver(services: AllServices, queue: QueueClient) -> int:
    """Delivers messages until there are none; returns how many there were."""
    count = 0
    while texts := messages(queue):
        for text in texts:
            count += 1
            work(services, text, f"message {count}")
    return count


def moved(services: AllServices, queue: QueueClient, batch_size: int = 10) -> MigrationReport:
    """Migrates everything, from start to end."""
    begun = services.migrations.start("", batch_size)
    deliver(services, queue)
    return services.migrations.get(begun.migration.id)


# --- Telemetry


def test_plan_and_every_batch_have_a_span(
    old: OldService, services: AllServices, queue: QueueClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        old.clip_with_file(f"film {number}".encode())
    with recording(monkeypatch) as recorded:
        assert counts(moved(services, queue, batch_size=1)) == (3, 3, 0, 0)
    names = [span.name for span in recorded.spans]
    assert names.count("migration.plan") == 1
    assert names.count("migration.batch") >= 3


def test_failed_batch_has_a_failed_span(
    old: OldService, services: AllServices, queue: QueueClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert uses it: the host shows a failed message only by delivering it again."""
    old.clip_with_file(b"a film")
    begun = services.migrations.start("", 10)
    (plan,) = messages(queue)
    work(services, plan, "plan")

    def away(*_: object) -> None:
        raise StorageUnavailable("Storage is away.")

    with recording(monkeypatch) as recorded:
        monkeypatch.setattr(type(services.migrations), "_move_batch", away)
        with pytest.raises(StorageUnavailable):
            work(services, str(begun.migration.id), "batch")
    assert not recorded.named("migration.batch").status.is_ok


# --- From start to end


def test_files_become_the_bytes_of_their_clips_batch_by_batch(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    films = {old.clip_with_file(f"film {n}".encode() * 100): n for n in range(25)}
    begun = services.migrations.start("", 10)
    assert begun.migration.status is MigrationStatus.RUNNING
    assert begun.migration.total == 0
    # The plan, then three batches; each that leaves something sends a message more.
    assert deliver(services, queue) >= 4
    report = services.migrations.get(begun.migration.id)
    assert report.migration.status is MigrationStatus.DONE
    assert report.migration.finished_at is not None
    assert counts(report) == (25, 25, 0, 0)
    for clip_id, n in films.items():
        name = f"{old.video_id}/{clip_id}.mp4"
        blob = services.account.client.get_blob_client(services.containers.clips, name)
        assert blob.download_blob().readall() == f"film {n}".encode() * 100
        assert old.row(clip_id)["blob_name"] == name


def test_second_migration_skips_the_clips_of_the_first(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """It skips their thumbnails too."""
    clips = [old.clip_with_file(f"film {n}".encode()) for n in range(3)]
    old.file(f"{clips[0]}_thumbnail.jpg", b"a picture")
    assert counts(moved(services, queue)) == (3, 3, 0, 0)
    late = old.clip_with_file(b"one more")
    again = moved(services, queue)
    assert counts(again) == (4, 1, 3, 0)
    assert old.row(late)["blob_name"] is not None
    assert counts(moved(services, queue)) == (4, 0, 4, 0)


def test_migration_without_matches_ends_after_the_plan(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """Files without a clip and clips without a file are listed, and are no failures."""
    waiting = old.clip()
    old.file("notes.txt", b"nothing to do with it")
    report = moved(services, queue)
    assert report.migration.status is MigrationStatus.DONE
    assert counts(report) == (0, 0, 0, 0)
    assert [(file.path, file.failure.code) for file in report.unmatched] == [
        (b"old/notes.txt", "no_clip")
    ]
    assert report.no_file == [waiting]


def test_failed_files_are_reported_with_a_reason(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    empty, good = old.clip_with_file(b""), old.clip_with_file(b"good")
    torn = old.clip("s3://bucket/a/film.mp4")
    old.file("x/a/film.mp4", b"one")
    old.file("y/a/film.mp4", b"another")
    report = moved(services, queue)
    assert report.migration.status is MigrationStatus.DONE
    assert counts(report) == (3, 1, 0, 2)
    assert {(file.clip_id, file.failure.code) for file in report.failures} == {
        (empty, "empty_file"),
        (torn, "other_contents"),
    }
    assert old.row(good)["blob_name"] is not None
    assert old.row(torn)["blob_name"] is None


def test_files_with_names_that_are_not_utf8_are_moved_and_reported(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    clip = old.clip("s3://bucket/caf%E9/1.mp4")
    old.file(b"caf\xe9/1.mp4", b"a film")
    old.file(b"\xff\xfe.mp4", b"an unmatched file")
    report = moved(services, queue)
    assert counts(report) == (1, 1, 0, 0)
    assert old.row(clip)["blob_name"] is not None
    assert [file.path for file in report.unmatched] == [b"old/\xff\xfe.mp4"]


# --- The folder


@pytest.mark.parametrize("root", [None, "not mounted"])
def test_migration_requires_an_existing_root(
    environment: dict[str, str], tmp_path: Path, root: str | None
) -> None:
    """It fails without the setting, and while the share is not mounted."""
    del environment["MIGRATION_ROOT"]
    if root is not None:
        environment["MIGRATION_ROOT"] = str(tmp_path / root)
    with pytest.raises(WrongState, match="MIGRATION_ROOT"):
        compose_all(from_mapping(environment)).migrations.start("", 10)


def test_folder_may_be_relative_to_the_root_or_absolute(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """Only the files in it are moved."""
    inside = old.clip()
    old.file(f"in/{inside}.mp4", b"inside")
    outside = old.clip_with_file(b"outside")
    for name in ("old/in", str(old.folder / "in"), "old/../old/in/"):
        begun = services.migrations.start(name, 10)
        deliver(services, queue)
        assert counts(services.migrations.get(begun.migration.id))[0] == 1, name
    assert old.row(inside)["blob_name"] is not None
    assert old.row(outside)["blob_name"] is None


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../secret",
        "old/../../secret",
        "/",
        "/etc",
        "{tmp}/secret",
        "{tmp}/share-too",
        "link",
        "link/deeper",
        "old/link",
        "missing",
        "old/film.mp4",
        "a" * 300,
        "old/\0",
    ],
)
def test_folders_outside_the_root_are_refused(
    old: OldService, services: AllServices, tmp_path: Path, name: str
) -> None:
    """By `..`, an absolute path, a link, or because it does not exist; with the same error."""
    (tmp_path / "secret/deeper").mkdir(parents=True)
    (tmp_path / "share-too").mkdir()
    (tmp_path / "share/link").symlink_to(tmp_path / "secret")
    (old.folder / "link").symlink_to("../../secret")
    old.file("film.mp4", b"a film")
    with pytest.raises(InvalidRequest) as caught:
        services.migrations.start(name.replace("{tmp}", str(tmp_path)), 10)
    (field,) = caught.value.fields
    assert field.parameter == "local_clips_dir"
    assert field.detail == "must be a folder below MIGRATION_ROOT"


def test_link_that_replaces_a_folder_is_not_followed(
    old: OldService, services: AllServices, queue: QueueClient, tmp_path: Path
) -> None:
    """Before the plan, or between plan and batch."""
    clip = old.clip()
    old.file(f"in/{clip}.mp4", b"inside")
    (tmp_path / "secret").mkdir()
    (tmp_path / f"secret/{clip}.mp4").write_bytes(b"secret")

    def swap() -> None:
        (old.folder / "in").rename(old.folder / f"away {uuid4()}")
        (old.folder / "in").symlink_to(tmp_path / "secret")

    planned = services.migrations.start("old/in", 10)
    (message,) = messages(queue)
    work(services, message, "plan")
    swap()
    deliver(services, queue)
    report = services.migrations.get(planned.migration.id)
    assert counts(report) == (1, 0, 0, 1)
    (failure,) = report.failures
    assert failure.failure.code in {"vanished", "unreadable"}

    (old.folder / "in").unlink()
    (old.folder / "in").mkdir()
    unplanned = services.migrations.start("old/in", 10)
    (old.folder / "in").rmdir()
    (old.folder / "in").symlink_to(tmp_path / "secret")
    deliver(services, queue)
    report = services.migrations.get(unplanned.migration.id)
    assert report.migration.status is MigrationStatus.FAILED
    assert report.migration.failure is not None
    assert report.migration.failure.code == "vanished"
    assert old.row(clip)["blob_name"] is None


# --- Messages that are repeated, late or lost


def test_second_start_resumes_the_running_migration(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """When it has ended, the next start makes another one."""
    old.clip_with_file(b"a film")
    first = services.migrations.start("", 10).migration
    second = services.migrations.start("old/..", 5).migration
    assert second.id == first.id
    assert messages(queue) == [str(first.id)] * 2
    work(services, str(first.id), "a")
    deliver(services, queue)
    assert services.migrations.start("", 10).migration.id != first.id


def test_messages_may_be_late_and_repeated(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    for n in range(3):
        old.clip_with_file(f"film {n}".encode())
    report = moved(services, queue)
    work(services, str(report.migration.id), "late")
    assert messages(queue) == []
    assert services.migrations.get(report.migration.id) == report
    work(services, str(uuid4()), "of none that there ever was")


def test_invalid_message_fails(services: AllServices) -> None:
    """The host moves it to the poison queue after five deliveries."""
    with pytest.raises(ValueError, match="UUID"):
        work(services, "rubbish", "a")


def test_only_one_message_at_a_time_plans(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """Another message does nothing; the same one, delivered again, starts over."""
    old.clip_with_file(b"a film")
    migration = services.migrations.start("", 10).migration
    plans = Migrations(services.database)
    assert plans.begin_planning(migration.id, "died") == 1
    messages(queue)
    work(services, str(migration.id), "another")
    assert (messages(queue), services.migrations.get(migration.id).migration.total) == ([], 0)
    work(services, str(migration.id), "died")
    assert len(messages(queue)) == 1
    assert services.migrations.get(migration.id).migration.total == 1


def test_interrupted_plan_is_completed(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """Stored files stay, missing ones are added, none is stored twice."""
    clips = [old.clip_with_file(f"film {n}".encode()) for n in range(4)]
    migration = services.migrations.start("", 10).migration
    work(services, str(migration.id), "died")
    services.database.run("UPDATE migrations SET planned_at = NULL", {})
    services.database.run(
        "DELETE FROM migration_items WHERE clip_id = ANY(%(ids)s)", {"ids": clips[:2]}
    )
    messages(queue)
    work(services, str(migration.id), "died")
    deliver(services, queue)
    assert counts(services.migrations.get(migration.id)) == (4, 4, 0, 0)


def test_files_of_an_interrupted_batch_are_taken_again(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """At once by the same message, by another one when the lease has ended."""
    for n in range(4):
        old.clip_with_file(f"film {n}".encode())
    migration = services.migrations.start("", 2).migration
    work(services, messages(queue)[0], "plan")
    messages(queue)
    files = MigrationFiles(services.database)
    first, second = (files.take(migration.id, name, 2) for name in ("one", "two"))
    assert len({file.path for file in (*first, *second)}) == 4
    assert files.take(migration.id, "three", 2) == []
    for _ in first:
        work(services, str(migration.id), "one")
    assert counts(services.migrations.get(migration.id)) == (4, 2, 0, 0)
    let_leases_run_out(services)
    assert services.migrations.resume().done == 1
    deliver(services, queue)
    report = services.migrations.get(migration.id)
    assert (report.migration.status, counts(report)) == (MigrationStatus.DONE, (4, 4, 0, 0))


def test_file_that_ends_its_process_fails_alone(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """The other files of its batch are tried again one by one."""
    clips = sorted(old.clip_with_file(f"film {n}".encode()) for n in range(3))
    deadly = clips[0]
    migration = services.migrations.start("", 10).migration
    work(services, messages(queue)[0], "plan")
    messages(queue)
    files = MigrationFiles(services.database)
    assert len(files.take(migration.id, "killed", 10)) == 3
    for _ in range(MAX_ATTEMPTS - 1):
        let_leases_run_out(services)
        (alone,) = files.take(migration.id, "killed again", 10)
        assert alone.clip_id == deadly
    let_leases_run_out(services)
    assert services.migrations.resume().done == 1
    deliver(services, queue)
    report = services.migrations.get(migration.id)
    assert (report.migration.status, counts(report)) == (MigrationStatus.DONE, (3, 2, 0, 1))
    (failure,) = report.failures
    assert (failure.clip_id, failure.failure.code) == (deadly, "gave_up")


def test_plan_that_is_always_interrupted_fails_the_migration(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """Otherwise the migration would never end."""
    old.clip_with_file(b"a film")
    migration = services.migrations.start("", 10).migration
    plans = Migrations(services.database)
    for _ in range(MAX_PLANNINGS):
        assert plans.begin_planning(migration.id, "killed") is not None
    let_leases_run_out(services)
    services.migrations.resume()
    deliver(services, queue)
    ended = services.migrations.get(migration.id).migration
    assert ended.status is MigrationStatus.FAILED
    assert ended.failure is not None
    assert ended.failure.code == "gave_up"


def test_cleanup_resumes_only_migrations_without_a_message(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """It also ends one whose process died after settling the last file."""
    old.clip_with_file(b"a film")
    migration = services.migrations.start("", 10).migration
    messages(queue)
    assert services.cleanup.run()["migrations_resumed"] == 0, "it has just begun"
    let_leases_run_out(services)
    assert services.cleanup.run()["migrations_resumed"] == 1
    deliver(services, queue)
    assert services.migrations.get(migration.id).migration.status is MigrationStatus.DONE
    services.database.run("UPDATE migrations SET status = 'running', finished_at = NULL", {})
    assert services.cleanup.run()["migrations_resumed"] == 1
    assert messages(queue) == []
    assert services.migrations.get(migration.id).migration.status is MigrationStatus.DONE


def test_records_of_old_migrations_are_deleted(
    old: OldService, services: AllServices, queue: QueueClient
) -> None:
    old.clip_with_file(b"a film")
    report = moved(services, queue)
    assert services.cleanup.run()["migrations_forgotten"] == 0
    services.database.run("UPDATE migrations SET finished_at = now() - interval '91 days'", {})
    assert services.cleanup.run()["migrations_forgotten"] == 1
    with pytest.raises(NotFound):
        services.migrations.get(report.migration.id)


# --- Outages


def test_files_that_met_an_outage_are_retried_and_fail_in_the_end(
    old: OldService, services: AllServices, queue: QueueClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message fails, so that the host delivers it again; the fifth attempt is the last."""
    monkeypatch.setattr(batch, "RETRY_FOR_MINUTES", RetryPolicy(attempts=1))
    clip = old.clip_with_file(b"a film")
    migration = services.migrations.start("", 10).migration
    work(services, messages(queue)[0], "plan")
    messages(queue)
    container = services.account.client.get_container_client(services.containers.clips)
    container.delete_container()
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(StorageUnavailable):
            work(services, str(migration.id), "again")
    assert services.migrations.get(migration.id).migration.status is MigrationStatus.RUNNING
    work(services, str(migration.id), "the last time")
    report = services.migrations.get(migration.id)
    assert report.migration.status is MigrationStatus.DONE
    assert [(file.clip_id, file.failure.code) for file in report.failures] == [
        (clip, "storage_unavailable")
    ]
    container.create_container()
    assert counts(moved(services, queue)) == (1, 1, 0, 0)


def test_start_whose_message_cannot_be_sent_is_resumed_later(
    environment: dict[str, str], old: OldService, services: AllServices, queue: QueueClient
) -> None:
    """Another start, or the cleanup, resumes it."""
    old.clip_with_file(b"a film")
    with refusing() as port:
        parts = environment["AZURE_STORAGE_CONNECTION_STRING"].split("QueueEndpoint=")[0]
        broken = f"{parts}QueueEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        away = compose_all(from_mapping(environment | {"AZURE_STORAGE_CONNECTION_STRING": broken}))
        with away.database, pytest.raises(StorageUnavailable):
            away.migrations.start("", 10)
    assert messages(queue) == []
    let_leases_run_out(services)
    services.migrations.resume()
    assert deliver(services, queue) >= 2
    assert services.migrations.start("", 10).migration.skipped == 0


def test_queue_of_the_longest_prefix_has_room_for_poison() -> None:
    """Names of queues have 63 characters at most."""
    for prefix in ("cliplink", "a" * 45, "a" * 46, "a" * 52):
        name = Containers(prefix).migrations_queue
        assert len(f"{name}-poison") <= 63
    assert Containers("a" * 52).migrations_queue != Containers("a" * 51).migrations_queue
