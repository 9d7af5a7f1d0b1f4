"""FIFO queues and topics: what they are called, what may be set on them, and who may send there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, aws, example, graph_rule, ref, rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

_SUFFIX = ".fifo"


def _queue(name: str = "orders", **props: Any) -> Any:
    return aws("sqs/queue:Queue", {"name": name, **props}, name=name)


def _fifo(name: str = "orders.fifo", **props: Any) -> Any:
    return _queue(name, fifoQueue=True, **props)


def _topic(name: str = "news", **props: Any) -> Any:
    return aws("sns/topic:Topic", {"name": name, **props}, name=name)


_FIFO_TOPIC = _topic("news.fifo", fifoTopic=True)


def _is_fifo(resource: Resource) -> bool:
    return bool(resource.props.get("fifoTopic" if resource.kind == types.SNS_TOPIC else "fifoQueue", False))


@rule(
    id="fifo-fits",
    title="FIFO queues and topics are called so, and only they have settings of their order",
    types=(types.SQS_QUEUE, types.SNS_TOPIC),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="End the name with .fifo, or leave it out; set deduplicationScope messageGroup beside perMessageGroupId.",
)
def fifo_fits(resource: Resource, _at: Context) -> Iterator[str]:
    """SQS and SNS refuse what does not go together
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html). Pulumi ends the names
    that it makes itself as they must."""
    fifo = _is_fifo(resource)
    name = resource.props.maybe("name")
    if isinstance(name, str) and fifo != name.endswith(_SUFFIX):
        yield (
            f"{name} is a FIFO {_what(resource)}, whose name must end with {_SUFFIX}"
            if fifo
            else (f"{name} ends with {_SUFFIX} and is none")
        )
    if not fifo:
        own = ("contentBasedDeduplication", "deduplicationScope", "fifoThroughputLimit", "fifoThroughputScope")
        yield from (f"{key} is set, and it is no FIFO {_what(resource)}" for key in own if resource.props.get(key))
    elif resource.props.get("fifoThroughputLimit") == "perMessageGroupId" and (
        resource.props.get("deduplicationScope", "queue") != "messageGroup"
    ):
        yield "fifoThroughputLimit is perMessageGroupId, and deduplicationScope is not messageGroup"


def _what(resource: Resource) -> str:
    return "topic" if resource.kind == types.SNS_TOPIC else "queue"


fifo_fits.examples(
    compliant=[
        _queue(),
        _fifo(contentBasedDeduplication=True),
        _fifo(deduplicationScope="messageGroup", fifoThroughputLimit="perMessageGroupId"),
        aws("sqs/queue:Queue", {"fifoQueue": True}),
        _FIFO_TOPIC,
    ],
    non_compliant=[
        _fifo("orders"),
        _queue("orders.fifo"),
        _queue(contentBasedDeduplication=True),
        _fifo(fifoThroughputLimit="perMessageGroupId"),
        _topic("news", fifoTopic=True),
    ],
)


@graph_rule(
    id="fifo-dead-letters",
    title="A queue and its dead-letter queue are of one kind",
    types=(types.SQS_QUEUE,),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "availability"),
    remedy="Make the dead-letter queue a FIFO queue if the queue is one, and none otherwise.",
)
def fifo_dead_letters(queue: Resource, at: Context) -> Iterator[str]:
    """SQS refuses the redrive policy otherwise
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html)."""
    for aside in _aside(queue, at):
        if _is_fifo(aside) != _is_fifo(queue):
            kinds = ("is a FIFO queue", "is none")
            mine, other = kinds if _is_fifo(queue) else kinds[::-1]
            yield f"it {mine}, and its dead-letter queue {aside.name} {other}"


def _aside(queue: Resource, at: Context) -> list[Resource]:
    found = at.graph.targets(queue, types.SQS_QUEUE, via="redrivePolicy")
    text = queue.props.maybe("redrivePolicy")
    if found or not isinstance(text, str) or not text.startswith("{"):
        return found
    return at.graph.named(str(json.loads(text).get("deadLetterTargetArn")), types.SQS_QUEUE)


fifo_dead_letters.examples(
    compliant=[
        example(_queue("failed"), _queue(redrivePolicy=ref("failed", "arn"))),
        example(_fifo("failed.fifo"), _fifo(redrivePolicy=ref("failed.fifo", "arn"))),
        _fifo(redrivePolicy=json.dumps({"deadLetterTargetArn": "arn:aws:sqs:r:1:x.fifo", "maxReceiveCount": 3})),
    ],
    non_compliant=[
        example(_queue("failed"), _fifo(redrivePolicy=ref("failed", "arn"))),
        example(_fifo("failed.fifo"), _queue(redrivePolicy=ref("failed.fifo", "arn"))),
    ],
)


def _subscribed(topic: str, to: Any, protocol: str = "sqs") -> Any:
    props = {"topic": ref(topic, "arn"), "protocol": protocol, "endpoint": to}
    return aws("sns/topicSubscription:TopicSubscription", props, name="subscription")


def _told(kind: str, to: str) -> Any:
    given = [{f"{kind}Arn": ref(to, "arn"), "events": ["s3:ObjectCreated:*"]}]
    return aws("s3/bucketNotification:BucketNotification", {"bucket": "b", f"{kind}s": given}, name="told")


def _event(to: str, **more: Any) -> Any:
    return aws("cloudwatch/eventTarget:EventTarget", {"rule": "r", "arn": ref(to, "arn"), **more}, name="event")


def _schedule(to: str, **more: Any) -> Any:
    target = {"arn": ref(to, "arn"), "roleArn": "arn:aws:iam::123456789012:role/r", **more}
    return aws("scheduler/schedule:Schedule", {"scheduleExpression": "rate(1 hour)", "target": target}, name="schedule")


@graph_rule(
    id="fifo-senders",
    title="What sends to FIFO queues, and what FIFO topics send to, is what AWS takes",
    types=(types.TOPIC_SUBSCRIPTION, types.BUCKET_NOTIFICATION, types.EVENT_TARGET, types.SCHEDULER_SCHEDULE),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Send by a standard queue or topic, or name the message group where EventBridge sends.",
)
def fifo_senders(sender: Resource, at: Context) -> Iterator[str]:
    """S3 knows no FIFO queues and topics; a standard topic cannot send to a FIFO queue, and a FIFO topic can send to
    queues alone (docs.aws.amazon.com: AmazonS3/…/notification-how-to-event-types-and-destinations.html,
    sns/…/sns-fifo-topics.html). EventBridge needs a message group (eventbridge/…/API_SqsParameters.html): without one
    each message fails."""
    if sender.kind == types.TOPIC_SUBSCRIPTION:
        for topic in at.graph.targets(sender, types.SNS_TOPIC, via="topic"):
            protocol = sender.props.get("protocol")
            if _is_fifo(topic):
                if protocol != "sqs":
                    yield f"{topic.name} is a FIFO topic, which sends to queues and not by {protocol}"
                continue
            for queue in at.graph.targets(sender, types.SQS_QUEUE, via="endpoint"):
                if _is_fifo(queue):
                    yield f"{queue.name} is a FIFO queue, and {topic.name} no FIFO topic"
    elif sender.kind == types.BUCKET_NOTIFICATION:
        for kind, via in ((types.SQS_QUEUE, "queues.0.queueArn"), (types.SNS_TOPIC, "topics.0.topicArn")):
            for target in at.graph.targets(sender, kind, via=via):
                if _is_fifo(target):
                    yield f"{target.name} is a FIFO {_what(target)}, to which S3 does not send"
    else:
        via, group = (
            ("arn", "sqsTarget.messageGroupId")
            if sender.kind == types.EVENT_TARGET
            else ("target.arn", "target.sqsParameters.messageGroupId")
        )
        for queue in at.graph.targets(sender, types.SQS_QUEUE, via=via):
            if _is_fifo(queue) and not sender.props.has(group):
                yield f"{queue.name} is a FIFO queue, and {group} is not set"


fifo_senders.examples(
    compliant=[
        example(_FIFO_TOPIC, _fifo(), _subscribed("news.fifo", ref("orders.fifo", "arn"))),
        example(_FIFO_TOPIC, _queue(), _subscribed("news.fifo", ref("orders", "arn"))),
        example(_topic(), _queue(), _subscribed("news", ref("orders", "arn"))),
        example(_queue(), _told("queue", "orders")),
        example(_fifo(), _event("orders.fifo", sqsTarget={"messageGroupId": "all"})),
        example(_fifo(), _schedule("orders.fifo", sqsParameters={"messageGroupId": "all"})),
        example(_queue(), _event("orders")),
    ],
    non_compliant=[
        example(_topic(), _fifo(), _subscribed("news", ref("orders.fifo", "arn"))),
        example(_FIFO_TOPIC, _subscribed("news.fifo", "arn:aws:lambda:r:1:function:f", "lambda")),
        example(_FIFO_TOPIC, _subscribed("news.fifo", "ops@example.com", "email")),
        example(_fifo(), _told("queue", "orders.fifo")),
        example(_FIFO_TOPIC, _told("topic", "news.fifo")),
        example(_fifo(), _event("orders.fifo")),
        example(_fifo(), _schedule("orders.fifo")),
    ],
)


def _mapping(to: str, **more: Any) -> Any:
    props = {"eventSourceArn": ref(to, "arn"), "functionName": "f", **more}
    return aws("lambda/eventSourceMapping:EventSourceMapping", props, name="mapping")


@graph_rule(
    id="fifo-consumers",
    title="Functions take messages of a FIFO queue at once, ten at most",
    types=(types.EVENT_SOURCE_MAPPING,),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Leave maximumBatchingWindowInSeconds out, and set batchSize to 10 or less.",
)
def fifo_consumers(mapping: Resource, at: Context) -> Iterator[str]:
    """Lambda gathers nothing from FIFO queues and refuses a window and larger batches
    (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)."""
    for queue in at.graph.targets(mapping, types.SQS_QUEUE, via="eventSourceArn"):
        if not _is_fifo(queue):
            continue
        if mapping.props.get("maximumBatchingWindowInSeconds", 0):
            yield f"{queue.name} is a FIFO queue, and maximumBatchingWindowInSeconds is set"
        if float(mapping.props.get("batchSize", 10)) > 10:
            yield f"{queue.name} is a FIFO queue, and batchSize is more than 10"


fifo_consumers.examples(
    compliant=[
        example(_fifo(), _mapping("orders.fifo", batchSize=10)),
        example(_queue(), _mapping("orders", batchSize=100, maximumBatchingWindowInSeconds=5)),
    ],
    non_compliant=[
        example(_fifo(), _mapping("orders.fifo", maximumBatchingWindowInSeconds=5)),
        example(_fifo(), _mapping("orders.fifo", batchSize=11)),
    ],
)
