"""A schedule: EventBridge Scheduler starts something, tries again when it cannot, and keeps what it could not start.

Use: Schedule("wiki-dev-nightly-schedule", ScheduleArgs(expression="cron(0 2 * * ? *)", target=workflow.target))
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics
from components.children import Children, Transform
from components.messaging.dead_letters import alarm_on_dead_letters, make_dead_letters
from components.messaging.expressions import check_schedule, check_timezone
from components.messaging.target import Target
from components.policy import document, statement, trust
from components.refusal import Refusal


@dataclass(frozen=True, kw_only=True)
class ScheduleArgs:
    """What the caller decides about a schedule. The first 14 million starts a month are free."""

    expression: str
    """`cron(minutes hours day-of-month month day-of-week year)`, `rate(6 hours)` or `at(2030-01-31T02:00:00)`."""

    target: Target
    """What is started."""

    timezone: str = "UTC"
    """The time zone of the expression; with one that has summer time, the hour follows it."""

    input: Mapping[str, Any] = field(default_factory=dict)
    """What the target is started with. `<aws.scheduler.scheduled-time>` in a text becomes the planned moment."""

    enabled: bool = True
    """Off: it stays, and starts nothing."""

    flexible_minutes: int = 0
    """Minutes after the moment within which AWS may choose when to start, 0 to 1440; spreads the load of many."""

    max_retries: int = 3
    """Further attempts when the target cannot be started, 0 to 185."""

    max_age_seconds: int = 3600
    """Seconds after which an attempt comes too late, 60 to 86400; what remains goes to the dead-letter queue."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        check_schedule("expression", self.expression)
        check_timezone("timezone", self.timezone)
        if not 0 <= self.flexible_minutes <= 1440:
            raise Refusal("flexible_minutes", self.flexible_minutes, "is not allowed; use 0 to 1440")
        check_retries(self.max_retries, self.max_age_seconds)


def check_retries(max_retries: int, max_age_seconds: int) -> None:
    """Refuse what EventBridge does not take."""
    if not 0 <= max_retries <= 185:
        raise Refusal("max_retries", max_retries, "is not allowed; use 0 to 185")
    if not 60 <= max_age_seconds <= 86400:
        raise Refusal("max_age_seconds", max_age_seconds, "is not allowed; use 60 to 86400 (a day)")


class Schedule(pulumi.ComponentResource):
    """A schedule in a group of its own, the role by which it starts its target, and its dead-letter queue."""

    CHILDREN = ("group", "role", "policy", "dead_letters", "dead_letters_policy", "schedule", "alarm")

    arn: pulumi.Output[str]
    dead_letters_url: pulumi.Output[str]

    def __init__(self, name: str, args: ScheduleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:messaging:Schedule", name, None, opts)
        self._prefix = name
        self._child = Children(self, args.transform, self.CHILDREN)
        # The role's trust can name a group, not a single schedule: a group of its own keeps others out.
        group = aws.scheduler.ScheduleGroup(
            f"{name}-group", name=name, tags={"Name": f"{name}-group"}, opts=self._child("group")
        )
        self._dead_letters = make_dead_letters(name, self._child)
        role, policy = self._role(args.target, group)
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
                arn=args.target.arn,
                role_arn=role.arn,
                input=json.dumps(dict(args.input), sort_keys=True),
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_retry_attempts=args.max_retries, maximum_event_age_in_seconds=args.max_age_seconds
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=self._dead_letters.arn),
            ),
            opts=self._child("schedule", depends_on=[policy]),
        )
        self.arn, self.dead_letters_url = schedule.arn, self._dead_letters.url
        self.register_outputs({"arn": self.arn})

    def alarms(self, topics: AlarmTopics) -> None:
        """A start that did not happen."""
        alarm_on_dead_letters(
            self._prefix,
            self._dead_letters,
            f"{self._prefix} could not start its target: the message in the dead-letter queue says why.",
            topics,
            self._child("alarm"),
        )

    def _role(self, target: Target, group: aws.scheduler.ScheduleGroup) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        name, account = self._prefix, Account.of(self)
        role = aws.iam.Role(
            f"{name}-role",
            description=f"Lets {name} start its target.",
            assume_role_policy=trust("scheduler.amazonaws.com", source_account=account.id, source_arn=group.arn),
            opts=self._child("role"),
        )
        statements = [
            statement("StartTheTarget", actions=target.action, resources=target.arn),
            statement("KeepWhatFailed", actions="sqs:SendMessage", resources=self._dead_letters.arn),
        ]
        if target.key_arn is not None:
            statements.append(
                statement("UseTheTargetsKey", actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=target.key_arn)
            )
        policy = aws.iam.RolePolicy(
            f"{name}-policy", role=role.id, policy=document(*statements), opts=self._child("policy")
        )
        return role, policy
