"""Runs this benchmark alone: `python -m bench.requests`; `--quick` for a first look."""

import sys

from bench.requests.data import fill
from bench.requests.measure import Effort, run
from bench.stack import running

_QUICK = Effort(rounds=1, warm_up=0.2, seconds=1.0)

with running() as stack:
    run(stack, fill(stack), _QUICK if "--quick" in sys.argv else Effort())
