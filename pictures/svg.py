"""A picture as SVG: light or dark as the reader's screen is, and readable without either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from itertools import accumulate
from typing import Final
from unicodedata import east_asian_width

from pictures.layout import HEIGHT, Box, Frame, Layout, Line, ports
from pictures.model import Node, Picture

_HEAD: Final = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="head" d="M0,0 L8,4 L0,8 z"/></marker></defs>'
)
"""Of an arrow."""
_LONGEST_NAME: Final = 21
_LONGEST_KIND: Final = 24

STYLE: Final = """
.picture{--ink:#1b1f24;--soft:#57606a;--card:#fff;--line:#8c959f;--frame:#d0d7de;--ground:#f6f8fa;
--edge:#8250df;--programs:#0969da;--messaging:#9a6700;--data:#1a7f37;--network:#57606a;--operations:#6e7781;
font-family:ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
@media(prefers-color-scheme:dark){.picture{--ink:#e6edf3;--soft:#9198a1;--card:#161b22;--line:#768390;--frame:#3d444d;
--ground:#0d1117;--edge:#bc8cff;--programs:#58a6ff;--messaging:#d29922;--data:#3fb950;--network:#9198a1;
--operations:#8b949e}}
.picture .frame{fill:var(--ground);stroke:var(--frame)}
.picture .frame.inner{fill:none;stroke-dasharray:4 3}
.picture .heading{fill:var(--soft);font-size:12px;font-weight:600}
.picture .card{fill:var(--card);stroke:var(--frame)}
.picture .name{fill:var(--ink);font-size:13px;font-weight:600}
.picture .kind,.picture .zones{fill:var(--soft);font-size:11px}
.picture .zones{text-anchor:end}
.picture .arrow{fill:none;stroke:var(--line);stroke-width:1.4}
.picture .arrow.uses{stroke-dasharray:3 4;stroke-width:1}
.picture .head{fill:var(--line)}
.picture .ports{fill:var(--soft);font-size:10px;text-anchor:middle;paint-order:stroke;stroke:var(--ground);
stroke-width:3px}
.picture .edge .bar{fill:var(--edge)}.picture .programs .bar{fill:var(--programs)}
.picture .messaging .bar{fill:var(--messaging)}.picture .data .bar{fill:var(--data)}
.picture .network .bar{fill:var(--network)}.picture .operations .bar{fill:var(--operations)}
"""
"""Colours that have a contrast of at least 4.5 to what they stand on."""


def svg(picture: Picture, placed: Layout, *, link: Callable[[Node], str] | None = None) -> str:
    """The whole file; with `link`, each node leads to where that says."""
    role = f'role="{"group" if link else "img"}" aria-labelledby="picture-title picture-words"'
    attributes = f'{role} viewBox="0 0 {placed.width} {placed.height}" width="{placed.width}" height="{placed.height}"'
    style = "" if link else f"<style>{STYLE}</style>"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {attributes}>',
            f'<title id="picture-title">{escape(f"{picture.stack}: {picture.title}")}</title>',
            f'<desc id="picture-words">{escape(words(picture))}</desc>{style}',
            _HEAD,
            *(_frame(one) for one in placed.frames),
            *(_line(one, picture) for one in placed.lines),
            *_labels(placed),
            *(_node(one, placed.nodes[one.key], link) for one in picture.nodes),
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
    return (
        f'<rect class="frame{inner}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>'
        f'<text class="heading" x="{box.x + 10}" y="{box.y + 17}">{escape(frame.heading)}</text>'
    )


def _line(line: Line, picture: Picture) -> str:
    source, target = picture.node(line.arrow.source), picture.node(line.arrow.target)
    told = f"{source.name} {line.arrow.kind} {target.name}" + (f" ({line.arrow.label})" if line.arrow.label else "")
    return (
        f'<path class="arrow {line.arrow.kind}" d="{line.path}" marker-end="url(#head)">'
        f"<title>{escape(told)}</title></path>"
    )


def _labels(placed: Layout) -> Iterator[str]:
    for line in placed.lines:
        if line.label_at is not None:
            x, y = line.label_at
            yield f'<text class="ports" x="{x}" y="{y + 4}">{escape(ports(line.arrow))}</text>'


def _node(node: Node, box: Box, link: Callable[[Node], str] | None) -> str:
    spread = f"{len(node.zones)} zones" if len(node.zones) > 1 else node.zones[0] if node.zones else ""
    kind = _LONGEST_KIND - len(spread)
    drawn = (
        f"<title>{escape(f'{node.kind} {node.name}'.strip())}</title>"
        f'<rect class="card" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6"/>'
        f'<rect class="bar" x="{box.x}" y="{box.y + 6}" width="4" height="{HEIGHT - 12}" rx="2"/>'
        f'<text class="name" x="{box.x + 12}" y="{box.y + (21 if node.kind else 29)}">'
        f"{escape(_short(node.name, _LONGEST_NAME))}</text>"
    )
    if node.kind:
        drawn += f'<text class="kind" x="{box.x + 12}" y="{box.y + 38}">{escape(_short(node.kind, kind))}</text>'
    if spread:
        drawn += f'<text class="zones" x="{box.x + box.width - 8}" y="{box.y + 38}">{escape(spread)}</text>'
    if link is None or not node.kind:
        return f'<g class="node {node.tier}">{drawn}</g>'
    return f'<a class="node {node.tier}" href="{escape(link(node))}">{drawn}</a>'


def _short(text: str, longest: int) -> str:
    """What fits; signs of Chinese, Japanese and Korean take the room of two letters."""
    rooms = list(accumulate(2 if east_asian_width(one) in "WF" else 1 for one in text))
    if not rooms or rooms[-1] <= longest:
        return text
    return f"{text[: sum(room < longest for room in rooms)]}…"
