"""The report on one screen: the verdict, then what needs a person, then a line for each thing that `-v` tells whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rehearsal.gaps import counted
from rehearsal.problems import Problem
from rehearsal.property_values import shown
from rehearsal.report import Report

_MOST_NAMED: Final = 4
"""How many names a line has; the rest is counted."""


def grouped(problems: Iterable[Problem]) -> list[list[Problem]]:
    """Findings of one rule that say the same, errors first."""

    def key(one: Problem) -> tuple[str, str, str, str]:
        return one.level, one.rule or one.kind, one.message, one.remedy or ""

    return [list(group) for _, group in groupby(sorted(problems, key=key), key=key)]


def show(console: Console, report: Report) -> None:
    """A line for each: what it costs, who reaches the data, what was not rehearsed, waivers, outputs."""
    rows = [*_month(report), *_data(report), *_gaps(report), *_waivers(report), *_outputs(report)]
    if console.is_terminal:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(overflow="fold")
        for label, text in rows:
            table.add_row(label, Text(text))
        console.print(table)
        console.print(Text("-v shows all of it, --html FILE as a page", style="dim"))
    else:
        for label, text in rows:
            console.print(Text(f"{label}: {text}"), soft_wrap=True)


def _month(report: Report) -> Iterator[tuple[str, str]]:
    if not report.months:
        if report.no_months:
            yield "a month", f"nobody can say: {report.no_months}"
        return
    month = report.months[0]
    dearest = [(name, fixed + used) for name, (fixed, used) in month.by_component.items() if fixed + used > 0]
    dearest.sort(key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{_short(name, report)} {usd:.2f}" for name, usd in dearest[:_MOST_NAMED])
    budget = report.budget if report.plan is None else None
    within = f" of a budget of {budget.limit:.0f}" if budget is not None else ""
    unpriced = f"; not priced: {', '.join(sorted(month.unpriced))}" if month.unpriced else ""
    yield "a month", f"{month.usd:.2f} USD{within} in {month.region}{f': {named}' if named else ''}{unpriced}"
    if report.free_tier is not None and report.free_tier.cost:
        yield "free tier", f"{report.free_tier.cost:.2f} USD outside of it"


def _data(report: Report) -> Iterator[tuple[str, str]]:
    stores = report.insights.stores
    if not stores:
        return
    reached = [one for one in stores if one.from_internet]
    ways = Counter(" → ".join(_short(each, report) for each in one.from_internet[1:-1]) for one in reached)
    by = "; ".join(f"{count} by {way}" if way else f"{count} at once" for way, count in ways.most_common(_MOST_NAMED))
    yield (
        "data",
        f"{len(reached)} of {len(stores)} stores can be reached from the internet: {by}"
        if reached
        else f"none of {len(stores)} stores can be reached from the internet",
    )
    for way in report.insights.firewall_bypasses:
        yield "data", f"{way['origin']} answers by its own address too, past the firewall of {way['distribution']}"
    for way in report.insights.second_doors:
        like = f"behind a firewall with the rules of {way['distribution']}'s"
        yield "data", f"{way['origin']} answers by its own address too, {like}"


def _gaps(report: Report) -> Iterator[tuple[str, str]]:
    """One line for each cause, and one for what was skipped or read."""
    for cause, of_cause in groupby(counted(report.gaps), key=lambda one: one["cause"]):
        several: list[dict[str, Any]] = list(of_cause)
        total = sum(one["count"] for one in several)
        types = [f"{one['count']} {one['type'].rpartition(':')[2]}" for one in several]
        yield cause, f"{total}: {few(types)}"
    skipped = [one.name for one in report.resources if one.status == "skipped" and one.custom]
    if skipped:
        yield "skipped", f"{len(skipped)}: {few(skipped)}"
    left_out = sorted({name for one in report.resources for name in one.left_out})
    if left_out:
        yield "not sent", f"{len(left_out)} inputs that only the provider reads: {few(left_out)}"


def _waivers(report: Report) -> Iterator[tuple[str, str]]:
    for one in report.waivers:
        yield "waived", f"{one['rule']} until {one['until']}, {len(one['waived'])} times: {one['reason']}"


def _outputs(report: Report) -> Iterator[tuple[str, str]]:
    names = sorted(name for name, value in report.outputs.items() if value not in ([], {}, None))
    if names:
        yield "outputs", f"{len(names)}: {few(names)}"


def problem(group: list[Problem], report: Report) -> Text:
    """Findings that say the same, as one line."""
    one = group[0]
    names = [each.urn.split("::", 3)[-1] for each in group if each.urn]
    text = Text()
    text.append(one.level, style="red" if one.level == "error" else "yellow")
    text.append(f" {one.rule or one.kind}", style="dim")
    text.append(f" {few(names)}" if names else "", style="bold")
    text.append(f": {shown(one.message, report.secrets)}")
    if len(group) > 1:
        text.append(f" (×{len(group)})", style="bold")
    return text


def _short(name: str, report: Report) -> str:
    return name.removeprefix(f"{report.product}-{report.environment}-")


def few(words: list[str], most: int = _MOST_NAMED) -> str:
    """The first of them, and how many more there are."""
    rest = len(words) - most
    # A name with a line break in it must not make another line.
    return ", ".join(" ".join(word.splitlines()) for word in words[:most]) + (f" and {rest} more" if rest > 0 else "")
