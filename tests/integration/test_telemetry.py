"""The telemetry of an ingest and a cleanup with real backends contains no secret."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from azure.storage.blob import BlobClient
from opentelemetry.sdk.trace import ReadableSpan

from local.azurite import Account
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.errors import StorageUnavailable
from shared.model.failure import MAX_DELIVERIES
from shared.storage.blob_reader import BlobReader
from tests import log_scan
from tests.conftest import SetClock
from tests.integration.library import Library
from tests.integration.stores import Store, by_connection_string, store
from tests.telemetry import Recorded, recording


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """Telemetry that a test creates holds no secret."""
    with recording(monkeypatch) as recorded:
        yield recorded
    output = "\n".join(span.to_json() for span in recorded.spans)
    assert output
    assert log_scan.masked(output) == output
    assert not any(word in output for word in ("sig=", "eyJ", "AccountKey", "alice"))


def names(spans: list[ReadableSpan]) -> list[str]:
    return [span.name for span in spans]


def test_ingest_shows_its_steps(library: Library, film: bytes, recorded: Recorded) -> None:
    library.landed(film)
    ingest = recorded.named("ingest")
    steps = [name for name in names(recorded.below(ingest)) if name.startswith("ingest.")]
    assert steps == [
        "ingest.claim",
        "ingest.probe",
        "ingest.images",
        "ingest.write",
        "ingest.publish",
    ]


def test_requests_of_a_step_are_its_child_spans(
    library: Library, film: bytes, recorded: Recorded
) -> None:
    """Requests of other threads included: images are written and ranges are read by several."""
    clip = library.landed(film)
    claim = names(recorded.below(recorded.named("ingest.claim")))
    assert claim[0] == "storage.get"
    assert "UPDATE clips" in claim
    # So small a film is read as a whole while it is probed.
    assert set(names(recorded.below(recorded.named("ingest.probe")))) == {"storage.read"}
    written = names(recorded.below(recorded.named("ingest.write")))
    assert written == ["storage.put"] * len(library.images_of(clip))
    assert names(recorded.below(recorded.named("ingest.publish"))) == ["UPDATE clips"]


def test_ready_clip_is_counted_with_its_costs(
    library: Library, film: bytes, recorded: Recorded, clock: SetClock
) -> None:
    clock.advance(minutes=1)
    library.landed(film)
    assert recorded.points("cliplink.clips") == [({"outcome": "ready", "code": ""}, 1, 0)]
    ((attributes, seconds, runs),) = recorded.points("cliplink.ingest.duration")
    assert (attributes, runs) == ({"outcome": "ready"}, 1)
    assert seconds > 0
    ((_, read, _),) = recorded.points("cliplink.ingest.read")
    assert 0 < read <= 2 * len(film)
    ((_, waited, _),) = recorded.points("cliplink.ingest.wait")
    assert 30 < waited < 90


def test_failed_clip_is_counted_with_its_code(library: Library, recorded: Recorded) -> None:
    library.landed(b"plain text " * 100)
    assert recorded.points("cliplink.clips") == [
        ({"outcome": "failed", "code": "not_a_video"}, 1, 0)
    ]
    ((attributes, _, runs),) = recorded.points("cliplink.ingest.duration")
    assert (attributes, runs) == ({"outcome": "failed"}, 1)
    assert recorded.named("ingest.probe").attributes == {"error.type": "UnplayableClip"}


def test_clip_whose_attempts_ended_is_counted(
    library: Library, film: bytes, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise StorageUnavailable("Storage is away.")

    monkeypatch.setattr(BlobReader, "read", broken)
    clip = library.announce()
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film)
    for _ in range(MAX_DELIVERIES):
        assert recorded.points("cliplink.clips") == []
        with pytest.raises(StorageUnavailable):
            library.services.ingest.landed(clip.blob_name)
    assert recorded.points("cliplink.clips") == [
        ({"outcome": "failed", "code": "processing_failed"}, 1, 0)
    ]


def test_settled_version_is_not_counted_again(
    library: Library, film: bytes, recorded: Recorded
) -> None:
    clip = library.landed(film)
    assert clip.blob_name is not None
    library.services.ingest.landed(clip.blob_name)
    assert recorded.points("cliplink.clips") == [({"outcome": "ready", "code": ""}, 1, 0)]


def test_line_of_an_ingest_carries_its_numbers(
    library: Library, film: bytes, caplog: pytest.LogCaptureFixture, recorded: Recorded
) -> None:
    caplog.set_level(logging.INFO, "clips")
    clip = library.landed(film)
    (line,) = (record for record in caplog.records if "is ready" in record.message)
    assert f"Clip {clip.id} is ready: {len(film)} bytes, 2" in line.message
    fields = vars(line)
    assert fields["clip_id"] == str(clip.id)
    assert fields["size_bytes"] == len(film)
    assert fields["clip_seconds"] == clip.duration
    assert fields["ingest_seconds"] > 0
    assert fields["outcome"] == "ready"
    assert recorded.spans


def test_line_of_a_failure_carries_its_code(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "clips")
    library.landed(b"no film")
    (line,) = (record for record in caplog.records if " failed: " in record.message)
    assert vars(line)["failure_code"] == "not_a_video"
    assert vars(line)["size_bytes"] == len(b"no film")


def test_cleanup_counts_its_items_and_its_run(
    library: Library, film: bytes, clock: SetClock, recorded: Recorded
) -> None:
    library.announce()
    library.landed(film)
    clock.advance(days=2)
    report = library.services.cleanup.run()
    assert report["uploads_abandoned"] == 1
    counted = {kind["kind"]: count for kind, count, _ in recorded.points("cliplink.cleanup.items")}
    assert counted == report
    assert recorded.points("cliplink.cleanup.runs") == [({"outcome": "done"}, 1, 0)]
    assert {f"cleanup.{name}" for name in report} <= {span.name for span in recorded.spans}
    assert "storage.list" in names(recorded.below(recorded.named("cleanup.blobs_reconciled")))


def test_cleanup_that_met_an_outage_has_that_outcome(
    library: Library,
    recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away(*_: object) -> int:
        raise StorageUnavailable("Storage is away.")

    caplog.set_level(logging.INFO, "clips")
    monkeypatch.setattr(Upkeep, "abandoned_uploads", away)
    with pytest.raises(StorageUnavailable):
        library.services.cleanup.run()
    assert recorded.points("cliplink.cleanup.runs") == [({"outcome": "outage"}, 1, 0)]
    (line,) = (record for record in caplog.records if "Cleanup done" in record.message)
    assert vars(line)["outages"] == 1
    assert vars(line)["clips_expired"] == 0


def test_transaction_shows_each_of_its_statements(library: Library, recorded: Recorded) -> None:
    with library.services.database.transaction() as connection:
        connection.execute("SELECT id FROM videos WHERE title = %(title)s", {"title": "private"})
    assert recorded.named("SELECT videos").attributes == {
        "db.system.name": "postgresql",
        "db.query.text": "SELECT id FROM videos WHERE title = %(title)s",
    }


REQUEST_LOGS = ("azure.core.pipeline.policies.http_logging_policy", "shared.storage.rest")


@pytest.fixture
def requests_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Records the log lines of the storage clients; resets their level afterwards."""
    caplog.set_level(logging.INFO)
    yield caplog
    for name in REQUEST_LOGS:
        logging.getLogger(name).setLevel(logging.WARNING)


def test_requests_to_storage_are_not_logged(
    plain_store: Store, requests_log: pytest.LogCaptureFixture
) -> None:
    plain_store.put("a.mp4")
    plain_store.blobs.check(plain_store.container)
    assert "a.mp4" not in requests_log.text
    assert "Request URL" not in requests_log.text


def test_storage_debug_logs_requests_without_signatures(
    azurite_account: Account, requests_log: pytest.LogCaptureFixture
) -> None:
    """No signature of a request or of a link is logged."""
    settings = replace(by_connection_string(azurite_account), debug=True)
    debugged = store(settings, prefix="debug")
    debugged.put("a.mp4")
    debugged.blobs.check(debugged.container)
    link = debugged.links.to_upload(debugged.container, "b.mp4", timedelta(hours=1))
    with BlobClient.from_blob_url(link.url) as client:
        client.upload_blob(b"data", overwrite=True)
    text = requests_log.text
    assert "Request URL" in text
    assert f"PUT /{azurite_account.name}/{debugged.container}/a.mp4: 201" in text
    assert "'Authorization': 'REDACTED'" in text
    assert "sig=REDACTED" in text
    assert log_scan.masked(text) == text
