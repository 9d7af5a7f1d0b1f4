"""Office hours: what costs by the hour and nobody needs at night is stopped in the evening and started before work.

Use: hours = OfficeHours("wiki-dev-office-hours", OfficeHoursArgs(days=["MON", "TUE"]), services={"api": service},
                         databases={"database": database}, hosts={"host": host}, alarms=[…])
     hours.alarms(topics)

No code runs: EventBridge Scheduler makes the calls itself, by its universal targets. Their names and parameters are
those of the AWS SDK for Java (DbClusterIdentifier), in UpperCamelCase
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import AlarmOptions, AlarmTopics
from ..args import ComponentArgs
from ..component import Component
from ..compute.free_tier_host import FreeTierHost
from ..compute.service import Service
from ..data.aurora import AuroraPostgres
from ..data.postgres import Postgres
from ..errors import ArgumentError, Mistake
from ..messaging.dead_letters import any_message, make_dead_letters, messages
from ..messaging.expressions import Timezone
from ..policy import Statement, statement
from ..service_role import service_role
from ..short_names import shortened
from ..widgets import Widget
from .timetable import DAY_MINUTES, DAYS, Clock, Day, cron, minutes

# Minutes before the hours begin. RDS takes some minutes to start a database, sometimes many; what calls it comes after.
DATABASES_START: Final = -30
RANGES_RETURN: Final = -11
SERVICES_START: Final = -10
# Minutes after they have ended. A task has two minutes to finish what it does.
SERVICES_STOP: Final = 1
DATABASES_STOP: Final = 15

LEAST_CLOSED: Final = 120
"""Minutes from the last stop to the first start: less saves nothing, and a call that is tried again must not meet the
next one."""
LONGEST_NAME: Final = 64
"""Of a schedule. https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""

RETRIES: Final = 10
RETRIED_SECONDS: Final = 3600

BATCH: Final = 60
"""Alarms of one call. CloudWatch takes 100 names; the policy that lists as many ARNs would be too long for a role."""

Database = AuroraPostgres | Postgres

_Days = Literal["open", "closed", "every"]


class OfficeHoursArgs(ComponentArgs):
    """When a stack for development runs; outside it costs about 70 % less for what is stopped. Storage, addresses, load
    balancers, endpoints and NAT gateways go on. The schedules themselves are free: 14 million starts a month are."""

    days: Annotated[list[Day], Field(min_length=1)] = ["MON", "TUE", "WED", "THU", "FRI"]
    """The days on which people work."""

    from_: Clock = "09:00"
    """When everything runs. Databases are started half an hour before, tasks and servers ten minutes before."""

    to: Clock = "19:00"
    """When tasks and servers stop, on the same day; databases follow a quarter of an hour later."""

    timezone: Timezone = "Asia/Tokyo"
    """Whose clock that is. Where it has summer time, the hours follow it; a moment that the change leaves out does not
    come on that day."""

    def mistakes(self) -> Iterator[Mistake]:
        twice = [day for number, day in enumerate(self.days) if day in self.days[:number]]
        if twice:
            yield Mistake("days", self.days, f"names {twice[0]} twice; name each day once")
        if self.start >= self.stop:
            why = f'is not after from ("{self.from_}"): hours end on the day on which they begin'
            yield Mistake("to", self.to, f"{why}; use a later time, or change from")
        elif self.first_minute + DAY_MINUTES - self.last_minute < LEAST_CLOSED:
            why = "leaves less than two hours between the last stop and the next start"
            yield Mistake("to", self.to, f"{why}; use an earlier time, or remove officeHours")

    @property
    def start(self) -> int:
        """Minutes since midnight."""
        return minutes(self.from_)

    @property
    def stop(self) -> int:
        return minutes(self.to)

    @property
    def first_minute(self) -> int:
        """Since midnight, when the first part is started; below 0 on the evening before."""
        return self.start + DATABASES_START

    @property
    def last_minute(self) -> int:
        """Since midnight, when the last part is stopped."""
        return self.stop + DATABASES_STOP

    @property
    def closed_days(self) -> list[Day]:
        return [day for day in DAYS if day not in self.days]


@dataclass(frozen=True, kw_only=True)
class _Call:
    """One call that a schedule makes."""

    name: str
    """Of the schedule, in its group."""

    action: str
    """Service and operation of the SDK, such as `rds:stopDBCluster`."""

    input: Mapping[str, Any]
    at: int
    """Minutes since the midnight of each of the days."""

    days: _Days
    """Work begins on open days. It ends on every day: what somebody has started on a closed one, or RDS by itself after
    a week, is stopped again."""

    refused: bool = False
    """Whether AWS is expected to refuse it, since what it would stop is stopped mostly."""


class OfficeHours(Component):
    """The schedules of one region, in a group of their own, the roles by which they call, and what failed."""

    CHILDREN = ("group", "role", "policy", "dead_letters", "dead_letters_policy", "schedule", "alarm")

    dead_letters_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: OfficeHoursArgs,
        *,
        services: Mapping[str, Service] | None = None,
        databases: Mapping[str, Database] | None = None,
        hosts: Mapping[str, FreeTierHost] | None = None,
        alarms: Sequence[aws.cloudwatch.MetricAlarm] = (),
        region: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param services: Whose tasks end, by what they are called in the schedules' names; so are the others.
        :param databases: What is stopped; the data stays. RDS starts a database by itself after seven days.
        :param hosts: Servers that are stopped; they must not be protected.
        :param alarms: What is quiet meanwhile: those that would ring because of all this, all in one region.
        :param region: Where the alarms are, if elsewhere than the stack: a schedule calls AWS in its own region.
        """
        super().__init__(name, args, opts)
        services, databases, hosts = services or {}, databases or {}, hosts or {}
        if not (services or databases or hosts or alarms):
            raise ArgumentError("services", {}, "and databases, hosts, alarms: nothing would be stopped; give some")
        for label, host in hosts.items():
            if host.protected:
                raise ArgumentError("hosts", label, "is protected: AWS refuses to stop it; use retention ephemeral")
        self._args, self._region, self._account = args, region, Account.of(self)
        self._group = aws.scheduler.ScheduleGroup(
            f"{name}-group", name=name, region=region, tags={"Name": f"{name}-group"}, opts=self._child("group")
        )
        self._dead_letters = make_dead_letters(name, self._child, region=region)
        if services or databases or hosts:
            # Nobody reads these: they are refused on every evening on which the database is stopped already.
            again = make_dead_letters(f"{name}-again", self._child, region=region)
            permissions = _permissions([*services.values()], [*databases.values()], [*hosts.values()], self._account)
            role, policy = self._role("", permissions, again)
            for call in _calls(args, services, databases, hosts):
                self._schedule(call, role, policy, again if call.refused else self._dead_letters)
        for number in range(0, len(alarms), BATCH):
            self._quieten(number // BATCH + 1, alarms[number : number + BATCH])
        self.dead_letters_url = self._dead_letters.url
        self.register_outputs({"deadLettersUrl": self.dead_letters_url})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Something that was not started or stopped."""
        description = (
            "could not stop or start something. The message in the dead-letter queue says what, and what AWS answered; "
            "a database that somebody had started or stopped by hand is no fault."
        )
        options: AlarmOptions = {**any_message(self._dead_letters, topics), "region": self._region}
        return [self._alarm("dead-letters", description=description, **options)]

    @property
    def widgets(self) -> list[Widget]:
        """Calls that failed."""
        lines = {"dead letters": messages(self._dead_letters)}
        return [self._graph("Schedules", lines, region=self._region)]

    def _quieten(self, number: int, alarms: Sequence[aws.cloudwatch.MetricAlarm]) -> None:
        permission = statement(
            "QuietenTheAlarms",
            actions=["cloudwatch:DisableAlarmActions", "cloudwatch:EnableAlarmActions"],
            resources=[alarm.arn for alarm in alarms],
        )
        role, policy = self._role(f"alarms-{number}", [permission])
        names = {"AlarmNames": [alarm.name for alarm in alarms]}
        moments: list[tuple[str, int, _Days]] = [
            ("disable", self._args.stop, "every"),
            ("enable", self._args.start, "open"),
        ]
        for verb, at, days in moments:
            action = f"cloudwatch:{verb}AlarmActions"
            call = _Call(name=f"alarms-{number}-{verb}", action=action, input=names, at=at, days=days)
            self._schedule(call, role, policy, self._dead_letters)

    def _role(
        self, kind: str, permissions: Sequence[Statement], *more: aws.sqs.Queue
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        queues = [self._dead_letters.arn, *(queue.arn for queue in more)]
        return service_role(
            f"{self._prefix}-{kind}" if kind else self._prefix,
            self._account,
            self._child,
            service="scheduler.amazonaws.com",
            source_arn=self._group.arn,
            description=f"Lets {self._prefix} stop and start what the office hours are for.",
            statements=[*permissions, statement("KeepWhatFailed", actions="sqs:SendMessage", resources=queues)],
        )

    def _schedule(
        self, call: _Call, role: aws.iam.Role, policy: aws.iam.RolePolicy, dead_letters: aws.sqs.Queue
    ) -> None:
        args = self._args
        days = {"open": args.days, "closed": args.closed_days, "every": list(DAYS)}[call.days]
        if not days:
            return
        aws.scheduler.Schedule(
            f"{self._prefix}-{call.name}-schedule",
            name=shortened(f"{self._prefix}-{call.name}", LONGEST_NAME),
            group_name=self._group.name,
            region=self._region,
            schedule_expression=cron(call.at, days),
            schedule_expression_timezone=args.timezone,
            state="ENABLED",
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=aws.scheduler.ScheduleTargetArgs(
                arn=self._account.universal_target(call.action),
                role_arn=role.arn,
                input=pulumi.Output.json_dumps(call.input, sort_keys=True),
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_retry_attempts=0 if call.refused else RETRIES,
                    maximum_event_age_in_seconds=RETRIED_SECONDS,
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=dead_letters.arn),
            ),
            opts=self._child("schedule", depends_on=[policy]),
        )


def _calls(
    args: OfficeHoursArgs,
    services: Mapping[str, Service],
    databases: Mapping[str, Database],
    hosts: Mapping[str, FreeTierHost],
) -> Iterator[_Call]:
    """What happens in the evening and in the morning. Every call but those of databases may come twice."""
    for label, service in services.items():
        yield from _calls_of_service(args, label, service)
    for label, host in hosts.items():
        which = {"InstanceIds": [host.instance_id]}
        stop, start = args.stop + SERVICES_STOP, args.start + SERVICES_START
        yield _Call(name=f"{label}-stop", action="ec2:stopInstances", input=which, at=stop, days="every")
        yield _Call(name=f"{label}-start", action="ec2:startInstances", input=which, at=start, days="open")
    for label, database in databases.items():
        kind, which = _database(database)
        stop, start = args.last_minute, args.first_minute
        yield _Call(name=f"{label}-stop", action=f"rds:stop{kind}", input=which, at=stop, days="open")
        again = f"{label}-stop-again"
        yield _Call(name=again, action=f"rds:stop{kind}", input=which, at=stop, days="closed", refused=True)
        yield _Call(name=f"{label}-start", action=f"rds:start{kind}", input=which, at=start, days="open")


def _calls_of_service(args: OfficeHoursArgs, label: str, service: Service) -> Iterator[_Call]:
    fewest, most = service.task_range
    evening, morning = args.stop, args.start
    if service.scaling_target is not None:
        # First the range, or scaling would bring the tasks back.
        target = service.scaling_target
        which = {
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceId": target.resource_id,
        }
        action = "applicationautoscaling:registerScalableTarget"
        none, some = ({**which, "MinCapacity": low, "MaxCapacity": high} for low, high in ((0, 0), (fewest, most)))
        yield _Call(name=f"{label}-range-zero", action=action, input=none, at=evening, days="every")
        back = morning + RANGES_RETURN
        yield _Call(name=f"{label}-range-return", action=action, input=some, at=back, days="open")
    which = {"Cluster": service.cluster_name, "Service": service.name}
    none, some = ({**which, "DesiredCount": count} for count in (0, fewest))
    stop, start = evening + SERVICES_STOP, morning + SERVICES_START
    yield _Call(name=f"{label}-tasks-stop", action="ecs:updateService", input=none, at=stop, days="every")
    yield _Call(name=f"{label}-tasks-start", action="ecs:updateService", input=some, at=start, days="open")


def _database(database: Database) -> tuple[str, Mapping[str, Any]]:
    if isinstance(database, AuroraPostgres):
        return "DBCluster", {"DbClusterIdentifier": database.cluster_identifier}
    return "DBInstance", {"DbInstanceIdentifier": database.identifier}


def _permissions(
    services: Sequence[Service],
    databases: Sequence[Database],
    hosts: Sequence[FreeTierHost],
    account: Account,
) -> list[Statement]:
    found: list[Statement] = []
    if services:
        # Application Auto Scaling asks for the same rights at the service.
        arns = [service.arn for service in services]
        found.append(
            statement("StopTasks", actions=["ecs:DescribeServices", "ecs:UpdateService"], resources=arns),
        )
    ranges = [service.scaling_target.arn for service in services if service.scaling_target is not None]
    if ranges:
        action = "application-autoscaling:RegisterScalableTarget"
        found.append(statement("ChangeTheirRange", actions=action, resources=ranges))
    for kind, what in (("DBCluster", AuroraPostgres), ("DBInstance", Postgres)):
        arns = [database.arn for database in databases if isinstance(database, what)]
        if arns:
            actions = [f"rds:Start{kind}", f"rds:Stop{kind}"]
            found.append(statement(f"Stop{kind}s", actions=actions, resources=arns))
    if hosts:
        arns = [host.arn for host in hosts]
        found.append(
            statement("StopServers", actions=["ec2:StartInstances", "ec2:StopInstances"], resources=arns),
        )
    keys = [host.key.arn for host in hosts if host.key is not None]
    if keys:
        # EC2 takes the volumes' key for a server that starts, on behalf of who starts it.
        by_ec2 = pulumi.Output.concat("ec2.", account.region, ".amazonaws.com")
        found.append(
            statement(
                "OpenTheirVolumes",
                actions="kms:CreateGrant",
                resources=keys,
                condition={
                    "Bool": {"kms:GrantIsForAWSResource": "true"},
                    "StringEquals": {"kms:ViaService": by_ec2},
                },
            )
        )
    return found
