"""The two topics to which alarms go, and the people who read them.

Use: topics = Topics("wiki-dev-alerts", TopicsArgs(emails=["ops@example.com"]), stem="wiki-dev", key=key)
     queue.alarms(topics.alarm_topics)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator

from ..account import Account
from ..alarms import AlarmTopics, Metric, Severity
from ..args import Args, ComponentArgs
from ..component import Component
from ..errors import Mistake
from ..identity.key import AnyKey
from ..messaging.target import Target
from ..policy import document, statement, trust
from ..values import text
from ..widgets import Widget

PUBLISHERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "costalerts.amazonaws.com", "events.amazonaws.com")
"""AWS services that publish here: alarms, rules on events such as the findings of GuardDuty, and what watches costs."""

# AWS Chatbot serves the whole world from these regions; what is kept there is which channel hears which topic.
CHATBOT_REGION = "us-east-2"

_EMAIL = re.compile(r"[^@\s\"'<>,;]+@(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")


def _is_an_address(email: str) -> str:
    if not _EMAIL.fullmatch(email):
        raise ValueError("is not an e-mail address; write one such as ops@example.com")
    return email


Email = Annotated[str, AfterValidator(_is_an_address)]


class Slack(Args):
    """A Slack channel that hears of everything. The workspace must have admitted AWS once, in the console of
    Amazon Q Developer in chat applications (once AWS Chatbot): nothing else can do that."""

    workspace_id: Annotated[str, text(r"T[0-9A-Z]{1,254}", "write a workspace's id such as T012AB34C")]
    """The workspace: `T` and letters and digits."""

    channel_id: Annotated[str, text(r"[CG][0-9A-Z]{1,254}", "write a channel's id such as C012AB34C")]
    """The channel: `C` (or `G` for a private one) and letters and digits, as at the end of its link."""


class TopicsArgs(ComponentArgs):
    """Topics for alarms. E-mails: the first 1,000 a month are free, then $2 for 100,000."""

    emails: list[Email] = []
    """Who gets both. Each address gets a message first, and nothing more until somebody there has agreed."""

    slack: Slack | None = None
    """A Slack channel for both; free. Its ids are no secrets."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from listed_twice(self.emails)


class Topics(Component):
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

    def __init__(
        self,
        name: str,
        args: TopicsArgs,
        *,
        stem: str,
        key: AnyKey | None = None,
        severities: Sequence[Severity] = ("critical", "warning"),
        region: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param stem: What the topics are called before `-critical-alerts` and `-warning-alerts`.
        :param key: What encrypts the messages. Its policy must let `PUBLISHERS` use it: alarms fail silently otherwise,
            as they do with the key that AWS manages for SNS. Without one the messages are not encrypted at rest.
        :param severities: Which topics there are. With one alone it gets every alarm.
        :param region: A region other than the provider's: an alarm reaches topics in its own region only, and the
            metrics of CloudFront and of the bill are in us-east-1. Everybody must agree there once more.
        """
        super().__init__(name, args, opts)
        self._args, self._stem, self._key, self._region = args, stem, key, region
        self._account, self._severities = Account.of(self), severities
        made = {severity: self._topic(severity) for severity in severities}
        only = next(iter(made.values()))
        self.critical_arn, self.warning_arn = made.get("critical", only), made.get("warning", only)
        if args.slack is not None:
            self._tell_slack(args.slack)
        self.register_outputs({"criticalArn": self.critical_arn, "warningArn": self.warning_arn})

    @property
    def alarm_topics(self) -> AlarmTopics:
        """What a component needs to make its alarms."""
        return AlarmTopics(critical=self.critical_arn, warning=self.warning_arn)

    @property
    def reminder(self) -> Target:
        """To be told by a schedule what can wait for the morning."""
        return Target(arn=self.warning_arn, action="sns:Publish", key=self._key)

    @property
    def widgets(self) -> list[Widget]:
        """What was told, and what reached nobody."""
        section = "Alerts (SNS)"
        return [
            self._graph(
                section,
                {severity: self._metric(name, severity) for severity in self._severities},
                region=self._region,
            )
            for name in ("NumberOfMessagesPublished", "NumberOfNotificationsFailed")
        ]

    def _metric(self, name: str, severity: Severity) -> Metric:
        dimensions = {"TopicName": self._topic_name(severity)}
        return Metric(namespace="AWS/SNS", name=name, dimensions=dimensions, statistic="Sum")

    def _topic_name(self, severity: Severity) -> str:
        return f"{self._stem}-{severity}-alerts"

    def _topic(self, severity: Severity) -> pulumi.Output[str]:
        prefix = f"{self._prefix}-{severity}"
        topic = aws.sns.Topic(
            f"{prefix}-topic",
            name=self._topic_name(severity),
            # What e-mails are from; text messages show ten characters of it.
            display_name=f"{self._stem} {severity}",
            kms_master_key_id=self._key.arn if self._key else None,
            region=self._region,
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
                            "ArnLike": {"aws:SourceArn": publisher_arn(account, service, self._stem, self._region)},
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
            region=self._region,
            opts=self._child("topic_policy"),
        )
        for email in self._args.emails:
            aws.sns.TopicSubscription(
                # The address and not its place in the list, so that taking one out moves no other.
                f"{prefix}-{slug(email)}-subscription",
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                region=self._region,
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


def listed_twice(emails: Sequence[str]) -> Iterator[Mistake]:
    """The addresses that are there more than once."""
    for email in sorted({email for email in emails if emails.count(email) > 1}):
        yield Mistake("emails", email, "is listed twice; keep one")


def slug(email: str) -> str:
    """The address as a part of a resource's name."""
    return re.sub(r"[^a-z0-9]+", "-", email.lower()).strip("-")
