"""Runs every benchmark: `make bench`. Films are kept in .local/bench for the next run."""

from pathlib import Path

from bench import cold_start, ingest, media, minting, moving, requests, requests_data, stack

FOLDER = Path(__file__).resolve().parents[1] / ".local" / "bench"


def main() -> None:
    minting.run()
    with stack.running() as running:
        library = requests_data.fill(running)
        cold_start.run(running, library)
        requests.run(running, library)
        ingest.run(running, FOLDER)
        media.run(running, FOLDER)
    moving.run(FOLDER)


if __name__ == "__main__":
    main()
