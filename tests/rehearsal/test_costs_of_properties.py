"""Nothing that our stacks set costs in silence: what no function of the bill reads is listed as costing nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from costs.bill import bill
from costs.services import PRICED
from costs.stack import Stack, resources_of
from costs.use import expected
from rehearsal.stacks import stack_names
from tests.rehearsal.conftest import ROOT, Rehearsed

WITHOUT_COST: dict[str, list[str]] = json.loads((ROOT / "tests" / "costs" / "without_cost.json").read_text("utf-8"))
"""Properties by type, those of all types under `*`: they cost nothing, or what they cause is paid elsewhere."""

SOMETIMES: dict[str, set[str]] = {
    "cloudwatch/logGroup:LogGroup": {"name"},
    "dynamodb/table:Table": {"globalSecondaryIndexes", "name"},
    "dynamodb/tableReplica:TableReplica": {"pointInTimeRecovery"},
    "lb/loadBalancer:LoadBalancer": {"subnets"},
    "opensearch/serverlessCollection:ServerlessCollection": {"standbyReplicas"},
    "sqs/queue:Queue": {"fifoQueue"},
}
"""What is read only where it matters: indexes of tables on demand cost by the write, subnets of internal load balancers
nothing, and what a stack has several of is asked one by one until one answers."""


class Read(dict[str, Any]):
    """Inputs that know which of them somebody has asked for."""

    def __init__(self, inputs: Any) -> None:
        super().__init__(inputs)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


def known(type_: str) -> set[str]:
    return {*WITHOUT_COST["*"], *WITHOUT_COST.get(type_, []), *SOMETIMES.get(type_, ())}


@pytest.mark.covers("C8")
@pytest.mark.parametrize("name", stack_names(ROOT))
def test_each_property_of_what_is_priced_is_read_or_listed(name: str, rehearsed: Callable[[str], Rehearsed]) -> None:
    report = rehearsed(name).report
    read = [replace(one, inputs=Read(one.inputs)) for one in resources_of(report)]
    bill(Stack(read, report["region"], expected(report["expected"])))
    silent = {
        f"{one.type}.{key}"
        for one in read
        if one.type in PRICED and isinstance(one.inputs, Read)
        for key in one.inputs.keys() - one.inputs.asked - known(one.type)
    }
    assert silent == set(), "price it in costs/services, name it as not priced, or list it in without_cost.json"
