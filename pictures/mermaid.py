"""A picture as Mermaid, which GitHub and GitLab draw in Markdown: https://mermaid.js.org/syntax/flowchart.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pictures.layout import ports
from pictures.model import Arrow, Node, Picture, group_of

_MOST_ARROWS: Final = 280
"""Mermaid's own limit is 500 edges; where there are more than this only those that reach something are drawn."""

_LONGEST: Final = 50_000
"""Characters that Mermaid takes."""

STATES: Final = {
    "create": "fill:#dafbe1,stroke:#1a7f37,color:#1b1f24",
    "update": "fill:#fff8c5,stroke:#9a6700,color:#1b1f24",
    "replace": "fill:#ffebe9,stroke:#cf222e,color:#1b1f24",
    "delete": "fill:#ffebe9,stroke:#cf222e,color:#1b1f24,stroke-dasharray:4 3",
}
"""How a node looks that a change makes, updates, replaces or deletes."""


def mermaid(picture: Picture, states: Mapping[str, str] | None = None) -> str:
    """The flowchart of what arrows join, or of all parts where there are none; with `states`, by the key of a node, in
    the colours of a change."""
    if not picture.arrows and not states:
        return _parts(picture)
    arrows = list(picture.arrows)
    if len(arrows) > _MOST_ARROWS:
        arrows = [one for one in arrows if one.kind == "reaches"][:_MOST_ARROWS]
    told = _flowchart(picture, states or {}, arrows)
    while len(told) > _LONGEST and arrows:
        # Half of a very large picture is drawn rather than none of it.
        arrows = arrows[: len(arrows) // 2]
        told = _flowchart(picture, states or {}, arrows)
    return told


def _parts(picture: Picture) -> str:
    """Where nothing is joined the parts themselves are the picture."""
    keys = [one.key for one in picture.nodes]
    told = _flowchart(picture, dict.fromkeys(keys, ""), [])
    while len(told) > _LONGEST:
        keys = keys[: len(keys) // 2]
        told = _flowchart(picture, dict.fromkeys(keys, ""), [])
    return told


def _flowchart(picture: Picture, coloured: Mapping[str, str], arrows: Sequence[Arrow]) -> str:
    joined = {key for arrow in arrows for key in (arrow.source, arrow.target)} | coloured.keys()
    nodes = [one for one in picture.nodes if one.key in joined]
    names = {one.key: f"n{index}" for index, one in enumerate(nodes)}
    lines = ["flowchart LR"]
    for heading, inner in _groups(nodes).items():
        lines.append(f"  subgraph g{len(lines)}[{_text(heading)}]" if heading else "")
        for part, several in inner.items():
            lines.append(f"    subgraph g{len(lines)}[{_text(part)}]" if part else "")
            lines += [f"      {names[one.key]}[{_text(one.name, one.kind)}]" for one in several]
            lines.append("    end" if part else "")
        lines.append("  end" if heading else "")
    for arrow in arrows:
        label = f"|{_text(ports(arrow))}|" if ports(arrow) else ""
        sign = "-->" if arrow.kind == "reaches" else "-.->"
        lines.append(f"  {names[arrow.source]} {sign}{label} {names[arrow.target]}")
    for state, look in STATES.items():
        marked = sorted(names[key] for key, its in coloured.items() if its == state and key in names)
        if marked:
            lines += [f"  classDef {state} {look}", f"  class {','.join(marked)} {state}"]
    return "\n".join(line for line in lines if line) + "\n"


def _groups(nodes: list[Node]) -> Mapping[str, Mapping[str, list[Node]]]:
    groups: dict[str, dict[str, list[Node]]] = {}
    for one in nodes:
        heading, part = (*group_of(one), "", "")[:2]
        groups.setdefault(heading, {}).setdefault(part, []).append(one)
    return groups


def _text(*lines: str) -> str:
    """A text in quotation marks; signs that Mermaid would read are written by their numbers."""
    safe = ("".join(one if one.isalnum() or one in " .,:×-/…" else f"#{ord(one)};" for one in line) for line in lines)
    return '"' + "<br/>".join(line for line in safe if line) + '"'
