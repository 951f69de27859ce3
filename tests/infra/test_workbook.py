"""The workbook: the service's own numbers, by names and attributes that the code gives them."""

import json
import re

from infra.compiler import INFRA
from shared import telemetry
from shared.blob_names.containers import Containers
from tests.docs.pages import page
from tests.infra.snapshots import of_type

WORKBOOK = json.loads((INFRA / "workbook.json").read_text())


def queries_of_the_workbook() -> list[str]:
    return [item["content"]["query"] for item in WORKBOOK["items"] if item["type"] == 3]


TABLES = {"AppMetrics", "AppRequests", "StorageBlobLogs", "StorageQueueLogs"}


def test_workbook_asks_tables_that_are_filled() -> None:
    queries = queries_of_the_workbook()
    assert len(queries) > 5
    assert {each.split("\n")[0] for each in queries} == TABLES
    assert not any(each in json.dumps(queries) for each in Containers("cliplink").all())


def test_workbook_is_deployed_whole() -> None:
    (workbook,) = of_type("small", "Microsoft.Insights/workbooks")
    assert json.loads(workbook.properties["serializedData"]) == WORKBOOK


METRICS = {
    each.name
    for each in vars(telemetry).values()
    if isinstance(each, telemetry.Counter | telemetry.Histogram)
}


def test_workbook_shows_every_metric_of_the_app_and_no_other() -> None:
    assert set(re.findall(r"cliplink\.[\w.]+", json.dumps(WORKBOOK))) == METRICS


def test_workbook_splits_metrics_by_attributes_that_they_have() -> None:
    table = page("docs/architecture.md").section("Telemetry").table("metric")
    attributes = table.column("attributes")
    split = 0
    for query in queries_of_the_workbook():
        for metric in re.findall(r'Name == "(cliplink\.[\w.]+)"', query):
            asked = set(re.findall(r"Properties\.(\w+)", query))
            assert asked <= set(re.findall(r"`(\w+)`", attributes[metric])), metric
            split += len(asked)
    assert split > 3


def test_every_metric_is_explained() -> None:
    table = page("docs/architecture.md").section("Telemetry").table("metric")
    assert set(table.names()) == METRICS


def test_workbook_and_alert_count_the_same() -> None:
    alerts = of_type("small", "Microsoft.Insights/scheduledQueryRules")
    (alert,) = (each for each in alerts if each.name == "poison-message")
    (criterion,) = alert.properties["criteria"]["allOf"]
    (pattern,) = re.findall(r'extract\("[^"]+", 1, Uri\)', criterion["query"])
    assert pattern in "".join(queries_of_the_workbook())
