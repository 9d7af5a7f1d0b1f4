"""What calls a function batch by batch: a queue that it works through, the stream of a table that it subscribes to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import Args
from ..children import Children
from ..data.table import Table
from ..errors import Mistake
from ..messaging.queue import VISIBILITY_FACTOR, Queue, QueueArgs

CHANGE_KEPT_SECONDS = 24 * 3600
"""What DynamoDB remembers of a change."""

# What a record of the stream has beside what is the same for all.
_FILTERED = ("dynamodb", "eventName", "userIdentity")
_MOST_FILTERS = 5
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_MOST_WITHOUT_WINDOW = _MOST_OF_FIFO = 10


class QueueSource(Args):
    """How a function works through a queue."""

    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 10
    """The most messages of the queue in a call; of a fifo queue 10."""

    window_seconds: Annotated[int, Field(ge=0, le=300)] = 0
    """How long messages of the queue are gathered for a batch."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.batch_size > _MOST_WITHOUT_WINDOW and not self.window_seconds:
            reason = f"is too short for batches of {self.batch_size}; more than {_MOST_WITHOUT_WINDOW} need 1 or more"
            yield Mistake("window_seconds", 0, reason)

    def mistakes_with(self, queue: QueueArgs, timeout_seconds: int) -> Iterator[Mistake]:
        """What does not fit a queue, of a function with this timeout."""
        least = VISIBILITY_FACTOR * timeout_seconds
        if queue.visibility_timeout_seconds < least:
            yield Mistake(
                "timeout_seconds",
                timeout_seconds,
                f"needs a visibility timeout of at least {least} s (six times as long), and the queue's is "
                f"{queue.visibility_timeout_seconds} s; raise the queue's consumer timeout or visibility, or lower "
                "this",
            )
        if queue.fifo and self.batch_size > _MOST_OF_FIFO:
            yield Mistake("batch_size", self.batch_size, f"is not for a fifo queue; use 1 to {_MOST_OF_FIFO}")
        if queue.fifo and self.window_seconds:
            yield Mistake("window_seconds", self.window_seconds, "is not for a fifo queue; use 0")


class StreamSource(Args):
    """How a function subscribes to the stream of a table. Free but for its calls: Lambda's reading costs nothing."""

    filters: list[dict[str, Any]] = []
    """Patterns as of EventBridge, such as {eventName: [INSERT]}: what fits none of them calls nobody."""

    start: Literal["latest", "oldest"] = "latest"
    """From now on, or from the oldest change that DynamoDB remembers (24 hours)."""

    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 100
    """The most changes in a call."""

    window_seconds: Annotated[int, Field(ge=0, le=300)] = 0
    """How long changes are gathered for a batch."""

    at_a_time: Annotated[int, Field(ge=1, le=10)] = 1
    """Batches of a shard at a time. Changes of one item stay in order."""

    retries: Annotated[int, Field(ge=0, le=10_000)] = 5
    """How often a batch is tried again; in halves, so that one bad change takes no other along."""

    max_age_seconds: Annotated[int, Field(ge=60, le=CHANGE_KEPT_SECONDS)] = 3600
    """After which a change is given up. Until then one that fails holds up those behind it."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.batch_size > 1000 and not self.window_seconds:
            yield Mistake("window_seconds", 0, f"is too short for batches of {self.batch_size}; use 1 or more")
        if len(self.filters) > _MOST_FILTERS:
            yield Mistake("filters", f"{len(self.filters)} patterns", f"are too many; Lambda takes {_MOST_FILTERS}")
        for key in (key for pattern in self.filters for key in pattern):
            if key not in _FILTERED:
                yield Mistake("filters", key, f"fits no change; use {', '.join(_FILTERED)}")


def consume_queue(
    name: str, source: QueueSource, *, queue: Queue, alias: aws.lambda_.Alias, role: aws.iam.Role, child: Children
) -> aws.lambda_.EventSourceMapping:
    """What lets Lambda take messages with the function's role, and call the alias."""
    granted = queue.grant_consume(role)
    return aws.lambda_.EventSourceMapping(
        name,
        event_source_arn=queue.arn,
        function_name=alias.arn,
        batch_size=source.batch_size,
        maximum_batching_window_in_seconds=source.window_seconds or None,
        # Without it one bad message brings the whole batch back, and in the end to the dead-letter queue.
        function_response_types=["ReportBatchItemFailures"],
        tags={"Name": name},
        # Lambda tries to read from the queue when the mapping is made.
        opts=child("event_source", depends_on=[granted]),
    )


def subscribe_to_stream(
    name: str,
    source: StreamSource,
    *,
    table: Table,
    alias: aws.lambda_.Alias,
    role: aws.iam.Role,
    failed_arn: pulumi.Input[str],
    child: Children,
) -> aws.lambda_.EventSourceMapping:
    """What lets Lambda read the stream with the function's role, and call the alias. What was given up is told to
    `failed_arn`: where in the stream it stands, and not the change itself."""
    granted = table.grant_stream_read(role)
    return aws.lambda_.EventSourceMapping(
        name,
        event_source_arn=table.stream_arn,
        function_name=alias.arn,
        starting_position="LATEST" if source.start == "latest" else "TRIM_HORIZON",
        batch_size=source.batch_size,
        maximum_batching_window_in_seconds=source.window_seconds or None,
        parallelization_factor=source.at_a_time,
        filter_criteria=aws.lambda_.EventSourceMappingFilterCriteriaArgs(
            filters=[
                aws.lambda_.EventSourceMappingFilterCriteriaFilterArgs(pattern=json.dumps(pattern, sort_keys=True))
                for pattern in source.filters
            ]
        )
        if source.filters
        else None,
        bisect_batch_on_function_error=True,
        # The code answers where it stopped; what it had done does not come again.
        function_response_types=["ReportBatchItemFailures"],
        maximum_retry_attempts=source.retries,
        maximum_record_age_in_seconds=source.max_age_seconds,
        destination_config=aws.lambda_.EventSourceMappingDestinationConfigArgs(
            on_failure=aws.lambda_.EventSourceMappingDestinationConfigOnFailureArgs(destination_arn=failed_arn)
        ),
        tags={"Name": name},
        # Lambda tries to read the stream when the mapping is made.
        opts=child("event_source", depends_on=[granted]),
    )
