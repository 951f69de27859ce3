"""Runs this benchmark alone: `python -m bench.cutting`, or `large` for all formats of 1.25 GB."""

import sys

from bench.cutting.measure import run
from bench.media.measure import FOLDER
from bench.stack import running

with running() as stack:
    run(stack, FOLDER, all_large="large" in sys.argv[1:])
