"""A function that follows the changes of a table: DynamoDB's stream, read in order, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from components.children import Children
from components.data.table import Table
from components.refusal import Refusal

CHANGE_KEPT_SECONDS = 24 * 3600
"""What DynamoDB remembers of a change."""

# What a record of the stream has beside what is the same for all.
_FILTERED = ("dynamodb", "eventName", "userIdentity")
_MOST_FILTERS = 5


@dataclass(frozen=True, kw_only=True)
class Following:
    """How a function follows the changes of a table. Free but for its calls: Lambda's own reading costs nothing."""

    filters: Sequence[Mapping[str, Any]] = ()
    """Patterns as of EventBridge, such as {"eventName": ["INSERT"]}: what fits none of them calls nobody."""

    start: Literal["latest", "oldest"] = "latest"
    """From now on, or from the oldest change that DynamoDB remembers (24 hours)."""

    batch_size: int = 100
    """The most changes in a call, 1 to 10000."""

    window_seconds: int = 0
    """How long changes are gathered for a batch, 0 to 300."""

    at_a_time: int = 1
    """Batches of a shard at a time, 1 to 10. Changes of one item stay in order."""

    retries: int = 5
    """How often a batch is tried again, 0 to 10000; in halves, so that one bad change takes no other along."""

    max_age_seconds: int = 3600
    """After which a change is given up, 60 to 86400. Until then one that fails holds up those behind it."""

    def __post_init__(self) -> None:
        for field, value, least, most in (
            ("batch_size", self.batch_size, 1, 10_000),
            ("window_seconds", self.window_seconds, 0, 300),
            ("at_a_time", self.at_a_time, 1, 10),
            ("retries", self.retries, 0, 10_000),
            ("max_age_seconds", self.max_age_seconds, 60, CHANGE_KEPT_SECONDS),
        ):
            if not least <= value <= most:
                raise Refusal(field, value, f"is not allowed; use {least} to {most}")
        if self.batch_size > 1000 and not self.window_seconds:
            raise Refusal("window_seconds", 0, f"is too short for batches of {self.batch_size}; use 1 or more")
        if len(self.filters) > _MOST_FILTERS:
            raise Refusal("filters", f"{len(self.filters)} patterns", f"are too many; Lambda takes {_MOST_FILTERS}")
        for pattern in self.filters:
            for key in pattern:
                if key not in _FILTERED:
                    raise Refusal("filters", key, f"fits no change; use {', '.join(_FILTERED)}")


def follow_changes(
    name: str,
    following: Following,
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
        starting_position="LATEST" if following.start == "latest" else "TRIM_HORIZON",
        batch_size=following.batch_size,
        maximum_batching_window_in_seconds=following.window_seconds or None,
        parallelization_factor=following.at_a_time,
        filter_criteria=aws.lambda_.EventSourceMappingFilterCriteriaArgs(
            filters=[
                aws.lambda_.EventSourceMappingFilterCriteriaFilterArgs(pattern=json.dumps(pattern, sort_keys=True))
                for pattern in following.filters
            ]
        )
        if following.filters
        else None,
        bisect_batch_on_function_error=True,
        # The code answers where it stopped; what it had done does not come again.
        function_response_types=["ReportBatchItemFailures"],
        maximum_retry_attempts=following.retries,
        maximum_record_age_in_seconds=following.max_age_seconds,
        destination_config=aws.lambda_.EventSourceMappingDestinationConfigArgs(
            on_failure=aws.lambda_.EventSourceMappingDestinationConfigOnFailureArgs(destination_arn=failed_arn)
        ),
        tags={"Name": name},
        # Lambda tries to read the stream when the mapping is made.
        opts=child("event_source", depends_on=[granted]),
    )
