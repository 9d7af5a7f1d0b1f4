"""CloudWatch log groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, show
from guardrails.kit.stack import LOG_DAYS
from guardrails.rules.log_buckets import LOG_CLASS_TAG, log_class

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource
    from guardrails.kit.stack import Stack


# Requirement A13. Hot logs only: the archive in S3 keeps logs for as long as their kind demands (log-bucket-expiry).
_DAYS_IN_PROD, _DAYS_ELSEWHERE = 30, 7


def _days(stack: Stack) -> int:
    return _DAYS_IN_PROD if stack.is_prod else _DAYS_ELSEWHERE


@rule(
    id="log-group-retention",
    title=f"Log groups keep records for {_DAYS_IN_PROD} days in prod, {_DAYS_ELSEWHERE} elsewhere, not for ever",
    types=(types.LOG_GROUP,),
    level=MANDATORY,
    severity="medium",
    topics=("logging", "cost"),
    references=("C66", "C338"),
    remedy="Set retentionInDays.",
    remediate=lambda _group, at: {"retentionInDays": _days(at.stack)},
)
def log_group_retention(group: Resource, at: Context) -> Iterator[str]:
    """Nothing set, and 0, mean that records are kept, and paid for, for ever."""
    days = group.props.number("retentionInDays")
    if not days:
        yield "records are kept for ever"
    elif days < _days(at.stack):
        yield f"records are deleted after {show(days)} days; {at.stack.environment} needs {_days(at.stack)}"


log_group_retention.examples(
    compliant=[
        aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}),
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 30}), environment="prod"),
    ],
    non_compliant=[
        aws("cloudwatch/logGroup:LogGroup"),
        aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 0}),
        aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 3}),
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}), environment="prod"),
    ],
)


@rule(
    id="log-group-key",
    title="Log groups are encrypted with a customer-managed key",
    types=(types.LOG_GROUP,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("at rest", "logging"),
    references=("C158",),
    remedy="Set kmsKeyId to a key whose policy lets CloudWatch Logs use it.",
)
def log_group_key(group: Resource, at: Context) -> Iterator[str]:
    """CloudWatch encrypts every group with a key of its own; only a customer-managed key can be withheld from a reader.
    A stack with freeTier has none: one is $1 a month."""
    if not at.stack.free_tier and not group.props.has("kmsKeyId"):
        yield "no key is set"


log_group_key.examples(
    compliant=[
        aws("cloudwatch/logGroup:LogGroup", {"kmsKeyId": "arn:aws:kms:ap-northeast-1:123456789012:key/1234"}),
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}), free_tier=True),
    ],
    non_compliant=[aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7})],
)


def _group(days: int, kind: str | None = None) -> Any:
    tags = {"tags": {LOG_CLASS_TAG: kind}} if kind else {}
    return aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": days, **tags})


@graph_rule(
    id="log-kind",
    title="Where a stack says kinds of logs, each store of logs is of one, and keeps them for its days",
    types=(types.LOG_GROUP, types.S3_BUCKET),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    remedy=(
        f"Give the log group, or the bucket, the tag {LOG_CLASS_TAG} ({', '.join(LOG_DAYS)}), and a group the days of "
        "that kind in logs.kinds as retentionInDays. In Kumiki: name the component in architecture/log_kinds.py."
    ),
)
def log_kind(store: Resource, at: Context) -> Iterator[str]:
    """Only in a stack with logs.kinds. How long a bucket keeps its logs is log-bucket-expiry's, and that audit logs are
    locked is audit-bucket-lock's."""
    kinds = at.stack.log_kinds
    if kinds is None or (store.kind == types.S3_BUCKET and log_class(store, at.graph) is None):
        return
    kind = store.tags.get(LOG_CLASS_TAG)
    if kind is None or kind not in kinds:
        yield f"it holds logs of no kind ({LOG_CLASS_TAG} is {kind or 'missing'})"
    elif store.kind == types.LOG_GROUP:
        days = store.props.number("retentionInDays")
        if days and days < kinds[kind]:
            yield f"{kind} logs are deleted after {show(days)} days, and the stack keeps them for {kinds[kind]}"


_KINDS = {**LOG_DAYS, "access": 400}
_ACCESS = {"tags": {LOG_CLASS_TAG: "access"}}
_DELIVERED = aws(types.BUCKET_LOGGING, {"bucket": "data", "targetBucket": ref("archive")}, name="data-logging")
log_kind.examples(
    compliant=[
        _group(7),
        example(_group(400, "access"), log_kinds=_KINDS),
        example(_group(7, "application"), log_kinds=_KINDS),
        example(_group(1096, "audit"), log_kinds=_KINDS),
        example(aws("s3/bucket:Bucket", name="data"), log_kinds=_KINDS),
        example(aws("s3/bucket:Bucket", _ACCESS, name="archive"), _DELIVERED, log_kinds=_KINDS),
    ],
    non_compliant=[
        example(_group(400), log_kinds=_KINDS),
        example(_group(400, "debug"), log_kinds=_KINDS),
        example(_group(365, "access"), log_kinds=_KINDS),
        example(_group(30, "error"), log_kinds=_KINDS),
        example(aws("s3/bucket:Bucket", name="shop-logs"), log_kinds=_KINDS),
        example(aws("s3/bucket:Bucket", name="archive"), _DELIVERED, log_kinds=_KINDS),
    ],
)
