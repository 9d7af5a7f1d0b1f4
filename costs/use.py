"""How much passes through a stack in a month: what its file expects, or one of three ready profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Final

from costs.model import CostError

PROFILES: Final = ("small", "medium", "large")
"""A trial with a few people, a product with some thousands, one with hundreds of thousands."""

_USE: Final[dict[str, tuple[str, str, str, str]]] = {
    # What it counts, then small, medium, large.
    "storageGb": ("kept in S3, on average", "10", "200", "5000"),
    "objectWrites": ("objects written to S3, and lists of them", "10000", "500000", "20000000"),
    "objectReads": ("objects read from S3", "100000", "5000000", "200000000"),
    "objectKb": ("kilobytes of an object in S3, on average", "256", "256", "256"),
    "movedObjects": ("objects that rules move to another class", "1000", "50000", "2000000"),
    "infrequentGb": (
        "of what is kept in S3, what rules have moved to classes for infrequent access",
        "0",
        "50",
        "2000",
    ),
    "archivedGb": ("of what is kept in S3, what rules have moved to archives", "0", "20", "1000"),
    "retrievedGb": ("read back from these classes", "0", "5", "100"),
    "replicatedGb": ("copied by S3 to another bucket", "1", "20", "500"),
    "imagesGb": ("kept in ECR", "1", "5", "20"),
    "transferGb": ("sent to users by CloudFront", "10", "500", "20000"),
    "siteRequests": ("requests to CloudFront", "100000", "10000000", "500000000"),
    "uploadGb": ("sent by users through CloudFront to what stands behind it", "1", "20", "500"),
    "largeBodies": ("requests with more than 16 KB, which firewalls read further", "1000", "100000", "5000000"),
    "invalidations": ("paths that deployments of a site have CloudFront forget", "100", "1000", "10000"),
    "internetGb": ("sent to the internet by servers, not by CloudFront", "1", "50", "2000"),
    "webRequests": ("requests to load balancers", "100000", "10000000", "500000000"),
    "natGb": ("through NAT gateways", "1", "50", "2000"),
    "endpointGb": ("through interface endpoints", "1", "50", "2000"),
    "zonesGb": ("between zones, by servers", "1", "50", "2000"),
    "logsGb": ("written to CloudWatch", "1", "20", "500"),
    "searchedLogsGb": ("of logs, what queries of CloudWatch read", "1", "20", "500"),
    "metrics": ("metrics that programs publish", "0", "20", "200"),
    "traces": ("recorded by X-Ray", "10000", "500000", "20000000"),
    "tracesRead": ("traces that people search and read", "10000", "500000", "20000000"),
    "emails": ("e-mails from topics", "100", "1000", "10000"),
    "sentEmails": ("e-mails sent by SES", "1000", "50000", "1000000"),
    "messages": ("requests to queues and topics, and events of one's own", "100000", "10000000", "500000000"),
    "messageKb": ("kilobytes of a message, on average", "4", "4", "4"),
    "workflowSteps": ("steps of workflows", "5000", "100000", "5000000"),
    "functionCalls": ("calls of functions, and of APIs before them", "100000", "5000000", "200000000"),
    "functionMilliseconds": ("how long a call takes, on average", "200", "200", "200"),
    "callKb": ("kilobytes of a call or its answer, on average", "16", "16", "16"),
    "connectionMinutes": ("minutes of WebSocket connections", "100000", "5000000", "200000000"),
    "modelInputTokens": ("tokens that chat models read", "1000000", "20000000", "1000000000"),
    "modelOutputTokens": ("tokens that chat models write", "200000", "4000000", "200000000"),
    "embeddedTokens": ("tokens made into vectors", "1000000", "20000000", "500000000"),
    "tableReads": ("read units of tables on demand", "500000", "20000000", "1000000000"),
    "tableWrites": ("write units of tables on demand", "100000", "5000000", "200000000"),
    "tableGb": ("kept in tables", "1", "20", "500"),
    "databaseGb": ("kept in Aurora", "10", "100", "2000"),
    "databaseRequests": ("reads and writes of Aurora's storage", "10000000", "100000000", "5000000000"),
    "databaseAcus": ("capacity units of serverless databases, on average", "0.5", "2", "16"),
    "creditHours": ("vCPU-hours of burstable servers and databases above their baseline", "0", "20", "500"),
    "cacheGb": ("kept in caches", "0.1", "2", "20"),
    "cacheRequests": ("units of requests (ECPU) to serverless caches", "1000000", "50000000", "2000000000"),
    "vectorGb": ("kept in collections of vectors", "1", "10", "200"),
    "backupGb": ("copies kept by backups, beyond what is free", "5", "50", "1000"),
    "users": ("people who sign in", "100", "10000", "200000"),
    "dnsQueries": ("questions to hosted zones", "100000", "5000000", "100000000"),
    "secretReads": ("secrets read", "5000", "100000", "2000000"),
    "keyRequests": ("requests to KMS", "50000", "1000000", "50000000"),
    "auditEvents": ("management events that GuardDuty analyses", "50000", "1000000", "20000000"),
    "configItems": ("changes that AWS Config records", "500", "2000", "20000"),
    "buildMinutes": ("minutes of builds", "100", "1000", "10000"),
    "builds": ("builds, and actions of pipelines", "20", "200", "2000"),
    "jobHours": ("DPU-hours of Glue's jobs and crawlers", "10", "100", "1000"),
    "jobRuns": ("runs of Glue's jobs and crawlers", "30", "300", "3000"),
    "scannedGb": ("read by queries of Athena", "10", "500", "20000"),
    "queries": ("queries of Athena", "100", "5000", "100000"),
    "streamGb": ("taken in by Firehose and Kinesis", "1", "50", "2000"),
    "recordKb": ("kilobytes of a record in it, on average", "25", "25", "25"),
}

KEYS: Final = tuple(_USE)

_MOST: Final = 10**15
"""Beyond it sums are no longer exact to the cent."""

AVERAGES: Final = ("functionMilliseconds", "callKb", "messageKb", "objectKb", "recordKb")
"""How long or how large one of them is: the same in all profiles. AWS rounds each up, so it changes what is counted."""


@dataclass(frozen=True)
class Use:
    """What passes through a stack in a month, and who says so."""

    amounts: Mapping[str, Decimal]
    said_by: str
    """`the profile small`, `the stack's file`, or both."""

    def __getitem__(self, key: str) -> Decimal:
        return self.amounts[key]


def profile(name: str) -> Use:
    """A ready profile; `CostError` for one that does not exist."""
    if name not in PROFILES:
        raise CostError(f"there is no profile {name!r}", f"the profiles are {', '.join(PROFILES)}")
    column = PROFILES.index(name) + 1
    return Use({key: Decimal(row[column]) for key, row in _USE.items()}, f"the profile {name}")


def expected(said: Mapping[str, Any] | None, chosen: str | None = None) -> Use:
    """What counts: the profile that was chosen; else what the stack's file says, over the profile that it names; else
    the small profile, since nobody says more.

    `CostError` for a key that does not exist, and for a number below zero.
    """
    if chosen is not None:
        return profile(chosen)
    if not said:
        return Use(profile("small").amounts, "the profile small, since the stack's file expects nothing")
    named = said.get("profile")
    base = profile(str(named)).amounts if named else dict.fromkeys(KEYS, Decimal(0))
    own = {key: _amount(key, value) for key, value in said.items() if key != "profile"}
    _check_classes({**base, **own})
    words = f"the stack's file, over the profile {named}" if named and own else "the stack's file"
    return Use({**base, **own}, f"the profile {named}" if named and not own else words)


def _check_classes(amounts: Mapping[str, Decimal]) -> None:
    cheaper = amounts["infrequentGb"] + amounts["archivedGb"]
    if cheaper > amounts["storageGb"]:
        raise CostError(
            f"expected.storageGb: {amounts['storageGb']:f} is less than the {cheaper:f} of infrequentGb and archivedGb",
            "count in storageGb all that is kept, that in cheaper classes too",
        )


def _amount(key: str, value: Any) -> Decimal:
    if key not in _USE:
        near = get_close_matches(key, KEYS, 1, 0.5)
        raise CostError(
            f"expected.{key}: is not a known key",
            f"did you mean {near[0]}?" if near else f"the keys are {', '.join(KEYS)}",
        )
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= _MOST:
        raise CostError(f"expected.{key}: {value!r} is not allowed", f"use a number from 0 to {_MOST}")
    return amount
