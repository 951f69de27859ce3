"""Runs this benchmark alone: `python -m bench.cold_start`."""

from bench.cold_start.measure import run
from bench.requests.data import fill
from bench.stack import running

with running() as stack:
    run(stack, fill(stack))
