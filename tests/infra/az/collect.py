"""Collects commands.json from the Azure CLI, by hand, when a page or a hook uses a new command.

    python3.13 -m venv /tmp/az
    /tmp/az/bin/pip install azure-cli==2.91.0
    PYTHONPATH=$(echo /tmp/az/lib/*/site-packages) .venv/bin/python -m tests.infra.az.collect

No command is run, and no sign-in is needed: the CLI reads each command as far as it can
without.
"""

import argparse
import json
import os
import re
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.infra.az.spoken import Words, everywhere

# Of a package that is not installed where types are checked.
type Untyped = Any

# Of the CLI's own machinery.
_OF_NO_USER = {"--cmd", "--acquire-policy-token", "--change-reference"}
TARGET = Path(__file__).parent / "commands.json"


class Reader:
    """One command of the CLI, with what belongs to it alone."""

    def __init__(self, words: Words) -> None:
        events = import_module("knack.events")
        early = import_module("azure.cli.core.commands.events")
        self.cli: Untyped = import_module("azure.cli.core").get_default_cli()
        self.invocation = invocation = self.cli.invocation_cls(
            cli_ctx=self.cli,
            parser_cls=self.cli.parser_cls,
            commands_loader_cls=self.cli.commands_loader_cls,
            help_cls=self.cli.help_cls,
        )
        self.cli.invocation = invocation
        loader = invocation.commands_loader
        loader.load_command_table(list(words))
        self.name = loader.command_name = invocation._rudimentary_get_command(list(words))
        invocation.data["command_string"] = self.name
        self.command = loader.command_table[self.name]
        loader.command_table = {self.name: self.command}
        self.cli.raise_event(early.EVENT_INVOKER_PRE_LOAD_ARGUMENTS, commands_loader=loader)
        loader.load_arguments(self.name)
        self.cli.raise_event(events.EVENT_INVOKER_POST_CMD_TBL_CREATE, commands_loader=loader)
        self.cli.raise_event(
            events.EVENT_INVOKER_CMD_TBL_LOADED,
            cmd_tbl=loader.command_table,
            parser=invocation.parser,
        )
        invocation.parser.load_command_table(loader)

    def options(self) -> list[argparse.Action]:
        parser: argparse.ArgumentParser = self.invocation.parser
        for word in self.name.split():
            (below,) = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
            parser = below.choices[word]
        return [action for action in parser._actions if action.option_strings]

    def described(self) -> dict[str, Untyped]:
        names = {
            name: sorted(map(str, action.choices)) if action.choices else None
            for action in self.options()
            for name in action.option_strings
            if name.startswith("--") and not name.startswith("--__") and name not in _OF_NO_USER
        }
        required = [action.option_strings for action in self.options() if action.required]
        return {"options": names, "required": required + self._unless_ids()}

    def _unless_ids(self) -> list[list[str]]:
        """What has to be named where no --ids are."""
        try:
            self.cli.raise_event(
                import_module("knack.events").EVENT_INVOKER_POST_PARSE_ARGS,
                command=self.name,
                args=_Nothing(_cmd=self.command, _jmespath_query=None, _output_format="json"),
            )
        except import_module("knack.util").CLIError as error:
            wanted = re.findall(r"--[\w-]+", str(error))
            by_option = {
                name: action.option_strings
                for action in self.options()
                for name in action.option_strings
            }
            return [[*by_option[name], "--ids"] for name in wanted if name != "--ids"]
        return []

    def read(self, words: Words) -> None:
        """Ends the program where the CLI would."""
        self.invocation.parser.parse_args(list(words))


class _Nothing(argparse.Namespace):
    """The arguments of a command without any."""

    def __getattr__(self, name: str) -> None:
        if name in {"ids", "_ids"}:
            raise AttributeError(name)


def collect() -> dict[str, Untyped]:
    commands: dict[str, Untyped] = {}
    queries = set()
    for words, where in everywhere().items():
        print(f"{where}: az {' '.join(words)[:120]}")  # noqa: T201 - the next line may be a complaint
        reader = Reader(words)
        commands.setdefault(reader.name, reader.described())
        if any(word.startswith("-") for word in words):  # not only named
            reader.read(words)
        if "--query" in words:
            query = words[words.index("--query") + 1]
            import_module("jmespath").compile(query)
            queries.add(query)
    common = set.intersection(*(set(each["options"]) for each in commands.values()))
    everywhere_else = {name: commands["account show"]["options"][name] for name in sorted(common)}
    for each in commands.values():
        each["options"] = {n: c for n, c in each["options"].items() if n not in common}
    return {
        "version": import_module("azure.cli.core").__version__,
        "everywhere": everywhere_else,
        "commands": commands,
        "queries": sorted(queries),
    }


def written(collected: dict[str, Untyped]) -> str:
    """JSON with a line for each command and each query."""
    commands = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(details)}"
        for name, details in sorted(collected["commands"].items())
    )
    queries = ",\n".join(map(json.dumps, collected["queries"]))
    return (
        f'{{"version": {json.dumps(collected["version"])},\n'
        f'"everywhere": {json.dumps(collected["everywhere"])},\n'
        f'"commands": {{\n{commands}\n}},\n"queries": [\n{queries}\n]}}\n'
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:  # not the settings of the user who runs this
        os.environ |= {"AZURE_CONFIG_DIR": folder, "AZURE_CORE_COLLECT_TELEMETRY": "no"}
        TARGET.write_text(written(collect()))
