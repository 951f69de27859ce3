"""What `make infra` writes is up to date, and every choice can be deployed."""

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import compiler
from infra.compiler import INFRA, VERSION, Compiler, CompilerProblem
from tests.infra.snapshots import NAMES, PARAMETERS, TEMPLATE, chosen, deployed, of_type

DECLARED: dict[str, dict[str, Any]] = TEMPLATE["parameters"]


@pytest.fixture(scope="module")
def bicep() -> Iterator[Compiler]:
    if compiler.program() is None:
        pytest.skip(f"bicep {VERSION} is not on this machine (PATH, BICEP): CI has it")
    with compiler.running() as running:
        assert running.version() == VERSION
        yield running


def test_compiled_files_are_up_to_date(bicep: Compiler) -> None:
    """Without an error or a warning; `make infra` rewrites it."""
    bicep.compiled(INFRA / "events.bicep")
    stale = [path.name for path, text in compiler.written(bicep) if path.read_text() != text]
    assert stale == []


def test_warning_of_a_module_is_an_error(bicep: Compiler, tmp_path: Path) -> None:
    shutil.copytree(
        INFRA, tmp_path / "infra", ignore=shutil.ignore_patterns("*.json", "__pycache__")
    )
    for name in ("bicepconfig.json", "workbook.json", "lifecycle"):
        source, target = INFRA / name, tmp_path / "infra" / name
        shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copy(
            source, target
        )
    module = tmp_path / "infra/modules/vault.bicep"
    module.write_text(re.sub(r"vaults@[\d-]+", "vaults@2022-07-01", module.read_text()))
    with pytest.raises(CompilerProblem, match="use-recent-api-versions"):
        bicep.compiled(tmp_path / "infra/main.bicep")


def values_of(name: str) -> list[str]:
    """The values of a switch or of a parameter with a list of them, as Bicep writes them."""
    declaration = DECLARED[name]
    if declaration["type"] == "bool":
        return ["true", "false"]
    return [
        f"'{value}'" if isinstance(value, str) else str(value)
        for value in declaration.get("allowedValues", [])
    ]


def default_of(name: str) -> str:
    default = DECLARED[name].get("defaultValue")
    return f"'{default}'" if isinstance(default, str) else json.dumps(default)


def uncovered() -> dict[str, list[str]]:
    """The values that no variant has."""
    seen = {
        name: {chosen(variant).get(name, default_of(name)) for variant in NAMES}
        for name in DECLARED
    }
    left = {name: [v for v in values_of(name) if v not in seen[name]] for name in DECLARED}
    return {name: values for name, values in left.items() if values and name != "location"}


def test_every_other_choice_can_be_evaluated(bicep: Compiler, tmp_path: Path) -> None:
    """Several at a time: each round takes one more value of every parameter that has one left."""
    base = chosen("small")
    template = INFRA / "main.bicep"
    rounds = list(itertools.zip_longest(*uncovered().values()))
    assert rounds
    for number, values in enumerate(rounds):
        choice = base | {n: v for n, v in zip(uncovered(), values, strict=True) if v is not None}
        lines = "".join(f"param {name} = {value}\n" for name, value in choice.items())
        path = tmp_path / f"{number}.bicepparam"
        path.write_text(f"using '{template.relative_to(tmp_path, walk_up=True)}'\n{lines}")
        snapshot = json.loads(bicep.snapshot(path))
        assert len(snapshot["predictedResources"]) > 50


def test_region_changes_only_locations() -> None:
    """So that one region represents all that are allowed."""
    text = (INFRA / "main.bicep").read_text()
    uses = [line.strip() for line in text.splitlines() if re.search(r"\blocation\b(?!:)", line)]
    others = [line for line in uses if line != "location: location" and "'location'" not in line]
    assert others == [
        "param location string",
        "var token = toLower(uniqueString(subscription().id, environmentName, location))",
        "output AZURE_LOCATION string = location",
    ]


@pytest.mark.parametrize("variant", NAMES)
def test_every_resource_has_an_id_of_its_own(variant: str) -> None:
    ids = [resource.id.lower() for resource in deployed(variant).resources]
    (workspace,) = of_type(variant, "Microsoft.OperationalInsights/workspaces")
    twice = {resource_id for resource_id in ids if ids.count(resource_id) > 1}
    assert twice == {workspace.id.lower()}


def test_one_version_of_each_api() -> None:
    versions: dict[str, set[str]] = {}
    for resource in deployed("everything").resources:
        versions.setdefault(resource.type, set()).add(resource.body["apiVersion"])
    assert {kind for kind, each in versions.items() if len(each) > 1} == set()
    preview = {kind for kind, each in versions.items() if "preview" in "".join(each)}
    assert preview == {"Microsoft.Insights/diagnosticSettings"}


# The deployment of the module that makes what others look up under the name in this parameter.
MAKERS = {
    "functionAppName": "function-app",
    "clipsStorageName": "clips-storage",
    "hostStorageName": "host-storage",
    "databaseServerName": "database",
    "vaultName": "vault",
    "eventsTopicName": "events-topic",
    "insightsName": "monitoring",
    "networkName": "network",
}
MODULES: dict[str, dict[str, Any]] = {
    each["name"]: each
    for each in TEMPLATE["resources"]
    if each["type"] == "Microsoft.Resources/deployments"
}


def waits_for(module: str) -> set[str]:
    """The modules that are deployed before one, directly or not."""
    text = json.dumps(MODULES[module]["dependsOn"])
    direct = set(re.findall(r"'Microsoft.Resources/deployments', '([\w-]+)'", text))
    return direct.union(*(waits_for(each) for each in direct))


def test_module_depends_on_the_resources_that_it_looks_up() -> None:
    """A name is known at once, the resource of that name is not."""
    given = {name: MODULES[name]["properties"]["parameters"].keys() for name in MODULES}
    needed = {
        (name, MAKERS[parameter])
        for name, parameters in given.items()
        for parameter in parameters & MAKERS.keys()
        if MAKERS[parameter] != name
    }
    assert len(needed) > 20
    assert {(name, maker) for name, maker in needed if maker not in waits_for(name)} == set()


def test_second_deployment_loses_nothing() -> None:
    """Azure removes what the second deployment leaves out."""
    first, second = workspaces("small")
    link = second["properties"].pop("defaultDataCollectionRuleResourceId")
    assert "/dataCollectionRules/" in link
    assert first == second


def test_later_deployment_keeps_the_link_to_the_transformations() -> None:
    """The output of the first is noted by azd, which gives it to the next as a parameter."""
    assert deployed("small").outputs["LOGS_TRANSFORMED"] is True
    first, second = workspaces("replica")
    assert first["properties"]["defaultDataCollectionRuleResourceId"]
    assert first == second


def workspaces(variant: str) -> list[dict[str, Any]]:
    kind = "Microsoft.OperationalInsights/workspaces"
    bodies = [each.body for each in deployed(variant).resources if each.type == kind]
    return [json.loads(json.dumps(body)) for body in bodies]


def test_two_accounts_are_linked_once() -> None:
    """A pair of accounts takes one policy: azd notes that it is there."""
    kind = "Microsoft.Storage/storageAccounts/objectReplicationPolicies"
    assert len(of_type("everything", kind)) == 2
    assert deployed("everything").outputs["REPLICA_LINKED"] is True
    assert not [each for each in deployed("replica").resources if each.type == kind]
    assert deployed("small").outputs["REPLICA_LINKED"] is False


def test_every_parameter_is_described_and_can_be_set() -> None:
    assert list(DECLARED) == list(PARAMETERS)
    assert all(each["metadata"]["description"] for each in DECLARED.values())


def test_defaults_of_azd_equal_those_of_the_template() -> None:
    """Two files hold the defaults; they must be the same."""
    for name, declaration in DECLARED.items():
        found = re.fullmatch(r"\$\{([A-Z_]+)(=?)(.*)\}", PARAMETERS[name]["value"])
        assert found is not None, name
        variable, equals, default = found.groups()
        if name not in {"environmentName", "location"}:
            assert variable.replace("_", "").lower() == name.lower()
        actual = declaration.get("defaultValue")
        if equals:
            assert default == (actual if isinstance(actual, str) else json.dumps(actual)), name
        else:
            assert actual is None or name == "budgetStart"


def test_required_parameters_are_known_before_the_first_deployment() -> None:
    """The preprovision hook finds out the administrator, and azd asks for the other three."""
    required = {name for name, each in DECLARED.items() if "defaultValue" not in each}
    assert required == {
        "environmentName",
        "location",
        "authAudience",
        "databaseAdministratorId",
        "databaseAdministratorName",
    }
