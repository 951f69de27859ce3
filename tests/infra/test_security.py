"""What the template opens and what it keeps shut, in every variant of it."""

import json
import re
from typing import Any

import pytest

from shared.blob_names import Containers
from tests.infra.bicep import FILES, INFRA, load
from tests.infra.templates import VARIANTS, by_symbol, deployed, longest_link, of_type

each_variant = pytest.mark.parametrize("variant", VARIANTS)

ACCOUNTS = "Microsoft.Storage/storageAccounts"
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers"


@each_variant
def test_no_storage_account_has_keys_public_blobs_or_old_encryption(variant: str) -> None:
    accounts = of_type(deployed(variant), ACCOUNTS)
    assert len(accounts) == (3 if VARIANTS[variant].get("replicaLocation") else 2)
    for account in accounts:
        told = account.properties
        assert told["allowSharedKeyAccess"] is False, account.name
        assert told["allowBlobPublicAccess"] is False, account.name
        assert told["supportsHttpsTrafficOnly"] is True, account.name
        assert told["minimumTlsVersion"] == "TLS1_2", account.name
        assert told["isLocalUserEnabled"] is False, account.name
        assert told["allowCrossTenantReplication"] is False, account.name


@each_variant
def test_every_container_is_private(variant: str) -> None:
    for container in of_type(deployed(variant), CONTAINERS):
        assert container.properties == {"publicAccess": "None"}, container.name


def test_the_containers_are_those_of_the_app() -> None:
    """And one for events that could not be delivered."""
    of_clips = {
        each.name.rpartition("/")[2]
        for each in of_type(deployed("default"), CONTAINERS)
        if each.file == "modules/clips-storage.bicep"
    }
    assert of_clips == {*Containers("cliplink").all(), "event-dead-letters"}


@each_variant
def test_clips_can_be_had_back_after_a_mistake(variant: str) -> None:
    """Restoring to a moment needs all of them, and a soft delete that is longer than it."""
    told = by_symbol(deployed(variant), "clips-storage", "blobs").properties
    assert told["isVersioningEnabled"] is True
    assert told["changeFeed"]["enabled"] is True
    assert told["deleteRetentionPolicy"]["enabled"] is True
    assert told["containerDeleteRetentionPolicy"]["enabled"] is True
    assert told["restorePolicy"]["enabled"] is True
    assert told["restorePolicy"]["days"] < told["deleteRetentionPolicy"]["days"]
    assert told["restorePolicy"]["days"] <= told["changeFeed"]["retentionInDays"]


def test_nobody_may_be_let_in_from_everywhere() -> None:
    """Browsers of origins that were named, and of none unless some were."""
    assert cors("default") == []
    (rule,) = cors("everything")
    assert rule["allowedOrigins"] == ["https://app.example.com", "https://admin.example.com"]
    for variant in VARIANTS:
        assert "*" not in json.dumps([each["allowedOrigins"] for each in cors(variant)])
        app = by_symbol(deployed(variant), "function-app", "app").properties["siteConfig"]["cors"]
        assert "*" not in app["allowedOrigins"]


def test_a_browser_may_send_what_an_upload_needs() -> None:
    (rule,) = cors("browser")
    assert set(rule["allowedMethods"]) == {"PUT", "GET", "HEAD"}
    allowed = rule["allowedHeaders"]
    for header in ("x-ms-blob-type", "x-ms-blob-content-type", "content-type", "range"):
        assert any(re.fullmatch(each.replace("*", ".*"), header) for each in allowed), header


def cors(variant: str) -> list[dict[str, Any]]:
    blobs = by_symbol(deployed(variant), "clips-storage", "blobs")
    rules: list[dict[str, Any]] = blobs.properties["cors"]["corsRules"]
    return rules


def test_storage_notes_links_that_live_longer_than_ours() -> None:
    period = by_symbol(deployed("default"), "clips-storage", "account").properties["sasPolicy"]
    assert period["sasExpirationPeriod"] == f"{longest_link().days:02}.00:00:00"


@each_variant
def test_the_database_knows_no_passwords(variant: str) -> None:
    (server,) = of_type(deployed(variant), SERVERS)
    assert server.properties["authConfig"]["passwordAuth"] == "Disabled"
    assert server.properties["authConfig"]["activeDirectoryAuth"] == "Enabled"
    assert "administratorLoginPassword" not in server.properties
    (administrator,) = of_type(deployed(variant), f"{SERVERS}/administrators")
    assert administrator.properties["principalName"] == "ada@example.com"


def test_the_app_is_no_administrator_of_the_database() -> None:
    template = deployed("everything")
    assert "id-cliplink" not in json.dumps(
        [
            each.name + json.dumps(each.properties)
            for each in of_type(template, f"{SERVERS}/administrators")
        ]
    )


@each_variant
def test_secrets_cannot_be_purged_and_need_a_role(variant: str) -> None:
    (vault,) = of_type(deployed(variant), "Microsoft.KeyVault/vaults")
    assert vault.properties["enableRbacAuthorization"] is True
    assert vault.properties["enablePurgeProtection"] is True
    assert vault.properties["enableSoftDelete"] is True


@each_variant
def test_the_app_takes_no_old_encryption_and_no_passwords(variant: str) -> None:
    app = by_symbol(deployed(variant), "function-app", "app")
    assert app.body["identity"]["type"] == "UserAssigned"
    assert app.properties["httpsOnly"] is True
    assert app.properties["siteConfig"]["minTlsVersion"] == "1.2"
    assert app.properties["siteConfig"]["ftpsState"] == "Disabled"
    policies = of_type(deployed(variant), "Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {each.name.rpartition("/")[2]: each.properties["allow"] for each in policies} == {
        "ftp": False,
        "scm": False,
    }


@each_variant
def test_telemetry_needs_a_token(variant: str) -> None:
    (insights,) = of_type(deployed(variant), "Microsoft.Insights/components")
    assert insights.properties["DisableLocalAuth"] is True
    (workspace,) = of_type(deployed(variant), "Microsoft.OperationalInsights/workspaces")
    assert workspace.properties["features"]["disableLocalAuth"] is True


def test_the_key_of_the_webhook_is_marked_as_a_secret() -> None:
    (key,) = (d for d in load(INFRA / "events.bicep").of("param") if "Key" in d.name)
    assert "secure" in key.decorators


def test_no_template_hands_out_a_secret() -> None:
    """Outputs and lists of keys stay in the history of deployments, for every reader to see."""
    for path in FILES:
        text = path.read_text()
        assert not re.search(r"\blist(Keys|AccountSas|ServiceSas|Secrets|\w*Keys)\s*\(", text), path
        outputs = load(path).of("output")
        assert not [
            d.name for d in outputs if re.search("key|secret|password", d.name, re.IGNORECASE)
        ]


def test_nothing_is_fetched_from_elsewhere() -> None:
    """Modules are files of this repository: no registry can change what is deployed."""
    for path in FILES:
        for module in load(path).of("module"):
            assert (path.parent / module.target).is_file(), module.target
