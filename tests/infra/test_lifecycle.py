"""What becomes of old blobs: the rules are valid, and are those that were meant."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.compiler import INFRA
from tests.infra.snapshots import longest_link, one

POLICIES = sorted((INFRA / "lifecycle").glob("*.json"))
KIND = "Microsoft.Storage/storageAccounts/managementPolicies"

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
def test_azure_accepts_every_policy(path: Path) -> None:
    assert faults(json.loads(path.read_text())) == []


def test_deployed_policies_are_the_documented_ones() -> None:
    accounts = [("small", "/clips"), ("everything", "/clips"), ("everything", "/copy")]
    policies = [one(variant, KIND, name).properties["policy"] for variant, name in accounts]
    assert all(faults(policy) == [] for policy in policies)
    assert "{prefix}" not in json.dumps(policies)
    assert len(POLICIES) == len(policies)


def rules(variant: str) -> dict[str, Any]:
    policy = one(variant, KIND, "/clips").properties["policy"]
    return {rule["name"]: rule["definition"] for rule in policy["rules"]}


def test_clips_are_cool_after_a_month_and_archived_after_three() -> None:
    actions = rules("small")["clips-grow-cold"]["actions"]["baseBlob"]
    assert actions["tierToCool"] == {"daysAfterModificationGreaterThan": 30}
    assert actions["tierToArchive"]["daysAfterModificationGreaterThan"] == 90
    # A clip that was just fetched back would go into the archive again the same day.
    assert actions["tierToArchive"]["daysAfterLastTierChangeGreaterThan"] > 0


@pytest.mark.parametrize("variant", ["everything", "replica"])
def test_clips_are_cold_after_three_months_where_they_cannot_be_archived(variant: str) -> None:
    """With zones (everything) there is no archive; with a copy (replica) it would lag behind."""
    actions = rules(variant)["clips-grow-cold"]["actions"]["baseBlob"]
    assert actions["tierToCold"] == {"daysAfterModificationGreaterThan": 90}
    assert "tierToArchive" not in actions


def test_archive_is_used_with_every_redundancy_that_has_it() -> None:
    module = (INFRA / "modules/clips-storage.bicep").read_text()
    assert "contains(['Standard_LRS', 'Standard_GRS', 'Standard_RAGRS'], redundancy)" in module


@pytest.mark.parametrize("variant", ["small", "replica"])
def test_only_clips_move_to_colder_tiers(variant: str) -> None:
    """Images are small and shown in every list: reading them from a colder tier costs more."""
    for name, definition in rules(variant).items():
        tiers = {action for each in definition["actions"].values() for action in each} & TIERS
        assert not tiers or definition["filters"]["prefixMatch"] == ["cliplink-clips/"], name


def test_temporary_blobs_outlive_every_link_to_them() -> None:
    """The cleanup deletes them by the hour; the rule takes what the cleanup never saw."""
    rule = rules("small")["temporary-blobs-go"]
    assert rule["filters"]["prefixMatch"] == ["cliplink-temp/"]
    days = rule["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
    assert timedelta(days=days) > longest_link() + timedelta(minutes=15)


def test_no_rule_deletes_clips_or_images() -> None:
    deleting = {
        name
        for name, definition in rules("small").items()
        if "delete" in definition["actions"].get("baseBlob", {})
    }
    assert deleting == {"temporary-blobs-go", "dead-letters-go"}


def test_versions_are_kept_for_as_long_as_a_restore_needs_them() -> None:
    blobs = one("small", "Microsoft.Storage/storageAccounts/blobServices", "/clips").properties
    actions = rules("small")["old-versions-go"]["actions"]
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
def test_faulty_policy_is_found(change: Json, fault: str) -> None:
    rule = {
        "name": "a",
        "enabled": True,
        "type": "Lifecycle",
        "definition": {"filters": {"blobTypes": ["blockBlob"]}, "actions": {"baseBlob": change}},
    }
    policy = change if "rules" in change else {"rules": [rule]}
    assert any(fault in each for each in faults(policy))
