"""Policy documents that AWS refuses for what they mean, though their form is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, Statement, aws, json_of, rule, statements
from guardrails.kit.iam import ANYONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

_BUCKET_ACTIONS_ABOUT_OBJECTS = ("s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration")


def _is_for_objects(action: str) -> bool:
    return "Object" in action and action not in _BUCKET_ACTIONS_ABOUT_OBJECTS


def _mismatched(statement: Statement) -> Iterator[str]:
    """Actions without a wildcard to which none of the statement's resources is open."""
    resources = statement.resources
    if not resources or statement.not_resources:
        return
    for action in statement.actions:
        if "*" in action or not action.startswith("s3:"):
            continue
        if _is_for_objects(action) and not any("/" in one or "*" in one for one in resources):
            yield f"{action} is about objects, and no resource of its statement is one; end one with /*"
        elif action in ("s3:ListBucket", "s3:GetBucketLocation") and all("/" in one for one in resources):
            yield f"{action} is about the bucket, and all resources of its statement are objects"


@rule(
    id="bucket-policy-means-something",
    title="Each action of a bucket policy applies to a resource of its statement",
    types=(types.BUCKET_POLICY,),
    level=MANDATORY,
    severity="low",
    topics=("fit", "IAM"),
    remedy="Name the bucket's ARN for actions on the bucket, and the ARN with /* for actions on objects.",
)
def bucket_policy_means_something(resource: Resource, _at: Context) -> Iterator[str]:
    """S3 refuses a policy with an action that "does not apply to any resource(s) in statement"."""
    for statement in statements(resource.props, "policy"):
        yield from _mismatched(statement)


_BUCKET = "arn:aws:s3:::notes"
_ALLOW: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}


def _bucket_policy(action: str, *resources: str) -> Any:
    statement = {**_ALLOW, "Action": action, "Resource": list(resources)}
    return aws("s3/bucketPolicy:BucketPolicy", {"bucket": "notes", "policy": json_of(statement)})


bucket_policy_means_something.examples(
    compliant=[
        _bucket_policy("s3:GetObject", f"{_BUCKET}/*"),
        _bucket_policy("s3:ListBucket", _BUCKET, f"{_BUCKET}/*"),
        _bucket_policy("s3:*", _BUCKET),
        _bucket_policy("s3:GetBucketObjectLockConfiguration", _BUCKET),
    ],
    non_compliant=[_bucket_policy("s3:GetObject", _BUCKET), _bucket_policy("s3:ListBucket", f"{_BUCKET}/*")],
)


@rule(
    id="kms-policy-keeps-its-owner",
    title="A key policy lets somebody of the account change it",
    types=(types.KMS_KEY, types.KEY_POLICY),
    level=MANDATORY,
    severity="high",
    topics=("fit", "at rest"),
    remedy="Allow kms:* to the account's root, as AWS's own default policy does.",
)
def kms_policy_keeps_its_owner(key: Resource, _at: Context) -> Iterator[str]:
    """KMS refuses a policy that "will not allow you to update the key policy in the future", unless that check is
    bypassed."""
    if not key.props.has("policy") or key.props.get("bypassPolicyLockoutSafetyCheck", False):
        return
    said = [one for one in statements(key.props, "policy") if one.allows and one.covers(["kms:PutKeyPolicy"])]
    if not any(kind == "AWS" for one in said for kind, _value in one.principals):
        yield "nobody may change the policy afterwards: no statement allows kms:PutKeyPolicy to an AWS principal"


_ROOT = {**_ALLOW, "Action": "kms:*", "Resource": "*"}
_LOGS = {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}

kms_policy_keeps_its_owner.examples(
    compliant=[
        aws("kms/key:Key"),
        aws("kms/key:Key", {"policy": json_of(_ROOT, _LOGS)}),
        aws("kms/key:Key", {"policy": json_of(_LOGS), "bypassPolicyLockoutSafetyCheck": True}),
    ],
    non_compliant=[
        aws("kms/key:Key", {"policy": json_of(_LOGS)}),
        aws("kms/keyPolicy:KeyPolicy", {"policy": json_of({**_ROOT, "Action": "kms:Encrypt"})}),
    ],
)

_DOCUMENTS = {
    types.IAM_ROLE: "assumeRolePolicy",
    types.BUCKET_POLICY: "policy",
    types.KMS_KEY: "policy",
    types.SQS_QUEUE: "policy",
    types.QUEUE_POLICY: "policy",
    types.SNS_TOPIC: "policy",
    types.TOPIC_POLICY: "policy",
}


@rule(
    id="principal-exists",
    title="Principals of policies are whole: a wildcard stands alone",
    types=tuple(_DOCUMENTS),
    level=MANDATORY,
    severity="low",
    topics=("fit", "IAM"),
    remedy="Name the principal whole, or allow the account and compare aws:PrincipalArn by ArnLike in a condition.",
)
def principal_exists(resource: Resource, _at: Context) -> Iterator[str]:
    """AWS refuses a principal with a wildcard in its ARN ("Invalid principal in policy"); `*` alone means everybody."""
    for statement in statements(resource.props, _DOCUMENTS[resource.kind]):
        for kind, value in statement.principals:
            if kind == "AWS" and ANYONE in value and value != ANYONE:
                yield f"{value} is no principal: a wildcard is not taken inside of one"


def _trusts(principal: str) -> Any:
    trust = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return aws("iam/role:Role", {"assumeRolePolicy": json_of(trust)})


principal_exists.examples(
    compliant=[_trusts("arn:aws:iam::123456789012:root"), _trusts("*")],
    non_compliant=[
        _trusts("arn:aws:iam::123456789012:role/app-*"),
        aws(
            "sqs/queuePolicy:QueuePolicy",
            {"policy": json_of({**_ALLOW, "Principal": {"AWS": "arn:aws:iam::*:root"}, "Action": "sqs:SendMessage"})},
        ),
    ],
)
