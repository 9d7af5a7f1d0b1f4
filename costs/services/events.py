"""Queues, topics, events, workflows and streams."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.running import runs_of
from costs.services.registry import chunks, number, prices, told
from costs.stack import Stack

_QUEUE: Final = "sqs/queue:Queue"
_TOPIC: Final = "sns/topic:Topic"
_KEPT_HOURS: Final = 24
"""Of a stream, in its price. https://aws.amazon.com/kinesis/data-streams/pricing/"""
_BUS: Final = "cloudwatch/eventBus:EventBus"
_MESSAGE_KB: Final = 64
"""What counts as one request of a queue, a topic or a bus. https://aws.amazon.com/sqs/pricing/"""
_PUT_KB: Final = 25
"""Of a stream with shards. https://aws.amazon.com/kinesis/data-streams/pricing/"""
_RECORD_KB: Final = 5
"""What Firehose rounds each record up to. https://aws.amazon.com/firehose/pricing/"""
_KB_IN_GB: Final = 1024**2
_WEEK_HOURS: Final = 7 * 24
_STARTED: Final = {
    "ecs:runTask": "tasks that it starts",
    "batch:submitJob": "jobs that it starts",
    "emr-serverless:": "jobs that it starts",
    "elasticmapreduce:": "jobs that it starts",
    "sagemaker:create": "jobs that it starts",
}


@prices(_QUEUE)
def queue(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the request of up to 64 KB: sending, asking and deleting are three. Each counts as one of a FIFO queue where
    there is one: which of several is asked, nobody says."""
    kind = "fifo" if any(each.inputs.get("fifoQueue") for each in stack.of(_QUEUE)) else "standard"
    yield by_use(f"requests to all queues, {kind}", f"sqs.{kind}.requests", _messages(stack, one))


def _messages(stack: Stack, one: Resource) -> Decimal:
    return stack.use("messages", one) * chunks(stack.expects("messageKb"), _MESSAGE_KB)


@prices(_TOPIC)
def topic(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the message; what queues and functions get is free, e-mails are not. Where there are queues the messages are
    theirs."""
    kind = "fifo" if one.inputs.get("fifoTopic") else "standard"
    messages = 0 if stack.of(_QUEUE) else _messages(stack, one)
    if kind == "fifo":
        size = stack.use("messages", one) * stack.expects("messageKb") / _KB_IN_GB
        yield by_use("what messages hold", "sns.fifo.payload_gb", size)
    yield by_use(f"messages to all topics, {kind}", f"sns.{kind}.requests", messages)


@prices("sns/topicSubscription:TopicSubscription")
def subscription(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """E-mails and calls of others' addresses are paid, as many as there are messages; deliveries to queues and
    functions are not."""
    readers = [each for each in stack.of(one.type) if str(each.inputs.get("protocol")).startswith("email")]
    emails = stack.expects("emails") if readers[:1] == [one] else 0
    protocol = str(one.inputs.get("protocol"))
    if one in readers:
        yield by_use("e-mails of all topics", "sns.email.notifications", emails)
    elif protocol in ("http", "https"):
        yield by_use("calls of addresses", "sns.http.notifications", stack.expects("messages"))
    elif protocol not in ("sqs", "lambda"):
        yield not_priced(f"deliveries by {protocol}", "these deliveries have no price here")
    else:
        yield by_use("deliveries", "sns.lambda_sqs.notifications", 0)


@prices(_BUS)
def bus(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the event that a program sends; those of AWS's services are free. Where there are queues or topics the
    messages are theirs."""
    events = 0 if stack.of(_QUEUE, _TOPIC) else _messages(stack, one)
    yield by_use("events of one's own", "eventbridge.custom_events", events)


@prices("cloudwatch/eventArchive:EventArchive")
def archive(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the GB that is taken in."""
    yield by_use("archive", "eventbridge.archive_gb", stack.use("streamGb", one))


@prices("scheduler/schedule:Schedule")
def schedule(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the start: at most once a minute. Tasks that it starts are paid as long as they run."""
    text = str(one.inputs.get("scheduleExpression") or "")
    minute = text.startswith(("rate(1 minute", "cron(* ")) or "minute" in text
    starts = stack.hours * (60 if minute else 1)
    yield fixed("starts, at most", "eventbridge.scheduler_invocations", starts)
    if (one.inputs.get("target") or {}).get("ecsParameters"):
        yield not_priced("tasks that it starts", "how long they run is not among the use that is known")


@prices("cloudwatch/eventTarget:EventTarget")
def target(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What is called pays; tasks are paid as long as they run."""
    del stack
    if one.inputs.get("ecsTarget"):
        yield not_priced("tasks that it starts", "how long they run is not among the use that is known")
    else:
        yield free("the messages are paid")


@prices("sfn/stateMachine:StateMachine")
def workflow(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the step; express ones by the start and by memory and time, of which each step counts as one of a second with
    64 MB. Copies of tables and databases that its schedules have it make are paid by the GB."""
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
    calls = one.inputs.get("definition", "")
    if not told(calls):
        yield not_priced("what its steps start", "the definition is not known before the deployment")
        return
    weekly = runs_of(one, stack.resources)
    for call, what, key, size in (
        ("dynamodb:exportTableToPointInTime", "exports of all tables", "dynamodb.export_gb", stack.expects("tableGb")),
        ("rds:startExportTask", "exports of databases", "rds.snapshot_export_gb", _databases_gb(stack)),
    ):
        if call not in calls:
            continue
        if weekly is None:
            yield not_priced(what, "no schedule says how often it runs")
        else:
            yield by_use(what, key, weekly * stack.hours / _WEEK_HOURS * size)
    for what in sorted({what for call, what in _STARTED.items() if call in calls}):
        yield not_priced(what, "what they are and how long they run is not among the use that is known")


def _databases_gb(stack: Stack) -> Decimal:
    """What a copy of all databases has: at most the size of their disks."""
    disks = sum((number(each.inputs, "allocatedStorage") for each in stack.of("rds/instance:Instance")), Decimal(0))
    return disks + (stack.expects("databaseGb") if stack.of("rds/cluster:Cluster") else 0)


@prices("kinesis/stream:Stream")
def stream(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the shard and hour and by each 25 KB of a record, or on demand by the stream and the GB in and out; and by
    what is kept beyond a day."""
    taken = stack.use("streamGb", one)
    kept = number(one.inputs, "retentionPeriod", _KEPT_HOURS)
    on_demand = (one.inputs.get("streamModeDetails") or {}).get("streamMode") == "ON_DEMAND"
    shards = number(one.inputs, "shardCount", 1)
    if on_demand:
        yield fixed("stream on demand", "kinesis.on_demand.stream_hour", stack.hours)
        yield by_use("data taken in", "kinesis.on_demand.ingest_gb", taken)
        yield by_use("data read once", "kinesis.on_demand.retrieval_gb", taken)
    else:
        size = stack.expects("recordKb") or Decimal(_PUT_KB)
        yield fixed("shards", "kinesis.shard_hour", shards * stack.hours)
        yield by_use("units put", "kinesis.put_units", taken * _KB_IN_GB / size * chunks(size, _PUT_KB))
    if kept > _KEPT_HOURS and on_demand:
        later = taken * (min(kept, _WEEK_HOURS) - _KEPT_HOURS) / stack.hours
        yield by_use("data kept for up to seven days", "kinesis.on_demand.retention_gb_month", later)
    elif kept > _KEPT_HOURS:
        yield fixed("shards that keep for up to seven days", "kinesis.extended_shard_hour", shards * stack.hours)
    if kept > _WEEK_HOURS:
        key = "kinesis.on_demand.long_retention_gb_month" if on_demand else "kinesis.long_retention_gb_month"
        yield by_use("data kept beyond seven days", key, taken * (kept - _WEEK_HOURS) / stack.hours)


@prices("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
def delivery(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the GB, each record rounded up to 5 KB."""
    size = stack.expects("recordKb")
    rounded = chunks(size, _RECORD_KB) * _RECORD_KB / size if size else Decimal(1)
    taken = stack.use("streamGb", one, "kinesis/stream:Stream")
    yield by_use("records taken in", "firehose.direct_put_gb", taken * rounded)
    to_s3 = one.inputs.get("extendedS3Configuration") or {}
    for key, what in (
        ("dataFormatConversionConfiguration", "conversion"),
        ("dynamicPartitioningConfiguration", "parts"),
    ):
        if (to_s3.get(key) or {}).get("enabled", key in to_s3):
            yield not_priced(f"{what} of records", "this has no price in the stack's region here")


@prices("ses/domainIdentity:DomainIdentity", "ses/emailIdentity:EmailIdentity", "sesv2/emailIdentity:EmailIdentity")
def sender(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the e-mail that is sent; attachments cost extra."""
    every = (
        "ses/domainIdentity:DomainIdentity",
        "ses/emailIdentity:EmailIdentity",
        "sesv2/emailIdentity:EmailIdentity",
    )
    sent = stack.expects("sentEmails") if stack.bears(one, *every) else 0
    yield by_use("e-mails sent", "ses.emails", sent)
