"""The budget gate: a month above the stack's budget is an error in prod, a warning elsewhere, and can be waived."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from costs import gate
from rehearsal import budget
from rehearsal.monitor import Registered
from rehearsal.report import Report
from tests.costs.stacks import one

LATER = str(datetime.now(UTC).date() + timedelta(days=30))


def registered(type_: str, name: str, **inputs: Any) -> Registered:
    return Registered(urn=f"urn:pulumi:x::shop::{type_}::{name}", type=type_, name=name, custom=True, parent="",
                      inputs=inputs, status="emulated")  # fmt: skip


def judged(environment: str, *exemptions: dict[str, str], limit: str = "40") -> Report:
    """A stack of one NAT gateway, 45.26 USD a month, after the gate."""
    guard = registered("aws:budgets/budget:Budget", "limit-budget", budgetType="COST", timeUnit="MONTHLY",
                       limitUnit="USD", limitAmount=limit)  # fmt: skip
    report = Report(stack="x", project="shop", product="shop", environment=environment, region="ap-northeast-1",
                    resources=[registered("aws:ec2/natGateway:NatGateway", "nat"), guard],
                    expected={"natGb": 0},
                    waivers=[{**one, "waived": []} for one in exemptions])  # fmt: skip
    budget.judge(report, json.dumps(list(exemptions)))
    return report


def test_a_limit_that_nobody_knows_yet_is_none() -> None:
    guards = [
        one("budgets/budget:Budget", budgetType="COST", timeUnit="MONTHLY", limitUnit="USD", **limit)
        for limit in ({}, {"limitAmount": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, {"limitAmount": "40"})
    ]
    assert gate.budget(guards[:2]) is None
    found = gate.budget(guards)
    assert found is not None
    assert found.limit == 40


def test_a_budget_of_some_services_is_not_the_stacks() -> None:
    def guard(filter_: str) -> Any:
        return one("budgets/budget:Budget", budgetType="COST", timeUnit="MONTHLY", limitUnit="USD", limitAmount="40",
                   costFilters=[{"name": filter_, "values": ["x"]}])  # fmt: skip

    assert gate.budget([guard("Service")]) is None
    assert gate.budget([guard("TagKeyValue")]) is not None


@pytest.mark.parametrize(("environment", "level"), [("prod", "error"), ("dev", "warning"), ("staging", "warning")])
def test_a_month_above_the_budget_is_told_with_both_sums(environment: str, level: str) -> None:
    [found] = judged(environment).problems
    assert (found.level, found.rule, found.kind) == (level, "month-above-budget", "cost")
    assert (
        "costs 45.26 USD in ap-northeast-1 with the stack's file, and the stack's budget is 40.00 USD" in found.message
    )
    assert found.urn is not None
    assert found.urn.endswith("::limit-budget")
    assert judged("prod", limit="45.26").problems == []


def test_a_waiver_covers_it_until_its_day() -> None:
    waiver = {
        "rule": "month-above-budget",
        "urn": "*limit-budget",
        "reason": "The load test of this month.",
        "until": LATER,
    }
    report = judged("prod", waiver)
    assert report.problems == []
    assert report.counts["waived"] == 1
    expired = judged("prod", {**waiver, "until": "2020-01-01"})
    assert sorted((one.level, one.rule) for one in expired.problems if one.rule) == [("error", "month-above-budget")]
    assert any("expired on 2020-01-01" in one.message for one in expired.problems)
    elsewhere = judged("prod", {**waiver, "urn": "*another-budget"})
    assert [one.level for one in elsewhere.problems] == ["error"]


def test_a_waiver_of_a_rule_that_does_not_exist_is_told() -> None:
    wrong = {"rule": "month-above-limit", "urn": "*", "reason": "The load test of this month.", "until": LATER}
    messages = [one.message for one in judged("dev", wrong).problems]
    assert any("there is no rule month-above-limit; there is month-above-budget" in one for one in messages)


def test_a_month_at_the_limit_is_within_it_as_it_is_shown() -> None:
    limit = gate.Budget(Decimal(40))
    assert limit.holds(Decimal("40.0049"))
    assert not limit.holds(Decimal("40.0051"))
