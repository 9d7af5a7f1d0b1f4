"""Every rule against its own examples: the examples are in the rule's decorator, the tests are made from them."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from guardrails.kit import UNKNOWN, aws
from guardrails.kit import example as an_example
from guardrails.kit.evaluator import Evaluator
from guardrails.kit.examples import Ref
from guardrails.kit.resources import kind_of
from guardrails.kit.stack import Stack
from guardrails.rules import RULES
from guardrails.rules.aws_names import NAMES
from guardrails.rules.residency import _COPIES
from guardrails.taggable import taggable_types, types_in_package

from tests.policies.sdk_schema import args_class, has_path, wrong_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from guardrails.kit import Resource, Rule
    from guardrails.kit.examples import Example

TODAY = date(2026, 7, 1)
MODES = {
    "deployed": {"preview": False, "linked": True},
    "first preview": {"preview": True, "linked": True},
    "names only": {"preview": False, "linked": False},
}
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def judged(rule: Rule, example: Example, resources: list[Resource]) -> list[str]:
    """What the rule says when the engine shows it these resources, one by one and then together."""
    evaluator = Evaluator([rule], example.stack, TODAY)
    alone = [violation for resource in resources for violation in evaluator.analyze(resource)]
    return [violation.message for violation in (*alone, *evaluator.analyze_stack(resources))]


def named(examples: Iterable[Example]) -> Iterator[tuple[str, Example]]:
    """The examples with what a message calls them: their place in the rule, and what they are about."""
    for number, example in enumerate(examples):
        yield f"example {number} ({', '.join(given.name for given in example.resources)})", example


def failed(messages: Iterable[str]) -> list[str]:
    return [message for message in messages if "the rule itself failed" in message]


@each_rule
def test_the_non_compliant_examples_of_a_rule_are_accused_and_no_compliant_one(rule: Rule) -> None:
    for mode, known in MODES.items():
        for label, example in named(rule.compliant):
            assert judged(rule, example, example.made(**known)) == [], f"compliant {label}, {mode}"
        for label, example in named(rule.non_compliant):
            messages = judged(rule, example, example.made(**known))
            assert messages, f"non-compliant {label}, {mode}"
            assert failed(messages) == [], f"non-compliant {label}, {mode}"


@each_rule
def test_an_unknown_property_never_breaks_a_rule_nor_makes_it_accuse(rule: Rule) -> None:
    for label, example in named(rule.compliant):
        for place, variant in with_each_property_unknown(example):
            assert judged(rule, variant, variant.made()) == [], f"compliant {label}, {place}"
    for label, example in named(rule.non_compliant):
        for place, variant in with_each_property_unknown(example):
            assert failed(judged(rule, variant, variant.made())) == [], f"non-compliant {label}, {place}"


def with_each_property_unknown(example: Example) -> Iterator[tuple[str, Example]]:
    """The example once for each property and each place inside it, with that place not known yet."""
    for index, given in enumerate(example.resources):
        for path in places(given.props):
            props = copy.deepcopy(given.props)
            holder: Any = props
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = UNKNOWN
            resources = list(example.resources)
            resources[index] = replace(given, props=props)
            yield f"{given.name}: {path}", replace(example, resources=tuple(resources))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in children:
        yield from places(item, (*path, key))


@each_rule
def test_every_property_of_an_example_exists(rule: Rule) -> None:
    for label, example in named((*rule.compliant, *rule.non_compliant)):
        for given in example.resources:
            assert wrong_keys(args_class(given.type), given.props) == [], label
            assert wrong_keys(args_class("pulumi:providers:aws"), given.provider) == [], label


def test_a_misspelt_property_would_be_noticed() -> None:
    args = args_class("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")

    assert wrong_keys(args, {"bucket": "b", "rules": [{"id": "r", "expiration": {"days": 1}}]}) == []
    assert wrong_keys(args, {"rules": [{"expirations": {"days": 1}}], "buckets": "b"}) == [
        "BucketLifecycleConfigurationRuleArgs: rules.expirations",
        "BucketLifecycleConfigurationArgs: buckets",
    ]


@each_rule
def test_a_rule_is_complete(rule: Rule) -> None:
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.description.endswith(".")
    assert rule.remedy.endswith(".")
    assert rule.topics
    assert [rule.check, rule.graph_check, rule.stack_check].count(None) == 2
    assert bool(rule.types) == (rule.stack_check is None)
    if rule.types:
        assert rule.compliant, "an example that keeps the rule"
        assert rule.non_compliant, "an example that breaks it"
    # A type that is not what `kind_of` makes of it is never looked up.
    assert [type_ for type_ in rule.types if kind_of(type_) != type_] == []
    for type_ in rule.types:
        if type_ != "aws:*":
            args_class(type_)


def test_ids_are_unique_and_readable() -> None:
    ids = [rule.id for rule in RULES]

    assert len(set(ids)) == len(ids)
    assert [each for each in ids if not each.replace("-", "").isalpha() or each != each.lower()] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.remediate], ids=lambda rule: rule.id)
def test_after_its_remediation_a_rule_is_kept(rule: Rule) -> None:
    mended = 0
    for label, example in named(rule.non_compliant):
        evaluator = Evaluator([rule], example.stack, TODAY)
        for given, resource in zip(example.resources, example.made(), strict=True):
            changes = evaluator.remediate(resource, rule)
            if not changes:
                continue
            props = {**given.props, **{key: merged(given.props.get(key), value) for key, value in changes.items()}}
            assert wrong_keys(args_class(given.type), props) == [], label
            after = replace(example, resources=(replace(given, props=props),))
            # The component of a resource whose name says nothing cannot be derived.
            assert judged(rule, after, after.made()) == [], label
            mended += 1
    assert mended


def merged(before: Any, change: Any) -> Any:
    return {**(before or {}), **change} if isinstance(change, dict) else change


def test_a_remediation_leaves_alone_what_is_in_order_and_what_is_not_known() -> None:
    rotation = next(rule for rule in RULES if rule.id == "kms-rotation")
    good = rotation.compliant[0]
    unknown = replace(good, resources=(replace(good.resources[0], props={"enableKeyRotation": UNKNOWN}),))
    evaluator = Evaluator([rotation], good.stack, TODAY)

    assert evaluator.remediate(good.made()[0], rotation) is None
    with pytest.raises(Exception, match="enableKeyRotation"):
        evaluator.remediate(unknown.made()[0], rotation)


def test_the_property_that_holds_a_name_exists() -> None:
    assert [type_ for type_ in NAMES if not has_path(type_, NAMES[type_][0])] == []


def test_the_property_that_names_a_copy_exists() -> None:
    named_by = [(type_, path) for type_, paths in _COPIES.items() for path in paths]
    assert [(type_, path) for type_, path in named_by if not has_path(type_, path)] == []


def test_the_list_of_taggable_types_is_that_of_the_installed_package() -> None:
    assert sorted(taggable_types()) == types_in_package()


def test_references_in_examples_name_resources_of_the_example() -> None:
    def refs(value: Any) -> Iterator[str]:
        if isinstance(value, Ref):
            yield value.name
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from refs(item)

    for rule in RULES:
        for example in (*rule.compliant, *rule.non_compliant):
            names = {given.name for given in example.resources}
            assert {name for given in example.resources for name in refs(given.props)} <= names, rule.id


def test_an_exported_state_is_judged_without_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pulumi policy analyze --file` knows neither the stack's name nor its configuration."""
    for name in ("PULUMI_PROJECT", "PULUMI_STACK", "PULUMI_CONFIG", "PULUMI_DRY_RUN"):
        monkeypatch.delenv(name, raising=False)
    evaluator = Evaluator(RULES, Stack.from_environment(), TODAY)
    made = an_example(aws("s3/bucket:Bucket", {"bucket": "data"}, name="data")).made()
    found = [*evaluator.analyze(made[0]), *evaluator.analyze_stack(made)]

    assert {"tags-required", "bucket-encryption"} <= {one.rule.id for one in found}
    assert "no-force-destroy" not in {one.rule.id for one in found}
    assert not any("the rule itself failed" in one.message for one in found)
