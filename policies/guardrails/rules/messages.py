"""Queues, topics, events, schedules and workflows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import (
    ADVISORY,
    MANDATORY,
    MANDATORY_IN_PROD,
    Props,
    Statement,
    aws,
    example,
    graph_rule,
    json_of,
    ref,
    rule,
    setting,
    statements,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


OUR_SIDE = frozenset(
    {
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceowner",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceorgid",
    }
)

_DENY_PLAIN: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def _queue(name: str = "work", **props: Any) -> Any:
    return aws("sqs/queue:Queue", props, name=name)


_KEY = aws("kms/key:Key", name="key")


def _topic(**props: Any) -> Any:
    return aws("sns/topic:Topic", props, name="news")


@rule(
    id="queue-encrypted",
    title="Queues are encrypted",
    types=(types.SQS_QUEUE,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("N-SQS2", "C27"),
    remedy="Set sqsManagedSseEnabled, or kmsMasterKeyId for a customer-managed key.",
    remediate=lambda _queue, _at: {"sqsManagedSseEnabled": True},
)
def queue_encrypted(queue: Resource, _at: Context) -> Iterator[str]:
    """Said by the program, not left to AWS's default, which has changed before."""
    if not queue.props.has("kmsMasterKeyId") and not queue.props.get("sqsManagedSseEnabled"):
        yield "no encryption is set"


queue_encrypted.examples(
    compliant=[_queue(sqsManagedSseEnabled=True), _queue(kmsMasterKeyId="alias/kumiki-dev-data")],
    non_compliant=[_queue(), _queue(sqsManagedSseEnabled=False)],
)


def _denies_plain_http(found: list[Statement]) -> bool:
    return any(
        not each.allows
        and each.is_for_anyone
        and any(key == "aws:securetransport" and "false" in values for _, key, values in each.conditions)
        for each in found
    )


@graph_rule(
    id="queue-tls",
    title="Queues refuse plain HTTP",
    types=(types.SQS_QUEUE,),
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("in transit",),
    references=("N-SQS4",),
    remedy="Add a QueuePolicy that denies sqs:* to everybody when aws:SecureTransport is false.",
)
def queue_tls(queue: Resource, at: Context) -> Iterator[str]:
    """SQS still answers on port 80."""
    policies = [queue, *at.graph.children(queue, types.QUEUE_POLICY, via="queueUrl")]
    if not _denies_plain_http([each for policy in policies for each in statements(policy.inputs, "policy")]):
        yield "plain HTTP is not denied"


queue_tls.examples(
    compliant=[
        example(
            _queue(),
            aws(
                "sqs/queuePolicy:QueuePolicy", {"queueUrl": ref("work"), "policy": json_of(_DENY_PLAIN)}, name="policy"
            ),
        )
    ],
    non_compliant=[
        _queue(),
        example(
            _queue(),
            aws(
                "sqs/queuePolicy:QueuePolicy",
                {"queueUrl": ref("work"), "policy": json_of({**_DENY_PLAIN, "Effect": "Allow"})},
                name="policy",
            ),
        ),
    ],
)


@graph_rule(
    id="topic-tls",
    title="Topics refuse plain HTTP",
    types=(types.SNS_TOPIC,),
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("in transit",),
    references=("N-SNS3",),
    remedy="Add a TopicPolicy that denies sns:Publish to everybody when aws:SecureTransport is false.",
)
def topic_tls(topic: Resource, at: Context) -> Iterator[str]:
    """As for queues."""
    policies = [topic, *at.graph.children(topic, types.TOPIC_POLICY, via="arn")]
    if not _denies_plain_http([each for policy in policies for each in statements(policy.inputs, "policy")]):
        yield "plain HTTP is not denied"


topic_tls.examples(
    compliant=[
        example(
            _topic(),
            aws(
                "sns/topicPolicy:TopicPolicy",
                {"arn": ref("news", "arn"), "policy": json_of({**_DENY_PLAIN, "Action": "sns:Publish"})},
                name="policy",
            ),
        )
    ],
    non_compliant=[_topic()],
)


@graph_rule(
    id="queue-dead-letters",
    title="Queues have a dead-letter queue",
    types=(types.SQS_QUEUE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("N-SQS3",),
    remedy="Set redrivePolicy with deadLetterTargetArn and maxReceiveCount.",
)
def queue_dead_letters(queue: Resource, at: Context) -> Iterator[str]:
    """Without it one bad message is tried until it expires, before all others in a FIFO queue. Queues that are put
    aside into, by their name or by what refers to them, need none themselves."""
    if queue.props.maybe("redrivePolicy") not in (None, ""):
        return
    words = queue.name.lower().replace("_", "-")
    if any(word in words for word in ("dead-letter", "dlq", "deadletter")) or _takes_failures(queue, at):
        return
    yield "a message that keeps failing returns until it expires"


queue_dead_letters.examples(
    compliant=[
        _queue(redrivePolicy=json.dumps({"deadLetterTargetArn": "arn", "maxReceiveCount": 3})),
        example(_queue("failed"), _queue(redrivePolicy=ref("failed", "arn"))),
        _queue("work-dead-letters"),
        example(
            _queue("aside"),
            aws(
                "cloudwatch/eventTarget:EventTarget", {"deadLetterConfig": {"arn": ref("aside", "arn")}}, name="target"
            ),
        ),
    ],
    non_compliant=[_queue(), _queue(redrivePolicy="")],
)


def _takes_failures(queue: Resource, at: Context) -> bool:
    """Whether something puts its failures here. Raises NotYetKnown if it cannot be told of one where they go."""
    arns = [name for name in queue.identifiers if name.startswith("arn:")]
    for kind, via in (
        (types.SQS_QUEUE, "redrivePolicy"),
        (types.EVENT_TARGET, "deadLetterConfig"),
        (types.SCHEDULER_SCHEDULE, "target"),
        (types.LAMBDA_FUNCTION, "deadLetterConfig"),
        (types.FUNCTION_EVENT_INVOKE_CONFIG, "destinationConfig"),
        (types.TOPIC_SUBSCRIPTION, "redrivePolicy"),
    ):
        for other in at.graph.of_kind(kind):
            if queue.urn in other.dependencies.get(via, ()):
                return True
            if not other.dependencies.get(via) and any(arn in _text(other.props, via) for arn in arns):
                return True
    return False


def _text(props: Props, path: str) -> str:
    value = props.get(path)
    if isinstance(value, Props):
        return " ".join(_text(value, key) for key in value.keys())  # noqa: SIM118 - not a dict
    return str(value)


@graph_rule(
    id="topic-encrypted",
    title="Topics are encrypted",
    types=(types.SNS_TOPIC,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("C26",),
    remedy="Set kmsMasterKeyId; a customer-managed key, so that CloudWatch and EventBridge can be allowed to use it.",
)
def topic_encrypted(topic: Resource, at: Context) -> Iterator[str]:
    """SNS encrypts nothing by itself, and with the AWS-managed key CloudWatch cannot publish. So a stack outside
    production that does without keys of its own, at $1 a month each, is left alone."""
    if topic.props.maybe("kmsMasterKeyId") not in (None, ""):
        return
    if at.stack.is_prod or any(True for _ in at.graph.of_kind(types.KMS_KEY)):
        yield "no key is set"


topic_encrypted.examples(
    compliant=[example(_topic(kmsMasterKeyId="alias/kumiki-dev-alerts"), _KEY, environment="prod"), _topic()],
    non_compliant=[
        example(_topic(), _KEY),
        example(_topic(kmsMasterKeyId=""), _KEY),
        example(_topic(), environment="prod"),
    ],
)


@rule(
    id="messages-not-public",
    title="No policy of a queue or topic is public",
    types=(types.SQS_QUEUE, types.QUEUE_POLICY, types.SNS_TOPIC, types.TOPIC_POLICY),
    level=MANDATORY,
    severity="critical",
    topics=("network", "IAM"),
    references=("C168", "C169", "C387"),
    remedy="Name the principals, or add a condition on aws:SourceArn, aws:SourceAccount or aws:PrincipalOrgID.",
)
def messages_not_public(resource: Resource, _at: Context) -> Iterator[str]:
    """A statement that allows everybody needs a condition on who asks or on whose behalf."""
    for each in statements(resource.props, "policy"):
        if each.allows and each.is_for_anyone and each.narrowed_by.isdisjoint(OUR_SIDE):
            yield "every principal may send or read"


messages_not_public.examples(
    compliant=[
        aws("sqs/queuePolicy:QueuePolicy", {"policy": json_of(_DENY_PLAIN)}),
        aws(
            "sns/topicPolicy:TopicPolicy",
            {
                "policy": json_of(
                    {
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": "sns:Publish",
                        "Resource": "*",
                        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
                    }
                )
            },
        ),
    ],
    non_compliant=[
        aws(type_, {"policy": json_of({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})})
        for type_ in ("sqs/queuePolicy:QueuePolicy", "sns/topicPolicy:TopicPolicy")
    ],
)


@rule(
    id="event-dead-letters",
    title="Event targets have a dead-letter queue",
    types=(types.EVENT_TARGET,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("N-SQS3",),
    remedy="Set deadLetterConfig.arn to a queue that lets events.amazonaws.com send.",
)
def event_dead_letters(target: Resource, _at: Context) -> Iterator[str]:
    """EventBridge tries for a day at most and then drops the event without a word. Topics and log groups, which always
    take it, need none."""
    arn = target.props.maybe("arn")
    if isinstance(arn, str) and arn.split(":")[2:3] in (["logs"], ["sns"]):
        return
    if not target.props.has("deadLetterConfig.arn"):
        if not isinstance(arn, str) and arn is not None:
            # Where it goes is not known yet: a topic or a log group, perhaps.
            target.props.get("arn")
        yield "an event that cannot be delivered is lost"


event_dead_letters.examples(
    compliant=[
        example(
            aws("cloudwatch/eventTarget:EventTarget", {"deadLetterConfig": {"arn": ref("aside", "arn")}}),
            _queue("aside"),
        ),
        aws("cloudwatch/eventTarget:EventTarget", {"arn": "arn:aws:logs:ap-northeast-1:1:log-group:/all"}),
    ],
    non_compliant=[
        aws("cloudwatch/eventTarget:EventTarget", {"arn": "arn:aws:states:ap-northeast-1:1:stateMachine:a"})
    ],
)


schedule_dead_letters = setting(
    id="schedule-dead-letters",
    title="Schedules have a dead-letter queue",
    types=(types.SCHEDULER_SCHEDULE,),
    path="target.deadLetterConfig.arn",
    value="arn:queue",
    message="an invocation that fails for good is lost",
    description="A nightly run that failed should be found in the morning.",
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("N-SQS3",),
    remedy="Set target.deadLetterConfig.arn to a queue.",
)


workflow_logs = setting(
    id="workflow-logs",
    title="Workflows log every step",
    types=(types.STATE_MACHINE,),
    path="loggingConfiguration.level",
    allowed=("ALL",),
    wrong="ERROR",
    message="steps are not logged",
    description="Which input made a run fail can be told only from these.",
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("N-SF1", "C285"),
    remedy="Set loggingConfiguration with level ALL and a log group.",
)

workflow_tracing = setting(
    id="workflow-tracing",
    title="Workflows are traced",
    types=(types.STATE_MACHINE,),
    path="tracingConfiguration.enabled",
    allowed=(True,),
    wrong=False,
    message="X-Ray tracing is off",
    description="A trace leads from a workflow into the functions and services that it calls.",
    level=ADVISORY,
    severity="low",
    topics=("logging",),
    references=("P", "N-SF2", "C284"),
    remedy="Set tracingConfiguration.enabled.",
    remediates=True,
)
