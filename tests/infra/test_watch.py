"""Monitoring: audit logs, alerts, the budget."""

import json
import re
from typing import Any

import pytest

from local.host.blob_trigger import POISON_QUEUE
from shared import telemetry
from shared.blob_names.containers import Containers
from tests.docs.pages import page
from tests.infra.snapshots import NAMES, ROOT, Resource, deployed, of_type, one

DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
METRIC_ALERTS = "Microsoft.Insights/metricAlerts"
LOG_ALERTS = "Microsoft.Insights/scheduledQueryRules"
FUNCTION_APP = (ROOT / "function_app.py").read_text()


def logged(variant: str, scope: str) -> dict[str, bool]:
    """The log categories of the resource whose id ends so."""
    (setting,) = (
        each for each in of_type(variant, DIAGNOSTICS) if re.search(f"{scope}$", each.scope)
    )
    return {each["category"]: each["enabled"] for each in setting.properties["logs"]}


CLIPS = r"/clips\w+/blobServices/default"
QUEUES = r"/clips\w+/queueServices/default"
HOST = r"/host\w+/blobServices/default"
COPY = r"/copy\w+/blobServices/default"


@pytest.mark.parametrize(("variant", "reads"), [("everything", True), ("replica", False)])
def test_every_request_to_clips_and_their_copy_is_logged(variant: str, *, reads: bool) -> None:
    for scope in (CLIPS, COPY):
        assert logged(variant, scope) == {
            "StorageRead": reads,
            "StorageWrite": True,
            "StorageDelete": True,
        }


def test_reads_are_logged_unless_they_are_switched_off() -> None:
    assert logged("small", CLIPS)["StorageRead"] is True


def test_changes_of_the_code_are_logged() -> None:
    assert logged("small", HOST) == {"StorageWrite": True, "StorageDelete": True}


@pytest.mark.parametrize("variant", NAMES)
def test_all_logs_go_to_the_one_workspace(variant: str) -> None:
    workspace = one(variant, "Microsoft.OperationalInsights/workspaces")
    settings = of_type(variant, DIAGNOSTICS)
    assert {each.properties["workspaceId"] for each in settings} == {workspace.id}


def metric_alerts() -> dict[str, dict[str, Any]]:
    """The one criterion of each alert, with the alert's own properties."""
    return {
        each.name: each.properties | each.properties["criteria"]["allOf"][0]
        for each in of_type("standard", METRIC_ALERTS)
    }


@pytest.mark.parametrize(
    ("name", "metric", "aggregation"),
    [
        ("storage-used-capacity", "UsedCapacity", "Average"),
        ("storage-request-rate", "Transactions", "Total"),
        ("storage-errors", "Transactions", "Total"),
        ("storage-availability", "Availability", "Average"),
        ("poison-queue-not-empty", "QueueMessageCount", "Average"),
    ],
)
def test_storage_is_watched(name: str, metric: str, aggregation: str) -> None:
    alert = metric_alerts()[name]
    assert (alert["metricName"], alert["timeAggregation"]) == (metric, aggregation)


def test_hourly_metrics_are_evaluated_hourly() -> None:
    """These two are written once an hour; a shorter window would mostly find nothing."""
    for name in ("storage-used-capacity", "poison-queue-not-empty"):
        assert metric_alerts()[name]["windowSize"] == "PT1H"
        assert metric_alerts()[name]["dimensions"] == []


def test_alerts_select_errors_by_their_outcome() -> None:
    (dimension,) = metric_alerts()["storage-errors"]["dimensions"]
    assert dimension["name"] == "ResponseType"
    assert "Success" not in dimension["values"]


# learn.microsoft.com: Azure Blob Storage monitoring data reference, Metrics dimensions; less those
# of file shares.
RESPONSE_TYPES = {
    "Success",
    "SuccessWithThrottling",
    "AuthenticationError",
    "AuthorizationError",
    "NetworkError",
    *(f"Client{kind}Error" for kind in ("Other", "Throttling", "Timeout")),
    *(f"ClientAccount{kind}ThrottlingError" for kind in ("Bandwidth", "Request")),
    *(f"Server{kind}Error" for kind in ("Busy", "Other", "Timeout")),
}


def test_queries_use_the_outcome_names_of_storage() -> None:
    """Azure takes any name, and never finds a wrong one."""
    named = {
        value
        for alert in metric_alerts().values()
        for dimension in alert["dimensions"]
        if dimension["name"] == "ResponseType"
        for value in dimension["values"]
    }
    assert len(named) > 5
    assert named <= RESPONSE_TYPES


# What metric alerts and log alerts may both be evaluated by.
MINUTES = {"PT1M": 1, "PT5M": 5, "PT15M": 15, "PT30M": 30, "PT1H": 60}


@pytest.mark.parametrize("variant", ["small", "standard"])
@pytest.mark.parametrize("kind", [METRIC_ALERTS, LOG_ALERTS])
def test_evaluations_leave_no_gap(kind: str, variant: str) -> None:
    for alert in of_type(variant, kind):
        frequency = MINUTES[alert.properties["evaluationFrequency"]]
        assert frequency <= MINUTES[alert.properties["windowSize"]], alert.name


def test_small_size_keeps_alerts_on_lost_clips_and_costs() -> None:
    metrics = {each.name for each in of_type("small", METRIC_ALERTS)}
    assert metrics == {
        "storage-used-capacity",
        "storage-request-rate",
        "events-not-delivered",
        "database-storage",
        "database-cpu",
    }
    assert metrics < metric_alerts().keys()
    logs = {each.name: each for each in of_type("small", LOG_ALERTS)}
    assert logs.keys() == {
        "cleanup-missing",
        "blobs-missing",
        "function-failures",
        "poison-message",
    }
    assert {each.properties["evaluationFrequency"] for each in logs.values()} == {"PT15M"}
    for name, alert in logs.items():
        assert alert.properties["criteria"] == log_alerts()[name].properties["criteria"]


METRICS_OF = {
    "Microsoft.Storage/storageAccounts": r".*/storageAccounts/[^/]+",
    "Microsoft.Storage/storageAccounts/blobServices": r".*/blobServices/default",
    "Microsoft.Storage/storageAccounts/queueServices": r".*/queueServices/default",
    "Microsoft.EventGrid/systemTopics": r".*/systemTopics/[^/]+",
    "Microsoft.DBforPostgreSQL/flexibleServers": r".*/flexibleServers/[^/]+",
}


def test_alerts_query_every_metric_where_it_is_measured() -> None:
    for name, alert in metric_alerts().items():
        (scope,) = alert["scopes"]
        assert re.fullmatch(METRICS_OF[alert["metricNamespace"]], scope), name


def log_alerts() -> dict[str, Resource]:
    return {each.name: each for each in of_type("standard", LOG_ALERTS)}


def query(name: str) -> dict[str, Any]:
    (criterion,) = log_alerts()[name].properties["criteria"]["allOf"]
    found: dict[str, Any] = criterion
    return found


def test_cleanup_that_stopped_is_noticed() -> None:
    """The alert looks for missing runs, because a timer that does not fire makes no error."""
    criterion = query("cleanup-missing")
    assert "AppRequests" not in criterion["query"]  # which may call a failed run a success
    (beginning,) = re.findall(r'Message startswith "([^"]+)"', criterion["query"])
    cleanup = (ROOT / "clips/upkeep/step_runner.py").read_text()
    assert f'"{beginning} ' in cleanup
    assert '"outages": ' in cleanup  # a field of that line
    assert f'Name == "{telemetry.CLEANUP_RUNS.name}"' in criterion["query"]
    assert (criterion["operator"], criterion["threshold"]) == ("LessThan", 1)
    # Several runs fit into the window, so that one failure is not yet an alert.
    schedule = one("small", "Microsoft.Web/sites/config").properties
    assert schedule["CLEANUP_SCHEDULE"] == "0 */5 * * * *"
    assert log_alerts()["cleanup-missing"].properties["windowSize"] == "PT30M"


def test_loss_in_bulk_is_noticed_by_its_metric_and_by_the_line_of_the_cleanup() -> None:
    asked = query("blobs-missing")["query"]
    assert f'Name == "{telemetry.LOSSES_HELD.name}"' in asked
    (beginning,) = re.findall(r'Message startswith "([^"]+)"', asked)
    (field,) = re.findall(r"Properties\.(\w+)\) > 0", asked)
    cleanup = (ROOT / "clips/upkeep/step_runner.py").read_text()
    assert f'"{beginning} ' in cleanup
    assert f'"{field}": ' in cleanup


def test_failures_of_every_trigger_without_a_caller_are_noticed() -> None:
    for name in re.findall(r'@app.function_name\("(\w+)"\)', FUNCTION_APP):
        assert f'"{name}"' in query("function-failures")["query"], name


def test_alert_finds_failures_in_the_spans_of_the_app() -> None:
    """A host that does not note how a function ended would keep the alert quiet."""
    looked_for = re.findall(
        r'Name (?:in \(([^)]+)\)|startswith ("[^"]+"))', query("function-failures")["query"]
    )
    names = {name.strip('" ') for group in looked_for for name in "".join(group).split(",")}
    spans = {
        name
        for path in ROOT.glob("clips/**/*.py")
        for name in re.findall(r'\bspan\(f?"([\w.]+)', path.read_text())
    }
    inner = ("ingest.", "source.", "cut.", "rendition.")
    outermost = {name for name in spans if not name.startswith(inner)}
    assert outermost == {
        "ingest",
        "source",
        "cut",
        "rendition",
        "cleanup.",
        "migration.plan",
        "migration.batch",
        "deletion",
        "drift.step",
    }
    assert outermost <= names


def poison_queues(prefix: str) -> set[str]:
    """The poison queue of every trigger of the app that has messages."""
    triggers = re.findall(r"@app\.(\w+)_trigger\(", FUNCTION_APP)
    queues = set(re.findall(r"queue_name=containers\.(\w+)", FUNCTION_APP))
    assert sorted(triggers) == ["blob", "blob", *["queue"] * len(queues), "timer"]
    return {POISON_QUEUE} | {f"{getattr(Containers(prefix), name)}-poison" for name in queues}


@pytest.mark.parametrize("prefix", ["cliplink", "a" * 52])
def test_poison_messages_of_every_queue_are_noticed_at_once(prefix: str) -> None:
    """This includes the longest prefix, with which the queue of migrations has another name."""
    (pattern,) = re.findall(r'extract\("([^"]+)", 1, Uri\)', query("poison-message")["query"])
    assert len(poison_queues(prefix)) == 6
    for queue in poison_queues(prefix):
        uri = f"https://clips.queue.core.windows.net:443/{queue}/messages?visibilitytimeout=0"
        found = re.search(pattern, uri)
        assert found is not None, queue
        assert found[1] == queue
        assert re.search(pattern, uri.replace("-poison", "")) is None
    assert logged("small", QUEUES)["StorageWrite"] is True


def test_mail_about_a_poison_message_names_the_queue() -> None:
    (dimension,) = query("poison-message")["dimensions"]
    assert (dimension["name"], dimension["operator"], dimension["values"]) == (
        "Queue",
        "Include",
        ["*"],
    )
    assert "extend Queue = " in query("poison-message")["query"]
    documented = (
        page("docs/running.md").section("Messages that failed five times").table("queue").names()
    )
    assert {name.replace("<prefix>", "cliplink") for name in documented} == poison_queues(
        "cliplink"
    )


@pytest.mark.parametrize("kind", [METRIC_ALERTS, LOG_ALERTS])
def test_every_alert_has_a_description_and_a_receiver(kind: str) -> None:
    (group,) = of_type("everything", "Microsoft.Insights/actionGroups")
    for alert in of_type("everything", kind):
        assert len(alert.properties["description"]) > 20
        assert alert.properties["enabled"] is True
        assert group.id in json.dumps(alert.properties["actions"]), alert.name
    addresses = [each["emailAddress"] for each in group.properties["emailReceivers"]]
    assert addresses == ["ada@example.com", "bob@example.com"]


def test_alerts_are_explained_to_operators() -> None:
    text = (ROOT / "docs/running.md").read_text()
    for kind in (METRIC_ALERTS, LOG_ALERTS):
        for alert in of_type("standard", kind):
            assert f"`{alert.name}`" in text, alert.name


def test_budget_warns_before_a_month_ends() -> None:
    kind = "Microsoft.Consumption/budgets"
    (budget,) = of_type("everything", kind)
    assert budget.properties["amount"] == 500
    assert one("standard", kind).properties["amount"] == 100
    assert not [each for each in deployed("small").resources if each.type == kind]
    assert budget.properties["timeGrain"] == "Monthly"
    notifications = budget.properties["notifications"].values()
    assert {"Actual", "Forecasted"} == {each["thresholdType"] for each in notifications}
    assert all(each["contactGroups"] and each["contactRoles"] for each in notifications)
    assert budget.properties["timePeriod"]["startDate"].endswith("-01")
