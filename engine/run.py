"""One stack's life under the real engine: preview, update, preview, a change, refresh, destroy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any, Final

from engine.cli_process import Cli, Step, find
from engine.marks import BACKEND, Run, socket_in
from engine.workspace import ROOT, Workspace, prepare
from rehearsal.isolation import lead_to
from rehearsal.problems import ProgramError, SettingsError
from rehearsal.stacks import Stack, load

_REGION: Final = "us-east-1"
_PROTECTED: Final = "protected"


class AccountEndedError(ProgramError):
    """The process of the account has ended while somebody needed it."""


@dataclass(frozen=True)
class Told:
    """What the stand-in counted and said during a step."""

    counted: Mapping[str, int]
    said: Sequence[str]


@dataclass(frozen=True)
class Done:
    """A step as it is told."""

    name: str
    step: Step
    told: Told
    note: str = ""
    expected: bool = True
    """Whether it ended as it should: a first destruction of what is protected has to fail."""


@dataclass
class Life:
    """A run of one stack."""

    stack: Stack
    workspace: Workspace
    cli: Cli
    address: str
    account: subprocess.Popen[str]
    pack: Path | None
    _count: int = field(default=0)

    @property
    def variables(self) -> dict[str, str]:
        """What a person has to set so that the CLI, and the AWS CLI beside it, work in this run and nowhere else."""
        led: dict[str, str] = {}
        lead_to(self.address, self.stack.region or _REGION, led, "by-hand")
        return {**self.workspace.variables, **{name: value for name, value in led.items() if name.startswith("AWS_")}}

    def steps(self, settings: Mapping[str, str]) -> Iterator[Done]:
        """Each step when it is done; ends with the first that fails.

        `settings` are changes of the configuration, by their keys with a path: `kumiki:network.zones`.
        """
        packs = () if self.pack is None else ("--policy-pack", str(self.pack))
        self.begin(self.stack.name)
        yield (done := self._deploy("preview", "preview", *packs))
        if not done.expected:
            return
        yield (done := self._deploy("update", "up", "--yes", "--skip-preview", *packs))
        if not done.expected:
            return
        yield (done := self._again(packs))
        if not done.expected:
            return
        if settings:
            for key, value in settings.items():
                self.set(key, value)
            yield (done := self._deploy("preview of the change", "preview", *packs))
            if not done.expected:
                return
            yield (done := self._deploy("update by the change", "up", "--yes", "--skip-preview", *packs))
            if not done.expected:
                return
        yield (done := self._deploy("refresh", "refresh", "--yes", "--skip-preview"))
        if not done.expected:
            return

    def end(self) -> Iterator[Done]:
        """Take the stack down, as README says it is done where something is protected."""
        kept = self._protected()
        done = self._deploy("destroy", "destroy", "--yes")
        if kept and done.step.status:
            yield Done("destroy", done.step, done.told, f"refused, as it should be: {kept} resources are protected")
            if self.stack.config.get(f"{self.stack.project}:retention") == _PROTECTED:
                self.set(f"{self.stack.project}:retention", "ephemeral")
                if "lock" in json.loads(self.stack.config.get(f"{self.stack.project}:backup", "{}")):
                    # A lock keeps what would go, and the settings refuse both together.
                    self.set(f"{self.stack.project}:backup.lock", "none")
                # Without the pack, which forbids just this in production.
                release = self._deploy("release", "up", "--yes", "--skip-preview")
                yield (done := replace(release, note="retention: ephemeral, without the pack"))
                if not done.expected:
                    return
            if self._protected():
                self.cli.plain("state", "unprotect", "--all", "--yes", "--stack", self.stack.name)
            done = self._deploy("destroy", "destroy", "--yes")
        yield done

    def begin(self, stack: str) -> None:
        """Create the stack in the backend."""
        self.cli.plain("stack", "init", stack, "--secrets-provider", "passphrase")
        for key in self.workspace.secrets.get(stack, ()):
            self.cli.plain("config", "set", "--stack", stack, "--secret", key, f"secret-of-{key}")

    def set(self, key: str, value: str) -> None:
        """Change one setting of the stack, in the run's copy of its file."""
        self.cli.plain("config", "set", "--stack", self.stack.name, "--path", key, value)

    def state(self) -> dict[str, Any]:
        """The stack's state, as `pulumi stack export` has it."""
        return json.loads(self.cli.plain("stack", "export", "--show-secrets", "--stack", self.stack.name))

    def _protected(self) -> int:
        return sum(1 for one in self.state()["deployment"].get("resources", ()) if one.get("protect"))

    def _again(self, packs: Sequence[str]) -> Done:
        done = self._deploy("preview again", "preview", "--diff", *packs)
        if not done.expected:
            return done
        if done.step.changed:
            return Done(done.name, done.step, done.told, "differs from what was just deployed", expected=False)
        return Done(done.name, done.step, done.told, "no change")

    def _deploy(self, name: str, *arguments: str) -> Done:
        self._count += 1
        log = self.workspace.folder / f"events-{self._count}.json"
        step = self.cli.deploy(log, *arguments, "--stack", self.stack.name)
        return Done(name, step, self._told(), expected=step.status == 0)

    def _told(self) -> Told:
        try:
            with Client(socket_in(self.workspace.folder), "AF_UNIX") as account:
                account.send(("told",))
                return Told(*account.recv())
        except (OSError, EOFError):
            status = self.account.poll()
            raise AccountEndedError(
                f"the process of the emulated account ended{'' if status is None else f' ({_ending(status)})'}: "
                "what it held is gone",
                "start again; nothing is left running",
            ) from None


@contextmanager
def living(folder: Path, name: str, *, pack: Path | None, port: int) -> Iterator[Life]:
    """The life of a stack, with all that it needs; at its end nothing is left running.

    :raises RehearsalError: Something that it needs is not there, or would mix this with a real backend.
    """
    given = os.environ.get(BACKEND)
    if given:
        raise SettingsError(
            f"{BACKEND} is set ({given}): a run has a backend of its own, and real and emulated states must not mix",
            f"unset {BACKEND} for this command",
        )
    stack = load(folder, name)
    if not stack.main.is_file():
        raise SettingsError(f"{stack.main} does not exist", "a Pulumi Python program starts at __main__.py")
    with tempfile.TemporaryDirectory(prefix="kumiki-engine-") as made:
        place = Path(made)
        workspace = prepare(place, folder)
        environment = {**os.environ, **workspace.quick}
        cli = find(workspace.project, environment)
        with living_account(place, stack, port) as (account, address):
            Run(workspace.backend, account.pid).write(place)
            lead_to(address, stack.region or _REGION, environment, "engine")
            cli = Cli(cli.command, cli.version, cli.folder, environment)
            yield Life(stack, workspace, cli, address, account, pack)


@contextmanager
def living_account(place: Path, stack: Stack, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process of the account, and its address."""
    account = _account(place, stack, port)
    try:
        yield account, _address(account)
    finally:
        _stop(account)


def _account(place: Path, stack: Stack, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 this interpreter, and a module of ours
        [sys.executable, "-P", "-m", "engine.account", str(place), str(stack.folder), stack.name, str(port)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(place / "account.log").open("w"),
        text=True,
        # Ctrl-C is for the run, which lets the engine come to its end first.
        start_new_session=True,
    )


def _address(account: subprocess.Popen[str]) -> str:
    assert account.stdout is not None
    line = account.stdout.readline()
    if not line:
        raise AccountEndedError(f"the process of the emulated account does not start ({_ending(account.wait())})")
    return json.loads(line)["address"]


def _stop(account: subprocess.Popen[str]) -> None:
    for stream in (account.stdin, account.stdout):
        if stream is not None:
            stream.close()
    try:
        account.wait(timeout=5)
    except subprocess.TimeoutExpired:
        account.kill()
        account.wait()


def _ending(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
