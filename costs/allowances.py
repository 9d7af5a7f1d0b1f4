"""How much of AWS's free tier a stack uses, and what it costs beside it (allowances.json).

What is made can be counted; what will pass through it (GB stored, sent and logged) cannot, so the stack's settings say
what they expect. Whatever has a price and no allowance is a charge; whatever is not known here is named, not left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from costs.prices import HOURS_PER_MONTH, UnpricedRegion, price

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

FREE_EC2: Final = ("t2.micro", "t3.micro")
FREE_RDS: Final = ("db.t2.micro", "db.t3.micro", "db.t4g.micro")
FREE_RDS_ENGINES: Final = ("postgres", "mysql", "mariadb")

_INSTANCE: Final = "aws:ec2/instance:Instance"
_ADDRESS: Final = "aws:ec2/eip:Eip"
_DATABASE: Final = "aws:rds/instance:Instance"


@dataclass(frozen=True, kw_only=True)
class Allowance:
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
    """How much of one allowance the stack takes."""

    allowance: Allowance
    used: Decimal
    cost: Decimal | None
    """USD for what is above the allowance; None if that has no price here."""
    full_cost: Decimal
    """USD without the allowance, as far as there is a price."""

    @property
    def percent(self) -> Decimal:
        return (100 * self.used / self.allowance.free).quantize(Decimal(1))

    @property
    def within(self) -> bool:
        return self.used <= self.allowance.free


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What costs by being there, with no allowance."""

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
        """USD a month outside of the allowances; None if part of it has no price here."""
        parts = [*(use.cost for use in self.uses), *(charge.cost for charge in self.charges)]
        known = [part for part in parts if part is not None]
        return _cents(sum(known, Decimal(0))) if len(known) == len(parts) and not self.uncounted else None

    @property
    def cost_without_offers(self) -> Decimal:
        """USD a month for an account without the 12-month offers, as far as there are prices."""
        later = [use.full_cost if use.allowance.kind == "12-month" else use.cost for use in self.uses]
        return _cents(sum((part for part in [*later, *(one.cost for one in self.charges)] if part), Decimal(0)))


@dataclass(frozen=True, kw_only=True)
class Program:
    """Who has the 12-month offers, and what others get."""

    changed: date
    last_twelve_months_end: date
    before: str
    after: str
    credits_usd: tuple[int, int]
    months: int
    sources: tuple[str, ...]


def free_tier_use(
    resources: Iterable[Mapping[str, Any]], region: str, expected: Mapping[str, Any] | None = None
) -> FreeTierUse:
    """What `resources` (of the rehearsal's report) use. `expected` says how much will pass through them."""
    made = _Made(list(resources), {key: Decimal(str(value)) for key, value in (expected or {}).items()})
    uses = []
    for allowance in allowances():
        used = _COUNTED[allowance.key](made)
        if used:
            uses.append(_use(allowance, used, region))
    return FreeTierUse(
        region=region, uses=tuple(uses), charges=tuple(_charges(made, region)), uncounted=tuple(_uncounted(made))
    )


@cache
def allowances() -> tuple[Allowance, ...]:
    """Every allowance that is known here."""
    return tuple(Allowance(**{**row, "free": Decimal(row["free"])}) for row in _document()["allowances"])


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
        sources=tuple(row["sources"]),
    )


@dataclass(frozen=True)
class _Made:
    resources: Sequence[Mapping[str, Any]]
    expected: Mapping[str, Decimal]

    def of(self, type_: str) -> list[Mapping[str, Any]]:
        return [one["inputs"] for one in self.resources if one["type"] == type_]

    def expects(self, key: str, type_: str) -> Decimal:
        """What is expected to pass through the resources of a type; nothing where there are none."""
        return self.expected.get(key, Decimal(0)) if self.of(type_) else Decimal(0)


def _instances(made: _Made) -> list[Mapping[str, Any]]:
    return [one for one in made.of(_INSTANCE) if one.get("instanceType") in FREE_EC2]


def _databases(made: _Made) -> list[Mapping[str, Any]]:
    return [one for one in made.of(_DATABASE) if _is_free(one)]


def _is_free(database: Mapping[str, Any]) -> bool:
    return (
        database.get("instanceClass") in FREE_RDS
        and database.get("engine") in FREE_RDS_ENGINES
        and not database.get("multiAz")
    )


def _public_addresses(made: _Made) -> Decimal:
    """An elastic address takes the place of the one that an instance was born with."""
    elastic = len(made.of(_ADDRESS))
    born = sum(bool(one.get("associatePublicIpAddress")) for one in made.of(_INSTANCE))
    return Decimal(max(elastic, born)) * HOURS_PER_MONTH


def _volumes(made: _Made) -> Decimal:
    # A root volume that nobody sizes has the size of its image: 8 GB.
    roots = [(one.get("rootBlockDevice") or {}).get("volumeSize") or 8 for one in made.of(_INSTANCE)]
    more = [disk.get("volumeSize") or 0 for one in made.of(_INSTANCE) for disk in one.get("ebsBlockDevices") or []]
    own = [one.get("size") or 0 for one in made.of("aws:ebs/volume:Volume")]
    return _total([*roots, *more, *own])


def _alarms(made: _Made) -> Decimal:
    """An alarm on an expression counts once for each metric in it."""
    return Decimal(
        sum(
            1 if "metricName" in one else sum("metric" in query for query in one.get("metricQueries") or [])
            for one in made.of("aws:cloudwatch/metricAlarm:MetricAlarm")
        )
    )


def _metrics(made: _Made) -> Decimal:
    counted = {
        (change.get("namespace"), change.get("name"))
        for one in made.of("aws:cloudwatch/logMetricFilter:LogMetricFilter")
        for change in [one.get("metricTransformation") or {}]
    }
    return Decimal(len(counted)) + made.expected.get("metrics", Decimal(0))


def _emails(made: _Made) -> Decimal:
    readers = [one for one in made.of("aws:sns/topicSubscription:TopicSubscription") if one.get("protocol") == "email"]
    return made.expected.get("emails", Decimal(0)) if readers else Decimal(0)


def _plain_parameters(made: _Made) -> Decimal:
    return Decimal(sum(one.get("tier", "Standard") == "Standard" for one in made.of("aws:ssm/parameter:Parameter")))


_COUNTED: Final[dict[str, Callable[[_Made], Decimal]]] = {
    "ec2.hours": lambda made: len(_instances(made)) * HOURS_PER_MONTH,
    "ec2.public_ipv4": _public_addresses,
    "ebs.storage": _volumes,
    "rds.hours": lambda made: len(_databases(made)) * HOURS_PER_MONTH,
    "rds.storage": lambda made: _total(one.get("allocatedStorage") or 0 for one in made.of(_DATABASE)),
    "s3.storage": lambda made: made.expects("storageGb", "aws:s3/bucket:Bucket"),
    "ecr.storage": lambda made: made.expects("imagesGb", "aws:ecr/repository:Repository"),
    "cloudfront.design": lambda made: made.expects("transferGb", "aws:cloudfront/distribution:Distribution"),
    "cloudfront.transfer": lambda made: made.expects("transferGb", "aws:cloudfront/distribution:Distribution"),
    "transfer.out": lambda made: made.expects("internetGb", _INSTANCE),
    "cloudwatch.alarms": _alarms,
    "cloudwatch.metrics": _metrics,
    "cloudwatch.dashboards": lambda made: Decimal(len(made.of("aws:cloudwatch/dashboard:Dashboard"))),
    "cloudwatch.logs": lambda made: made.expects("logsGb", "aws:cloudwatch/logGroup:LogGroup"),
    "sns.emails": _emails,
    "ssm.parameters": _plain_parameters,
    "stepfunctions.transitions": lambda made: made.expects("workflowSteps", "aws:sfn/stateMachine:StateMachine"),
    "lambda.requests": lambda made: made.expects("functionCalls", "aws:lambda/function:Function"),
}


def _use(allowance: Allowance, used: Decimal, region: str) -> Use:
    each = _price(allowance.price_key, region)
    over = max(used - allowance.free, Decimal(0))
    # The design's figure for CloudFront is shown beside AWS's, and costs nothing by itself.
    cost = Decimal(0) if not over or allowance.key == "cloudfront.design" else None if each is None else over * each
    return Use(allowance=allowance, used=used, cost=cost, full_cost=used * each if each is not None else Decimal(0))


def _charges(made: _Made, region: str) -> list[Charge]:
    hour = {key: _hourly(key, region) for key in ("alb.hour", "nat_gateway.hour", "vpc.endpoint.interface_hour")}
    endpoints = [one for one in made.of("aws:ec2/vpcEndpoint:VpcEndpoint") if one.get("vpcEndpointType") == "Interface"]
    zones = sum(max(len(one.get("subnetIds") or []), 1) for one in endpoints)
    found = [
        ("KMS keys of one's own", len(made.of("aws:kms/key:Key")), _price("kms.key_month", region)),
        ("secrets", _secrets(made), _price("secretsmanager.secret_month", region)),
        ("hosted zones", len(made.of("aws:route53/zone:Zone")), _price("route53.zone_month", region)),
        ("web firewalls", len(made.of("aws:wafv2/webAcl:WebAcl")), _price("waf.web_acl_month", region)),
        ("NAT gateways", len(made.of("aws:ec2/natGateway:NatGateway")), hour["nat_gateway.hour"]),
        ("load balancers", len(made.of("aws:lb/loadBalancer:LoadBalancer")), hour["alb.hour"]),
        ("interface endpoints, by zone", zones, hour["vpc.endpoint.interface_hour"]),
        ("caches", len(made.of("aws:elasticache/replicationGroup:ReplicationGroup")), None),
        ("instances of other sizes", len(made.of(_INSTANCE)) - len(_instances(made)), None),
        ("databases of other sizes", len(made.of(_DATABASE)) - len(_databases(made)), None),
    ]
    return [
        Charge(what=what, count=count, cost=None if each is None else count * each)
        for what, count, each in found
        if count
    ]


def _secrets(made: _Made) -> int:
    managed = [one for type_ in (_DATABASE, "aws:rds/cluster:Cluster") for one in made.of(type_)]
    own = len(made.of("aws:secretsmanager/secret:Secret"))
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


def _uncounted(made: _Made) -> list[str]:
    types = {one["type"].split(":")[1] for one in made.resources if one["type"].startswith("aws:")}
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


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


@cache
def _document() -> dict[str, Any]:
    return json.loads((Path(__file__).parent / "allowances.json").read_text(), parse_float=Decimal, parse_int=Decimal)
