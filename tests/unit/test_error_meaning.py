"""The SQLSTATE of an error decides whether it is an outage, a conflict or a bug."""

import psycopg
import pytest
from psycopg import errors as postgres_errors

from shared.postgres.error_meaning import Meaning, meaning_of

OUTAGES = ("08006", "08P01", "53100", "53300", "57014", "57P01", "57P03", "58030", "58P01")
BUGS = ("54000", "54001", "22021", "23505", "42601", "42P01", "25P02", "26000", "42P05", "XX000")


@pytest.mark.parametrize("state", OUTAGES)
def test_unreachable_or_exhausted_server_is_an_outage(state: str) -> None:
    assert meaning_of(postgres_errors.lookup(state)()) is Meaning.OUTAGE


@pytest.mark.parametrize("state", BUGS)
def test_wrong_statement_or_value_is_a_bug_although_the_driver_may_call_it_operational(
    state: str,
) -> None:
    assert meaning_of(postgres_errors.lookup(state)()) is Meaning.BUG


def test_read_only_server_is_an_outage_of_its_own_kind() -> None:
    assert meaning_of(postgres_errors.ReadOnlySqlTransaction()) is Meaning.READ_ONLY


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_conflicting_transactions_are_a_conflict(state: str) -> None:
    assert meaning_of(postgres_errors.lookup(state)()) is Meaning.CONFLICT


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (psycopg.OperationalError("the connection is lost"), Meaning.OUTAGE),
        (psycopg.DataError("text fields cannot contain NUL"), Meaning.BUG),
        (psycopg.ProgrammingError("the query has 1 placeholder"), Meaning.BUG),
    ],
)
def test_error_of_the_driver_itself_has_no_code(error: psycopg.Error, meaning: Meaning) -> None:
    assert meaning_of(error) is meaning
