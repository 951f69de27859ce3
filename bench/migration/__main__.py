"""Runs this benchmark alone: `python -m bench.migration`."""

from bench.media.measure import FOLDER
from bench.migration.measure import run

run(FOLDER)
