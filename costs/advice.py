"""What would make the month cheaper or dearer, and by how much: each advice changes the stack and counts it again.

An advice says what is given up, too: nothing here is free.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from costs.bill import Bill, bill
from costs.model import Resource
from costs.prices import keys_of_prices
from costs.running import thing_of
from costs.stack import Stack

_LEAST: Final = Decimal("0.01")
"""USD; what changes less is no advice."""
_USED: Final = Decimal("0.7")
"""Of provisioned capacity that is taken, as scaling aims at by default.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html"""
_ARM_OF: Final = {"t2": "t4g", "t3": "t4g", "t3a": "t4g", "m5": "m6g", "m6i": "m7g", "m7i": "m7g", "c5": "c6g",
                  "c6i": "c7g", "c7i": "c7g", "r5": "r6g", "r6i": "r7g", "r7i": "r7g"}  # fmt: skip

_OFFICE: Final = Decimal(10 * 5) / (24 * 7)
_OFFICE_HOURS: Final = ("services, databases and servers in office hours, 50 of a week's 168",
                        "nobody can use it at night and at weekends")  # fmt: skip
_SERVERS: Final = ("ec2/instance:Instance", "ec2/launchTemplate:LaunchTemplate")
_TABLE: Final = "dynamodb/table:Table"
_COMMITTED: Final = (
    ("servers under a Savings Plan of three years", ("ec2/instance:", "autoscaling/"), Decimal("0.72")),
    ("databases and caches reserved for three years", ("rds/", "elasticache/"), Decimal("0.55")),
)
"""At most, by the documents that systems are designed from: the longest commitment, paid ahead."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One change, and the month after it."""

    what: str
    saving: Decimal
    """USD a month; negative where it would be dearer."""
    gives_up: str


_Change = Callable[[Resource], Resource]


def advice(stack: Stack, month: Bill, *, production: bool = False) -> list[Advice]:
    """What would change the month, the largest saving first. `month` is the stack's bill as it is. Nobody is told to
    stop production at night."""
    found = [_priced(what, gives_up, _changed(stack, change), month) for what, gives_up, change in _CHANGES]
    found += [_priced(what, gives_up, _without(stack, remove(stack)), month) for what, gives_up, remove in _REMOVALS]
    found.append(_priced(*_TABLES_PROVISIONED, _changed(stack, _provisioned(stack)), month))
    if not production:
        found.append(_priced(*_OFFICE_HOURS, _in_office_hours(stack), month))
    always = bill(_like(stack, stack.resources, stops=False), region=month.region, offers=month.offers)
    found += [_committed(month, always, *row) for row in _COMMITTED]
    kept = [one for one in found if abs(one.saving) >= _LEAST]
    return sorted(kept, key=lambda one: (-one.saving, one.what))


def committed(stack: Stack, month: Bill) -> Decimal:
    """The month with a Savings Plan for the servers and reservations of databases and caches, for three years and paid
    ahead, as far as they save: at least that, since few classes have so much."""
    always = bill(_like(stack, stack.resources, stops=False), region=month.region, offers=month.offers)
    savings = (_committed(month, always, *row).saving for row in _COMMITTED)
    return month.usd - sum((saving for saving in savings if saving > 0), Decimal(0))


def _priced(what: str, gives_up: str, other: Stack, month: Bill) -> Advice:
    after = bill(other, region=month.region, offers=month.offers)
    # What has no price after the change is no saving.
    same = after.unpriced.keys() <= month.unpriced.keys()
    return Advice(what=what, saving=month.usd - after.usd if same else Decimal(0), gives_up=gives_up)


def _changed(stack: Stack, change: _Change) -> Stack:
    return _like(stack, [_tried(change, one) for one in stack.resources])


def _tried(change: _Change, one: Resource) -> Resource:
    """The resource after a change; as it is where its properties cannot be read, which its bill says."""
    try:
        return change(one)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        return one


def _without(stack: Stack, removed: Iterable[Resource]) -> Stack:
    gone = set(removed)
    return _like(stack, [one for one in stack.resources if one not in gone])


def _like(stack: Stack, resources: Iterable[Resource], *, stops: bool = True) -> Stack:
    return Stack(resources, stack.region, stack.expected, hours=stack.hours, stops=stops)


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """What is saved by what schedules stop."""

    saving: Decimal
    """USD a month, against the same stack without a stop."""

    running: Decimal
    """The part of a week in which that runs which runs longest of what is stopped."""

    of: Decimal
    """USD a month that what is stopped would cost without a stop."""


def stopping(stack: Stack, month: Bill) -> Stopping | None:
    """What the stack's own schedules save; None where they stop nothing."""
    if not any(thing_of(one) in stack.running for one in stack.resources):
        return None
    always = bill(_like(stack, stack.resources, stops=False), region=month.region, offers=month.offers)
    # What stops, and what is paid as long as that runs, such as metrics of tasks.
    of = sum(
        (all_day.usd for all_day, now in zip(always.resources, month.resources, strict=True)
         if all_day.list_usd != now.list_usd),
        Decimal(0),
    )  # fmt: skip
    return Stopping(saving=always.usd - month.usd, running=max(stack.running.values()), of=of)


def _in_office_hours(stack: Stack) -> Stack:
    """The stack in ten hours of five days: what no schedule stops yet."""
    usual = Stack(stack.resources, stack.region, stack.expected, hours=stack.hours)
    things = {thing for one in stack.resources if (thing := thing_of(one)) is not None}
    usual.running = {**dict.fromkeys(things, _OFFICE), **stack.running}
    return usual


def _with(one: Resource, **inputs: Any) -> Resource:
    return replace(one, inputs={**one.inputs, **inputs})


def _spot(one: Resource) -> Resource:
    strategies = one.inputs.get("capacityProviderStrategies") or []
    fargate = one.inputs.get("launchType") == "FARGATE" or any(
        each.get("capacityProvider") == "FARGATE" for each in strategies
    )
    if one.type != "ecs/service:Service" or not fargate:
        return one
    return _with(one, launchType=None, capacityProviderStrategies=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}])


def _spot_servers(one: Resource) -> Resource:
    kind = one.inputs.get("instanceType")
    tied = one.inputs.get("tenancy") in ("dedicated", "host")
    if one.type not in _SERVERS or tied or f"ec2.{kind}.spot_hour" not in keys_of_prices():
        return one
    return _with(one, instanceMarketOptions={"marketType": "spot"})


def _arm(one: Resource) -> Resource:
    if one.type == "ecs/taskDefinition:TaskDefinition":
        platform = one.inputs.get("runtimePlatform") or {}
        if str(platform.get("operatingSystemFamily") or "").startswith("WINDOWS"):
            return one
        return _with(one, runtimePlatform={"cpuArchitecture": "ARM64"})
    if one.type == "lambda/function:Function":
        return _with(one, architectures=["arm64"])
    if one.type == "ec2/instance:Instance":
        family, _, size = str(one.inputs.get("instanceType") or "").partition(".")
        kind = f"{_ARM_OF.get(family, family)}.{size}"
        return _with(one, instanceType=kind) if f"ec2.{kind}.hour" in keys_of_prices() else one
    return one


def _gp3(one: Resource) -> Resource:
    if one.type == "ebs/volume:Volume" and one.inputs.get("type") in ("gp2", None):
        return _with(one, type="gp3")
    if one.type == "ec2/instance:Instance":
        root: Mapping[str, Any] = one.inputs.get("rootBlockDevice") or {}
        disks = [{**each, "volumeType": "gp3"} if each.get("volumeType") == "gp2" else each
                 for each in one.inputs.get("ebsBlockDevices") or []]  # fmt: skip
        new_root = {**root, "volumeType": "gp3"} if root.get("volumeType") == "gp2" else root
        return _with(one, rootBlockDevice=new_root, ebsBlockDevices=disks)
    return one


def _one_zone(one: Resource) -> Resource:
    if one.type == "rds/instance:Instance" and one.inputs.get("multiAz"):
        return _with(one, multiAz=False)
    if one.type == "elasticache/replicationGroup:ReplicationGroup":
        return _with(one, numCacheClusters=1, replicasPerNodeGroup=0)
    return one


def _two_zones(one: Resource) -> Resource:
    if one.type == "rds/instance:Instance" and not one.inputs.get("multiAz"):
        return _with(one, multiAz=True)
    return one


def _endpoints_in_one_zone(one: Resource) -> Resource:
    if one.type.endswith("pcEndpoint") and one.inputs.get("vpcEndpointType") in ("Interface", None):
        return _with(one, subnetIds=list(one.inputs.get("subnetIds") or [])[:1], subnetConfigurations=[])
    return one


def _rarely_read(one: Resource) -> Resource:
    return _with(one, logGroupClass="INFREQUENT_ACCESS") if one.type == "cloudwatch/logGroup:LogGroup" else one


def _unwatched(one: Resource) -> Resource:
    return _with(one, settings=[]) if one.type == "ecs/cluster:Cluster" else one


def _on_demand(one: Resource) -> Resource:
    provisioned = one.type == _TABLE and one.inputs.get("billingMode", "PROVISIONED") == "PROVISIONED"
    return _with(one, billingMode="PAY_PER_REQUEST") if provisioned else one


def _provisioned(stack: Stack) -> _Change:
    """Capacity for the expected use, even over the month, of which scaling keeps a part free."""
    seconds = stack.hours * 3600
    first = next((one for one in stack.of(_TABLE) if one.inputs.get("billingMode") == "PAY_PER_REQUEST"), None)

    def change(one: Resource) -> Resource:
        if one.type != _TABLE or one.inputs.get("billingMode") != "PAY_PER_REQUEST":
            return one
        units = {
            "writeCapacity": max(math.ceil(stack.expects("tableWrites") / seconds / _USED), 1) if one is first else 1,
            "readCapacity": max(math.ceil(stack.expects("tableReads") / seconds / _USED), 1) if one is first else 1,
        }
        indexes = [{**each, "writeCapacity": 1, "readCapacity": 1}
                   for each in one.inputs.get("globalSecondaryIndexes") or []]  # fmt: skip
        return _with(one, billingMode="PROVISIONED", globalSecondaryIndexes=indexes, **units)

    return change


_TABLES_PROVISIONED: Final = ("tables with provisioned capacity for the expected use",
                              "peaks are throttled until scaling has followed")  # fmt: skip

_CHANGES: Final[list[tuple[str, str, _Change]]] = [
    ("all tasks on Fargate Spot", "AWS may end a task with two minutes' notice", _spot),
    (
        "all servers on Spot",
        "AWS may stop a server with two minutes' notice, and its type may be sold out",
        _spot_servers,
    ),
    ("tasks, functions and servers on ARM", "images and libraries have to exist for ARM", _arm),
    ("gp3 instead of gp2 volumes", "nothing: it is as fast or faster up to 1 TB", _gp3),
    ("databases and caches in one zone", "a failure of the zone takes them away", _one_zone),
    ("databases in two zones", "nothing: a failure of a zone is survived", _two_zones),
    ("interface endpoints in one zone", "a failure of the zone takes AWS's services away", _endpoints_in_one_zone),
    ("logs in the class for infrequent access", "no metric filters, subscriptions or live tail", _rarely_read),
    ("clusters without Container Insights", "no metrics of tasks, and no alarms on them", _unwatched),
    ("tables on demand", "nothing: a table never throttles below its limit", _on_demand),
]


def _readers(stack: Stack) -> list[Resource]:
    """All instances of each cluster but the first."""
    seen: set[str] = set()
    found: list[Resource] = []
    for one in stack.of("rds/clusterInstance:ClusterInstance"):
        cluster = str(one.inputs.get("clusterIdentifier"))
        if cluster in seen:
            found.append(one)
        seen.add(cluster)
    return found


def _gateways_but_one(stack: Stack) -> list[Resource]:
    return [*stack.of("ec2/natGateway:NatGateway")[1:]]


_REMOVALS: Final[list[tuple[str, str, Callable[[Stack], list[Resource]]]]] = [
    ("Aurora without readers", "a failure of the writer's zone takes the database away for minutes", _readers),
    ("one NAT gateway for all zones", "a failure of its zone stops all calls to the internet", _gateways_but_one),
]


def _committed(month: Bill, always: Bill, what: str, prefixes: tuple[str, ...], share: Decimal) -> Advice:
    now, whole = (_hours_usd(each, prefixes) for each in (month, always))
    return Advice(
        what=f"{what}: at most {share:.0%} less",
        # A commitment is paid for all hours, what is stopped included.
        saving=now - whole * (1 - share),
        gives_up="paid whether it is used or not, and for at most a few classes",
    )


def _hours_usd(month: Bill, prefixes: tuple[str, ...]) -> Decimal:
    return sum(
        (
            line.usd
            for one in month.resources
            if one.resource.type.startswith(prefixes)
            for line in one.lines
            # Nobody commits to Spot.
            if line.kind == "fixed" and line.unit in ("instance-hour", "node-hour") and not line.indicative
        ),
        Decimal(0),
    )
