"""The Pulumi CLI: found, old enough, and its commands with what they tell as events."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rehearsal.problems import SettingsError

OLDEST: Final = (3, 249, 0)
"""The first CLI whose answers this reads."""
_INSTALL: Final = "install it as https://www.pulumi.com/docs/install/ says, then start again"
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_COLOURS: Final = re.compile(r"<\{%[^%]*%\}>")
_ON_PATH: Final = re.compile(r"using pulumi-\S+ from \$PATH")
"""What the CLI warns of wherever a plug-in is not one that it fetched."""
_SAME: Final = ("same", "read", "refresh")


@dataclass(frozen=True)
class Step:
    """What one command did."""

    status: int
    seconds: float
    changes: Mapping[str, int]
    """How many resources by what was done with them: `create`, `update`, `same` and so on."""
    touched: Mapping[str, tuple[str, tuple[str, ...]]]
    """What was done with each resource that did not stay as it was, and the properties behind it."""
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    violations: tuple[str, ...]
    """What mandatory policies say."""
    advice: int
    """How much the others say."""
    said: str
    """Its last words, where nothing else tells why it failed."""

    @property
    def changed(self) -> dict[str, int]:
        """What did not stay as it was."""
        return {name: count for name, count in self.changes.items() if name not in _SAME and count}


@dataclass(frozen=True)
class Cli:
    """The CLI on the PATH, in one project and one environment."""

    command: str
    version: str
    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def plain(self, *arguments: str) -> str:
        """What a command that makes no deployment prints.

        :raises SettingsError: It fails.
        """
        done = self._start(arguments)
        said, errors = done.communicate()
        if done.returncode:
            last = [line for line in errors.splitlines() if line.strip()]
            raise SettingsError(f"pulumi {' '.join(arguments)}: {last[-1] if last else f'status {done.returncode}'}")
        return said

    def deploy(self, log: Path, *arguments: str) -> Step:
        """Run a command that deploys, and read what it did."""
        started = time.perf_counter()
        process = self._start([*arguments, "--event-log", str(log)])
        try:
            said, errors = process.communicate()
        except KeyboardInterrupt:
            # Once: it stops after what is under way and writes its state; a second time it would leave both.
            process.send_signal(signal.SIGINT)
            process.communicate()
            raise
        return _step(log, process.returncode, time.perf_counter() - started, errors or said)

    def _start(self, arguments: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 the CLI that the user has
            [self.command, "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # What the terminal says is for the run, which passes it on.
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )


def find(folder: Path, environment: Mapping[str, str]) -> Cli:
    """:raises SettingsError: There is no CLI on the PATH, or an older one than this reads."""
    command = shutil.which("pulumi", path=environment["PATH"])
    if command is None:
        raise SettingsError(
            "there is no `pulumi` on the PATH: this runs the real engine, which the CLI brings", _INSTALL
        )
    try:
        told = subprocess.run(  # noqa: S603 as above
            [command, "version"], capture_output=True, text=True, check=True, env=dict(environment), timeout=60
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise SettingsError(f"{command} does not say its version: {error}", _INSTALL) from None
    found = _VERSION.match(told)
    if found is None or tuple(map(int, found.groups())) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise SettingsError(f"{command} is {told or 'of no version'}, and this needs {wanted} or newer", _INSTALL)
    return Cli(command, told.removeprefix("v"), folder, environment)


def _step(log: Path, status: int, seconds: float, last_words: str) -> Step:
    changes: Counter[str] = Counter()
    touched: dict[str, tuple[str, tuple[str, ...]]] = {}
    errors: dict[str, None] = {}
    warnings: dict[str, None] = {}
    violations: dict[str, None] = {}
    advice = 0
    for event in _events(log):
        if (summary := event.get("summaryEvent")) is not None:
            changes.update(summary.get("resourceChanges") or {})
        elif (before := event.get("resourcePreEvent")) is not None:
            one = before["metadata"]
            if one["op"] not in _SAME:
                touched.setdefault(one["urn"], (one["op"], tuple(one.get("diffs") or one.get("keys") or ())))
        elif (told := event.get("diagnosticEvent")) is not None:
            kept = {"error": errors, "warning": warnings}.get(told.get("severity", ""))
            if kept is not None and not _ON_PATH.match(line := _line(told)):
                kept[line] = None
        elif (policy := event.get("policyEvent")) is not None:
            if policy.get("enforcementLevel") == "mandatory":
                violations[f"{policy.get('policyName')}: {_line(policy)}"] = None
            else:
                advice += 1
    words = "\n".join(line for line in last_words.splitlines() if line.strip())
    return Step(
        status,
        seconds,
        dict(changes),
        touched,
        tuple(errors),
        tuple(warnings),
        tuple(violations),
        advice,
        words[-2000:],
    )


def _events(log: Path) -> list[dict[str, Any]]:
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except OSError:
        # A command that is refused writes none.
        return []
    return [json.loads(line) for line in lines if line.strip()]


def _line(event: Mapping[str, Any]) -> str:
    urn = event.get("urn") or event.get("resourceUrn") or ""
    text = _COLOURS.sub("", event.get("message", "")).strip()
    return f"{urn.rpartition('::')[2]}: {text}" if urn else text
