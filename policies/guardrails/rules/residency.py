"""Data stays where it may be: in the regions that the stack names, else in Japan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, Items, Props, aws, example, graph_rule, ref, rule
from guardrails.kit.stack import JAPAN
from guardrails.kit.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

US_EAST = "us-east-1"
_ALLOWED = f"the stack's residency.regions ({', '.join(JAPAN)} where it names none)"

# What CloudFront reads from us-east-1 only, and the key by which Route 53 signs a zone. None of it holds data of ours:
# requests are recorded in a bucket, which is in Japan, and a key is no data.
_FOR_CLOUDFRONT = {
    types.ACM_CERTIFICATE,
    types.CERTIFICATE_VALIDATION,
    types.LOG_DELIVERY,
    types.LOG_DELIVERY_DESTINATION,
    types.LOG_DELIVERY_SOURCE,
    types.KMS_ALIAS,
    types.KMS_KEY,
    types.WEB_ACL_LOGGING_CONFIGURATION,
}
_WITH_SCOPE = {
    types.WEB_ACL,
    types.IP_SET,
    types.REGEX_PATTERN_SET,
    types.RULE_GROUP,
}

# AWS Chatbot is reached in these regions only and serves the whole world from there. It keeps which channel hears which
# topic; the messages themselves go to Slack.
_CHATBOT_REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")

# Where a resource names the places of its copies: regions, or ARNs that hold one.
_COPIES: dict[str, tuple[str, ...]] = {
    types.BACKUP_PLAN: ("rules.*.copyActions.*.destinationVaultArn",),
    types.INFERENCE_PROFILE: ("modelSource.copyFrom",),
    types.GLOBAL_TABLE: ("replicas.*.regionName",),
    types.DYNAMODB_TABLE: ("replicas.*.regionName",),
    types.ECR_REPLICATION_CONFIGURATION: ("replicationConfiguration.rules.*.destinations.*.region",),
    types.EFS_REPLICATION_CONFIGURATION: ("destination.region",),
    types.INSTANCE_AUTOMATED_BACKUPS_REPLICATION: (
        "sourceDbInstanceArn",
        "region",
    ),
    types.SECRETSMANAGER_SECRET: ("replicas.*.region",),
}
_TOPICS = {types.SNS_TOPIC, types.TOPIC_POLICY, types.TOPIC_SUBSCRIPTION}
# AWS keeps the metrics of a bill, and of what serves the whole world, in us-east-1 only, and an alarm can only tell a
# topic in its own region.
_BILLING, _CLOUDFRONT, _ROUTE53 = "AWS/Billing", "AWS/CloudFront", "AWS/Route53"
_METRICS = {_BILLING, _CLOUDFRONT, _ROUTE53, "AWS/CertificateManager"}
_WAF = "AWS/WAFV2"
"""Of a distribution's firewall, whose metrics name no region
(docs.aws.amazon.com/waf/latest/developerguide/waf-metrics.html)."""
# A schedule calls AWS in its own region, and so one that quietens such alarms is with them. What it could not do is
# kept beside it: the names of alarms.
_QUIET_QUEUE = "-office-hours-dead-letters"
_QUIET = re.compile(r":cloudwatch:(dis|en)ableAlarmActions$")
_REGION = re.compile(r"^(?:arn:[\w-]+:[\w-]+:)?([a-z]{2}(?:-[a-z]+)+-\d)(?::|$)")


@rule(
    id="residency-provider",
    title="Providers are in allowed regions; in us-east-1 only for CloudFront",
    types=(types.PROVIDER,),
    level=MANDATORY,
    severity="high",
    topics=("residency",),
    remedy=f"Set the provider's region to one of {_ALLOWED}.",
)
def residency_provider(provider: Resource, at: Context) -> Iterator[str]:
    """What may be made with a provider for us-east-1, residency-region checks."""
    region = provider.props.text("region")
    if region and region not in (*at.stack.regions, US_EAST):
        yield f"the provider's region is {region}"


residency_provider.examples(
    compliant=[
        aws(types.PROVIDER, {"region": "ap-northeast-1"}),
        aws(types.PROVIDER, {"region": US_EAST}),
    ],
    non_compliant=[aws(types.PROVIDER, {"region": "eu-west-1"})],
)


@rule(
    id="residency-region",
    title="Resources are in allowed regions, but for what CloudFront, DNSSEC, billing and Slack have elsewhere only",
    types=("aws:*",),
    level=MANDATORY,
    severity="high",
    topics=("residency",),
    remedy=f"Remove the resource's region, or set it to one of {_ALLOWED}.",
)
def residency_region(resource: Resource, at: Context) -> Iterator[str]:
    """The region is the resource's own, else its provider's, else aws:region of the stack. Topics in us-east-1 are
    residency-topics'. CloudFront's firewall can write its log to no group elsewhere: what it objects to is recorded
    there."""
    region = resource.region(at.stack)
    if region is None or region in at.stack.regions:
        return
    if region == US_EAST and (
        resource.kind in _FOR_CLOUDFRONT
        or (resource.kind in _WITH_SCOPE and resource.props.get("scope") == "CLOUDFRONT")
        or (resource.kind == types.METRIC_ALARM and _is_on_what_is_there_only(resource))
        or (resource.kind == types.LOG_GROUP and (resource.props.text("name") or "").startswith("aws-waf-logs-"))
        or resource.kind in _TOPICS
        or _is_for_quiet_alarms(resource)
        # A provider for us-east-1 also makes what belongs to such a certificate and has no region of its own.
        or (resource.kind.startswith("aws:route53/") and not resource.props.has("region"))
    ):
        return
    if resource.kind == types.SLACK_CHANNEL_CONFIGURATION and region in _CHATBOT_REGIONS:
        return
    yield f"the region is {region}"


def _is_on_what_is_there_only(alarm: Resource) -> bool:
    namespace = alarm.props.get("namespace")
    return namespace in _METRICS or (namespace == _WAF and not alarm.props.has("dimensions.Region"))


def _is_for_quiet_alarms(resource: Resource) -> bool:
    match resource.kind:
        case types.SCHEDULER_SCHEDULE:
            return bool(_QUIET.search(resource.props.text("target.arn") or ""))
        case types.SQS_QUEUE:
            return (resource.props.text("name") or "").endswith(_QUIET_QUEUE)
        case types.METRIC_ALARM:
            return (resource.props.text("dimensions.QueueName") or "").endswith(_QUIET_QUEUE)
        case _:
            return resource.kind in (types.SCHEDULE_GROUP, types.QUEUE_POLICY)


residency_region.examples(
    compliant=[
        aws("sns/topic:Topic"),
        aws("acm/certificate:Certificate", {"region": US_EAST}),
        aws("wafv2/webAcl:WebAcl", {"region": US_EAST, "scope": "CLOUDFRONT"}),
        aws("backup/vault:Vault", {"region": "ap-northeast-3"}),
        aws("dynamodb/tableReplica:TableReplica", {"region": "ap-northeast-3"}),
        aws("chatbot/slackChannelConfiguration:SlackChannelConfiguration", {"region": "us-east-2"}),
        aws("cloudwatch/metricAlarm:MetricAlarm", {"region": US_EAST, "namespace": _BILLING}),
        aws("cloudwatch/metricAlarm:MetricAlarm", {"region": US_EAST, "namespace": _CLOUDFRONT}),
        aws("cloudwatch/metricAlarm:MetricAlarm", {"region": US_EAST, "namespace": _ROUTE53}),
        aws(
            "cloudwatch/metricAlarm:MetricAlarm",
            {"region": US_EAST, "namespace": _WAF, "dimensions": {"WebACL": "site", "Rule": "ALL"}},
        ),
        aws("kms/key:Key", {"region": US_EAST, "keyUsage": "SIGN_VERIFY", "customerMasterKeySpec": "ECC_NIST_P256"}),
        aws("cloudwatch/logDelivery:LogDelivery", {"region": US_EAST}),
        aws("cloudwatch/logGroup:LogGroup", {"region": US_EAST, "name": "aws-waf-logs-site"}),
        aws(
            "scheduler/schedule:Schedule",
            {"region": US_EAST, "target": {"arn": "arn:aws:scheduler:::aws-sdk:cloudwatch:enableAlarmActions"}},
        ),
        aws("sqs/queue:Queue", {"region": US_EAST, "name": "wiki-dev-us-east-office-hours-dead-letters"}),
    ],
    non_compliant=[
        aws(
            "scheduler/schedule:Schedule",
            {"region": US_EAST, "target": {"arn": "arn:aws:scheduler:::aws-sdk:rds:stopDBCluster"}},
        ),
        aws("sqs/queue:Queue", {"region": US_EAST, "name": "wiki-dev-jobs"}),
        aws("cloudwatch/metricAlarm:MetricAlarm", {"region": US_EAST, "namespace": "AWS/RDS"}),
        aws(
            "cloudwatch/metricAlarm:MetricAlarm",
            {"region": US_EAST, "namespace": _WAF, "dimensions": {"WebACL": "web", "Rule": "ALL", "Region": US_EAST}},
        ),
        aws("sns/topic:Topic", {"region": "us-east-2"}),
        aws("dynamodb/tableReplica:TableReplica", {"region": "us-west-2"}),
        aws("sns/topic:Topic", {"region": "us-west-2"}),
        aws("sqs/queue:Queue", provider={"region": US_EAST}),
        aws("wafv2/webAcl:WebAcl", {"region": US_EAST, "scope": "REGIONAL"}),
        aws("cloudwatch/logGroup:LogGroup", {"region": US_EAST, "name": "/ecs/api"}),
    ],
)


def _told(namespace: str) -> Any:
    properties = {"region": US_EAST, "namespace": namespace, "alarmActions": [ref("topic", "arn")]}
    return aws("cloudwatch/metricAlarm:MetricAlarm", properties, name="alarm")


@graph_rule(
    id="residency-topics",
    title="A topic in us-east-1 is for alarms on metrics that are only there",
    types=(types.SNS_TOPIC,),
    level=MANDATORY,
    severity="high",
    topics=("residency", "cost"),
    remedy=f"Make the topic in one of {_ALLOWED}; alarms on {', '.join(sorted(_METRICS))}, and on "
    f"{_WAF} of a distribution, need one in {US_EAST}.",
)
def residency_topics(topic: Resource, at: Context) -> Iterator[str]:
    """A topic there must be named by an alarm, and only by alarms whose messages hold an amount, a share or a count."""
    if topic.region(at.stack) != US_EAST or US_EAST in at.stack.regions:
        return
    alarms = at.graph.children(topic, types.METRIC_ALARM, via="alarmActions")
    if not alarms:
        yield f"the region is {US_EAST}, and no alarm notifies the topic"
    for alarm in alarms:
        queue = alarm.props.text("dimensions.QueueName") or ""
        if not _is_on_what_is_there_only(alarm) and not queue.endswith(_QUIET_QUEUE):
            yield f"{alarm.name} notifies it, and its metric is in another region"


residency_topics.examples(
    compliant=[
        example(aws("sns/topic:Topic", {"region": US_EAST}, name="topic"), _told(_BILLING)),
        example(aws("sns/topic:Topic", {"region": US_EAST}, name="topic"), _told(_CLOUDFRONT)),
        example(aws("sns/topic:Topic", {"region": US_EAST}, name="topic"), _told(_ROUTE53)),
        aws("sns/topic:Topic"),
    ],
    non_compliant=[
        aws("sns/topic:Topic", {"region": US_EAST}),
        aws("sns/topic:Topic", provider={"region": US_EAST}),
        example(aws("sns/topic:Topic", {"region": US_EAST}, name="topic"), _told("AWS/RDS")),
    ],
)


@rule(
    id="residency-copies",
    title="Copies and replicas stay in allowed regions",
    types=(*_COPIES, types.REPLICA_KEY),
    level=MANDATORY,
    severity="high",
    topics=("residency", "backup"),
    remedy=f"Copy to one of {_ALLOWED} only.",
)
def residency_copies(resource: Resource, at: Context) -> Iterator[str]:
    """Regions and ARNs in the properties that name copies: tables, secrets, images, backups, file systems, keys,
    inference profiles."""
    paths = _COPIES.get(resource.kind, ("primaryKeyArn",))
    for path in paths:
        for text in _texts_at(resource.props, path.split(".")):
            found = _REGION.match(text)
            if found and found.group(1) not in at.stack.regions:
                yield f"{path.replace('.*', '')} names {found.group(1)}"


residency_copies.examples(
    compliant=[
        aws("dynamodb/table:Table", {"replicas": [{"regionName": "ap-northeast-3"}]}),
        aws("secretsmanager/secret:Secret"),
    ],
    non_compliant=[
        aws("dynamodb/table:Table", {"replicas": [{"regionName": "ap-northeast-3"}, {"regionName": US_EAST}]}),
        aws("secretsmanager/secret:Secret", {"replicas": [{"region": "us-west-2"}]}),
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
        ),
        aws("kms/replicaKey:ReplicaKey", {"primaryKeyArn": "arn:aws:kms:us-east-1:123456789012:key/mrk-1"}),
    ],
)


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
    title="Buckets replicate to allowed regions",
    types=(types.BUCKET_REPLICATION_CONFIG,),
    level=MANDATORY,
    severity="high",
    topics=("residency", "backup"),
    remedy=f"Make the destination in this stack, in one of {_ALLOWED}.",
)
def residency_replication(replication: Resource, at: Context) -> Iterator[str]:
    """A bucket's ARN does not say where it is, so the destination must be a bucket of this stack."""
    destinations = [each.maybe("destination.bucket") for each in replication.props.items("rules").blocks()]
    named = [each for arn in destinations if isinstance(arn, str) for each in at.graph.named(arn, types.S3_BUCKET)]
    buckets = (*at.graph.targets(replication, types.S3_BUCKET, via="rules"), *named)
    for bucket in {each.urn: each for each in buckets}.values():
        region = bucket.region(at.stack)
        if region and region not in at.stack.regions:
            yield f"the destination {bucket.name} is in {region}"
    for arn in destinations:
        if isinstance(arn, str) and not at.graph.named(arn, types.S3_BUCKET):
            yield "the destination is not a bucket of this stack, so its region is not known"


residency_replication.examples(
    compliant=[
        example(
            aws("s3/bucket:Bucket", {"region": "ap-northeast-3"}, name="copy"),
            aws(
                "s3/bucketReplicationConfig:BucketReplicationConfig",
                {"rules": [{"status": "Enabled", "destination": {"bucket": ref("copy", "arn")}}]},
                name="replication",
            ),
        )
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
        aws(
            "s3/bucketReplicationConfig:BucketReplicationConfig",
            {"rules": [{"status": "Enabled", "destination": {"bucket": "arn:aws:s3:::somewhere"}}]},
            name="replication",
        ),
    ],
)
