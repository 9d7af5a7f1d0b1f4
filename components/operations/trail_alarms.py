"""What the audit trail tells of that people should hear at once: the alarms of the CIS AWS Foundations Benchmark.

Use: for watched in WATCHED: watch(…); see AccountBaseline, which keeps the trail.

A metric filter each on the trail's log group ($0.30 a month for its metric) and an alarm ($0.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from ..alarms import AlarmTopics, Metric, Severity, metric_alarm
from ..children import Children

NAMESPACE: Final = "Kumiki/Trail"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One kind of event."""

    name: str
    pattern: str
    """As metric filters take it, over the records of CloudTrail."""

    description: str
    severity: Severity = "warning"
    more_than: int = 0
    """So many within five minutes are nothing to tell of."""

    def metric(self, prefix: str) -> Metric:
        """How many there were, in what a baseline of this name watches."""
        return Metric(namespace=NAMESPACE, name=f"{prefix}-{self.name}", dimensions={}, statistic="Sum")


def written(log_group: pulumi.Input[str]) -> Metric:
    """How much the trail writes."""
    return Metric(
        namespace="AWS/Logs", name="IncomingLogEvents", dimensions={"LogGroupName": log_group}, statistic="Sum"
    )


def _events(*names: str, source: str | None = None) -> str:
    """Any of these events, of this service."""
    any_of = " || ".join(f'($.eventName = "{name}")' for name in names)
    return f'{{ ($.eventSource = "{source}.amazonaws.com") && ({any_of}) }}' if source else f"{{ {any_of} }}"


_PARTS: Final = ("Group", "Role", "User")

# https://www.cisecurity.org/benchmark/amazon_web_services, "Monitoring"; Security Hub's CloudWatch.1 to .14.
WATCHED: Final = (
    Watched(
        name="root-use",
        pattern='{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS'
        ' && $.eventType != "AwsServiceEvent" }',
        description="Somebody works as the account's root user, who may do everything: find out who, and whether "
        "they had to",
        severity="critical",
    ),
    Watched(
        name="sign-in-without-mfa",
        pattern='{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes")'
        ' && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }',
        description="Somebody has signed in to the console with a password alone: require MFA of this user",
        severity="critical",
    ),
    Watched(
        name="refused-calls",
        pattern='{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
        description="More than 10 calls within 5 minutes were refused for want of rights: a program lacks a grant, or "
        "somebody tries what a stolen key opens",
        more_than=10,
    ),
    Watched(
        name="refused-sign-ins",
        pattern='{ ($.eventName = "ConsoleLogin") && ($.errorMessage = "Failed authentication") }',
        description="More than 3 sign-ins to the console have failed within 5 minutes: somebody may be guessing a "
        "password",
        more_than=3,
    ),
    Watched(
        name="trail-changes",
        pattern=_events("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),
        description="The audit trail was changed, stopped or started: it must be running, and whoever did so must "
        "say why",
        severity="critical",
    ),
    Watched(
        name="config-changes",
        pattern=_events(
            "StopConfigurationRecorder",
            "DeleteDeliveryChannel",
            "PutDeliveryChannel",
            "PutConfigurationRecorder",
            source="config",
        ),
        description="The record of the account's configuration was changed or stopped: it must be running",
        severity="critical",
    ),
    Watched(
        name="keys-disabled",
        pattern=_events("DisableKey", "ScheduleKeyDeletion", source="kms"),
        description="A KMS key was disabled or will be deleted, and what it encrypts with it: cancel it unless it "
        "was meant",
        severity="critical",
    ),
    Watched(
        name="policy-changes",
        pattern=_events(
            *(f"{verb}{part}Policy" for verb in ("Put", "Delete", "Attach", "Detach") for part in _PARTS),
            "CreatePolicy",
            "DeletePolicy",
            "CreatePolicyVersion",
            "DeletePolicyVersion",
        ),
        description="Somebody has changed who may do what; a deployment does so, too",
    ),
    Watched(
        name="bucket-policy-changes",
        pattern=_events(
            "PutBucketAcl",
            *(f"{verb}Bucket{what}" for verb in ("Put", "Delete") for what in ("Policy", "Cors", "Lifecycle")),
            "PutBucketReplication",
            "DeleteBucketReplication",
            source="s3",
        ),
        description="Somebody has changed who reaches a bucket, or how long it keeps things; a deployment does so, too",
    ),
    Watched(
        name="security-group-changes",
        pattern=_events(
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
            "CreateSecurityGroup",
            "DeleteSecurityGroup",
        ),
        description="Somebody has changed which ports are open; a deployment does so, too",
    ),
    Watched(
        name="network-acl-changes",
        pattern=_events(
            *(f"{verb}NetworkAcl{what}" for verb in ("Create", "Delete", "Replace") for what in ("", "Entry")),
            "ReplaceNetworkAclAssociation",
        ),
        description="Somebody has changed a network's access list; a deployment does so, too",
    ),
    Watched(
        name="gateway-changes",
        pattern=_events(
            "CreateCustomerGateway",
            "DeleteCustomerGateway",
            *(f"{verb}InternetGateway" for verb in ("Attach", "Create", "Delete", "Detach")),
        ),
        description="Somebody has changed a network's way to the outside; a deployment does so, too",
    ),
    Watched(
        name="route-changes",
        pattern=_events(
            "CreateRoute",
            "CreateRouteTable",
            "ReplaceRoute",
            "ReplaceRouteTableAssociation",
            "DeleteRouteTable",
            "DeleteRoute",
            "DisassociateRouteTable",
            source="ec2",
        ),
        description="Somebody has changed where a network's packets go; a deployment does so, too",
    ),
    Watched(
        name="network-changes",
        pattern=_events(
            "CreateVpc",
            "DeleteVpc",
            "ModifyVpcAttribute",
            *(f"{verb}VpcPeeringConnection" for verb in ("Accept", "Create", "Delete", "Reject")),
            *(f"{verb}VpcClassicLink" for verb in ("Attach", "Detach", "Disable", "Enable")),
        ),
        description="Somebody has made, changed or joined a network; a deployment does so, too",
    ),
)


def watch(
    prefix: str, log_group: pulumi.Input[str], topics: AlarmTopics, child: Children
) -> list[aws.cloudwatch.MetricAlarm]:
    """Tell of each kind of event that the trail's log group has, and of a trail that has fallen silent."""
    alarms: list[aws.cloudwatch.MetricAlarm] = []
    for each in WATCHED:
        counted = each.metric(prefix)
        metric = counted.name
        aws.cloudwatch.LogMetricFilter(
            f"{metric}-metric-filter",
            name=metric,
            log_group_name=log_group,
            pattern=each.pattern,
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                namespace=NAMESPACE, name=metric, value="1", default_value="0", unit="Count"
            ),
            opts=child("metric_filter"),
        )
        alarms.append(
            metric_alarm(
                f"{metric}-alarm",
                description=f"{each.description}. Look in the trail's log group by eventName, userIdentity.arn and "
                "sourceIPAddress.",
                metric=counted,
                threshold=each.more_than,
                period_seconds=300,
                periods=1,
                severity=each.severity,
                topics=topics,
                opts=child("alarm"),
            )
        )
    silent = metric_alarm(
        f"{prefix}-trail-silent-alarm",
        description="The audit trail has written nothing for 3 hours: is it running, and may it still write?",
        metric=written(log_group),
        comparison="LessThanThreshold",
        threshold=1,
        period_seconds=3600,
        periods=3,
        missing="breaching",
        severity="critical",
        topics=topics,
        opts=child("alarm"),
    )
    return [*alarms, silent]
