"""What the stack costs a month, said in a real preview."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails.kit import ADVISORY, UNKNOWN, Finding, NotYetKnown, stack_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource

_PROJECT = Path(__file__).resolve().parents[3]
_MOVERS = 5


@stack_rule(
    id="stack-month",
    title="What the stack costs a month is said",
    level=ADVISORY,
    severity="low",
    topics=("cost",),
    remedy="Nothing to do: `kumiki cost` shows every part.",
)
def stack_month(at: Context) -> Iterator[Finding]:
    """Tells the sum and the five dearest parts, of a stack whose file says what it expects. The engine stands beside
    the pack in this project: a pack that travels alone says nothing."""
    if at.stack.expected is None or not (_PROJECT / "costs" / "bill.py").is_file():
        return
    if str(_PROJECT) not in sys.path:
        sys.path.append(str(_PROJECT))
    from costs.bill import bill  # noqa: PLC0415 read only where it stands beside the pack
    from costs.model import CostError, Resource  # noqa: PLC0415
    from costs.stack import Stack  # noqa: PLC0415
    from costs.use import expected  # noqa: PLC0415

    made = [
        Resource(
            type=one.type.removeprefix("aws:"),
            name=one.name,
            inputs=_inputs(one),
            outputs=_outputs(one),
            region=_region(one, at),
            urn=one.urn,
        )
        for one in sorted(at.graph.resources, key=lambda each: each.urn)
        if ":providers:" not in one.type and one.type.count(":") > 1 and not _is_component(one)
    ]
    regions = Counter(one.region for one in made if one.region)
    if not regions:
        return
    try:
        month = bill(Stack(made, regions.most_common(1)[0][0], expected(at.stack.expected)), offers=at.stack.first_year)
    except CostError as error:
        yield Finding(message=f"what the stack costs a month, nobody can say: {error.message}")
        return
    dearest = "; ".join(f"{one.name} ({line.name}) {line.usd:.2f}" for one, line in month.movers(_MOVERS))
    lacking = f"; {month.unpriced_resources} resources are not in the sum" if month.unpriced else ""
    yield Finding(
        message=f"a month costs {month.usd:.2f} USD in {month.region}, with {month.use.said_by}{lacking}"
        f"{'; the dearest parts: ' * bool(dearest)}{dearest}"
    )


def _inputs(one: Resource) -> dict[str, Any]:
    """What the program wrote; in place of what is not known yet stands the URN that it comes from."""
    found: dict[str, Any] = {}
    for key, value in one.inputs.raw.items():
        urns = one.dependencies.get(key, ())
        if value is UNKNOWN:
            found[key] = urns[0] if len(urns) == 1 else list(urns)
        else:
            found[key] = _known(value, key)
    return found


def _known(value: Any, place: str) -> Any:
    """A value of which each unknown part is a text of its own, and each whole number no float."""
    if value is UNKNOWN:
        return f"not known: {place}"
    if isinstance(value, dict):
        return {key: _known(each, f"{place}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [_known(each, f"{place}[{number}]") for number, each in enumerate(value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _outputs(one: Resource) -> dict[str, Any]:
    """What refers to it: by the URN as long as the rest is not known."""
    raw = one.props.raw
    return {key: one.urn if raw.get(key, UNKNOWN) is UNKNOWN else raw[key] for key in ("arn", "id")}


def _is_component(one: Resource) -> bool:
    return not one.type.startswith(("aws:", "random:", "tls:", "kubernetes:", "docker:"))


def _region(one: Resource, at: Context) -> str:
    try:
        return one.region(at.stack) or ""
    except NotYetKnown:
        return ""
