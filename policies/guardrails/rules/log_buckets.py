"""Which buckets hold logs, and of which kind: it decides how they are encrypted and how long they keep things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit.stack import LOG_DAYS

if TYPE_CHECKING:
    from guardrails.kit import Graph, Resource


ACCESS, ERROR, AUDIT = "access", "error", "audit"
DAYS_TO_KEEP = {kind: LOG_DAYS[kind] for kind in (ACCESS, ERROR, AUDIT)}

# Every record of a program, errors among them.
_OTHER_WORDS = {"app": ERROR}

LOG_CLASS_TAG = "LogClass"

# AWS writes to these only if the bucket's default encryption is SSE-S3; with a KMS key the logs are lost.
_ONLY_SSE_S3 = (
    (types.BUCKET_LOGGING, "targetBucket"),
    (types.LB_LOAD_BALANCER, "accessLogs.bucket"),
)
_ACCESS_LOGS = (
    *_ONLY_SSE_S3,
    (types.FLOW_LOG, "logDestination"),
    (types.CLOUDFRONT_DISTRIBUTION, "loggingConfig.bucket"),
)
_AUDIT_LOGS = ((types.CLOUDTRAIL_TRAIL, "s3BucketName"),)


def needs_sse_s3(bucket: Resource, graph: Graph) -> bool:
    """Whether a service delivers logs here that cannot use a KMS key. Raises NotYetKnown."""
    return any(graph.children(bucket, kind, via=via) for kind, via in _ONLY_SSE_S3)


def log_class(bucket: Resource, graph: Graph) -> str | None:
    """What kind of logs the bucket holds; None if it is no log bucket. Raises NotYetKnown.

    The tag LogClass says it, or the bucket's name (audit, trail; error-logs; log, logs), or what is delivered to it.
    """
    words = set(bucket.name.replace("_", "-").lower().split("-"))
    if words & {"audit", "trail", "cloudtrail"}:
        return AUDIT
    if words & {"log", "logs", "logging"}:
        return _tagged(bucket) or (ERROR if words & {"error", "errors"} else ACCESS)
    if tagged := _tagged(bucket):
        return tagged
    if any(graph.children(bucket, kind, via=via) for kind, via in _AUDIT_LOGS):
        return AUDIT
    return ACCESS if any(graph.children(bucket, kind, via=via) for kind, via in _ACCESS_LOGS) else None


def class_of_prefix(prefix: str) -> str | None:
    """The class that a lifecycle rule's prefix names, as in `audit/`."""
    words = set(prefix.lower().replace("-", "/").split("/"))
    other = next((kind for word, kind in _OTHER_WORDS.items() if word in words), None)
    return next((name for name in DAYS_TO_KEEP if words & {name, f"{name}s"}), other)


def _tagged(bucket: Resource) -> str | None:
    value = bucket.tags.get(LOG_CLASS_TAG)
    return value if value in DAYS_TO_KEEP else None
