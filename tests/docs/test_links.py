"""Links and names in the documentation exist: pages, headings, files, folders, commands."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page, all_pages, anchor, coded, page

# Folders that hold what the project is made of; the rest of a path must exist below them.
_FOLDERS = ("clips/", "shared/", "local/", "tests/", "docs/", "bench/", "infra/", ".ci/")
_MADE_BY_MAKE = {"local/node_modules/", "tests/infra/kusto/node_modules/"}

each_page = pytest.mark.parametrize("path", all_pages(), ids=lambda path: path.name)


@each_page
def test_links_lead_to_existing_pages_and_headings(path: Path) -> None:
    for link in Page(path.read_text()).links:
        if link.startswith(("http://", "https://")):
            continue
        target, _, fragment = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), link
        if fragment:
            assert fragment in map(anchor, Page(file.read_text()).headings), link


@each_page
def test_named_files_exist(path: Path) -> None:
    for text in coded(Page(path.read_text()).prose):
        is_path = re.fullmatch(r"[\w./-]+", text) and text.startswith(_FOLDERS)
        is_module = re.fullmatch(r"[\w-]+\.py", text)
        if (is_path or is_module) and text not in _MADE_BY_MAKE:
            assert (ROOT / text).exists(), text


@each_page
def test_named_make_targets_exist(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(
        r"(?:^|`|\()(?:PORT=\d+ )?make ([a-z]+)", path.read_text(), re.MULTILINE
    ):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_map_of_the_code_names_every_package_and_nothing_else() -> None:
    table = page("CONTRIBUTING.md").section("The map").table("package")
    named = {name.rstrip("/") for row in table.rows for name in coded(row[0])}
    for name in named:
        assert (ROOT / name).exists(), name
    packages = {
        f"{parent}/{folder.name}"
        for parent in ("clips", "shared")
        for folder in (ROOT / parent).iterdir()
        if folder.is_dir() and not folder.name.startswith("__")
    }
    assert packages <= named
