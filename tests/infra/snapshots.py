"""The resources of the template as the compiler evaluates it: infra/variants/*.snapshot.json.

Plain JSON that `make infra` writes; test_compiled.py says whether it is up to date. What only Azure
knows (an endpoint, the id of an identity) stays an expression: `[reference('...').clientId]`.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from infra.compiler import INFRA, VARIANTS
from tests.unit.described import describe

ROOT = INFRA.parent
# Every variant of main.bicep; that of events.bicep is the second phase of a deployment.
NAMES = [path.stem for path in VARIANTS if path.stem != "events"]
TEMPLATE: dict[str, Any] = json.loads((INFRA / "main.json").read_text())
PARAMETERS: dict[str, dict[str, str]] = json.loads((INFRA / "main.parameters.json").read_text())[
    "parameters"
]
# Values that are always in azd's environment.
OF_AZD = {"AZURE_SUBSCRIPTION_ID", "AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_TENANT_ID"}


@dataclass(frozen=True)
class Resource:
    """One deployed resource; `body` is its whole definition."""

    body: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def name(self) -> str:
        """The last part of the name."""
        return str(self.body["name"]).rpartition("/")[2]

    @property
    def properties(self) -> dict[str, Any]:
        return dict(self.body.get("properties", {}))

    @property
    def scope(self) -> str:
        """The id of the resource that this one extends."""
        late = re.match(r"\[extensionResourceId\('([^']+)'", self.id)
        return late[1] if late else self.id.rpartition("/providers/")[0]


@dataclass(frozen=True)
class Snapshot:
    resources: list[Resource]
    outputs: dict[str, Any]


@cache
def deployed(variant: str) -> Snapshot:
    text = (INFRA / f"variants/{variant}.snapshot.json").read_text()
    snapshot = json.loads(text)
    return Snapshot(
        [Resource(each) for each in snapshot["predictedResources"]], snapshot["outputs"]
    )


def of_type(variant: str, kind: str) -> list[Resource]:
    """Every resource of one type, as the last deployment leaves it; there is at least one."""
    found = {each.id: each for each in deployed(variant).resources if each.type == kind}
    assert found, f"no {kind}"
    return list(found.values())


def one(variant: str, kind: str, within: str = "") -> Resource:
    """The one resource of a type whose id contains `within`."""
    (found,) = (each for each in of_type(variant, kind) if within in each.id)
    return found


def chosen(variant: str) -> dict[str, str]:
    """The parameters in the file of a variant, in Bicep."""
    text = (INFRA / f"variants/{variant}.bicepparam").read_text()
    return dict(re.findall(r"^param (\w+) = (.+)$", text, re.MULTILINE))


def set_by_azd() -> set[str]:
    """The variables that main.parameters.json takes from azd's environment."""
    return {re.findall(r"[A-Z_]+", parameter["value"])[0] for parameter in PARAMETERS.values()}


def longest_link() -> timedelta:
    """The longest lifetime that a caller can request, by the API's OpenAPI document."""
    operation = describe().document["paths"]["/clips/{clip_id}/access-url"]["get"]
    (hours,) = (each for each in operation["parameters"] if each["name"] == "expiry_hours")
    return timedelta(hours=hours["schema"]["maximum"])
