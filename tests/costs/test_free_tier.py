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
from costs.free_tier import limits, program
from costs.free_tier_use import FreeTierUse, free_tier_use
from costs.model import CostError, Resource
from costs.prices import HOURS_PER_MONTH, price
from costs.services import FREE, NOT_PRICED, PRICED
from settings import free_tier as sections
from tests.costs.stacks import TOKYO, made, one

HOST = one("ec2/instance:Instance", instanceType="t3.micro", rootBlockDevice={"volumeSize": 16},
           associatePublicIpAddress=True)  # fmt: skip
SMALLEST: dict[str, Any] = {"instanceClass": "db.t3.micro", "engine": "postgres", "allocatedStorage": 20,
                            "storageType": "gp3"}  # fmt: skip
DATABASE = one("rds/instance:Instance", **SMALLEST)
BUCKET = one("s3/bucket:Bucket")
SITE = one("cloudfront/distribution:Distribution")
ALARM = one("cloudwatch/metricAlarm:MetricAlarm", metricName="x")
PERSONAL = (HOST, DATABASE, BUCKET, SITE, ALARM)


def use(*resources: Resource, **expected: float) -> FreeTierUse:
    return free_tier_use(made(list(resources), expected))


def percents(found: FreeTierUse) -> dict[str, int]:
    return {one.limit.key: int(one.percent) for one in found.taken}


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
    assert all(one.within for one in found.taken)


def test_a_second_server_is_outside_the_free_tier_at_its_list_price() -> None:
    found = use(HOST, one("ec2/instance:Instance", instanceType="t3.micro"))
    hours = next(one for one in found.taken if one.limit.key == "ec2.hours")
    assert hours.used == 1460
    assert not hours.within
    assert hours.cost == 710 * price("ec2.t3.micro.hour", TOKYO).usd
    assert found.cost is not None
    assert found.cost > 9


@pytest.mark.parametrize(
    ("resources", "key", "used"),
    [
        ([HOST, one("ebs/volume:Volume", size=10)], "ebs.storage", 26),
        ([one("ec2/instance:Instance", instanceType="t3.micro")], "ebs.storage", 8),
        ([one("ec2/eip:Eip")], "ec2.public_ipv4", 730),
        ([ALARM, one("cloudwatch/metricAlarm:MetricAlarm",
                     metricQueries=[{"expression": "a/b"}, {"metric": {}}, {"metric": {}}])], "cloudwatch.alarms", 3),
        ([one("cloudwatch/logMetricFilter:LogMetricFilter", metricTransformation={"name": "errors"})],
         "cloudwatch.metrics", 1),
        ([one("ssm/parameter:Parameter"), one("ssm/parameter:Parameter", tier="Advanced")], "ssm.parameters", 1),
    ],
)  # fmt: skip
def test_what_is_made_is_counted(resources: list[Resource], key: str, used: int) -> None:
    assert {each.limit.key: each.used for each in use(*resources).taken}[key] == used


def test_what_is_expected_of_a_part_that_does_not_exist_does_not_count() -> None:
    assert percents(use(ALARM, storageGb=1, transferGb=3, emails=5)) == {"cloudwatch.alarms": 10}


@pytest.mark.parametrize(
    ("paid", "what", "cost"),
    [
        (one("kms/key:Key"), "key", "1"),
        (one("secretsmanager/secret:Secret"), "secret", "0.4"),
        (one("rds/instance:Instance", **SMALLEST, manageMasterUserPassword=True), "secret that RDS keeps", "0.4"),
        (one("ec2/natGateway:NatGateway"), "gateway", "45.26"),
        (one("lb/loadBalancer:LoadBalancer", internal=True), "application load balancer", "17.739"),
        (
            one("ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Interface", subnetIds=["a", "b"]),
            "endpoint, each zone",
            "20.44",
        ),
        (
            one("elasticache/replicationGroup:ReplicationGroup", engine="valkey", nodeType="cache.t3.micro"),
            "1 nodes, valkey cache.t3.micro",
            "15.184",
        ),
        (one("ec2/instance:Instance", instanceType="t3.small"), "instance, Linux, on demand, t3.small", "19.856"),
    ],
)
def test_what_is_not_in_the_free_tier_is_a_charge(paid: Resource, what: str, cost: str) -> None:
    found = use(paid)
    assert [(each.what, each.cost) for each in found.charges] == [(what, Decimal(cost))]
    assert found.cost == Decimal(cost).quantize(Decimal("0.01"))


def test_a_database_in_two_zones_is_a_charge() -> None:
    charged = {each.what for each in use(one("rds/instance:Instance", **SMALLEST, multiAz=True)).charges}
    assert charged == {"postgres db.t3.micro, two zones", "storage, gp3, two zones"}


def test_a_gateway_endpoint_is_free() -> None:
    assert not use(one("ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Gateway")).charges


def test_what_is_not_known_is_named_and_nobody_says_that_it_costs_nothing() -> None:
    found = use(one("macie2/account:Account"))
    assert found.uncounted == ("aws:macie2/account:Account",)
    assert found.cost is None


def test_a_region_without_prices_gives_no_amount() -> None:
    with pytest.raises(CostError, match="eu-west-1"):
        free_tier_use(made([HOST], region="eu-west-1"))


def test_without_the_offers_of_the_first_year_everything_has_its_price() -> None:
    found = use(*PERSONAL, storageGb=1, transferGb=3)
    parts = {
        "ec2.t3.micro.hour": 730, "vpc.public_ipv4.in_use_hour": 730, "ebs.gp3.gb_month": 16,
        "rds.postgresql.db.t3.micro.single_az_hour": 730, "rds.gp3.single_az_gb_month": 20, "s3.standard.gb_month": 1,
    }  # fmt: skip
    wanted = sum((count * price(key, TOKYO).usd for key, count in parts.items()), Decimal(0))
    assert found.cost_without_offers == wanted.quantize(Decimal("0.01")), "alarms and CloudFront stay free"


def test_nobody_has_the_offers_of_the_first_year_any_more_after_a_year() -> None:
    offered = program()
    assert (offered.last_twelve_months_end - offered.changed).days == 365
    assert offered.credits_usd == (100, 200)


@pytest.mark.parametrize("limit", limits().values(), ids=lambda each: each.key)
def test_every_limit_has_a_source_and_its_prices_exist(limit: Any) -> None:
    assert limit.source
    assert limit.free > 0
    assert limit.kind in ("always", "12-month", "design")
    # AWS has no t2 in Osaka; in Tokyo each price exists.
    assert all(price(key, TOKYO).usd >= 0 for key in limit.price_keys)


def covered(key: str) -> set[str]:
    """The kinds of machines that a limit on hours covers."""
    return {
        ".".join(each.split(".")[-4:-1] if "rds" in each else each.split(".")[1:3]) for each in limits()[key].price_keys
    }


def test_the_policy_pack_which_travels_alone_has_the_same_limits() -> None:
    assert set(rules.INSTANCE_TYPES) == covered("ec2.hours")
    assert set(rules.CLASSES) - {"db.t2.micro"} == covered("rds.hours"), "db.t2.micro has no price any more"
    assert set(rules.ENGINES) == {"postgres", "mysql", "mariadb"}
    free = {key: limit.free for key, limit in limits().items()}
    assert free["ebs.storage"] == rules.DISK_GIB
    assert free["rds.storage"] == rules.DATABASE_GIB
    assert free["cloudwatch.alarms"] == rules.ALARMS
    assert HOURS_PER_MONTH < free["ec2.hours"] == free["rds.hours"] < 2 * HOURS_PER_MONTH, "one server, one database"


def test_what_sections_of_a_stack_are_held_to_is_in_the_free_tier() -> None:
    assert set(sections.RDS_CLASSES) <= covered("rds.hours")
    assert set(sections.HOST_TYPES) < covered("ec2.hours")
    free = {key: limit.free for key, limit in limits().items()}
    assert free["ebs.storage"] == sections.DISK_GIB
    assert free["rds.storage"] == sections.RDS_GIB
    assert free["dynamodb.wcu"] == free["dynamodb.rcu"] == sections.TABLE_UNITS * HOURS_PER_MONTH


def test_every_type_that_is_priced_or_said_to_be_free_exists() -> None:
    listed = json.loads((Path(costs.__file__).parent / "types.json").read_text())
    every = [type_ for types in listed["free"].values() for type_ in types]
    assert len(every) == len(set(every)), "one reason for each"
    package = Path(pulumi_aws.__file__).parent
    exist = {f"{path.parent.name.rstrip('_')}/{path.stem.replace('_', '')}" for path in package.glob("*/*.py")}
    named = [*FREE, *NOT_PRICED, *PRICED]
    assert [each for each in named if each.partition(":")[0].lower() not in exist] == []
