"""Data stays in Japan (requirement D17)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, Items, Props, aws, example, graph_rule, ref, rule
from guardrails.kit.values import UNKNOWN
from guardrails.rules.log_buckets import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

JAPAN = ("ap-northeast-1", "ap-northeast-3")
US_EAST = "us-east-1"

# What CloudFront reads from us-east-1 only. None of it holds data of ours: requests are recorded in a bucket, which is
# in Japan, and a key is no data.
_FOR_CLOUDFRONT = {
    "aws:acm/certificate:Certificate",
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:cloudwatch/logDelivery:LogDelivery",
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
    "aws:cloudwatch/logDeliverySource:LogDeliverySource",
    "aws:kms/alias:Alias",
    "aws:kms/key:Key",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
}
_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_WITH_SCOPE = {
    "aws:wafv2/webAcl:WebAcl",
    "aws:wafv2/ipSet:IpSet",
    "aws:wafv2/regexPatternSet:RegexPatternSet",
    "aws:wafv2/ruleGroup:RuleGroup",
}

# AWS Chatbot is reached in these regions only and serves the whole world from there. It keeps which channel hears which
# topic; the messages themselves go to Slack.
_CHATBOT = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
_CHATBOT_REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")

# Where a resource names the places of its copies: regions, or ARNs that hold one.
_COPIES: dict[str, tuple[str, ...]] = {
    "aws:backup/plan:Plan": ("rules.*.copyActions.*.destinationVaultArn",),
    "aws:bedrock/inferenceProfile:InferenceProfile": ("modelSource.copyFrom",),
    "aws:dynamodb/globalTable:GlobalTable": ("replicas.*.regionName",),
    "aws:dynamodb/table:Table": ("replicas.*.regionName",),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": (
        "replicationConfiguration.rules.*.destinations.*.region",
    ),
    "aws:efs/replicationConfiguration:ReplicationConfiguration": ("destination.region",),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": (
        "sourceDbInstanceArn",
        "region",
    ),
    "aws:secretsmanager/secret:Secret": ("replicas.*.region",),
}
# AWS keeps the metrics of a bill, and of what serves the whole world, in us-east-1 only, and an alarm can only tell a
# topic in its own region.
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "aws:sns/topic:Topic"
_TOPICS = {TOPIC, "aws:sns/topicPolicy:TopicPolicy", "aws:sns/topicSubscription:TopicSubscription"}
_BILLING, _CLOUDFRONT = "AWS/Billing", "AWS/CloudFront"
_METRICS = {_BILLING, _CLOUDFRONT, "AWS/CertificateManager"}
_REGION = re.compile(r"^(?:arn:[\w-]+:[\w-]+:)?([a-z]{2}(?:-[a-z]+)+-\d)(?::|$)")


@rule(
    id="residency-provider",
    title="Providers work in Japan; in us-east-1 only for CloudFront",
    types=("pulumi:providers:aws",),
    level=MANDATORY,
    severity="high",
    topics=("residency",),
    remedy=f"Set the provider's region to one of {', '.join(JAPAN)}.",
    compliant=[
        example(aws("pulumi:providers:aws", {"region": "ap-northeast-1"})),
        example(aws("pulumi:providers:aws", {"region": US_EAST})),
    ],
    non_compliant=[example(aws("pulumi:providers:aws", {"region": "eu-west-1"}))],
)
def residency_provider(provider: Resource, _at: Context) -> Iterator[str]:
    """What may be made with a provider for us-east-1, residency-region judges."""
    region = provider.props.text("region")
    if region and region not in (*JAPAN, US_EAST):
        yield f"the provider's region is {region}"


@rule(
    id="residency-region",
    title="Resources are in Japan, but for what CloudFront, bills and Slack have elsewhere only",
    types=("aws:*",),
    level=MANDATORY,
    severity="high",
    topics=("residency",),
    remedy=f"Remove the resource's region, or set it to one of {', '.join(JAPAN)}.",
    compliant=[
        example(aws("sns/topic:Topic")),
        example(aws("acm/certificate:Certificate", {"region": US_EAST})),
        example(aws("wafv2/webAcl:WebAcl", {"region": US_EAST, "scope": "CLOUDFRONT"})),
        example(aws("backup/vault:Vault", {"region": "ap-northeast-3"})),
        example(aws("dynamodb/tableReplica:TableReplica", {"region": "ap-northeast-3"})),
        example(aws("chatbot/slackChannelConfiguration:SlackChannelConfiguration", {"region": "us-east-2"})),
        example(aws("cloudwatch/metricAlarm:MetricAlarm", {"region": US_EAST, "namespace": _BILLING})),
        example(aws("cloudwatch/metricAlarm:MetricAlarm", {"region": US_EAST, "namespace": _CLOUDFRONT})),
        example(aws("cloudwatch/logDelivery:LogDelivery", {"region": US_EAST})),
        example(aws("cloudwatch/logGroup:LogGroup", {"region": US_EAST, "name": "aws-waf-logs-site"})),
    ],
    non_compliant=[
        example(aws("cloudwatch/metricAlarm:MetricAlarm", {"region": US_EAST, "namespace": "AWS/RDS"})),
        example(aws("sns/topic:Topic", {"region": "us-east-2"})),
        example(aws("dynamodb/tableReplica:TableReplica", {"region": "us-west-2"})),
        example(aws("sns/topic:Topic", {"region": "us-west-2"})),
        example(aws("sqs/queue:Queue", provider={"region": US_EAST})),
        example(aws("wafv2/webAcl:WebAcl", {"region": US_EAST, "scope": "REGIONAL"})),
        example(aws("cloudwatch/logGroup:LogGroup", {"region": US_EAST, "name": "/ecs/api"})),
    ],
)
def residency_region(resource: Resource, at: Context) -> Iterator[str]:
    """The region is the resource's own, else its provider's, else aws:region of the stack. Topics in us-east-1 are
    residency-topics'. CloudFront's firewall can write its log to no group elsewhere: what it objects to is recorded
    there."""
    region = resource.region(at.stack)
    if region is None or region in JAPAN:
        return
    if region == US_EAST and (
        resource.kind in _FOR_CLOUDFRONT
        or (resource.kind in _WITH_SCOPE and resource.props.get("scope") == "CLOUDFRONT")
        or (resource.kind == ALARM and resource.props.get("namespace") in _METRICS)
        or (resource.kind == _LOG_GROUP and (resource.props.text("name") or "").startswith("aws-waf-logs-"))
        or resource.kind in _TOPICS
        # A provider for us-east-1 also makes what belongs to such a certificate and has no region of its own.
        or (resource.kind.startswith("aws:route53/") and not resource.props.has("region"))
    ):
        return
    if resource.kind == _CHATBOT and region in _CHATBOT_REGIONS:
        return
    yield f"the region is {region}"


def _told(namespace: str) -> Any:
    properties = {"region": US_EAST, "namespace": namespace, "alarmActions": [ref("topic", "arn")]}
    return aws("cloudwatch/metricAlarm:MetricAlarm", properties, name="alarm")


@graph_rule(
    id="residency-topics",
    title="A topic in us-east-1 is for alarms on metrics that are only there",
    types=(TOPIC,),
    level=MANDATORY,
    severity="high",
    topics=("residency", "cost"),
    remedy=f"Make the topic in {' or '.join(JAPAN)}; alarms on {', '.join(sorted(_METRICS))} need one in {US_EAST}.",
    compliant=[
        example(aws("sns/topic:Topic", {"region": US_EAST}, name="topic"), _told(_BILLING)),
        example(aws("sns/topic:Topic", {"region": US_EAST}, name="topic"), _told(_CLOUDFRONT)),
        example(aws("sns/topic:Topic")),
    ],
    non_compliant=[
        example(aws("sns/topic:Topic", {"region": US_EAST})),
        example(aws("sns/topic:Topic", provider={"region": US_EAST})),
        example(aws("sns/topic:Topic", {"region": US_EAST}, name="topic"), _told("AWS/RDS")),
    ],
)
def residency_topics(topic: Resource, at: Context) -> Iterator[str]:
    """A topic there must be named by an alarm, and only by alarms whose messages hold an amount or a share."""
    if topic.region(at.stack) != US_EAST:
        return
    alarms = at.graph.children(topic, ALARM, via="alarmActions")
    if not alarms:
        yield f"the region is {US_EAST}, and no alarm tells the topic"
    for alarm in alarms:
        if alarm.props.get("namespace") not in _METRICS:
            yield f"{alarm.name} tells it, whose metric is elsewhere"


@rule(
    id="residency-copies",
    title="Copies and replicas stay in Japan",
    types=(*_COPIES, "aws:kms/replicaKey:ReplicaKey"),
    level=MANDATORY,
    severity="high",
    topics=("residency", "backup"),
    remedy=f"Copy to {JAPAN[1]} only.",
    compliant=[
        example(aws("dynamodb/table:Table", {"replicas": [{"regionName": "ap-northeast-3"}]})),
        example(aws("secretsmanager/secret:Secret")),
    ],
    non_compliant=[
        example(aws("dynamodb/table:Table", {"replicas": [{"regionName": "ap-northeast-3"}, {"regionName": US_EAST}]})),
        example(aws("secretsmanager/secret:Secret", {"replicas": [{"region": "us-west-2"}]})),
        example(
            aws(
                "backup/plan:Plan",
                {
                    "rules": [
                        {
                            "ruleName": "daily",
                            "targetVaultName": "vault",
                            "copyActions": [
                                {"destinationVaultArn": "arn:aws:backup:eu-west-1:123456789012:backup-vault:copy"}
                            ],
                        }
                    ]
                },
            )
        ),
        example(aws("kms/replicaKey:ReplicaKey", {"primaryKeyArn": "arn:aws:kms:us-east-1:123456789012:key/mrk-1"})),
    ],
)
def residency_copies(resource: Resource, _at: Context) -> Iterator[str]:
    """Regions and ARNs in the properties that name copies: tables, secrets, images, backups, file systems, keys,
    inference profiles."""
    paths = _COPIES.get(resource.kind, ("primaryKeyArn",))
    for path in paths:
        for text in _texts_at(resource.props, path.split(".")):
            found = _REGION.match(text)
            if found and found.group(1) not in JAPAN:
                yield f"{path.replace('.*', '')} names {found.group(1)}"


def _texts_at(value: Any, path: list[str]) -> Iterator[str]:
    if value is UNKNOWN or value is None:
        return
    if not path:
        if isinstance(value, str):
            yield value
    elif path[0] == "*":
        for item in value if isinstance(value, Items) else (value,):
            yield from _texts_at(item, path[1:])
    elif isinstance(value, Props):
        yield from _texts_at(value.maybe(path[0]), path[1:])


@graph_rule(
    id="residency-replication",
    title="Buckets replicate to buckets in Japan",
    types=("aws:s3/bucketReplicationConfig:BucketReplicationConfig",),
    level=MANDATORY,
    severity="high",
    topics=("residency", "backup"),
    remedy=f"Make the destination in this stack, in one of {', '.join(JAPAN)}.",
    compliant=[
        example(
            aws("s3/bucket:Bucket", {"region": "ap-northeast-3"}, name="copy"),
            aws(
                "s3/bucketReplicationConfig:BucketReplicationConfig",
                {"rules": [{"status": "Enabled", "destination": {"bucket": ref("copy", "arn")}}]},
                name="replication",
            ),
        ),
    ],
    non_compliant=[
        example(
            aws("s3/bucket:Bucket", {"region": "us-west-2"}, name="copy"),
            aws(
                "s3/bucketReplicationConfig:BucketReplicationConfig",
                {"rules": [{"status": "Enabled", "destination": {"bucket": ref("copy", "arn")}}]},
                name="replication",
            ),
        ),
        example(
            aws(
                "s3/bucketReplicationConfig:BucketReplicationConfig",
                {"rules": [{"status": "Enabled", "destination": {"bucket": "arn:aws:s3:::somewhere"}}]},
                name="replication",
            ),
        ),
    ],
)
def residency_replication(replication: Resource, at: Context) -> Iterator[str]:
    """A bucket's ARN does not say where it is, so the destination must be a bucket of this stack."""
    destinations = [each.maybe("destination.bucket") for each in replication.props.items("rules").blocks()]
    named = [each for arn in destinations if isinstance(arn, str) for each in at.graph.named(arn, BUCKET)]
    buckets = (*at.graph.targets(replication, BUCKET, via="rules"), *named)
    for bucket in {each.urn: each for each in buckets}.values():
        region = bucket.region(at.stack)
        if region and region not in JAPAN:
            yield f"the destination {bucket.name} is in {region}"
    for arn in destinations:
        if isinstance(arn, str) and not at.graph.named(arn, BUCKET):
            yield "the destination is no bucket of this stack, so nobody can tell where it is"


RULES = (residency_provider, residency_region, residency_topics, residency_copies, residency_replication)
