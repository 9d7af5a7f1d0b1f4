"""A route for events: what matches a pattern on a bus starts a target; what cannot be delivered is kept.

Use: EventRoute("wiki-dev-requested", EventRouteArgs(pattern={"source": ["wiki.api"]}), target=workflow.target)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics
from ..args import ComponentArgs
from ..component import Component
from ..errors import Mistake
from ..policy import statement
from ..service_role import service_role
from ..widgets import Widget
from .dead_letters import admit_service, any_message, make_dead_letters, messages
from .event_bus import EventBus
from .expressions import pattern_mistakes
from .target import MaxAgeSeconds, MaxRetries, Target


class EventRouteArgs(ComponentArgs):
    """Which events start something. Rules are free; events on a bus of one's own are $1 a million."""

    pattern: dict[str, Any]
    """Field → list of values that match, as EventBridge spells it: {source: [wiki.api], detail-type: [Requested]}."""

    description: str = ""
    """What the route is for; shown in the console."""

    input_paths: dict[str, str] = {}
    """Names for parts of the event, such as {jobs: $.detail.jobs}, for the template."""

    input_template: str | None = None
    """What the target gets, with `<name>` for each part. Left out: the whole event."""

    enabled: bool = True
    """Off: it stays, and passes nothing on."""

    max_retries: MaxRetries = 10
    """Further attempts when the target does not take an event."""

    max_age_seconds: MaxAgeSeconds = 3600
    """After which an event comes too late; it then goes to the dead-letter queue."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from (mistake.at("pattern") for mistake in pattern_mistakes(self.pattern))
        if self.input_paths and self.input_template is None:
            yield Mistake("input_template", None, "is missing; it says what becomes of the input paths")
            return
        named = {name for name in re.findall(r"<([^<>]+)>", self.input_template or "") if not name.startswith("aws.")}
        for name in sorted(named - set(self.input_paths)):
            yield Mistake("input_template", f"<{name}>", "has no path; add it to the input paths")
        for name in sorted(set(self.input_paths) - named):
            yield Mistake("input_paths", name, "is not used; remove it, or use it in the input template")


class EventRoute(Component):
    """A rule, its target, the role that starts the target, and the dead-letter queue."""

    CHILDREN = ("rule", "target", "role", "policy", "dead_letters", "dead_letters_policy", "alarm")

    arn: pulumi.Output[str]
    """The rule's; a queue that is its target admits it."""
    dead_letters_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: EventRouteArgs,
        *,
        target: Target,
        bus: EventBus | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param target: What an event starts. A Queue must also name this route among its `senders`.
        :param bus: Without one, the account's default, on which AWS's services tell what they do.
        """
        super().__init__(name, args, opts)
        bus_name = bus.bus_name if bus is not None else None
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=name,
            description=args.description or None,
            event_bus_name=bus_name,
            event_pattern=json.dumps(args.pattern, sort_keys=True),
            state="ENABLED" if args.enabled else "DISABLED",
            tags={"Name": f"{name}-rule"},
            opts=self._child("rule"),
        )
        self._dead_letters = self._keep_what_fails(rule)
        started_by, policy = self._role(target, rule)
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            event_bus_name=bus_name,
            target_id=name[-64:],
            arn=target.arn,
            role_arn=started_by.arn if started_by else None,
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_retry_attempts=args.max_retries, maximum_event_age_in_seconds=args.max_age_seconds
            ),
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=self._dead_letters.arn),
            input_transformer=aws.cloudwatch.EventTargetInputTransformerArgs(
                input_paths=args.input_paths or None, input_template=args.input_template
            )
            if args.input_template is not None
            else None,
            opts=self._child("target", depends_on=[policy] if policy else []),
        )
        self.arn, self.dead_letters_url = rule.arn, self._dead_letters.url
        self.register_outputs({"arn": self.arn})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """An event that did not arrive."""
        description = "could not pass an event on. The message in the dead-letter queue says why."
        return [self._alarm("dead-letters", description=description, **any_message(self._dead_letters, topics))]

    @property
    def widgets(self) -> list[Widget]:
        """What did not arrive."""
        return [self._graph("Event routes", {"dead letters": messages(self._dead_letters)})]

    def _keep_what_fails(self, rule: aws.cloudwatch.EventRule) -> aws.sqs.Queue:
        account = Account.of(self)
        # By its name, because the policy belongs to the queue that is still to be made.
        arn = account.arn("sqs", f"{self._prefix}-dead-letters")
        admitted = admit_service(
            "AdmitTheRule", "events.amazonaws.com", queue_arn=arn, source_arn=rule.arn, account=account
        )
        return make_dead_letters(self._prefix, self._child, statements=[admitted])

    def _role(
        self, target: Target, rule: aws.cloudwatch.EventRule
    ) -> tuple[aws.iam.Role | None, aws.iam.RolePolicy | None]:
        if target.action == "sqs:SendMessage":
            return None, None  # Rules send to queues by the queue's policy.
        return service_role(
            self._prefix,
            Account.of(self),
            self._child,
            service="events.amazonaws.com",
            source_arn=rule.arn,
            description=f"Lets {self._prefix} start its target.",
            statements=[statement("StartTheTarget", actions=target.action, resources=target.arn)],
        )
