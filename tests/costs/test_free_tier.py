"""How much of the free tier a stack takes, and what it costs beside it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pulumi_aws
import pytest
from guardrails.rules import free_tier as rules

import costs
from costs import free_tier_use
from costs.free_tier import FREE_EC2, FREE_RDS, FREE_RDS_ENGINES, FreeTierUse, limits, program
from costs.prices import HOURS_PER_MONTH, price
from settings import free_tier as sections

REGION = "ap-northeast-1"
HOST = (
    "aws:ec2/instance:Instance",
    {"instanceType": "t3.micro", "rootBlockDevice": {"volumeSize": 16}, "associatePublicIpAddress": True},
)
DATABASE = (
    "aws:rds/instance:Instance",
    {"instanceClass": "db.t3.micro", "engine": "postgres", "allocatedStorage": 20},
)
BUCKET = ("aws:s3/bucket:Bucket", {})
SITE = ("aws:cloudfront/distribution:Distribution", {})
ALARM = ("aws:cloudwatch/metricAlarm:MetricAlarm", {"metricName": "x"})
PERSONAL = (HOST, DATABASE, BUCKET, SITE, ALARM)


def use(*made: tuple[str, dict[str, Any]], **expected: float) -> FreeTierUse:
    return free_tier_use([{"type": type_, "inputs": inputs} for type_, inputs in made], REGION, expected)


def percents(found: FreeTierUse) -> dict[str, int]:
    return {one.limit.key: int(one.percent) for one in found.uses}


@pytest.mark.covers("E1")
def test_the_designs_system_takes_what_the_design_says_and_costs_nothing() -> None:
    found = use(*PERSONAL, storageGb=1, transferGb=3)
    shares = percents(found)
    assert (shares["ec2.hours"], shares["rds.hours"], shares["s3.storage"], shares["cloudfront.design"]) == (
        97,
        97,
        20,
        6,
    )
    assert shares["cloudfront.transfer"] == 0, "AWS's own figure is 1 TB"
    assert found.cost == 0
    assert all(one.within for one in found.uses)


def test_a_second_server_is_outside_the_free_tier_at_its_list_price() -> None:
    found = use(HOST, HOST)
    hours = next(one for one in found.uses if one.limit.key == "ec2.hours")
    assert hours.used == 1460
    assert not hours.within
    assert hours.cost == 710 * price("ec2.t3.micro.hour", REGION).usd
    assert found.cost is not None
    assert found.cost > 9


def test_a_dashboard_of_more_metrics_than_a_free_one_may_have_is_a_charge() -> None:
    lines = [["AWS/SQS", f"M{number}", "QueueName", "jobs", {}] for number in range(51)]

    def dashboard(count: int) -> tuple[str, dict[str, Any]]:
        body = {"widgets": [{"type": "metric", "properties": {"metrics": lines[:count]}}]}
        return "aws:cloudwatch/dashboard:Dashboard", {"dashboardBody": json.dumps(body)}

    assert use(dashboard(50)).cost == 0
    found = use(dashboard(51))
    assert [(one.what, one.count, one.cost) for one in found.charges] == [("dashboards of more than 50 metrics", 1, 3)]
    assert found.cost == 3


@pytest.mark.parametrize(
    ("made", "key", "used"),
    [
        ([HOST, ("aws:ebs/volume:Volume", {"size": 10})], "ebs.storage", 26),
        ([("aws:ec2/instance:Instance", {"instanceType": "t3.micro"})], "ebs.storage", 8),
        ([HOST, ("aws:ec2/eip:Eip", {})], "ec2.public_ipv4", 730),
        ([ALARM, ("aws:cloudwatch/metricAlarm:MetricAlarm",
                  {"metricQueries": [{"expression": "a/b"}, {"metric": {}}, {"metric": {}}]})],
         "cloudwatch.alarms", 3),
        ([("aws:cloudwatch/logMetricFilter:LogMetricFilter", {"metricTransformation": {"name": "errors"}})],
         "cloudwatch.metrics", 1),
        ([("aws:ssm/parameter:Parameter", {}), ("aws:ssm/parameter:Parameter", {"tier": "Advanced"})],
         "ssm.parameters", 1),
    ],
)  # fmt: skip
def test_what_is_made_is_counted(made: list[Any], key: str, used: int) -> None:
    assert {one.limit.key: one.used for one in use(*made).uses}[key] == used


def test_what_is_expected_of_a_part_that_does_not_exist_does_not_count() -> None:
    assert percents(use(ALARM, storageGb=1, transferGb=3, emails=5)) == {"cloudwatch.alarms": 10}


@pytest.mark.parametrize(
    ("made", "what", "cost"),
    [
        (("aws:kms/key:Key", {}), "KMS keys of one's own", Decimal(1)),
        (("aws:secretsmanager/secret:Secret", {}), "secrets", Decimal("0.4")),
        ((DATABASE[0], {**DATABASE[1], "manageMasterUserPassword": True}), "secrets", Decimal("0.4")),
        (("aws:ec2/natGateway:NatGateway", {}), "NAT gateways", Decimal("45.26")),
        (("aws:lb/loadBalancer:LoadBalancer", {}), "load balancers", Decimal("17.739")),
        (
            ("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Interface", "subnetIds": ["a", "b"]}),
            "interface endpoints, by zone",
            Decimal("20.44"),
        ),
        (("aws:elasticache/replicationGroup:ReplicationGroup", {}), "caches", None),
        (("aws:ec2/instance:Instance", {"instanceType": "t3.small"}), "instances of other sizes", None),
        ((DATABASE[0], {**DATABASE[1], "multiAz": True}), "databases of other sizes", None),
    ],
)
def test_what_is_not_in_the_free_tier_is_a_charge(made: Any, what: str, cost: Decimal | None) -> None:
    found = use(made)
    assert [(one.what, one.cost) for one in found.charges] == [(what, cost)]
    assert found.cost is None if cost is None else found.cost
    assert found.cost != 0


def test_a_gateway_endpoint_is_free() -> None:
    assert not use(("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Gateway"})).charges


def test_what_is_not_known_is_named_and_nobody_says_that_it_costs_nothing() -> None:
    found = use(("aws:guardduty/detector:Detector", {}))
    assert found.uncounted == ("guardduty/detector",)
    assert found.cost is None


def test_a_region_without_prices_gives_no_amount() -> None:
    found = free_tier_use([{"type": HOST[0], "inputs": HOST[1]}] * 2, "eu-west-1")
    assert found.cost is None


def test_without_the_offers_of_the_first_year_everything_has_its_price() -> None:
    found = use(*PERSONAL, storageGb=1, transferGb=3)
    parts = {
        "ec2.t3.micro.hour": 730, "vpc.public_ipv4.in_use_hour": 730, "ebs.gp3.gb_month": 16,
        "rds.postgresql.db.t3.micro.single_az_hour": 730, "rds.gp3.single_az_gb_month": 20, "s3.standard.gb_month": 1,
    }  # fmt: skip
    wanted = sum((count * price(key, REGION).usd for key, count in parts.items()), Decimal(0))
    assert found.cost_without_offers == wanted.quantize(Decimal("0.01")), "alarms and CloudFront stay free"


def test_nobody_has_the_offers_of_the_first_year_any_more_after_a_year() -> None:
    offered = program()
    assert (offered.last_twelve_months_end - offered.changed).days == 365
    assert offered.credits_usd == (100, 200)


@pytest.mark.parametrize("limit", limits().values(), ids=lambda one: one.key)
def test_every_limit_has_a_source_and_its_price_exists(limit: Any) -> None:
    assert limit.source
    assert limit.free > 0
    assert limit.kind in ("always", "12-month")
    if limit.price_key is not None:
        assert price(limit.price_key, REGION).usd > 0


def test_the_policy_pack_which_travels_alone_has_the_same_limits() -> None:
    assert rules.INSTANCE_TYPES == FREE_EC2
    assert rules.CLASSES == FREE_RDS
    assert sorted(rules.ENGINES) == sorted(FREE_RDS_ENGINES)
    free = {key: limit.free for key, limit in limits().items()}
    assert free["ebs.storage"] == rules.DISK_GIB
    assert free["rds.storage"] == rules.DATABASE_GIB
    assert free["cloudwatch.alarms"] == rules.ALARMS
    assert HOURS_PER_MONTH < free["ec2.hours"] == free["rds.hours"] < 2 * HOURS_PER_MONTH, "one server, one database"


def test_what_sections_of_a_stack_are_held_to_is_in_the_free_tier() -> None:
    assert set(sections.RDS_CLASSES) < set(FREE_RDS)
    assert set(sections.HOST_TYPES) < set(FREE_EC2)
    free = {key: limit.free for key, limit in limits().items()}
    assert free["ebs.storage"] == sections.DISK_GIB
    assert free["rds.storage"] == sections.RDS_GIB
    assert free["dynamodb.wcu"] == free["dynamodb.rcu"] == sections.TABLE_UNITS


def test_every_type_that_is_said_to_be_free_exists() -> None:
    listed = json.loads((Path(costs.__file__).parent / "free_tier.json").read_text())["without_price"]["types"]
    assert len(listed) == len(set(listed))
    package = Path(pulumi_aws.__file__).parent
    made = {f"{path.parent.name.rstrip('_')}/{path.stem.replace('_', '')}" for path in package.glob("*/*.py")}
    assert [one for one in listed if one.lower() not in made] == []
