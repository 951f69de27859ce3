"""Every Kusto query of the project, and the findings of Microsoft's own analyser.

The analyser is JavaScript (tests/infra/kusto/check.js). It knows the tables as Microsoft documents
them (tests/infra/kusto/tables.json): no workspace was asked.
"""

import json
import re
import subprocess
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from infra.compiler import INFRA
from tests.infra.snapshots import ROOT, of_type

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FOLDER = Path(__file__).parent / "kusto"
_DOCUMENTED = json.loads((_FOLDER / "tables.json").read_text())
TABLES: dict[str, dict[str, list[str]]] = _DOCUMENTED["tables"]
# The code of a page: its language, and the text.
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A workbook replaces this by the width of its bars.
_GRAIN = "{time:grain}"


@dataclass(frozen=True)
class Query:
    """`source` is the table that a transformation calls by that word; others name theirs."""

    where: str
    text: str
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """An answer of check.js, whose comments explain it."""

    problems: list[str]
    mixed: list[str]
    columns: dict[str, str]
    tables: list[str]
    functions: list[str]
    operators: list[str]


def analysed(*queries: Query) -> list[Analysis]:
    """The findings of the analyser for each query, in order."""
    assert (_FOLDER / "node_modules").exists(), "`make test` installs the analyser: run it once"
    asked = {"tables": TABLES, "queries": [asdict(each) for each in queries]}
    run = subprocess.run(
        ["node", _FOLDER / "check.js"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    return [Analysis(**each) for each in json.loads(run.stdout)]


@cache
def analyses() -> dict[Query, Analysis]:
    """Analyses all queries of the project in one process, whose start takes a second."""
    queries = [*of_the_workbook(), *of_alerts(), *of_transformations(), *of_the_documentation()]
    return dict(zip(queries, analysed(*queries), strict=True))


def of_the_workbook() -> list[Query]:
    items = json.loads((INFRA / "workbook.json").read_text())["items"]
    return [
        Query(f"workbook: {each['name']}", each["content"]["query"].replace(_GRAIN, "1h"))
        for each in items
        if each["type"] == 3
    ]


def of_alerts() -> list[Query]:
    return [
        Query(f"alert: {alert.name}", criterion["query"])
        for alert in of_type("standard", "Microsoft.Insights/scheduledQueryRules")
        for criterion in alert.properties["criteria"]["allOf"]
    ]


def of_transformations() -> list[Query]:
    (rule,) = of_type("small", "Microsoft.Insights/dataCollectionRules")
    found = []
    for flow in rule.properties["dataFlows"]:
        (stream,) = flow["streams"]
        table = stream.removeprefix("Microsoft-Table-")
        found.append(Query(f"transformation: {table}", flow["transformKql"], table))
    return found


def of_the_documentation() -> list[Query]:
    """Splits at empty lines, as the portal does."""
    return [
        Query(f"{path.name}: {number}", text)
        for path in PAGES
        for number, text in enumerate(
            text
            for language, block in FENCED.findall(path.read_text())
            if language == "kusto"
            for text in block.split("\n\n")
        )
    ]
