"""A schedule: EventBridge Scheduler starts something, tries again when it cannot, and keeps what it could not start.

Use: Schedule("wiki-dev-nightly-schedule", ScheduleArgs(expression="cron(0 2 * * ? *)"), target=workflow.target)
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import AlarmTopics
from ..args import ComponentArgs
from ..component import Component
from ..policy import statement
from ..service_role import service_role
from ..widgets import Widget
from .dead_letters import any_message, make_dead_letters, messages
from .expressions import ScheduleExpression, Timezone
from .target import MaxAgeSeconds, MaxRetries, Target


class ScheduleArgs(ComponentArgs):
    """When something starts by itself. The first 14 million starts a month are free."""

    expression: ScheduleExpression
    """`cron(minutes hours day-of-month month day-of-week year)`, `rate(6 hours)` or `at(2030-01-31T02:00:00)`."""

    timezone: Timezone = "UTC"
    """The time zone of the expression; with one that has summer time, the hour follows it."""

    input: dict[str, Any] = {}
    """What the target is started with. `<aws.scheduler.scheduled-time>` in a text becomes the planned moment."""

    enabled: bool = True
    """Off: it stays, and starts nothing."""

    flexible_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    """How long after the moment AWS may choose when to start; spreads the load of many."""

    max_retries: MaxRetries = 3
    """Further attempts when the target cannot be started."""

    max_age_seconds: MaxAgeSeconds = 3600
    """After which an attempt comes too late; what remains goes to the dead-letter queue."""


class Schedule(Component):
    """A schedule in a group of its own, the role by which it starts its target, and its dead-letter queue."""

    CHILDREN = ("group", "role", "policy", "dead_letters", "dead_letters_policy", "schedule", "alarm")

    arn: pulumi.Output[str]
    dead_letters_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: ScheduleArgs, *, target: Target, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """
        :param target: What is started.
        """
        super().__init__(name, args, opts)
        # The role's trust can name a group, not a single schedule: a group of its own keeps others out.
        group = aws.scheduler.ScheduleGroup(
            f"{name}-group", name=name, tags={"Name": f"{name}-group"}, opts=self._child("group")
        )
        self._dead_letters = make_dead_letters(name, self._child)
        role, policy = self._role(target, group)
        schedule = aws.scheduler.Schedule(
            f"{name}-schedule",
            name=name,
            group_name=group.name,
            schedule_expression=args.expression,
            schedule_expression_timezone=args.timezone,
            state="ENABLED" if args.enabled else "DISABLED",
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(
                mode="FLEXIBLE" if args.flexible_minutes else "OFF",
                maximum_window_in_minutes=args.flexible_minutes or None,
            ),
            target=aws.scheduler.ScheduleTargetArgs(
                arn=target.arn,
                role_arn=role.arn,
                input=json.dumps(args.input, sort_keys=True),
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_retry_attempts=args.max_retries, maximum_event_age_in_seconds=args.max_age_seconds
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=self._dead_letters.arn),
            ),
            opts=self._child("schedule", depends_on=[policy]),
        )
        self.arn, self.dead_letters_url = schedule.arn, self._dead_letters.url
        self.register_outputs({"arn": self.arn})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """A start that did not happen."""
        description = "could not start its target. The message in the dead-letter queue says why."
        return [self._alarm("dead-letters", description=description, **any_message(self._dead_letters, topics))]

    @property
    def widgets(self) -> list[Widget]:
        """What did not arrive."""
        return [self._graph("Schedules", {"dead letters": messages(self._dead_letters)})]

    def _role(self, target: Target, group: aws.scheduler.ScheduleGroup) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        name, account = self._prefix, Account.of(self)
        statements = [
            statement("StartTheTarget", actions=target.action, resources=target.arn),
            statement("KeepWhatFailed", actions="sqs:SendMessage", resources=self._dead_letters.arn),
        ]
        if target.key is not None:
            statements.append(
                statement("UseTheTargetsKey", actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=target.key.arn)
            )
        return service_role(
            name,
            account,
            self._child,
            service="scheduler.amazonaws.com",
            source_arn=group.arn,
            description=f"Lets {name} start its target.",
            statements=statements,
        )
