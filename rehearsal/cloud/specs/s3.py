"""S3: a bucket and the sub-resources that configure it, each one request."""

from __future__ import annotations

import re
from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec
from rehearsal.problems import RequestError

_S3_ZONE: Final = {
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
    "ap-northeast-3": "Z2YQB5RD63NC85",
    "us-east-1": "Z3AQBSTGFYJSTF",
}


# "General purpose bucket naming rules", Amazon S3 User Guide; neither the service model nor moto has them all.
_BUCKET_NAME: Final = re.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)"
)


def _create_bucket(context: CreateContext) -> dict[str, Any]:
    if not _BUCKET_NAME.fullmatch(context.inputs["bucket"]):
        raise RequestError(
            f"bucket: {context.inputs['bucket']!r} is not a name that S3 allows",
            "use 3 to 63 lower-case letters, digits, dots and hyphens, with a letter or digit at both ends",
        )
    request: dict[str, Any] = {"Bucket": context.inputs["bucket"]}
    if context.region != "us-east-1":
        request["CreateBucketConfiguration"] = {"LocationConstraint": context.region}
    if context.inputs.get("objectLockEnabled"):
        request["ObjectLockEnabledForBucket"] = True
    return context.call("CreateBucket", request)


def _sub_resource(operation: str, container: str, **spec: Any) -> Spec:
    """A Put request that carries the bucket and one configuration structure."""
    takes = spec.pop("takes", {})
    return Spec(
        service="s3",
        create=Call(
            operation=operation,
            takes={**{key: f"{container}.{member}" for key, member in takes.items()}, **spec.pop("beside", {})},
            reshape=spec.pop("reshape", None),
        ),
        id="{bucket}",
        left_out={
            "expectedBucketOwner": "a safeguard of the provider's reads",
            "token": "for replication into locked buckets by support request",
        },
        **spec,
    )


def _lifecycle(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider sends an empty filter for a rule without one; filters with several conditions become `And`."""
    rules = []
    for rule in inputs.get("rules", []):
        rule = {key: value for key, value in rule.items() if key != "prefix"}
        rule["filter"] = _filter(rule.get("filter") or {"prefix": ""})
        rules.append(rule)
    return {**inputs, "rules": rules}


def _filter(condition: dict[str, Any]) -> dict[str, Any]:
    if "and" in condition:
        both = dict(condition["and"])
        if "tags" in both:
            both["tags"] = [{"key": key, "value": value} for key, value in sorted(both["tags"].items())]
        return {"and": both}
    return condition


def _encryption(inputs: dict[str, Any]) -> dict[str, Any]:
    renames = {"sseAlgorithm": "sSEAlgorithm", "kmsMasterKeyId": "kMSMasterKeyID"}
    rules = []
    for rule in inputs.get("rules", []):
        rule = dict(rule)
        if "applyServerSideEncryptionByDefault" in rule:
            rule["applyServerSideEncryptionByDefault"] = {
                renames.get(key, key): value for key, value in rule["applyServerSideEncryptionByDefault"].items()
            }
        if "blockedEncryptionTypes" in rule:
            rule["blockedEncryptionTypes"] = {"encryptionType": rule["blockedEncryptionTypes"]}
        rules.append(rule)
    return {**inputs, "rules": rules}


def _replication(inputs: dict[str, Any]) -> dict[str, Any]:
    rules = []
    for rule in inputs.get("rules", []):
        rule = {**rule, "filter": _filter(rule.get("filter") or {"prefix": ""})}
        if "id" in rule:
            rule["iD"] = rule.pop("id")
        destination = dict(rule.get("destination", {}))
        if "encryptionConfiguration" in destination:
            destination["encryptionConfiguration"] = {
                "replicaKmsKeyID": destination["encryptionConfiguration"]["replicaKmsKeyId"]
            }
        rules.append({**rule, "destination": destination})
    return {**inputs, "rules": rules}


_NOTIFIED: Final = ("lambdaFunctions", "queues", "topics")


def _notification(inputs: dict[str, Any]) -> dict[str, Any]:
    """Prefix and suffix are rules of a filter, and what goes to EventBridge is an empty structure."""
    made: dict[str, Any] = {}
    for key in _NOTIFIED:
        for block in inputs.get(key, []):
            each = {name: value for name, value in block.items() if not name.startswith("filter")}
            rules = [
                {"name": name, "value": block[given]}
                for name, given in (("prefix", "filterPrefix"), ("suffix", "filterSuffix"))
                if given in block
            ]
            made.setdefault(key, []).append({**each, **({"filter": {"key": {"filterRules": rules}}} if rules else {})})
    if inputs.get("eventbridge"):
        made["eventbridge"] = {}
    return {"bucket": inputs["bucket"], **made}


def _tiering(inputs: dict[str, Any]) -> dict[str, Any]:
    """S3 wants the configuration's name twice, and several conditions under `And`."""
    configuration: dict[str, Any] = {
        "id": inputs["name"],
        "status": inputs.get("status", "Enabled"),
        "tierings": inputs.get("tierings", []),
    }
    condition = inputs.get("filter") or {}
    if condition.get("tags"):
        pairs = [{"key": key, "value": value} for key, value in sorted(condition["tags"].items())]
        condition = {"and": {**({"prefix": condition["prefix"]} if "prefix" in condition else {}), "tags": pairs}}
    if condition:
        configuration["filter"] = condition
    others = {key: value for key, value in inputs.items() if key not in ("name", "status", "filter", "tierings")}
    return {**others, "id": inputs["name"], "intelligentTieringConfiguration": configuration}


SPECS: Final[dict[str, Spec]] = {
    "aws:s3/bucket:Bucket": Spec(
        service="s3",
        create=Code(_create_bucket, reads=("bucket", "objectLockEnabled")),
        id="{bucket}",
        autoname="bucket",
        tagging=Call(
            operation="PutBucketTagging",
            fixed={
                "Bucket": "{bucket}",
                "Tagging": lambda context: {
                    "TagSet": [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]
                },
            },
        ),
        outputs={
            "arn": "arn:{partition}:s3:::{bucket}",
            "bucketDomainName": "{bucket}.s3.amazonaws.com",
            "bucketRegionalDomainName": "{bucket}.s3.{region}.amazonaws.com",
            "bucketRegion": "{region}",
            "hostedZoneId": lambda context: _S3_ZONE.get(context.region),
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _sub_resource(
        "PutBucketVersioning",
        "VersioningConfiguration",
        beside={"mfa": "MFA", "versioningConfiguration": "VersioningConfiguration"},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _sub_resource(
        "PutBucketEncryption", "ServerSideEncryptionConfiguration", takes={"rules": "Rules"}, reshape=_encryption
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _sub_resource(
        "PutPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        takes={
            "blockPublicAcls": "BlockPublicAcls",
            "blockPublicPolicy": "BlockPublicPolicy",
            "ignorePublicAcls": "IgnorePublicAcls",
            "restrictPublicBuckets": "RestrictPublicBuckets",
        },
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _sub_resource(
        "PutBucketOwnershipControls", "OwnershipControls", takes={"rule": "Rules"}
    ),
    "aws:s3/bucketNotification:BucketNotification": _sub_resource(
        "PutBucketNotificationConfiguration",
        "NotificationConfiguration",
        takes={
            "lambdaFunctions": "LambdaFunctionConfigurations",
            "queues": "QueueConfigurations",
            "topics": "TopicConfigurations",
            "eventbridge": "EventBridgeConfiguration",
        },
        reshape=_notification,
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _sub_resource("PutBucketPolicy", ""),
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": _sub_resource(
        "PutBucketWebsite",
        "WebsiteConfiguration",
        takes={
            "indexDocument": "IndexDocument",
            "errorDocument": "ErrorDocument",
            "redirectAllRequestsTo": "RedirectAllRequestsTo",
            "routingRules": "RoutingRules",
        },
        outputs={
            "websiteDomain": "s3-website-{region}.amazonaws.com",
            "websiteEndpoint": "{bucket}.s3-website-{region}.amazonaws.com",
        },
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _sub_resource(
        "PutBucketLifecycleConfiguration", "LifecycleConfiguration", takes={"rules": "Rules"}, reshape=_lifecycle
    ),
    "aws:s3/bucketLogging:BucketLogging": _sub_resource(
        "PutBucketLogging",
        "BucketLoggingStatus",
        takes={
            "targetBucket": "LoggingEnabled.TargetBucket",
            "targetPrefix": "LoggingEnabled.TargetPrefix",
            "targetObjectKeyFormat": "LoggingEnabled.TargetObjectKeyFormat",
            "targetGrants": "LoggingEnabled.TargetGrants",
        },
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _sub_resource(
        "PutBucketReplication",
        "ReplicationConfiguration",
        takes={"rules": "Rules", "role": "Role"},
        reshape=_replication,
    ),
    "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration": Spec(
        service="s3",
        create=Call(
            operation="PutBucketIntelligentTieringConfiguration",
            reshape=_tiering,
        ),
        id="{bucket}:{name}",
        # moto takes the request for another one and answers about the bucket's location.
        validated_only=lambda _inputs: "the emulator does not know Intelligent-Tiering configurations",
        autoname="name",
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _sub_resource(
        "PutObjectLockConfiguration",
        "ObjectLockConfiguration",
        takes={"objectLockEnabled": "ObjectLockEnabled", "rule": "Rule"},
        defaults={"objectLockEnabled": "Enabled"},
    ),
}
