"""The commonest rule: one input must be set, or have one of a few values. A line of a table instead of a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from guardrails.kit.examples import aws, example
from guardrails.kit.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NotRequired

    from guardrails.kit.context import Context
    from guardrails.kit.examples import Example
    from guardrails.kit.resources import Resource


class _Facts(TypedDict):
    id: str
    title: str
    types: tuple[str, ...]
    path: str
    """The input, with dots into blocks."""

    allowed: NotRequired[tuple[Any, ...]]
    """The values that are in order; without it any value is."""

    wrong: NotRequired[Any]
    """A value that is not, for the example."""

    value: NotRequired[Any]
    """Where any value is in order, one of them, for the example."""

    default: NotRequired[Any]
    """What counts where nothing is set; nothing set is wrong by itself."""

    message: str
    """The finding."""

    description: str
    level: str
    severity: str
    topics: tuple[str, ...]
    remedy: str
    references: NotRequired[tuple[str, ...]]
    environments: NotRequired[tuple[str, ...]]
    remediates: NotRequired[bool]
    """Whether setting the first allowed value is a safe remediation."""


def setting(**facts: Unpack[_Facts]) -> Rule:
    """A rule that looks at one input of a resource. Its examples are made from what is allowed and what is wrong."""
    path, allowed, default = facts["path"], facts.get("allowed"), facts.get("default")
    message = facts["message"]

    def check(resource: Resource, _at: Context) -> Iterator[str]:
        if not resource.props.has(path) if allowed is None else resource.props.get(path, default) not in allowed:
            yield message

    environments = facts.get("environments", ())

    def examples(values: list[dict[str, Any]]) -> list[Example]:
        return [
            example(aws(type_, value), environment=environments[0] if environments else "dev")
            for type_ in facts["types"]
            for value in values
        ]

    unset: list[dict[str, Any]] = [{}]
    right = _nested(path, facts.get("value") if allowed is None else allowed[0])
    needed = allowed is None or default not in allowed
    wrong = [_nested(path, facts["wrong"])] if "wrong" in facts else []
    return Rule(
        id=facts["id"],
        title=facts["title"],
        description=facts["description"],
        level=facts["level"],
        severity=facts["severity"],
        topics=facts["topics"],
        remedy=facts["remedy"],
        types=facts["types"],
        references=facts.get("references", ()),
        environments=environments,
        check=check,
        remediate=(lambda _resource, _at: right) if facts.get("remediates") else None,
        compliant=examples([right, *([] if needed else unset)]),
        non_compliant=examples([*wrong, *(unset if needed else [])]),
    )


def _nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value
