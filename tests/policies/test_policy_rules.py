"""Every rule against its own examples: the examples are in the rule's decorator, the tests are made from them."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from guardrails.kit import UNKNOWN, aws
from guardrails.kit import example as an_example
from guardrails.kit.examples import Ref
from guardrails.kit.judge import Judge
from guardrails.kit.resources import kind_of
from guardrails.kit.stack import Stack
from guardrails.rules import RULES
from guardrails.rules.aws_names import NAMES
from guardrails.rules.residency import _COPIES
from guardrails.taggable import taggable_types, types_in_package

from tests.policies.sdk_schema import args_class, has_path, wrong_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Resource, Rule
    from guardrails.kit.examples import Example
    from guardrails.kit.judge import Violation

TODAY = date(2026, 7, 1)
MODES = {
    "deployed": {"preview": False, "linked": True},
    "first preview": {"preview": True, "linked": True},
    "names only": {"preview": False, "linked": False},
}
COMPLIANT = [pytest.param(rule, each, id=f"{rule.id}-{n}") for rule in RULES for n, each in enumerate(rule.compliant)]
BROKEN = [pytest.param(rule, each, id=f"{rule.id}-{n}") for rule in RULES for n, each in enumerate(rule.non_compliant)]


def judged(rule: Rule, example: Example, resources: list[Resource]) -> list[Violation]:
    """What the rule finds when the engine shows it these resources, one by one and then together."""
    judge = Judge([rule], example.stack, TODAY)
    alone = [violation for resource in resources for violation in judge.analyze(resource)]
    return [*alone, *judge.analyze_stack(resources)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("rule", "example"), COMPLIANT)
def test_a_compliant_example_is_not_accused(rule: Rule, example: Example, mode: str) -> None:
    assert [violation.message for violation in judged(rule, example, example.made(**MODES[mode]))] == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("rule", "example"), BROKEN)
def test_a_non_compliant_example_is_accused(rule: Rule, example: Example, mode: str) -> None:
    messages = [violation.message for violation in judged(rule, example, example.made(**MODES[mode]))]

    assert messages
    assert not any("the rule itself failed" in message for message in messages)


@pytest.mark.parametrize(("rule", "example"), COMPLIANT)
def test_an_unknown_property_neither_breaks_the_rule_nor_accuses(rule: Rule, example: Example) -> None:
    for label, variant in with_each_property_unknown(example):
        messages = [violation.message for violation in judged(rule, variant, variant.made())]
        assert messages == [], label


@pytest.mark.parametrize(("rule", "example"), BROKEN)
def test_an_unknown_property_never_breaks_the_rule(rule: Rule, example: Example) -> None:
    for label, variant in with_each_property_unknown(example):
        messages = [violation.message for violation in judged(rule, variant, variant.made())]
        assert not any("the rule itself failed" in message for message in messages), label


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


@pytest.mark.parametrize(("rule", "example"), [*COMPLIANT, *BROKEN])
def test_every_property_of_an_example_exists(rule: Rule, example: Example) -> None:  # noqa: ARG001 - names the test
    for given in example.resources:
        assert wrong_keys(args_class(given.type), given.props) == []
        assert wrong_keys(args_class("pulumi:providers:aws"), given.provider) == []


def test_a_misspelt_property_would_be_noticed() -> None:
    args = args_class("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")

    assert wrong_keys(args, {"bucket": "b", "rules": [{"id": "r", "expiration": {"days": 1}}]}) == []
    assert wrong_keys(args, {"rules": [{"expirations": {"days": 1}}], "buckets": "b"}) == [
        "BucketLifecycleConfigurationRuleArgs: rules.expirations",
        "BucketLifecycleConfigurationArgs: buckets",
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_complete(rule: Rule) -> None:
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.judges.endswith(".")
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
    for example in rule.non_compliant:
        judge = Judge([rule], example.stack, TODAY)
        for given, resource in zip(example.resources, example.made(), strict=True):
            changes = judge.remediate(resource, rule)
            if not changes:
                continue
            props = {**given.props, **{key: merged(given.props.get(key), value) for key, value in changes.items()}}
            assert wrong_keys(args_class(given.type), props) == []
            after = replace(example, resources=(replace(given, props=props),))
            # The component of a resource whose name says nothing cannot be derived.
            assert judged(rule, after, after.made()) == []
            mended += 1
    assert mended


def merged(before: Any, change: Any) -> Any:
    return {**(before or {}), **change} if isinstance(change, dict) else change


def test_a_remediation_leaves_alone_what_is_in_order_and_what_is_not_known() -> None:
    rotation = next(rule for rule in RULES if rule.id == "kms-rotation")
    good = rotation.compliant[0]
    unknown = replace(good, resources=(replace(good.resources[0], props={"enableKeyRotation": UNKNOWN}),))
    judge = Judge([rotation], good.stack, TODAY)

    assert judge.remediate(good.made()[0], rotation) is None
    with pytest.raises(Exception, match="enableKeyRotation"):
        judge.remediate(unknown.made()[0], rotation)


@pytest.mark.parametrize("type_", NAMES)
def test_the_property_that_holds_a_name_exists(type_: str) -> None:
    assert has_path(type_, NAMES[type_][0])


@pytest.mark.parametrize(("type_", "path"), [(type_, path) for type_, paths in _COPIES.items() for path in paths])
def test_the_property_that_names_a_copy_exists(type_: str, path: str) -> None:
    assert has_path(type_, path)


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
    judge = Judge(RULES, Stack.from_environment(), TODAY)
    made = an_example(aws("s3/bucket:Bucket", {"bucket": "data"}, name="data")).made()
    found = [*judge.analyze(made[0]), *judge.analyze_stack(made)]

    assert {"tags-required", "bucket-encryption"} <= {one.rule.id for one in found}
    assert "no-force-destroy" not in {one.rule.id for one in found}
    assert not any("the rule itself failed" in one.message for one in found)
