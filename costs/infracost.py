"""A bill in the shape of Infracost's JSON (version 0.2), so that what reads that reads this.

Amounts and quantities are strings, as Infracost writes them; what has no price has `priceNotFound` and no amount.
Beside its keys stand `unpriced` and `unpricedReasons`: the types of which a part has no price here, and why.
https://www.infracost.io/docs/features/cli_commands/#json
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from costs.bill import Bill, Line, ResourceCost, full_type

VERSION: Final = "0.2"
_NONE: Final = Decimal(0)


def infracost(bill: Bill, *, project: str, stack: str, past: Bill | None = None) -> dict[str, Any]:
    """The whole document; `past` is the bill before a change, and the difference is against it. Without one nothing was
    there before, as in Infracost."""
    before, after = (past.usd if past else _NONE), bill.usd
    used = (past.by_use_usd if past else _NONE), bill.by_use_usd
    summary = _summary(bill)
    return {
        "version": VERSION,
        "currency": "USD",
        "projects": [
            {
                "name": f"{project}/{stack}",
                "metadata": {
                    "path": ".",
                    "type": "pulumi",
                    "region": bill.region,
                    "use": bill.use.said_by,
                    "hours": _text(bill.hours),
                },
                "pastBreakdown": _breakdown(past.resources if past else (), bill.hours),
                "breakdown": _breakdown(bill.resources, bill.hours),
                "diff": _difference(past, bill),
                "summary": summary,
            }
        ],
        "totalHourlyCost": _text(after / bill.hours),
        "totalMonthlyCost": _text(after),
        "totalMonthlyUsageCost": _text(used[1]),
        "pastTotalHourlyCost": _text(before / bill.hours),
        "pastTotalMonthlyCost": _text(before),
        "pastTotalMonthlyUsageCost": _text(used[0]),
        "diffTotalHourlyCost": _text((after - before) / bill.hours),
        "diffTotalMonthlyCost": _text(after - before),
        "diffTotalMonthlyUsageCost": _text(used[1] - used[0]),
        "timeGenerated": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "summary": summary,
        "unpriced": list(bill.unpriced),
        "unpricedReasons": dict(bill.unpriced),
    }


def _breakdown(resources: Iterable[ResourceCost], hours: Decimal) -> dict[str, Any]:
    billed = [one for one in resources if not one.free]
    usd = sum((one.usd for one in billed), _NONE)
    return {
        "resources": [_resource(one, hours) for one in billed],
        "freeResources": [_named(one) for one in resources if one.free],
        "totalHourlyCost": _text(usd / hours),
        "totalMonthlyCost": _text(usd),
        "totalMonthlyUsageCost": _text(sum((_by_use(one) for one in billed), _NONE)),
    }


def _named(one: ResourceCost) -> dict[str, Any]:
    reasons = [line.reason for line in one.lines if line.reason]
    tags = one.resource.inputs.get("tags")
    return {
        "name": one.resource.name,
        "resourceType": full_type(one.resource.type),
        "tags": dict(tags) if isinstance(tags, dict) else {},
        "metadata": {
            "urn": one.resource.urn,
            "component": one.resource.component,
            "region": one.resource.region,
            **({"reason": reasons[0]} if reasons else {}),
        },
    }


def _by_use(one: ResourceCost) -> Decimal:
    return sum((line.usd for line in one.lines if line.kind == "by use"), _NONE)


def _resource(one: ResourceCost, hours: Decimal) -> dict[str, Any]:
    # Of a resource without any price nobody may read that it costs nothing.
    known = any(line.price is not None for line in one.lines)
    return {
        **_named(one),
        "hourlyCost": _text(one.usd / hours) if known else None,
        "monthlyCost": _text(one.usd) if known else None,
        "monthlyUsageCost": _text(_by_use(one)),
        "costComponents": [_component(line, hours) for line in one.lines],
    }


def _component(line: Line, hours: Decimal) -> dict[str, Any]:
    if line.price is None:
        found = {"unit": "", "hourlyQuantity": None, "monthlyQuantity": None, "price": "0"}
        return {
            "name": line.name,
            **found,
            "hourlyCost": None,
            "monthlyCost": None,
            "priceNotFound": line.kind == "not priced",
            "kind": line.kind,
            "reason": line.reason,
        }
    return {
        "name": line.name,
        "unit": line.unit,
        "hourlyQuantity": _text(line.quantity / hours),
        "monthlyQuantity": _text(line.quantity),
        "price": _text(line.price.usd),
        "hourlyCost": _text(line.usd / hours),
        "monthlyCost": _text(line.usd),
        "usageBased": line.kind == "by use",
        "priceNotFound": False,
        "kind": line.kind,
        "freeQuantity": _text(line.free),
        "listMonthlyCost": _text(line.list_usd),
        "source": line.price.source,
        "asOf": line.price.as_of.isoformat(),
        "confidence": line.price.confidence,
    }


def _difference(past: Bill | None, bill: Bill) -> dict[str, Any]:
    """What each resource costs more or less than before; those that cost the same are left out."""
    before = {one.resource.urn: one for one in (past.resources if past else ())}
    after = {one.resource.urn: one for one in bill.resources}
    rows = []
    for urn in sorted(before.keys() | after.keys()):
        old, new = before.get(urn), after.get(urn)
        usd = (new.usd if new else _NONE) - (old.usd if old else _NONE)
        one = new or old
        if usd and one is not None:
            rows.append(
                {
                    **_named(one),
                    "hourlyCost": _text(usd / bill.hours),
                    "monthlyCost": _text(usd),
                    "costComponents": _changed(old, new, bill.hours),
                }
            )
    whole = bill.usd - (past.usd if past else _NONE)
    return {"resources": rows, "totalHourlyCost": _text(whole / bill.hours), "totalMonthlyCost": _text(whole)}


def _changed(old: ResourceCost | None, new: ResourceCost | None, hours: Decimal) -> list[dict[str, Any]]:
    was, now = _by_name(old), _by_name(new)
    rows = []
    for key in dict.fromkeys([*now, *was]):
        sides = (now.get(key, []), was.get(key, []))
        usd, quantity = (
            sum((getattr(line, what) for line in sides[0]), _NONE)
            - sum((getattr(line, what) for line in sides[1]), _NONE)
            for what in ("usd", "quantity")
        )
        shown = (sides[0] or sides[1])[0]
        if usd and shown.price is not None:
            rows.append(
                {
                    "name": shown.name,
                    "unit": shown.unit,
                    "hourlyQuantity": _text(quantity / hours),
                    "monthlyQuantity": _text(quantity),
                    "price": _text(shown.price.usd),
                    "hourlyCost": _text(usd / hours),
                    "monthlyCost": _text(usd),
                    "priceNotFound": False,
                }
            )
    return rows


def _by_name(one: ResourceCost | None) -> dict[tuple[str, str], list[Line]]:
    """The priced lines of a resource by their names and prices: several disks are lines of one name."""
    found: dict[tuple[str, str], list[Line]] = {}
    for line in one.lines if one else ():
        if line.price is not None:
            found.setdefault((line.name, line.price.key), []).append(line)
    return found


def _summary(bill: Bill) -> dict[str, Any]:
    unknown = Counter(
        full_type(one.resource.type) for one in bill.resources if any(x.kind == "not priced" for x in one.lines)
    )
    free = Counter(full_type(one.resource.type) for one in bill.resources if one.free)
    used = sum(any(line.kind == "by use" for line in one.lines) for one in bill.resources)
    return {
        "totalDetectedResources": len(bill.resources),
        "totalSupportedResources": len(bill.resources) - unknown.total() - free.total(),
        "totalUnsupportedResources": unknown.total(),
        "totalUsageBasedResources": used,
        "totalNoPriceResources": free.total(),
        "unsupportedResourceCounts": dict(sorted(unknown.items())),
        "noPriceResourceCounts": dict(sorted(free.items())),
    }


def _text(amount: Decimal) -> str:
    """As Infracost writes a number: a string without an exponent and without zeros at its end."""
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
