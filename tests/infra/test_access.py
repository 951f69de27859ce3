"""Who may do what: every role assignment is needed, narrow, and says what for."""

import re

import pytest

from tests.infra.bicep import INFRA, load
from tests.infra.templates import VARIANTS, deployed, of_type
from tests.infra.values import Resource

ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
ACCESS = INFRA / "modules" / "access.bicep"

# Each with its name, from Microsoft's list of built-in roles.
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
APP = "<identity.properties.principalId>"
EVENTS = "<topic.identity.principalId>"


def summary(assignment: Resource) -> tuple[str, str, str]:
    """Who, with which role, on what."""
    told = assignment.properties
    role = ROLES[told["roleDefinitionId"].rpartition("/")[2]]
    scope = re.sub(r"^.*/providers/Microsoft\.", "", assignment.scope)
    scope = re.sub(r"(clips|host|kv-|appi-cliplink-)[0-9a-f]{13}", r"\1*", scope)
    return told["principalId"], role, scope


EXPECTED = {
    (
        APP,
        "Storage Blob Data Owner",
        "Storage/storageAccounts/clips*/blobServices/default/containers/cliplink-clips",
    ),
    (
        APP,
        "Storage Blob Data Contributor",
        "Storage/storageAccounts/clips*/blobServices/default/containers/cliplink-videos",
    ),
    (
        APP,
        "Storage Blob Data Contributor",
        "Storage/storageAccounts/clips*/blobServices/default/containers/cliplink-thumbnails",
    ),
    (
        APP,
        "Storage Blob Data Contributor",
        "Storage/storageAccounts/clips*/blobServices/default/containers/cliplink-temp",
    ),
    (APP, "Storage Blob Delegator", "Storage/storageAccounts/clips*"),
    (APP, "Storage Queue Data Contributor", "Storage/storageAccounts/clips*"),
    (APP, "Storage Blob Data Owner", "Storage/storageAccounts/host*"),
    (APP, "Storage Queue Data Contributor", "Storage/storageAccounts/host*"),
    (APP, "Storage Table Data Contributor", "Storage/storageAccounts/host*"),
    (APP, "Monitoring Metrics Publisher", "Insights/components/appi-cliplink-*"),
    (
        EVENTS,
        "Storage Blob Data Contributor",
        "Storage/storageAccounts/clips*/blobServices/default/containers/event-dead-letters",
    ),
}
READS_VAULT = (APP, "Key Vault Secrets User", "KeyVault/vaults/kv-*")


@pytest.mark.parametrize("variant", VARIANTS)
def test_nobody_may_do_more_than_is_listed(variant: str) -> None:
    """A right that is added has to be added here too, where it is seen."""
    assignments = of_type(deployed(variant), ASSIGNMENTS)
    expected = EXPECTED | ({READS_VAULT} if VARIANTS[variant].get("useVault") else set())
    assert {summary(each) for each in assignments} == expected
    assert len(assignments) == len(expected)


def test_every_assignment_says_which_call_needs_it() -> None:
    for assignment in load(ACCESS).of("resource"):
        if not assignment.existing:
            assert len(assignment.comment) > 40, assignment.name


def test_files_that_the_comments_name_exist() -> None:
    named = set(re.findall(r"\b(?:shared|clips)/[\w/]+\.py", ACCESS.read_text()))
    assert named
    for name in named:
        assert (INFRA.parent / name).is_file(), name


def test_rights_are_given_in_one_file() -> None:
    for path in INFRA.rglob("*.bicep"):
        assert path == ACCESS or ASSIGNMENTS not in path.read_text(), path


def test_every_role_is_given_to_somebody() -> None:
    given = {summary(each)[1] for each in of_type(deployed("everything"), ASSIGNMENTS)}
    assert given == set(ROLES.values())
    assert set(re.findall(r"'([0-9a-f]{8}-[0-9a-f-]{27})'", ACCESS.read_text())) == set(ROLES)
