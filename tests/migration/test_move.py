"""A folder of files becomes clips: matched, verified, rows updated, listed in a receipt."""

import hashlib
import os

from tests.migration.conftest import Command, read
from tests.migration.old_service import OldService
from tests.services import AllServices


def test_files_become_the_bytes_of_their_clips(
    old: OldService, run: Command, services: AllServices
) -> None:
    small, large = os.urandom(100_000), os.urandom(9 * 1024 * 1024)
    first, second = old.clip_with_file(small), old.clip_with_file(large, ".MOV")
    done = run()
    assert (done.code, done.summary["summary"]["verified"]) == (0, 2)
    for clip_id, data, extension in ((first, small, ".mp4"), (second, large, ".mov")):
        name = f"{old.video_id}/{clip_id}{extension}"
        assert read(services, "clips", name) == data
        row = old.row(clip_id)
        assert row["blob_name"] == name
        assert row["blob_url"] == services.account.url(services.containers.clips, name)
        assert row["file_size"] == len(data)
        blob = services.blobs.get(services.containers.clips, name)
        line = done.of(f"{clip_id}{extension if extension == '.mp4' else '.MOV'}")
        assert line["sha256"] == hashlib.sha256(data).hexdigest()
        assert line["md5"] == blob.content_md5 == row["content_md5"]
        assert line["etag"] == blob.etag
        assert line["safe_to_delete"]


def test_second_run_gives_the_same_receipt_and_sends_nothing(old: OldService, run: Command) -> None:
    for number in range(5):
        old.clip_with_file(f"film {number}".encode() * 1000)
    old.file("notes.txt", b"nothing to do with it")
    old.clip()
    first = run()
    again = run()
    assert first.sent > 0
    assert (again.code, again.sent) == (0, 0)
    assert again.receipt == first.receipt
