"""Every role assignment is needed, narrow, and says its purpose."""

import re

import pytest

from infra.compiler import INFRA
from local.host.blob_trigger import POISON_QUEUE
from shared.blob_names.containers import Containers
from tests.infra.snapshots import NAMES, ROOT, TEMPLATE, Resource, chosen, of_type

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
APP = "userAssignedIdentities/id-cliplink"
EVENTS = "systemTopics/evgt-cliplink"


def summary(assignment: Resource) -> tuple[str, str, str]:
    """The principal, role and scope of each assignment."""
    properties = assignment.properties
    (principal,) = re.findall(r"/(\w+/[\w-]+)-\w{13}'.*principalId", properties["principalId"])
    role = ROLES[properties["roleDefinitionId"].rpartition("/")[2]]
    scope = re.sub(r"^.*/providers/Microsoft\.", "", assignment.scope)
    scope = re.sub(r"(clips|host|kv-|appi-cliplink-)\w{13}", r"\1*", scope)
    return principal, role, scope


WORK_QUEUES = (
    Containers("cliplink").migrations_queue,
    Containers("cliplink").cuts_queue,
    Containers("cliplink").renditions_queue,
    Containers("cliplink").deletions_queue,
    Containers("cliplink").drift_queue,
)
QUEUES = {*WORK_QUEUES, *(f"{queue}-poison" for queue in WORK_QUEUES), POISON_QUEUE}

EXPECTED = {
    (
        APP,
        "Storage Blob Data Owner",
        "Storage/storageAccounts/clips*/blobServices/default/containers/cliplink-clips",
    ),
    (
        APP,
        "Storage Blob Data Owner",
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
    (
        APP,
        "Storage Blob Data Contributor",
        "Storage/storageAccounts/clips*/blobServices/default/containers/cliplink-bin",
    ),
    (APP, "Storage Blob Delegator", "Storage/storageAccounts/clips*"),
    *(
        (
            APP,
            "Storage Queue Data Contributor",
            f"Storage/storageAccounts/clips*/queueServices/default/queues/{queue}",
        )
        for queue in QUEUES
    ),
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


@pytest.mark.parametrize("variant", NAMES)
def test_no_principal_may_do_more_than_is_listed(variant: str) -> None:
    """A new right must also be added here, where reviewers see it."""
    assignments = of_type(variant, ASSIGNMENTS)
    prefix = chosen(variant).get("containerPrefix", "cliplink").strip("'")
    expected = EXPECTED | ({READS_VAULT} if "useVault" in chosen(variant) else set())
    given = {
        (who, role, scope.replace(f"/{prefix}-", "/cliplink-"))
        for who, role, scope in map(summary, assignments)
    }
    assert given == expected
    assert len(assignments) == len(expected)
    assert {each.properties["principalType"] for each in assignments} == {"ServicePrincipal"}


def test_queues_are_those_of_the_app() -> None:
    """The longest prefix that the template takes needs no shortened names of queues."""
    queues = of_type("small", "Microsoft.Storage/storageAccounts/queueServices/queues")
    assert {each.name for each in queues} == QUEUES
    longest = Containers("a" * TEMPLATE["parameters"]["containerPrefix"]["maxLength"])
    for queue in (
        longest.migrations_queue,
        longest.cuts_queue,
        longest.renditions_queue,
        longest.deletions_queue,
        longest.drift_queue,
    ):
        assert queue.startswith(f"{longest.prefix}-")


def test_every_assignment_says_which_call_needs_it() -> None:
    text = ACCESS.read_text()
    declared = re.findall(r"((?:^//.*\n)*)^resource \w+ '[^']+' = ", text, re.MULTILINE)
    assert len(declared) == text.count(f"'{ASSIGNMENTS}@")
    assert all(len(comment) > 40 for comment in declared)


def test_files_that_the_comments_name_exist() -> None:
    named = set(re.findall(r"\b(?:shared|clips)/[\w/]+\.py", ACCESS.read_text()))
    assert named
    for name in named:
        assert (ROOT / name).is_file(), name


def test_rights_are_given_in_one_file() -> None:
    for path in INFRA.rglob("*.bicep"):
        assert path == ACCESS or ASSIGNMENTS not in path.read_text(), path


def test_every_role_is_used() -> None:
    given = {summary(each)[1] for each in of_type("everything", ASSIGNMENTS)}
    assert given == set(ROLES.values())
    assert set(re.findall(r"'([0-9a-f]{8}-[0-9a-f-]{27})'", ACCESS.read_text())) == set(ROLES)


def test_deployer_may_assign_these_roles_only() -> None:
    """The condition on its right to assign roles."""
    text = (INFRA / "entra/allow-deployer.sh").read_text()
    assert set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", text)) == set(ROLES)
