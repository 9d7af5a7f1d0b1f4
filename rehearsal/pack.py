"""The policy pack's process, started as the Pulumi engine starts it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from rehearsal.lifeline import FOLLOW
from rehearsal.problems import PolicyPackError, RehearsalError, SettingsError


@dataclass(frozen=True)
class Choice:
    """How one policy, or all of them, is to be applied."""

    level: str | None
    properties: dict[str, Any]


ALL: Final = "all"
LEVELS: Final = ("advisory", "mandatory", "disabled", "remediate")


def choices_in(file: Path) -> dict[str, Choice]:
    """What a file for `--policy-pack-config` says, by policy; the form is that of `pulumi up`.

    https://www.pulumi.com/docs/insights/policy/configuration/
    """

    def invalid(what: str) -> RehearsalError:
        form = '{"all": "advisory", "name-length": {"enforcementLevel": "mandatory"}}'
        return SettingsError(f"--policy-pack-config {file}: {what}", f"write policies and their levels, such as {form}")

    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise invalid(f"it cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise invalid(str(error)) from None
    if not isinstance(said, dict):
        raise invalid("is not an object")
    choices = {}
    for policy, wanted in said.items():
        given = {"enforcementLevel": wanted} if isinstance(wanted, str) else wanted
        if not isinstance(given, dict):
            raise invalid(f"{policy!r} has neither a level nor an object")
        level = given.get("enforcementLevel")
        if level is not None and level not in LEVELS:
            raise invalid(f"{policy!r} has the level {level!r}, which is none of {', '.join(LEVELS)}")
        choices[policy] = Choice(level, {key: value for key, value in given.items() if key != "enforcementLevel"})
    return choices


@dataclass(frozen=True)
class StartedPack:
    """A starting policy pack, for whoever has not started it. It prints its port once it has imported its rules."""

    said: IO[str]
    errors: IO[str]
    folder: Path
    choices: Mapping[str, Choice]
    """What somebody wants otherwise than the pack has it, by policy."""

    def port(self) -> int:
        """Wait until the pack serves; `RehearsalError` with its last words if it does not."""
        line = self.said.readline().strip()
        if line.isdigit():
            return int(line)
        self.errors.seek(0)
        words = [text for text in self.errors.read().splitlines() if text.strip()] or [
            f"it printed {line!r} instead of its port"
        ]
        raise PolicyPackError(
            f"the policy pack in {self.folder} does not start: {words[-1].strip()}",
            "run `python __main__.py` in that folder to see the whole error",
        )


@dataclass(frozen=True)
class PackProcess:
    """A policy pack and its process."""

    process: subprocess.Popen[str]
    errors: IO[str]
    folder: Path
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """What somebody wants otherwise than the pack has it, by policy."""

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        project: str,
        stack: str,
        config: dict[str, str],
        dry_run: bool,
        environment: dict[str, str],
        lifeline: int,
        choices: Mapping[str, Choice] | None = None,
    ) -> PackProcess:
        """`lifeline` is a descriptor to read from: at its end, the pack ends."""
        environment = {
            **environment,
            "PULUMI_PROJECT": project,
            "PULUMI_STACK": stack,
            "PULUMI_ORGANIZATION": "organization",
            "PULUMI_DRY_RUN": "true" if dry_run else "false",
            "PULUMI_CONFIG": json.dumps(config),
        }
        errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 read by another process, closed by stop()
        # No engine listens at this address: the SDK wants one to log to, and policies report by answering.
        process = subprocess.Popen(  # noqa: S603 the interpreter that runs this, and a text of ours
            [sys.executable, "-u", "-c", FOLLOW, "127.0.0.1:1", "."],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=lifeline,
            text=True,
            # Ctrl-C is for the rehearsal, which then ends the pack itself.
            start_new_session=True,
        )
        return cls(process, errors, folder, choices or {})

    @property
    def started(self) -> StartedPack:
        assert self.process.stdout is not None
        return StartedPack(self.process.stdout, self.errors, self.folder, self.choices)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.errors.close()
