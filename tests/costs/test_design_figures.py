"""The figures of the documents that the systems are designed from: with their assumptions (us-east-1, 720 hours, one
zone, no data) each comes out within 5 %, or docs/design-figures.md says why not."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from costs.bill import bill
from costs.model import Resource
from tests.conftest import ROOT
from tests.costs.stacks import TOKYO, made, one

DOCUMENT = (ROOT / "docs" / "design-figures.md").read_text(encoding="utf-8")
ENDPOINT = one("ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Interface", subnetIds=["a"])
DATABASE: dict[str, Any] = {"instanceClass": "db.t3.small"}


def tasks(machine: str) -> list[Resource]:
    task = one("ecs/taskDefinition:TaskDefinition", family="api", cpu="512", memory="1024",
               runtimePlatform={"cpuArchitecture": machine})  # fmt: skip
    service = one("ecs/service:Service", taskDefinition="api", name="api", launchType="FARGATE", desiredCount=2)
    return [task, service]


def cache(engine: str) -> list[Resource]:
    return [one("elasticache/replicationGroup:ReplicationGroup", engine=engine, nodeType="cache.t3.micro")]


FIGURES: list[tuple[str, str, list[Resource]]] = [
    ("Four interface endpoints", "28.80", [one(ENDPOINT.type, **ENDPOINT.inputs) for _ in range(4)]),
    ("Two NAT gateways", "64", [one("ec2/natGateway:NatGateway") for _ in range(2)]),
    ("Load balancer", "16", [one("lb/loadBalancer:LoadBalancer", internal=True)]),
    ("Two tasks of 0.5 vCPU and 1 GB, x86", "30", tasks("X86_64")),
    ("Two tasks of 0.5 vCPU and 1 GB, ARM", "30", tasks("ARM64")),
    ("db.t3.small, PostgreSQL", "25", [one("rds/instance:Instance", engine="postgres", **DATABASE)]),
    ("cache.t3.micro, Redis", "15", cache("redis")),
    ("cache.t3.micro, Valkey", "15", cache("valkey")),
]


@pytest.mark.covers("E9")
@pytest.mark.parametrize(("what", "figure", "resources"), FIGURES, ids=[row[0] for row in FIGURES])
def test_a_figure_comes_out_within_a_twentieth_or_is_explained(
    what: str, figure: str, resources: list[Resource]
) -> None:
    then = bill(made(resources, hours=Decimal(720)), region="us-east-1").usd
    now = bill(made(resources), region=TOKYO).usd
    off = 100 * (then - Decimal(figure)) / Decimal(figure)
    [row] = [line for line in DOCUMENT.splitlines() if line.startswith(f"| {what} |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:5] == [figure, f"{then:.2f}", f"{off:+.1f} %", f"{now:.2f}"]
    assert abs(off) <= 5 or len(cells[5]) > 20, "what is further away is explained"


def test_the_sums_of_the_document_are_those_of_its_rows() -> None:
    for section in DOCUMENT.split("\n## ")[2:]:
        rows = re.findall(r"^\| ([^|]+) \| ([\d.]+) \| ([\d.]+) \|", section, re.MULTILINE)
        *parts, (_, design, ours) = rows
        assert sum(Decimal(row[1]) for row in parts) == pytest.approx(Decimal(design), abs=Decimal("0.006"))
        assert sum(Decimal(row[2]) for row in parts) == Decimal(ours)
