"""What becomes of old blobs: the rules are valid, and are those that were meant."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import INFRA
from tests.infra.evaluate import Template
from tests.infra.templates import BASE, by_symbol, deployed, longest_link

POLICIES = sorted((INFRA / "lifecycle").glob("*.json"))
WITH_ARCHIVE = ["Standard_LRS", "Standard_GRS", "Standard_RAGRS"]
WITHOUT_ARCHIVE = ["Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS"]

# https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-policy-structure
TIERS = {"tierToCool", "tierToCold", "tierToArchive"}
CONDITIONS = {
    "baseBlob": {
        "daysAfterModificationGreaterThan",
        "daysAfterCreationGreaterThan",
        "daysAfterLastAccessTimeGreaterThan",
        "daysAfterLastTierChangeGreaterThan",
    },
    "version": {"daysAfterCreationGreaterThan", "daysAfterLastTierChangeGreaterThan"},
    "snapshot": {"daysAfterCreationGreaterThan", "daysAfterLastTierChangeGreaterThan"},
}


type Json = dict[str, Any]


def faults(policy: Json) -> list[str]:
    """What Azure would refuse in a policy, by its documented structure."""
    found = [] if set(policy) == {"rules"} else [f"keys {sorted(policy)}"]
    names = [rule.get("name") for rule in policy["rules"]]
    if not 1 <= len(names) <= 100 or len(set(names)) != len(names):
        found.append("rules: 1 to 100, each with its own name")
    for rule in policy["rules"]:
        found += [f"{rule.get('name')}: {fault}" for fault in rule_faults(rule)]
    return found


def rule_faults(rule: Json) -> list[str]:
    found = []
    if set(rule) != {"name", "enabled", "type", "definition"} or rule["type"] != "Lifecycle":
        return ["not name, enabled, type Lifecycle, definition"]
    if not isinstance(rule["enabled"], bool):
        found.append("enabled is no boolean")
    definition = rule["definition"]
    if set(definition) != {"filters", "actions"} or not definition["actions"]:
        return [*found, "not filters and at least one action"]
    found += filter_faults(definition["filters"])
    for target, actions in definition["actions"].items():
        if target not in CONDITIONS:
            found.append(f"no such thing as {target}")
            continue
        for action, conditions in actions.items():
            found += action_faults(target, action, conditions)
    return found


def filter_faults(filters: Json) -> list[str]:
    found = []
    if not set(filters) <= {"blobTypes", "prefixMatch", "blobIndexMatch"}:
        found.append(f"filters {sorted(filters)}")
    if not filters.get("blobTypes") or not set(filters["blobTypes"]) <= {"blockBlob", "appendBlob"}:
        found.append("blobTypes")
    prefixes = filters.get("prefixMatch", ["container"])
    if not 1 <= len(prefixes) <= 10 or any(each.startswith("/") for each in prefixes):
        found.append("prefixMatch: 1 to 10, each beginning with a container")
    return found


def action_faults(target: str, action: str, conditions: Json) -> list[str]:
    if action not in TIERS | {"delete"}:
        return [f"no such action as {action}"]
    found = []
    if not conditions or not set(conditions) <= CONDITIONS[target]:
        found.append(f"{action} of {target}: {sorted(conditions)}")
    if any(not isinstance(days, int) or days < 0 for days in conditions.values()):
        found.append(f"{action}: days are whole numbers")
    tier_change = "daysAfterLastTierChangeGreaterThan"
    if tier_change in conditions and (action != "tierToArchive" or len(conditions) == 1):
        found.append(f"{tier_change} goes with tierToArchive and one other condition")
    return found


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_is_one_that_azure_takes(path: Path) -> None:
    assert faults(json.loads(path.read_text())) == []


def test_the_policies_that_are_deployed_are_those() -> None:
    deployed_ones = [
        by_symbol(deployed("everything"), name, "lifecycle").properties["policy"]
        for name in ("clips-storage", "replica")
    ]
    deployed_ones.append(
        by_symbol(deployed("default"), "clips-storage", "lifecycle").properties["policy"]
    )
    assert all(faults(policy) == [] for policy in deployed_ones)
    assert "{prefix}" not in json.dumps(deployed_ones)
    assert len(POLICIES) == len(deployed_ones)


def rules(redundancy: str) -> dict[str, Any]:
    template = Template(INFRA / "main.bicep", BASE | {"storageRedundancy": redundancy})
    policy = by_symbol(template, "clips-storage", "lifecycle").properties["policy"]
    return {rule["name"]: rule["definition"] for rule in policy["rules"]}


@pytest.mark.parametrize("redundancy", WITH_ARCHIVE)
def test_clips_are_cool_after_a_month_and_archived_after_three(redundancy: str) -> None:
    actions = rules(redundancy)["clips-grow-cold"]["actions"]["baseBlob"]
    assert actions["tierToCool"] == {"daysAfterModificationGreaterThan": 30}
    assert actions["tierToArchive"]["daysAfterModificationGreaterThan"] == 90
    # A clip that was just fetched back would go into the archive again the same day.
    assert actions["tierToArchive"]["daysAfterLastTierChangeGreaterThan"] > 0


@pytest.mark.parametrize("redundancy", WITHOUT_ARCHIVE)
def test_clips_are_cold_after_three_months_where_there_is_no_archive(redundancy: str) -> None:
    actions = rules(redundancy)["clips-grow-cold"]["actions"]["baseBlob"]
    assert actions["tierToCold"] == {"daysAfterModificationGreaterThan": 90}
    assert "tierToArchive" not in actions


@pytest.mark.parametrize("redundancy", [*WITH_ARCHIVE, *WITHOUT_ARCHIVE])
def test_only_clips_grow_cold(redundancy: str) -> None:
    """Images are small and shown in every list: reading them from a colder tier costs more."""
    for name, definition in rules(redundancy).items():
        tiers = {action for each in definition["actions"].values() for action in each} & TIERS
        assert not tiers or definition["filters"]["prefixMatch"] == ["cliplink-clips/"], name


def test_temporary_blobs_outlive_every_link_to_them() -> None:
    """The cleanup deletes them by the hour; the rule takes what the cleanup never saw."""
    rule = rules("Standard_LRS")["temporary-blobs-go"]
    assert rule["filters"]["prefixMatch"] == ["cliplink-temp/"]
    days = rule["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
    assert timedelta(days=days) > longest_link() + timedelta(minutes=15)


def test_no_rule_deletes_clips_or_images() -> None:
    deleting = {
        name
        for name, definition in rules("Standard_LRS").items()
        if "delete" in definition["actions"].get("baseBlob", {})
    }
    assert deleting == {"temporary-blobs-go", "dead-letters-go"}


def test_versions_are_kept_for_as_long_as_a_restore_needs_them() -> None:
    blobs = by_symbol(deployed("default"), "clips-storage", "blobs").properties
    actions = rules("Standard_LRS")["old-versions-go"]["actions"]
    for target in ("version", "snapshot"):
        days = actions[target]["delete"]["daysAfterCreationGreaterThan"]
        assert days >= blobs["restorePolicy"]["days"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rules": []}, "1 to 100"),
        ({"rules": [{"name": "a"}]}, "not name"),
        ({"tierToCool": {"daysAfterLastTierChangeGreaterThan": 1}}, "goes with tierToArchive"),
        ({"tierToArchive": {"daysAfterLastTierChangeGreaterThan": 1}}, "goes with tierToArchive"),
        ({"tierToArchive": {"daysAfter": 1}}, "tierToArchive of baseBlob"),
        ({"archive": {"daysAfterModificationGreaterThan": 1}}, "no such action"),
        ({"delete": {"daysAfterModificationGreaterThan": "1"}}, "whole numbers"),
    ],
)
def test_a_faulty_policy_is_seen(change: Json, fault: str) -> None:
    rule = {
        "name": "a",
        "enabled": True,
        "type": "Lifecycle",
        "definition": {"filters": {"blobTypes": ["blockBlob"]}, "actions": {"baseBlob": change}},
    }
    policy = change if "rules" in change else {"rules": [rule]}
    assert any(fault in each for each in faults(policy))
