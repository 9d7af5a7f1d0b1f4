"""A route for events: what matches a pattern on a bus starts a target; what cannot be delivered is kept.

Use: EventRoute("wiki-dev-requested", EventRouteArgs(pattern={"source": ["wiki.api"]}, target=workflow.target))
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics
from components.children import Children, Transform
from components.messaging.dead_letters import admit_service, alarm_on_dead_letters, make_dead_letters
from components.messaging.expressions import check_pattern
from components.messaging.schedule import check_retries
from components.messaging.target import Target
from components.policy import document, statement, trust
from components.refusal import Refusal


@dataclass(frozen=True, kw_only=True)
class EventRouteArgs:
    """What the caller decides about a route. Rules are free; events on a bus of one's own are $1 a million."""

    pattern: Mapping[str, Any]
    """Which events: field → list of values that match, as EventBridge spells it."""

    target: Target
    """What an event starts. A Queue must also name this route among its `senders`."""

    bus_name: pulumi.Input[str] | None = None
    """The bus. Without one, the account's default, on which AWS's services tell what they do."""

    description: str = ""
    """What the route is for; shown in the console."""

    input_paths: Mapping[str, str] = field(default_factory=dict)
    """Names for parts of the event, such as `{"jobs": "$.detail.jobs"}`, for the template."""

    input_template: str | None = None
    """What the target gets, with `<name>` for each part. Without one, the whole event."""

    enabled: bool = True
    """Off: it stays, and passes nothing on."""

    max_retries: int = 10
    """Further attempts when the target does not take an event, 0 to 185."""

    max_age_seconds: int = 3600
    """Seconds after which an event comes too late, 60 to 86400; it then goes to the dead-letter queue."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        check_pattern("pattern", self.pattern)
        check_retries(self.max_retries, self.max_age_seconds)
        if self.input_paths and self.input_template is None:
            raise Refusal("input_template", None, "is missing; it says what becomes of the input_paths")
        named = {name for name in re.findall(r"<([^<>]+)>", self.input_template or "") if not name.startswith("aws.")}
        for name in sorted(named - set(self.input_paths)):
            raise Refusal("input_template", f"<{name}>", "has no path; add it to input_paths")
        for name in sorted(set(self.input_paths) - named):
            raise Refusal("input_paths", name, "is not used; remove it, or use it in input_template")


class EventRoute(pulumi.ComponentResource):
    """A rule, its target, the role that starts the target, and the dead-letter queue."""

    CHILDREN = ("rule", "target", "role", "policy", "dead_letters", "dead_letters_policy", "alarm")

    arn: pulumi.Output[str]
    """The rule's; a queue that is its target admits it."""
    dead_letters_url: pulumi.Output[str]

    def __init__(self, name: str, args: EventRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:messaging:EventRoute", name, None, opts)
        self._prefix = name
        self._child = Children(self, args.transform, self.CHILDREN)
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=name,
            description=args.description or None,
            event_bus_name=args.bus_name,
            event_pattern=json.dumps(dict(args.pattern), sort_keys=True),
            state="ENABLED" if args.enabled else "DISABLED",
            tags={"Name": f"{name}-rule"},
            opts=self._child("rule"),
        )
        self._dead_letters = self._keep_what_fails(rule)
        started_by, policy = self._role(args.target, rule)
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            event_bus_name=args.bus_name,
            target_id=name[-64:],
            arn=args.target.arn,
            role_arn=started_by.arn if started_by else None,
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_retry_attempts=args.max_retries, maximum_event_age_in_seconds=args.max_age_seconds
            ),
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=self._dead_letters.arn),
            input_transformer=aws.cloudwatch.EventTargetInputTransformerArgs(
                input_paths=dict(args.input_paths) or None, input_template=args.input_template
            )
            if args.input_template is not None
            else None,
            opts=self._child("target", depends_on=[policy] if policy else []),
        )
        self.arn, self.dead_letters_url = rule.arn, self._dead_letters.url
        self.register_outputs({"arn": self.arn})

    def alarms(self, topics: AlarmTopics) -> None:
        """An event that did not arrive."""
        alarm_on_dead_letters(
            self._prefix,
            self._dead_letters,
            f"{self._prefix} could not pass an event on: the message in the dead-letter queue says why.",
            topics,
            self._child("alarm"),
        )

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
        name = self._prefix
        role = aws.iam.Role(
            f"{name}-role",
            description=f"Lets {name} start its target.",
            assume_role_policy=trust("events.amazonaws.com", source_account=Account.of(self).id, source_arn=rule.arn),
            opts=self._child("role"),
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.id,
            policy=document(statement("StartTheTarget", actions=target.action, resources=target.arn)),
            opts=self._child("policy"),
        )
        return role, policy
