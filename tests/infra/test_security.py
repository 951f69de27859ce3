"""What the template opens and what it keeps shut, in every variant of it."""

import json
import re
from typing import Any

import pytest

from shared.blob_names import Containers
from tests.infra.bicep import FILES, INFRA, load
from tests.infra.evaluate import Resource
from tests.infra.templates import VARIANTS, by_symbol, deployed, longest_link, of_type, second_phase

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


PRIVATE = {
    "modules/host-storage.bicep": "account",
    "modules/database.bicep": "server",
    "modules/vault.bicep": "vault",
}


def public_access(resource: Resource) -> str:
    told = resource.properties
    return str(told.get("network", told)["publicNetworkAccess"])


@pytest.mark.parametrize("variant", ["private network", "everything"])
def test_a_private_network_leaves_only_clips_and_api_outside(variant: str) -> None:
    template = deployed(variant)
    for resource in template.resources:
        if PRIVATE.get(resource.file) == resource.symbol:
            assert public_access(resource) == "Disabled", resource.id
    assert not [each for each in template.resources if each.type == f"{SERVERS}/firewallRules"]
    app = by_symbol(template, "function-app", "app")
    assert app.properties["virtualNetworkSubnetId"].endswith("/subnets/app")


def test_every_door_of_the_private_network_has_a_name_in_it() -> None:
    template = deployed("private network")
    doors = of_type(template, "Microsoft.Network/privateEndpoints")
    zones = {each.id for each in of_type(template, "Microsoft.Network/privateDnsZones")}
    groups = of_type(template, "Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    named = {
        config["properties"]["privateDnsZoneId"]
        for group in groups
        for config in group.properties["privateDnsZoneConfigs"]
    }
    assert len(groups) == len(doors)
    assert named == zones
    known = {each.id for each in template.resources}
    for door in doors:
        (connection,) = door.properties["privateLinkServiceConnections"]
        assert connection["properties"]["privateLinkServiceId"] in known
    linked = of_type(template, "Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    assert len(linked) == len(zones)


def test_only_front_door_and_event_grid_reach_an_app_behind_front_door() -> None:
    site = by_symbol(deployed("front door"), "function-app", "app").properties["siteConfig"]
    assert site["ipSecurityRestrictionsDefaultAction"] == "Deny"
    rules = {rule["ipAddress"]: rule for rule in site["ipSecurityRestrictions"]}
    assert set(rules) == {"AzureFrontDoor.Backend", "AzureEventGrid"}
    # Front Doors of others use the same addresses: ours is known by its id.
    assert rules["AzureFrontDoor.Backend"]["headers"] == {
        "x-azure-fdid": ["<profile.properties.frontDoorId>"]
    }


@pytest.mark.parametrize("variant", ["front door", "front door, own name"])
def test_front_door_keeps_clips_under_their_whole_link_and_no_answer_of_the_api(
    variant: str,
) -> None:
    """Under less than the whole link, a clip would be there for whoever knows its address."""
    routes = of_type(deployed(variant), "Microsoft.Cdn/profiles/afdEndpoints/routes")
    told = {each.symbol: each.properties for each in routes}
    assert "cacheConfiguration" not in told["apiRoute"]
    kept_by = told["storageRoute"]["cacheConfiguration"]["queryStringCachingBehavior"]
    assert kept_by == "UseQueryString"
    assert {route.properties["forwardingProtocol"] for route in routes} == {"HttpsOnly"}


@pytest.mark.parametrize("variant", ["front door", "front door, own name"])
def test_front_door_counts_callers_on_every_name(variant: str) -> None:
    template = deployed(variant)
    (policy,) = of_type(template, "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies")
    assert policy.properties["policySettings"]["mode"] == "Prevention"
    (protection,) = of_type(template, "Microsoft.Cdn/profiles/securityPolicies")
    (association,) = protection.properties["parameters"]["associations"]
    fronts = of_type(template, "Microsoft.Cdn/profiles/afdEndpoints")
    if VARIANTS[variant].get("customDomain"):
        fronts += of_type(template, "Microsoft.Cdn/profiles/customDomains")
    assert {each["id"] for each in association["domains"]} == {front.id for front in fronts}


def test_front_door_leads_to_containers_with_links_and_no_others() -> None:
    storage = by_symbol(deployed("front door"), "front-door", "storageRoute")
    containers = Containers("cliplink")
    linked = {containers.clips, containers.thumbnails, containers.temp}
    assert storage.properties["patternsToMatch"] == [
        f"/{each}/*" for each in sorted(linked, key=list(containers.all()).index)
    ]


# --- Events


def test_events_of_the_clips_container_alone_reach_the_trigger() -> None:
    """The webhook has no filter of its own: this one must be the trigger's path."""
    (subscription,) = second_phase().resources
    told = subscription.properties
    clips = Containers("cliplink").clips
    assert told["filter"]["subjectBeginsWith"] == f"/blobServices/default/containers/{clips}/"
    assert told["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    assert "advancedFilters" not in told["filter"]


def test_events_go_to_the_function_that_takes_blobs_in() -> None:
    (subscription,) = second_phase().resources
    url = subscription.properties["destination"]["properties"]["endpointUrl"]
    source = (INFRA.parent / "function_app.py").read_text()
    (name,) = re.findall(r'@app.function_name\("(\w+)"\)\n@app.blob_trigger', source)
    assert f"/runtime/webhooks/blobs?functionName=Host.Functions.{name}&code=" in url


def test_events_that_could_not_be_delivered_are_kept() -> None:
    (subscription,) = second_phase().resources
    destination = subscription.properties["deadLetterWithResourceIdentity"]["deadLetterDestination"]
    kept_in = destination["properties"]["blobContainerName"]
    names = [each.name.rpartition("/")[2] for each in of_type(deployed("default"), CONTAINERS)]
    assert kept_in in names


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
