"""The az commands of pages, hooks and workflows.

A real shell takes their scripts apart: quotes, loops, commands inside commands. In place of every
program that reaches out it finds one that only notes how it was called.
"""

import os
import re
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.docs.pages import ROOT, Page, all_pages, coded

# A command, without az itself.
type Words = tuple[str, ...]

# Each call is one write, because the commands of a pipe run at the same time.
_LISTENER = r"""#!/bin/sh
call=$(printf '%s\037' "${0##*/}" "$@")
printf '%s\036' "$call" >> "$HEARD"
[ "${0##*/}" = azd ] || printf '%s\n' "$ANSWER"
"""
_PLAYED = ("az", "azd", "curl", "git", "openssl", "psql", "python3", "sleep", "uuidgen")
_OF_FEW_VALUES = {"DATABASE_ADMINISTRATOR_TYPE": "Group"}
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def heard(script: str, folder: Path, answer: str = "answer") -> list[Words]:
    """Runs a script in a folder and returns its az commands; each command prints `answer`."""
    programs = folder / "programs"
    python = folder / ".venv/bin/python"
    for directory in (programs, python.parent):
        directory.mkdir(parents=True)
    for program in (*(programs / name for name in _PLAYED), python):
        program.write_text(_LISTENER)
        program.chmod(0o755)
    log = folder / "heard"
    log.touch()
    # Sets every required variable, and no optional one (${NAME:-...}).
    variables = {name: name.lower() for name in re.findall(r"\$\{?([A-Z]\w+)(?!\w|:-)", script)}
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env=variables
        | _OF_FEW_VALUES
        | {"PATH": f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin", "TMPDIR": str(folder)}
        | {"HEARD": str(log), "ANSWER": answer},
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    calls = [tuple(call.split("\037")[:-1]) for call in log.read_text().split("\036")[:-1]]
    return [call[1:] for call in calls if call[0] == "az"]


def _of_script(script: str, answer: str = "answer") -> list[Words]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for scripts in ("infra/hooks", "infra/entra"):
            shutil.copytree(ROOT / scripts, folder / scripts)
        return heard(script, folder, answer)


def of_page(path: Path) -> list[Words]:
    """The commands in the blocks of a page, in order, and those in its text."""
    page = Page(path.read_text())
    blocks = [block for block in _BLOCK.findall(page.text) if re.search(r"\baz ", block)]
    prose = _BLOCK.sub("", page.text)
    named = [text for text in coded(prose) if text.startswith("az ")]
    script = "\n".join([*map(textwrap.dedent, blocks), *named])
    return _of_script(script) if script else []


def of_hooks() -> Iterator[Words]:
    hooks = ROOT / "infra/hooks"
    for path in sorted(hooks.glob("*.sh")):
        needs = " ".join(re.findall(r"\$\{?[A-Z]\w+(?:\}|(?!\w|:-))", path.read_text()))
        for answer in ("user", "servicePrincipal"):  # who is signed in, among other things
            # The preflight finds problems in such answers; another script must not fail.
            run = f"PREFLIGHT=false USE_VAULT=true sh infra/hooks/{path.name}"
            run += f" || [ {path.name} = preflight.sh ]"
            yield from _of_script(f"{run} # {needs}", answer)


def of_entra() -> Iterator[Words]:
    for answer in ("answer", ""):  # with existing resources, then without
        yield from _of_script("sh infra/entra/register-app.sh", answer)
    yield from _of_script("sh infra/entra/allow-deployer.sh ada@example.com subscription")


def of_workflows() -> Iterator[Words]:
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job.get("steps", []):
                if re.search(r"\baz ", step.get("run", "")):
                    yield from _of_script(step["run"].replace("$GITHUB_ENV", "/dev/null"))


def everywhere() -> dict[Words, str]:
    """Every command, and the place of one of its kind."""
    found = dict.fromkeys(of_workflows(), "a workflow")
    found |= dict.fromkeys(of_hooks(), "a hook")
    found |= dict.fromkeys(of_entra(), "a script for Entra")
    for path in all_pages():
        found |= {words: str(path.relative_to(ROOT)) for words in of_page(path)}
    return found
