"""What the pages point to is there: pages, headings, files, folders, commands."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page, all_pages, anchor, coded, page

# Folders that hold what the project is made of; the rest of a path must exist below them.
_FOLDERS = ("clips/", "shared/", "local/", "tests/", "docs/", "bench/", "infra/", ".ci/")
_MADE_BY_MAKE = {"local/node_modules/", "tests/infra/kusto/node_modules/"}

each_page = pytest.mark.parametrize("path", all_pages(), ids=lambda path: path.name)


@each_page
def test_links_lead_somewhere(path: Path) -> None:
    for link in Page(path.read_text()).links:
        if link.startswith(("http://", "https://")):
            continue
        target, _, fragment = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), link
        if fragment:
            assert fragment in map(anchor, Page(file.read_text()).headings), link


@each_page
def test_files_that_are_named_exist(path: Path) -> None:
    for text in coded(Page(path.read_text()).prose):
        is_path = re.fullmatch(r"[\w./-]+", text) and text.startswith(_FOLDERS)
        is_module = re.fullmatch(r"[\w-]+\.py", text)
        if (is_path or is_module) and text not in _MADE_BY_MAKE:
            assert (ROOT / text).exists(), text


@each_page
def test_commands_of_make_exist(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(
        r"(?:^|`|\()(?:PORT=\d+ )?make ([a-z]+)", path.read_text(), re.MULTILINE
    ):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_map_names_what_is_there() -> None:
    table = page("README.md").section("Where things are").table("you look for")
    named = {name.rstrip("/") for row in table.rows for name in coded(row[1])}
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


def test_the_map_leads_to_every_part_of_the_app() -> None:
    table = page("README.md").section("Where things are").table("you look for")
    named = {name.rstrip("/") for row in table.rows for name in coded(row[1])}
    parts = {"clips": ROOT / "clips", "shared": ROOT / "shared"}
    folders = {
        f"{name}/{folder.name}"
        for name, parent in parts.items()
        for folder in parent.iterdir()
        if folder.is_dir() and not folder.name.startswith("__")
    }
    assert folders <= named
