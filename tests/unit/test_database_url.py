"""DATABASE_URL: a value is refused before the driver could quote its password in an error."""

import string

import psycopg
import pytest

from shared.auth.app_identity import AppIdentity
from shared.postgres.login import parameters_for
from shared.settings.checks import check_postgres_url
from tests.servers import refusing

HALVES = ("Correct", "Battery")
ODD = [
    *(c for c in string.printable if not c.isalnum()),
    *("%00", "%2", "%zz", "%40", "%20", "@@", ":x@", "/?", "?x=", "\u00a0", "é", "\0"),
]


@pytest.mark.parametrize("pattern", ["{0}{2}{1}", "{0}{2}", "{2}{1}"])
@pytest.mark.parametrize("odd", ODD)
def test_no_part_of_a_password_is_in_an_error(odd: str, pattern: str) -> None:
    """The address is refused by name alone, or the error of the connection quotes nothing."""
    password = pattern.format(*HALVES, odd)
    with refusing() as port:
        url = f"postgresql://app:{password}@127.0.0.1:{port}/clips"
        said = check_postgres_url(url)
        if said is None:
            with pytest.raises(psycopg.Error) as caught:
                psycopg.connect(**parameters_for(url, AppIdentity()) | {"connect_timeout": 2})
            said = str(caught.value)
    assert not any(half in said for half in HALVES)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example.org/clips",
        "postgresql://app@db.example.org/clips",
        "postgresql://app:p%40ss%2Fw%25rd!$&'()*+,;=#~@db.example.org:5432/clips?sslmode=require",
        "postgres://app:x@a.example.org:5432,b.example.org:5433/clips?target_session_attrs=primary",
        "postgresql://app:x@[::1]:5432/clips",
        "postgresql:///clips?host=/var/run/postgresql",
    ],
)
def test_address_that_the_driver_accepts_is_accepted(url: str) -> None:
    assert check_postgres_url(url) is None
    assert parameters_for(url, AppIdentity())["dbname"] == "clips"
