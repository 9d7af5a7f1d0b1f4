"""A stack deployed on the emulated AWS, for tests of what is there then, by `kumiki rehearse --serve`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from kumiki.where import PARTS

_ADDRESS: Final = "The emulated account is at "


@dataclass
class Rehearsed:
    """One stack, as the rehearsal left it; its emulated account is up until the end of the tests."""

    report: dict[str, Any]
    """What `kumiki schema report` describes."""
    text: str
    """What the command said."""
    address: str | None
    """Where AWS's tools find the account; None where nothing was deployed."""

    @property
    def outputs(self) -> dict[str, Any]:
        """What the stack exports."""
        return self.report["outputs"]

    def problems(self, level: str = "error") -> list[dict[str, Any]]:
        """What was found, by level: `error` or `warning`."""
        return [one for one in self.report["problems"] if one["level"] == level]

    def resource(self, name: str) -> dict[str, Any]:
        """The resource of a name, with its type, status, inputs and outputs."""
        found = [one for one in self.report["resources"] if one["name"] == name]
        assert found, f"there is no {name} among {sorted(one['name'] for one in self.report['resources'])}"
        return found[0]

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of boto3 for this account: `client("sqs").receive_message(…)`."""
        assert self.address is not None, f"nothing was deployed:\n{self.text}"
        return self._session.client(
            service,
            region_name=region or self.report["region"],
            endpoint_url=self.address,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 it opens nothing
        )

    @cached_property
    def _session(self) -> Any:
        import boto3  # noqa: PLC0415 only who asks for a client needs it

        return boto3.Session()


class Rehearse(Protocol):
    """What the fixture `rehearsed` gives."""

    def __call__(self, stack: str | None = None, *arguments: str, program: Path | None = None) -> Rehearsed: ...


class Rehearsals:
    """Those of one run of tests: each stack is deployed once."""

    def __init__(self, folder: Path, scratch: Callable[[], Path]) -> None:
        self._folder, self._scratch = folder, scratch
        self._done: dict[tuple[Any, ...], Rehearsed] = {}
        self._running: list[subprocess.Popen[str]] = []

    def rehearse(self, stack: str | None = None, *arguments: str, program: Path | None = None) -> Rehearsed:
        """Deploy `stack` of `program`, a folder, by default that of the tests; more arguments go to the command."""
        asked = (stack, arguments, (program or self._folder).resolve())
        if asked not in self._done:
            self._done[asked] = self._start(*asked)
        return self._done[asked]

    def _start(self, stack: str | None, arguments: tuple[str, ...], program: Path) -> Rehearsed:
        file = self._scratch() / "report.json"
        named = [stack] if stack is not None else []
        options = ["--program", str(program), "--json", str(file), "--serve", "--port", "0", "--verbose"]
        process = subprocess.Popen(  # noqa: S603 our own command
            [sys.executable, "-m", "kumiki", "rehearse", *named, *options, *arguments],
            # In the repository the command is found from here.
            cwd=PARTS,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self._running.append(process)
        assert process.stdout is not None
        said, address = [], None
        for line in process.stdout:
            said.append(line)
            if line.startswith(_ADDRESS):
                address = line.removeprefix(_ADDRESS).split()[0]
                break
        text = "".join(said)
        if address is None:
            process.wait()
        # What it says from now on must not fill the pipe.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        assert file.is_file(), f"the rehearsal ended without a report:\n{text}"
        return Rehearsed(json.loads(file.read_text(encoding="utf-8")), text, address)

    def stop(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.terminate()
            process.wait()
