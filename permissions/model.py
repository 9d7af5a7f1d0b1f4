"""The permissions of one stack: for a preview, for an update, for a destruction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from permissions import actions
from permissions.backend import NO_BACKEND, Backend
from permissions.besides import CLEARS_AWAY
from permissions.needs import Asked, Need, Needed, needed
from permissions.policies import Document, Statement, documents, statements

Purpose = Literal["preview", "up", "destroy"]
ACCOUNT: Final = "123456789012"
"""The emulated account's id."""
PURPOSES: Final[tuple[Purpose, ...]] = ("preview", "up", "destroy")


@dataclass(frozen=True)
class Permissions:
    """What whoever deploys the stack must be allowed to do."""

    stack: str
    needed: Needed
    statements: Mapping[Purpose, Sequence[Statement]]

    def documents(self, purpose: Purpose) -> list[Document]:
        return documents(self.statements.get(purpose, ()))

    def actions(self, purpose: Purpose) -> list[str]:
        return sorted({action for one in self.statements.get(purpose, ()) for action in one.actions})

    @classmethod
    def none(cls, stack: str) -> Permissions:
        """Of a stack that is not there."""
        return cls(stack, Needed(), dict.fromkeys(PURPOSES, ()))

    @property
    def asked(self) -> list[Asked]:
        """What the rehearsal was seen to ask of AWS."""
        return self.needed.asked

    def as_json(self) -> dict[str, Any]:
        """The stable shape: documents by purpose, and the actions in them."""
        return {
            **{purpose: self.documents(purpose) for purpose in PURPOSES},
            "actions": {purpose: self.actions(purpose) for purpose in PURPOSES},
        }


def permissions(
    report: Mapping[str, Any],
    backend: Backend = NO_BACKEND,
    purposes: Sequence[Purpose] = PURPOSES,
    account: str | None = None,
) -> Permissions:
    """The permissions of the stack that was rehearsed, in the emulated account or in the one that is named."""
    found = needed(report if account is None else moved(report, account))
    made: dict[Purpose, list[Statement]] = {
        purpose: [
            *statements(_for(purpose, found), found.asked if purpose == "up" else ()),
            *backend.statements(purpose),
        ]
        for purpose in purposes
    }
    return Permissions(str(report["stack"]), found, made)


def moved(report: Mapping[str, Any], account: str) -> Mapping[str, Any]:
    """The report as if it were of this account."""
    return json.loads(json.dumps(report).replace(ACCOUNT, account))


def _for(purpose: Purpose, found: Needed) -> list[Need]:
    """An update deletes what it replaces, but nothing that keeps data; who destroys only reads and deletes."""
    match purpose:
        case "preview":
            return [one for one in found.needs if "read" in one.phases and actions.only_reads(one.action)]
        case "up":
            return [
                one
                for one in found.needs
                if "delete" not in one.phases or (one.urn not in found.keeps_data and one.action not in CLEARS_AWAY)
            ]
        case "destroy":
            return [one for one in found.needs if one.phases & {"read", "delete"}]
