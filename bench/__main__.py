"""Runs every benchmark: `make bench`. Films are kept in .local/bench for the next run."""

from bench import minting, stack
from bench.cold_start import measure as cold_start
from bench.cutting import measure as cutting
from bench.ingest import measure as ingest
from bench.media import measure as media
from bench.media.measure import FOLDER
from bench.migration import measure as migration
from bench.rebuild import measure as rebuild
from bench.requests import data as requests_data
from bench.requests import measure as requests
from bench.upkeep import measure as upkeep


def main() -> None:
    minting.run()
    with stack.running() as running:
        library = requests_data.fill(running)
        cold_start.run(running, library)
        requests.run(running, library)
        ingest.run(running, FOLDER)
        media.run(running, FOLDER)
        cutting.run(running, FOLDER)
    with stack.running() as running:
        upkeep.run(running)
    with stack.running() as running:
        rebuild.run(running)
    migration.run(FOLDER)


if __name__ == "__main__":
    main()
