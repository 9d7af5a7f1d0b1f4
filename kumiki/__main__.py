"""`kumiki rehearse STACK`, `kumiki diff STACK` and so on: each is loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Final

from kumiki.where import find_parts

find_parts()
try:
    # This takes a quarter of a second, in which nothing has been started yet.
    import typer
    from typer.core import TyperCommand, TyperGroup

    from costs.files import stack_names
except KeyboardInterrupt:
    sys.exit(130)

COMMANDS: Final = {
    "rehearse": ("rehearsal.cli", "Deploy a stack on an emulated AWS and judge it by the policy pack."),
    "serve": ("kumiki.serve", "Rehearse a stack and keep its emulated account up for the AWS CLI and boto3."),
    "diff": ("changes.__main__", "Say what a change would do: replaced, deleted, lost, opened."),
    "permissions": ("permissions.__main__", "Say what a deployer must be allowed to do, as IAM policies."),
    "cost": ("costs.__main__", "Say what a stack costs a month, part by part, before it exists."),
    "graph": ("kumiki.graph", "Draw a stack: what stands where, and who reaches what."),
    "engine": ("engine.__main__", "Run a stack's life by the real Pulumi engine, on an emulated AWS."),
    "schema": ("kumiki.schema", "Print the JSON schema of stack files, or of a rehearsal's report."),
}
_INTERRUPTED: Final = 130


class _Later(TyperCommand):
    """A command whose name and help are known, and whose module is loaded when it is run: that takes up to a second."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._loaded().make_context(info_name, args, parent, **extra)

    def _loaded(self) -> Any:
        name = str(self.name)
        try:
            found = typer.main.get_command(importlib.import_module(COMMANDS[name][0]).app)
        except KeyboardInterrupt:
            # Nothing has been started yet, so there is nothing to end, and no trace to show.
            sys.exit(_INTERRUPTED)
        for parameter in found.params:
            if parameter.name == "stack":
                # The library takes it of a declaration only, and all commands would have to repeat it.
                parameter._custom_shell_complete = _stacks  # noqa: SLF001
        return found


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: _Later(name, help=text) for name, (_, text) in COMMANDS.items()}


def _stacks(_context: Any, _parameter: Any, incomplete: str) -> list[Any]:
    """The stacks that have a file here."""
    from typer._click.shell_completion import CompletionItem  # noqa: PLC0415 it offers no other way

    return [CompletionItem(name) for name in stack_names(Path()) if name.startswith(incomplete)]


app = typer.Typer(
    cls=_Commands,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="What a stack will do, allow and cost, before it exists. Nothing here needs an account, a token or a network.",
    epilog="kumiki COMMAND --help says more. For example: kumiki rehearse dev, kumiki diff prod --against main, "
    "kumiki graph dev --svg dev.svg. --install-completion completes commands and stacks in your shell.",
)


@app.callback()
def _commands() -> None:
    """Only the commands do something."""


def main() -> None:
    """Run the command that is named first."""
    app(prog_name="kumiki")


if __name__ == "__main__":
    main()
