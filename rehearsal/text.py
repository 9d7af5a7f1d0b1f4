"""The report for people: progress while it works, then what was deployed, found, waived and left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, Literal

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from costs import show as costs_shown
from costs.endpoints import EndpointSaving, endpoint_saving
from costs.free_tier import program
from costs.free_tier_use import FreeTierUse
from costs.model import CostError
from costs.prices import UnpricedRegion
from costs.stack import Stack
from rehearsal import brief
from rehearsal.gaps import MEANINGS, counted
from rehearsal.insights import Insights
from rehearsal.lines import Source
from rehearsal.marks import STACK
from rehearsal.monitor import Registered
from rehearsal.problems import Problem
from rehearsal.property_values import shown
from rehearsal.report import REFERENCE_REGION, Report

_STATUS: Final = {
    "emulated": ("green", "✓"),
    "validated": ("yellow", "≈"),
    "read": ("yellow", "≈"),
    "skipped": ("red", "✗"),
    "component": ("cyan", "◆"),
}
_MADE: Final = {"emulated": "emulated", "validated": "validated only", "read": "read", "skipped": "skipped"}
_AWS_ID: Final = re.compile(r"[a-z]+-[0-9a-f]{17}")


_PHASES: Final = ("preview", "deploy", "lint", "policies")
_MOST_SLOW: Final = 3
"""Resources that are named as those that took the longest."""

Shown = Literal["problems", "screen", "all"]


def show(console: Console, report: Report, *, debug: bool, how: Shown = "screen") -> None:
    """Print what fits a screen, the verdict first; or the problems alone; or the whole report, the verdict last."""
    if how != "all" and not report.invalid:
        console.print(_title(report))
        console.print(summary(report), soft_wrap=not console.is_terminal)
        _problems(console, report, debug=debug, verbose=False)
        if how == "screen":
            brief.show(console, report)
        return
    if not report.invalid:
        console.print(_tree(report))
        if report.outputs:
            console.print(_outputs(report))
        _insights(console, report.insights)
        _recovery(console, report)
        _costs(console, report)
        _month(console, report)
        _free_tier(console, report)
        _gaps(console, report)
        _waivers(console, report)
    _problems(console, report, debug=debug, verbose=True)
    _longest(console, report)
    console.print(summary(report), soft_wrap=not console.is_terminal)


def _title(report: Report) -> str:
    return f"[bold]{escape(report.stack)}[/]  {escape(report.product)} · {escape(report.environment)} · {report.region}"


def _tree(report: Report) -> Tree:
    tree = Tree(_title(report), guide_style="dim")
    children: dict[str, list[Registered]] = {}
    urns = {resource.urn for resource in report.resources}
    for resource in report.resources:
        if resource.type != STACK:
            children.setdefault(resource.parent if resource.parent in urns else "", []).append(resource)
    roots = [resource.urn for resource in report.resources if resource.type == STACK]
    for root in [*roots, ""]:
        _branch(tree, children, root)
    return tree


def _branch(tree: Tree, children: dict[str, list[Registered]], urn: str) -> None:
    below = children.get(urn, [])
    for component in (one for one in below if not one.custom):
        label = f"[cyan]◆[/] [bold]{escape(component.name)}[/] [dim]{escape(component.type.rpartition(':')[2])}[/]"
        _branch(tree.add(label), children, component.urn)
    made = sorted((one for one in below if one.custom), key=lambda one: (_kind(one), one.status, one.name))
    for (kind, status), group in groupby(made, key=lambda one: (_kind(one), one.status)):
        colour, mark = _STATUS[status]
        for one in group:
            _branch(tree.add(f"[{colour}]{mark}[/] {kind} [dim]{escape(_label(one))}[/]"), children, one.urn)


def _kind(resource: Registered) -> str:
    """`ec2 Subnet` from `aws:ec2/subnet:Subnet`."""
    package, module, name = resource.type.split(":", 2)
    service = module.partition("/")[0]
    return f"{package} {name}" if service in ("index", "providers") else f"{service} {name}"


def _label(resource: Registered) -> str:
    """The name, and the id where AWS gave one of its own rather than repeated what the resource says."""
    return f"{resource.name} → {resource.id}" if _AWS_ID.fullmatch(resource.id) else resource.name


def _outputs(report: Report) -> Table:
    table = Table(
        title="Outputs", title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False
    )
    tabled = {"recovery"} if _ways_back(report.outputs) else set[str]()
    for name, value in sorted(shown(report.outputs, report.secrets).items()):
        if name not in tabled and value not in ([], {}, None):
            table.add_row(escape(name), Text(_compact(value), overflow="fold", style="dim"))
    return table


def _compact(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_compact(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_compact(item)}" for key, item in sorted(value.items()))
    return str(value)


def _insights(console: Console, insights: Insights) -> None:
    """Who reaches the data, whose keys encrypt it, and what its deletion would mean."""
    table = Table(title="Who reaches the data", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in ("store", "in one hop", "from the internet"):
        table.add_column(heading, header_style="dim", overflow="fold")
    for store in insights.stores:
        direct = [f"{who} ({how})" for who, how in store.reached_by.items() if not how.startswith("via ")]
        way = " → ".join(store.from_internet[1:-1]) if store.from_internet else "[green]not at all[/]"
        table.add_row(escape(store.name), escape(", ".join(direct)) or "nobody", way)
    if insights.stores:
        console.print(table)
    lines = [
        f"{way['origin']} answers by its own address too, past the firewall of {way['distribution']}"
        for way in insights.firewall_bypasses
    ]
    lines += [
        f"{way['origin']} answers by its own address too, behind a firewall with the rules of {way['distribution']}'s"
        for way in insights.second_doors
    ]
    encrypted = insights.customer_managed_keys + len(insights.aws_managed_keys)
    if encrypted:
        rest = f"; with AWS-managed keys: {', '.join(insights.aws_managed_keys)}" if insights.aws_managed_keys else ""
        lines.append(f"Encrypted with customer-managed keys: {insights.customer_managed_keys} of {encrypted}{rest}")
    if insights.one_zone:
        lines.append(f"In one zone only: {', '.join(insights.one_zone)}")
    risks = insights.deletion_risks
    if risks:
        protected = sum(risk.protected for risk in risks)
        most = max(risks, key=lambda risk: risk.dependents)
        lines.append(
            f"{protected} of {len(risks)} data stores and keys are protected from deletion; "
            f"{_plural(most.dependents, 'resource')} depend on {most.name}, more than on any other"
        )
    for line in lines:
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2)))


_WAYS_BACK: Final = ("store", "disaster", "by", "lost at most", "back after about")
"""The columns of what a program exports as `recovery`; where its numbers are from is said below."""


def _ways_back(outputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the program says of its recovery; nothing where it says something else by this name."""
    told = outputs.get("recovery")
    wanted = {*_WAYS_BACK, "basis"}
    lines = told if isinstance(told, list) else []
    return lines if all(isinstance(one, dict) and one.keys() == wanted for one in lines) else []


def _recovery(console: Console, report: Report) -> None:
    """Each store, how it comes back, what is lost with it and how long that takes."""
    lines = _ways_back(report.outputs)
    if not lines:
        return
    table = Table(title="Ways back to the data", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in _WAYS_BACK:
        table.add_column(heading, header_style="dim", overflow="fold")
    for one in lines:
        table.add_row(*(escape(one[heading]) for heading in _WAYS_BACK))
    console.print(table)
    for basis in dict.fromkeys(one["basis"] for one in lines if one["basis"]):
        ways = dict.fromkeys(one["by"] for one in lines if one["basis"] == basis)
        console.print(Padding(Text(f"{', '.join(ways)}: {basis}", style="dim"), (0, 0, 0, 2)))


def _costs(console: Console, report: Report) -> None:
    """What the VPC endpoints save against NAT, here and where the design's prices come from."""
    try:
        stack = report.costed
    except CostError:
        return
    savings = [_saving(stack, region) for region in dict.fromkeys([report.region, REFERENCE_REGION])]
    rows = [saving for saving in savings if saving is not None]
    if not rows:
        return
    table = Table(
        title="VPC endpoints against NAT, USD a month",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for heading in ("region", "interface endpoints", "NAT gateways", "saving"):
        table.add_column(heading, justify="left" if heading == "region" else "right", header_style="dim")
    for saving in rows:
        table.add_row(
            saving.region,
            f"{saving.endpoints} × {saving.zones} zones = {saving.endpoint_hours_cost:.2f}",
            f"{saving.nat_gateways} = {saving.nat_cost:.2f}",
            f"[bold]{saving.saving:.2f}[/]",
        )
    console.print(table)
    for assumption in rows[0].assumptions:
        console.print(Padding(Text(assumption, style="dim"), (0, 0, 0, 2)))


def _saving(stack: Stack, region: str) -> EndpointSaving | None:
    try:
        return endpoint_saving(stack, region)
    except UnpricedRegion:
        return None


def _month(console: Console, report: Report) -> None:
    """What the stack costs where it is, by component, and what it would cost where the designs' prices come from."""
    months = report.months
    if not months:
        if report.no_months:
            console.print(Text(f"What it costs a month, nobody can say: {report.no_months}", style="yellow"))
        return
    costs_shown.text(console, months[0], report.stack, report.budget if report.plan is None else None)
    for other in months[1:]:
        console.print(Padding(Text(f"In {other.region} it would cost {other.usd:.2f} USD.", style="dim"), (0, 0, 0, 2)))


def _free_tier(console: Console, report: Report) -> None:
    """How much of the free tier the stack takes, what it costs beside it, and who has it at all."""
    use = report.free_tier
    if use is None:
        return
    table = Table(
        title=_PLANS.get(report.plan or "", _PLANS["legacy"]),
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for heading in ("limit", "a month", "free", "used", ""):
        table.add_column(heading, justify="left" if heading in ("limit", "") else "right", header_style="dim")
    for one in use.taken:
        limit = one.limit
        table.add_row(
            f"{limit.service} {escape(limit.item)}",
            f"{one.used.normalize():f} {limit.unit}",
            f"{limit.free.normalize():f}",
            f"[{'green' if one.within else 'red'}]{one.percent} %[/]",
            "[dim]always[/]" if limit.kind == "always" else "",
        )
    for charge in use.charges:
        table.add_row(escape(charge.what), "", "none", f"[red]{charge.cost:.2f} USD[/]", "")
    console.print(table)
    for line in _free_tier_words(use, report.plan):
        console.print(Padding(line, (0, 0, 0, 2)))


_PLANS: Final = {
    "legacy": "Free tier, in an account with the 12-month offers",
    "free": "Free tier, in an account on the free plan: what is not always free is paid with credits",
    "paid": "Free tier, in an account on the paid plan: what is not always free is paid with credits, then billed",
}


def _free_tier_words(use: FreeTierUse, plan: str | None) -> Iterator[str]:
    outside = "not all of it is priced here" if use.cost is None else f"{use.cost:.2f} USD a month"
    yield f"[bold]Outside the free tier: {outside}[/]"
    if use.uncounted:
        yield f"[yellow]Not counted, since there is no price here: {escape(', '.join(use.uncounted))}[/]"
    offered, low_and_high = program(), program().credits_usd
    yield f"[dim]{offered.before} The last of them ended by {offered.last_twelve_months_end:%d %B %Y}.[/]"
    yield f"[dim]{offered.after}[/]"
    # Whoever has another account than the file says finds it out by this.
    yield f"[{'bold' if plan == 'free' else 'dim'}]{offered.free_plan}[/]"
    monthly = use.cost_without_offers
    if monthly:
        lasts = " to ".join(f"{usd / monthly:.0f}" for usd in low_and_high)
        yield (
            f"[dim]Without the 12-month offers this stack is about {monthly:.2f} USD a month: "
            f"credits of {low_and_high[0]} to {low_and_high[1]} USD last {lasts} months.[/]"
        )


def _gaps(console: Console, report: Report) -> None:
    """Where the rehearsal did less than AWS would: per cause and type, how many and which."""
    lines: list[str] = []
    for cause, of_cause in groupby(counted(report.gaps), key=lambda one: one["cause"]):
        lines.append(f"[bold]{cause}[/] [dim]{MEANINGS[cause]}[/]")
        lines += [f"  [yellow]≈[/] {_gap(one, report)}" for one in of_cause]
    read = [one for one in report.resources if one.status == "read" and one.custom]
    lines += [f"[yellow]≈[/] {_kind(one)} {escape(one.name)}: {_reason(one, report)}" for one in read]
    lines += [
        f"[red]✗[/] {_kind(one)} {escape(one.name)}: {_reason(one, report)}"
        for one in report.resources
        if one.status == "skipped" and one.custom
    ]
    if report.stand_ins:
        lines.append(f"[yellow]≈[/] taken as existing, since the stack file names them: {', '.join(report.stand_ins)}")
    omitted = Counter((one.type, name) for one in report.resources for name in one.left_out)
    if omitted:
        names = ", ".join(f"{name} of {type_.rpartition(':')[2]}" for type_, name in sorted(omitted))
        lines.append(f"[dim]Read by the provider only, so not sent: {names}[/]")
    if lines:
        console.print("[bold]Gaps[/]")
        lines.insert(0, "[dim]What was not rehearsed as AWS would have it; none of it is an error.[/]")
        for line in lines:
            console.print(Padding(line, (0, 0, 0, 2)))


_MOST_NAMED: Final = 5
"""How many subjects or reasons a line of the gaps names; the JSON report has all."""


def _gap(one: dict[str, Any], report: Report) -> str:
    subjects, what = (brief.few(shown(one[key], report.secrets), _MOST_NAMED) for key in ("subjects", "what"))
    behind = f": {what}" if what else ""
    return escape(f"{one['count']} × {one['type'].removeprefix('aws:')} ({subjects}){behind}")


def _reason(resource: Registered, report: Report) -> str:
    return escape(str(shown(resource.reason or "", report.secrets)))


def _waivers(console: Console, report: Report) -> None:
    if report.waivers:
        console.print("[bold]Waivers[/]")
    for waiver in report.waivers:
        what = f"{escape(waiver['rule'])} until {escape(waiver['until'])}: {escape(waiver['reason'])}"
        console.print(f"  {what} [dim]({len(waiver['waived'])} waived)[/]")


def _problems(console: Console, report: Report, *, debug: bool, verbose: bool) -> None:
    if not verbose:
        for group in brief.grouped(report.problems):
            console.print(brief.problem(group, report), soft_wrap=not console.is_terminal)
            for line in _below(group[0], report, group[1:]):
                console.print(line, soft_wrap=not console.is_terminal)
        if not debug:
            return
    for problem in sorted(report.problems, key=lambda one: one.level != "warning"):
        if verbose:
            for line in _problem(problem, report):
                console.print(line, highlight=False)
        if debug and problem.trace:
            console.print(Text(str(shown(problem.trace, report.secrets)), style="dim"), soft_wrap=True)


def _problem(problem: Problem, report: Report) -> Iterator[Padding]:
    colour = "red" if problem.level == "error" else "yellow"
    where = f" [bold]{escape(problem.urn.split('::', 3)[-1])}[/]" if problem.urn else ""
    what = problem.rule or problem.kind
    message = escape(str(shown(problem.message, report.secrets)))
    yield Padding(f"[{colour}]{problem.level}[/] [dim]{escape(what)}[/]{where}: {message}", (0, 0, 0, 0))
    yield from _below(problem, report)


def _below(problem: Problem, report: Report, others: Sequence[Problem] = ()) -> Iterator[Padding]:
    """What stands below a finding: how to fix it, and where it is, and where others are that say the same."""
    if problem.remedy:
        yield Padding(f"[dim]→ {escape(str(shown(problem.remedy, report.secrets)))}[/]", (0, 0, 0, 6))
    sources = list(dict.fromkeys(one.source for one in (problem, *others) if one.source))
    for source in sources[:_MOST_NAMED]:
        yield Padding(_at(source, report), (0, 0, 0, 6))
    if len(sources) > _MOST_NAMED:
        yield Padding(f"[dim]at {_plural(len(sources) - _MOST_NAMED, 'line')} more[/]", (0, 0, 0, 6))


def _at(source: Source, report: Report) -> Text:
    """The line that caused it, and the line of the component that made it; terminals open both."""
    lines = {"at ": source.line, ", made at ": source.within[-1] if source.within else None}
    text = Text(style="dim")
    for before, line in {**lines, ", asked for at ": source.setting}.items():
        if line is None:
            continue
        text.append(before)
        text.append(str(line), style=Style(link=f"{(report.folder / line.file).resolve().as_uri()}#{line.line}"))
    return text


def _longest(console: Console, report: Report) -> None:
    """The phase and the resources that took the longest."""
    seconds = report.seconds
    if not any(seconds.get(phase) for phase in _PHASES):
        return
    made = sorted((one for one in report.resources if one.seconds), key=lambda one: (-one.seconds, one.urn))
    named = ", ".join(f"{one.name} {one.seconds:.2f} s" for one in made[:_MOST_SLOW])
    slowest = _slowest(seconds)[0]
    told = f"Slowest: {slowest}, {seconds[slowest]:.1f} s" + (f"; of the resources {named}" if named else "")
    console.print(Text(told, style="dim"), soft_wrap=not console.is_terminal)


def summary(report: Report) -> str:
    """The last line, with what was made, checked and found, and the time."""
    counts, seconds = report.counts, report.seconds
    if report.invalid:
        return f"[bold red]invalid settings[/] · {seconds['total']:.1f} s"
    outcome = "[bold green]ok[/]" if report.ok else "[bold red]failed[/]"
    made = [f"{counts[status]} {word}" for status, word in _MADE.items() if counts[status]]
    components = sum(not one.custom and one.type != STACK for one in report.resources)
    if components:
        made.append(_plural(components, "component"))
    findings = f"{_plural(counts['errors'], 'error')}, {_plural(counts['warnings'], 'warning')}"
    checked = f"{report.lint.linted} linted against AWS's schemas"
    if report.iam.policies:
        checked += f" · {_counted(report.iam.policies, 'IAM policy', 'IAM policies')} analysed"
    phases = ", ".join(f"{phase} {seconds[phase]:.1f}" for phase in _slowest(seconds))
    return (
        f"{outcome} · {', '.join(made) or 'nothing deployed'} · {checked}"
        f" · {_plural(counts['rules'], 'rule')}: {findings} · {seconds['total']:.1f} s (side by side: {phases})"
    )


def _slowest(seconds: Mapping[str, float]) -> list[str]:
    """The phases, the one that took the longest first."""
    return sorted(_PHASES, key=lambda phase: -seconds[phase])


def _plural(count: int, noun: str) -> str:
    return _counted(count, noun, f"{noun}s")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
