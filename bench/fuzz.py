"""Thousands of mutated films: each is ready or fails with a documented code, and none takes long.

    python -m bench.fuzz 20000              cases 0 to 19999, two at a time
    python -m bench.fuzz 1000 20000         cases 20000 to 20999

Prints the number of every case that ends in another way; the command then fails.
"""

import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.errors import Busy
from tests.media.fuzz import LONGER_SEEDS, SEEDS, examine, make_seeds

_AT_ONCE = 2
_BATCH = 1000
_PROBLEM = "PROBLEM"


def run(numbers: range, at_once: int = _AT_ONCE) -> Counter[str]:
    """Returns how often each outcome occurred."""
    with tempfile.TemporaryDirectory() as directory:
        seeds = make_seeds(Path(directory), SEEDS | LONGER_SEEDS)

    def outcome(number: int) -> str:
        try:
            return examine(seeds, number)
        except Busy:
            # The other file took the memory: the service tries such a file again.
            return Busy.code
        except Exception:  # noqa: BLE001 - any exception is a finding
            sys.stderr.write(f"case {number}: {traceback.format_exc()}\n")
            return _PROBLEM

    outcomes: Counter[str] = Counter()
    with ThreadPoolExecutor(at_once) as pool:
        for batch in _batches(numbers):
            started = time.monotonic()
            outcomes.update(pool.map(outcome, batch))
            seconds = time.monotonic() - started
            sys.stdout.write(f"cases up to {batch[-1]}: {seconds:.0f} s\n")
            sys.stdout.flush()
    return outcomes


def _batches(numbers: range) -> Iterable[range]:
    return (numbers[start : start + _BATCH] for start in range(0, len(numbers), _BATCH))


def main() -> int:
    """Runs the cases that the command line asks for; returns the exit code."""
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    outcomes = run(range(first, first + count))
    for name, times in outcomes.most_common():
        sys.stdout.write(f"{times:7} {name}\n")
    return 1 if outcomes[_PROBLEM] else 0


if __name__ == "__main__":
    sys.exit(main())
