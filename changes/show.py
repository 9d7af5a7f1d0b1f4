"""A comparison as text for the terminal, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Literal

from rich.console import Console
from rich.text import Text

from changes.model import ORDER, Change, Kind, Problem, PropertyChange, Side
from changes.security import SecurityChange
from costs.bill import Bill, bill
from costs.model import CostError
from costs.prices import cents
from costs.stack import Stack, resources_of
from costs.use import expected
from rehearsal.differences import unpaired

SIGNS: Final[Mapping[Kind, tuple[str, str, str]]] = {
    "replace": ("±", "red", "replaced"),
    "delete": ("-", "red", "deleted"),
    "may-replace": ("?", "yellow", "may be replaced"),
    "unknown": ("?", "yellow", "unknown"),
    "rename": ("→", "cyan", "renamed"),
    "update": ("~", "yellow", "updated in place"),
    "create": ("+", "green", "created"),
}
_LONGEST: Final = 70
_PROPERTIES: Final = 6
_MOVERS: Final = 5
"""Components whose costs change the most."""
_MARKDOWN_LIMIT: Final = 60_000
"""Characters; GitHub takes 65,536 in a comment."""


@dataclass(frozen=True)
class Need:
    """Actions that this change needs allowed on something, or needs no more."""

    direction: Literal["more", "less"]
    text: str
    actions: Sequence[str]
    resource: str

    def as_json(self) -> dict[str, Any]:
        return {
            "direction": self.direction,
            "text": self.text,
            "actions": list(self.actions),
            "resource": self.resource,
        }


@dataclass(frozen=True)
class Comparison:
    """What a change does, and what a person must decide about it."""

    before: Side
    after: Side
    changes: Sequence[Change]
    security: Sequence[SecurityChange]
    problems: Sequence[Problem]
    notes: Sequence[str] = field(default_factory=list)
    deployer: Sequence[Need] = ()
    """What the deployer must be allowed to do beside what it was, and need not be any more."""

    @property
    def refused(self) -> bool:
        return any(one.level == "error" and not one.waived for one in self.problems)

    @property
    def counts(self) -> dict[str, int]:
        kinds = Counter(one.kind for one in self.changes)
        return {
            **{kind: kinds[kind] for kind in ORDER},
            "data_loss": sum(one.data_loss for one in self.changes),
            "errors": sum(one.level == "error" and not one.waived for one in self.problems),
            "warnings": sum(one.level == "warning" and not one.waived for one in self.problems),
            "waived": sum(bool(one.waived) for one in self.problems),
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            "stack": self.after.stack,
            "against": self.before.label,
            "changes": [one.as_json() for one in self.changes],
            "security": [one.as_json() for one in self.security],
            "problems": [one.as_json() for one in self.problems],
            "cost": self.cost,
            "deployer": [one.as_json() for one in self.deployer],
            "notes": list(self.notes),
            "counts": self.counts,
        }

    @cached_property
    def cost(self) -> dict[str, Any] | None:
        """The difference of a month, where both sides were rehearsed; both at the use that the newer side expects."""
        before, after = self._bills
        if before is None or after is None:
            return None
        parts = [_parts(one) for one in (before, after)]
        components = [one.by_component for one in (before, after)]
        return {
            "region": after.region,
            "use": after.use.said_by,
            "before_usd": float(cents(before.usd)),
            "after_usd": float(cents(after.usd)),
            "delta_usd": float(cents(after.usd - before.usd)),
            "components": _delta(*({name: fixed + used for name, (fixed, used) in one.items()} for one in components)),
            "lines": _delta(*parts),
            "unpriced": dict(after.unpriced),
        }

    @cached_property
    def _bills(self) -> tuple[Bill | None, Bill | None]:
        try:
            said = (self.after.report or {}).get("expected")
            return _bill(self.before, said), _bill(self.after, said)
        except CostError:
            return None, None


def _bill(side: Side, said: Mapping[str, Any] | None) -> Bill | None:
    if side.report is None:
        return None
    return bill(Stack(resources_of(side.report), side.report["region"], expected(said)))


def _parts(one: Bill) -> dict[str, Decimal]:
    """What each part of each resource costs."""
    return {f"{cost.resource.name}: {line.name}": line.usd for cost in one.resources for line in cost.lines}


def _delta(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> dict[str, float]:
    """What differs, the most first."""
    names = before.keys() | after.keys()
    deltas = {name: after.get(name, Decimal(0)) - before.get(name, Decimal(0)) for name in names}
    ordered = sorted(deltas.items(), key=lambda item: (-abs(item[1]), item[0]))
    return {name: float(round(usd, 4)) for name, usd in ordered if round(usd, 4)}


def _value(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _sides(one: PropertyChange) -> tuple[str, str]:
    """Both values; of two lists what only the one has."""
    old, new = one.old, one.new
    if isinstance(old, list) and isinstance(new, list):
        gone, come = unpaired(old, new)
        if gone or come:
            old, new = gone, come
    return _value(old), _value(new)


def _kind(type_: str) -> str:
    parts = type_.split(":")
    return f"{parts[1].partition('/')[0]} {parts[-1]}" if parts[0] == "aws" and len(parts) > 2 else type_


def text(
    console: Console, comparison: Comparison, *, verbose: bool = False, brief: bool = False, quiet: bool = False
) -> None:
    """The verdict first, then what a person must decide, then the rest by how bad it is; `brief`: nothing of what is
    new, which is much where a stack grows by whole sections; `quiet`: no rest."""
    line = _summary(comparison)
    console.print(Text.assemble((line, "bold red" if comparison.refused else "bold")))
    for problem in comparison.problems:
        style = "dim" if problem.waived else "red" if problem.level == "error" else "yellow"
        console.print(Text.assemble((f"{problem.level} ", style), f"[{problem.rule}] {problem.message}"))
        console.print(Text(f"  waived: {problem.waived}" if problem.waived else f"  → {problem.remedy}", style="dim"))
    if quiet:
        return
    for change in comparison.changes:
        sign, style, _word = SIGNS[change.kind]
        if change.kind == "create" and not verbose:
            continue
        console.print(
            Text.assemble((f"{sign} ", style), f"{_kind(change.type)} {change.name}", (_after_name(change), "dim"))
        )
        shown = change.properties if verbose else change.properties[:_PROPERTIES]
        for one in shown:
            mark = {"replace": " forces replacement", "may-replace": " may force it", "unknown": " unknown"}.get(
                one.effect, ""
            )
            console.print(Text.assemble(f"    {one.path}: {' → '.join(_sides(one))}", (mark, style)))
            if one.effect in ("replace", "may-replace", "unknown"):
                console.print(Text(f"      {one.fact}", style="dim"))
        if len(change.properties) > len(shown):
            console.print(Text(f"    … and {len(change.properties) - len(shown)} more", style="dim"))
        for meaning in change.means:
            console.print(Text(f"    means: {meaning}", style="yellow"))
        if change.follows:
            names = [urn.split("::", 3)[-1] for urn in change.follows]
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            console.print(Text(f"    from it follow: {', '.join(names[:4])}{more}", style="dim"))
    created = [one for one in comparison.changes if one.kind == "create"]
    if brief:
        return
    if created and not verbose:
        counted = Counter(_kind(one.type) for one in created)
        listed = ", ".join(f"{number} × {kind}" if number > 1 else kind for kind, number in sorted(counted.items()))
        console.print(Text.assemble(("+ ", "green"), f"created: {listed}"))
    for one in comparison.security:
        console.print(Text.assemble((f"{one.kind} ", "yellow" if one.direction == "more" else "green"), one.text))
    for one in comparison.deployer:
        console.print(Text.assemble(("deployer ", "yellow" if one.direction == "more" else "green"), one.text))
    for line in [*_cost_lines(comparison), *comparison.notes]:
        console.print(Text(line, style="dim"))


def _after_name(change: Change) -> str:
    return f" (was {change.was.split('::', 3)[-1]})" if change.was else ""


def _summary(comparison: Comparison) -> str:
    verdict = "refused: " if comparison.refused else ""
    return f"{verdict}{comparison.after.stack} against {comparison.before.label}: {summary(comparison)}"


def summary(comparison: Comparison) -> str:
    """What happens to how many resources, and whether data is lost."""
    counts = comparison.counts
    said = [f"{counts[kind]} {SIGNS[kind][2]}" for kind in ORDER if counts[kind]]
    lost = f"; {counts['data_loss']} lose data" if counts["data_loss"] else ""
    return f"{', '.join(said) or 'nothing changes'}{lost}"


def _cost_lines(comparison: Comparison) -> Iterator[str]:
    cost = comparison.cost
    if cost is not None:
        yield f"a month: {cost['before_usd']:.2f} → {cost['after_usd']:.2f} USD ({cost['delta_usd']:+.2f})"
        shown = list(cost["components"].items())
        for name, usd in shown[:_MOVERS]:
            yield f"  {name}: {usd:+.2f} USD a month"
        if len(shown) > _MOVERS:
            yield f"  and {len(shown) - _MOVERS} components more, by less"


def markdown(comparison: Comparison) -> str:
    """For a comment: what a person must decide first, the rest collapsed, cut where GitHub would refuse it."""
    lines = [f"### {_escaped(_summary(comparison))}", ""]
    for problem in comparison.problems:
        mark = "⚪ waived" if problem.waived else "🔴" if problem.level == "error" else "🟡"
        lines += [
            f"- {mark} `{problem.rule}` {_escaped(problem.message)}",
            f"  - {_escaped(problem.waived or problem.remedy)}",
        ]
    more = [one for one in comparison.security if one.direction == "more"]
    if more:
        lines += ["", "**More open, or less safe than before**", "", *(f"- {_escaped(one.text)}" for one in more)]
    lines += [f"- {line}" for line in _cost_lines(comparison)]
    for kind in ORDER:
        of_kind = [one for one in comparison.changes if one.kind == kind]
        if not of_kind:
            continue
        _, _, word = SIGNS[kind]
        opened = " open" if kind in ("replace", "delete", "may-replace") else ""
        lines += ["", f"<details{opened}><summary>{len(of_kind)} {word}</summary>", ""]
        for change in of_kind:
            lines.append(f"- {_code(_kind(change.type))} **{_escaped(change.name)}**{_escaped(_after_name(change))}")
            lines += [
                f"  - {_code(one.path)}: {' → '.join(map(_code, _sides(one)))}"
                + (f" — {one.effect}" if one.effect not in ("in-place", "none") else "")
                for one in change.properties[:_PROPERTIES]
            ]
            lines += [f"  - {_escaped(meaning)}" for meaning in change.means]
        lines += ["", "</details>"]
    less = [one for one in comparison.security if one.direction == "less"]
    if less:
        lines += [
            "",
            "<details><summary>Closed, or safer than before</summary>",
            "",
            *(f"- {_escaped(one.text)}" for one in less),
            "",
            "</details>",
        ]
    lines += ["", *(f"_{_escaped(note)}_" for note in comparison.notes)]
    whole = "\n".join(lines).rstrip() + "\n"
    if len(whole) <= _MARKDOWN_LIMIT:
        return whole
    cut = whole[:_MARKDOWN_LIMIT].rpartition("\n")[0]
    closing = "\n</details>" if cut.count("<details") > cut.count("</details>") else ""
    return f"{cut}{closing}\n\n…cut here: the whole is in the job's report.\n"


def _code(value: str) -> str:
    return "`" + " ".join(value.split()).replace("`", "'") + "`"


def _escaped(value: str) -> str:
    """As text in a comment: no markup, no links, no mentions, no lines of its own."""
    marked = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", " ".join(value.split()))
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace("@", "@\u200b")
