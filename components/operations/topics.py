"""The two topics to which alarms go, and the people who read them.

Use: topics = Topics("wiki-dev-alerts", TopicsArgs(stem="wiki-dev", emails=["ops@example.com"], key_arn=key.arn))
     queue.alarms(topics.alarm_topics)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Severity
from components.children import Children, Transform
from components.policy import document, statement, trust
from components.refusal import Refusal

PUBLISHERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "costalerts.amazonaws.com", "events.amazonaws.com")
"""AWS services that publish here: alarms, rules on events such as the findings of GuardDuty, and what watches costs."""

# AWS Chatbot serves the whole world from these regions; what is kept there is which channel hears which topic.
CHATBOT_REGION = "us-east-2"

_EMAIL = re.compile(r"[^@\s\"'<>,;]+@(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")


@dataclass(frozen=True, kw_only=True)
class Slack:
    """A Slack channel that hears of everything. The workspace must have admitted AWS once, in the console of
    Amazon Q Developer in chat applications (once AWS Chatbot): nothing else can do that."""

    workspace_id: str
    """The workspace: `T` and letters and digits."""

    channel_id: str
    """The channel: `C` (or `G` for a private one) and letters and digits, as at the end of its link."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"T[0-9A-Z]{1,254}", self.workspace_id):
            raise Refusal(
                "slack.workspace_id", self.workspace_id, "is not a workspace's id; write one such as T012AB34C"
            )
        if not re.fullmatch(r"[CG][0-9A-Z]{1,254}", self.channel_id):
            raise Refusal("slack.channel_id", self.channel_id, "is not a channel's id; write one such as C012AB34C")


@dataclass(frozen=True, kw_only=True)
class TopicsArgs:
    """What the caller decides about the topics. E-mails: the first 1,000 a month are free, then $2 for 100,000."""

    stem: str
    """What the topics are called before `-critical-alerts` and `-warning-alerts`."""

    emails: Sequence[str] = ()
    """Who gets both. Each address gets a message first, and nothing more until somebody there has agreed."""

    slack: Slack | None = None
    """A Slack channel for both; free."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the messages. Its policy must let `PUBLISHERS` use it: alarms fail silently otherwise, as they do
    with the key that AWS manages for SNS. Without one the messages are not encrypted at rest."""

    severities: Sequence[Severity] = ("critical", "warning")
    """Which topics there are. With one alone it gets every alarm."""

    region: str | None = None
    """A region other than the provider's: an alarm reaches topics in its own region only, and the metrics of CloudFront
    and of the bill are in us-east-1. Everybody must agree there once more."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        check_emails(self.emails)


class Topics(pulumi.ComponentResource):
    """critical-alerts, for which somebody gets up, and warning-alerts, which can wait for the morning."""

    CHILDREN = (
        "topic",
        "topic_policy",
        "subscription",
        "slack_role",
        "slack_guardrail",
        "slack_permissions",
        "slack_channel",
    )

    critical_arn: pulumi.Output[str]
    """Known only once the topic's policy admits the publishers."""
    warning_arn: pulumi.Output[str]
    """Known only once the topic's policy admits the publishers."""

    def __init__(self, name: str, args: TopicsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:operations:Topics", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        made = {severity: self._topic(severity) for severity in args.severities}
        only = next(iter(made.values()))
        self.critical_arn, self.warning_arn = made.get("critical", only), made.get("warning", only)
        if args.slack is not None:
            self._tell_slack(args.slack)
        self.register_outputs({"criticalArn": self.critical_arn, "warningArn": self.warning_arn})

    @property
    def alarm_topics(self) -> AlarmTopics:
        """What a component needs to make its alarms."""
        return AlarmTopics(critical=self.critical_arn, warning=self.warning_arn)

    def _topic(self, severity: Literal["critical", "warning"]) -> pulumi.Output[str]:
        prefix = f"{self._prefix}-{severity}"
        topic = aws.sns.Topic(
            f"{prefix}-topic",
            name=f"{self._args.stem}-{severity}-alerts",
            # What e-mails are from; text messages show ten characters of it.
            display_name=f"{self._args.stem} {severity}",
            kms_master_key_id=self._args.key_arn,
            region=self._args.region,
            opts=self._child("topic"),
        )
        account, account_id = self._account, self._account.id
        policy = aws.sns.TopicPolicy(
            f"{prefix}-topic-policy",
            arn=topic.arn,
            policy=document(
                *(
                    statement(
                        f"PublishedTo{service.split('.')[0].capitalize()}",
                        principal={"Service": service},
                        actions="sns:Publish",
                        resources=topic.arn,
                        condition={
                            "StringEquals": {"aws:SourceAccount": account_id},
                            "ArnLike": {
                                "aws:SourceArn": publisher_arn(account, service, self._args.stem, self._args.region)
                            },
                        },
                    )
                    for service in PUBLISHERS
                ),
                statement(
                    "DenyPlainHttp",
                    effect="Deny",
                    principal="*",
                    # SNS refuses "sns:*" in a topic's policy: it is not an action of topics alone.
                    actions=["sns:Publish", "sns:Subscribe"],
                    resources=topic.arn,
                    condition={"Bool": {"aws:SecureTransport": "false"}},
                ),
            ),
            region=self._args.region,
            opts=self._child("topic_policy"),
        )
        for email in self._args.emails:
            aws.sns.TopicSubscription(
                # The address and not its place in the list, so that taking one out moves no other.
                f"{prefix}-{slug(email)}-subscription",
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                region=self._args.region,
                opts=self._child("subscription"),
            )
        return pulumi.Output.all(topic.arn, policy.id).apply(lambda known: known[0])

    def _tell_slack(self, slack: Slack) -> None:
        name = self._prefix
        reading = document(
            statement(
                "ShowTheGraphOfAnAlarm",
                actions=["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:GetMetricWidgetImage"],
                # None of them knows resources.
                resources="*",
            )
        )
        role = aws.iam.Role(
            f"{name}-slack-role",
            description="Shows alarms in Slack.",
            assume_role_policy=trust(
                "chatbot.amazonaws.com",
                source_account=self._account.id,
                source_arn=pulumi.Output.concat("arn:", self._account.partition, ":chatbot::", self._account.id, ":*"),
            ),
            opts=self._child("slack_role"),
        )
        aws.iam.RolePolicy(
            f"{name}-slack-permissions", role=role.id, policy=reading, opts=self._child("slack_permissions")
        )
        # What anybody in the channel may ever do there. Left out, it is AdministratorAccess.
        guardrail = aws.iam.Policy(
            f"{name}-slack-guardrail",
            description="The most that can be done from Slack: look at alarms.",
            policy=reading,
            opts=self._child("slack_guardrail"),
        )
        aws.chatbot.SlackChannelConfiguration(
            f"{name}-slack-channel",
            configuration_name=name,
            slack_team_id=slack.workspace_id,
            slack_channel_id=slack.channel_id,
            sns_topic_arns=[self.critical_arn, self.warning_arn],
            iam_role_arn=role.arn,
            guardrail_policy_arns=[guardrail.arn],
            logging_level="ERROR",
            region=CHATBOT_REGION,
            opts=self._child("slack_channel"),
        )


def publisher_arn(account: Account, service: str, stem: str, region: str | None = None) -> pulumi.Output[str]:
    """What a publisher must work for: the alarms and rules of other accounts are refused, and those of other stacks."""
    return {
        "budgets.amazonaws.com": account.global_arn("budgets", "*"),
        "cloudwatch.amazonaws.com": account.arn("cloudwatch", f"alarm:{stem}-*", region),
        "costalerts.amazonaws.com": account.global_arn("ce", "anomalysubscription/*"),
        "events.amazonaws.com": account.arn("events", f"rule/{stem}-*", region),
    }[service]


def check_emails(emails: Sequence[str]) -> None:
    """Refuse what is no address, and what is listed twice."""
    for number, email in enumerate(emails):
        if not _EMAIL.fullmatch(email):
            raise Refusal(f"emails[{number}]", email, "is not an e-mail address; write one such as ops@example.com")
    doubled = sorted({email for email in emails if list(emails).count(email) > 1})
    if doubled:
        raise Refusal("emails", doubled[0], "is listed twice; keep one")


def slug(email: str) -> str:
    """The address as a part of a resource's name."""
    return re.sub(r"[^a-z0-9]+", "-", email.lower()).strip("-")
