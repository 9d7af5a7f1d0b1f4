"""Models of Bedrock, and searches by vectors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.prices import all_prices, keys_of_prices
from costs.services.registry import number, prices, told
from costs.stack import Stack

_POLICIES: Final = ("iam/rolePolicy:RolePolicy", "iam/policy:Policy")
_COLLECTION: Final = "opensearch/serverlessCollection:ServerlessCollection"
_UNIT: Final = "opensearch.serverless.ocu_hour"


@prices(*_POLICIES)
def who_may_ask(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Who may ask a model is the only resource of a model. Each token counts as if the dearest model that a role may
    ask read or wrote it: which of several is asked, nobody says."""
    if not told(one.inputs.get("policy", "")):
        yield from _maybe(one, stack)
        return
    asked = {each: _models(each) for each in stack.of(*_POLICIES)} if _models(one) else {}
    if not asked or next((each for each, models in asked.items() if models), None) is not one:
        yield free("permissions cost nothing")
        return
    every = frozenset[str]().union(*asked.values())
    for what, kind, expected in (
        ("tokens read", "input", "modelInputTokens"),
        ("tokens written", "output", "modelOutputTokens"),
        ("tokens embedded", "embedding", "embeddedTokens"),
    ):
        keys = {f"bedrock.{model}.{kind}" for model in every} & keys_of_prices()
        if keys:
            yield by_use(what, max(sorted(keys), key=_usd), stack.expects(expected))
    known = {key.removeprefix("bedrock.").rpartition(".")[0] for key in keys_of_prices()}
    if others := sorted(every - known):
        yield not_priced(f"tokens of {', '.join(others)}", "this model has no price here")


def _maybe(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What is not known yet may let a model be asked; that of all such policies is told once, where no other does."""
    every = stack.of(*_POLICIES)
    first = next(each for each in every if not told(each.inputs.get("policy", ""))) is one
    tokens = sum(
        (stack.expects(key) for key in ("modelInputTokens", "modelOutputTokens", "embeddedTokens")), Decimal(0)
    )
    if first and tokens and not any(map(_models, every)):
        yield not_priced("tokens", "which models may be asked is not known before the deployment")
    else:
        yield free("permissions cost nothing")


def _usd(key: str) -> Decimal:
    """What a model asks where it is dearest: the region that is asked for may have no price of it."""
    return max(one.usd for one in all_prices() if one.key == key)


def _models(one: Resource) -> frozenset[str]:
    """The models that a policy names; `*` where it lets all be asked."""
    text = str(one.inputs.get("policy"))
    named = frozenset(re.findall(r"foundation-model/([\w.:*-]+)", text))
    return named or (frozenset("*") if _lets_all_be_asked(text) else named)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _lets_all_be_asked(text: str) -> bool:
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, TypeError, KeyError):
        return False
    return any(
        each.get("Effect") == "Allow"
        and "*" in _several(each.get("Resource"))
        # Who may do everything at Bedrock may ask models, too, and is no program that does.
        and any(str(action).lower().startswith("bedrock:invoke") for action in _several(each.get("Action")))
        for each in _several(statements)
        if isinstance(each, dict)
    )


_POLICIES_OF_A_GUARDRAIL: Final = {
    "contentPolicyConfig": ("content filters", "content"),
    "topicPolicyConfig": ("denied topics", "topics"),
    "sensitiveInformationPolicyConfig": ("sensitive information", "sensitive"),
    "contextualGroundingPolicyConfig": ("contextual grounding", "grounding"),
}
_TOKENS_PER_TEXT_UNIT: Final = 250
"""A unit is 1,000 characters, a token about four of them."""


@prices("bedrock/guardrail:Guardrail")
def guardrail(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the text that each of its policies reads: all of what chat models read and write. Lists of words are free."""
    tokens = stack.use("modelInputTokens", one) + stack.use("modelOutputTokens", one)
    for property_, (words, key) in _POLICIES_OF_A_GUARDRAIL.items():
        if one.inputs.get(property_):
            yield by_use(f"text units, {words}", f"bedrock.guardrail.{key}", tokens / _TOKENS_PER_TEXT_UNIT)


@prices(_COLLECTION)
def collection(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What is always paid, whoever asks: half a unit for indexing and half a one for searching, each twice with standby
    replicas, shared by all collections under one key. What a load needs more is not here.
    https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scaling.html"""
    if one.inputs.get("collectionGroupName"):
        yield free("its group pays for the capacity")
    else:
        same = [
            each
            for each in stack.of(_COLLECTION)
            if not each.inputs.get("collectionGroupName") and _key_of(each, stack) == _key_of(one, stack)
        ]
        twice = any(each.inputs.get("standbyReplicas") != "DISABLED" for each in same)
        units = (2 if twice else 1) if same[0] is one else 0
        yield fixed("least capacity", _UNIT, units * stack.hours)
    yield by_use("data of all collections", "opensearch.serverless.storage_gb_month", stack.use("vectorGb", one))


@prices("opensearch/serverlessCollectionGroup:ServerlessCollectionGroup")
def group(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """The least that its limits say, always."""
    units = sum(
        (
            number(most, "minIndexingCapacityInOcu") + number(most, "minSearchCapacityInOcu")
            for most in one.inputs.get("capacityLimits") or []
        ),
        Decimal(0),
    )
    yield fixed("least capacity", _UNIT, units * stack.hours)


def _key_of(one: Resource, stack: Stack) -> str:
    """What encrypts a collection; empty where AWS keeps it."""
    covered = f"collection/{one.inputs.get('name')}"
    for policy in stack.of("opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy"):
        if policy.inputs.get("type") == "encryption":
            said = json.loads(policy.inputs["policy"])
            patterns = [each for rule in said["Rules"] for each in rule["Resource"]]
            if any(fnmatchcase(covered, pattern) for pattern in patterns):
                return str(said.get("KmsARN") or "")
    return ""
