"""Policy documents: IAM, bucket, key and endpoint policies all have the same shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from guardrails.kit.values import Props

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANYONE = "*"


class MalformedPolicyError(Exception):
    """The text is not a policy document; the evaluator turns this into a finding."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement, its one-or-many fields as tuples."""

    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]
    """Kind (AWS, Service, Federated …) and value; everybody is ("AWS", "*")."""

    not_principals: bool
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Operator, key in lower case, values."""

    @property
    def narrowed_by(self) -> frozenset[str]:
        """The keys, in lower case, on which the request must match. A negation excludes a few and admits the rest, and
        `IfExists`, `ForAllValues` and `*` admit a request without the key."""
        return frozenset(
            key
            for operator, key, values in self.conditions
            if not ("Not" in operator or operator == "Null" or operator.endswith("IfExists") or "*" in values)
            and not operator.startswith("ForAllValues:")
        )

    @property
    def is_for_anyone(self) -> bool:
        return self.not_principals or any(value == ANYONE for kind, value in self.principals if kind == "AWS")

    def services(self) -> Iterator[str]:
        return (value for kind, value in self.principals if kind == "Service")

    def covers(self, actions: Iterable[str]) -> list[str]:
        """Which of `actions` the statement names, by itself or with a wildcard."""
        if self.not_actions:
            return [a for a in actions if not any(_matches(a, pattern) for pattern in self.not_actions)]
        return [a for a in actions if any(_matches(a, pattern) for pattern in self.actions)]


def statements(props: Props, path: str) -> list[Statement]:
    """The statements of the document at `path`: JSON text or a mapping; none if nothing is set. Raises NotYetKnown."""
    value = props.get(path)
    if value is None or value == "":
        return []
    document: Any = value.raw if isinstance(value, Props) else value
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            raise MalformedPolicyError(f"{path} is not JSON") from None
    if not isinstance(document, dict):
        raise MalformedPolicyError(f"{path} is not a policy document")
    found = Props(document).items("Statement")
    if not len(found):
        raise MalformedPolicyError(f"{path} has no Statement")
    return [_statement(each) for each in found.blocks()]


def _statement(given: Props) -> Statement:
    return Statement(
        allows=given.text("Effect") == "Allow",
        actions=tuple(given.items("Action").texts()),
        not_actions=tuple(given.items("NotAction").texts()),
        resources=tuple(given.items("Resource").texts()),
        not_resources=tuple(given.items("NotResource").texts()),
        principals=tuple(_principals(given)),
        not_principals=given.has("NotPrincipal"),
        conditions=tuple(_conditions(given)),
    )


def _principals(given: Props) -> Iterator[tuple[str, str]]:
    principal = given.get("Principal")
    if isinstance(principal, str):
        yield "AWS", principal
    elif isinstance(principal, Props):
        for kind in principal.keys():  # noqa: SIM118 - not a dict
            for value in principal.items(kind).texts():
                yield kind, value


def _conditions(given: Props) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    condition = given.get("Condition")
    if isinstance(condition, Props):
        for operator in condition.keys():  # noqa: SIM118 - not a dict
            tests = condition.get(operator)
            if not isinstance(tests, Props):
                raise MalformedPolicyError(f"the condition {operator} is not a mapping")
            for key in tests.raw:
                # A condition key may hold dots, so it is no path.
                values = Props({"of": tests.raw[key]}).items("of")
                yield operator, key.lower(), tuple(str(value).lower() for value in values)


def _matches(action: str, pattern: str) -> bool:
    return fnmatchcase(action.lower(), pattern.lower())
