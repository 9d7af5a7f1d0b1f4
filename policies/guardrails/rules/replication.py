"""Copies of buckets: what S3 refuses, or takes and then never copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, aws, example, graph_rule, ref, show
from guardrails.rules.s3_lifecycle import is_versioned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Graph, Props, Resource


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationTimeValue.html
_MINUTES = 15
_OSAKA = "ap-northeast-3"


def _pair(
    destination: dict[str, Any] | None = None, *, locked: str = "", versions: str = "both", kms: bool = False
) -> Any:
    def bucket(name: str, **props: Any) -> list[Any]:
        given = aws("s3/bucket:Bucket", {**props, **({"objectLockEnabled": True} if name in locked else {})}, name=name)
        on = {"bucket": ref(name), "versioningConfiguration": {"status": "Enabled"}}
        return [given, *([aws(types.BUCKET_VERSIONING, on, name=f"{name}-v")] if versions in (name, "both") else [])]

    rules = [
        {
            "status": "Enabled",
            **(_KMS if kms else {}),
            "destination": {"bucket": ref("copy", "arn"), **(destination or {})},
        }
    ]
    return example(
        *bucket("data"),
        *bucket("copy", region=_OSAKA),
        aws(types.BUCKET_REPLICATION_CONFIG, {"bucket": ref("data"), "rules": rules}, name="replication"),
    )


_KMS = {"sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}}}
_TIMED = {"replicationTime": {"status": "Enabled", "time": {"minutes": _MINUTES}}}
_COUNTED = {"metrics": {"status": "Enabled", "eventThreshold": {"minutes": _MINUTES}}}


def _key(region: str) -> dict[str, Any]:
    return {"encryptionConfiguration": {"replicaKmsKeyId": f"arn:aws:kms:{region}:123456789012:key/1234"}}


@graph_rule(
    id="replication-complete",
    title="A bucket and its copy are what S3 needs to copy from one to the other",
    types=(types.BUCKET_REPLICATION_CONFIG,),
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    remedy=(
        "Enable versions of both buckets and Object Lock of both or neither; with KMS give sseKmsEncryptedObjects and "
        f"a replicaKmsKeyId of the copy's region; with replicationTime metrics, both of {_MINUTES} minutes."
    ),
)
def replication_complete(replication: Resource, at: Context) -> Iterator[str]:
    """S3 refuses the configuration, or takes it and copies nothing of what it cannot, with a status FAILED on each
    object (docs.aws.amazon.com/AmazonS3/latest/userguide/replication-failure-codes.html)."""
    sources = at.graph.targets(replication, types.S3_BUCKET, via="bucket")
    for lifecycle in replication.props.items("rules").blocks():
        copies = _copies(replication, lifecycle, at.graph)
        for bucket in (*sources, *copies):
            if not is_versioned(bucket, at.graph):
                yield f"{bucket.name} has no versions"
        for source, copy in ((source, copy) for source in sources for copy in copies):
            if bool(source.props.get("objectLockEnabled")) and not copy.props.get("objectLockEnabled"):
                yield f"{source.name} is locked and {copy.name} is not, so no locked object is copied"
        yield from _keys(lifecycle, copies, at)
        yield from _times(lifecycle)


def _copies(replication: Resource, rule: Props, graph: Graph) -> list[Resource]:
    arn = rule.maybe("destination.bucket")
    named = graph.named(arn, types.S3_BUCKET) if isinstance(arn, str) else []
    return named or graph.targets(replication, types.S3_BUCKET, via="rules")


def _keys(rule: Props, copies: list[Resource], at: Context) -> Iterator[str]:
    with_kms = rule.get("sourceSelectionCriteria.sseKmsEncryptedObjects.status") == "Enabled"
    has_key = rule.get("destination").has("encryptionConfiguration.replicaKmsKeyId")
    if with_kms and not has_key:
        yield "objects under KMS keys are copied, and no replicaKmsKeyId encrypts the copies"
    elif has_key and not with_kms:
        yield "a replicaKmsKeyId is set, and objects under KMS keys are not copied"
    key = rule.maybe("destination.encryptionConfiguration.replicaKmsKeyId")
    if isinstance(key, str) and key.startswith("arn:"):
        for copy in copies:
            region = copy.region(at.stack)
            if region and region != key.split(":")[3]:
                yield f"{copy.name} is in {region}, and its key is in {key.split(':')[3]}"


def _times(rule: Props) -> Iterator[str]:
    for what, minutes in (("replicationTime", "time.minutes"), ("metrics", "eventThreshold.minutes")):
        given = rule.maybe(f"destination.{what}.{minutes}")
        if isinstance(given, int | float) and given != _MINUTES:
            yield f"{what} says {show(given)} minutes; S3 knows {_MINUTES} only"
    timed = rule.maybe("destination.replicationTime.status") == "Enabled"
    if timed and rule.get("destination.metrics.status") != "Enabled":
        yield "replicationTime is enabled and metrics is not"


replication_complete.examples(
    compliant=[
        _pair(),
        _pair({**_TIMED, **_COUNTED}),
        _pair(_key(_OSAKA), kms=True),
        _pair(locked="data copy"),
        _pair({"metrics": {"status": "Enabled"}}),
    ],
    non_compliant=[
        _pair(versions="data"),
        _pair(versions="copy"),
        _pair(locked="data"),
        _pair(kms=True),
        _pair(_key(_OSAKA)),
        _pair(_key("ap-northeast-1"), kms=True),
        _pair(_TIMED),
        _pair({"replicationTime": {"status": "Enabled", "time": {"minutes": 30}}, **_COUNTED}),
    ],
)


# Of the metrics of a copy these come from the copy's region, the other from the source's.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html
_METRICS = {
    "BytesPendingReplication": "DestinationBucket",
    "OperationsPendingReplication": "DestinationBucket",
    "ReplicationLatency": "DestinationBucket",
    "OperationsFailedReplication": "SourceBucket",
}


def _watched(metric: str, **props: Any) -> Any:
    buckets = [
        aws("s3/bucket:Bucket", {"bucket": "shop-data"}, name="data"),
        aws("s3/bucket:Bucket", {"bucket": "shop-copy", "region": _OSAKA}, name="copy"),
    ]
    dimensions = {"SourceBucket": "shop-data", "DestinationBucket": "shop-copy", "RuleId": "all"}
    given = {"namespace": "AWS/S3", "metricName": metric, "dimensions": dimensions, **props}
    return example(*buckets, aws(types.METRIC_ALARM, given, name="alarm"))


@graph_rule(
    id="replication-alarm-region",
    title="Alarms on the copies of buckets are where S3 counts",
    types=(types.METRIC_ALARM,),
    level=MANDATORY,
    severity="medium",
    topics=("backup", "logging"),
    remedy=f"Set the alarm's region to that of the bucket, and tell a topic there: {_METRICS}.".replace("'", ""),
)
def replication_alarm_region(alarm: Resource, at: Context) -> Iterator[str]:
    """An alarm in another region has no data for ever, and stays silent."""
    dimension = _METRICS.get(str(alarm.props.maybe("metricName")))
    if alarm.props.maybe("namespace") != "AWS/S3" or dimension is None:
        return
    name = alarm.props.get(f"dimensions.{dimension}")
    for bucket in at.graph.named(str(name), types.S3_BUCKET):
        there, here = bucket.region(at.stack), alarm.region(at.stack)
        if there != here:
            yield f"the alarm is in {here or 'the region of the stack'}, and the metric in that of {bucket.name}"


replication_alarm_region.examples(
    compliant=[_watched("ReplicationLatency", region=_OSAKA), _watched("OperationsFailedReplication")],
    non_compliant=[_watched("ReplicationLatency"), _watched("OperationsFailedReplication", region=_OSAKA)],
)
