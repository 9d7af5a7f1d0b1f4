"""What happens to the objects in an S3 bucket over time: versions, expiry, access logs, protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, show
from guardrails.rules.log_buckets import AUDIT, BUCKET, DAYS_TO_KEEP, class_of_prefix, log_class

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Graph, Props, Resource

VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
OBJECT_LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"

# What would be lost for good: data, and the keys without which data cannot be read.
_KEEPS_DATA = (
    BUCKET,
    "aws:kms/key:Key",
    "aws:rds/instance:Instance",
    "aws:rds/cluster:Cluster",
    "aws:dynamodb/table:Table",
    "aws:dynamodb/tableReplica:TableReplica",
    "aws:efs/fileSystem:FileSystem",
    "aws:cognito/userPool:UserPool",
)


def _bucket(name: str = "data", **props: Any) -> Any:
    return aws("s3/bucket:Bucket", props, name=name)


def _versioned(status: str, bucket: str = "data") -> Any:
    props = {"bucket": ref(bucket), "versioningConfiguration": {"status": status}}
    return aws(VERSIONING.removeprefix("aws:"), props, name=f"{bucket}-versioning")


def _lifecycle(*rules: dict[str, Any], bucket: str = "data") -> Any:
    props = {"bucket": ref(bucket), "rules": [{"id": "r", "status": "Enabled", **each} for each in rules]}
    return aws(LIFECYCLE.removeprefix("aws:"), props, name=f"{bucket}-lifecycle")


_ABORT = {"abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}
_NONCURRENT = {"noncurrentVersionExpiration": {"noncurrentDays": 30}}


@graph_rule(
    id="bucket-versioning",
    title="Buckets keep old versions",
    types=(BUCKET,),
    level=MANDATORY,
    severity="medium",
    topics=("backup",),
    references=("C21",),
    remedy="Add a BucketVersioning with status Enabled; where versions make no sense, waive the rule and say why.",
    compliant=[example(_bucket(), _versioned("Enabled")), example(_bucket(versioning={"enabled": True}))],
    non_compliant=[example(_bucket()), example(_bucket(), _versioned("Suspended"))],
)
def bucket_versioning(bucket: Resource, at: Context) -> Iterator[str]:
    """Without versions an overwritten or deleted object is gone."""
    if not _is_versioned(bucket, at.graph):
        yield "versioning is not enabled"


def _is_versioned(bucket: Resource, graph: Graph) -> bool:
    if bucket.inputs.get("versioning.enabled"):
        return True
    children = graph.children(bucket, VERSIONING, via="bucket")
    return any(child.props.get("versioningConfiguration.status") == "Enabled" for child in children)


def _lifecycle_rules(bucket: Resource, graph: Graph) -> list[Props]:
    """The enabled lifecycle rules of the bucket. Raises NotYetKnown."""
    found = [rule for child in graph.children(bucket, LIFECYCLE, via="bucket") for rule in child.props.items("rules")]
    return [rule for rule in found if rule.get("status") == "Enabled"]


@graph_rule(
    id="bucket-noncurrent-expiry",
    title="Old versions of objects expire",
    types=(BUCKET,),
    level=MANDATORY,
    severity="low",
    topics=("backup", "cost"),
    references=("C300",),
    remedy="Add a lifecycle rule with noncurrentVersionExpiration.",
    compliant=[
        example(_bucket(), _versioned("Enabled"), _lifecycle(_NONCURRENT)),
        example(_bucket()),
    ],
    non_compliant=[
        example(_bucket(), _versioned("Enabled")),
        example(_bucket(), _versioned("Enabled"), _lifecycle(_ABORT)),
        example(_bucket(), _versioned("Enabled"), _lifecycle({**_NONCURRENT, "status": "Disabled"})),
    ],
)
def bucket_noncurrent_expiry(bucket: Resource, at: Context) -> Iterator[str]:
    """A versioned bucket grows for ever unless an enabled lifecycle rule removes what was overwritten."""
    if not _is_versioned(bucket, at.graph):
        return
    if not any(each.has("noncurrentVersionExpiration") for each in _lifecycle_rules(bucket, at.graph)):
        yield "old versions are kept for ever"


@graph_rule(
    id="bucket-multipart-abort",
    title="Unfinished uploads are removed",
    types=(BUCKET,),
    level=MANDATORY,
    severity="low",
    topics=("backup", "cost"),
    references=("C300",),
    remedy="Add a lifecycle rule with abortIncompleteMultipartUpload.",
    compliant=[example(_bucket(), _lifecycle(_ABORT))],
    non_compliant=[example(_bucket()), example(_bucket(), _lifecycle(_NONCURRENT))],
)
def bucket_multipart_abort(bucket: Resource, at: Context) -> Iterator[str]:
    """The parts of an upload that was never finished cannot be seen in a listing, and are paid for."""
    if not any(each.has("abortIncompleteMultipartUpload") for each in _lifecycle_rules(bucket, at.graph)):
        yield "the parts of unfinished uploads are kept for ever"


@graph_rule(
    id="bucket-access-logs",
    title="Buckets record who reads and writes them",
    types=(BUCKET,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("logging",),
    references=("A", "N-S1", "C18"),
    remedy="Add a BucketLogging that delivers to the log bucket.",
    compliant=[
        example(
            _bucket(),
            aws(
                LOGGING.removeprefix("aws:"), {"bucket": ref("data"), "targetBucket": ref("logs")}, name="data-logging"
            ),
            _bucket("logs"),
        ),
        example(
            _bucket("logs-of-it"),
            _bucket("copy", region="ap-northeast-3"),
            aws(
                REPLICATION.removeprefix("aws:"),
                {
                    "bucket": ref("logs-of-it"),
                    "rules": [{"status": "Enabled", "destination": {"bucket": ref("copy", "arn")}}],
                },
                name="replication",
            ),
        ),
    ],
    non_compliant=[
        example(_bucket()),
        example(_bucket(), _bucket("copy", region="ap-northeast-3")),
    ],
)
def bucket_access_logs(bucket: Resource, at: Context) -> Iterator[str]:
    """Log buckets are left out: a log of the log would never end. So are copies in another region: AWS delivers logs
    within a region only, and who reads the copies is seen in the trail."""
    if log_class(bucket, at.graph) is not None or at.graph.children(bucket, LOGGING, via="bucket"):
        return
    if not _is_copy_elsewhere(bucket, at):
        yield "access is not logged"


def _is_copy_elsewhere(bucket: Resource, at: Context) -> bool:
    """Whether a bucket of another region is replicated here. Raises NotYetKnown."""
    for replication in at.graph.of_kind(REPLICATION):
        if replication.region(at.stack) != bucket.region(at.stack) and _copies_to(replication, bucket):
            return True
    return False


def _copies_to(replication: Resource, bucket: Resource) -> bool:
    if bucket.urn in replication.dependencies.get("rules", ()):
        return True
    if replication.dependencies.get("rules"):
        return False
    targets = [rule.get("destination.bucket") for rule in replication.props.items("rules").blocks()]
    return not bucket.identifiers.isdisjoint(str(target) for target in targets)


@graph_rule(
    id="log-bucket-expiry",
    title="Log buckets keep logs as long as their kind demands, and not for ever",
    types=(BUCKET,),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("F S3.13",),
    remedy=(
        "Add a lifecycle rule whose expiration.days is at least "
        + ", ".join(f"{days} ({kind})" for kind, days in DAYS_TO_KEEP.items())
        + "."
    ),
    compliant=[
        example(_bucket("logs"), _lifecycle({"expiration": {"days": 365}}, bucket="logs")),
        example(_bucket("audit"), _lifecycle({"expiration": {"days": 1096}}, bucket="audit")),
        example(
            _bucket("audit"),
            _lifecycle(
                {"expiration": {"days": 1096}},
                {"filter": {"prefix": "access/"}, "expiration": {"days": 365}},
                bucket="audit",
            ),
        ),
        example(_bucket()),
        example(
            _bucket("logs"),
            _lifecycle(
                {"expiration": {"days": 365}},
                {"filter": {"prefix": "errors/"}, "expiration": {"days": 180}},
                bucket="logs",
            ),
        ),
    ],
    non_compliant=[
        example(_bucket("logs")),
        example(_bucket("logs"), _lifecycle({"expiration": {"days": 90}}, bucket="logs")),
        example(_bucket("audit"), _lifecycle({"expiration": {"days": 365}}, bucket="audit")),
        example(_bucket("data", tags={"LogClass": "error"}), _lifecycle({"expiration": {"days": 30}})),
        example(
            _bucket("logs"),
            _lifecycle({"filter": {"prefix": "audit/"}, "expiration": {"days": 365}}, bucket="logs"),
        ),
        example(
            _bucket("audit"),
            _lifecycle({"filter": {"prefix": "errors/"}, "expiration": {"days": 180}}, bucket="audit"),
        ),
    ],
)
def log_bucket_expiry(bucket: Resource, at: Context) -> Iterator[str]:
    """The kind of a log bucket comes from its tag LogClass, from its name (audit, trail; error-logs; log, logs) or from
    what is delivered to it; a lifecycle rule for a prefix such as `audit/` is judged by the kind the prefix names."""
    kind = log_class(bucket, at.graph)
    if kind is None:
        return
    expiring = [each for each in _lifecycle_rules(bucket, at.graph) if each.has("expiration.days")]
    kinds = [class_of_prefix(_prefix(each)) or kind for each in expiring]
    if kind not in kinds:
        # A rule for a prefix of another kind says nothing about the bucket's own logs.
        yield f"{kind} logs are kept for ever"
    for each, of_rule in zip(expiring, kinds, strict=True):
        days = each.number("expiration.days")
        if days is not None and days < DAYS_TO_KEEP[of_rule]:
            yield f"{of_rule} logs are deleted after {show(days)} days, not {DAYS_TO_KEEP[of_rule]}"


def _prefix(lifecycle_rule: Props) -> str:
    found = (lifecycle_rule.get(path) for path in ("filter.prefix", "filter.and.prefix", "prefix"))
    return str(next((each for each in found if each), ""))


@graph_rule(
    id="audit-bucket-lock",
    title="Audit logs cannot be deleted by anybody before their time",
    types=(BUCKET,),
    level=MANDATORY,
    severity="high",
    topics=("logging",),
    references=("C143", "F S3.15"),
    remedy="Set objectLockEnabled and add a BucketObjectLockConfiguration with a default retention.",
    compliant=[
        example(
            _bucket("audit", objectLockEnabled=True),
            aws(
                OBJECT_LOCK.removeprefix("aws:"),
                {"bucket": ref("audit"), "rule": {"defaultRetention": {"mode": "GOVERNANCE", "years": 3}}},
                name="audit-lock",
            ),
        ),
        example(_bucket("logs")),
    ],
    non_compliant=[
        example(_bucket("audit")),
        example(_bucket("audit", objectLockEnabled=True)),
        example(
            _bucket("audit", objectLockEnabled=True),
            aws(OBJECT_LOCK.removeprefix("aws:"), {"bucket": ref("audit")}, name="audit-lock"),
        ),
    ],
)
def audit_bucket_lock(bucket: Resource, at: Context) -> Iterator[str]:
    """Buckets of the kind "audit" (see log-bucket-expiry) need Object Lock with a default retention."""
    if log_class(bucket, at.graph) != AUDIT:
        return
    locks = at.graph.children(bucket, OBJECT_LOCK, via="bucket")
    if not bucket.inputs.get("objectLockEnabled") and not locks:
        yield "Object Lock is off"
    elif not any(lock.props.has("rule.defaultRetention.mode") for lock in locks):
        yield "Object Lock has no default retention, so it locks nothing"


@rule(
    id="data-protected",
    title="In production, what keeps data is protected against deletion",
    types=_KEEPS_DATA,
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    remedy="Give the resource the option protect=True.",
    compliant=[example(aws("kms/key:Key", protect=True), environment="prod")],
    non_compliant=[
        example(aws("kms/key:Key"), environment="prod"),
        example(aws("s3/bucket:Bucket"), environment="prod"),
    ],
)
def data_protected(resource: Resource, _at: Context) -> Iterator[str]:
    """Pulumi's `protect` stops a deletion, and a replacement, that somebody did not mean."""
    if not resource.protect:
        yield "the resource is not protected"


@rule(
    id="no-force-destroy",
    title="In production, nothing is deleted together with its content",
    types=(BUCKET, "aws:ecr/repository:Repository", "aws:route53/zone:Zone", "aws:backup/vault:Vault"),
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    remedy="Remove forceDestroy or forceDelete.",
    compliant=[
        example(aws("s3/bucket:Bucket", {"forceDestroy": False}), environment="prod"),
        example(aws("ecr/repository:Repository"), environment="prod"),
    ],
    non_compliant=[
        example(aws("s3/bucket:Bucket", {"forceDestroy": True}), environment="prod"),
        example(aws("ecr/repository:Repository", {"forceDelete": True}), environment="prod"),
    ],
)
def no_force_destroy(resource: Resource, _at: Context) -> Iterator[str]:
    """`forceDestroy` empties a bucket, a zone or a vault without asking; `forceDelete` a repository."""
    for switch in ("forceDestroy", "forceDelete"):
        if resource.props.get(switch):
            yield f"{switch} is on"


RULES = (
    bucket_versioning,
    bucket_noncurrent_expiry,
    bucket_multipart_abort,
    bucket_access_logs,
    log_bucket_expiry,
    audit_bucket_lock,
    data_protected,
    no_force_destroy,
)
