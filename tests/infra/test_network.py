"""What can be reached, with a private network and through Front Door."""

import re
from typing import Any

import pytest

from shared.blob_names import Containers
from tests.docs.pages import page
from tests.infra.bicep import INFRA
from tests.infra.evaluate import Template
from tests.infra.templates import BASE, VARIANTS, by_symbol, deployed, of_type
from tests.infra.values import Resource

SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers"

(OPEN_SHARE,) = re.findall(
    r'add_public\("shares_open", "GET", "([^"]+)"', (INFRA.parent / "function_app.py").read_text()
)
"""The route that needs no token and is no description: a share's."""

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


def limits(template: Template) -> dict[str, dict[str, Any]]:
    """The rules of the firewall, by the path whose calls each counts."""
    (policy,) = of_type(template, "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies")
    assert policy.body["sku"] == {"name": "Standard_AzureFrontDoor"}
    assert "managedRules" not in policy.properties  # they would need the Premium tier
    rules = policy.properties["customRules"]["rules"]
    priorities = [rule["priority"] for rule in rules]
    assert len(set(priorities)) == len(priorities)
    return {rule["matchConditions"][0]["matchValue"][0]: rule for rule in rules}


def test_the_firewall_counts_calls_and_those_without_a_token_apart() -> None:
    by_path = limits(deployed("front door"))
    assert set(by_path) == {"/api/", f"/api/{OPEN_SHARE.partition('{')[0]}"}
    for rule in by_path.values():
        assert rule["ruleType"] == "RateLimitRule"
        assert rule["action"] == "Block"
        assert rule["rateLimitDurationInMinutes"] in {1, 5}  # Azure knows no others
    assert by_path["/api/s/"]["rateLimitThreshold"] < by_path["/api/"]["rateLimitThreshold"]


def test_no_way_of_writing_an_address_gets_round_the_count() -> None:
    """The host finds a function under /API/%73/ too."""
    for rule in limits(deployed("front door")).values():
        (condition,) = rule["matchConditions"]
        assert condition["transforms"] == ["UrlDecode", "Lowercase"]
        assert condition["matchValue"] == [condition["matchValue"][0].lower()]


def test_the_numbers_of_the_firewall_can_be_set_and_are_the_documented_ones() -> None:
    table = page("docs/api.md").section("Rate limits").table("calls")
    documented = {row[0].split("`")[1].rstrip("."): int(row[1]) for row in table.rows}
    by_path = limits(deployed("front door"))
    assert {path: rule["rateLimitThreshold"] for path, rule in by_path.items()} == documented
    asked = BASE | {"frontDoor": True, "callsPerMinute": 50, "sharesPerMinute": 20}
    others = limits(Template(INFRA / "main.bicep", asked))
    assert {path: rule["rateLimitThreshold"] for path, rule in others.items()} == {
        "/api/": 50,
        "/api/s/": 20,
    }


def test_no_log_of_front_door_holds_an_address_that_opens_something() -> None:
    template = deployed("front door")
    (policy,) = of_type(template, "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies")
    (profile,) = of_type(template, "Microsoft.Cdn/profiles")
    for told in (policy.properties["policySettings"], profile.properties):
        assert told["logScrubbing"]["state"] == "Enabled"
        (rule,) = told["logScrubbing"]["scrubbingRules"]
        assert rule == {
            "matchVariable": "RequestUri",
            "selectorMatchOperator": "EqualsAny",
            "state": "Enabled",
        }


def test_front_door_leads_to_containers_with_links_and_no_others() -> None:
    storage = by_symbol(deployed("front door"), "front-door", "storageRoute")
    containers = Containers("cliplink")
    linked = {containers.clips, containers.thumbnails, containers.temp}
    assert storage.properties["patternsToMatch"] == [
        f"/{each}/*" for each in sorted(linked, key=list(containers.all()).index)
    ]
