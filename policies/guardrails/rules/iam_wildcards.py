"""IAM: data, credentials, permissions and things to destroy that a policy gives away on everything; and policies on
resources that are for everybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, Statement, aws, json_of, rule, statements
from guardrails.rules.messages import OUR_SIDE
from guardrails.rules.permissions import WITH_POLICY, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource, Rule

# Short on purpose, and held by tests against the lists of policy_sentry and cloudsplaining, with which the rehearsal
# analyses every policy once more.
READS = (
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
)
CREDENTIALS = (
    "codeartifact:GetAuthorizationToken",
    "cognito-identity:GetOpenIdTokenForDeveloperIdentity",
    "ec2:GetPasswordData",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateServiceSpecificCredential",
    "iam:ResetServiceSpecificCredential",
    "iam:UpdateAccessKey",
    "lightsail:GetInstanceAccessDetails",
    "rds-db:connect",
    "redshift:GetClusterCredentials",
    "redshift:GetClusterCredentialsWithIAM",
    "sts:AssumeRole",
)
PERMISSIONS = (
    "backup:PutBackupVaultAccessPolicy",
    "ec2:ModifySnapshotAttribute",
    "ecr:SetRepositoryPolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DetachRolePolicy",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "lambda:AddPermission",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "secretsmanager:PutResourcePolicy",
    "sns:AddPermission",
    "sqs:AddPermission",
)
WRITES = (
    "backup:DeleteRecoveryPoint",
    "cloudtrail:DeleteTrail",
    "cloudtrail:StopLogging",
    "dynamodb:DeleteTable",
    "ec2:TerminateInstances",
    "ecs:DeleteService",
    "ecs:UpdateService",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "lambda:DeleteFunction",
    "lambda:UpdateFunctionCode",
    "logs:DeleteLogGroup",
    "rds:DeleteDBCluster",
    "rds:DeleteDBInstance",
    "rds:ModifyDBInstance",
    "s3:DeleteBucket",
    "s3:DeleteObject",
    "s3:PutObject",
    "secretsmanager:DeleteSecret",
    "secretsmanager:PutSecretValue",
    "sqs:DeleteQueue",
    "states:DeleteStateMachine",
)
DECRYPTS = ("kms:Decrypt", "kms:ReEncryptFrom")

# `arn:aws:s3:::*`, `arn:aws:secretsmanager:*:*:secret:*`: whatever there is of a kind, in any region of any account.
_ALL_OF_A_KIND = re.compile(r"\*|arn:[^:]*:s3:::\*(?:/\*)?|arn:[^:]*:(?!s3:)[\w-]+:[^:]*:[^:]*:(?:[\w-]+[/:])?[*/:]*\*")


def _policy(*given: dict[str, Any]) -> Any:
    return aws("iam/rolePolicy:RolePolicy", {"role": "r", "policy": json_of(*given)})


def _may(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _is_everything(statement: Statement) -> bool:
    """Whether the statement allows all of a kind, on no condition; every action on `*` is iam-no-full-access's."""
    whole = "*" in statement.resources and (statement.not_actions or {"*", "*:*"} & set(statement.actions))
    wide = statement.not_resources or any(_ALL_OF_A_KIND.fullmatch(each) for each in statement.resources)
    return bool(statement.allows and wide and not whole and not statement.narrowed_by)


def _on_everything(actions: tuple[str, ...], *, one: str, message: str, description: str, **facts: Any) -> Rule:
    """A rule against a few actions on everything; `one` is an ARN of a single thing for the example."""

    def check(resource: Resource, _at: Context) -> Iterator[str]:
        found = dict.fromkeys(
            action for each in allowed(resource) if _is_everything(each) for action in each.covers(actions)
        )
        if found:
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            yield f"{message}: {', '.join(list(found)[:3])}{more}"

    check.__doc__ = description
    every = f"{one.rpartition(':')[0]}:*"
    tagged = {"StringEquals": {"aws:ResourceTag/Project": "kumiki"}}
    found = rule(types=WITH_POLICY, topics=("IAM",), **facts)(check)
    found.examples(
        compliant=[
            _policy(_may(list(actions), one)),
            _policy(_may(actions[0], Condition=tagged)),
            _policy({**_may(actions[0]), "Effect": "Deny"}),
            _policy(_may("*")),
        ],
        non_compliant=[
            _policy(_may(actions[0])),
            _policy(_may(list(actions), [one, every])),
            _policy({"Effect": "Allow", "Action": actions[0], "NotResource": one}),
            _policy({"Effect": "Allow", "NotAction": "sts:*", "Resource": every}),
            aws("iam/role:Role", {"inlinePolicies": [{"name": "a", "policy": json_of(_may(list(actions)))}]}),
        ],
    )
    return found


iam_reads_named = _on_everything(
    READS,
    one="arn:aws:s3:::kumiki-dev-files/*",
    message="the data of every application may be read",
    description="Objects, parameters and secrets of every application of the account, for who takes over this one. "
    "Also where the ARN is no more than a wildcard; `*` itself stops the deployment by iam-resources-named.",
    id="iam-reads-named",
    title="Data is read from named buckets, parameters and secrets",
    level=ADVISORY,
    severity="medium",
    references=("C288",),
    remedy="Name the buckets, parameters or secrets.",
)

iam_credentials_named = _on_everything(
    CREDENTIALS,
    one="arn:aws:iam::123456789012:role/kumiki-dev-api-role",
    message="credentials of others may be obtained",
    description="Passwords, access keys and tokens live on when the role's own session has ended.",
    id="iam-credentials-named",
    title="Credentials are issued for named users, databases and roles only",
    level=ADVISORY,
    severity="medium",
    references=("C287",),
    remedy="Name the resources, or leave these actions to people.",
)

iam_permissions_named = _on_everything(
    PERMISSIONS,
    one="arn:aws:s3:::kumiki-dev-files",
    message="the permissions on any resource may be changed",
    description="Who may write the policy of a bucket, a key or a function may read what is in it, and let others.",
    id="iam-permissions-named",
    title="Permissions are changed on named resources only",
    level=ADVISORY,
    severity="medium",
    references=("C289",),
    remedy="Name the resources, or leave these actions to people.",
)

iam_writes_named = _on_everything(
    WRITES,
    one="arn:aws:dynamodb:ap-northeast-1:123456789012:table/kumiki-dev-files",
    message="any resource may be changed or deleted",
    description="Checked for what destroys data or its traces; the rehearsal checks every action that writes.",
    id="iam-writes-named",
    title="Destructive actions name their resources",
    level=ADVISORY,
    severity="medium",
    references=("C290",),
    remedy="Name the resources, or compare a tag of theirs in a condition.",
)


@rule(
    id="iam-decrypt-named",
    title="No policy allows decryption with every key",
    types=WITH_POLICY,
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("F KMS.1", "F KMS.2"),
    remedy="Name the keys, or compare kms:ResourceAliases or a tag of the key in a condition.",
)
def iam_decrypt_named(resource: Resource, _at: Context) -> Iterator[str]:
    """A key is the second lock of what it encrypts: who holds every key needs only the first. A condition on the
    service that asks is none on the key."""
    for each in allowed(resource):
        wide = each.not_resources or any(_ALL_OF_A_KIND.fullmatch(one) for one in each.resources)
        by_key = any("resourcetag/" in key or key == "kms:resourcealiases" for key in each.narrowed_by)
        if each.allows and wide and not by_key and each.covers(DECRYPTS):
            yield f"{' and '.join(each.covers(DECRYPTS))} is allowed with every key"


iam_decrypt_named.examples(
    compliant=[
        _policy(_may("kms:Decrypt", "arn:aws:kms:ap-northeast-1:123456789012:key/1234")),
        _policy(_may("kms:Decrypt", Condition={"StringEquals": {"kms:ResourceAliases": "alias/kumiki"}})),
        _policy(_may("kms:DescribeKey")),
    ],
    non_compliant=[
        _policy(_may("kms:Decrypt")),
        _policy(_may("kms:*", "arn:aws:kms:*:123456789012:key/*")),
        _policy(_may("kms:Re*", Condition={"StringEquals": {"kms:ViaService": "s3.amazonaws.com"}})),
    ],
)


_OF_RESOURCES = {
    types.VAULT_POLICY: "policy",
    types.EVENT_BUS_POLICY: "policy",
    types.LOG_RESOURCE_POLICY: "policyDocument",
    types.REPOSITORY_POLICY: "policy",
    types.FILE_SYSTEM_POLICY: "policy",
    types.RESOURCE_POLICY: "policy",
    types.SECRET_POLICY: "policy",
}
_ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
_OURS = {"StringEquals": {"aws:PrincipalOrgID": "o-12345"}}


@rule(
    id="resource-policy-not-public",
    title="No policy of an image, secret, vault or event bus is public",
    types=tuple(_OF_RESOURCES),
    level=MANDATORY,
    severity="critical",
    topics=("IAM", "network"),
    references=("C32", "F ECR", "F SecretsManager"),
    remedy="Name the principals, or add a condition on aws:PrincipalOrgID, aws:SourceAccount or aws:SourceArn.",
)
def resource_policy_not_public(resource: Resource, _at: Context) -> Iterator[str]:
    """The policy of a resource needs no role: a statement for everybody is for every account there is. Buckets, keys,
    queues, topics, functions and APIs have rules of their own."""
    for each in statements(resource.props, _OF_RESOURCES[resource.kind]):
        if each.allows and each.is_for_anyone and each.narrowed_by.isdisjoint(OUR_SIDE):
            yield "a statement allows every principal"


resource_policy_not_public.examples(
    compliant=[
        aws("ecr/repositoryPolicy:RepositoryPolicy", {"policy": json_of({**_ANYBODY, "Condition": _OURS})}),
        aws("ecr/repositoryPolicy:RepositoryPolicy", {"policy": json_of({**_ANYBODY, "Effect": "Deny"})}),
        aws(
            "secretsmanager/secretPolicy:SecretPolicy",
            {"policy": json_of({**_ANYBODY, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}})},
        ),
    ],
    non_compliant=[aws(type_, {path: json_of(_ANYBODY)}) for type_, path in _OF_RESOURCES.items()],
)
