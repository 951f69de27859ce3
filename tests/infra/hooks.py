"""Runs the hooks of azd with fake programs instead of az, azd and curl.

A stand-in notes how it was called and gives the answer with the longest text that the call begins
with. The Python of the hooks is the real one, but for the programs that need a database or an app.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.infra.snapshots import ROOT

# Standard output and exit code, by the first words of a call.
type Answers = dict[str, tuple[str, int]]

# Without Python's automatic imports: a hook calls some twenty programs.
_STAND_IN = f"""#!{sys.executable} -SIE
import os, sys
folder = os.environ["STAND_INS"]
call = " ".join([sys.argv[0].rpartition("/")[2], *sys.argv[1:]])
with open(folder + "/calls", "a") as calls:
    calls.write(call + "\\0")
answers = [line.split("\\x1f") for line in open(folder + "/answers").read().split("\\0") if line]
fitting = [each for each in answers if call.startswith(each[0])]
_, text, code = max(fitting, key=lambda each: len(each[0]), default=("", "", "0"))
if "@/dev/stdin" in sys.argv:
    open(folder + "/stdin", "w").write(sys.stdin.read())
sys.stdout.write(text)
sys.exit(int(code))
"""
_PYTHON = f"""#!/bin/sh
case "$*" in
  "-m "*) exec "$STAND_INS/bin/python" "$@" ;;
  "-c import psycopg"*) exit 0 ;;
esac
exec {sys.executable} "$@"
"""


@dataclass
class Deployer:
    """A machine from which azd deploys."""

    folder: Path
    answers: Answers = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(ROOT / "infra", self.folder / "infra")
        for name in ("az", "azd", "curl", "python", "python3.13", "sleep"):
            _program(self.folder / "bin" / name, _STAND_IN)
        _program(self.folder / ".venv/bin/python", _PYTHON)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a script of infra/ to its end."""
        lines = [f"{call}\x1f{text}\x1f{code}" for call, (text, code) in self.answers.items()]
        (self.folder / "answers").write_text("\0".join(lines))
        (self.folder / "calls").write_text("")
        return subprocess.run(
            ["sh", self.folder / "infra" / script, *arguments],
            cwd=self.folder,
            env=self.variables
            | {"PATH": f"{self.folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"}
            | {"STAND_INS": str(self.folder), "TMPDIR": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self, beginning: str) -> list[str]:
        """The calls of the last run that begin with these words, in order."""
        calls = (self.folder / "calls").read_text().split("\0")[:-1]
        return [call for call in calls if call.startswith(beginning)]


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
