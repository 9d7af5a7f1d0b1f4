"""Whether the month is within the stack's budget: one that the month already passes tells people of nothing else."""

from __future__ import annotations

import datetime
import json
from typing import Any, Final

from rehearsal import own_pack
from rehearsal.problems import Problem
from rehearsal.report import Report

own_pack.make_importable()

from guardrails.kit.waivers import OF_COSTS, Waiver, WaiverBook  # noqa: E402 the pack is found by its folder

RULE: Final = "month-above-budget"
"""By which a waiver of the stack's file names it."""
_PRODUCTION: Final = "prod"


def judge(report: Report, exemptions: str) -> None:
    """Add what is wrong with the month, unless a waiver covers it; `exemptions` are the configuration's, as text."""
    book = _book(exemptions)
    report.problems += [
        Problem(kind="cost", level="warning", message=message, remedy="mend it in policy:exemptions")
        for message in book.wrong
    ]
    limit, usd = report.budget, report.month_usd
    if limit is None or usd is None or limit.holds(usd):
        return
    waiver = book.find(RULE, limit.urn)
    if waiver is not None:
        _waived(report, waiver, limit.urn)
        return
    use = report.costed.expected.said_by
    report.problems.append(
        Problem(
            kind="cost",
            level="error" if report.environment == _PRODUCTION else "warning",
            rule=RULE,
            urn=limit.urn,
            message=f"the month costs {usd:.2f} USD in {report.region} with {use}, "
            f"and the stack's budget is {limit.limit:.2f} USD",
            remedy="raise kumiki:costGuard.monthlyLimitUsd, make the stack cheaper (`kumiki cost` says by what), or "
            f"waive {RULE} in policy:exemptions",
        )
    )


def _book(exemptions: str) -> WaiverBook:
    """The waivers of costs that are in order, by the rules of the pack for all waivers."""
    try:
        entries: Any = json.loads(exemptions or "[]")
    except ValueError:
        entries = []
    ours = [one for one in entries if isinstance(one, dict) and str(one.get("rule", "")).startswith(OF_COSTS)]
    today = datetime.datetime.now(tz=datetime.UTC).date()
    book = WaiverBook.read(json.dumps(ours), {RULE: True}, today)
    book.wrong += [f"there is no rule {one.rule}; there is {RULE}" for one in book.waivers if one.rule != RULE]
    return book


def _waived(report: Report, waiver: Waiver, urn: str) -> None:
    for one in report.waivers:
        if one["rule"] == waiver.rule and waiver.reason == " ".join(one["reason"].split()):
            one["waived"].append(urn)
