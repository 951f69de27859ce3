"""The templates hold nothing that the compiler would refuse, as far as we can tell without one."""

import re
from pathlib import Path

import pycep
import pytest

from tests.infra.bicep import FILES, INFRA, Declaration, Malformed, load, module_params, references
from tests.infra.evaluate import Template
from tests.infra.templates import BASE, PARAMETERS, VARIANTS, deployed, of_type, second_phase
from tests.infra.values import NotDeployed, NotYetKnown, Resource

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(INFRA)))
each_variant = pytest.mark.parametrize("variant", VARIANTS)


@each_file
def test_two_parsers_take_the_file(path: Path) -> None:
    """Two grammars by different authors; each takes some things that the other does not."""
    parsed = pycep.BicepParser().parse(text=path.read_text())
    assert set(parsed.get("resources", {})) == {d.name for d in load(path).of("resource")}
    assert set(parsed.get("modules", {})) == {d.name for d in load(path).of("module")}


@each_file
def test_every_name_is_declared_once_and_used(path: Path) -> None:
    file = load(path)
    names = [d.name for d in file.declarations if d.kind != "output"]
    assert len(names) == len(set(names))
    used = {name for d in file.declarations for name in references(d)}
    assert used <= file.names()
    idle = {d.name for d in file.declarations if d.kind in {"param", "var"}} - used
    assert idle == set()
    looked_up = {d.name for d in file.of("resource") if d.existing}
    assert looked_up <= used


@each_file
def test_modules_get_exactly_what_they_take(path: Path) -> None:
    for module in load(path).of("module"):
        target = path.parent / module.target
        takes = {d.name: d for d in load(target).of("param")}
        given = set(module_params(module))
        assert given <= set(takes), module.name
        assert {name for name, d in takes.items() if d.body is None} <= given, module.name


@each_file
def test_outputs_that_are_used_exist(path: Path) -> None:
    modules = {d.name: path.parent / d.target for d in load(path).of("module")}
    for name, output in re.findall(r"\b(\w+)!?\.outputs\.(\w+)", path.read_text()):
        assert output in {d.name for d in load(modules[name]).of("output")}, f"{name}.{output}"


def test_every_module_and_every_output_is_used() -> None:
    targets = {
        (path.parent / module.target).resolve()
        for path in FILES
        for module in load(path).of("module")
    }
    assert targets == {path for path in FILES if path.parent.name == "modules"}
    text = {path: path.read_text() for path in FILES}
    for path in FILES:
        callers = "".join(text.values())
        for output in load(path).of("output"):
            assert path.name == "main.bicep" or f".outputs.{output.name}" in callers, output.name


@each_variant
def test_the_template_can_be_worked_out(variant: str) -> None:
    """Names, scopes and conditions are known before anything is deployed; ids are unique."""
    template = deployed(variant)
    ids = [resource.id.lower() for resource in template.resources]
    assert len(ids) > 50
    twice = {resource_id for resource_id in ids if ids.count(resource_id) > 1}
    (workspace,) = of_type(template, "Microsoft.OperationalInsights/workspaces")
    assert twice == {workspace.id.lower()}
    assert set(template.outputs)


def workspaces(**parameters: bool) -> list[Resource]:
    resources = Template(INFRA / "main.bicep", BASE | parameters).resources
    return [each for each in resources if each.type == "Microsoft.OperationalInsights/workspaces"]


def test_what_is_deployed_twice_loses_nothing_by_it() -> None:
    """Azure takes away what the second deployment leaves out."""
    first, second = workspaces()
    told, told_again = first.properties, second.properties
    assert told.pop("defaultDataCollectionRuleResourceId") is None
    assert "/dataCollectionRules/" in told_again.pop("defaultDataCollectionRuleResourceId")
    assert told_again == told
    assert {k: v for k, v in first.body.items() if k != "properties"} == {
        k: v for k, v in second.body.items() if k != "properties"
    }


def test_a_later_deployment_never_takes_the_link_to_the_transformations_away() -> None:
    """The output of the first is noted by azd, which gives it to the next as a parameter."""
    assert deployed("default").outputs["LOGS_TRANSFORMED"] is True
    first, second = workspaces(logsTransformed=True)
    assert first.properties["defaultDataCollectionRuleResourceId"]
    assert first.body == second.body


def test_the_second_phase_can_be_worked_out() -> None:
    assert [each.type for each in second_phase().resources] == [
        "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    ]


LIMITS = {  # https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.KeyVault/vaults": r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "Microsoft.DBforPostgreSQL/flexibleServers": r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]",
    "Microsoft.Web/sites": r"[a-zA-Z0-9][a-zA-Z0-9-]{0,58}[a-zA-Z0-9]",
    "Microsoft.Web/serverfarms": r"[a-zA-Z0-9-]{1,60}",
    "Microsoft.EventGrid/systemTopics": r"[a-zA-Z0-9-]{3,50}",
    "Microsoft.Network/virtualNetworks": r"[a-zA-Z0-9][\w.-]{0,62}\w",
    "Microsoft.Cdn/profiles/afdEndpoints": r"[^/]+/[a-zA-Z0-9][a-zA-Z0-9-]{0,44}[a-zA-Z0-9]",
    "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies": r"[a-zA-Z][a-zA-Z0-9]{0,127}",
    "Microsoft.Network/privateEndpoints": r"[a-zA-Z0-9][\w.-]{0,62}\w",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[a-zA-Z0-9][\w-]{2,127}",
    "Microsoft.OperationalInsights/workspaces": r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]",
}


@each_variant
def test_names_are_within_the_rules_of_their_types(variant: str) -> None:
    seen = set()
    for resource in deployed(variant).resources:
        if resource.type in LIMITS:
            assert re.fullmatch(LIMITS[resource.type], resource.name), resource.id
            seen.add(resource.type)
    assert variant != "everything" or seen == set(LIMITS)


def test_one_version_of_each_api() -> None:
    """Two versions of one type in use is a mistake of copying."""
    versions: dict[str, set[str]] = {}
    for path in FILES:
        for resource in load(path).of("resource"):
            kind, _, version = resource.target.partition("@")
            versions.setdefault(kind, set()).add(version)
    assert {kind for kind, each in versions.items() if len(each) > 1} == set()


def test_every_parameter_of_the_template_is_described_and_can_be_set() -> None:
    declared = load(INFRA / "main.bicep").of("param")
    assert [d.name for d in declared] == list(PARAMETERS)
    for parameter in declared:
        assert "description" in parameter.decorators or "allowed" in parameter.decorators


def test_what_azd_leaves_out_is_what_the_template_says() -> None:
    """The defaults stand in two files; they must be the same."""
    template = Template(INFRA / "main.bicep", BASE)
    for parameter in load(INFRA / "main.bicep").of("param"):
        text = PARAMETERS[parameter.name]["value"]
        name, equals, default = re.fullmatch(r"\$\{([A-Z_]+)(=?)(.*)\}", text).groups()  # type: ignore[union-attr]  # fails the test, as it should
        if parameter.name not in {"environmentName", "location"}:
            assert name.replace("_", "").lower() == parameter.name.lower()
        if equals:
            actual = template.evaluate(parameter.body)
            assert default == (str(actual).lower() if isinstance(actual, bool) else str(actual))
        else:
            assert parameter.body is None or parameter.name == "budgetStart"


# --- What these tests can see


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.bicep").write_text(text)
    return folder / "main.bicep"


def declared(path: Path, name: str) -> Declaration:
    return next(d for d in load(path).declarations if d.name == name)


def test_a_file_that_is_no_bicep_is_seen(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"main\.bicep:2"):
        load(write(tmp_path, main="var a = 1\nvar b = {{\n"))


def test_a_name_that_nobody_declared_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path, main="var a = [for x in list: '${x}-${y.z}']\nvar c = concat(a, d)\n")
    assert references(declared(path, "a")) == {"list", "y"}
    assert references(declared(path, "c")) == {"a", "d"}


@pytest.mark.parametrize(
    "line",
    [
        "resource b 'T/b@1' = { name: a.properties.key }",
        "resource b 'T/b@1' = if (a.properties.key == 'x') { name: 'b' }",
        "resource b 'T/b@1' = [for key in a.properties.keys: { name: key }]",
    ],
)
def test_a_resource_that_hangs_on_what_azure_makes_up_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr("tests.infra.bicep.INFRA", tmp_path)
    path = write(tmp_path, main=f"resource a 'T/a@1' = {{ name: 'a' }}\n{line}\n")
    with pytest.raises(NotYetKnown, match="b"):
        _ = Template(path, {}).resources


def test_an_empty_name_is_seen_even_of_what_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure looks at names before it looks at conditions."""
    monkeypatch.setattr("tests.infra.bicep.INFRA", tmp_path)
    resource = "resource b 'T/b@1' = if (!empty(a)) { name: replace(a, '.', '-') }"
    path = write(tmp_path, main=f"param a string = ''\n{resource}\n")
    with pytest.raises(AssertionError, match="b has no name"):
        _ = Template(path, {}).resources


def test_an_output_of_a_module_that_is_left_out_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.infra.bicep.INFRA", tmp_path)
    path = write(
        tmp_path,
        main="module m 'm.bicep' = if (false) { name: 'm' }\noutput x string = m!.outputs.y\n",
        m="output y string = 'y'\n",
    )
    with pytest.raises(NotDeployed, match="m"):
        _ = Template(path, {}).outputs


@pytest.mark.parametrize(("text", "value"), [("int", "5"), ("string", 5), ("bool", "true")])
def test_a_parameter_of_the_wrong_type_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: object
) -> None:
    monkeypatch.setattr("tests.infra.bicep.INFRA", tmp_path)
    path = write(tmp_path, main=f"param p {text}\noutput x {text} = p\n")
    with pytest.raises(AssertionError, match="p is"):
        _ = Template(path, {"p": value}).outputs
