"""Makes one measurement in a separate process, whose peak memory is that of the measurement.

python -m bench.upkeep.once drift|cleanup|listing CLIPS

Prints JSON: wall and CPU seconds, the peak of resident memory in MB, blobs that were listed, and
differences that were found.
"""

import json
import sys
import time
from dataclasses import replace

from bench.memory import peak_megabytes
from bench.upkeep.listing import MadeUpBlobs
from clips.compose import Backends, compose_on, open_backends
from clips.upkeep.differences import DifferenceFinder
from shared.blob_names.containers import Containers
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.clock import utc_now
from shared.settings import Settings, read_environment


def main() -> None:
    what, clips = sys.argv[1], int(sys.argv[2])
    settings = read_environment()
    backends = open_backends(settings)
    blobs = MadeUpBlobs(backends.account, clips)
    began, cpu = time.perf_counter(), time.process_time()
    with backends.database:
        found = 0
        if what == "drift":
            found = _drift(settings, replace(backends, blobs=blobs))
        elif what == "listing":
            _list_all(blobs, backends.containers)
        else:
            finder = DifferenceFinder(blobs, backends.containers, Upkeep(backends.database))
            differences = finder.find(utc_now())
            found = len(differences.to_process) + differences.missing_count
    result = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "peak_mb": peak_megabytes(),
        "listed": blobs.listed,
        "found": found,
    }
    print(json.dumps(result))


def _list_all(blobs: MadeUpBlobs, containers: Containers) -> None:
    """Reads the whole made-up listing, to measure its part in a drift report."""
    for container in (containers.clips, containers.thumbnails):
        marker: str | None = None
        while True:
            page = blobs.page(container, marker)
            if container == containers.clips:
                assert page.blobs
            marker = page.marker
            if marker is None:
                break


def _drift(settings: Settings, backends: Backends) -> int:
    drift = compose_on(backends, settings).drift
    drift_id = drift.start().run.report.id
    while drift.step(drift_id):
        pass
    return sum(drift.get(drift_id).run.report.counts.values())


if __name__ == "__main__":
    main()
