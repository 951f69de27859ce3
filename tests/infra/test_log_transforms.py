"""What is taken out of telemetry on its way into the workspace: the secrets of shares."""

import re
from typing import Any

import pytest

from infra.compiler import INFRA
from tests.infra.queries import Query, analyses, of_transformations
from tests.infra.snapshots import NAMES, ROOT, of_type

WORKSPACES = "Microsoft.OperationalInsights/workspaces"
RULES = "Microsoft.Insights/dataCollectionRules"

# learn.microsoft.com: Supported KQL features in Azure Monitor transformations; what we use of it.
SUPPORTED = {"extend", "where", "iif", "contains", "!contains", "strcat", "extract"}

TOKEN = "nTq3Zr8vVx0sYwP1cK7dLgAbCdEfGhIjKlMnOpQrStU"
HIDING = re.compile(
    r'(?P<column>\w+) = iif\((?P=column) contains "(?P<part>[^"]+)", '
    r'strcat\(extract\("(?P<pattern>[^"]+)", 1, (?P=column)\), "(?P<text>[^"]+)"\), (?P=column)\)'
)


def flows(variant: str = "small") -> dict[str, str]:
    """What each table's rows go through."""
    (rule,) = of_type(variant, RULES)
    found: dict[str, str] = {}
    for flow in rule.properties["dataFlows"]:
        (stream,) = flow["streams"]
        found[stream] = flow["transformKql"]
    return found


def hidden(column: str, value: str) -> str:
    """What is stored of a value, by the expression for its column."""
    by_column = {found["column"]: found for found in HIDING.finditer(requests())}
    rule = by_column[column]
    if rule["part"].lower() not in value.lower():  # contains looks at no case
        return value
    beginning = re.search(rule["pattern"], value)
    return (beginning[1] if beginning else "") + rule["text"]


def requests() -> str:
    return flows()["Microsoft-Table-AppRequests"]


@pytest.mark.parametrize("variant", NAMES)
def test_workspace_uses_the_transformations(variant: str) -> None:
    (workspace,) = of_type(variant, WORKSPACES)
    (rule,) = of_type(variant, RULES)
    assert rule.body["kind"] == "WorkspaceTransforms"
    assert workspace.properties["defaultDataCollectionRuleResourceId"] == rule.id
    (destination,) = rule.properties["destinations"]["logAnalytics"]
    assert destination["workspaceResourceId"] == workspace.id
    assert {name for flow in rule.properties["dataFlows"] for name in flow["destinations"]} == {
        destination["name"]
    }
    assert flows(variant) == flows()


def test_all_data_is_transformed_before_it_is_stored() -> None:
    """Application Insights is made after the link: it gets its workspace from there."""
    text = (INFRA / "modules/monitoring.bicep").read_text()
    assert "WorkspaceResourceId: linkedWorkspace.outputs.id" in text


@pytest.mark.parametrize("query", of_transformations(), ids=lambda query: query.where)
def test_transformation_uses_only_allowed_operators(query: Query) -> None:
    analysis = analyses()[query]
    assert analysis.tables == ["source"]
    assert {*analysis.functions, *analysis.operators} <= SUPPORTED
    assert "\n" not in query.text


def test_every_operator_of_the_transformation_is_evaluated() -> None:
    assert HIDING.sub("", requests()) == "source | extend , , "


ADDRESSES = {
    "https://func-cliplink.azurewebsites.net/api/s/{}": "Url",
    "https://clips.example.com:443/API/S/{}?from=mail": "Url",
    "http://localhost:7071/api/s/{}/": "Url",
    "GET /api/s/{}": "Name",
    "/api/s/{}": "OperationName",
    "https://x.example.com/api/s/{0}?next=https://x.example.com/api/s/{0}": "Url",
}


@pytest.mark.parametrize(("address", "column"), ADDRESSES.items())
def test_transform_removes_only_the_secret_of_a_share_url(address: str, column: str) -> None:
    stored = hidden(column, address.format(TOKEN))
    assert TOKEN not in stored
    assert stored == address.partition("{")[0] + "(secret)"


def test_address_that_no_pattern_fits_is_not_kept() -> None:
    assert hidden("Url", f"http://host/\n/api/s/{TOKEN}") == "(secret)"


@pytest.mark.parametrize(
    "value",
    [
        "https://func-cliplink.azurewebsites.net/api/videos/1/clips?limit=5",
        "GET api/s/{token}",  # as the host names the function by its route
        "cleanup",
        "https://func-cliplink.azurewebsites.net/api/shares",
    ],
)
def test_other_addresses_and_names_stay_as_they_are(value: str) -> None:
    for column in ("Url", "Name", "OperationName"):
        assert hidden(column, value) == value


def test_transformations_look_for_the_route_of_shares() -> None:
    (route,) = re.findall(
        r'add_public\("shares_open", "GET", "([^"]+)"', (ROOT / "function_app.py").read_text()
    )
    path = f"/api/{route.partition('{')[0]}"
    for kql in flows().values():
        assert set(re.findall(r'contains "([^"]+)"', kql)) == {path}


def test_no_log_with_addresses_bypasses_the_transformations() -> None:
    """The app sends metrics only: its host would write addresses into FunctionAppLogs."""
    settings: list[dict[str, Any]] = [
        each.properties
        for each in of_type("everything", "Microsoft.Insights/diagnosticSettings")
        if "/Microsoft.Web/sites/" in each.scope
    ]
    assert settings
    assert not any(each.get("logs") for each in settings)
