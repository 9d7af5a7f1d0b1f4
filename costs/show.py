"""A bill for people: by component, the dearest parts, what is fixed and what comes by use, and what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from costs.advice import Advice, Stopping
from costs.bill import Bill, Line
from costs.gate import Budget

_LARGEST: Final = 5
_LEAST: Final = Decimal("0.005")
"""USD; less is shown as nothing."""
_COMPONENTS: Final = 12


def text(
    console: Console,
    bill: Bill,
    stack: str,
    budget: Budget | None,
    *,
    verbose: bool = False,
    quiet: bool = False,
    today: date | None = None,
    advised: Sequence[Advice] = (),
    stopped: Stopping | None = None,
    committed: Decimal | None = None,
) -> None:
    """The sum first, then what makes it. `today` says since when prices are too old; without it none is."""
    console.print(
        f"[bold]{escape(stack)}[/]: [bold]{bill.usd:.2f} USD[/] a month in {bill.region}, "
        f"with {escape(bill.use.said_by)}{' and the offers of the first twelve months' * bill.offers}"
    )
    if not quiet:
        console.print(_by_component(bill, None if verbose else _COMPONENTS))
        console.print(_movers(bill, None if verbose else _LARGEST))
        if advised:
            console.print(_advised(advised))
    if committed is not None:
        console.print(
            f"with Savings Plans and reservations of three years, paid ahead: at least [bold]{committed:.2f} USD[/] a "
            f"month, {bill.usd - committed:.2f} less"
        )
    # What has no price, or no tasks, costs nothing that stopping could save.
    if stopped is not None and stopped.of and not quiet:
        console.print(_stopped(bill, stopped))
    for line in words(bill, budget, today):
        console.print(line)


def change(console: Console, past: Bill, bill: Bill) -> None:
    """What a change costs a month, and the resources that cost most more or less by it."""
    sums = [{one.resource.urn: (one.resource.name, one.usd) for one in each.resources} for each in (past, bill)]
    found = []
    for urn in sums[0].keys() | sums[1].keys():
        name, before = sums[0].get(urn, ("", Decimal(0)))
        found.append((sums[1].get(urn, (name, Decimal(0)))[0] or name, sums[1].get(urn, ("", Decimal(0)))[1] - before))
    console.print(f"the change costs [bold]{bill.usd - past.usd:+.2f} USD[/] a month: {past.usd:.2f} before")
    for name, usd in sorted(found, key=lambda one: (-abs(one[1]), one[0]))[:_LARGEST]:
        if abs(usd) >= _LEAST:
            console.print(Text(f"  {usd:+.2f} {name}"))


def _by_component(bill: Bill, count: int | None) -> Table:
    table = _table("By component, USD a month", "component", "fixed", "by use", "together")
    rows = [(name, *parts) for name, parts in bill.by_component.items() if sum(parts)]
    for name, fixed, used in rows[:count]:
        table.add_row(escape(name), f"{fixed:.2f}", f"{used:.2f}", f"{fixed + used:.2f}")
    if others := rows[count:] if count else []:
        fixed, used = sum((row[1] for row in others), Decimal(0)), sum((row[2] for row in others), Decimal(0))
        table.add_row(f"[dim]{len(others)} more[/]", f"{fixed:.2f}", f"{used:.2f}", f"{fixed + used:.2f}")
    table.add_row(
        "[bold]together[/]",
        f"[bold]{bill.fixed_usd:.2f}[/]",
        f"[bold]{bill.by_use_usd:.2f}[/]",
        f"[bold]{bill.usd:.2f}[/]",
    )
    return table


def _advised(advised: Sequence[Advice]) -> Table:
    table = _table("What would change it", "", "USD a month", "what it means")
    for one in advised:
        table.add_row(escape(one.what), f"{-one.saving:+.2f}", escape(one.gives_up))
    return table


def _stopped(bill: Bill, stopped: Stopping) -> Text:
    hours = stopped.running * 168
    return Text(
        f"schedules stop what costs {stopped.of:.2f} USD all day: it runs {hours:.0f} of a week's 168 hours, "
        f"{stopped.running * bill.hours:.0f} of a month's {bill.hours:.0f}, and {stopped.saving:.2f} USD are saved"
        f" ({stopped.saving / stopped.of:.0%}); storage goes on",
        "green",
    )


def _movers(bill: Bill, count: int | None) -> Table:
    every = bill.movers(len(bill.resources) * 10 if count is None else count)
    table = _table("The dearest parts" if count else "All parts", "resource", "what", "quantity", "price", "USD")
    for resource, line in every:
        table.add_row(escape(resource.name), escape(line.name), quantity(line), price(line), f"{line.usd:.2f}")
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        left = number == 0 or heading.startswith("what")
        table.add_column(heading, justify="left" if left else "right", header_style="dim", overflow="fold")
    return table


def quantity(line: Line) -> str:
    return f"{round(line.quantity, 4).normalize():f} {line.unit}"


def price(line: Line) -> str:
    if line.price is None:
        return ""
    mark = " ≈" if line.price.estimated or line.indicative else ""
    return f"{line.price.usd.normalize():f}{mark}"


def words(bill: Bill, budget: Budget | None, today: date | None = None) -> Iterator[Text]:
    """What a person must know beside the sum."""
    saved = bill.list_usd - bill.usd
    if saved > Decimal("0.005"):
        free = "free in the first twelve months or for ever" if bill.offers else "free for ever"
        yield Text(f"{saved:.2f} USD of the list price are {free}, in an account that has nothing else", "dim")
    estimates = bill.estimates
    if estimates:
        usd = sum(
            (line.usd for one in bill.resources for line in one.lines if line.price and line.price.estimated),
            Decimal(0),
        )
        yield Text(f"{usd:.2f} USD rest on {len(estimates)} prices marked ≈, for which something stands in", "yellow")
    old = bill.old_prices(today) if today else []
    if old:
        oldest = min(one.as_of for one in old)
        yield Text(
            f"{len(old)} prices are older than a year, the oldest of {oldest}: python -m costs.refresh", "yellow"
        )
    for type_, reason in bill.unpriced.items():
        yield Text(f"not priced: {type_}: {reason}", "yellow")
    if bill.unpriced:
        count = bill.unpriced_resources
        yield Text(f"not in the sum: {count} resource{'s' * (count > 1)} of {len(bill.unpriced)} types", "bold yellow")
    if budget is not None:
        yield Text(budget.words(bill.usd, complete=not bill.unpriced), "" if budget.holds(bill.usd) else "bold red")
