"""Counts the kinds of deliveries that are kept, as a metric: DynamoDB's stream tells of each.

Lambda calls `webhook.count.handler` with changes of the table in their order. The answer names the first change that
failed: it and those behind it come again, what stands before it does not. The environment names the metric's namespace
(METRICS_NAMESPACE). After a failure between the two a delivery may be counted twice.
"""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

log = logging.getLogger("webhook")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Where it stopped, in the form in which Lambda understands it; nothing if it got to the end."""
    for record in event["Records"]:
        change = record["dynamodb"]
        try:
            if record["eventName"] == "INSERT":
                _count(change["NewImage"]["kind"]["S"], change["ApproximateCreationDateTime"])
        except Exception:
            log.exception("change %s failed", change["SequenceNumber"])
            return {"batchItemFailures": [{"itemIdentifier": change["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def _count(kind: str, seconds: float) -> None:
    """A line of the log that CloudWatch turns into a metric; at the time of the change, unless that is long ago."""
    two_weeks = 14 * 24 * 3600
    when = max(seconds, time.time() - two_weeks)
    described = {
        "Namespace": os.environ["METRICS_NAMESPACE"],
        "Dimensions": [["Kind"]],
        "Metrics": [{"Name": "Deliveries", "Unit": "Count"}],
    }
    line = {"_aws": {"Timestamp": int(when * 1000), "CloudWatchMetrics": [described]}, "Kind": kind, "Deliveries": 1}
    print(json.dumps(line), flush=True)
