"""A picture as SVG: light or dark as the reader's screen is, and readable without either."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Final
from unicodedata import east_asian_width

from pictures.kinds import Tier
from pictures.layout import HEIGHT, Box, Frame, Layout, Line, ports
from pictures.model import Node, Picture
from pictures.texts import valid

_ICONS: Final[dict[Tier, str]] = {
    "edge": "M12,3a9,9 0 1,0 0,18a9,9 0 1,0 0,-18M3,12h18M12,3c5,5 5,13 0,18c-5,-5 -5,-13 0,-18",
    "programs": "M8,7l-5,5l5,5M16,7l5,5l-5,5",
    "messaging": "M3,6h18v12h-18zM3,7l9,6l9,-6",
    "data": "M4,6c0,-4 16,-4 16,0v12c0,4 -16,4 -16,0zM4,6c0,4 16,4 16,0M4,12c0,4 16,4 16,0",
    "network": "M9,2h6v6h-6zM3,16h6v6h-6zM15,16h6v6h-6zM12,8v4M6,16v-4h12v4",
    "operations": "M2,12h5l3,-8l4,16l3,-8h5",
}
"""A globe, brackets, an envelope, a drum, a tree and a pulse, 24 by 24, drawn by lines."""
_DEFS: Final = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="head" d="M0,0 L8,4 L0,8 z"/></marker>'
    + "".join(f'<symbol id="icon-{tier}" viewBox="0 0 24 24"><path d="{d}"/></symbol>' for tier, d in _ICONS.items())
    + "</defs>"
)
_LONGEST_NAME: Final = 20
_LONGEST_KIND: Final = 22

STYLE: Final = """
.picture,.legend{--ink:#1b1f24;--soft:#57606a;--card:#fff;--line:#6e7781;--frame:#d0d7de;--ground:#f6f8fa;
--edge:#8250df;--programs:#0969da;--messaging:#9a6700;--data:#1a7f37;--network:#57606a;--operations:#6e7781;
font-family:ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
@media(prefers-color-scheme:dark){.picture,.legend{--ink:#e6edf3;--soft:#9198a1;--card:#161b22;--line:#8b949e;--frame:#3d444d;
--ground:#0d1117;--edge:#bc8cff;--programs:#58a6ff;--messaging:#d29922;--data:#3fb950;--network:#9198a1;
--operations:#8b949e}}
.picture .frame{fill:var(--ground);stroke:var(--frame)}
.picture .frame.inner{fill:none;stroke-dasharray:4 3}
.picture .heading{fill:var(--soft);font-size:12px;font-weight:600;paint-order:stroke;stroke:var(--ground);
stroke-width:4px}
.picture .card{fill:var(--card);stroke:var(--frame)}
.picture .name{fill:var(--ink);font-size:13px;font-weight:600}
.picture .kind,.picture .zones{fill:var(--soft);font-size:11px}
.picture .low .name{font-size:12px}.picture .low .kind{font-size:10px}
.picture .zones{text-anchor:end}
.picture .arrow{fill:none;stroke:var(--line);stroke-width:1.6}
.picture .arrow.uses{stroke-dasharray:2 4;stroke-width:1.2;stroke-linecap:round}
.picture .head{fill:var(--line)}
.picture .ports{fill:var(--soft);font-size:11px;text-anchor:middle;paint-order:stroke;stroke:var(--ground);
stroke-width:4px}
.picture .icon{fill:none;stroke:var(--card);stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.picture .edge .tile{fill:var(--edge)}.picture .programs .tile{fill:var(--programs)}
.picture .messaging .tile{fill:var(--messaging)}.picture .data .tile{fill:var(--data)}
.picture .network .tile{fill:var(--network)}.picture .operations .tile{fill:var(--operations)}
"""
"""Colours that have a contrast of at least 4.5 to what they stand on."""


def svg(
    picture: Picture,
    placed: Layout,
    *,
    link: Callable[[Node], str] | None = None,
    badges: Callable[[Node], Mapping[str, str]] | None = None,
) -> str:
    """The whole file; with `link`, each node leads to where that says, and has the badges of `badges`.

    A badge is a word on a node's edge; by its kind the page's style shows or hides it.
    """
    role = f'role="{"group" if link else "img"}" aria-labelledby="picture-title picture-words"'
    attributes = f'{role} viewBox="0 0 {placed.width} {placed.height}" width="{placed.width}" height="{placed.height}"'
    style = "" if link else f"<style>{STYLE}</style>"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {attributes}>',
            f'<title id="picture-title">{_escaped(f"{picture.stack}: {picture.title}")}</title>',
            f'<desc id="picture-words">{_escaped(words(picture))}</desc>{style}',
            _DEFS,
            *(_frame(one) for one in placed.frames),
            *(_line(one, picture) for one in placed.lines),
            *(_heading(one) for one in placed.frames),
            *_labels(placed),
            *(
                _node(one, placed.nodes[one.key], link, badges(one) if badges else {})
                for one in sorted(picture.nodes, key=lambda one: (placed.nodes[one.key].y, placed.nodes[one.key].x))
            ),
            "</svg>\n",
        ]
    )


def words(picture: Picture) -> str:
    """What the picture shows, for those who do not see it."""
    names = {one.key: f"{one.kind} {one.name}".strip() for one in picture.nodes}
    reached = [f"{names[one.source]} reaches {names[one.target]}" for one in picture.arrows if one.kind == "reaches"]
    return f"{len(picture.nodes)} parts. " + ("; ".join(reached) or "None reaches another") + "."


def _frame(frame: Frame) -> str:
    box = frame.box
    inner = " inner" if frame.depth else ""
    return f'<rect class="frame{inner}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>'


def _heading(frame: Frame) -> str:
    """Over the arrows, which may cross it."""
    return f'<text class="heading" x="{frame.box.x + 10}" y="{frame.box.y + 17}">{_escaped(frame.heading)}</text>'


def _line(line: Line, picture: Picture) -> str:
    source, target = picture.node(line.arrow.source), picture.node(line.arrow.target)
    told = f"{source.name} {line.arrow.kind} {target.name}" + (f" ({line.arrow.label})" if line.arrow.label else "")
    return (
        f'<path class="arrow {line.arrow.kind}" d="{line.path}" marker-end="url(#head)">'
        f"<title>{_escaped(told)}</title></path>"
    )


def _labels(placed: Layout) -> Iterator[str]:
    for line in placed.lines:
        if line.label_at is not None:
            x, y = line.label_at
            yield f'<text class="ports" x="{x}" y="{y + 4}">{_escaped(ports(line.arrow))}</text>'


def _node(node: Node, box: Box, link: Callable[[Node], str] | None, badges: Mapping[str, str]) -> str:
    spread = f"{len(node.zones)} zones" if len(node.zones) > 1 else node.zones[0] if node.zones else ""
    kind = _LONGEST_KIND - (len(spread) + 1 if spread else 0)
    low = box.height < HEIGHT
    # A square with the icon, as far from the edge on three sides.
    side, middle = (24, 15) if low else (32, 20)
    inset = (box.height - side) // 2
    x, y, text = box.x + inset, box.y + inset, box.x + inset + side + 9
    drawn = (
        f"<title>{_escaped(f'{node.kind} {node.name}'.strip())}</title>"
        f'<rect class="card" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>'
        f'<rect class="tile" x="{x}" y="{y}" width="{side}" height="{side}" rx="6"/>'
        f'<use class="icon" href="#icon-{node.tier}" x="{x + (side - middle) // 2}" y="{y + (side - middle) // 2}" '
        f'width="{middle}" height="{middle}"/>'
        f'<text class="name" x="{text}" y="{box.y + (16 if low else 22 if node.kind else 30)}">'
        f"{_escaped(_short(node.name, _LONGEST_NAME))}</text>"
    )
    below = box.y + (30 if low else 39)
    if node.kind:
        drawn += f'<text class="kind" x="{text}" y="{below}">{_escaped(_short(node.kind, kind))}</text>'
    if spread:
        drawn += f'<text class="zones" x="{box.x + box.width - 8}" y="{below}">{_escaped(spread)}</text>'
    drawn += "".join(_badge(mode, said, box) for mode, said in badges.items() if said)
    look = f"node {node.tier}{' low' if low else ''}"
    if link is None or not node.kind:
        return f'<g class="{look}">{drawn}</g>'
    return f'<a class="{look}" href="{_escaped(link(node))}">{drawn}</a>'


def _badge(mode: str, said: str, box: Box) -> str:
    """On the upper edge, at its right end, where no name is."""
    width = 7 * len(said) + 16
    x = box.x + box.width - width + 6
    return (
        f'<g class="badge {mode}"><rect x="{x}" y="{box.y - 9}" width="{width}" height="18" rx="9"/>'
        f'<text x="{x + width // 2}" y="{box.y + 4}">{_escaped(said)}</text></g>'
    )


def _short(text: str, longest: int) -> str:
    """What fits; signs of Chinese, Japanese and Korean take the room of two letters."""
    rooms = list(accumulate(2 if east_asian_width(one) in "WF" else 1 for one in text))
    if not rooms or rooms[-1] <= longest:
        return text
    return f"{text[: sum(room < longest for room in rooms)]}…"


def _escaped(text: str) -> str:
    return html.escape(valid(text))
