"""Runs a rebuild and a daily pass in a separate process: prints JSON with times and memory."""

import io
import json
import sys
import time
from dataclasses import dataclass
from itertools import islice

from bench.memory import peak_megabytes
from bench.rebuild.library import ListedLibrary
from clips.rebuild.command import rebuild
from clips.rebuild.report import Report
from clips.sidecars.daily_pass import SidecarCheck
from shared.blob_names.containers import Containers
from shared.catalogue.rebuild.rebuild_queries import Rebuilding
from shared.catalogue.sidecars.sidecar_pass_queries import SidecarPass
from shared.catalogue.sidecars.sidecar_queries import SidecarOutbox
from shared.clock import utc_now
from shared.model.blob import Blob
from shared.postgres.database import Database
from shared.settings import read_transfer_settings
from shared.storage.sdk.account import StorageAccount


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a page that the daily pass reads."""

    blobs: list[Blob]
    marker: str | None


class PagedLibrary:
    """The listing of a library page by page, as the daily pass asks for it."""

    def __init__(self, library: ListedLibrary) -> None:
        self._library = library

    def page(self, container: str, marker: str | None) -> Page:
        number = int(marker or 0)
        if number == 0:
            self._pages = self._library.pages(container, metadata=True)
        blobs = next(islice(self._pages, 1), [])
        return Page(blobs, str(number + 1) if blobs else None)


def main(count: int) -> None:
    settings = read_transfer_settings()
    containers = Containers(settings.container_prefix)
    library = ListedLibrary(count, containers)
    account = StorageAccount(settings.storage, utc_now)
    with Database(settings.database_url) as database:
        catalogue = Rebuilding(database)
        seconds = []
        for _ in range(2):
            report = Report(dry_run=False)
            began = time.monotonic()
            rebuild(library, account, containers, catalogue, report, None, io.StringIO())
            seconds.append(time.monotonic() - began)
            assert report.complete
            assert not report.has_gaps, report.to_text()
        assert report.already_there["clips"] == count
        check = SidecarCheck(
            PagedLibrary(library), containers, SidecarOutbox(database), SidecarPass(database)
        )
        began = time.monotonic()
        queued = check.run(3600)
        measured = {
            "rebuild": seconds[0],
            "again": seconds[1],
            "pass": time.monotonic() - began,
            "queued": queued,
            "megabytes": peak_megabytes(),
        }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(int(sys.argv[1]))
