"""Runs this benchmark alone: `python -m bench.media`."""

from bench.media.measure import FOLDER, run
from bench.stack import running

with running() as stack:
    run(stack, FOLDER)
