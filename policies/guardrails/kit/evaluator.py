"""Runs the rules: gives each the resources it checks, applies the waivers, and survives a rule that fails."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardrails.kit.context import Context
from guardrails.kit.iam import MalformedPolicyError
from guardrails.kit.resources import Graph, Resource
from guardrails.kit.rules import DISABLED, REMEDIATE, Rule, by_kind
from guardrails.kit.values import NotYetKnown
from guardrails.kit.waivers import WaiverBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from guardrails.kit.rules import ResourceCheck, StackCheck
    from guardrails.kit.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A finding that counts: of this rule, at this resource."""

    rule: Rule
    message: str
    urn: str


class Evaluator:
    """Checks one stack, resource by resource and then as a whole."""

    def __init__(self, rules: Sequence[Rule], stack: Stack, today: date) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self.stack = stack
        self.levels: dict[str, str] = {}
        self.choose({})
        self.waivers = WaiverBook.read(stack.exemptions, {rule.id: rule.waivable for rule in rules}, today)
        self._applicable = [rule for rule in rules if rule.why_not(stack) is None]
        self._absent = by_kind(rule for rule in rules if rule.check and rule not in self._applicable)
        self._alone = by_kind(rule for rule in self._applicable if rule.check)
        self._in_graph = by_kind(rule for rule in self._applicable if rule.graph_check)
        self._context = Context(stack=stack, waivers=self.waivers, graph=Graph(()))

    def choose(self, levels: Mapping[str, str]) -> None:
        """Go back to the rules' own levels, but for these."""
        self.levels = {id_: levels.get(id_, rule.level_in(self.stack)) for id_, rule in self.rules.items()}

    def not_applicable(self, resource: Resource | None = None) -> Iterator[tuple[Rule, str]]:
        """The rules that would check this resource (or the stack), but do not apply here, and why."""
        rules = self._of(self._absent, resource) if resource else self.rules.values()
        for rule in rules:
            if (resource or not rule.check) and (reason := rule.why_not(self.stack)):
                yield rule, reason

    def analyze(self, resource: Resource) -> Iterator[Violation]:
        """What is wrong with this resource's inputs."""
        for rule in self._of(self._alone, resource):
            if rule.check:
                yield from self._evaluate(rule, rule.check, resource, self._context, resource.secrets)

    def analyze_stack(self, resources: Iterable[Resource]) -> Iterator[Violation]:
        """What is wrong between the resources, and with the waivers. Comes after all `analyze`."""
        context = Context(stack=self.stack, waivers=self.waivers, graph=Graph(resources))
        secrets = frozenset(secret for resource in context.graph.resources for secret in resource.secrets)
        self.waivers.ignore(rule for rule, level in self.levels.items() if level == DISABLED)
        for resource in context.graph.resources:
            for rule in self._of(self._in_graph, resource):
                if rule.graph_check:
                    yield from self._evaluate(rule, rule.graph_check, resource, context, secrets)
        for rule in self._applicable:
            if rule.stack_check and self.levels[rule.id] != DISABLED:
                yield from self._evaluate_stack(rule, rule.stack_check, context)

    def remediate(self, resource: Resource, rule: Rule) -> Mapping[str, Any] | None:
        """The inputs that `rule` changes so that it has no finding; None if it has none, or if the finding is waived.

        Raises NotYetKnown.
        """
        if not rule.remediate or not rule.check or rule not in self._of(self._alone, resource):
            return None
        found = any(True for _ in rule.check(resource, self._context))
        if not found or self.waivers.find(rule.id, resource.urn):
            return None
        return rule.remediate(resource, self._context)

    def remediating(self) -> Iterator[Rule]:
        return (rule for rule in self._applicable if self.levels[rule.id] == REMEDIATE and rule.check)

    def _of(self, index: Mapping[str, list[Rule]], resource: Resource) -> Iterator[Rule]:
        rules = list(index.get(resource.kind, ()))
        if resource.type.startswith("aws:"):
            rules += index.get("aws:*", ())
        return (rule for rule in rules if self.levels[rule.id] != DISABLED)

    def _evaluate(
        self, rule: Rule, check: ResourceCheck, resource: Resource, context: Context, secrets: frozenset[str]
    ) -> Iterator[Violation]:
        try:
            for message in check(resource, context):
                if not self.waivers.waives(rule.id, resource.urn):
                    yield Violation(rule=rule, message=_masked(message, secrets), urn=resource.urn)
        except NotYetKnown:
            self.waivers.leave_open(rule.id, resource.urn)
        except MalformedPolicyError as error:
            yield Violation(rule=rule, message=str(error), urn=resource.urn)
        except Exception as error:  # noqa: BLE001 - one broken rule must not end the run
            yield Violation(rule=rule, message=_failure(error), urn=resource.urn)

    def _evaluate_stack(self, rule: Rule, check: StackCheck, context: Context) -> Iterator[Violation]:
        try:
            for finding in check(context):
                yield Violation(rule=rule, message=finding.message, urn=finding.urn)
        except NotYetKnown:
            return
        except Exception as error:  # noqa: BLE001 - as above
            yield Violation(rule=rule, message=_failure(error), urn="")


_SHORTEST: Final = 4


def _masked(message: str, secrets: frozenset[str]) -> str:
    """The message without any secret; a short one is only looked for as a whole word, and one of three characters or
    less not at all: it hides nothing, and every port 22 would be gone with it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret.strip()) >= _SHORTEST:
            pattern = re.escape(secret) if len(secret) > 5 else rf"(?<!\w){re.escape(secret)}(?!\w)"
            message = re.sub(pattern, "[secret]", message)
    return message


def _failure(error: Exception) -> str:
    """Says where the rule broke, but not with what: an error's text may hold a secret value."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return f"the rule itself failed ({type(error).__name__} at {where}); nothing is known about this resource"
