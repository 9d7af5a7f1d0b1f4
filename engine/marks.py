"""What a run and the plug-in that the engine starts for it agree on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

SWITCH: Final = "KUMIKI_ENGINE"
"""The environment variable without which the plug-in refuses to start: the folder of a run."""
BACKEND: Final = "PULUMI_BACKEND_URL"
NAME: Final = "emulated AWS (kumiki engine)"
"""How the stand-in calls itself wherever it says something."""
PLUGIN: Final = "pulumi-resource-aws"
_FILE: Final = "run.json"
_SOCKET: Final = "account"


@dataclass(frozen=True)
class Run:
    """A run, as its folder tells it."""

    backend: str
    """The only backend whose states are of this account."""
    account: int
    """The account's process."""

    def write(self, folder: Path) -> None:
        (folder / _FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")


def run_in(folder: Path) -> Run:
    """The run in a folder; `OSError`, `ValueError` or `TypeError` where there is none."""
    return Run(**json.loads((folder / _FILE).read_text(encoding="utf-8")))


def socket_in(folder: Path) -> str:
    """Where the account's process is asked."""
    return str(folder / _SOCKET)
