"""What the template opens and what it keeps shut, in every variant of it."""

import json
import re
from typing import Any

import pytest

from infra.compiler import FILES, INFRA
from shared.blob_names.containers import Containers
from tests.infra.snapshots import (
    NAMES,
    TEMPLATE,
    chosen,
    deployed,
    longest_link,
    of_type,
    one,
)

each_variant = pytest.mark.parametrize("variant", NAMES)

ACCOUNTS = "Microsoft.Storage/storageAccounts"
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers"


@each_variant
def test_no_storage_account_has_keys_public_blobs_or_old_encryption(variant: str) -> None:
    accounts = of_type(variant, ACCOUNTS)
    assert len(accounts) == (3 if "replicaLocation" in chosen(variant) else 2)
    for account in accounts:
        properties = account.properties
        assert properties["allowSharedKeyAccess"] is False, account.name
        assert properties["allowBlobPublicAccess"] is False, account.name
        assert properties["supportsHttpsTrafficOnly"] is True, account.name
        assert properties["minimumTlsVersion"] == "TLS1_2", account.name
        assert properties["isLocalUserEnabled"] is False, account.name
        assert properties["allowCrossTenantReplication"] is False, account.name


@each_variant
def test_every_container_is_private(variant: str) -> None:
    for container in of_type(variant, CONTAINERS):
        assert container.properties == {"publicAccess": "None"}, container.name


def test_containers_are_those_of_the_app() -> None:
    """There is one more container, for events that could not be delivered."""
    of_clips = {
        each.name for each in of_type("small", CONTAINERS) if "/storageAccounts/clips" in each.id
    }
    assert of_clips == {*Containers("cliplink").all(), "event-dead-letters"}


@each_variant
def test_clips_can_be_restored_after_a_mistake(variant: str) -> None:
    """Restoring to a moment needs all of them, and a soft delete that is longer than it."""
    properties = one(variant, f"{ACCOUNTS}/blobServices", "/clips").properties
    assert properties["isVersioningEnabled"] is True
    assert properties["changeFeed"]["enabled"] is True
    assert properties["deleteRetentionPolicy"]["enabled"] is True
    assert properties["containerDeleteRetentionPolicy"]["enabled"] is True
    assert properties["restorePolicy"]["enabled"] is True
    assert properties["restorePolicy"]["days"] < properties["deleteRetentionPolicy"]["days"]
    assert properties["restorePolicy"]["days"] <= properties["changeFeed"]["retentionInDays"]


def test_browsers_of_named_origins_alone_may_call() -> None:
    """Without CORS_ORIGINS no origin is allowed."""
    assert cors("small") == []
    (rule,) = cors("everything")
    assert rule["allowedOrigins"] == ["https://app.example.com", "https://admin.example.com"]
    for variant in NAMES:
        assert "*" not in json.dumps([each["allowedOrigins"] for each in cors(variant)])
        app = one(variant, "Microsoft.Web/sites").properties["siteConfig"]["cors"]
        assert "*" not in app["allowedOrigins"]


def test_cors_allows_the_headers_of_an_upload() -> None:
    (rule,) = cors("standard")
    assert set(rule["allowedMethods"]) == {"PUT", "GET", "HEAD"}
    allowed = rule["allowedHeaders"]
    for header in ("x-ms-blob-type", "x-ms-blob-content-type", "content-type", "range"):
        assert any(re.fullmatch(each.replace("*", ".*"), header) for each in allowed), header


def cors(variant: str) -> list[dict[str, Any]]:
    blobs = one(variant, f"{ACCOUNTS}/blobServices", "/clips")
    rules: list[dict[str, Any]] = blobs.properties["cors"]["corsRules"]
    return rules


def test_storage_logs_links_with_a_longer_life() -> None:
    period = one("small", ACCOUNTS, "/clips").properties["sasPolicy"]
    assert period["sasExpirationPeriod"] == f"{longest_link().days:02}.00:00:00"


@each_variant
def test_database_knows_no_passwords(variant: str) -> None:
    (server,) = of_type(variant, SERVERS)
    assert server.properties["authConfig"]["passwordAuth"] == "Disabled"
    assert server.properties["authConfig"]["activeDirectoryAuth"] == "Enabled"
    assert "administratorLoginPassword" not in server.properties
    (administrator,) = of_type(variant, f"{SERVERS}/administrators")
    assert administrator.properties["principalName"] == "ada@example.com"


def test_app_is_not_an_administrator_of_the_database() -> None:
    administrators = of_type("everything", f"{SERVERS}/administrators")
    assert "id-cliplink" not in json.dumps([each.body for each in administrators])


def test_secrets_cannot_be_purged_and_need_a_role() -> None:
    vault = one("everything", "Microsoft.KeyVault/vaults")
    assert vault.properties["enableRbacAuthorization"] is True
    assert vault.properties["enablePurgeProtection"] is True
    assert vault.properties["enableSoftDelete"] is True


@each_variant
def test_vault_is_made_only_where_the_app_reads_it(variant: str) -> None:
    """It cannot be purged: after `azd down` its name would be taken for 90 days."""
    with_vault = "useVault" in chosen(variant)
    assert any("/vaults/" in each.id for each in deployed(variant).resources) == with_vault


@each_variant
def test_app_takes_no_old_encryption_and_no_passwords(variant: str) -> None:
    app = one(variant, "Microsoft.Web/sites")
    assert app.body["identity"]["type"] == "UserAssigned"
    assert app.properties["httpsOnly"] is True
    assert app.properties["siteConfig"]["minTlsVersion"] == "1.2"
    policies = of_type(variant, "Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {each.name: each.properties["allow"] for each in policies} == {
        "ftp": False,
        "scm": False,
    }


@each_variant
def test_telemetry_needs_a_token(variant: str) -> None:
    (insights,) = of_type(variant, "Microsoft.Insights/components")
    assert insights.properties["DisableLocalAuth"] is True
    (workspace,) = of_type(variant, "Microsoft.OperationalInsights/workspaces")
    assert workspace.properties["features"]["disableLocalAuth"] is True


def test_key_of_the_webhook_is_marked_as_a_secret() -> None:
    text = (INFRA / "events.bicep").read_text()
    assert re.search(r"@secure\(\)\n(@.+\n)*param blobsExtensionKey string\n", text)


def test_no_template_hands_out_a_secret() -> None:
    """Outputs and lists of keys stay in the history of deployments, for every reader to see."""
    text = json.dumps(TEMPLATE)
    assert not re.search(r"\blist\w*(Keys|Sas|Secrets)\w*\s*\(", text, re.IGNORECASE)
    for path in FILES:
        outputs = re.findall(r"^output (\w+)", path.read_text(), re.MULTILINE)
        assert not re.search("key|secret|password", " ".join(outputs), re.IGNORECASE), path


def test_templates_fetch_no_modules() -> None:
    """Modules are files of this repository: no registry can change what is deployed."""
    for path in FILES:
        for target in re.findall(r"^module \w+ '([^']+)'", path.read_text(), re.MULTILINE):
            assert (path.parent / target).is_file(), target
