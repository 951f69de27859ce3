"""Queries say what Microsoft's analyser understands, of tables as Microsoft documents them."""

from functools import cache

import pytest

from tests.infra.queries import (
    FENCED,
    PAGES,
    TABLES,
    Analysis,
    Query,
    analysed,
    analyses,
    of_alerts,
    of_the_documentation,
    of_the_workbook,
    of_transformations,
)
from tests.infra.snapshots import of_type

QUERIES = [*of_the_workbook(), *of_alerts(), *of_transformations(), *of_the_documentation()]
each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
each_alert = pytest.mark.parametrize("query", of_alerts(), ids=lambda query: query.where)
each_transformation = pytest.mark.parametrize(
    "query", of_transformations(), ids=lambda query: query.where
)


@each_query
def test_analyser_reports_no_problem(query: Query) -> None:
    analysis = analyses()[query]
    assert analysis.problems == []
    assert analysis.mixed == []
    assert analysis.tables
    assert analysis.columns


def test_every_table_that_is_described_is_asked() -> None:
    asked = {table for each in analyses().values() for table in each.tables} - {"source"}
    assert asked == set(TABLES)


def test_parameters_of_the_workbook_are_known() -> None:
    assert not any("{" in query.text for query in of_the_workbook())


def test_every_query_of_the_documentation_is_marked_as_one() -> None:
    """The fence says so: other blocks would not be analysed."""
    first_words = {*TABLES, "union"}
    for path in PAGES:
        for language, block in FENCED.findall(path.read_text()):
            asks = {line.split(" ")[0] for line in block.splitlines()} & first_words
            assert (language == "kusto") == bool(asks), f"{path.name}: {block[:60]}"


@each_alert
def test_row_that_an_alert_counts_has_a_time(query: Query) -> None:
    """Azure counts rows by their time, in windows."""
    assert analyses()[query].columns["TimeGenerated"] == "datetime"


def test_alert_is_split_by_columns_of_text_that_its_query_returns() -> None:
    split = 0
    for alert in of_type("standard", "Microsoft.Insights/scheduledQueryRules"):
        (criterion,) = alert.properties["criteria"]["allOf"]
        columns = analyses()[Query(f"alert: {alert.name}", criterion["query"])].columns
        for dimension in criterion["dimensions"]:
            assert columns[dimension["name"]] == "string", alert.name
            split += 1
    assert split == 1


@each_transformation
def test_transformation_leaves_the_table_its_columns(query: Query) -> None:
    assert query.source is not None
    assert analyses()[query].columns == {
        name: kind for kind, names in TABLES[query.source].items() for name in names
    }


# --- What these tests can see


WRONG = {
    Query("column", "AppTraces | where Massage == 'x'"): "The name 'Massage' does not refer to",
    Query("table", "AppTrace | take 1"): "The name 'AppTrace' does not refer to",
    Query("type", "StorageBlobLogs | where StatusCode < 400"): "The operator '<' is not defined",
    Query("operator", "AppTraces | sumarize count()"): "sumarize",
    Query("syntax", "AppTraces | where isnotempty(Message"): "Expected: )",
    Query("function", "AppTraces | extend n = cuont()"): "cuont",
    Query("arguments", "AppRequests | summarize percentile(DurationMs)"): "percentile",
    Query("column of source", "source | where Url has 'x'", "AppTraces"): "The name 'Url'",
    Query("no source", "AppTraces | where Message has 'x'", "AppTraces"): "The name 'AppTraces'",
}


@cache
def said_of_wrong_ones() -> dict[Query, Analysis]:
    return dict(zip(WRONG, analysed(*WRONG), strict=True))


@pytest.mark.parametrize("query", WRONG, ids=lambda query: query.where)
def test_mistake_in_a_query_is_found(query: Query) -> None:
    assert any(WRONG[query] in each for each in said_of_wrong_ones()[query].problems)


def test_list_of_another_type_is_found() -> None:
    """Kusto accepts such a query, and it finds nothing."""
    (analysis,) = analysed(Query("", "StorageBlobLogs | where StatusCode in (401, '403')"))
    assert analysis.mixed == ["StatusCode: 401"]
