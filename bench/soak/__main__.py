"""Runs the soak alone: `python -m bench.soak [MINUTES]`, twelve minutes by default."""

import sys

from bench.requests.data import fill
from bench.soak.measure import run
from bench.stack import running

_MINUTES = 12

with running() as stack:
    run(stack, fill(stack), int(sys.argv[1]) if len(sys.argv) > 1 else _MINUTES)
