"""What the engine starts as `pulumi-resource-aws`: it has the account open a port, tells it, and waits.

The provider itself is in the account's process (`account`), which lives as long as the run. This one is small, so that
each command of the CLI starts it at once, and it is careful: nobody may take it for the real provider.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Client
from pathlib import Path

from engine.marks import BACKEND, NAME, SWITCH, run_in, socket_in


class NotThisRunError(Exception):
    """Whoever starts the plug-in is not the run that it belongs to."""


def folder_of(environment: Mapping[str, str]) -> Path:
    """The folder of the run that this process belongs to.

    :raises NotThisRunError: It belongs to none, or its states are kept elsewhere than those of the run.
    """
    given = environment.get(SWITCH)
    if not given:
        raise NotThisRunError(
            f"{SWITCH} is not set: this is no real provider of AWS and works only within `kumiki engine`; "
            "take its folder off the PATH"
        )
    try:
        run = run_in(Path(given))
    except (OSError, ValueError, TypeError):
        raise NotThisRunError(f"{SWITCH}={given}: no run of `kumiki engine` is there (any more)") from None
    backend = environment.get(BACKEND)
    if backend != run.backend:
        raise NotThisRunError(
            f"{BACKEND} is {backend or 'not set'}, and the states of this account are in {run.backend}: "
            "real and emulated resources would be mixed"
        )
    return Path(given)


def main(arguments: Sequence[str]) -> int:
    """`arguments` are the engine's: its address is the last that is no option."""
    try:
        folder = folder_of(os.environ)
    except NotThisRunError as refusal:
        print(f"{NAME}: {refusal}", file=sys.stderr)
        return 2
    engine = next((one for one in reversed(arguments) if not one.startswith("-")), "")
    try:
        with Client(socket_in(folder), "AF_UNIX") as account:
            account.send(("open", engine))
            print(account.recv(), flush=True)
            # Until the account ends, or the engine ends this process: then the account closes the port.
            account.recv()
    except (OSError, EOFError):
        print(f"{NAME}: the process of the account has ended; start `kumiki engine` again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
