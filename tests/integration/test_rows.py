"""Rows become clips by the order of their columns, which nothing but these tests compares."""

from collections.abc import Callable
from inspect import signature
from typing import LiteralString

import pytest

from shared.catalogue.row_mapping import CLIP_COLUMNS, FILE_COLUMNS, ClipRow, _images, file_of
from tests.services import AllServices


def parameters(make: Callable[..., object]) -> list[str]:
    return list(signature(make).parameters)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (CLIP_COLUMNS, list(ClipRow._fields)),
        (FILE_COLUMNS, ["id", *parameters(file_of)[1:-1], *parameters(_images)]),
    ],
    ids=["clips", "files"],
)
def test_column_is_read_by_its_name(
    services: AllServices, columns: LiteralString, names: list[str]
) -> None:
    query: LiteralString = f"SELECT {columns} FROM (SELECT) AS nothing LEFT JOIN clips c ON true"
    row = services.database.one(query, {})
    assert row is not None
    assert list(row) == names
