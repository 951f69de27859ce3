"""Resources have the properties that Azure's own clients know, with values they would send."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.infra.evaluate import Template
from tests.infra.models import problems
from tests.infra.templates import VARIANTS, deployed, of_type, second_phase
from tests.infra.values import Resource

COLLECTED = json.loads((Path(__file__).parent / "sdk/models.json").read_text())
OPEN = {  # values that the clients do not list, and Microsoft's documentation does
    # https://learn.microsoft.com/azure/azure-monitor/data-collection/data-collection-rule-structure
    "transforms.kind is 'WorkspaceTransforms'",
    "transforms.properties.dataFlows[].streams[] is 'Microsoft-Table-AppRequests'",
    "transforms.properties.dataFlows[].streams[] is 'Microsoft-Table-AppTraces'",
}


def templates() -> Iterator[Template]:
    yield from map(deployed, VARIANTS)
    yield second_phase()


def kind_of(resource: Resource) -> str:
    return f"{resource.type}@{resource.version}"


def found(resource: Resource) -> list[str]:
    model = COLLECTED["resources"][kind_of(resource)]["model"]
    return problems(resource, model, COLLECTED["models"].__getitem__)


def test_every_resource_is_what_its_client_would_send() -> None:
    differences = {
        difference
        for template in templates()
        for resource in template.resources
        for difference in found(resource)
    }
    assert differences == OPEN


def test_all_kinds_of_resources_were_collected_and_no_others() -> None:
    """A new kind or version: run tests/infra/sdk/collect.py, and so for a new nested object."""
    ours = {kind_of(each) for template in templates() for each in template.resources}
    assert set(COLLECTED["resources"]) == ours


# --- What these tests can see


def changed(resource: Resource, path: str, value: object) -> Resource:
    """The resource with another value; None takes the property away."""
    body: dict[str, Any] = deepcopy(dict(resource.body))
    *owners, last = path.split(".")
    at: Any = body
    for owner in owners:
        at = at[int(owner)] if owner.isdigit() else at[owner]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return replace(resource, body=body)


@pytest.mark.parametrize(
    ("kind", "path", "value", "difference"),
    [
        ("Storage/storageAccounts", "properties.minTlsVersion", "TLS1_2", "is unknown"),
        ("Storage/storageAccounts", "properties.minimumTlsVersion", "1.2", "is '1.2'"),
        ("Storage/storageAccounts", "minimumTlsVersion", "TLS1_2", "is unknown"),
        ("Insights/components", "properties.ConnectionString", "x", "is read-only"),
        ("Storage/storageAccounts", "sku", None, "has no sku"),
        ("Storage/storageAccounts", "properties.networkAcls", "Allow", "is no object"),
        ("Web/sites", "properties.httpsOnly", "true", "is no bool"),
        ("Web/sites", "properties.siteConfig.cors.allowedOrigins", "*", "is no list"),
        ("Insights/metricAlerts", "properties.severity", True, "is no int"),
        ("Cdn/profiles/securityPolicies", "properties.parameters.type", "Wall", "no known kind"),
        ("KeyVault/vaults", "properties.tenantId", None, "has no tenantId"),
    ],
)
def test_a_difference_is_seen(kind: str, path: str, value: object, difference: str) -> None:
    first, *_ = of_type(deployed("front door"), f"Microsoft.{kind}")
    (seen,) = found(changed(first, path, value))
    assert difference in seen
