"""What would change the month: each figure is that of the changed stack, counted again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from costs.advice import Advice, advice, committed
from costs.bill import bill
from costs.model import Resource
from costs.prices import price
from tests.costs.stacks import made, one


def advised(*resources: Resource, **use: Any) -> dict[str, Advice]:
    stack = made(list(resources), use)
    return {each.what: each for each in advice(stack, bill(stack))}


TASK = one("ecs/taskDefinition:TaskDefinition", family="api", cpu="512", memory="1024")
SERVICE = one("ecs/service:Service", taskDefinition="api", name="api", launchType="FARGATE", desiredCount=2)
DATABASE: dict[str, Any] = {"engine": "postgres", "instanceClass": "db.t3.small", "allocatedStorage": 20,
                            "storageType": "gp3"}  # fmt: skip


@pytest.mark.parametrize(
    ("resources", "what", "saving"),
    [
        # 44.98 on demand; 2 x 730 x (0.5 x 0.01609815 + 0.00176073) on Spot.
        ([TASK, SERVICE], "all tasks on Fargate Spot", "30.66"),
        ([TASK, SERVICE], "tasks, functions and servers on ARM", "9.00"),  # 44.98 - 35.98
        ([one("ec2/instance:Instance", instanceType="t3.micro")], "tasks, functions and servers on ARM", "2.04"),
        ([one("ebs/volume:Volume", type="gp2", size=100)], "gp3 instead of gp2 volumes", "2.40"),
        # 730 x (0.112 - 0.056) + 20 x (0.276 - 0.138)
        ([one("rds/instance:Instance", **DATABASE, multiAz=True)], "databases and caches in one zone", "43.64"),
        ([one("rds/instance:Instance", **DATABASE)], "databases in two zones", "-43.64"),
        (
            [one("rds/cluster:Cluster", engine="aurora-postgresql", clusterIdentifier="c")]
            + [one("rds/clusterInstance:ClusterInstance", engine="aurora-postgresql", clusterIdentifier="c",
                   instanceClass="db.t4g.medium") for _ in range(3)],
            "Aurora without readers",
            "164.98",
        ),
        ([one("ec2/natGateway:NatGateway") for _ in range(3)], "one NAT gateway for all zones", "90.52"),
        (
            [one("ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Interface", subnetIds=["a", "b"])],
            "interface endpoints in one zone",
            "10.22",
        ),
        # 31 metrics, of which ten are free.
        (
            [one("ecs/cluster:Cluster", name="web", settings=[{"name": "containerInsights", "value": "enabled"}]),
             one(SERVICE.type, **{**SERVICE.inputs, "cluster": "web"}), TASK],
            "clusters without Container Insights",
            "6.30",
        ),
        ([one("dynamodb/table:Table", readCapacity=125, writeCapacity=25)], "tables on demand", "10.83"),
        # 730 x 0.0136 x 72 %, of the server only.
        (
            [one("ec2/instance:Instance", instanceType="t3.micro"), one("ec2/eip:Eip")],
            "servers under a Savings Plan of three years: at most 72% less",
            "7.15",
        ),
        (
            [one("rds/instance:Instance", **DATABASE)],
            "databases and caches reserved for three years: at most 55% less",
            "22.48",
        ),
    ],
)  # fmt: skip
def test_each_change_is_counted(resources: list[Resource], what: str, saving: str) -> None:
    found = advised(*resources)[what]
    assert f"{found.saving:.2f}" == saving
    assert found.gives_up


def test_capacity_is_provisioned_for_the_expected_use_and_not_below_one_unit() -> None:
    table = one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST")
    busy = advised(table, tableReads=500_000_000, tableWrites=500_000_000)
    # 357.50 + 71.25 on demand; 272 units each, 25 of them free: 272 = 500,000,000 / 2,628,000 / 0.7.
    provisioned = Decimal(272 - 25) * 730 * (Decimal("0.000742") + Decimal("0.0001484"))
    found = busy["tables with provisioned capacity for the expected use"]
    assert f"{found.saving:.2f}" == f"{Decimal('428.75') - provisioned:.2f}"


def test_logs_in_the_cheaper_class_cost_half_to_write() -> None:
    found = advised(one("cloudwatch/logGroup:LogGroup", retentionInDays=1), logsGb=105)
    assert f"{found['logs in the class for infrequent access'].saving:.2f}" == "38.00"


def test_what_has_no_price_after_the_change_is_no_saving_and_what_changes_nothing_no_advice() -> None:
    assert advised(one("kms/key:Key")) == {}
    unknown = made([TASK, one("ecs/service:Service", taskDefinition="gone", launchType="FARGATE")])
    assert advice(unknown, bill(unknown)) == []


def test_servers_on_spot_are_priced_at_what_the_advisor_said_and_marked_as_floating() -> None:
    plain = one("ec2/instance:Instance", instanceType="m6g.large")
    on_spot = one("ec2/instance:Instance", instanceType="m6g.large", instanceMarketOptions={"marketType": "spot"})
    on_demand, spot = (price(f"ec2.m6g.large.{what}", "ap-northeast-1").usd for what in ("hour", "spot_hour"))
    assert advised(plain)["all servers on Spot"].saving == 730 * (on_demand - spot)
    assert "all servers on Spot" not in advised(on_spot)
    (line,) = [each for each in bill(made([on_spot])).resources[0].lines if "Spot" in each.name]
    assert (line.usd, line.indicative) == (730 * spot, True)
    # 67 % less than on demand, in Tokyo in June 2025.
    assert spot == (on_demand * Decimal("0.33")).quantize(Decimal("0.00001"))


def test_a_group_of_servers_on_spot_has_a_price_and_another_type_has_none() -> None:
    def group(kind: str) -> list[Resource]:
        template = one("ec2/launchTemplate:LaunchTemplate", name="web", instanceType=kind,
                       instanceMarketOptions={"marketType": "spot"})  # fmt: skip
        return [template, one("autoscaling/group:Group", launchTemplate={"name": "web"}, desiredCapacity=3)]

    priced = bill(made(group("c7g.large")))
    assert priced.usd > 3 * 730 * price("ec2.c7g.large.spot_hour", "ap-northeast-1").usd - 1
    assert not priced.unpriced
    assert list(bill(made(group("x1e.32xlarge"))).unpriced) == ["aws:autoscaling/group:Group"]


def test_the_month_with_commitments_is_told_on_demand() -> None:
    stack = made([one("ec2/instance:Instance", instanceType="t3.micro"), one("rds/instance:Instance", **DATABASE)])
    month = bill(stack)
    saved = 730 * (Decimal("0.0136") * Decimal("0.72") + Decimal("0.056") * Decimal("0.55"))
    assert committed(stack, month) == month.usd - saved


def test_a_volume_of_no_named_type_is_gp2_and_tasks_of_windows_stay() -> None:
    windows = one(
        "ecs/taskDefinition:TaskDefinition",
        family="desk",
        runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
    )
    stack = made(
        [
            one("ebs/volume:Volume", size=100),
            windows,
            one("ecs/service:Service", launchType="FARGATE", taskDefinition="desk"),
        ]
    )
    told = {each.what: each.saving for each in advice(stack, bill(stack))}
    # 100 x (0.12 - 0.096)
    assert told["gp3 instead of gp2 volumes"] == Decimal("2.4")
    assert "tasks, functions and servers on ARM" not in told
