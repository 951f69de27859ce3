"""The templates as tests see them: main.bicep for several sets of parameters, events.bicep."""

import json
import re
from datetime import timedelta
from functools import cache
from typing import Any

from tests.docs.pages import page
from tests.infra.bicep import INFRA
from tests.infra.evaluate import Template
from tests.infra.values import Resource

BASE = {
    "environmentName": "cliplink-test",
    "location": "westeurope",
    "authAudience": "api://cliplink",
    "databaseAdministratorId": "00000000-0000-0000-0000-0000000000aa",
    "databaseAdministratorName": "ada@example.com",
}
EVERYTHING: dict[str, Any] = {
    "storageRedundancy": "Standard_RAGZRS",
    "replicaLocation": "northeurope",
    "databaseTier": "GeneralPurpose",
    "databaseSku": "Standard_D2ds_v5",
    "databasePgBouncer": True,
    "databaseZoneRedundant": True,
    "databaseGeoBackup": True,
    "useVault": True,
    "privateNetwork": True,
    "frontDoor": True,
    "customDomain": "clips.example.com",
    "corsOrigins": "https://app.example.com,https://admin.example.com",
    "alertEmails": "ada@example.com, bob@example.com",
    "alwaysReadyHttp": 2,
    "lockData": True,
}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "browser": {"corsOrigins": "https://app.example.com"},
    "private network": {"privateNetwork": True},
    "front door": {"frontDoor": True},
    "front door, own name": {"frontDoor": True, "customDomain": "clips.example.com"},
    "replica": {"replicaLocation": "northeurope"},
    "everything": EVERYTHING,
}

PARAMETERS: dict[str, dict[str, str]] = json.loads((INFRA / "main.parameters.json").read_text())[
    "parameters"
]
OF_AZD = {"AZURE_SUBSCRIPTION_ID", "AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_TENANT_ID"}
"""What azd's environment always has."""


def told_by_parameters() -> set[str]:
    """What azd's environment has because main.parameters.json asks for it."""
    return {re.findall(r"[A-Z_]+", parameter["value"])[0] for parameter in PARAMETERS.values()}


@cache
def deployed(variant: str) -> Template:
    return Template(INFRA / "main.bicep", BASE | VARIANTS[variant])


@cache
def second_phase() -> Template:
    return Template(
        INFRA / "events.bicep",
        {
            "functionAppName": "func-cliplink",
            "clipsStorageName": "clips",
            "topicName": "evgt-cliplink",
            "containerPrefix": "cliplink",
            "blobsExtensionKey": "key",
        },
        "/sub/rg",
    )


def of_type(template: Template, kind: str) -> list[Resource]:
    """Every resource of one type, as the last deployment leaves it; there is at least one."""
    found = {each.id: each for each in template.resources if each.type == kind}
    assert found, f"no {kind}"
    return list(found.values())


def by_symbol(template: Template, file: str, symbol: str) -> Resource:
    (found,) = (
        each
        for each in template.resources
        if (each.file, each.symbol) == (f"modules/{file}.bicep", symbol)
    )
    return found


def longest_link() -> timedelta:
    """The longest life that a caller can ask for, by the page on the API."""
    section = page("docs/api.md").section("`GET /clips/{clip_id}/access-url`")
    meaning = section.table("parameter").column("meaning")["expiry_hours"]
    hours = re.match(r"1 to (\d+), whole hours", meaning)
    assert hours is not None
    return timedelta(hours=int(hours[1]))
