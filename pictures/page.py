"""The report of a rehearsal as one page of HTML: for people who look rather than read.

It needs nothing but itself: no network, no script or style from elsewhere; its own content policy forbids them. Without
scripts it shows everything but the inputs of resources.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pictures.kinds import TIERS
from pictures.layout import layout
from pictures.model import Node, Picture, Report, picture, states
from pictures.rights import principals
from pictures.svg import STYLE, svg

_HERE: Final = Path(__file__).parent
_DONE: Final = {"replace": "replaced", "delete": "deleted", "update": "updated", "create": "new"}
_FIRST: Final = 5
"""Findings that stand above the picture."""


@dataclass(frozen=True)
class Part:
    """A node of the picture with all that is said of it."""

    anchor: str
    node: Node
    rows: tuple[Mapping[str, Any], ...]
    problems: tuple[Mapping[str, Any], ...]
    usd: float
    source: str
    change: str
    """What a change does with it, empty for nothing."""

    @property
    def badges(self) -> dict[str, str]:
        """What stands on the node in the picture, by what colours it: colours alone do not tell everybody."""
        count = sum(one["level"] == self.level for one in self.problems)
        return {
            "findings": f"{count} {self.level}{'' if count == 1 else 's'}" if self.level else "",
            "cost": f"{self.usd:,.0f} USD" if self.usd >= 1 else "",
            "changes": _DONE.get(self.change, ""),
        }

    @property
    def level(self) -> str:
        """The gravest of its findings."""
        return next((one for one in ("error", "warning") if any(p["level"] == one for p in self.problems)), "")


def page(report: Report, changes: Mapping[str, str] | None = None) -> str:
    """The whole page.

    `changes` says what a change does with resources, by their URNs: create, update, replace or delete.
    """
    import jinja2  # noqa: PLC0415 only who writes a page needs it

    drawn = picture(report)
    parts = _parts(report, drawn, changes or {})
    by_key = {one.node.key: one for one in parts}
    style = STYLE + (_HERE / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    month = report["months"][0] if report["months"] else None
    return environment.get_template("page.html.j2").render(
        report=report,
        policy=_content_policy(style, script),
        style=style,
        script=script,
        picture=_marked(
            svg(
                drawn,
                layout(drawn),
                link=lambda node: f"#{by_key[node.key].anchor}",
                badges=lambda node: by_key[node.key].badges if node.key in by_key else {},
            ),
            parts,
        ),
        gravest=sorted(report["problems"], key=lambda one: one["level"])[:_FIRST],
        holders={urn: by_key[key].anchor for urn, key in drawn.holders.items() if key in by_key},
        changes=[
            (state, told, count)
            for state, told in _DONE.items()
            if (count := sum(one == state for one in (changes or {}).values()))
        ],
        parts=parts,
        tiers=[(heading, [one for one in parts if one.node.tier == tier]) for tier, heading in TIERS.items()],
        findings=_findings(report),
        month=month,
        costs=_costs(parts),
        dearest=max((one.usd for one in parts), default=0),
        principals=principals(report),
        changed=bool(changes),
        colour="changes" if changes else "findings" if report["problems"] else "tiers",
        legend=[(tier, heading) for tier, heading in TIERS.items() if any(one.node.tier == tier for one in parts)],
        outputs={name: _value(value) for name, value in sorted(report["outputs"].items())},
        statuses=Counter(row["status"] for row in report["resources"] if row["custom"]),
        inputs=_data({row["urn"]: row["inputs"] for row in report["resources"] if row["custom"]}),
        place=_place,
        short=_name,
        after=_after,
    )


def _parts(report: Report, drawn: Picture, changes: Mapping[str, str]) -> list[Part]:
    rows = {row["urn"]: row for row in report["resources"]}
    costs: Counter[tuple[str, str]] = Counter()
    for line in report["months"][0]["lines"] if report["months"] else ():
        costs[line["resource"], line["type"]] += line["usd"]
    found: dict[str, list[Mapping[str, Any]]] = {}
    for problem in report["problems"]:
        found.setdefault(drawn.holders.get(problem.get("urn") or "", ""), []).append(problem)
    touched = states(drawn, changes)
    parts = []
    for index, node in enumerate(one for one in drawn.nodes if one.kind):
        members = tuple(rows[urn] for urn in node.members)
        parts.append(
            Part(
                anchor=f"part-{index}",
                node=node,
                rows=members,
                problems=tuple(found.get(node.key, ())),
                usd=sum(costs.pop((row["name"], row["type"]), 0) for row in members),
                source=_place(rows[node.key].get("source")),
                change=touched.get(node.key, ""),
            )
        )
    return parts


def _marked(drawn: str, parts: Iterable[Part]) -> str:
    """The picture with what colours it: findings, cost, changes."""
    several = list(parts)
    dearest = max((one.usd for one in several), default=0) or 1
    for one in several:
        # In five steps: nothing, then quarters of what the dearest costs.
        step = 0 if not one.usd else min(4, 1 + int(4 * one.usd / dearest * 0.999))
        marks = f'data-level="{one.level}" data-cost="{step}" data-change="{one.change}"'
        drawn = drawn.replace(f' href="#{one.anchor}"', f' href="#{one.anchor}" {marks}', 1)
    return drawn


def _findings(report: Report) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """By rule, errors first."""
    by_rule: dict[str, list[Mapping[str, Any]]] = {}
    for problem in report["problems"]:
        by_rule.setdefault(problem["rule"] or problem["kind"], []).append(problem)
    return sorted(by_rule.items(), key=lambda one: (one[1][0]["level"], one[0]))


def _costs(parts: Iterable[Part]) -> list[Part]:
    return sorted((one for one in parts if one.usd), key=lambda one: (-one.usd, one.node.name))


def _name(urn: str) -> str:
    return urn.split("::", 3)[-1]


def _after(problem: Mapping[str, Any]) -> str:
    """What is said of a resource, after its name; some messages begin with it themselves."""
    message, name = problem["message"], _name(problem["urn"])
    return message.removeprefix(name) if message.startswith(f"{name} ") else f": {message}"


def _place(source: Mapping[str, Any] | None) -> str:
    return f"{source['file']}:{source['line']}" if source else ""


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _data(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _content_policy(style: str, script: str) -> str:
    """Nothing is fetched, and only this style and this script count."""

    def of(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {of(style)}; script-src {of(script)}; "
        "base-uri 'none'; form-action 'none'; frame-src 'none'"
    )
