"""What the study tracker's stacks cost a month, against what the design says, and who hears when it is more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from costs.bill import bill
from costs.stack import Stack, resources_of
from costs.use import expected
from tests.rehearsal.conftest import ROOT, Rehearse, Rehearsed, project

STACKS = ("study-dev", "study-prod")
# What the design has a figure for. It asks for more: copies kept started, a firewall, keys, secrets, backups.
PRICED = ("apigatewayv2", "cloudwatch", "dynamodb", "lambda", "route53", "s3")
MORE = ("copies kept started", "way back to any second")
# The design's calls, and its gigabytes in S3.
HIGH = {"functionCalls": 500_000, "functionMilliseconds": 200, "storageGb": 40, "tableReads": 1_000_000,
        "tableWrites": 500_000, "tableGb": 5, "logsGb": 2, "metrics": 10}  # fmt: skip

Ours = Callable[[str], Rehearsed]
both = pytest.mark.parametrize("name", STACKS)


def of_design(lines: list[dict[str, Any]], *, without: tuple[str, ...] = ()) -> float:
    return sum(
        line["usd"]
        for line in lines
        if line["type"].split(":")[1].partition("/")[0] in PRICED and line["what"] not in (*MORE, *without)
    )


SECTIONS = [("study-dev, low", "study-dev", None), ("study-prod, 100,000", "study-prod", None),
            ("study-prod, 500,000", "study-prod", HIGH)]  # fmt: skip
ROWS = {"Lambda": "lambda", "API Gateway": "apigatewayv2", "S3": "s3", "DynamoDB": "dynamodb",
        "CloudWatch": "cloudwatch", "Route 53": "route53"}  # fmt: skip
OWN = ("metrics of an alarm", "dashboard", "metrics that programs publish", *MORE)
"""What the design does not count under these names."""


@pytest.mark.covers("C8")
@pytest.mark.parametrize(("section", "name", "use"), SECTIONS, ids=[row[0] for row in SECTIONS])
def test_the_document_of_the_designs_figures_is_true_line_by_line(
    section: str, name: str, use: dict[str, Any] | None, rehearsed: Ours
) -> None:
    report = rehearsed(name).report
    stack = Stack(resources_of(report), "ap-northeast-1", expected(use or report["expected"]))
    month = bill(stack, region="us-east-1")
    text = (ROOT / "docs" / "design-figures.md").read_text(encoding="utf-8")
    [part] = [each for each in text.split("\n## ") if each.startswith(section)]
    told = dict(re.findall(r"^\| ([^|]+) \| [\d.]+ \| ([\d.]+) \|", part, re.MULTILINE))
    for row in told.keys() - {"together"}:
        ours = sum(
            float(line.list_usd)
            for one in month.resources
            if one.resource.type.partition("/")[0] == ROWS[row]
            for line in one.lines
            if line.name not in OWN
        )
        assert ours == pytest.approx(float(told[row]), abs=0.006), row
    if use is None:
        here = report["months"][0]["usd"]
        assert f"${month.usd:.2f} are due" in " ".join(part.split())
        assert f"${here:.2f} in ap-northeast-1" in " ".join(part.split())


@pytest.mark.covers("C8")
@both
def test_people_hear_before_the_month_costs_more_than_it_may(name: str, rehearsed: Ours) -> None:
    monthly = rehearsed(name).resource(f"{name}-costs-limit-budget")["inputs"]
    heard = {
        (notice["notificationType"], notice["threshold"])
        for notice in monthly["notifications"]
        if notice["subscriberEmailAddresses"] or notice.get("subscriberSnsTopicArns")
    }
    assert {("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)} <= heard
    # The whole account, as long as its bill does not know the tags: a budget that asks for them would stay at nothing.
    assert not monthly.keys() & {"filterExpression", "costFilters"}


@pytest.mark.covers("C8")
@pytest.mark.parametrize(("name", "calls", "usd"), [("study-dev", 25_000, 2.53), ("study-prod", 100_000, 6.60)])
def test_what_the_design_has_figures_for_costs_no_more_than_they_say(
    name: str, calls: int, usd: float, rehearsed: Ours
) -> None:
    stack = rehearsed(name)
    here, reference = stack.report["months"]
    assert (here["region"], reference["region"]) == ("ap-northeast-1", "us-east-1")
    # Development's zone has no line in the design.
    zone = ("hosted zone",) if name == "study-dev" else ()
    assert 0.5 * usd / 2 < of_design(reference["lines"], without=zone) <= usd
    [requests] = [line for line in reference["lines"] if line["what"] == "requests to all APIs, HTTP"]
    assert requests["list_usd"] == pytest.approx(calls / 1_000_000, abs=0.01)


@pytest.mark.covers("C8")
def test_five_times_the_calls_still_cost_no_more_than_the_design_says(rehearsed: Ours) -> None:
    stack = Stack(resources_of(rehearsed("study-prod").report), "ap-northeast-1", expected(HIGH))
    lines = [
        {"type": f"aws:{one.resource.type}", "what": line.name, "usd": float(line.usd)}
        for one in bill(stack, region="us-east-1").resources
        for line in one.lines
    ]
    assert of_design(lines) <= 21.00
    assert any(line["what"].startswith("time of calls") for line in lines)


@pytest.mark.covers("C8")
def test_a_budget_that_the_expected_month_passes_is_a_warning(
    tmp_path: Path, rehearsed: Ours, rehearse: Rehearse
) -> None:
    config = yaml.safe_load((ROOT / "Pulumi.study-dev.yaml").read_text(encoding="utf-8"))["config"]
    config["kumiki:costGuard"]["monthlyLimitUsd"] = 2
    done = rehearse(project(tmp_path, {"config": config}), "test")
    usd = rehearsed("study-dev").report["months"][0]["usd"]
    [found] = [one for one in done.report["problems"] if one["kind"] == "cost"]
    assert done.status == 0
    assert found["level"] == "warning"
    assert (
        f"costs {usd:.2f} USD in ap-northeast-1 with the stack's file, and the stack's budget is 2.00"
        in found["message"]
    )
    assert found["rule"] == "month-above-budget"
    assert "warning month-above-budget study-dev-costs-limit-budget: the month costs" in done.text
    assert rehearsed("study-dev").report["counts"]["warnings"] == 0


@both
def test_the_bill_is_shown(name: str, rehearsed: Ours) -> None:
    stack = rehearsed(name)
    assert f"{name}: {stack.report['months'][0]['usd']:.2f} USD a month in ap-northeast-1" in stack.text
