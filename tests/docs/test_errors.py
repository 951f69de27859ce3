"""docs/errors.md lists every code of the API and of a failed clip, and no other code."""

from clips.http.problems import status_of
from shared import errors
from shared.errors import CliplinkError
from shared.media import FailureCode
from shared.model.failure import ARCHIVED, GAVE_UP, MISSING
from tests.docs.pages import page

ERRORS = page("docs/errors.md")


def error_classes(root: type[CliplinkError] = CliplinkError) -> list[type[CliplinkError]]:
    below = [kind for child in root.__subclasses__() for kind in error_classes(child)]
    return [kind for kind in (root, *below) if kind.__module__ == errors.__name__]


def test_every_error_is_documented_with_its_status() -> None:
    status = {kind.code: str(int(status_of(kind))) for kind in error_classes()}
    assert len(status) == len(error_classes()), "codes are unique"
    assert ERRORS.section("API errors").table("code").column("status") == status


def test_every_failure_is_documented_with_its_sentence() -> None:
    of_the_file, passing = ERRORS.section("Why a clip failed").tables
    assert of_the_file.column("detail") == {code.value: code.sentence for code in FailureCode}
    assert passing.column("detail") == {
        failure.code: failure.detail for failure in (GAVE_UP, MISSING, ARCHIVED)
    }


def test_every_error_says_what_to_do() -> None:
    table = ERRORS.section("API errors").table("code")
    assert all(all(row) for row in table.rows)
