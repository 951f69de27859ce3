"""Runs every benchmark: `make bench`. Films are kept in .local/bench for the next run."""

from pathlib import Path

from bench import ingest, media, minting, stack

FOLDER = Path(__file__).resolve().parents[1] / ".local" / "bench"


def main() -> None:
    minting.run()
    with stack.running() as running:
        ingest.run(running, FOLDER)
        media.run(running, FOLDER)


if __name__ == "__main__":
    main()
