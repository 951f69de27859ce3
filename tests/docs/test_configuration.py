"""docs/configuration.md and local.settings.json.example name every setting that the app reads."""

import json
from collections.abc import Mapping

import pytest

from shared import settings
from tests.docs.pages import ROOT, coded, page
from tests.settings import COMPLETE, names_read

CONFIGURATION = page("docs/configuration.md")
TABLE = CONFIGURATION.section("Settings").table("name")
EXAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
HOST = json.loads((ROOT / "host.json").read_text())

# Other ways to secrets and the storage account than those of the example; what is off by default.
OTHER_FORMS = {
    "STORAGE_DEBUG",
    "KEY_VAULT_URL",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_BLOB_ENDPOINT",
    "CDN_ENDPOINT",
    "PUBLIC_URL",
}
READ_FROM_THE_PLATFORM = {"PYTHON_THREADPOOL_THREAD_COUNT"}
OF_THE_PLATFORM = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", *READ_FROM_THE_PLATFORM}


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(TABLE.names()) == names_read(COMPLETE) - READ_FROM_THE_PLATFORM


def test_example_sets_every_setting_that_applies_to_it() -> None:
    assert (
        set(EXAMPLE) - OF_THE_PLATFORM
        == names_read(COMPLETE) - OTHER_FORMS - READ_FROM_THE_PLATFORM
    )
    settings.from_mapping(EXAMPLE)


def test_settings_of_the_platform_are_documented() -> None:
    table = CONFIGURATION.section("Settings of the platform").table("name")
    assert set(table.names()) >= OF_THE_PLATFORM


def test_required_and_default_are_as_documented() -> None:
    defaults = TABLE.column("default")
    with pytest.raises(settings.SettingsError) as caught:
        settings.from_mapping({})
    missing = {problem.split()[0] for problem in caught.value.problems}
    assert {name for name, text in defaults.items() if text == "required"} == missing - {
        "AZURE_STORAGE_CONNECTION_STRING"  # or an account's name, as the page says
    }
    read = settings.from_mapping(COMPLETE)
    actual = {
        "AZURE_STORAGE_CONTAINER_NAME": read.container_prefix,
        "CLEANUP_SCHEDULE": read.cleanup_schedule,
        "BLOB_TRIGGER_SOURCE": read.blob_trigger_source,
        "TEMP_DIR": read.temp_dir.name,
    }
    assert {name: coded(defaults[name])[0] for name in actual} == actual


@pytest.mark.parametrize(
    ("name", "example"),
    [
        (name, coded(text)[0])
        for name, text in TABLE.column("example").items()
        if coded(text) and "..." not in text and "<" not in text
    ],
)
def test_every_example_is_accepted(name: str, example: str) -> None:
    settings.from_mapping(COMPLETE | {name: example})


def test_trigger_connection_is_the_documented_one() -> None:
    table = CONFIGURATION.section("What the blob trigger uses").table("name")
    prefix = settings.from_mapping(COMPLETE).storage.trigger_connection
    assert all(name.startswith(f"{prefix}__") for name in table.names())
    assert settings.from_mapping(EXAMPLE).storage.trigger_connection in names_read(COMPLETE)


def test_every_value_of_host_json_is_explained() -> None:
    explained = {row[0].split("`")[1] for row in CONFIGURATION.section("host.json").tables[0].rows}
    for path in leaves(HOST):
        assert path == "version" or any(path.startswith(known) for known in explained), path


def leaves(tree: Mapping[str, object], above: str = "") -> list[str]:
    """The dotted path of every value that is no object."""
    paths: list[str] = []
    for name, value in tree.items():
        paths += leaves(value, f"{above}{name}.") if isinstance(value, dict) else [above + name]
    return paths
