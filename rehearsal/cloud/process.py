"""The cloud process: one emulated account for all passes, and the client they reach it by.

It is a process of its own so that importing moto overlaps with importing the provider's SDK, and so that what one
pass does to Python's state cannot reach another.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final, Literal

from rehearsal.problems import Refused

if TYPE_CHECKING:
    from rehearsal.cloud.account import Account

_SUFFIX_LENGTH: Final = 7
"""Hexadecimal digits that Pulumi appends to a name it makes, after a hyphen."""


@dataclass(frozen=True)
class Wanted:
    """A resource to create."""

    urn: str
    type: str
    name: str
    region: str
    inputs: dict[str, Any]
    tags: dict[str, str]


Status = Literal["emulated", "modelled", "skipped"]


@dataclass(frozen=True)
class Created:
    """A resource as the emulated account has it."""

    id: str
    outputs: dict[str, Any]
    status: Status
    left_out: list[str]
    reason: str | None = None


@dataclass(frozen=True)
class Checked:
    """What the provider would add to a resource's inputs before anything is created."""

    added: dict[str, Any]
    known_type: bool


class Cloud:
    """A pass's way to the cloud process. Every method may raise `Refused`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def _ask(self, *question: Any) -> Any:
        with self._lock:
            self._connection.send(question)
            answer = self._connection.recv()
        if isinstance(answer, Refused):
            raise answer
        return answer

    def check(self, urn: str, type_: str, name: str, given: list[str]) -> Checked:
        return self._ask("check", urn, type_, name, given)

    def create(self, wanted: Wanted) -> Created:
        return self._ask("create", wanted)

    def look_up(self, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
        return self._ask("look_up", region, token, args)

    def read(self, identifier: str, properties: dict[str, Any]) -> None:
        """Take note of a resource that the program reads rather than creates."""
        self._ask("read", identifier, properties)

    def never_made(self) -> list[tuple[str, str]]:
        return self._ask("never_made")

    def serve(self, port: int) -> str:
        """Open the account on a local port; returns its address."""
        return self._ask("serve", port)


def main(connections: list[Connection], stand_ins: list[str], region: str | None) -> None:
    """Answer questions until every asker has gone. `stand_ins` are ids of things that exist already; `region` is where
    most questions will be about, as far as that is known."""
    served = _Server(stand_ins)
    served.expect(region)
    open_connections = list(connections)
    while open_connections:
        for connection in wait(open_connections):
            assert isinstance(connection, Connection)
            try:
                question = connection.recv()
            except (EOFError, OSError):
                open_connections.remove(connection)
                continue
            connection.send(served.answer(*question))


def own_fault(error: Exception) -> Refused:
    """A fault of the rehearsal's, not of the program's."""
    message = f"the rehearsal itself failed: {type(error).__name__}: {error}"
    return Refused("request", message, "run again with --debug to see where", traceback.format_exc())


class _Server:
    """The account and what is remembered about it."""

    def __init__(self, stand_ins: list[str]) -> None:
        # Imported here: this is what takes the time, and only this process needs it.
        from rehearsal.cloud.account import Account  # noqa: PLC0415
        from rehearsal.cloud.references import References  # noqa: PLC0415
        from rehearsal.cloud.specs import spec_of  # noqa: PLC0415

        self._account: Account = Account()
        self._references = References()
        self._spec_of = spec_of
        self._stand_ins = stand_ins
        self._references.produced(stand_ins)

    def expect(self, region: str | None) -> None:
        """Make ready, while the program still loads, what its first questions would wait for."""
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 as above

        if region is not None:
            # What is wrong with the region is for the program, or its first resource, to say.
            with contextlib.suppress(LookupError, ValueError, BotoCoreError):
                self._account.client("ec2", region)

    def answer(self, question: str, *arguments: Any) -> Any:
        try:
            return getattr(self, f"_{question}")(*arguments)
        except Refused as refused:
            return refused
        except Exception as error:  # noqa: BLE001 must reach the report with its resource, not end the process
            return own_fault(error)

    def _check(self, urn: str, type_: str, name: str, given: list[str]) -> Checked:
        spec = self._spec_of(type_)
        if spec is None:
            return Checked({}, known_type=False)
        added: dict[str, Any] = {}
        if spec.autoname is not None and spec.autoname not in given and f"{spec.autoname}Prefix" not in given:
            suffix = hashlib.sha256(urn.encode()).hexdigest()[:_SUFFIX_LENGTH]
            added[spec.autoname] = spec.autoname_form(f"{name}-{suffix}", given)
        return Checked(added, known_type=True)

    def _create(self, wanted: Wanted) -> Created:
        from rehearsal.cloud.creation import Making, create  # noqa: PLC0415

        self._prepare(wanted.region)
        missing = sorted(set(self._references.missing(wanted.urn, wanted.inputs)))
        if missing:
            raise Refused(
                "reference",
                f"refers to {', '.join(missing)}, which nothing in this stack has made",
                "pass the output of the resource that makes it; name what exists already in the stack file",
            )
        making = Making(self._account, wanted.urn, wanted.type, wanted.name, wanted.region, wanted.inputs, wanted.tags)
        spec = self._spec_of(wanted.type)
        assert spec is not None, "the passes ask for types that `check` knows"
        created = create(spec, making)
        names = {key: value for key, value in wanted.inputs.items() if key in ("name", "bucket")}
        self._references.produced([created.id, created.outputs, names])
        return created

    def _look_up(self, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
        from rehearsal.cloud.lookups import look_up  # noqa: PLC0415

        self._prepare(region)
        answer = look_up(self._account, region, token, args)
        self._references.produced(answer)
        return answer

    def _prepare(self, region: str) -> None:
        """What exists already stands where the stack works: in the region that it uses first."""
        if self._stand_ins:
            from rehearsal.cloud.existing import stand_in  # noqa: PLC0415

            identifiers, self._stand_ins = self._stand_ins, []
            stand_in(self._account, region, identifiers)

    def _read(self, identifier: str, properties: dict[str, Any]) -> None:
        if not self._references.has(identifier):
            # What refers to it is checked, and not asked of an account that does not have it.
            self._account.modelled.add(identifier)
        self._references.produced([identifier, properties])

    def _never_made(self) -> list[tuple[str, str]]:
        return list(self._references.never_made())

    def _serve(self, port: int) -> str:
        from moto.server import ThreadedMotoServer  # noqa: PLC0415

        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        server.start()
        host, bound = server.get_host_and_port()
        return f"http://{host}:{bound}"
