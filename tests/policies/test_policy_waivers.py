"""Waivers: what they silence, what is reported, and which of them are refused."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from guardrails.kit import UNKNOWN, aws, example
from guardrails.kit.evaluator import Evaluator
from guardrails.kit.rules import DISABLED
from guardrails.kit.stack import Stack
from guardrails.rules import RULES

if TYPE_CHECKING:
    from guardrails.kit.evaluator import Violation

TODAY = date(2026, 7, 1)
GOOD = {
    "rule": "kms-rotation",
    "urn": "*::kumiki-dev-data-key",
    "reason": "Imported key material cannot rotate.",
    "until": "2026-12-31",
}
OWNER = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "kms:*", "Resource": "*"}
KEY = aws("kms/key:Key", {"policy": json.dumps({"Statement": OWNER})}, name="kumiki-dev-data-key")


def judged(
    exemptions: Any, *, key: Any = KEY, off: str | None = None, text: str | None = None
) -> dict[str, list[Violation]]:
    """What the whole pack finds for one key whose rotation is off, by rule; without the rules on tags."""
    given = json.dumps(exemptions) if text is None else text
    evaluator = Evaluator(RULES, Stack(environment="dev", product="kumiki", exemptions=given), TODAY)
    evaluator.choose({"tags-required": DISABLED} | ({off: DISABLED} if off else {}))
    resources = example(key).made()
    found: dict[str, list[Violation]] = {}
    for violation in (*(v for each in resources for v in evaluator.analyze(each)), *evaluator.analyze_stack(resources)):
        found.setdefault(violation.rule.id, []).append(violation)
    return found


def ledger(exemptions: Any, **facts: Any) -> list[str]:
    return [violation.message for violation in judged(exemptions, **facts).get("waiver-ledger", [])]


def test_without_a_waiver_the_finding_counts() -> None:
    assert list(judged([])) == ["kms-rotation"]


def test_a_waiver_silences_its_finding_and_is_reported_where_it_was_used() -> None:
    found = judged([GOOD])

    assert list(found) == ["waiver-report"]
    (report,) = found["waiver-report"]
    assert report.message == "waives kms-rotation: Imported key material cannot rotate. (until 2026-12-31)"
    assert report.urn == KEY.urn


def test_a_waiver_counts_on_its_last_day() -> None:
    assert list(judged([{**GOOD, "until": str(TODAY)}])) == ["waiver-report"]


def test_a_date_that_yaml_made_a_time_counts_as_the_day() -> None:
    assert list(judged([{**GOOD, "until": "2026-12-31T00:00:00Z"}])) == ["waiver-report"]


def test_a_waiver_for_findings_between_resources_works_too() -> None:
    vpc = aws("ec2/vpc:Vpc", name="kumiki-dev-network-vpc")
    waivers = [
        {**GOOD, "rule": rule, "urn": "*aws:ec2/vpc:Vpc::*"} for rule in ("vpc-flow-logs", "vpc-default-group-closed")
    ]

    assert {"vpc-flow-logs", "vpc-default-group-closed"} <= set(judged([], key=vpc))
    assert list(judged(waivers, key=vpc)) == ["waiver-report"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "kms-rotatoin"}, "there is no such rule; did you mean kms-rotation?"),
        ({"rule": "no such thing at all"}, "there is no such rule"),
        ({"rule": "kms-policy-not-public"}, "this rule is critical and cannot be waived"),
        ({"rule": "waiver-ledger"}, "this rule is critical and cannot be waived"),
        ({"reason": "later"}, "the reason is too short"),
        ({"reason": None}, "has no reason"),
        ({"until": None}, "has no until"),
        ({"until": "2026-06-30"}, "it expired on 2026-06-30"),
        ({"until": "soon"}, "until must be a date such as 2026-09-29, got 'soon'"),
        ({"until": str(TODAY + timedelta(days=367))}, "is more than a year away"),
        ({"until": 20261231}, "has no until, or it is not a text"),
        ({"urn": ""}, "has no urn"),
        ({"unitl": "2026-12-31"}, "has an unknown key 'unitl'; did you mean until?"),
    ],
)
def test_a_waiver_that_is_not_in_order_is_refused_and_waives_nothing(change: dict[str, Any], message: str) -> None:
    waiver = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    found = judged([waiver])

    assert [violation.message for violation in found["waiver-ledger"]] != []
    assert message in found["waiver-ledger"][0].message
    assert "kms-rotation" in found
    assert "waiver-report" not in found


def test_all_mistakes_of_an_entry_are_named_at_once() -> None:
    assert len(ledger([{"rule": "nothing", "reason": "no", "until": "never"}])) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "policy:exemptions cannot be read"),
        ("{}", "policy:exemptions must be a list"),
        ('["kms-rotation"]', "waiver 1 must have rule, urn, reason, until"),
    ],
)
def test_what_is_no_list_of_waivers_is_refused(text: str, message: str) -> None:
    assert [each for each in ledger(None, text=text) if each.startswith(message)]


def test_a_waiver_that_waives_nothing_is_refused() -> None:
    for waiver in ({**GOOD, "urn": "*::other"}, {**GOOD, "rule": "log-group-retention"}):
        assert [each for each in ledger([GOOD, waiver]) if "waiver 2" in each and "waives nothing" in each]


def test_a_second_waiver_for_the_same_finding_waives_nothing() -> None:
    (message,) = ledger([GOOD, GOOD])

    assert message.startswith("waiver 2 (kms-rotation) waives nothing")


def test_a_waiver_is_not_called_useless_while_its_rule_has_no_verdict_yet() -> None:
    unknown = aws("kms/key:Key", {**KEY.props, "enableKeyRotation": UNKNOWN}, name=KEY.name)

    assert ledger([GOOD], key=unknown) == []


def test_a_waiver_is_not_called_useless_while_its_rule_is_switched_off() -> None:
    assert ledger([GOOD], off="kms-rotation") == []


def test_a_waived_resource_is_not_remediated() -> None:
    rotation = next(rule for rule in RULES if rule.id == "kms-rotation")
    (key,) = example(KEY).made()

    for exemptions, changes in (([], {"enableKeyRotation": True}), ([GOOD], None)):
        stack = Stack(environment="dev", product="kumiki", exemptions=json.dumps(exemptions))
        assert Evaluator(RULES, stack, TODAY).remediate(key, rotation) == changes
