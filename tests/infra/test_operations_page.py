"""The pages of operations can be followed: their commands are shell, their names exist."""

import re
import subprocess

import pytest

from infra.compiler import INFRA
from tests.docs.pages import page
from tests.infra.snapshots import OF_AZD, TEMPLATE, one, set_by_azd

PAGES = {
    name: page(f"docs/{name}.md") for name in ("deploying", "running", "restoring", "failing-over")
}
# Those inside lists too, with their indentation.
SHELL = [
    block
    for each in PAGES.values()
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", each.text, re.MULTILINE | re.DOTALL)
]

# Variables that the reader fills in, or that are in their repository.
OF_THE_READER = {"VIDEO_ID", "CLIP_ID", "BLOB", "COMMIT", "PAIRED_REGION", "APP_ID"}


def test_pages_have_commands() -> None:
    assert len(SHELL) > 15


@pytest.mark.parametrize("text", SHELL, ids=lambda text: text.strip().splitlines()[0][:40])
def test_commands_are_good_shell(text: str) -> None:
    """A placeholder in angle brackets would be a redirection when it is pasted."""
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert not re.search(r"<\w+>", text)


def test_every_variable_of_a_command_comes_from_somewhere() -> None:
    outputs = set(TEMPLATE["outputs"])
    text = "\n".join(SHELL)
    made_here = set(re.findall(r"^ *([A-Z_]+)=", text, re.MULTILINE))
    used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", text))
    assert used <= outputs | set_by_azd() | OF_AZD | made_here | OF_THE_READER


def test_every_choice_is_one_of_the_template() -> None:
    table = PAGES["deploying"].section("Choices").table("variable")
    assert set(table.names()) <= set_by_azd()


def test_every_module_is_listed() -> None:
    named = set(PAGES["deploying"].section("What is deployed").table("module").names())
    modules = {path.stem for path in (INFRA / "modules").glob("*.bicep")}
    assert modules == {name for name in named if "/" not in name}


def test_documented_retention_is_as_deployed() -> None:
    blobs = one("small", "Microsoft.Storage/storageAccounts/blobServices", "/clips").properties
    server = one("small", "Microsoft.DBforPostgreSQL/flexibleServers")
    vault = one("everything", "Microsoft.KeyVault/vaults")
    rows = PAGES["restoring"].section("What can be restored").table("what can be restored").rows
    assert {row[0]: int(row[1].split()[0]) for row in rows} == {
        "a blob that was deleted or overwritten": blobs["deleteRetentionPolicy"]["days"],
        "a container": blobs["containerDeleteRetentionPolicy"]["days"],
        "all blobs of a container, to a point in time": blobs["restorePolicy"]["days"],
        "the database, to a point in time": server.properties["backup"]["backupRetentionDays"],
        "the vault": vault.properties["softDeleteRetentionInDays"],
    }
