"""Two firewalls before one service: whether the way past the first is judged as well as the way through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from guardrails import types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit.resources import Graph, Resource
    from guardrails.kit.values import Props

_ANY = "statement.managedRuleGroupStatement"
_RATE = "statement.rateBasedStatement"
_NOT = "scopeDownStatement.notStatement.statement.byteMatchStatement"


@dataclass
class _Judged:
    """What a web ACL blocks, as far as two can be compared by it."""

    groups: dict[str, set[str]] = field(default_factory=dict)
    """AWS's groups of rules that block → the rules of each that only count."""

    limit: float | None = None
    """Of requests from one address."""


def unequal(distribution: Resource, balancer: Resource, graph: Graph) -> str | None:
    """What an open load balancer lacks that the distribution before it has; None where those who go past the
    distribution are judged by the same rules, over TLS."""
    front = _named_by(distribution, "webAclId", graph)
    behind = [
        acl
        for each in graph.children(balancer, types.WEB_ACL_ASSOCIATION, via="resourceArn")
        for acl in _named_by(each, "webAclArn", graph)
    ]
    if not behind:
        return "has no web ACL of its own"
    if not front:
        return "its web ACL cannot be compared with the distribution's, which is not of this stack"
    there, here = _judged(front[0]), _judged(behind[0])
    for group, counted in there.groups.items():
        if group not in here.groups or here.groups[group] - counted:
            return f"its web ACL does not block by all of {group}, as the distribution's does"
    if there.limit is not None and (here.limit is None or here.limit > there.limit):
        return f"its web ACL lets one address ask more than {there.limit:g} times, the distribution's limit"
    if not _speaks_tls_only(balancer, graph):
        return "it speaks plain HTTP"
    return None


def left_out(statement: Props, distributions: list[Resource]) -> bool:
    """Whether a rule that goes by addresses leaves out what shows a header that each of these distributions adds."""
    header = statement.text(f"{_NOT}.fieldToMatch.singleHeader.name").lower()
    exact = statement.get(f"{_NOT}.positionalConstraint") == "EXACTLY"
    return exact and all(header in _headers(each) for each in distributions)


def _named_by(resource: Resource, via: str, graph: Graph) -> list[Resource]:
    found = graph.targets(resource, types.WEB_ACL, via=via)
    if not found:
        # Raises where it is only not known yet.
        resource.props.get(via)
    return found


def _headers(distribution: Resource) -> set[str]:
    return {
        header.text("name").lower()
        for origin in distribution.props.items("origins").blocks()
        if origin.has("customHeaders")
        for header in origin.items("customHeaders").blocks()
    }


def _judged(acl: Resource) -> _Judged:
    found = _Judged()
    for rule in acl.props.items("rules").blocks():
        if rule.has(_ANY) and rule.has("overrideAction.none"):
            name = rule.text(f"{_ANY}.name")
            found.groups[name] = set(_counted(rule))
        elif rule.has(_RATE) and rule.has("action.block"):
            limit = rule.number(f"{_RATE}.limit")
            found.limit = limit if found.limit is None or limit is None else min(found.limit, limit)
    return found


def _counted(rule: Props) -> Iterator[str]:
    if rule.has(f"{_ANY}.ruleActionOverrides"):
        for one in rule.items(f"{_ANY}.ruleActionOverrides").blocks():
            if not one.has("actionToUse.block"):
                yield one.text("name")


def _speaks_tls_only(balancer: Resource, graph: Graph) -> bool:
    plain = (
        each
        for each in graph.children(balancer, types.LB_LISTENER, via="loadBalancerArn")
        if each.props.text("protocol") != "HTTPS"
    )
    return all(
        all(action.text("type") == "redirect" for action in each.props.items("defaultActions").blocks())
        and not graph.known_children(each, types.LISTENER_RULE, via="listenerArn")
        for each in plain
    )
