"""Runs the burst alone: `python -m bench.burst [CLIPS]`, by default 300 clips."""

import sys

from bench.burst.measure import run
from bench.stack import running

_CLIPS = 300

with running() as stack:
    run(stack, int(sys.argv[1]) if len(sys.argv) > 1 else _CLIPS)
