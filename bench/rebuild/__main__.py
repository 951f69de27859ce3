"""Runs this benchmark alone: `python -m bench.rebuild`."""

from bench.rebuild.measure import run
from bench.stack import running

with running() as stack:
    run(stack)
