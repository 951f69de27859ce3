"""More that a compiler would refuse, or Azure at the start of a deployment."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.infra.bicep import (
    FILES,
    INFRA,
    Declaration,
    File,
    load,
    module_params,
    properties,
    references,
    text,
    walk,
)
from tests.infra.evaluate import Template
from tests.infra.templates import VARIANTS, deployed

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(INFRA)))
each_variant = pytest.mark.parametrize("variant", VARIANTS)

EXTENSIONS = {
    "Microsoft.Authorization/locks",
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Insights/diagnosticSettings",
}
"""What is put onto other resources: these alone may have a scope."""
LENGTHS = {"minLength", "maxLength"}
BOUNDS = {"minValue", "maxValue"}
LOADING = {"loadTextContent", "loadJsonContent"}


def order(file: File) -> list[str]:
    """The declarations, each after what it refers to; raises CycleError."""
    graph = {each.name: references(each) for each in file.declarations if each.kind != "output"}
    return list(TopologicalSorter(graph).static_order())


@each_file
def test_nothing_waits_for_itself(path: Path) -> None:
    order(load(path))


def calls(declaration: Declaration) -> Iterator[tuple[str, list[str]]]:
    """Functions that a declaration calls, with the kinds of their arguments."""
    nodes = [declaration.body, declaration.condition]
    if declaration.loop is not None:
        nodes.append(declaration.loop.items)
    for node in (inner for each in nodes if each is not None for inner in walk(each)):
        if node.type == "call_expression":
            function, arguments = node.named_children
            yield text(function), [each.type for each in arguments.named_children]


@each_file
def test_functions_are_called_where_they_may_be(path: Path) -> None:
    of_group = path.name != "main.bicep"
    for declaration in load(path).declarations:
        for function, arguments in calls(declaration):
            if function in {"utcNow", "newGuid"}:
                assert declaration.kind == "param", declaration.name
            if function in {"resourceGroup", "resourceId"}:
                assert of_group, declaration.name
            if function in LOADING:
                assert arguments == ["string"], declaration.name


@each_file
def test_a_default_refers_to_parameters_alone(path: Path) -> None:
    file = load(path)
    parameters = {each.name for each in file.of("param")}
    for parameter in file.of("param"):
        assert references(parameter) <= parameters, parameter.name


@each_file
def test_decorators_fit_the_type(path: Path) -> None:
    for parameter in load(path).of("param"):
        decorators = set(parameter.decorators)
        if parameter.target == "int":
            assert not decorators & LENGTHS, parameter.name
        elif parameter.target in {"string", "array"}:
            assert not decorators & BOUNDS, parameter.name
        else:
            assert decorators <= {"description", "secure"}, parameter.name


@each_file
def test_modules_are_put_where_their_files_belong(path: Path) -> None:
    """Of a file for a subscription every module names its resource group; others are in theirs."""
    file = load(path)
    of_subscription = "targetScope = 'subscription'" in path.read_text()
    assert of_subscription == (path.name == "main.bicep")
    for module in file.of("module"):
        assert module.body is not None
        scope = properties(module.body).get("scope")
        assert (scope is not None) == of_subscription, module.name
        assert scope is None or text(scope) == "group", module.name
    if of_subscription:
        (group,) = file.of("resource")
        assert group.target.startswith("Microsoft.Resources/resourceGroups@")


def test_deployments_of_modules_have_names_of_their_own() -> None:
    """All are kept in the one resource group, by name; two at a time of one name collide."""
    names = [
        text(properties(module.body)["name"])
        for path in FILES
        for module in load(path).of("module")
        if module.body is not None
    ]
    assert len(names) > 20
    assert len(names) == len({name.lower() for name in names})
    assert all(len(name.strip("'")) <= 64 for name in names)


def mismatches(path: Path) -> list[str]:
    """Modules that are given an output or a parameter of another type than theirs."""
    file = load(path)
    types = {each.name: each.target for each in file.of("param")}
    found = []
    for module in file.of("module"):
        takes = {each.name: each.target for each in load(path.parent / module.target).of("param")}
        for name, value in module_params(module).items():
            given = types.get(text(value)) or _type_of_output(path, text(value))
            if given not in {None, takes[name]}:
                found.append(f"{module.name}.{name}: {given}, not {takes[name]}")
    return found


def _type_of_output(path: Path, expression: str) -> str | None:
    module, dot, output = expression.replace("!", "").partition(".outputs.")
    if not dot or not output.isidentifier():
        return None
    (target,) = (each.target for each in load(path).of("module") if each.name == module)
    (kind,) = (d.target for d in load(path.parent / target).of("output") if d.name == output)
    return kind


@each_file
def test_modules_get_what_is_of_the_type_that_they_take(path: Path) -> None:
    assert mismatches(path) == []


@each_file
def test_secrets_leave_no_file(path: Path) -> None:
    """Outputs stand in the history of deployments. No key is asked for at all."""
    file = load(path)
    secrets = {each.name for each in file.of("param") if "secure" in each.decorators}
    for variable in file.of("var"):
        assert not references(variable) & secrets, variable.name
    for output in file.of("output"):
        assert not references(output) & secrets, output.name
    for declaration in file.declarations:
        assert not any(function.startswith("list") for function, _ in calls(declaration))
    assert secrets == ({"blobsExtensionKey"} if path.name == "events.bicep" else set())


@each_file
def test_children_lie_in_what_they_belong_to(path: Path) -> None:
    file = load(path)
    types = {each.name: each.target.partition("@")[0] for each in file.of("resource")}
    for resource in file.of("resource"):
        assert resource.body is not None
        body = properties(resource.body)
        if "parent" in body:
            parent = text(body["parent"]).partition("[")[0]
            assert types[parent] == types[resource.name].rpartition("/")[0], resource.name
        else:
            assert types[resource.name].count("/") == 1, resource.name
        assert "scope" not in body or types[resource.name] in EXTENSIONS, resource.name


MADE_BY_AZURE = ("/queueServices/default",)
"""With every account."""


@each_variant
def test_what_is_looked_up_is_deployed(variant: str) -> None:
    """Under its name and in its place: `existing` promises what nobody checks before it fails."""
    template = deployed(variant)
    ids = {each.id for each in template.resources}
    looked_up = {each.id for each in template.looked_up}
    assert len(looked_up) > 10
    assert {each for each in looked_up - ids if not each.endswith(MADE_BY_AZURE)} == set()


# --- What these tests can see


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        (folder / f"{name}.bicep").write_text(content)
    return folder / "main.bicep"


def test_a_circle_is_seen(tmp_path: Path) -> None:
    one = "resource a 'T/a@1' = { name: 'a', properties: { x: b.id } }\n"
    other = "resource b 'T/b@1' = { name: 'b', dependsOn: [ c ] }\nvar c = a.id\n"
    with pytest.raises(CycleError):
        order(load(write(tmp_path, main=one.replace(", ", "\n") + other.replace(", ", "\n"))))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("n", "m.p: int, not string"),
        ("o!.outputs.list", "m.p: array, not string"),
        ("t", None),
        ("o.outputs.word", None),
    ],
)
def test_a_parameter_of_another_type_is_seen(
    tmp_path: Path, given: str, problem: str | None
) -> None:
    path = write(
        tmp_path,
        main="param n int\nparam t string\n"
        "module o 'o.bicep' = { name: 'o' }\n"
        f"module m 'm.bicep' = {{\n  name: 'm'\n  params: {{ p: {given} }}\n}}\n",
        m="param p string\n",
        o="output list array = []\noutput word string = ''\n",
    )
    assert mismatches(path) == ([] if problem is None else [problem])


def test_what_is_looked_up_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.infra.bicep.INFRA", tmp_path)
    path = write(
        tmp_path,
        main="module m 'm.bicep' = {\n  name: 'm'\n  params: { name: 'b' }\n}\n",
        m="param name string\nresource a 'T/a@1' existing = { name: name }\n",
    )
    assert [each.name for each in Template(path, {}).looked_up] == ["b"]
