"""How much of a week things run that schedules stop and start: EventBridge Scheduler does, by universal targets."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from costs.model import Resource

SCHEDULE: Final = "scheduler/schedule:Schedule"
_TARGET: Final = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:(\w+):(\w+)")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAY_MINUTES: Final = 24 * 60
_WEEK_MINUTES: Final = 7 * _DAY_MINUTES

Thing = tuple[str, str]
"""Of what kind something is, and its name there: `("service", "cluster/api")`."""


def shares(resources: Iterable[Resource]) -> Mapping[Thing, Decimal]:
    """For each thing that schedules both stop and start, the part of a week in which it runs. A thing of which a
    schedule cannot be read, since its time is no plain one of certain days, runs all the time."""
    events: dict[Thing, list[tuple[int, bool]]] = defaultdict(list)
    unread: set[Thing] = set()
    for one in resources:
        if one.type != SCHEDULE or one.inputs.get("state") == "DISABLED":
            continue
        for thing, starts in _told(one.inputs):
            moments = _moments(str(one.inputs.get("scheduleExpression") or ""))
            if moments is None:
                unread.add(thing)
            else:
                events[thing] += [(moment, starts) for moment in moments]
    found = {thing: _share(sorted(set(each))) for thing, each in events.items() if thing not in unread}
    return {thing: share for thing, share in found.items() if share is not None}


def thing_of(one: Resource) -> Thing | None:
    """As what schedules know a resource: an Aurora instance is stopped with its cluster."""
    given = one.inputs
    match one.type:
        case "ecs/service:Service":
            cluster = str(given.get("cluster") or "").rpartition("/")[2]
            return "service", f"{cluster}/{given.get('name') or one.outputs.get('name')}"
        case "rds/instance:Instance":
            return "database", str(given.get("identifier") or one.outputs.get("identifier"))
        case "rds/clusterInstance:ClusterInstance":
            return "cluster", str(given.get("clusterIdentifier"))
        case "ec2/instance:Instance":
            return "server", str(one.outputs.get("id"))
        case _:
            return None


def runs_of(one: Resource, resources: Iterable[Resource]) -> Decimal | None:
    """How often in a week schedules start something; None where no schedule does, or one cannot be read."""
    names = {one.outputs.get("arn"), one.urn} - {None, ""}
    told = [
        _moments(str(each.inputs.get("scheduleExpression") or ""))
        for each in resources
        if each.type == SCHEDULE and each.inputs.get("state") != "DISABLED" and _target(each.inputs).get("arn") in names
    ]
    if not told or None in told:
        return None
    return Decimal(sum(len(moments or ()) for moments in told))


def _target(schedule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Whom a schedule calls; nobody where it is not known yet."""
    target = schedule.get("target")
    return target if isinstance(target, dict) else {}


def _told(schedule: Mapping[str, Any]) -> Iterator[tuple[Thing, bool]]:
    """What a schedule stops (False) or starts."""
    target = _target(schedule)
    called = _TARGET.fullmatch(str(target.get("arn") or ""))
    try:
        given = json.loads(str(target.get("input") or "{}"))
    except ValueError:
        return
    if called is None or not isinstance(given, dict):
        return
    match f"{called[1]}:{called[2]}":
        case "ecs:updateService" if "DesiredCount" in given:
            cluster = str(given.get("Cluster") or "default").rpartition("/")[2]
            yield ("service", f"{cluster}/{given.get('Service')}"), bool(given["DesiredCount"])
        case "rds:stopDBInstance" | "rds:startDBInstance":
            yield ("database", str(given.get("DbInstanceIdentifier"))), "start" in called[2]
        case "rds:stopDBCluster" | "rds:startDBCluster":
            yield ("cluster", str(given.get("DbClusterIdentifier"))), "start" in called[2]
        case "ec2:stopInstances" | "ec2:startInstances":
            named = given.get("InstanceIds")
            for name in named if isinstance(named, list) else []:
                yield ("server", str(name)), "start" in called[2]
        case _:
            return


def _moments(expression: str) -> list[int] | None:
    """Minutes since Sunday's midnight; None for a schedule that is none of a plain time on certain days."""
    found = re.fullmatch(r"cron\((\d+) (\d+) (\?|\*) \* (\?|\*|[A-Z,]+|[A-Z]{3}-[A-Z]{3}) \*\)", expression)
    if found is None:
        return None
    of_day = int(found[2]) * 60 + int(found[1])
    days = _days(found[4])
    return None if days is None else [day * _DAY_MINUTES + of_day for day in days]


def _days(field: str) -> list[int] | None:
    if field in ("?", "*"):
        return [*range(7)]
    first, dash, last = field.partition("-")
    names = (first, last) if dash else tuple(field.split(","))
    if any(name not in _DAYS for name in names):
        return None
    numbers = [_DAYS.index(name) for name in names]
    return [day % 7 for day in range(numbers[0], numbers[1] + 7 * (numbers[1] < numbers[0]) + 1)] if dash else numbers


def _share(events: list[tuple[int, bool]]) -> Decimal | None:
    """The part of a week that is between a start and the next stop; None where only one of the two is told."""
    if {starts for _, starts in events} != {True, False}:
        return None
    minutes = 0
    for number, (moment, starts) in enumerate(events):
        following, _ = events[(number + 1) % len(events)]
        minutes += (following - moment) % _WEEK_MINUTES if starts else 0
    return Decimal(minutes) / _WEEK_MINUTES
