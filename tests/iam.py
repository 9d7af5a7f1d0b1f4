"""What policy documents allow: enough of IAM's evaluation for the documents that this project writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Document = Mapping[str, Any]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed(documents: Iterable[Document], action: str, resource: str, **context: str) -> bool:
    """Whether a role with these documents may do `action` on `resource`; `context` holds condition keys, whose colons
    are written as two underscores (`iam__PassedToService`)."""
    keys = {key.replace("__", ":").lower(): value for key, value in context.items()}
    every = [one for document in documents for one in document["Statement"]]
    matching = [one for one in every if _matches(one, action, resource) and _holds(one.get("Condition", {}), keys)]
    return bool(matching) and all(one["Effect"] == "Allow" for one in matching)


def _matches(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in listed(statement["Action"])) and any(
        fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"])
    )


def _holds(condition: Mapping[str, Mapping[str, Any]], keys: Mapping[str, str]) -> bool:
    for operator, tests in condition.items():
        for key, values in tests.items():
            given = keys.get(key.lower())
            match operator:
                case "StringEquals" | "Bool":
                    holds = given in listed(values)
                case "StringLike" | "ArnLike" | "ArnEquals":
                    holds = given is not None and any(fnmatchcase(given, pattern) for pattern in listed(values))
                case _:
                    raise NotImplementedError(f"the tests do not know the operator {operator}")
            if not holds:
                return False
    return True


def assumable(trust: Document, provider: str, **claims: str) -> bool:
    """Whether somebody with a web identity of `provider` and these claims may assume the role."""
    keys = {f"{provider.partition('oidc-provider/')[2]}:{claim}".lower(): value for claim, value in claims.items()}
    return any(
        one["Effect"] == "Allow"
        and one["Principal"] == {"Federated": provider}
        and one["Action"] == "sts:AssumeRoleWithWebIdentity"
        and _holds(one.get("Condition", {}), keys)
        for one in trust["Statement"]
    )
