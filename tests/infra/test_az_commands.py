"""az understands all commands of pages, hooks and workflows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.infra.az import spoken
from tests.infra.az.spoken import Words
from tests.infra.snapshots import one

# Of each command that we use: its options, with their values where those are counted, and what
# it requires, each by all its names. az/collect.py has it from the Azure CLI itself.
KNOWN: dict[str, Any] = json.loads((Path(spoken.__file__).parent / "commands.json").read_text())


@pytest.fixture(scope="module")
def heard() -> dict[Words, str]:
    return spoken.everywhere()


def complaints(words: Sequence[str]) -> list[str]:
    """What the CLI would not take."""
    length = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    name = " ".join(words[:length])
    if name not in KNOWN["commands"]:
        return [f"no command: {name}"]
    if length == len(words):  # only named
        return []
    command = KNOWN["commands"][name]
    options = KNOWN["everywhere"] | command["options"]
    found, given, values = [], set(), None
    for word in words[length:]:
        if not word.startswith("--"):
            if values and word.lower() not in {value.lower() for value in values}:
                found.append(f"{name}: no value: {word}")
            continue
        given.add(word)
        if word not in options:
            found.append(f"{name}: no option: {word}")
        values = options.get(word)
    return found + [
        f"{name}: without {names[0]}"
        for names in command["required"]
        if not given.intersection(names)
    ]


def test_azure_cli_accepts_every_command(heard: dict[Words, str]) -> None:
    assert len(heard) > 60
    assert set(heard.values()) >= {"a hook", "a workflow", "docs/running.md"}
    assert [(where, wrong) for words, where in heard.items() for wrong in complaints(words)] == []


def test_every_query_has_been_parsed(heard: dict[Words, str]) -> None:
    """By the library that the CLI uses: az/collect.py."""
    asked = {words[words.index("--query") + 1] for words in heard if "--query" in words}
    assert asked == set(KNOWN["queries"])


def test_bodies_are_json(heard: dict[Words, str]) -> None:
    bodies = [
        words[words.index(name) + 1]
        for words in heard
        for name in ("--body", "--properties")
        if name in words
    ]
    assert len(bodies) > 1
    assert all(isinstance(json.loads(body), dict) for body in bodies)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("storage blob obliterate", "no command: storage blob obliterate"),
        ("storage blob show --blob x --auth-mode login", "storage blob show: no option: --blob"),
        ("storage message peek --auth-mode login", "storage message peek: without --queue-name"),
        ("storage account failover --resource-group x", "storage account failover: without --name"),
        (
            "storage message peek --queue-name x --auth-mode entra",
            "storage message peek: no value: entra",
        ),
    ],
)
def test_unknown_options_are_found(command: str, complaint: str) -> None:
    assert complaint in complaints(command.split())


# --- What a command sets is what the template sets


def values(words: Words, option: str) -> list[str]:
    """The words after an option, up to the next one."""
    rest = words[words.index(option) + 1 :]
    return list(rest[: next((i for i, w in enumerate(rest) if w.startswith("--")), len(rest))])


def test_rescued_account_has_the_cors_rules_of_the_first(heard: dict[Words, str]) -> None:
    (words,) = [words for words in heard if "cors-rule" in words]
    cors = one("standard", "Microsoft.Storage/storageAccounts/blobServices", "/clips").properties[
        "cors"
    ]
    assert cors["corsRules"] == [
        {
            "allowedOrigins": values(words, "--origins"),
            "allowedMethods": values(words, "--methods"),
            "allowedHeaders": values(words, "--allowed-headers"),
            "exposedHeaders": values(words, "--exposed-headers"),
            "maxAgeInSeconds": int(*values(words, "--max-age")),
        }
    ]


def test_every_setting_that_names_an_account_points_to_the_restored_one(
    heard: dict[Words, str],
) -> None:
    (words,) = [w for w in heard if any(v.startswith("AZURE_STORAGE_ACCOUNT_NAME=") for v in w)]
    settings = one("small", "Microsoft.Web/sites/config").properties
    account = settings["AZURE_STORAGE_ACCOUNT_NAME"]
    assert {value.partition("=")[0] for value in values(words, "--settings")} == {
        "DATABASE_URL",
        *(name for name, value in settings.items() if account in str(value)),
    }
