"""The commonest rule: one input must have one of a few values. A line of a table instead of a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from guardrails.kit.examples import aws, example
from guardrails.kit.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NotRequired

    from guardrails.kit.examples import Example
    from guardrails.kit.resources import Context, Resource


class _Facts(TypedDict):
    id: str
    title: str
    types: tuple[str, ...]
    path: str
    """The input, with dots into blocks."""

    wanted: tuple[Any, ...]
    """The values that are in order."""

    wrong: Any
    """A value that is not, for the example."""

    default: NotRequired[Any]
    """What counts where nothing is set; nothing set is wrong by itself."""

    says: str
    """The finding."""

    why: str
    level: str
    severity: str
    topics: tuple[str, ...]
    remedy: str
    references: NotRequired[tuple[str, ...]]
    environments: NotRequired[tuple[str, ...]]
    mends: NotRequired[bool]
    """Whether setting the first wanted value is a safe remediation."""


def setting(**facts: Unpack[_Facts]) -> Rule:
    """A rule that looks at one input of a resource. Its examples are made from what is wanted and what is wrong."""
    path, wanted, default = facts["path"], facts["wanted"], facts.get("default")
    says = facts["says"]

    def check(resource: Resource, _at: Context) -> Iterator[str]:
        if resource.props.get(path, default) not in wanted:
            yield says

    environments = facts.get("environments", ())

    def examples(values: list[dict[str, Any]]) -> list[Example]:
        return [
            example(aws(type_.removeprefix("aws:"), value), environment=environments[0] if environments else "dev")
            for type_ in facts["types"]
            for value in values
        ]

    unset: list[dict[str, Any]] = [{}]
    return Rule(
        id=facts["id"],
        title=facts["title"],
        judges=facts["why"],
        level=facts["level"],
        severity=facts["severity"],
        topics=facts["topics"],
        remedy=facts["remedy"],
        types=facts["types"],
        references=facts.get("references", ()),
        environments=environments,
        check=check,
        remediate=(lambda _resource, _at: _nested(path, wanted[0])) if facts.get("mends") else None,
        compliant=examples([_nested(path, wanted[0]), *(unset if default in wanted else [])]),
        non_compliant=examples([_nested(path, facts["wrong"]), *([] if default in wanted else unset)]),
    )


def _nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value
