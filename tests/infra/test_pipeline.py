"""The way to Azure: what azd runs, what is packed, what the workflows may do."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.compiler import INFRA, VERSION
from tests.infra.snapshots import OF_AZD, ROOT, TEMPLATE, deployed, set_by_azd
from tests.settings import COMPLETE

AZURE = yaml.safe_load((ROOT / "azure.yaml").read_text())
HOOKS = sorted((INFRA / "hooks").glob("*.sh"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))

# Given by the person who runs a hook, if they like.
OPTIONAL = {"DEPLOYER_ADDRESS", "CLIPLINK_TOKEN", "SMOKE", "PREFLIGHT", "TENANT"}
# Run by the other hooks.
PARTS = {"python.sh", "preflight.sh"}


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
    return found


def test_azd_finds_the_template_and_the_app() -> None:
    infra = AZURE["infra"]
    assert (ROOT / infra["path"] / f"{infra['module']}.bicep").is_file()
    (name,) = AZURE["services"]
    tags = [each.body.get("tags", {}) for each in deployed("small").resources]
    assert [each["azd-service-name"] for each in tags if "azd-service-name" in each] == [name]


def test_every_hook_that_is_named_can_be_run() -> None:
    named = {(ROOT / hook["run"]).resolve() for hook in AZURE["hooks"].values()}
    assert named == {path for path in HOOKS if path.name not in PARTS}
    for path in named:
        assert os.access(path, os.X_OK), path
        assert path.read_text().startswith("#!/bin/sh\n")


@pytest.mark.parametrize("path", HOOKS, ids=lambda path: path.name)
def test_hooks_are_good_shell(path: Path) -> None:
    subprocess.run(["sh", "-n", path], check=True)
    if path.name != "python.sh":
        assert "\nset -eu\n" in path.read_text()


def test_hooks_use_only_variables_of_azd() -> None:
    """Outputs of the template and parameters; a misspelt one would stop the hook on Azure only."""
    outputs = set(TEMPLATE["outputs"])
    known = outputs | set_by_azd() | OF_AZD | OPTIONAL
    for path in HOOKS:
        text = path.read_text()
        used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", text)) | set(
            re.findall(r'os\.environ\["([A-Z_]+)"\]', text)
        )
        assert used <= known, path.name


def test_second_phase_gets_its_parameters() -> None:
    text = (INFRA / "hooks/postdeploy.sh").read_text()
    given = set(re.findall(r'^    "(\w+)": ', text, re.MULTILINE))
    text = (INFRA / "events.bicep").read_text()
    takes = dict(re.findall(r"^param (\w+) string( = )?", text, re.MULTILINE))
    assert {name for name, default in takes.items() if not default} <= given <= takes.keys()


def test_no_secret_is_an_argument_of_a_command() -> None:
    """Every user of the machine can see arguments."""
    for path in HOOKS:
        for line in path.read_text().splitlines():
            assert not re.search(r"--\S+[ =]\S*\$\{?(key|CLIPLINK_TOKEN|PGPASSWORD)", line), line


# --- What is packed


def packed() -> set[str]:
    """The top of what azd packs, by the rules of .funcignore."""
    rules = [
        line
        for line in (ROOT / ".funcignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    tops = {name.partition("/")[0] for name in tracked}
    return {name for name in tops if not any(fnmatch.fnmatch(name, rule) for rule in rules)}


def test_package_contains_only_the_app() -> None:
    assert packed() == {
        "clips",
        "constraints.txt",
        "function_app.py",
        "host.json",
        "requirements.txt",
        "shared",
    }


def test_packed_app_starts(tmp_path: Path) -> None:
    """The app imports nothing that is left out of the package."""
    for name in packed():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path)
    subprocess.run(
        [
            ROOT / ".venv/bin/python",
            "-P",
            "-c",
            "import sys; sys.path.insert(0, '.'); import function_app",
        ],
        cwd=tmp_path,
        env=COMPLETE | {"PATH": os.environ["PATH"]},
        check=True,
    )


# --- Workflows


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_have_few_rights_and_a_time_limit(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 60, name
        for step in job.get("steps", []):
            assert step.get("uses", "").partition("@")[0] != "actions/checkout" or (
                step["with"]["persist-credentials"] is False
            )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_of_others_are_pinned(path: Path) -> None:
    for action in re.findall(r"uses: (\S+)", path.read_text()):
        assert re.search(r"@[0-9a-f]{40}$", action) or action.startswith("./"), action


def test_deployment_signs_in_without_a_secret() -> None:
    text = (ROOT / ".github/workflows/azure-dev.yml").read_text()
    assert "secrets." not in text
    job = workflow("azure-dev")["jobs"]["deploy"]
    assert job["permissions"]["id-token"] == "write"
    assert job["environment"] == "production"
    assert "--federated-credential-provider github" in text


def test_deployment_requires_passing_tests() -> None:
    jobs = workflow("azure-dev")["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert jobs["deploy"]["needs"] == "test"
    runs = [step.get("run") for step in workflow("test")["jobs"]["test"]["steps"]]
    assert ".ci/run" in runs


def test_az_signs_in_after_the_long_steps() -> None:
    """GitHub's proof is good for minutes, and az has but one; azd asks for new ones."""
    steps = workflow("azure-dev")["jobs"]["deploy"]["steps"]
    order = [step.get("run") or step["uses"].partition("@")[0] for step in steps]
    login, provision, login_again, token, deploy = order[-5:]
    assert login == login_again == "azure/login"
    assert (provision, deploy) == ("azd provision --no-prompt", "azd deploy --no-prompt")
    assert "CLIPLINK_TOKEN=$token" in token
    assert "::add-mask::$token" in token


def test_tests_on_github_have_the_compiler_that_wrote_the_files() -> None:
    runs = [step.get("run", "") for step in workflow("test")["jobs"]["test"]["steps"]]
    assert f"az bicep install --version v{VERSION}\n" in runs[-2]
    assert "BICEP=" in runs[-2]
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert VERSION in json.dumps(container["features"])


def test_workflow_gives_azd_every_choice() -> None:
    """The workflow's machine has no values of other machines, and would deploy the defaults."""
    given: dict[str, str] = workflow("azure-dev")["jobs"]["deploy"]["env"]
    choices = set_by_azd() | {"SMOKE", "PREFLIGHT"}
    assert set(given) == choices | OF_AZD | {"AZURE_CLIENT_ID"}
    assert set(AZURE["pipeline"]["variables"]) == choices - OF_AZD
    assert given == {name: f"${{{{ vars.{name} }}}}" for name in given}


def test_azd_knows_which_template_and_which_azd_it_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert AZURE["metadata"]["template"] == f"cliplink@{project['version']}"
    assert re.match(r">= \d+\.\d+", AZURE["requiredVersions"]["azd"])


def test_devcontainer_has_the_programs_of_the_hooks() -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert (ROOT / ".python-version").read_text().strip() in container["image"]
    features = {name.rpartition("/")[2].partition(":")[0] for name in container["features"]}
    assert features >= {"azure-cli", "azd", "node"}
