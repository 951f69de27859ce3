"""docs/operations.md can be followed: its commands are shell, its names exist."""

import re
import subprocess

import pytest

from tests.docs.pages import page
from tests.infra.bicep import INFRA, load
from tests.infra.templates import OF_AZD, by_symbol, deployed, told_by_parameters

OPERATIONS = page("docs/operations.md")
# Those within lists too, as they stand in the page.
SHELL = re.findall(r"^ *```sh\n(.*?)^ *```$", OPERATIONS.text, re.MULTILINE | re.DOTALL)

# What the page tells the reader to fill in, or finds in their repository.
OF_THE_READER = {"VIDEO_ID", "CLIP_ID", "BLOB", "COMMIT", "PAIRED_REGION"}


def test_there_are_commands() -> None:
    assert len(SHELL) > 15


@pytest.mark.parametrize("text", SHELL, ids=lambda text: text.strip().splitlines()[0][:40])
def test_commands_are_good_shell(text: str) -> None:
    """A placeholder in angle brackets would be a redirection to whoever pastes it."""
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert not re.search(r"<\w+>", text)


def test_every_variable_of_a_command_comes_from_somewhere() -> None:
    outputs = {d.name for d in load(INFRA / "main.bicep").of("output")}
    text = "\n".join(SHELL)
    made_here = set(re.findall(r"^ *([A-Z_]+)=", text, re.MULTILINE))
    used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", text))
    assert used <= outputs | told_by_parameters() | OF_AZD | made_here | OF_THE_READER


def test_every_choice_is_one_of_the_template() -> None:
    table = OPERATIONS.section("Choices").table("variable")
    assert set(table.names()) <= told_by_parameters()


def test_every_module_is_listed() -> None:
    named = set(OPERATIONS.section("What is deployed").table("module").names())
    modules = {path.stem for path in (INFRA / "modules").glob("*.bicep")}
    assert modules == {name for name in named if "/" not in name}


def test_the_page_says_at_its_top_what_has_not_been_run() -> None:
    introduction = OPERATIONS.text.partition("\n## ")[0]
    assert "has been run against Azure" in introduction


def test_how_long_things_can_be_had_back_is_as_deployed() -> None:
    blobs = by_symbol(deployed("default"), "clips-storage", "blobs").properties
    backups = by_symbol(deployed("default"), "database", "server").properties["backup"]
    days = OPERATIONS.section("Restoring").table("what").rows
    told = {row[0]: int(row[1].split()[0]) for row in days}
    assert told == {
        "a blob that was deleted or overwritten": blobs["deleteRetentionPolicy"]["days"],
        "a container": blobs["containerDeleteRetentionPolicy"]["days"],
        "all blobs of a container, to a moment": blobs["restorePolicy"]["days"],
        "the database, to a moment": backups["backupRetentionDays"],
        "the vault": 90,
    }
