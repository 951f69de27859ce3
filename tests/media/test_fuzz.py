"""A short run of the mutation fuzz; see `fuzz` for a long one."""

from pathlib import Path

import pytest

from shared.media import FailureCode
from tests.media.fuzz import SEEDS, make_seeds, mutated, outcome, run

CASES = 340


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Returns the clips that are mutated."""
    return make_seeds(tmp_path_factory.mktemp("seeds"))


def test_seeds_are_ready_as_they_are(seeds: list[bytes]) -> None:
    """An unmutated film is ready, so failures come from mutations."""
    assert [outcome(data) for data in seeds] == ["ready"] * len(SEEDS)


def test_mutated_clips_are_ready_or_fail_with_a_code(seeds: list[bytes]) -> None:
    """There is no other exception, no crash and no hang."""
    outcomes = run(seeds, range(CASES))
    assert outcomes.total() == CASES
    assert set(outcomes) <= {"ready", *FailureCode}
    assert outcomes["ready"] > CASES / 10
    assert outcomes[FailureCode.TRUNCATED] > CASES / 10


def test_number_of_a_case_reproduces_it(seeds: list[bytes], tmp_path: Path) -> None:
    """With its number, a failure can be repeated."""
    assert mutated(seeds, 11) == mutated(seeds, 11)
    assert mutated(seeds, 11) != mutated(seeds, 11 + len(seeds))
    assert tmp_path.exists()
