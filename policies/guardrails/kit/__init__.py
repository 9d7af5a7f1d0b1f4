"""What a rule file needs: the decorators, the examples, the resources and the policy documents."""

from guardrails.kit.context import Context
from guardrails.kit.examples import aws, example, json_of, ref
from guardrails.kit.iam import Statement, statements
from guardrails.kit.resources import Finding, Graph, Resource
from guardrails.kit.rules import ADVISORY, MANDATORY, MANDATORY_IN_PROD, Rule, graph_rule, rule, stack_rule
from guardrails.kit.server import PolicyPack
from guardrails.kit.settings import setting
from guardrails.kit.values import UNKNOWN, Items, NotYetKnown, Props, show

__all__ = [
    "ADVISORY",
    "MANDATORY",
    "MANDATORY_IN_PROD",
    "UNKNOWN",
    "Context",
    "Finding",
    "Graph",
    "Items",
    "NotYetKnown",
    "PolicyPack",
    "Props",
    "Resource",
    "Rule",
    "Statement",
    "aws",
    "example",
    "graph_rule",
    "json_of",
    "ref",
    "rule",
    "setting",
    "show",
    "stack_rule",
    "statements",
]
