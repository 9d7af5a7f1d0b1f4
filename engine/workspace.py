"""The folder of a run: a backend, a home of the CLI's, the stand-in on the PATH, and the project by links.

The CLI writes into stack files (a salt, settings), so those are copies; all else leads to the project's own files.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from costs.files import stack_file, stack_names
from engine.marks import BACKEND, PLUGIN, SWITCH

ROOT: Final = Path(__file__).resolve().parents[1]
_PASSPHRASE: Final = "emulated"  # noqa: S105 it protects nothing but stand-ins
_OF_ANOTHER_BACKEND: Final = ("secretsprovider", "encryptedkey", "encryptionsalt", "environment")
_NOT_LINKED: Final = (".git",)


@dataclass(frozen=True)
class Workspace:
    """What a run has on disk."""

    folder: Path
    program: Path
    """The project that it is made from."""
    secrets: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """For each stack, the keys of its secret settings."""

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def backend(self) -> str:
        return f"file://{self.folder / 'state'}"

    @property
    def variables(self) -> dict[str, str]:
        """What a person has to set so that the CLI works in this run, and nowhere else."""
        return {
            SWITCH: str(self.folder),
            BACKEND: self.backend,
            "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_CHECKPOINT_BACKUPS": "true",
            # Only then a command writes its events into a file, as for the Automation API.
            "PULUMI_DEBUG_COMMANDS": "true",
            # The providers that a program needs are here, and nothing is fetched.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PATH": os.pathsep.join([str(self.folder / "path"), str(Path(sys.executable).parent), os.environ["PATH"]]),
        }

    @property
    def quick(self) -> dict[str, str]:
        """What a run sets for itself besides: the state is written at the end of a command, and not at each resource,
        which would take as long as all the rest."""
        return {**self.variables, "PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


def prepare(folder: Path, program: Path) -> Workspace:
    """Fill `folder` for a run of the project in `program`."""
    made = Workspace(folder, program)
    for name in ("state", "home", "path", "project"):
        (folder / name).mkdir()
    script = folder / "path" / PLUGIN
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m engine.plugin "$@"\n', encoding="utf-8"
    )
    script.chmod(0o755)
    files = {stack_file(program, name).relative_to(program): name for name in stack_names(program)}
    own = {path.parts[0] for path in files} | {"Pulumi.yaml", *_NOT_LINKED}
    for entry in program.iterdir():
        if entry.name not in own:
            (made.project / entry.name).symlink_to(entry.resolve())
    shutil.copyfile(program / "Pulumi.yaml", made.project / "Pulumi.yaml")
    for path, name in files.items():
        (made.project / path).parent.mkdir(parents=True, exist_ok=True)
        content, made.secrets[name] = _without_secrets((program / path).read_text(encoding="utf-8"))
        (made.project / path).write_text(content, encoding="utf-8")
    return made


def _without_secrets(text: str) -> tuple[str, list[str]]:
    """A stack's file without what another backend has enciphered, and the keys of that."""
    content: dict[str, Any] = yaml.safe_load(text) or {}
    config = content.get("config") or {}
    secret = [key for key, value in config.items() if isinstance(value, dict) and set(value) == {"secure"}]
    if not secret and not set(_OF_ANOTHER_BACKEND) & set(content):
        return text, []
    left = {key: value for key, value in config.items() if key not in secret}
    kept = {key: value for key, value in content.items() if key not in _OF_ANOTHER_BACKEND}
    return yaml.safe_dump({**kept, "config": left}, sort_keys=False), secret
