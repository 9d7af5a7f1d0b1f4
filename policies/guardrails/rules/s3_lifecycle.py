"""What happens to the objects in an S3 bucket over time: versions, expiry, access logs, protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, show
from guardrails.rules.log_buckets import AUDIT, DAYS_TO_KEEP, class_of_prefix, log_class

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Graph, Props, Resource


# What would be lost for good: data, and the keys without which data cannot be read.
_KEEPS_DATA = (
    types.S3_BUCKET,
    types.KMS_KEY,
    types.RDS_INSTANCE,
    types.RDS_CLUSTER,
    types.DYNAMODB_TABLE,
    types.TABLE_REPLICA,
    types.FILE_SYSTEM,
    types.USER_POOL,
)

# What happened, what nobody else knows, what is not done yet, and what keeps others away from it.
_KEEPS_EVIDENCE = (
    types.LOG_GROUP,
    types.CLOUDTRAIL_TRAIL,
    types.GUARDDUTY_DETECTOR,
    types.SECRETSMANAGER_SECRET,
    types.SSM_PARAMETER,
    types.SQS_QUEUE,
    types.BUCKET_POLICY,
    types.BUCKET_PUBLIC_ACCESS_BLOCK,
)


def _bucket(name: str = "data", **props: Any) -> Any:
    return aws("s3/bucket:Bucket", props, name=name)


def _versioned(status: str, bucket: str = "data") -> Any:
    props = {"bucket": ref(bucket), "versioningConfiguration": {"status": status}}
    return aws(types.BUCKET_VERSIONING, props, name=f"{bucket}-versioning")


def _lifecycle(*rules: dict[str, Any], bucket: str = "data") -> Any:
    props = {"bucket": ref(bucket), "rules": [{"id": "r", "status": "Enabled", **each} for each in rules]}
    return aws(types.BUCKET_LIFECYCLE_CONFIGURATION, props, name=f"{bucket}-lifecycle")


_ABORT = {"abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}
_NONCURRENT = {"noncurrentVersionExpiration": {"noncurrentDays": 30}}


@graph_rule(
    id="bucket-versioning",
    title="Buckets have versioning",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="medium",
    topics=("backup",),
    references=("C21",),
    remedy="Add a BucketVersioning with status Enabled; where versions make no sense, waive the rule and say why.",
)
def bucket_versioning(bucket: Resource, at: Context) -> Iterator[str]:
    """Without versions an overwritten or deleted object is gone."""
    if not is_versioned(bucket, at.graph):
        yield "versioning is not enabled"


bucket_versioning.examples(
    compliant=[example(_bucket(), _versioned("Enabled")), _bucket(versioning={"enabled": True})],
    non_compliant=[_bucket(), example(_bucket(), _versioned("Suspended"))],
)


def is_versioned(bucket: Resource, graph: Graph) -> bool:
    """Whether overwritten and deleted objects stay. Raises NotYetKnown."""
    if bucket.inputs.get("versioning.enabled"):
        return True
    children = graph.children(bucket, types.BUCKET_VERSIONING, via="bucket")
    return any(child.props.get("versioningConfiguration.status") == "Enabled" for child in children)


def _lifecycle_rules(bucket: Resource, graph: Graph) -> list[Props]:
    """The enabled lifecycle rules of the bucket. Raises NotYetKnown."""
    found = [
        rule
        for child in graph.children(bucket, types.BUCKET_LIFECYCLE_CONFIGURATION, via="bucket")
        for rule in child.props.items("rules")
    ]
    return [rule for rule in found if rule.get("status") == "Enabled"]


@graph_rule(
    id="bucket-noncurrent-expiry",
    title="Old versions of objects expire",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="low",
    topics=("backup", "cost"),
    references=("C300",),
    remedy="Add a lifecycle rule with noncurrentVersionExpiration.",
)
def bucket_noncurrent_expiry(bucket: Resource, at: Context) -> Iterator[str]:
    """A versioned bucket grows for ever unless an enabled lifecycle rule removes what was overwritten. A bucket with
    MFA delete can have none (see bucket-mfa-delete)."""
    if not is_versioned(bucket, at.graph) or _has_mfa_delete(bucket, at.graph):
        return
    if not any(each.has("noncurrentVersionExpiration") for each in _lifecycle_rules(bucket, at.graph)):
        yield "old versions are kept for ever"


bucket_noncurrent_expiry.examples(
    compliant=[example(_bucket(), _versioned("Enabled"), _lifecycle(_NONCURRENT)), _bucket()],
    non_compliant=[
        example(_bucket(), _versioned("Enabled")),
        example(_bucket(), _versioned("Enabled"), _lifecycle(_ABORT)),
        example(_bucket(), _versioned("Enabled"), _lifecycle({**_NONCURRENT, "status": "Disabled"})),
    ],
)


@graph_rule(
    id="bucket-multipart-abort",
    title="Unfinished uploads are removed",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="low",
    topics=("backup", "cost"),
    references=("C300",),
    remedy="Add a lifecycle rule with abortIncompleteMultipartUpload.",
)
def bucket_multipart_abort(bucket: Resource, at: Context) -> Iterator[str]:
    """The parts of an upload that was never finished cannot be seen in a listing, and are paid for. A bucket with MFA
    delete can have no rules that remove them (see bucket-mfa-delete)."""
    if _has_mfa_delete(bucket, at.graph):
        return
    if not any(each.has("abortIncompleteMultipartUpload") for each in _lifecycle_rules(bucket, at.graph)):
        yield "the parts of unfinished uploads are kept for ever"


bucket_multipart_abort.examples(
    compliant=[example(_bucket(), _lifecycle(_ABORT))],
    non_compliant=[_bucket(), example(_bucket(), _lifecycle(_NONCURRENT))],
)


_MFA_DELETE_TAG = "MfaDelete"


def _has_mfa_delete(bucket: Resource, graph: Graph) -> bool:
    """Whether a version is deleted with a second factor only: the program says so, or the tag says that somebody
    switches it on, which only the root user can."""
    if bucket.tags.has(_MFA_DELETE_TAG):
        return True
    versionings = graph.children(bucket, types.BUCKET_VERSIONING, via="bucket")
    return any(each.props.maybe("versioningConfiguration.mfaDelete") == "Enabled" for each in versionings)


@graph_rule(
    id="bucket-mfa-delete",
    title="A bucket with MFA delete has versions, and no lifecycle rules, which S3 refuses",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="medium",
    topics=("backup",),
    remedy=f"Remove the BucketLifecycleConfiguration, or MFA delete with the tag {_MFA_DELETE_TAG}.",
)
def bucket_mfa_delete(bucket: Resource, at: Context) -> Iterator[str]:
    """docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html: not supported together."""
    if not _has_mfa_delete(bucket, at.graph):
        return
    if not is_versioned(bucket, at.graph):
        yield "MFA delete guards versions, and there are none"
    for lifecycle in at.graph.children(bucket, types.BUCKET_LIFECYCLE_CONFIGURATION, via="bucket"):
        yield f"MFA delete and {lifecycle.name} exclude each other"


_BY_HAND = {_MFA_DELETE_TAG: "by-hand"}
bucket_mfa_delete.examples(
    compliant=[
        _bucket(),
        example(_bucket(tags=_BY_HAND), _versioned("Enabled")),
        example(_bucket(), _versioned("Enabled"), _lifecycle(_NONCURRENT)),
    ],
    non_compliant=[
        _bucket(tags=_BY_HAND),
        example(_bucket(tags=_BY_HAND), _versioned("Enabled"), _lifecycle(_NONCURRENT)),
    ],
)


@graph_rule(
    id="bucket-access-logs",
    title="Buckets have access logs",
    types=(types.S3_BUCKET,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("logging",),
    references=("A", "N-S1", "C18"),
    remedy="Add a BucketLogging that delivers to the log bucket.",
)
def bucket_access_logs(bucket: Resource, at: Context) -> Iterator[str]:
    """Log buckets are left out: a log of the log would never end. So are copies in another region: AWS delivers logs
    within a region only, and who reads the copies is seen in the trail."""
    if log_class(bucket, at.graph) is not None or at.graph.children(bucket, types.BUCKET_LOGGING, via="bucket"):
        return
    if not _is_copy_elsewhere(bucket, at):
        yield "access logging is off"


bucket_access_logs.examples(
    compliant=[
        example(
            _bucket(),
            aws(types.BUCKET_LOGGING, {"bucket": ref("data"), "targetBucket": ref("logs")}, name="data-logging"),
            _bucket("logs"),
        ),
        example(
            _bucket("logs-of-it"),
            _bucket("copy", region="ap-northeast-3"),
            aws(
                types.BUCKET_REPLICATION_CONFIG,
                {
                    "bucket": ref("logs-of-it"),
                    "rules": [{"status": "Enabled", "destination": {"bucket": ref("copy", "arn")}}],
                },
                name="replication",
            ),
        ),
    ],
    non_compliant=[_bucket(), example(_bucket(), _bucket("copy", region="ap-northeast-3"))],
)


def _is_copy_elsewhere(bucket: Resource, at: Context) -> bool:
    """Whether a bucket of another region is replicated here. Raises NotYetKnown."""
    for replication in at.graph.of_kind(types.BUCKET_REPLICATION_CONFIG):
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
    title="Log buckets expire logs, and not before their kind allows",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("F S3.13",),
    remedy=(
        "Add a lifecycle rule whose expiration.days is at least "
        + ", ".join(f"{days} ({kind})" for kind, days in DAYS_TO_KEEP.items())
        + "."
    ),
)
def log_bucket_expiry(bucket: Resource, at: Context) -> Iterator[str]:
    """The kind of a log bucket comes from its tag LogClass, from its name (audit, trail; error-logs; log, logs) or from
    what is delivered to it; a lifecycle rule for a prefix such as `audit/` is checked by the kind the prefix names."""
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


log_bucket_expiry.examples(
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
        _bucket(),
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
        _bucket("logs"),
        example(_bucket("logs"), _lifecycle({"expiration": {"days": 90}}, bucket="logs")),
        example(_bucket("audit"), _lifecycle({"expiration": {"days": 365}}, bucket="audit")),
        example(_bucket("data", tags={"LogClass": "error"}), _lifecycle({"expiration": {"days": 30}})),
        example(
            _bucket("logs"), _lifecycle({"filter": {"prefix": "audit/"}, "expiration": {"days": 365}}, bucket="logs")
        ),
        example(
            _bucket("audit"), _lifecycle({"filter": {"prefix": "errors/"}, "expiration": {"days": 180}}, bucket="audit")
        ),
    ],
)


def _prefix(lifecycle_rule: Props) -> str:
    found = (lifecycle_rule.get(path) for path in ("filter.prefix", "filter.and.prefix", "prefix"))
    return str(next((each for each in found if each), ""))


@graph_rule(
    id="audit-bucket-lock",
    title="Audit logs have Object Lock",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="high",
    topics=("logging",),
    references=("C143", "F S3.15"),
    remedy="Set objectLockEnabled and add a BucketObjectLockConfiguration with a default retention.",
)
def audit_bucket_lock(bucket: Resource, at: Context) -> Iterator[str]:
    """Buckets of the kind "audit" (see log-bucket-expiry) need Object Lock with a default retention."""
    if log_class(bucket, at.graph) != AUDIT:
        return
    locks = at.graph.children(bucket, types.BUCKET_OBJECT_LOCK_CONFIGURATION, via="bucket")
    if not bucket.inputs.get("objectLockEnabled") and not locks:
        yield "Object Lock is off"
    elif not any(lock.props.has("rule.defaultRetention.mode") for lock in locks):
        yield "Object Lock has no default retention, so it locks nothing"


audit_bucket_lock.examples(
    compliant=[
        example(
            _bucket("audit", objectLockEnabled=True),
            aws(
                types.BUCKET_OBJECT_LOCK_CONFIGURATION,
                {"bucket": ref("audit"), "rule": {"defaultRetention": {"mode": "GOVERNANCE", "years": 3}}},
                name="audit-lock",
            ),
        ),
        _bucket("logs"),
    ],
    non_compliant=[
        _bucket("audit"),
        _bucket("audit", objectLockEnabled=True),
        example(
            _bucket("audit", objectLockEnabled=True),
            aws(types.BUCKET_OBJECT_LOCK_CONFIGURATION, {"bucket": ref("audit")}, name="audit-lock"),
        ),
    ],
)


@rule(
    id="data-protected",
    title="In production, what keeps data is protected against deletion",
    types=_KEEPS_DATA,
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    remedy="Give the resource the option protect=True.",
)
def data_protected(resource: Resource, _at: Context) -> Iterator[str]:
    """Pulumi's `protect` stops a deletion, and a replacement, that somebody did not mean."""
    if not resource.protect:
        yield "the resource is not protected"


data_protected.examples(
    compliant=[example(aws("kms/key:Key", protect=True), environment="prod")],
    non_compliant=[
        example(aws("kms/key:Key"), environment="prod"),
        example(aws("s3/bucket:Bucket"), environment="prod"),
    ],
)


@rule(
    id="evidence-protected",
    title="In production, logs, secrets and messages are protected against deletion",
    types=_KEEPS_EVIDENCE,
    level=ADVISORY,
    severity="medium",
    topics=("backup",),
    environments=("prod",),
    remedy="Give the resource the option protect=True.",
)
def evidence_protected(resource: Resource, _at: Context) -> Iterator[str]:
    """`pulumi destroy` without its preview deletes all that is not protected, before it fails at what is."""
    plain = resource.kind == types.SSM_PARAMETER and resource.props.get("type") != "SecureString"
    if not resource.protect and not plain:
        yield "the resource is not protected"


evidence_protected.examples(
    compliant=[
        example(aws("cloudtrail/trail:Trail", protect=True), environment="prod"),
        example(aws("ssm/parameter:Parameter", {"type": "String"}), environment="prod"),
    ],
    non_compliant=[
        example(aws("ssm/parameter:Parameter", {"type": "SecureString"}), environment="prod"),
        example(aws("cloudtrail/trail:Trail"), environment="prod"),
        example(aws("secretsmanager/secret:Secret"), environment="prod"),
    ],
)


@rule(
    id="no-force-destroy",
    title="In production, nothing is deleted together with its content",
    types=(types.S3_BUCKET, types.ECR_REPOSITORY, types.ROUTE53_ZONE, types.BACKUP_VAULT),
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    remedy="Remove forceDestroy or forceDelete.",
)
def no_force_destroy(resource: Resource, _at: Context) -> Iterator[str]:
    """`forceDestroy` empties a bucket, a zone or a vault without asking; `forceDelete` a repository."""
    for switch in ("forceDestroy", "forceDelete"):
        if resource.props.get(switch):
            yield f"{switch} is on"


no_force_destroy.examples(
    compliant=[
        example(aws("s3/bucket:Bucket", {"forceDestroy": False}), environment="prod"),
        example(aws("ecr/repository:Repository"), environment="prod"),
    ],
    non_compliant=[
        example(aws("s3/bucket:Bucket", {"forceDestroy": True}), environment="prod"),
        example(aws("ecr/repository:Repository", {"forceDelete": True}), environment="prod"),
    ],
)
