"""Settings: what the app reads, what the template sets, what the pages and the example say."""

import json
import re
from typing import Any

import pytest
from azure.monitor.opentelemetry._constants import _ALL_SUPPORTED_INSTRUMENTED_LIBRARIES

from clips.ingest.decoders import DECODERS
from shared.blob_names.containers import Containers
from shared.postgres import pool
from shared.settings import from_mapping
from tests.docs.pages import page
from tests.infra.snapshots import NAMES, ROOT, chosen, deployed, of_type, one
from tests.settings import names_read

HOST: dict[str, Any] = json.loads((ROOT / "host.json").read_text())

UNSET = {
    "AZURE_STORAGE_CONNECTION_STRING": "holds an account key, and the account has none",
    "AZURE_STORAGE_ACCOUNT_KEY": "the account takes no keys",
    "FUNCTIONS_WORKER_RUNTIME": "Flex Consumption takes it from functionAppConfig only",
    "FUNCTIONS_WORKER_PROCESS_COUNT": "one process an instance, its default; instances scale",
    "MIGRATION_ROOT": "instances have no disk for clips; those are migrated from elsewhere",
    "STORAGE_DEBUG": "for a while only, set by hand: logs every request to storage",
    "AzureWebJobsStorage": "a connection string; AzureWebJobsStorage__accountName replaces it",
}
OF_THE_PLATFORM = {
    "AZURE_CLIENT_ID",  # azure-identity: which of the app's identities to use
    "AzureWebJobsDisableHomepage",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AZURE_STORAGE__blobServiceUri",
    "AZURE_STORAGE__queueServiceUri",
    "AZURE_STORAGE__credential",
    "AZURE_STORAGE__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
}


class EmptyVault:
    """Has no secret."""

    def get(self, name: str, **_: bool) -> str | None:  # noqa: ARG002 - as a vault is asked
        return None


def values(variant: str) -> dict[str, str]:
    """What the template sets, with made-up names where only Azure knows them."""
    settings: dict[str, str] = one(variant, "Microsoft.Web/sites/config").properties
    return {name: with_names_of_azure(value) for name, value in settings.items()}


MADE_UP = {
    "fullyQualifiedDomainName": "psql.postgres.database.azure.com",
    "vaultUri": "https://kv.vault.azure.net/",
    "hostName": "cliplink.azurefd.net",
    "clientId": "00000000-0000-0000-0000-0000000000cc",
    "ConnectionString": "InstrumentationKey=00000000-0000-0000-0000-0000000000ab",
}


def with_names_of_azure(value: str) -> str:
    """A setting without expressions such as `[format('https://{0}', reference(...).x)]`."""
    if not value.startswith("["):
        return value
    value = re.sub(r"environment\(\)\.suffixes\.storage", "'core.windows.net'", value)
    login = r"environment\(\)\.authentication\.loginEndpoint"
    value = re.sub(login, "'https://login.microsoftonline.com/'", value)
    value = re.sub(r"reference\([^()]*\)\.(\w+)", lambda late: f"'{MADE_UP[late[1]]}'", value)
    while inner := re.search(r"format\(((?:(?:'[^']*'|\d+)(?:, )?)+)\)", value):
        template, *parts = re.findall(r"[^', ][^',]*", inner[1])
        value = value.replace(inner[0], f"'{template.format(*parts)}'")
    plain = re.fullmatch(r"\['([^']*)'\]", value)
    assert plain is not None, value
    return plain[1]


def test_every_setting_that_the_app_reads_is_set_or_left_out_for_a_reason() -> None:
    left_out = names_read(values("small")) - values("small").keys()
    assert left_out <= UNSET.keys()


def test_every_setting_of_the_template_is_read() -> None:
    own = set(values("everything")) - OF_THE_PLATFORM
    assert own <= names_read(values("small"))


def test_omitted_settings_are_absent() -> None:
    assert not UNSET.keys() & values("everything").keys()


def test_no_library_sends_spans_of_its_own() -> None:
    """Such spans hold addresses. The names are those that the distribution reads."""
    disabled = values("small")["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"].split(",")
    assert set(disabled) == set(_ALL_SUPPORTED_INSTRUMENTED_LIBRARIES)


def test_every_setting_of_the_template_is_documented() -> None:
    documented = page("docs/configuration.md").text
    for name in values("everything"):
        assert f"`{name}`" in documented, name


@pytest.mark.parametrize("variant", NAMES)
def test_app_accepts_the_settings_of_the_template(variant: str) -> None:
    """With a vault that is empty: nothing has to be in it."""
    settings = from_mapping(values(variant), vault_of=lambda _: EmptyVault())
    assert settings.storage.trigger_connection == "AZURE_STORAGE"
    assert settings.blob_trigger_source == "EventGrid"
    entra = settings.auth.issuer.startswith("https://login.microsoftonline.com/")
    assert entra == ("authIssuer" not in chosen(variant))


def test_every_concurrent_call_of_an_instance_has_a_thread() -> None:
    app = one("standard", "Microsoft.Web/sites")
    scaling = app.properties["functionAppConfig"]["scaleAndConcurrency"]
    settings = from_mapping(values("standard"), vault_of=lambda _: EmptyVault())
    assert settings.handler_threads == scaling["triggers"]["http"]["perInstanceConcurrency"]


def test_links_lead_to_front_door_where_there_is_one() -> None:
    assert values("small")["CDN_ENDPOINT"] == ""
    assert values("front-door")["CDN_ENDPOINT"] == "https://cliplink.azurefd.net"
    assert values("everything")["CDN_ENDPOINT"] == "https://clips.example.com"


def test_vault_is_read_only_with_the_setting() -> None:
    assert values("small")["KEY_VAULT_URL"] == ""
    assert values("everything")["KEY_VAULT_URL"] == "https://kv.vault.azure.net/"


def test_settings_of_the_trigger_are_the_documented_ones() -> None:
    configuration = page("docs/configuration.md")
    trigger = configuration.section("What the blob trigger uses").table("name").names()
    assert set(trigger) <= OF_THE_PLATFORM
    assert set(trigger) <= values("small").keys()


def test_defaults_of_the_template_are_the_documented_ones() -> None:
    defaults = page("docs/configuration.md").section("Settings").table("name").column("default")
    for name in ("AZURE_STORAGE_CONTAINER_NAME", "CLEANUP_SCHEDULE", "BLOB_TRIGGER_SOURCE"):
        assert defaults[name] == f"`{values('small')[name]}`"


def test_example_and_the_template_set_the_same() -> None:
    """Except the settings of storage, and those of the platform."""
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    of_storage = {
        "AZURE_STORAGE_CONNECTION_STRING",
        "AZURE_STORAGE_ACCOUNT_NAME",
        "AZURE_STORAGE_BLOB_ENDPOINT",
    }
    empty = {"KEY_VAULT_URL", "CDN_ENDPOINT", "PUBLIC_URL"}
    of_instances = {"PYTHON_THREADPOOL_THREAD_COUNT"}
    of_azure = OF_THE_PLATFORM | of_storage | UNSET.keys() | empty | of_instances
    assert set(example) - of_azure == set(values("small")) - of_azure


@pytest.mark.parametrize("variant", NAMES)
def test_database_is_reached_by_identity_and_verified(variant: str) -> None:
    url = values(variant)["DATABASE_URL"]
    port = 6432 if "databasePgBouncer" in chosen(variant) else 5432
    assert re.match(rf"postgresql://id-cliplink-\w+@[\w.]+:{port}/cliplink\?", url)
    assert url.partition("?")[2] == "sslmode=verify-full"


def test_pgbouncer_knows_of_prepared_statements() -> None:
    """The driver prepares what it runs often; a transaction later the connection may be another."""
    kind = "Microsoft.DBforPostgreSQL/flexibleServers/configurations"
    configured = {each.name: each.properties["value"] for each in of_type("everything", kind)}
    assert configured["pgbouncer.enabled"] == "true"
    assert int(configured["pgbouncer.max_prepared_statements"]) > 0
    assert "prepare_threshold" not in pool._CONNECTION


# learn.microsoft.com: Limits in Azure Database for PostgreSQL, Maximum user connections
USER_CONNECTIONS = {"Standard_B1ms": 35, "Standard_B2s": 414}


def instances(most: int) -> int:
    """How many there can be at once, by the triggers of the app.

    Flex Consumption scales functions of HTTP together, those of blobs together, and every other
    function separately. Of a timer one instance runs, with any bound.
    """
    triggers = re.findall(r"@app\.(\w+)_trigger\(", (ROOT / "function_app.py").read_text())
    assert set(triggers) == {"blob", "queue", "timer"}
    groups = ["http", "blob", *(each for each in triggers if each == "queue")]
    return len(groups) * most + triggers.count("timer")


def connections(most: int) -> int:
    """How many the server can see; one more while a deployment applies the schema."""
    return instances(most) * pool._MAX_SIZE + 1


def app_config(variant: str) -> dict[str, Any]:
    config: dict[str, Any] = one(variant, "Microsoft.Web/sites").properties["functionAppConfig"]
    return config


def most_instances(variant: str) -> int:
    most: int = app_config(variant)["scaleAndConcurrency"]["maximumInstanceCount"]
    return most


@pytest.mark.parametrize("size", ["small", "standard"])
def test_server_of_a_size_has_connections_for_every_instance(size: str) -> None:
    """This includes instances that migrate clips from a share, where MIGRATION_ROOT is set."""
    assert "FUNCTIONS_WORKER_PROCESS_COUNT" not in values(size)  # one process an instance
    sku = one(size, "Microsoft.DBforPostgreSQL/flexibleServers").body["sku"]["name"]
    most = most_instances(size)
    assert connections(most) <= USER_CONNECTIONS[sku]
    text = page("docs/deploying.md").text
    groups = f"{most} for HTTP + {most} for blobs + 5 x {most} for queues + 1 for the timer"
    total = instances(most) * pool._MAX_SIZE
    assert f"({groups}) x {pool._MAX_SIZE} = {total} of {USER_CONNECTIONS[sku]}" in text


def test_page_on_costs_counts_connections_too() -> None:
    knob = (
        page("docs/costs.md")
        .section("Settings that change costs")
        .table("setting")
        .column("other effects")
    )
    found = re.search(r"has (\d+) connections: `MAXIMUM_INSTANCES=(\d+)`", str(knob))
    assert found is not None
    assert int(found[1]) == USER_CONNECTIONS["Standard_B1ms"]
    assert connections(int(found[2])) <= int(found[1]) < connections(int(found[2]) + 1)


def test_runtime_is_the_one_that_is_tested() -> None:
    config = app_config("standard")
    assert config["runtime"] == {
        "name": "python",
        "version": (ROOT / ".python-version").read_text().strip(),
    }
    assert config["scaleAndConcurrency"]["alwaysReady"] == [{"name": "blob", "instanceCount": 1}]
    assert app_config("small")["scaleAndConcurrency"]["alwaysReady"] == []
    assert app_config("everything")["scaleAndConcurrency"]["alwaysReady"] == [
        {"name": "blob", "instanceCount": 3},
        {"name": "http", "instanceCount": 2},
    ]


def test_instance_has_memory_for_its_concurrent_work() -> None:
    """Two decoders at once: docs/configuration.md says some hundred MB for each clip."""
    config = app_config("small")
    places = HOST["extensions"]["blobs"]["maxDegreeOfParallelism"]
    assert places >= DECODERS
    assert config["scaleAndConcurrency"]["instanceMemoryMB"] >= DECODERS * 1024


def test_trigger_watches_the_container_that_the_template_makes() -> None:
    prefix = values("small")["AZURE_STORAGE_CONTAINER_NAME"]
    names = [each.name for each in deployed("small").resources]
    assert set(Containers(prefix).all()) <= set(names)
