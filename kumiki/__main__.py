"""`kumiki rehearse STACK`, `kumiki diff STACK` and so on: each is loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Final

_COMMANDS: Final = {
    "rehearse": ("rehearsal.cli", "deploy a stack on an emulated AWS and judge it by the policy pack"),
    "diff": ("changes.__main__", "say what a change would do: replaced, deleted, lost, opened"),
    "permissions": ("permissions.__main__", "say what a deployer must be allowed to do, as IAM policies"),
    "cost": ("costs.__main__", "say what a stack costs a month, part by part, before it exists"),
}
_FINE: Final = 0
_USAGE: Final = 2


def main() -> None:
    """Run the command that is named first; its own `--help` says more."""
    arguments = sys.argv[1:]
    if arguments[:1] in ([], ["--help"], ["-h"]):
        print(_help())
        sys.exit(_FINE if arguments else _USAGE)
    name = arguments[0]
    if name not in _COMMANDS:
        print(f"kumiki: there is no command {name!r}\n{_help()}", file=sys.stderr)
        sys.exit(_USAGE)
    try:
        # This takes most of a second. Nothing has been started yet, so there is nothing to end, and no trace to show.
        app = importlib.import_module(_COMMANDS[name][0]).app
    except KeyboardInterrupt:
        sys.exit(130)
    app(args=arguments[1:], prog_name=f"kumiki {name}")


def _help() -> str:
    width = max(map(len, _COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, (_, what) in _COMMANDS.items()]
    return "\n".join(["usage: kumiki COMMAND STACK [OPTION ...]", *lines, "kumiki COMMAND --help says what it takes."])


if __name__ == "__main__":
    main()
