"""The stack's budget against its month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from costs.model import Resource
from costs.prices import cents
from costs.services.registry import number


@dataclass(frozen=True)
class Budget:
    """The lowest limit, in USD a month, that a budget of the stack sets to its cost."""

    limit: Decimal
    urn: str = ""
    """Of the resource that sets it."""

    def holds(self, usd: Decimal) -> bool:
        # To the cent, as it is shown and as AWS bills it.
        return cents(usd) <= self.limit

    def words(self, usd: Decimal, *, complete: bool) -> str:
        """The verdict; none for a sum within the limit that lacks something."""
        if not self.holds(usd):
            return f"the month is above the stack's budget of {self.limit:.2f} USD"
        if not complete:
            return f"the stack's budget is {self.limit:.2f} USD: whether it is enough, nobody can say"
        return f"the stack's budget of {self.limit:.2f} USD is enough"


def _of_a_part(one: Resource) -> bool:
    """Whether a budget watches some services or regions only; those of certain tags are taken for the stack's own."""
    filters = one.inputs.get("costFilters")
    return bool(filters) and any(each.get("name") != "TagKeyValue" for each in filters)


def _limit(one: Resource) -> Decimal:
    """Below zero where AWS adjusts it, or where it is only known after the deployment."""
    try:
        return number(one.inputs, "limitAmount", -1)
    except ValueError:
        return Decimal(-1)


def budget(resources: Iterable[Resource]) -> Budget | None:
    """The budget among the resources of a stack; None without one."""
    limits = [
        Budget(limit, one.urn)
        for one in resources
        if one.type == "budgets/budget:Budget"
        and (one.inputs.get("budgetType"), one.inputs.get("timeUnit")) == ("COST", "MONTHLY")
        and one.inputs.get("limitUnit") == "USD"
        and not _of_a_part(one)
        and (limit := _limit(one)) >= 0
    ]
    return min(limits, key=lambda one: one.limit, default=None)
