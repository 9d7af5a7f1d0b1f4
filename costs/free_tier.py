"""How much of AWS's free tier a stack uses, and what it costs beside it (free_tier.json).

What is made can be counted; what will pass through it (GB stored, sent and logged) cannot, so the stack's settings say
what they expect. Whatever has a price and is not in the free tier is a charge; whatever is not known here is
named, not left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from costs.prices import HOURS_PER_MONTH, UnpricedRegion, cents, price
from costs.resources import FREE_DASHBOARD_METRICS, Resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FREE_EC2: Final = ("t2.micro", "t3.micro")
FREE_RDS: Final = ("db.t2.micro", "db.t3.micro", "db.t4g.micro")
FREE_RDS_ENGINES: Final = ("postgres", "mysql", "mariadb")

_INSTANCE: Final = "ec2/instance:Instance"
_ADDRESS: Final = "ec2/eip:Eip"
_DATABASE: Final = "rds/instance:Instance"


@dataclass(frozen=True, kw_only=True)
class FreeTierLimit:
    """What AWS gives away in a month."""

    key: str
    service: str
    item: str
    unit: str
    free: Decimal
    kind: str
    """`always`, or `12-month` for the first year of an account made before the programme changed."""
    price_key: str | None
    source: str
    note: str | None


@dataclass(frozen=True, kw_only=True)
class Use:
    """How much the stack takes of what one limit allows."""

    limit: FreeTierLimit
    used: Decimal
    cost: Decimal | None
    """USD for what is above the limit; None if that has no price here."""
    full_cost: Decimal
    """USD without the free tier, as far as there is a price."""

    @property
    def percent(self) -> Decimal:
        return (100 * self.used / self.limit.free).quantize(Decimal(1))

    @property
    def within(self) -> bool:
        return self.used <= self.limit.free


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What costs by being there and is not in the free tier."""

    what: str
    count: int
    cost: Decimal | None
    """USD a month; None if it has no price here."""


@dataclass(frozen=True, kw_only=True)
class FreeTierUse:
    """A month of one stack, for an account that has the 12-month offers."""

    region: str
    uses: tuple[Use, ...]
    charges: tuple[Charge, ...]
    uncounted: tuple[str, ...]
    """Types of which nothing is known here: billed by use, or not at all."""

    @property
    def cost(self) -> Decimal | None:
        """USD a month outside the free tier; None if part of it has no price here."""
        parts = [*(use.cost for use in self.uses), *(charge.cost for charge in self.charges)]
        known = [part for part in parts if part is not None]
        return cents(sum(known, Decimal(0))) if len(known) == len(parts) and not self.uncounted else None

    @property
    def cost_without_offers(self) -> Decimal:
        """USD a month for an account without the 12-month offers, as far as there are prices."""
        later = [use.full_cost if use.limit.kind == "12-month" else use.cost for use in self.uses]
        return cents(sum((part for part in [*later, *(one.cost for one in self.charges)] if part), Decimal(0)))


@dataclass(frozen=True, kw_only=True)
class Program:
    """Who has the 12-month offers, and what others get."""

    changed: date
    last_twelve_months_end: date
    before: str
    after: str
    credits_usd: tuple[int, int]
    months: int
    free_plan: str
    """What AWS refuses there."""
    sources: tuple[str, ...]


def free_tier_use(
    resources: Iterable[Mapping[str, Any]], region: str, expected: Mapping[str, Any] | None = None
) -> FreeTierUse:
    """What `resources` (of the rehearsal's report) use. `expected` says how much will pass through them."""
    made = Resources(resources, expected or {})
    uses = []
    for key, count in _COUNTED.items():
        used = count(made)
        if used:
            uses.append(_use(limits()[key], used, region))
    return FreeTierUse(
        region=region, uses=tuple(uses), charges=tuple(_charges(made, region)), uncounted=tuple(_uncounted(made))
    )


@cache
def limits() -> Mapping[str, FreeTierLimit]:
    """Every limit that is known here, by its key."""
    return {row["key"]: FreeTierLimit(**{**row, "free": Decimal(row["free"])}) for row in _document()["limits"]}


@cache
def program() -> Program:
    """How the free tier changed."""
    row = _document()["program"]
    return Program(
        changed=date.fromisoformat(row["changed"]),
        last_twelve_months_end=date.fromisoformat(row["last_twelve_months_end"]),
        before=row["before"],
        after=row["after"],
        credits_usd=(int(row["credits_usd"][0]), int(row["credits_usd"][1])),
        months=int(row["months"]),
        free_plan=row["free_plan"],
        sources=tuple(row["sources"]),
    )


def _instances(made: Resources) -> list[Mapping[str, Any]]:
    return [one for one in made.of(_INSTANCE) if one.get("instanceType") in FREE_EC2]


def _databases(made: Resources) -> list[Mapping[str, Any]]:
    return [one for one in made.of(_DATABASE) if _is_free(one)]


def _is_free(database: Mapping[str, Any]) -> bool:
    return (
        database.get("instanceClass") in FREE_RDS
        and database.get("engine") in FREE_RDS_ENGINES
        and not database.get("multiAz")
    )


def _public_addresses(made: Resources) -> Decimal:
    """An elastic address takes the place of the one that an instance was born with."""
    elastic = len(made.of(_ADDRESS))
    born = sum(bool(one.get("associatePublicIpAddress")) for one in made.of(_INSTANCE))
    return Decimal(max(elastic, born)) * HOURS_PER_MONTH


def _volumes(made: Resources) -> Decimal:
    # A root volume that nobody sizes has the size of its image: 8 GB.
    roots = [(one.get("rootBlockDevice") or {}).get("volumeSize") or 8 for one in made.of(_INSTANCE)]
    more = [disk.get("volumeSize") or 0 for one in made.of(_INSTANCE) for disk in one.get("ebsBlockDevices") or []]
    own = [one.get("size") or 0 for one in made.of("ebs/volume:Volume")]
    return _total([*roots, *more, *own])


def _emails(made: Resources) -> Decimal:
    readers = [one for one in made.of("sns/topicSubscription:TopicSubscription") if one.get("protocol") == "email"]
    return made.expects("emails") if readers else Decimal(0)


def _plain_parameters(made: Resources) -> Decimal:
    return Decimal(sum(one.get("tier", "Standard") == "Standard" for one in made.of("ssm/parameter:Parameter")))


_COUNTED: Final[dict[str, Callable[[Resources], Decimal]]] = {
    "ec2.hours": lambda made: len(_instances(made)) * HOURS_PER_MONTH,
    "ec2.public_ipv4": _public_addresses,
    "ebs.storage": _volumes,
    "rds.hours": lambda made: len(_databases(made)) * HOURS_PER_MONTH,
    "rds.storage": lambda made: _total(one.get("allocatedStorage") or 0 for one in made.of(_DATABASE)),
    "s3.storage": lambda made: made.expects("storageGb", "s3/bucket:Bucket"),
    "ecr.storage": lambda made: made.expects("imagesGb", "ecr/repository:Repository"),
    "cloudfront.design": lambda made: made.expects("transferGb", "cloudfront/distribution:Distribution"),
    "cloudfront.transfer": lambda made: made.expects("transferGb", "cloudfront/distribution:Distribution"),
    "transfer.out": lambda made: made.expects("internetGb", _INSTANCE),
    "cloudwatch.alarms": Resources.alarms,
    "cloudwatch.metrics": Resources.metrics,
    "cloudwatch.dashboards": lambda made: made.dashboards()[0],
    "cloudwatch.logs": lambda made: made.expects("logsGb", "cloudwatch/logGroup:LogGroup"),
    "sns.emails": _emails,
    "ssm.parameters": _plain_parameters,
    "stepfunctions.transitions": lambda made: made.expects("workflowSteps", "sfn/stateMachine:StateMachine"),
    "lambda.requests": lambda made: made.expects("functionCalls", "lambda/function:Function"),
}


def _use(limit: FreeTierLimit, used: Decimal, region: str) -> Use:
    each = _price(limit.price_key, region)
    over = max(used - limit.free, Decimal(0))
    # The design's figure for CloudFront is shown beside AWS's, and costs nothing by itself.
    cost = Decimal(0) if not over or limit.key == "cloudfront.design" else None if each is None else over * each
    return Use(limit=limit, used=used, cost=cost, full_cost=used * each if each is not None else Decimal(0))


def _charges(made: Resources, region: str) -> list[Charge]:
    hour = {key: _hourly(key, region) for key in ("alb.hour", "nat_gateway.hour", "vpc.endpoint.interface_hour")}
    endpoints = [one for one in made.of("ec2/vpcEndpoint:VpcEndpoint") if one.get("vpcEndpointType") == "Interface"]
    zones = sum(max(len(one.get("subnetIds") or []), 1) for one in endpoints)
    found = [
        ("KMS keys of one's own", len(made.of("kms/key:Key")), _price("kms.key_month", region)),
        ("secrets", _secrets(made), _price("secretsmanager.secret_month", region)),
        (
            f"dashboards of more than {FREE_DASHBOARD_METRICS} metrics",
            int(made.dashboards()[1]),
            _price("cloudwatch.dashboard_month", region),
        ),
        ("hosted zones", len(made.of("route53/zone:Zone")), _price("route53.zone_month", region)),
        ("web firewalls", len(made.of("wafv2/webAcl:WebAcl")), _price("waf.web_acl_month", region)),
        ("NAT gateways", len(made.of("ec2/natGateway:NatGateway")), hour["nat_gateway.hour"]),
        ("load balancers", len(made.of("lb/loadBalancer:LoadBalancer")), hour["alb.hour"]),
        ("interface endpoints, by zone", zones, hour["vpc.endpoint.interface_hour"]),
        ("caches", len(made.of("elasticache/replicationGroup:ReplicationGroup")), None),
        ("instances of other sizes", len(made.of(_INSTANCE)) - len(_instances(made)), None),
        ("databases of other sizes", len(made.of(_DATABASE)) - len(_databases(made)), None),
    ]
    return [
        Charge(what=what, count=count, cost=None if each is None else count * each)
        for what, count, each in found
        if count
    ]


def _secrets(made: Resources) -> int:
    managed = [one for type_ in (_DATABASE, "rds/cluster:Cluster") for one in made.of(type_)]
    own = len(made.of("secretsmanager/secret:Secret"))
    return own + sum(bool(one.get("manageMasterUserPassword")) for one in managed)


_CHARGED: Final = {
    "ec2/natGateway",
    "ec2/vpcEndpoint",
    "elasticache/parameterGroup",
    "elasticache/replicationGroup",
    "elasticache/subnetGroup",
    "kms/key",
    "lb/loadBalancer",
    "route53/zone",
    "secretsmanager/secret",
    "wafv2/webAcl",
}


def _uncounted(made: Resources) -> list[str]:
    types = {one["type"].split(":")[1] for one in made.made if one["type"].startswith("aws:")}
    return sorted(types - set(_document()["without_price"]["types"]) - _CHARGED)


def _hourly(key: str, region: str) -> Decimal | None:
    each = _price(key, region)
    return None if each is None else each * HOURS_PER_MONTH


def _price(key: str | None, region: str) -> Decimal | None:
    if key is None:
        return None
    try:
        return price(key, region).usd
    except UnpricedRegion:
        return None


def _total(numbers: Iterable[Any]) -> Decimal:
    return sum((Decimal(str(number)) for number in numbers), Decimal(0))


@cache
def _document() -> dict[str, Any]:
    return json.loads((Path(__file__).parent / "free_tier.json").read_text(), parse_float=Decimal, parse_int=Decimal)
