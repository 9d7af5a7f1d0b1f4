"""Queues, topics, events, schedules and workflows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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

QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
SCHEDULE = "aws:scheduler/schedule:Schedule"
MACHINE = "aws:sfn/stateMachine:StateMachine"
KEY = "aws:kms/key:Key"
FUNCTION = "aws:lambda/function:Function"

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
    types=(QUEUE,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("N-SQS2", "C27"),
    remedy="Set sqsManagedSseEnabled, or kmsMasterKeyId for a key of ours.",
    remediate=lambda _queue, _at: {"sqsManagedSseEnabled": True},
    compliant=[example(_queue(sqsManagedSseEnabled=True)), example(_queue(kmsMasterKeyId="alias/kumiki-dev-data"))],
    non_compliant=[example(_queue()), example(_queue(sqsManagedSseEnabled=False))],
)
def queue_encrypted(queue: Resource, _at: Context) -> Iterator[str]:
    """Said by the program, not left to AWS's default, which has changed before."""
    if not queue.props.has("kmsMasterKeyId") and not queue.props.get("sqsManagedSseEnabled"):
        yield "no encryption is set"


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
    types=(QUEUE,),
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("in transit",),
    references=("N-SQS4",),
    remedy="Add a QueuePolicy that denies sqs:* to everybody when aws:SecureTransport is false.",
    compliant=[
        example(
            _queue(),
            aws(
                "sqs/queuePolicy:QueuePolicy", {"queueUrl": ref("work"), "policy": json_of(_DENY_PLAIN)}, name="policy"
            ),
        )
    ],
    non_compliant=[
        example(_queue()),
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
def queue_tls(queue: Resource, at: Context) -> Iterator[str]:
    """SQS still answers on port 80."""
    policies = [queue, *at.graph.children(queue, QUEUE_POLICY, via="queueUrl")]
    if not _denies_plain_http([each for policy in policies for each in statements(policy.inputs, "policy")]):
        yield "plain HTTP is not denied"


@graph_rule(
    id="topic-tls",
    title="Topics refuse plain HTTP",
    types=(TOPIC,),
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("in transit",),
    references=("N-SNS3",),
    remedy="Add a TopicPolicy that denies sns:Publish to everybody when aws:SecureTransport is false.",
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
    non_compliant=[example(_topic())],
)
def topic_tls(topic: Resource, at: Context) -> Iterator[str]:
    """As for queues."""
    policies = [topic, *at.graph.children(topic, TOPIC_POLICY, via="arn")]
    if not _denies_plain_http([each for policy in policies for each in statements(policy.inputs, "policy")]):
        yield "plain HTTP is not denied"


@graph_rule(
    id="queue-dead-letters",
    title="A message that keeps failing is put aside",
    types=(QUEUE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("N-SQS3",),
    remedy="Set redrivePolicy with deadLetterTargetArn and maxReceiveCount.",
    compliant=[
        example(_queue(redrivePolicy=json.dumps({"deadLetterTargetArn": "arn", "maxReceiveCount": 3}))),
        example(
            _queue("failed"),
            _queue(redrivePolicy=ref("failed", "arn")),
        ),
        example(_queue("work-dead-letters")),
        example(
            _queue("aside"),
            aws(
                "cloudwatch/eventTarget:EventTarget", {"deadLetterConfig": {"arn": ref("aside", "arn")}}, name="target"
            ),
        ),
    ],
    non_compliant=[example(_queue()), example(_queue(redrivePolicy=""))],
)
def queue_dead_letters(queue: Resource, at: Context) -> Iterator[str]:
    """Without it one bad message is tried until it expires, before all others in a FIFO queue. Queues that are put
    aside into, by their name or by what refers to them, need none themselves."""
    if queue.props.maybe("redrivePolicy") not in (None, ""):
        return
    words = queue.name.lower().replace("_", "-")
    if any(word in words for word in ("dead-letter", "dlq", "deadletter")) or _takes_failures(queue, at):
        return
    yield "a message that fails comes back until it expires"


def _takes_failures(queue: Resource, at: Context) -> bool:
    """Whether something puts its failures here. Raises NotYetKnown if it cannot be told of one where they go."""
    arns = [name for name in queue.identifiers if name.startswith("arn:")]
    for kind, via in (
        (QUEUE, "redrivePolicy"),
        (TARGET, "deadLetterConfig"),
        (SCHEDULE, "target"),
        (FUNCTION, "deadLetterConfig"),
        ("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "destinationConfig"),
        ("aws:sns/topicSubscription:TopicSubscription", "redrivePolicy"),
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
    types=(TOPIC,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("C26",),
    remedy="Set kmsMasterKeyId; a key of ours, so that CloudWatch and EventBridge can be allowed to use it.",
    compliant=[
        example(_topic(kmsMasterKeyId="alias/kumiki-dev-alerts"), _KEY, environment="prod"),
        example(_topic()),
    ],
    non_compliant=[
        example(_topic(), _KEY),
        example(_topic(kmsMasterKeyId=""), _KEY),
        example(_topic(), environment="prod"),
    ],
)
def topic_encrypted(topic: Resource, at: Context) -> Iterator[str]:
    """SNS encrypts nothing by itself, and through AWS's own key CloudWatch cannot publish. So a stack outside
    production that does without keys of its own, at $1 a month each, is left alone."""
    if topic.props.maybe("kmsMasterKeyId") not in (None, ""):
        return
    if at.stack.is_prod or any(True for _ in at.graph.of_kind(KEY)):
        yield "no key is set"


@rule(
    id="messages-not-public",
    title="No queue and no topic takes messages from everybody",
    types=(QUEUE, QUEUE_POLICY, TOPIC, TOPIC_POLICY),
    level=MANDATORY,
    severity="critical",
    topics=("network", "IAM"),
    references=("C168", "C169", "C387"),
    remedy="Name the principals, or add a condition on aws:SourceArn, aws:SourceAccount or aws:PrincipalOrgID.",
    compliant=[
        example(aws("sqs/queuePolicy:QueuePolicy", {"policy": json_of(_DENY_PLAIN)})),
        example(
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
            )
        ),
    ],
    non_compliant=[
        example(
            aws(
                type_,
                {"policy": json_of({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})},
            )
        )
        for type_ in ("sqs/queuePolicy:QueuePolicy", "sns/topicPolicy:TopicPolicy")
    ],
)
def messages_not_public(resource: Resource, _at: Context) -> Iterator[str]:
    """A statement that allows everybody needs a condition on who asks or on whose behalf."""
    for each in statements(resource.props, "policy"):
        if each.allows and each.is_for_anyone and each.narrowed_by.isdisjoint(OUR_SIDE):
            yield "everybody may send or read"


@rule(
    id="event-dead-letters",
    title="An event that cannot be delivered is kept",
    types=(TARGET,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("N-SQS3",),
    remedy="Set deadLetterConfig.arn to a queue that lets events.amazonaws.com send.",
    compliant=[
        example(
            aws("cloudwatch/eventTarget:EventTarget", {"deadLetterConfig": {"arn": ref("aside", "arn")}}),
            _queue("aside"),
        ),
        example(aws("cloudwatch/eventTarget:EventTarget", {"arn": "arn:aws:logs:ap-northeast-1:1:log-group:/all"})),
    ],
    non_compliant=[
        example(aws("cloudwatch/eventTarget:EventTarget", {"arn": "arn:aws:states:ap-northeast-1:1:stateMachine:a"}))
    ],
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


@rule(
    id="schedule-dead-letters",
    title="A call that a schedule cannot make is kept",
    types=(SCHEDULE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("N-SQS3",),
    remedy="Set target.deadLetterConfig.arn to a queue.",
    compliant=[example(aws("scheduler/schedule:Schedule", {"target": {"deadLetterConfig": {"arn": "arn:queue"}}}))],
    non_compliant=[example(aws("scheduler/schedule:Schedule", {"target": {"arn": "arn:machine"}}))],
)
def schedule_dead_letters(schedule: Resource, _at: Context) -> Iterator[str]:
    """A night that was not worked should be found in the morning."""
    if not schedule.props.has("target.deadLetterConfig.arn"):
        yield "a call that fails for good is lost"


_machine_logs = setting(
    id="workflow-logs",
    title="Workflows record every step",
    types=(MACHINE,),
    path="loggingConfiguration.level",
    wanted=("ALL",),
    wrong="ERROR",
    says="steps are not recorded",
    why="Which input made a run fail can be told only from these.",
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("N-SF1", "C285"),
    remedy="Set loggingConfiguration with level ALL and a log group.",
)

_machine_tracing = setting(
    id="workflow-tracing",
    title="Workflows are traced",
    types=(MACHINE,),
    path="tracingConfiguration.enabled",
    wanted=(True,),
    wrong=False,
    says="X-Ray is off",
    why="A trace leads from a workflow into the functions and services that it calls.",
    level=ADVISORY,
    severity="low",
    topics=("logging",),
    references=("P", "N-SF2", "C284"),
    remedy="Set tracingConfiguration.enabled.",
    mends=True,
)

RULES = (
    queue_encrypted,
    queue_tls,
    topic_tls,
    queue_dead_letters,
    topic_encrypted,
    messages_not_public,
    event_dead_letters,
    schedule_dead_letters,
    _machine_logs,
    _machine_tracing,
)
