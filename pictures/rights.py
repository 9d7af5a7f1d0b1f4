"""What each role of a stack may do, in words that a person reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pictures.model import Report

_ROLE: Final = "aws:iam/role:Role"
_ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
_ATTACHMENT: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_POLICY: Final = "aws:iam/policy:Policy"
_UNREAD: Final = "a policy that is not known before AWS has made it"


@dataclass(frozen=True)
class Right:
    """One statement of a policy."""

    allows: bool
    actions: tuple[str, ...]
    """Each service with its actions: `s3: GetObject, PutObject`."""
    on: tuple[str, ...]
    """Resources, without the parts of an ARN that all have."""
    where: tuple[str, ...]
    """Conditions: `kms:ViaService is s3.eu-west-1.amazonaws.com`."""


@dataclass(frozen=True)
class Principal:
    """A role, who takes it, and what it may do."""

    name: str
    taken_by: tuple[str, ...]
    rights: tuple[Right, ...]
    besides: tuple[str, ...]
    """Policies whose text stands elsewhere, such as those of AWS."""


def principals(report: Report) -> list[Principal]:
    """All roles of a stack by name."""
    rows = report["resources"]
    policies = {row["outputs"].get("arn"): row for row in rows if row["type"] == _POLICY}
    return [
        _principal(row, rows, policies) for row in sorted(rows, key=lambda one: one["name"]) if row["type"] == _ROLE
    ]


def _principal(
    role: Mapping[str, Any], rows: list[Mapping[str, Any]], policies: Mapping[Any, Mapping[str, Any]]
) -> Principal:
    rights: list[Right] = []
    besides: list[str] = []
    for row in rows:
        if str(row["inputs"].get("role")) not in (role["id"], role["outputs"].get("name")):
            continue
        if row["type"] == _ROLE_POLICY:
            document = row["inputs"].get("policy")
        elif row["type"] == _ATTACHMENT:
            arn = row["inputs"].get("policyArn")
            if arn not in policies:
                besides.append(str(arn))
                continue
            document = policies[arn]["inputs"].get("policy")
        else:
            continue
        found = list(_statements(document))
        rights += [_right(one) for one in found]
        besides += [] if found else [_UNREAD]
    taken_by = {
        who for one in _statements(role["inputs"].get("assumeRolePolicy")) for who in _who(one.get("Principal"))
    }
    return Principal(role["name"], tuple(sorted(taken_by)), tuple(rights), tuple(sorted(besides)))


def _statements(document: Any) -> Iterator[Mapping[str, Any]]:
    try:
        content = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        return
    several = _several(content.get("Statement")) if isinstance(content, dict) else []
    yield from (one for one in several if isinstance(one, dict))


def _right(statement: Mapping[str, Any]) -> Right:
    services: dict[str, list[str]] = {}
    negated = "NotAction" in statement
    for action in _several(statement.get("NotAction" if negated else "Action")):
        service, _, verb = str(action).partition(":")
        services.setdefault(service, []).append(verb or "*")
    except_ = "all but " if negated else ""
    resources = _several(statement.get("NotResource", statement.get("Resource", "*")))
    others = "all but " if "NotResource" in statement else ""
    conditions = statement.get("Condition")
    return Right(
        allows=statement.get("Effect") == "Allow",
        actions=tuple(f"{except_}{service}: {', '.join(sorted(verbs))}" for service, verbs in sorted(services.items())),
        on=tuple(others + _short(str(one)) for one in resources),
        where=tuple(
            f"{key} {operator} {', '.join(str(each) for each in _several(value))}"
            for operator, tests in (conditions.items() if isinstance(conditions, dict) else ())
            for key, value in (tests.items() if isinstance(tests, dict) else ())
        ),
    )


def _who(principal: Any) -> Iterator[str]:
    if isinstance(principal, dict):
        yield from (str(one) for several in principal.values() for one in _several(several))
    elif principal is not None:
        yield str(principal)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _short(arn: str) -> str:
    """`s3 kumiki-dev-config/*` of the ARN of these objects."""
    parts = arn.split(":", 5)
    if arn == "*":
        return "everything"
    return f"{parts[2]} {parts[5]}" if len(parts) == 6 else arn
