"""All that a pull request needs to be told, as one comment: what changes, what it costs, opens and breaks.

python -m changes.comment reports/*.json --changes changes-of > comment.md

It begins with a mark, by which the comment of the last push is found and renewed. It is made of whole blocks: where the
next one would not fit any more, those that are left out are counted, so that nothing is cut in the middle.
"""

from __future__ import annotations

import html
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from changes.model import ORDER, Kind
from changes.show import SIGNS
from costs.files import any_stream
from rehearsal.marks import REPORT_VERSION

MARK: Final = "<!-- kumiki: one comment, renewed by every push -->"
PLACES: Final[Mapping[str, int]] = {"github": 65_536, "gitlab": 1_000_000, "plain": 1_000_000}
"""Where it is read, and how many characters are taken there. Mermaid and folding are for the first two."""
_RESERVE: Final = 2_000
"""Characters for what is added at the end, and for what counts as two: GitHub counts as JavaScript does."""
_LONGEST: Final = 500
"""Characters of a text: a block that is too long for the comment would be left out whole."""
_LISTED: Final = 20
"""Findings, or resources of a kind, that are listed of a stack; the rest is counted."""
_GRAVE: Final[tuple[Kind, ...]] = ("replace", "delete", "may-replace", "unknown")
_ICONS: Final[Mapping[Kind, str]] = {
    "replace": "🔴",
    "delete": "🔴",
    "may-replace": "🟡",
    "unknown": "🟡",
    "create": "🟢",
}

Json = Mapping[str, Any]


def comment(
    reports: Iterable[Json], changes: Iterable[Json] = (), back: Iterable[Json] = (), place: str = "github"
) -> str:
    """Markdown: a line for each stack, then what needs a person, stack by stack, then the rest, folded.

    `changes` are what `--json` of comparisons writes, one for each stack; `back` those of the way back.
    """
    every = sorted(reports, key=lambda report: report["stack"])
    compared = {one["stack"]: one for one in changes}
    if not every:
        return f"{MARK}\n## Kumiki\n\n❌ No stack was rehearsed: the log of the run says why.\n"
    folded = place != "plain"
    stacks = [(report, compared.get(report["stack"])) for report in every]
    blocks = [_table(stacks)]
    blocks += [block for report, change in stacks for block in _stack(report, change, drawn=folded)]
    blocks += [_rest(change, folded=folded) for _report, change in stacks if change is not None and change["changes"]]
    blocks += [_way_back(one, folded=folded) for one in back if one["changes"]]
    blocks += [_validated(every, folded=folded)]
    return _joined([block for block in blocks if block], PLACES[place] - _RESERVE)


def _joined(blocks: Sequence[str], longest: int) -> str:
    text = MARK
    left_out = 0
    for block in blocks:
        # A short one that comes later may fit where a long one did not.
        if len(text.encode("utf-16-le")) // 2 + len(block.encode("utf-16-le")) // 2 > longest:
            left_out += 1
            continue
        text = f"{text}\n{block}"
    if left_out:
        parts = "1 part is" if left_out == 1 else f"{left_out} parts are"
        text += f"\n… {parts} left out here, since the comment would be too long: the log of the run has all of it.\n"
    return text


# The first thing that is seen.


def _table(stacks: Sequence[tuple[Json, Json | None]]) -> str:
    failed = [report["stack"] for report, change in stacks if not report["ok"] or _refused(change)]
    changed = sum(1 for _report, change in stacks if change and change["changes"])
    verdict = f"❌ {', '.join(map(_plain, failed))}" if failed else "✅ every stack"
    moved = f" · {changed} of {len(stacks)} change" if any(change for _report, change in stacks) else ""
    lines = [
        f"## Kumiki: {verdict}{moved}",
        "",
        "| | stack | changes | USD a month | emulated | validated only | errors | warnings | waived | seconds |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(report, change) for report, change in stacks),
    ]
    return "\n".join(lines) + "\n"


def _row(report: Json, change: Json | None) -> str:
    counts = report["counts"]
    cells = [
        "✅" if report["ok"] and not _refused(change) else "❌",
        _plain(report["stack"]),
        _counted(change),
        _cost(change),
        *(str(counts[name]) for name in ("emulated", "validated", "errors", "warnings", "waived")),
        f"{report['seconds'].get('total', 0):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _refused(change: Json | None) -> bool:
    return change is not None and change["counts"]["errors"] > 0


def _counted(change: Json | None) -> str:
    if change is None:
        return ""
    said = [f"{change['counts'][kind]} {SIGNS[kind][2]}" for kind in ORDER if change["counts"][kind]]
    return ", ".join(said) or "none"


def _cost(change: Json | None) -> str:
    cost = change["cost"] if change else None
    return f"{cost['after_usd']:.2f} ({cost['delta_usd']:+.2f})" if cost else ""


# What needs a person, of one stack.


def _stack(report: Json, change: Json | None, *, drawn: bool) -> Iterator[str]:
    lines = [*_findings(report)]
    if change is not None:
        lines += [*_decisions(change), *_grave(change), *_opened(change), *_needed(change), *_movers(change)]
    if lines:
        yield "\n".join([f"### {_plain(report['stack'])}", "", *lines]) + "\n"
    # A block of its own: where it does not fit, the words do.
    if change is not None and drawn and change.get("picture"):
        yield f"**What changes in {_plain(report['stack'])}**\n\n```mermaid\n{change['picture'].strip()}\n```\n"


def _findings(report: Json) -> Iterator[str]:
    problems = sorted(report["problems"], key=lambda one: one["level"])
    for problem in problems[:_LISTED]:
        sign = "❌" if problem["level"] == "error" else "⚠️"
        rule = f" `{_code(problem['rule'])}`" if problem.get("rule") else ""
        where = f" **{_plain(problem['urn'].split('::', 3)[-1])}**:" if problem.get("urn") else ""
        source = problem.get("source")
        at = f" (`{_code(source['file'])}:{source['line']}`)" if source else ""
        yield f"- {sign} {problem['kind']}{rule}{where} {_plain(problem['message'])}{at}"
        if problem.get("remedy"):
            yield f"  - {_plain(problem['remedy'])}"
    if len(problems) > _LISTED:
        yield f"- and {len(problems) - _LISTED} findings more"


def _decisions(change: Json) -> Iterator[str]:
    for problem in change["problems"]:
        mark = "⚪ waived" if problem["waived"] else "🔴" if problem["level"] == "error" else "🟡"
        yield f"- {mark} `{_code(problem['rule'])}` {_plain(problem['message'])}"
        yield f"  - {_plain(problem['waived'] or problem['remedy'])}"


def _grave(change: Json) -> Iterator[str]:
    for kind in _GRAVE:
        yield from _of_kind(change, kind)


def _of_kind(change: Json, kind: Kind) -> Iterator[str]:
    _, _, word = SIGNS[kind]
    found = [one for one in change["changes"] if one["kind"] == kind]
    for one in found[:_LISTED]:
        why = ", ".join(f"`{_code(each['path'])}`" for each in one["properties"] if each["effect"] == kind)
        yield f"- {_ICONS.get(kind, '⚪')} {word}: **{_plain(one['name'])}** {_plain(_kind(one['type']))}" + (
            f" by {why}" if why else ""
        )
    if len(found) > _LISTED:
        yield f"- {_ICONS.get(kind, '⚪')} {word}: {len(found) - _LISTED} more"


def _opened(change: Json) -> Iterator[str]:
    return _more("More open, or less safe than before:", change["security"])


def _needed(change: Json) -> Iterator[str]:
    return _more("The deployer must be given first (`kumiki permissions`):", change["deployer"])


def _more(heading: str, told: Sequence[Json]) -> Iterator[str]:
    """What there is more of after the change than before it."""
    more = [one for one in told if one["direction"] == "more"]
    if more:
        yield f"- {heading}"
        yield from (f"  - {_plain(one['text'])}" for one in more[:_LISTED])
        if len(more) > _LISTED:
            yield f"  - and {len(more) - _LISTED} more"


def _movers(change: Json) -> Iterator[str]:
    cost = change["cost"]
    if cost and cost["delta_usd"]:
        movers = ", ".join(f"{_plain(name)} {usd:+.2f}" for name, usd in list(cost["components"].items())[:5])
        yield f"- A month: {cost['before_usd']:.2f} → {cost['after_usd']:.2f} USD ({movers})"


# The rest.


def _rest(change: Json, *, folded: bool) -> str:
    lines = [line for kind in ORDER if kind not in _GRAVE for line in _of_kind(change, kind)]
    lines += [f"- {_plain(one['text'])}" for one in change["security"] if one["direction"] == "less"]
    lines += [f"- {_plain(note)}" for note in change["notes"]]
    return _folded(f"{change['stack']}: the rest of the change", lines, folded=folded)


def _way_back(change: Json, *, folded: bool) -> str:
    lines = [*_decisions(change), *_grave(change)] or ["- nothing that needs a person"]
    return _folded(f"{change['stack']}: the way back ({_counted(change)})", lines, folded=folded)


def _validated(reports: Sequence[Json], *, folded: bool) -> str:
    reasons = sorted(
        {
            (one["type"].rpartition(":")[2], one.get("reason") or "")
            for report in reports
            for one in report["resources"]
            if one["status"] == "validated"
        }
    )
    lines = [f"- {_plain(kind)}: {_plain(reason)}" for kind, reason in reasons]
    return _folded("Validated only: the requests were checked, nothing emulated them", lines, folded=folded)


def _folded(summary: str, lines: Sequence[str], *, folded: bool) -> str:
    if not lines:
        return ""
    if not folded:
        return "\n".join([f"**{_plain(summary)}**", "", *lines]) + "\n"
    return "\n".join([f"<details><summary>{html.escape(summary)}</summary>", "", *lines, "", "</details>"]) + "\n"


def _kind(type_: str) -> str:
    package, module, name = (*type_.split(":"), "", "")[:3]
    return f"{module.partition('/')[0]} {name}" if package == "aws" else name or type_


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: a name or a message must not mention people, link or draw."""
    flat = " ".join(str(text).split())
    if len(flat) > _LONGEST:
        # Before any sign is escaped, or an escape could be cut in two.
        flat = f"{flat[:_LONGEST]}…"
    for sign in "\\`*_{}[]()#|~!":
        flat = flat.replace(sign, f"\\{sign}")
    # A zero-width space keeps @somebody from being called.
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


def _code(text: str) -> str:
    return " ".join(str(text).split()).replace("`", "")


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def write(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT ...", help="What `--json` of rehearsals wrote.")],
    changes: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where STACK.json, and STACK-back.json for the way back, of comparisons are."),
    ] = None,
    place: Annotated[
        str, typer.Option("--for", metavar="github|gitlab|plain", help="Where the comment is read.")
    ] = "github",
) -> None:
    """Print the comment. A report or comparison that was never written is no reason to fail."""
    if place not in PLACES:
        typer.echo(f"error --for {place}: there is no such place\n      → write {', '.join(PLACES)}", err=True)
        raise typer.Exit(2)
    any_stream()
    found = [content for path in reports if (content := _read(path, "resources", REPORT_VERSION)) is not None]
    names = [report["stack"] for report in found]
    there, back = (
        [one for name in names if changes and (one := _read(changes / f"{name}{end}.json", "changes")) is not None]
        for end in ("", "-back")
    )
    sys.stdout.write(comment(found, there, back, place))


def _read(path: Path, part: str, version: int | None = None) -> dict[str, Any] | None:
    """What was written there; of what is something else, the file is told and left out."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if isinstance(content, dict) and part in content and (version is None or content.get("version") == version):
        return content
    typer.echo(f"left out: {path} is nothing that this version wrote\n      → write it again", err=True)
    return None


if __name__ == "__main__":
    app()
