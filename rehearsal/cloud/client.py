"""The client of the cloud process, and what it sends and receives."""

from __future__ import annotations

import threading
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Literal

from rehearsal.problems import RehearsalError, RequestError


@dataclass(frozen=True)
class CreateRequest:
    """A resource to create."""

    urn: str
    type: str
    name: str
    region: str
    inputs: dict[str, Any]
    tags: dict[str, str]
    unknown: tuple[str, ...] = ()
    """Inputs that were given and whose values nobody knows; they are not among `inputs`."""


Status = Literal["emulated", "validated", "skipped"]


@dataclass(frozen=True)
class RecordedCall:
    """A request to AWS, without its content."""

    service: str
    """As boto3 calls it."""
    operation: str
    region: str
    about: dict[str, str]
    """The members of the request that name things: `QueueName`, `RoleName`, `ResourceArn` and the like."""
    tagged: bool
    """Whether the request carries tags."""

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "operation": self.operation,
            "region": self.region,
            "about": self.about,
            "tagged": self.tagged,
        }


@dataclass(frozen=True)
class CreateResult:
    """A resource as the emulated account has it."""

    id: str
    outputs: dict[str, Any]
    status: Status
    left_out: list[str]
    reason: str | None = None
    calls: list[RecordedCall] = field(default_factory=list)
    """What was asked of AWS for it, each request once."""
    unmapped: list[str] = field(default_factory=list[str])
    """Inputs that the SDK knows and no request carries."""
    existing: list[str] = field(default_factory=list[str])
    """Ids in its inputs that nothing has made, taken as existing."""
    failed: bool = False
    """Whether the rehearsal could not make it, for a reason of its own; id and outputs are the asker's to make up."""


@dataclass(frozen=True)
class CheckResult:
    """What the provider would add to a resource's inputs before anything is created."""

    added: dict[str, Any]
    known_type: bool


class Cloud:
    """A pass's way to the cloud process. Every method may raise `RehearsalError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.looked_up: list[RecordedCall] = []
        """What look-ups asked of AWS."""

    def _ask(self, *question: Any) -> Any:
        with self._lock:
            self._connection.send(question)
            answer = self._connection.recv()
        if isinstance(answer, RehearsalError):
            raise answer
        return answer

    def check(self, urn: str, type_: str, name: str, given: list[str]) -> CheckResult:
        return self._ask("check", urn, type_, name, given)

    def create(self, request: CreateRequest) -> CreateResult:
        return self._ask("create", request)

    def look_up(self, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
        answer, calls = self._ask("look_up", region, token, args)
        self.looked_up += [one for one in calls if one not in self.looked_up]
        return answer

    def made_up(self, values: Any) -> None:
        """Take note of ids and ARNs that stand for what nothing has made."""
        self._ask("made_up", values)

    def read(self, identifier: str, properties: dict[str, Any]) -> None:
        """Take note of a resource that the program reads rather than creates."""
        self._ask("read", identifier, properties)

    def never_made(self) -> list[tuple[str, str]]:
        return self._ask("never_made")

    def serve(self, port: int) -> str:
        """Open the account on a local port; returns its address."""
        return self._ask("serve", port)


def internal_error(error: Exception) -> RequestError:
    """A fault of the rehearsal's, not of the program's."""
    message = f"the rehearsal itself failed: {type(error).__name__}: {error}"
    return RequestError(message, "run again with --debug to see where", traceback.format_exc())
