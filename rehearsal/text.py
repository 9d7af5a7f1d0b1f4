"""The report for people: progress while it works, then what was deployed, found, waived and left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from costs import EndpointSaving, FreeTierUse, endpoint_saving, program
from rehearsal.monitor import Registered
from rehearsal.problems import Problem
from rehearsal.proofs import Proofs
from rehearsal.report import REFERENCE_REGION, Report
from rehearsal.wire import shown

_STATUS: Final = {
    "emulated": ("green", "✓"),
    "modelled": ("yellow", "≈"),
    "skipped": ("red", "✗"),
    "component": ("cyan", "◆"),
}
_AWS_ID: Final = re.compile(r"[a-z]+-[0-9a-f]{17}")


def show(console: Console, report: Report, *, debug: bool, verbose: bool) -> None:
    """Print the whole report."""
    if not report.refused:
        console.print(_tree(report, verbose=verbose))
        if report.outputs:
            console.print(_outputs(report))
        _proofs(console, report.proofs)
        _costs(console, report)
        _month(console, report)
        _free_tier(console, report)
        _gaps(console, report)
        _waivers(console, report)
    _problems(console, report, debug=debug)
    console.print(_summary(report), soft_wrap=True)


def _tree(report: Report, *, verbose: bool) -> Tree:
    title = (
        f"[bold]{escape(report.stack)}[/]  {escape(report.product)} · {escape(report.environment)} · {report.region}"
    )
    tree = Tree(title, guide_style="dim")
    children: dict[str, list[Registered]] = {}
    urns = {resource.urn for resource in report.resources}
    for resource in report.resources:
        if resource.type != "pulumi:pulumi:Stack":
            children.setdefault(resource.parent if resource.parent in urns else "", []).append(resource)
    roots = [resource.urn for resource in report.resources if resource.type == "pulumi:pulumi:Stack"]
    for root in [*roots, ""]:
        _branch(tree, children, root, verbose=verbose)
    return tree


def _branch(tree: Tree, children: dict[str, list[Registered]], urn: str, *, verbose: bool) -> None:
    below = children.get(urn, [])
    for component in (one for one in below if not one.custom):
        label = f"[cyan]◆[/] [bold]{escape(component.name)}[/] [dim]{escape(component.type.rpartition(':')[2])}[/]"
        _branch(tree.add(label), children, component.urn, verbose=verbose)
    made = sorted((one for one in below if one.custom), key=lambda one: (_kind(one), one.status, one.name))
    for (kind, status), group in groupby(made, key=lambda one: (_kind(one), one.status)):
        members = list(group)
        colour, mark = _STATUS[status]
        if verbose or len(members) == 1:
            for one in members:
                below_one = tree.add(f"[{colour}]{mark}[/] {kind} [dim]{escape(_label(one))}[/]")
                _branch(below_one, children, one.urn, verbose=verbose)
        else:
            tree.add(f"[{colour}]{mark}[/] {kind} [bold]×{len(members)}[/]")
            for one in members:
                _branch(tree, children, one.urn, verbose=verbose)


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
    for name, value in sorted(shown(report.outputs, report.secrets).items()):
        if value not in ([], {}, None):
            table.add_row(escape(name), Text(_compact(value), overflow="fold", style="dim"))
    return table


def _compact(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_compact(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_compact(item)}" for key, item in sorted(value.items()))
    return str(value)


def _proofs(console: Console, proofs: Proofs) -> None:
    """Who reaches the data, whose keys encrypt it, and what would go with it."""
    table = Table(title="Who reaches the data", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in ("store", "in one hop", "from the internet"):
        table.add_column(heading, header_style="dim", overflow="fold")
    for store in proofs.stores:
        direct = [f"{who} ({how})" for who, how in store.reached_by.items() if not how.startswith("via ")]
        way = " → ".join(store.from_internet[1:-1]) if store.from_internet else "[green]not at all[/]"
        table.add_row(escape(store.name), escape(", ".join(direct)) or "nobody", way)
    if proofs.stores:
        console.print(table)
    lines: list[str] = []
    if proofs.encrypted or proofs.not_encrypted_so:
        whole = proofs.encrypted + len(proofs.not_encrypted_so)
        rest = f"; by AWS's: {', '.join(proofs.not_encrypted_so)}" if proofs.not_encrypted_so else ""
        lines.append(f"Encrypted by keys of our own: {proofs.encrypted} of {whole}{rest}")
    if proofs.one_zone:
        lines.append(f"In one zone only: {', '.join(proofs.one_zone)}")
    open_ = [loss for loss in proofs.losses if not loss.protected]
    if proofs.losses:
        most = max(proofs.losses, key=lambda loss: loss.dependents)
        lines.append(
            f"{len(proofs.losses) - len(open_)} of {len(proofs.losses)} that keep something are protected; "
            f"most hangs on {most.name} ({_plural(most.dependents, 'resource')})"
        )
    for line in lines:
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2)))


def _costs(console: Console, report: Report) -> None:
    """What the VPC endpoints save against NAT, here and where the design's prices come from."""
    resources = [{"type": resource.type, "inputs": shown(resource.inputs)} for resource in report.resources]
    savings = [_saving(resources, region) for region in dict.fromkeys([report.region, REFERENCE_REGION])]
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


def _saving(resources: list[dict[str, Any]], region: str) -> EndpointSaving | None:
    try:
        return endpoint_saving(resources, region)
    except LookupError:
        return None


def _month(console: Console, report: Report) -> None:
    """What the stack costs with what its file expects, here and where the design's prices come from."""
    months = report.months
    if not months:
        return
    table = Table(
        title="The month that the stack's file expects, USD",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for heading in ("", *(f"{one.region}\n{part}" for one in months for part in ("list", "due"))):
        table.add_column(heading, justify="right" if heading else "left", header_style="dim")
    for service in sorted({line.service for one in months for line in one.lines}):
        lines = [[line for line in one.lines if line.service == service] for one in months]
        amounts = [
            sum(amount) for of_one in lines for amount in ([x.list_usd for x in of_one], [x.usd for x in of_one])
        ]
        table.add_row(service, *(f"{amount:.2f}" for amount in amounts))
    sums = [amount for one in months for amount in (one.list_usd, one.usd)]
    table.add_row("[bold]together[/]", *(f"[bold]{amount:.2f}[/]" for amount in sums))
    console.print(table)
    words = (
        "due: beyond what is free for ever, in an account that has nothing else; what has no line here is not counted"
    )
    console.print(Padding(Text(words, style="dim"), (0, 0, 0, 2)))


def _free_tier(console: Console, report: Report) -> None:
    """How much of each allowance the stack takes, what it costs beside them, and who has them at all."""
    use = report.free_tier
    if use is None:
        return
    table = Table(
        title="Free tier, in an account with the 12-month offers",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for heading in ("allowance", "a month", "free", "used", ""):
        table.add_column(heading, justify="left" if heading in ("allowance", "") else "right", header_style="dim")
    for one in use.uses:
        allowance = one.allowance
        table.add_row(
            f"{allowance.service} {escape(allowance.item)}",
            f"{one.used.normalize():f} {allowance.unit}",
            f"{allowance.free.normalize():f}",
            f"[{'green' if one.within else 'red'}]{one.percent} %[/]",
            "[dim]always[/]" if allowance.kind == "always" else "",
        )
    for charge in use.charges:
        cost = "not priced here" if charge.cost is None else f"{charge.cost:.2f} USD"
        table.add_row(escape(charge.what), str(charge.count), "none", f"[red]{cost}[/]", "")
    console.print(table)
    for line in _free_tier_words(use):
        console.print(Padding(line, (0, 0, 0, 2)))


def _free_tier_words(use: FreeTierUse) -> Iterator[str]:
    outside = "not all of it is priced here" if use.cost is None else f"{use.cost:.2f} USD a month"
    yield f"[bold]Outside of the allowances: {outside}[/]"
    if use.uncounted:
        yield f"[yellow]Not counted, billed by use or not known here: {escape(', '.join(use.uncounted))}[/]"
    offered, low_and_high = program(), program().credits_usd
    yield f"[dim]{offered.before} The last of them ended by {offered.last_twelve_months_end:%d %B %Y}.[/]"
    yield f"[dim]{offered.after}[/]"
    monthly = use.cost_without_offers
    if monthly:
        lasts = " to ".join(f"{usd / monthly:.0f}" for usd in low_and_high)
        yield (
            f"[dim]Without the 12-month offers this stack is about {monthly:.2f} USD a month: "
            f"credits of {low_and_high[0]} to {low_and_high[1]} USD last {lasts} months.[/]"
        )


def _gaps(console: Console, report: Report) -> None:
    """Where the rehearsal did less than AWS would."""
    lines = [
        f"[yellow]≈[/] {_kind(one)} {escape(one.name)}: modelled: {_reason(one, report)}"
        for one in report.resources
        if one.status == "modelled"
    ]
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
        console.print("[bold]Not as in AWS[/]")
        for line in lines:
            console.print(Padding(line, (0, 0, 0, 2)))


def _reason(resource: Registered, report: Report) -> str:
    return escape(str(shown(resource.reason or "", report.secrets)))


def _waivers(console: Console, report: Report) -> None:
    if report.waivers:
        console.print("[bold]Waivers[/]")
    for waiver in report.waivers:
        what = f"{escape(waiver['rule'])} until {escape(waiver['until'])}: {escape(waiver['reason'])}"
        console.print(f"  {what} [dim]({len(waiver['waived'])} waived)[/]")


def _problems(console: Console, report: Report, *, debug: bool) -> None:
    for problem in sorted(report.problems, key=lambda one: one.level != "warning"):
        for line in _problem(problem, report):
            console.print(line, highlight=False)
        if debug and problem.trace:
            console.print(Text(str(shown(problem.trace, report.secrets)), style="dim"), soft_wrap=True)


def _problem(problem: Problem, report: Report) -> Iterator[Padding]:
    colour = "red" if problem.level == "error" else "yellow"
    where = f" [bold]{escape(problem.urn.rpartition('::')[2])}[/]" if problem.urn else ""
    what = problem.rule or problem.kind
    message = escape(str(shown(problem.message, report.secrets)))
    yield Padding(f"[{colour}]{problem.level}[/] [dim]{escape(what)}[/]{where}: {message}", (0, 0, 0, 0))
    if problem.remedy:
        yield Padding(f"[dim]→ {escape(str(shown(problem.remedy, report.secrets)))}[/]", (0, 0, 0, 6))


def _summary(report: Report) -> str:
    counts, seconds = report.counts, report.seconds
    if report.refused:
        return f"[bold red]refused[/] · {seconds['total']:.1f} s"
    verdict = "[bold green]ok[/]" if report.ok else "[bold red]failed[/]"
    made = [f"{counts[status]} {status}" for status in ("emulated", "modelled", "skipped") if counts[status]]
    components = sum(not one.custom and one.type != "pulumi:pulumi:Stack" for one in report.resources)
    if components:
        made.append(_plural(components, "component"))
    findings = f"{_plural(counts['errors'], 'error')}, {_plural(counts['warnings'], 'warning')}"
    judged = f"{report.lint.judged} held against AWS's schemas"
    if report.rights.policies:
        judged += f" · {_counted(report.rights.policies, 'policy', 'policies')} weighed"
    phases = ", ".join(f"{phase} {seconds[phase]:.1f}" for phase in ("preview", "deploy", "lint", "policies"))
    return (
        f"{verdict} · {', '.join(made) or 'nothing deployed'} · {judged}"
        f" · {_plural(counts['rules'], 'rule')}: {findings} · {seconds['total']:.1f} s ({phases})"
    )


def _plural(count: int, noun: str) -> str:
    return _counted(count, noun, f"{noun}s")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
