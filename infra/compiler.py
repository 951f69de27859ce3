"""Microsoft's Bicep compiler, and the files of infra/ that it writes: python -m infra.compiler.

It formats every Bicep file, compiles main.bicep to main.json, and evaluates each file of
variants/ as Azure Resource Manager would, into a snapshot of the resources that would be
deployed. The program is `bicep`, of version VERSION; it needs no network and no Azure.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

VERSION = "0.49.2"
INFRA = Path(__file__).resolve().parent
FILES = [*sorted(INFRA.glob("*.bicep")), *sorted(INFRA.glob("modules/*.bicep"))]
VARIANTS = sorted(INFRA.glob("variants/*.bicepparam"))

# Where the program is looked for, besides the PATH and the variable BICEP.
_BESIDE_THE_PROJECT = INFRA.parent.parent / "shared/tools/bicep/bicep"
# Fixed values of a deployment, so that snapshots are the same everywhere.
_DEPLOYMENT = {
    "tenantId": "00000000-0000-0000-0000-00000000000a",
    "subscriptionId": "00000000-0000-0000-0000-00000000000b",
    "location": "westeurope",
    "deploymentName": "test",
}
_GROUP = "rg-cliplink-test"


class CompilerProblem(Exception):
    """The compiler refuses a file, warns about it, or is absent; the message says which."""


@dataclass
class Compiler:
    """A running compiler: JSON-RPC over its standard input and output."""

    requests: IO[bytes]
    answers: IO[bytes]
    _calls: int = field(default=0, init=False)

    def version(self) -> str:
        return str(self._call("bicep/version", {})["version"])

    def compiled(self, path: Path) -> str:
        """The template of a Bicep file and its modules, as JSON.

        Raises CompilerProblem for any error or warning, of compiler or linter.
        """
        answer = self._call("bicep/compile", {"path": str(path)})
        _raise_for(answer["diagnostics"])
        return f"{answer['contents']}\n"

    def formatted(self, path: Path) -> str:
        """The file in the compiler's format."""
        return str(self._call("bicep/format", {"path": str(path)})["contents"])

    def snapshot(self, path: Path) -> str:
        """The resources for a parameters file, as JSON.

        Raises CompilerProblem for any error or warning.
        """
        compiled = self._call("bicep/compileParams", {"path": str(path), "parameterOverrides": {}})
        _raise_for(compiled["diagnostics"])
        # events.bicep alone is for a resource group; main.bicep is for the subscription.
        group = _GROUP if path.stem == "events" else None
        metadata = _DEPLOYMENT | {"resourceGroup": group}
        asked = {"path": str(path), "metadata": metadata, "externalInputs": []}
        snapshot = json.loads(self._call("bicep/getSnapshot", asked)["snapshot"])
        if snapshot["diagnostics"]:
            raise CompilerProblem(f"{path}: {snapshot['diagnostics']}")
        # Their order changes from run to run.
        snapshot["outputs"] = dict(sorted(snapshot["outputs"].items()))
        return f"{json.dumps(snapshot, indent=2, ensure_ascii=False)}\n"

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._calls += 1
        request = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params}
        body = json.dumps(request).encode()
        self.requests.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.requests.flush()
        length = 0
        while line := self.answers.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        answer = json.loads(
            self.answers.read(length) or b'{"error": {"message": "the compiler has ended"}}'
        )
        if "result" not in answer:
            raise CompilerProblem(f"{method} of {params.get('path')}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result


def _raise_for(diagnostics: list[dict[str, Any]]) -> None:
    lines = [
        f"{each['source']}({each['range']['start']['line'] + 1}): "
        f"{each['level']} {each['code']}: {each['message']}"
        for each in diagnostics
        if each["level"] in {"Error", "Warning"}
    ]
    if lines:
        raise CompilerProblem("\n".join(lines))


def program() -> Path | None:
    """The compiler on this machine: by the variable BICEP, on the PATH, or beside the project."""
    named = os.environ.get("BICEP") or shutil.which("bicep")
    found = Path(named) if named else _BESIDE_THE_PROJECT
    return found if named or found.exists() else None


@contextmanager
def running() -> Iterator[Compiler]:
    """Runs the compiler until the block ends; raises CompilerProblem if it is not installed."""
    path = program()
    if path is None:
        raise CompilerProblem(f"no bicep: put version {VERSION} on the PATH, or its path in BICEP")
    with subprocess.Popen(  # noqa: S603 - the program that the developer named
        [path, "jsonrpc", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None  # noqa: S101 - PIPE makes both
        assert process.stdout is not None  # noqa: S101 - the same
        try:
            yield Compiler(process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.terminate()


def written(compiler: Compiler) -> Iterator[tuple[Path, str]]:
    """Yields the path and the right contents of every file that the compiler writes."""
    for path in (*FILES, *VARIANTS):
        yield path, compiler.formatted(path)
    yield INFRA / "main.json", compiler.compiled(INFRA / "main.bicep")
    for path in VARIANTS:
        yield path.with_suffix(".snapshot.json"), compiler.snapshot(path)


def main() -> int:
    try:
        with running() as compiler:
            compiler.compiled(INFRA / "events.bicep")
            for path, text in written(compiler):
                if not path.exists() or path.read_text() != text:
                    path.write_text(text)
                    sys.stdout.write(f"wrote {path.relative_to(INFRA)}\n")
    except CompilerProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
