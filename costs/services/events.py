"""Queues, topics, events, workflows and streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from costs.model import CostComponent, Resource, by_use, fixed, not_priced
from costs.services.registry import number, prices
from costs.stack import Stack

_QUEUE: Final = "sqs/queue:Queue"
_TOPIC: Final = "sns/topic:Topic"
_KEPT_HOURS: Final = 24
"""Of a stream, in its price. https://aws.amazon.com/kinesis/data-streams/pricing/"""
_BUS: Final = "cloudwatch/eventBus:EventBus"


@prices(_QUEUE)
def queue(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the request of up to 64 KB: sending, asking and deleting are three."""
    kind = "fifo" if one.inputs.get("fifoQueue") else "standard"
    yield by_use(f"requests to all queues, {kind}", f"sqs.{kind}.requests", stack.use("messages", one))


@prices(_TOPIC)
def topic(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the message; what queues and functions get is free, e-mails are not. Where there are queues the messages are
    theirs."""
    kind = "fifo" if one.inputs.get("fifoTopic") else "standard"
    messages = 0 if stack.of(_QUEUE) else stack.use("messages", one)
    yield by_use(f"messages to all topics, {kind}", f"sns.{kind}.requests", messages)


@prices("sns/topicSubscription:TopicSubscription")
def subscription(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """E-mails are paid; deliveries to queues and functions are not."""
    readers = [each for each in stack.of(one.type) if str(each.inputs.get("protocol")).startswith("email")]
    emails = stack.expects("emails") if readers[:1] == [one] else 0
    if one in readers:
        yield by_use("e-mails of all topics", "sns.email.notifications", emails)
    else:
        yield by_use("deliveries", "sns.lambda_sqs.notifications", 0)


@prices(_BUS)
def bus(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the event that a program sends; those of AWS's services are free. Where there are queues or topics the
    messages are theirs."""
    events = 0 if stack.of(_QUEUE, _TOPIC) else stack.use("messages", one)
    yield by_use("events of one's own", "eventbridge.custom_events", events)


@prices("cloudwatch/eventArchive:EventArchive")
def archive(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the GB that is taken in."""
    yield by_use("archive", "eventbridge.archive_gb", stack.use("streamGb", one))


@prices("scheduler/schedule:Schedule")
def schedule(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the start: at most once a minute."""
    text = str(one.inputs.get("scheduleExpression") or "")
    minute = text.startswith(("rate(1 minute", "cron(* ")) or "minute" in text
    starts = stack.hours * (60 if minute else 1)
    yield fixed("starts, at most", "eventbridge.scheduler_invocations", starts)


@prices("sfn/stateMachine:StateMachine")
def workflow(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the step; express ones by the start and by memory and time, of which each step counts as one of a second with
    64 MB."""
    express = [each for each in stack.of(one.type) if each.inputs.get("type") == "EXPRESS"]
    same = express if one in express else [each for each in stack.of(one.type) if each not in express]
    steps = stack.expects("workflowSteps") if same[0] is one else 0
    if one in express:
        yield by_use("starts of express workflows", "stepfunctions.express.requests", steps)
        yield by_use(
            "their time and memory", "stepfunctions.express.gb_hour", stack.expects("workflowSteps") / 16 / 3600
        )
    else:
        yield by_use("steps of all workflows", "stepfunctions.standard.transitions", steps)


@prices("kinesis/stream:Stream")
def stream(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the shard and hour, or on demand by the stream and the GB."""
    if (one.inputs.get("streamModeDetails") or {}).get("streamMode") == "ON_DEMAND":
        yield fixed("stream on demand", "kinesis.on_demand.stream_hour", stack.hours)
        yield by_use("data taken in", "kinesis.on_demand.ingest_gb", stack.use("streamGb", one))
    else:
        yield fixed("shards", "kinesis.shard_hour", number(one.inputs, "shardCount", 1) * stack.hours)
        yield not_priced("records that are put", "how many there are is not among the use that is known")
    if number(one.inputs, "retentionPeriod", _KEPT_HOURS) > _KEPT_HOURS:
        yield not_priced("retention beyond a day", "longer retention has no price here")


@prices("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
def delivery(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the GB, each record as at least 5 KB."""
    yield by_use("records taken in", "firehose.direct_put_gb", stack.use("streamGb", one, "kinesis/stream:Stream"))
