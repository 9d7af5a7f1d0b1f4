"""CloudWatch log groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, aws, example, rule, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource
    from guardrails.kit.stack import Stack

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

# Requirement A13. Hot logs only: the archive in S3 keeps logs for as long as their kind demands (log-bucket-expiry).
_DAYS_IN_PROD, _DAYS_ELSEWHERE = 30, 7


def _days(stack: Stack) -> int:
    return _DAYS_IN_PROD if stack.is_prod else _DAYS_ELSEWHERE


@rule(
    id="log-group-retention",
    title=f"Log groups keep records for {_DAYS_IN_PROD} days in prod, {_DAYS_ELSEWHERE} elsewhere, not for ever",
    types=(LOG_GROUP,),
    level=MANDATORY,
    severity="medium",
    topics=("logging", "cost"),
    references=("C66", "C338"),
    remedy="Set retentionInDays.",
    remediate=lambda _group, at: {"retentionInDays": _days(at.stack)},
    compliant=[
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7})),
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 30}), environment="prod"),
    ],
    non_compliant=[
        example(aws("cloudwatch/logGroup:LogGroup")),
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 0})),
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 3})),
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}), environment="prod"),
    ],
)
def log_group_retention(group: Resource, at: Context) -> Iterator[str]:
    """Nothing set, and 0, mean that records are kept, and paid for, for ever."""
    days = group.props.number("retentionInDays")
    if not days:
        yield "records are kept for ever"
    elif days < _days(at.stack):
        yield f"records are deleted after {show(days)} days; {at.stack.environment} needs {_days(at.stack)}"


@rule(
    id="log-group-key",
    title="Log groups are encrypted with a key of ours",
    types=(LOG_GROUP,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("at rest", "logging"),
    references=("C158",),
    remedy="Set kmsKeyId to a key whose policy lets CloudWatch Logs use it.",
    compliant=[
        example(aws("cloudwatch/logGroup:LogGroup", {"kmsKeyId": "arn:aws:kms:ap-northeast-1:123456789012:key/1234"})),
        example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}), free_tier=True),
    ],
    non_compliant=[example(aws("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}))],
)
def log_group_key(group: Resource, at: Context) -> Iterator[str]:
    """CloudWatch encrypts every group with a key of its own; only a key of ours can be taken away from a reader. A
    stack with freeTier has none: one is $1 a month."""
    if not at.stack.free_tier and not group.props.has("kmsKeyId"):
        yield "no key is set"


RULES = (log_group_retention, log_group_key)
