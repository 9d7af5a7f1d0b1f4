"""How a rule is written: a decorator with everything people and machines want to know, and a generator of findings.

    @rule(id="kms-rotation", title="Keys rotate every year", types=("aws:kms/key:Key",), ...)
    def kms_rotation(key: Resource, at: Context) -> Iterator[str]:
        if not key.props.get("enableKeyRotation"):
            yield "automatic rotation is off"

    kms_rotation.examples(compliant=[example(...)], non_compliant=[example(...)])

`rule` checks one resource by its inputs; `graph_rule` one resource together with all others, once the stack is
complete; `stack_rule` the stack as a whole. The examples are the rule's tests (tests/policies/).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NotRequired, TypeAlias, TypedDict, Unpack

from guardrails.kit.examples import Given, example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from guardrails.kit.context import Context
    from guardrails.kit.examples import Example
    from guardrails.kit.resources import Finding, Resource
    from guardrails.kit.stack import Stack

MANDATORY = "mandatory"
ADVISORY = "advisory"
REMEDIATE = "remediate"
DISABLED = "disabled"
MANDATORY_IN_PROD = "mandatory in prod, advisory elsewhere"

LEVELS = (MANDATORY, ADVISORY, MANDATORY_IN_PROD)
SEVERITIES = ("low", "medium", "high", "critical")


ResourceCheck: TypeAlias = "Callable[[Resource, Context], Iterator[str]]"
StackCheck: TypeAlias = "Callable[[Context], Iterator[Finding]]"
Remediation: TypeAlias = "Callable[[Resource, Context], Mapping[str, Any]]"


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """One rule, as the engine, the catalogue and the tests see it."""

    id: str
    title: str
    """One sentence: how things are when the rule is kept."""

    description: str
    """What exactly is looked at, from the check's docstring."""

    level: str
    severity: str
    """A finding of a critical rule cannot be waived."""

    topics: tuple[str, ...]
    remedy: str
    types: tuple[str, ...] = ()
    """The AWS types; `aws:*` means every AWS resource."""

    references: tuple[str, ...] = ()
    """The same rule in other collections (see the catalogue's head for the letters)."""

    environments: tuple[str, ...] = ()
    """Where the rule applies; empty means everywhere."""

    free_tier: bool = False
    """Whether the rule is for stacks with `<project>:freeTier` only."""

    needs_product: bool = False
    """Whether the rule can only check programs with a `<project>:product`."""

    check: ResourceCheck | None = None
    graph_check: ResourceCheck | None = None
    stack_check: StackCheck | None = None
    remediate: Remediation | None = None
    """Gives the inputs to change; mappings are merged into what is there."""

    compliant: list[Example] = field(default_factory=list["Example"])
    non_compliant: list[Example] = field(default_factory=list["Example"])

    def __post_init__(self) -> None:
        if self.level not in LEVELS or self.severity not in SEVERITIES:
            raise ValueError(f"{self.id}: level must be one of {LEVELS}, severity one of {SEVERITIES}")

    def examples(self, *, compliant: Iterable[Example | Given], non_compliant: Iterable[Example | Given]) -> None:
        """Small programs that keep the rule, and some that break it: its tests. A resource by itself is one, too."""
        for kept, given in ((self.compliant, compliant), (self.non_compliant, non_compliant)):
            kept.extend(example(each) if isinstance(each, Given) else each for each in given)

    @property
    def waivable(self) -> bool:
        return self.severity != "critical"

    def level_in(self, stack: Stack) -> str:
        if self.level == MANDATORY_IN_PROD:
            return MANDATORY if stack.is_prod else ADVISORY
        return self.level

    def why_not(self, stack: Stack) -> str | None:
        """Why the rule does not apply to this stack; None if it does."""
        if self.needs_product and not stack.product:
            return "the stack's configuration has no product"
        if self.free_tier and not stack.free_tier:
            return "applies to stacks with freeTier only"
        if self.environments and stack.environment not in self.environments:
            return f"applies to {', '.join(self.environments)} only"
        return None


class _Facts(TypedDict):
    id: str
    title: str
    level: str
    severity: str
    topics: tuple[str, ...]
    remedy: str
    references: NotRequired[tuple[str, ...]]
    environments: NotRequired[tuple[str, ...]]
    needs_product: NotRequired[bool]
    free_tier: NotRequired[bool]


class _ResourceFacts(_Facts):
    types: tuple[str, ...]
    remediate: NotRequired[Remediation]


def rule(**facts: Unpack[_ResourceFacts]) -> Callable[[ResourceCheck], Rule]:
    """Make a rule that checks single resources by their inputs, before they are made."""
    return lambda check: Rule(**facts, check=check, description=_docstring(check))


def graph_rule(**facts: Unpack[_ResourceFacts]) -> Callable[[ResourceCheck], Rule]:
    """Make a rule that checks each resource of `types` together with all the others, once the stack is complete."""
    return lambda check: Rule(**facts, graph_check=check, description=_docstring(check))


def stack_rule(**facts: Unpack[_Facts]) -> Callable[[StackCheck], Rule]:
    """Make a rule that checks the stack as a whole."""
    return lambda check: Rule(**facts, stack_check=check, description=_docstring(check))


def _docstring(check: object) -> str:
    return " ".join((check.__doc__ or "").split())


def by_kind(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """The rules for each type of resource."""
    index: dict[str, list[Rule]] = {}
    for each in rules:
        for type_ in each.types:
            index.setdefault(type_, []).append(each)
    return index
