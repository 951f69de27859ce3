"""What can be reached, with a private network and through Front Door."""

import re
from typing import Any

import pytest

from shared.blob_names.containers import Containers
from tests.docs.pages import page
from tests.infra.snapshots import ROOT, Resource, chosen, deployed, of_type, one

SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers"

# The route that needs no token and is no description: a share's.
(OPEN_SHARE,) = re.findall(
    r'add_public\("shares_open", "GET", "([^"]+)"', (ROOT / "function_app.py").read_text()
)

# What `/providers/Microsoft.` is followed by in the id of what a private network shuts off.
PRIVATE = ("Storage/storageAccounts/host", "DBforPostgreSQL/", "KeyVault/")
PUBLIC_ACCESS = [
    ("small", "Enabled"),
    ("front-door", "Enabled"),
    ("private", "Disabled"),
    ("everything", "Disabled"),
]


def public_access(resource: Resource) -> str | None:
    properties = resource.properties
    value = properties.get("network", properties).get("publicNetworkAccess")
    return None if value is None else str(value)


@pytest.mark.parametrize(("variant", "access"), PUBLIC_ACCESS)
def test_private_network_leaves_only_clips_and_api_outside(variant: str, access: str) -> None:
    found = {each.id: public_access(each) for each in deployed(variant).resources}
    found = {name: value for name, value in found.items() if value is not None}
    for name, value in found.items():
        shut_off = any(f"/Microsoft.{kind}" in name for kind in PRIVATE)
        assert value == (access if shut_off else "Enabled"), name
    assert len(found) == 4 + ("useVault" in chosen(variant)) + (
        "replicaLocation" in chosen(variant)
    )
    rules = [each for each in deployed(variant).resources if "/firewallRules/" in each.id]
    assert [each.name for each in rules] == (["azure-services"] if access == "Enabled" else [])
    subnet = one(variant, "Microsoft.Web/sites").properties.get("virtualNetworkSubnetId") or ""
    assert subnet.endswith("/subnets/app") == (access == "Disabled")


@pytest.mark.parametrize("variant", ["private", "everything"])
def test_every_private_endpoint_has_a_name_in_the_network(variant: str) -> None:
    endpoints = of_type(variant, "Microsoft.Network/privateEndpoints")
    zones = {each.id for each in of_type(variant, "Microsoft.Network/privateDnsZones")}
    groups = of_type(variant, "Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    named = {
        config["properties"]["privateDnsZoneId"]
        for group in groups
        for config in group.properties["privateDnsZoneConfigs"]
    }
    assert len(groups) == len(endpoints) == (7 if "useVault" in chosen(variant) else 6)
    assert named == zones
    known = {each.id for each in deployed(variant).resources}
    for endpoint in endpoints:
        (connection,) = endpoint.properties["privateLinkServiceConnections"]
        assert connection["properties"]["privateLinkServiceId"] in known
    linked = of_type(variant, "Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    assert len(linked) == len(zones)


def test_no_subnet_can_be_reached_from_the_internet() -> None:
    group = one("private", "Microsoft.Network/networkSecurityGroups")
    (rule,) = group.properties["securityRules"]
    assert (rule["properties"]["access"], rule["properties"]["sourceAddressPrefix"]) == (
        "Deny",
        "Internet",
    )
    subnets = one("private", "Microsoft.Network/virtualNetworks").properties["subnets"]
    assert [subnet["name"] for subnet in subnets] == ["app", "endpoints", "runner"]
    assert all(each["properties"]["networkSecurityGroup"]["id"] == group.id for each in subnets)


def test_only_front_door_and_event_grid_reach_an_app_behind_front_door() -> None:
    site = one("front-door", "Microsoft.Web/sites").properties["siteConfig"]
    assert site["ipSecurityRestrictionsDefaultAction"] == "Deny"
    rules = {rule["ipAddress"]: rule for rule in site["ipSecurityRestrictions"]}
    assert set(rules) == {"AzureFrontDoor.Backend", "AzureEventGrid"}
    # Front Doors of others use the same addresses: this one is known by its id.
    (front_door_id,) = rules["AzureFrontDoor.Backend"]["headers"]["x-azure-fdid"]
    profile = one("front-door", "Microsoft.Cdn/profiles")
    assert front_door_id == f"[reference('{profile.id}', '2025-06-01').frontDoorId]"


@pytest.mark.parametrize("variant", ["front-door", "everything"])
def test_front_door_keeps_clips_under_their_whole_link_and_no_answer_of_the_api(
    variant: str,
) -> None:
    """Under less than the whole link, anyone who knows its address could open a cached clip."""
    routes = of_type(variant, "Microsoft.Cdn/profiles/afdEndpoints/routes")
    by_name = {each.name: each.properties for each in routes}
    assert "cacheConfiguration" not in by_name["api"]
    kept_by = by_name["clips"]["cacheConfiguration"]["queryStringCachingBehavior"]
    assert kept_by == "UseQueryString"
    assert {route.properties["forwardingProtocol"] for route in routes} == {"HttpsOnly"}


@pytest.mark.parametrize("variant", ["front-door", "everything"])
def test_front_door_counts_callers_on_every_name(variant: str) -> None:
    (policy,) = of_type(variant, "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies")
    assert policy.properties["policySettings"]["mode"] == "Prevention"
    (protection,) = of_type(variant, "Microsoft.Cdn/profiles/securityPolicies")
    (association,) = protection.properties["parameters"]["associations"]
    fronts = of_type(variant, "Microsoft.Cdn/profiles/afdEndpoints")
    if "customDomain" in chosen(variant):
        fronts += of_type(variant, "Microsoft.Cdn/profiles/customDomains")
    assert {each["id"] for each in association["domains"]} == {front.id for front in fronts}


def limits(variant: str) -> dict[str, dict[str, Any]]:
    """The rules of the firewall, by the path whose calls each counts."""
    (policy,) = of_type(variant, "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies")
    assert policy.body["sku"] == {"name": "Standard_AzureFrontDoor"}
    assert "managedRules" not in policy.properties  # they would need the Premium tier
    rules = policy.properties["customRules"]["rules"]
    priorities = [rule["priority"] for rule in rules]
    assert len(set(priorities)) == len(priorities)
    return {rule["matchConditions"][0]["matchValue"][0]: rule for rule in rules}


def test_firewall_counts_calls_and_those_without_a_token_apart() -> None:
    by_path = limits("everything")
    assert set(by_path) == {"/api/", f"/api/{OPEN_SHARE.partition('{')[0]}"}
    for rule in by_path.values():
        assert rule["ruleType"] == "RateLimitRule"
        assert rule["action"] == "Block"
        assert rule["rateLimitDurationInMinutes"] in {1, 5}  # Azure knows no others
    assert by_path["/api/s/"]["rateLimitThreshold"] < by_path["/api/"]["rateLimitThreshold"]


def test_every_spelling_of_an_address_is_counted() -> None:
    """The host finds a function under /API/%73/ too."""
    for rule in limits("everything").values():
        (condition,) = rule["matchConditions"]
        assert condition["transforms"] == ["UrlDecode", "Lowercase"]
        assert condition["matchValue"] == [condition["matchValue"][0].lower()]


def test_limits_of_the_firewall_can_be_set_and_are_the_documented_ones() -> None:
    table = page("docs/api.md").section("Rate limits").table("calls")
    documented = {row[0].split("`")[1].rstrip("."): int(row[1]) for row in table.rows}
    by_path = limits("everything")
    assert {path: rule["rateLimitThreshold"] for path, rule in by_path.items()} == documented
    others = limits("front-door")
    assert {path: rule["rateLimitThreshold"] for path, rule in others.items()} == {
        "/api/": 50,
        "/api/s/": 20,
    }


def test_no_log_of_front_door_holds_an_address_that_opens_something() -> None:
    policy = one("front-door", "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies")
    profile = one("front-door", "Microsoft.Cdn/profiles")
    for properties in (policy.properties["policySettings"], profile.properties):
        assert properties["logScrubbing"]["state"] == "Enabled"
        (rule,) = properties["logScrubbing"]["scrubbingRules"]
        assert rule == {
            "matchVariable": "RequestUri",
            "selectorMatchOperator": "EqualsAny",
            "state": "Enabled",
        }


def test_front_door_leads_to_containers_with_links_and_no_others() -> None:
    storage = one("front-door", "Microsoft.Cdn/profiles/afdEndpoints/routes", "/routes/clips")
    containers = Containers("cliplink")
    linked = {containers.clips, containers.thumbnails, containers.temp}
    assert storage.properties["patternsToMatch"] == [
        f"/{each}/*" for each in sorted(linked, key=list(containers.all()).index)
    ]


def test_front_door_probes_nothing() -> None:
    """One origin leaves nothing to choose; probes would keep app and database busy."""
    for group in of_type("front-door", "Microsoft.Cdn/profiles/originGroups"):
        assert "healthProbeSettings" not in group.properties, group.name
