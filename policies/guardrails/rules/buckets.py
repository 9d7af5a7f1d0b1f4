"""Who can reach what is in an S3 bucket, and how it is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import (
    MANDATORY,
    UNKNOWN,
    NotYetKnown,
    Resource,
    aws,
    example,
    graph_rule,
    json_of,
    ref,
    rule,
    statements,
)
from guardrails.rules.log_buckets import log_class, needs_sse_s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Graph, Props


BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

# Conditions that leave only own or named callers of "everybody".
_NARROWING = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)

_USES = ("s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject")

_DENY_PLAIN_HTTP: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
_READ: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::data/*",
}


def _data(**props: Any) -> Any:
    return aws("s3/bucket:Bucket", props, name="data")


def _of_data(type_: str, /, **props: Any) -> Any:
    return aws(type_, {"bucket": ref("data"), **props}, name="of-data")


def _encrypted(**rule_: Any) -> Any:
    return _of_data(types.BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION, rules=[rule_])


def _shown(*, signed: bool = True) -> Any:
    """A distribution of what is in the bucket called data."""
    origin = {"originId": "files", "domainName": "data.s3.ap-northeast-1.amazonaws.com"}
    control = {"originAccessControlId": "E1"} if signed else {}
    return aws(types.CLOUDFRONT_DISTRIBUTION, {"enabled": True, "origins": [{**origin, **control}]}, name="shown")


_SSE_S3 = {"sseAlgorithm": "AES256"}
_KMS = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": ref("key", "arn")}
_KEY = aws("kms/key:Key", name="key")


@graph_rule(
    id="bucket-encryption",
    title="Buckets are encrypted with a customer-managed key and a bucket key; logs, sites and free tiers with SSE-S3",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="high",
    topics=("at rest",),
    references=("P", "C19", "C145", "F S3.17"),
    remedy=(
        "Add a BucketServerSideEncryptionConfiguration with sseAlgorithm aws:kms, kmsMasterKeyId and bucketKeyEnabled; "
        "for a bucket that AWS delivers logs to, or that CloudFront shows to everybody, with AES256."
    ),
)
def bucket_encryption(bucket: Resource, at: Context) -> Iterator[str]:
    """S3's own key (SSE-S3) is enough for log buckets, and there it is required where S3 access logs or a load
    balancer's logs are delivered, because these cannot use a KMS key; for what a distribution shows to everybody, which
    no key would guard; and in a free-tier stack, since a customer-managed key is $1 a month."""
    found = [
        each
        for child in at.graph.children(bucket, types.BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION, via="bucket")
        for each in _rules(child)
    ]
    found += bucket.inputs.items("serverSideEncryptionConfiguration.rule").blocks()
    if not found:
        yield "no encryption is configured"
    for each in found:
        algorithm = each.text("applyServerSideEncryptionByDefault.sseAlgorithm")
        if algorithm == "AES256":
            if log_class(bucket, at.graph) is None and not at.stack.free_tier and not _is_shown(bucket, at.graph):
                yield "SSE-S3 is used, and this is not a log bucket"
        elif needs_sse_s3(bucket, at.graph):
            yield "S3 or a load balancer delivers logs here and cannot use a KMS key: the logs would be lost"
        elif at.stack.free_tier:
            return
        elif not each.has("applyServerSideEncryptionByDefault.kmsMasterKeyId"):
            yield "the key is AWS-managed (aws/s3), and its policy cannot be changed"
        elif not each.get("bucketKeyEnabled"):
            yield "the bucket key is off, so every request is charged by KMS"


bucket_encryption.examples(
    compliant=[
        example(_data(), _KEY, _encrypted(applyServerSideEncryptionByDefault=_KMS, bucketKeyEnabled=True)),
        example(
            aws("s3/bucket:Bucket", name="logs"),
            aws(
                types.BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION,
                {"bucket": ref("logs"), "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
                name="logs-encryption",
            ),
        ),
        example(_data(bucket="data"), _encrypted(applyServerSideEncryptionByDefault=_SSE_S3), _shown()),
        example(_data(), _encrypted(applyServerSideEncryptionByDefault=_SSE_S3), free_tier=True),
        example(_data(), _encrypted(applyServerSideEncryptionByDefault={"sseAlgorithm": "aws:kms"}), free_tier=True),
    ],
    non_compliant=[
        _data(),
        example(_data(), free_tier=True),
        example(_data(), _encrypted(applyServerSideEncryptionByDefault=_SSE_S3)),
        example(_data(bucket="data"), _encrypted(applyServerSideEncryptionByDefault=_SSE_S3), _shown(signed=False)),
        example(_data(bucket="other"), _encrypted(applyServerSideEncryptionByDefault=_SSE_S3), _shown()),
        example(_data(), _KEY, _encrypted(applyServerSideEncryptionByDefault=_KMS, bucketKeyEnabled=False)),
        example(
            _data(), _encrypted(applyServerSideEncryptionByDefault={"sseAlgorithm": "aws:kms"}, bucketKeyEnabled=True)
        ),
        example(
            _data(),
            _KEY,
            _encrypted(applyServerSideEncryptionByDefault=_KMS, bucketKeyEnabled=True),
            aws("s3/bucketLogging:BucketLogging", {"bucket": "other", "targetBucket": ref("data")}, name="other-log"),
        ),
    ],
)


def _is_shown(bucket: Resource, graph: Graph) -> bool:
    """Whether a distribution reads the bucket in its own name. Raises NotYetKnown."""
    names = {f"{name}.s3" for name in bucket.identifiers}
    named_elsewhere = False
    for distribution in graph.of_kind(types.CLOUDFRONT_DISTRIBUTION):
        linked = bucket.urn in distribution.dependencies.get("origins", ())
        for origin in distribution.props.items("origins").blocks():
            if not origin.has("originAccessControlId"):
                continue
            if linked or (origin.text("domainName") or "").partition(".s3")[0] + ".s3" in names:
                return True
            named_elsewhere = True
    if named_elsewhere and bucket.props.maybe("bucket") is UNKNOWN:
        raise NotYetKnown("bucket")
    return False


def _rules(child: Resource) -> Iterator[Props]:
    return child.props.items("rules").blocks()


@graph_rule(
    id="bucket-tls",
    title="Buckets refuse requests without TLS",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="medium",
    topics=("in transit",),
    references=("N-S10", "C379", "F S3.5"),
    remedy="Deny s3:* on the bucket and its objects to everybody when aws:SecureTransport is false.",
)
def bucket_tls(bucket: Resource, at: Context) -> Iterator[str]:
    """The bucket's policy must deny everything to everybody over plain HTTP, for the bucket and for its objects."""
    policies = [bucket, *at.graph.children(bucket, types.BUCKET_POLICY, via="bucket")]
    found = [statement for policy in policies for statement in statements(policy.inputs, "policy")]
    covered: set[bool] = set()
    for each in found:
        over_http = any(key == "aws:securetransport" and "false" in values for _, key, values in each.conditions)
        if not each.allows and over_http and each.is_for_anyone and len(each.covers(_USES)) == len(_USES):
            covered.update(resource == "*" or resource.endswith("/*") for resource in each.resources)
            if "*" in each.resources:
                covered.add(False)
    if covered != {True, False}:
        yield "plain HTTP is not denied" if not covered else "plain HTTP is denied only for a part of the bucket"


bucket_tls.examples(
    compliant=[example(_data(), _of_data("s3/bucketPolicy:BucketPolicy", policy=json_of(_DENY_PLAIN_HTTP)))],
    non_compliant=[
        _data(),
        example(_data(), _of_data("s3/bucketPolicy:BucketPolicy", policy=json_of(_READ))),
        example(
            _data(),
            _of_data(
                "s3/bucketPolicy:BucketPolicy", policy=json_of({**_DENY_PLAIN_HTTP, "Resource": "arn:aws:s3:::data"})
            ),
        ),
        example(
            _data(), _of_data("s3/bucketPolicy:BucketPolicy", policy=json_of({**_DENY_PLAIN_HTTP, "Effect": "Allow"}))
        ),
        example(
            _data(),
            _of_data("s3/bucketPolicy:BucketPolicy", policy=json_of({**_DENY_PLAIN_HTTP, "Action": "s3:GetObject"})),
        ),
    ],
)


@rule(
    id="bucket-policy-not-public",
    title="No bucket policy is public",
    types=(types.BUCKET_POLICY,),
    level=MANDATORY,
    severity="critical",
    topics=("network", "IAM"),
    references=("N-S5", "C70"),
    remedy="Name the principals, or use CloudFront with origin access control for public content.",
)
def bucket_policy_not_public(policy: Resource, _at: Context) -> Iterator[str]:
    """An Allow for every principal needs a condition on the caller's account, organisation, network or source."""
    for each in statements(policy.props, "policy"):
        if each.allows and each.is_for_anyone and each.narrowed_by.isdisjoint(_NARROWING):
            yield f"everybody may {', '.join(each.actions) or 'do all but a few things'}"


bucket_policy_not_public.examples(
    compliant=[
        aws("s3/bucketPolicy:BucketPolicy", {"bucket": "data", "policy": json_of(_DENY_PLAIN_HTTP)}),
        aws(
            "s3/bucketPolicy:BucketPolicy",
            {
                "bucket": "data",
                "policy": json_of({**_READ, "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1234"}}}),
            },
        ),
    ],
    non_compliant=[
        aws("s3/bucketPolicy:BucketPolicy", {"bucket": "data", "policy": json_of(_READ)}),
        aws(
            "s3/bucketPolicy:BucketPolicy", {"bucket": "data", "policy": json_of({**_READ, "Principal": {"AWS": "*"}})}
        ),
        aws(
            "s3/bucketPolicy:BucketPolicy",
            {"bucket": "data", "policy": json_of({**_READ, "Principal": None, "NotPrincipal": {"AWS": "1234"}})},
        ),
        aws(
            "s3/bucketPolicy:BucketPolicy",
            {
                "bucket": "data",
                "policy": json_of({**_READ, "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1234"}}}),
            },
        ),
        aws("s3/bucketPolicy:BucketPolicy", {"bucket": "data", "policy": "{not json"}),
    ],
)


@graph_rule(
    id="bucket-access-block",
    title="Each bucket has a public access block",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("N-S2", "C53", "C54", "C55", "C56", "F S3.1", "F S3.8"),
    remedy="Add a BucketPublicAccessBlock with all four switches on.",
)
def bucket_access_block(bucket: Resource, at: Context) -> Iterator[str]:
    """A block for the whole account counts only in the account, not here: a bucket must be safe wherever it is made."""
    if not at.graph.children(bucket, types.BUCKET_PUBLIC_ACCESS_BLOCK, via="bucket"):
        yield "there is no public access block"


bucket_access_block.examples(
    compliant=[
        example(_data(), _of_data("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", **dict.fromkeys(BLOCKS, True)))
    ],
    non_compliant=[
        _data(),
        example(
            _data(),
            aws(
                "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
                {"bucket": ref("other"), **dict.fromkeys(BLOCKS, True)},
                name="of-other",
            ),
            aws("s3/bucket:Bucket", name="other"),
        ),
    ],
)


@rule(
    id="bucket-access-block-whole",
    title="A public access block has all four switches on",
    types=(types.BUCKET_PUBLIC_ACCESS_BLOCK, types.ACCOUNT_PUBLIC_ACCESS_BLOCK),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("N-S2", "C53", "C54", "C55", "C56", "F S3.1", "F S3.8"),
    remedy=f"Set {', '.join(BLOCKS)} to true.",
    remediate=lambda _block, _at: dict.fromkeys(BLOCKS, True),
)
def bucket_access_block_whole(block: Resource, _at: Context) -> Iterator[str]:
    """Each of the four switches closes another way; AWS leaves a switch that is not set off."""
    off = [name for name in BLOCKS if block.props.maybe(name) in (None, False)]
    if off:
        yield f"off: {', '.join(off)}"


bucket_access_block_whole.examples(
    compliant=[
        aws("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {"bucket": "data", **dict.fromkeys(BLOCKS, True)})
    ],
    non_compliant=[
        aws(
            "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            {"bucket": "data", **dict.fromkeys(BLOCKS, True), "restrictPublicBuckets": False},
        ),
        aws("s3/accountPublicAccessBlock:AccountPublicAccessBlock", {"blockPublicAcls": True}),
    ],
)


@graph_rule(
    id="bucket-acls-off",
    title="Buckets do not use access control lists",
    types=(types.S3_BUCKET,),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("C57", "C375", "F S3.12"),
    remedy="Set objectOwnership to BucketOwnerEnforced, remove acl and BucketAcl, and grant access by policy.",
)
def bucket_acls_off(bucket: Resource, at: Context) -> Iterator[str]:
    """AWS switches lists off for new buckets; accused is who switches them on: an ACL, or another object ownership."""
    if bucket.inputs.has("acl") or bucket.inputs.has("grants"):
        yield "the bucket sets an access control list"
    if at.graph.known_children(bucket, types.BUCKET_ACL, via="bucket"):
        yield "an access control list is attached"
    for controls in at.graph.known_children(bucket, types.BUCKET_OWNERSHIP_CONTROLS, via="bucket"):
        ownership = controls.props.get("rule.objectOwnership")
        if ownership != "BucketOwnerEnforced":
            yield f"object ownership is {ownership}"


bucket_acls_off.examples(
    compliant=[
        _data(),
        example(
            _data(),
            _of_data(
                "s3/bucketOwnershipControls:BucketOwnershipControls", rule={"objectOwnership": "BucketOwnerEnforced"}
            ),
        ),
    ],
    non_compliant=[
        _data(acl="public-read"),
        example(
            _data(),
            _of_data("s3/bucketOwnershipControls:BucketOwnershipControls", rule={"objectOwnership": "ObjectWriter"}),
        ),
        example(_data(), _of_data("s3/bucketAcl:BucketAcl", acl="private")),
    ],
)
