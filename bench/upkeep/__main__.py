"""Runs this benchmark alone: `python -m bench.upkeep [CLIPS]`, a million clips by default."""

import sys

from bench.stack import running
from bench.upkeep.measure import CLIPS, run

with running() as stack:
    run(stack, int(sys.argv[1]) if sys.argv[1:] else CLIPS)
