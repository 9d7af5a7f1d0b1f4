"""IAM: what roles may do, and who may be them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, Statement, aws, json_of, rule, statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

WITH_POLICY = (
    types.IAM_POLICY,
    types.ROLE_POLICY,
    types.USER_POLICY,
    types.GROUP_POLICY,
    types.IAM_ROLE,
)
_ATTACHMENTS = (
    types.ROLE_POLICY_ATTACHMENT,
    types.POLICY_ATTACHMENT,
    types.USER_POLICY_ATTACHMENT,
    types.GROUP_POLICY_ATTACHMENT,
    types.ROLE_POLICY_ATTACHMENTS_EXCLUSIVE,
    types.IAM_ROLE,
)

# Services whose documentation asks for aws:SourceAccount or aws:SourceArn in the trust of the roles they assume. Others
# (EC2, Lambda) do not send these keys, and a condition on them would lock the service out.
_NAMES_ITS_SOURCE = frozenset(
    f"{service}.amazonaws.com"
    for service in (
        "bedrock",
        "codebuild",
        "codedeploy",
        "config",
        "ecs-tasks",
        "events",
        "firehose",
        "logs",
        "monitoring.rds",
        "pipes",
        "scheduler",
        "states",
        "vpc-flow-logs",
    )
)
_DO_NOT_SAY = frozenset({"backup.amazonaws.com", "ec2.amazonaws.com", "glue.amazonaws.com", "lambda.amazonaws.com"})
"""Services of which no documentation says that they send these keys when they assume a role."""
_SOURCE_KEYS = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
_CALLER_KEYS = frozenset({"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths"})

# Common actions that take a resource and hand out data, permissions or work. Incomplete, to be short enough to read.
_RESTRICTABLE = (
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:PutImage",
    "ecs:RunTask",
    "ecs:UpdateService",
    "events:PutEvents",
    "firehose:PutRecord",
    "firehose:PutRecordBatch",
    "iam:PassRole",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "lambda:InvokeFunction",
    "lambda:UpdateFunctionCode",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "rds-db:connect",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "sns:Publish",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:PutParameter",
    "ssm:SendCommand",
    "ssm:StartSession",
    "states:StartExecution",
    "sts:AssumeRole",
)
_ADMINISTRATOR = ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")


def allowed(resource: Resource) -> Iterator[Statement]:
    """What the resource lets a role, a user or a group do."""
    if resource.kind != types.IAM_ROLE:
        yield from statements(resource.props, "policy")
        return
    for inline in resource.inputs.items("inlinePolicies").blocks():
        yield from statements(inline, "policy")


def _policy(*given: dict[str, Any]) -> Any:
    return aws("iam/rolePolicy:RolePolicy", {"role": "r", "policy": json_of(*given)})


def _role(**trust: Any) -> Any:
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    return aws("iam/role:Role", {"assumeRolePolicy": json_of({**allow, **trust})})


_READ: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}


@rule(
    id="iam-no-full-access",
    title="No policy allows everything",
    types=WITH_POLICY,
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C62", "F IAM.1"),
    remedy="List the actions and the resources.",
)
def iam_no_full_access(resource: Resource, _at: Context) -> Iterator[str]:
    """Every action on every resource, or all but a few actions (`NotAction`) on every resource."""
    for each in allowed(resource):
        if each.allows and "*" in each.resources and (each.not_actions or {"*", "*:*"} & set(each.actions)):
            yield "every action on every resource is allowed" if each.actions else "all but a few actions are allowed"


iam_no_full_access.examples(
    compliant=[_policy(_READ), _policy({**_READ, "Effect": "Deny", "Action": "*", "Resource": "*"})],
    non_compliant=[
        _policy({**_READ, "Action": "*", "Resource": "*"}),
        _policy(_READ, {**_READ, "Action": ["*:*"], "Resource": ["*"]}),
        _policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        aws(
            "iam/role:Role",
            {"inlinePolicies": [{"name": "all", "policy": json_of({**_READ, "Action": "*", "Resource": "*"})}]},
        ),
    ],
)


@rule(
    id="iam-no-service-wildcard",
    title="No policy allows all actions of a service",
    types=WITH_POLICY,
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("N-IAM5", "C63", "F IAM.21"),
    remedy="List the actions.",
)
def iam_no_service_wildcard(resource: Resource, _at: Context) -> Iterator[str]:
    """`service:*` also allows what the service learns to do next year."""
    for each in allowed(resource):
        wide = [action for action in each.actions if action.endswith(":*") and action != "*:*"]
        if each.allows and wide:
            yield f"{', '.join(wide)} is allowed"


iam_no_service_wildcard.examples(
    compliant=[_policy(_READ), _policy({**_READ, "Action": ["s3:Get*", "s3:List*"]})],
    non_compliant=[_policy({**_READ, "Action": ["s3:GetObject", "dynamodb:*"]})],
)


@rule(
    id="iam-resources-named",
    title="Actions that can be restricted to resources name them",
    types=WITH_POLICY,
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("N-IAM5", "C355"),
    remedy="Name the ARNs, or restrict the statement by the tags of the resources.",
)
def iam_resources_named(resource: Resource, _at: Context) -> Iterator[str]:
    """Checked for the common actions on data, secrets, keys, queues, functions, roles and models; other actions, such
    as most Describe and List, know no resources."""
    for each in allowed(resource):
        by_tag = any("resourcetag/" in key or key == "kms:resourcealiases" for key in each.narrowed_by)
        if each.allows and "*" in each.resources and not by_tag and not each.not_actions:
            found = each.covers(_RESTRICTABLE)
            if found:
                more = f" and {len(found) - 3} more" if len(found) > 3 else ""
                yield f"{', '.join(found[:3])}{more} on every resource"


iam_resources_named.examples(
    compliant=[
        _policy(_READ),
        _policy({**_READ, "Action": "ecr:GetAuthorizationToken", "Resource": "*"}),
        _policy(
            {
                **_READ,
                "Action": "kms:GenerateDataKey",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/Project": "kumiki"}},
            }
        ),
    ],
    non_compliant=[
        _policy({**_READ, "Resource": "*"}),
        _policy({**_READ, "Action": ["ecr:GetAuthorizationToken", "secretsmanager:Get*"], "Resource": ["*"]}),
    ],
)


@rule(
    id="iam-no-administrator",
    title="AdministratorAccess and its like are not attached",
    types=_ATTACHMENTS,
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C274",),
    remedy="Write a policy with the actions that are needed.",
)
def iam_no_administrator(resource: Resource, _at: Context) -> Iterator[str]:
    """AdministratorAccess, PowerUserAccess and IAMFullAccess: each is, or can make itself, the whole account."""
    for arn in _attached(resource):
        if arn.rpartition("/")[2] in _ADMINISTRATOR:
            yield f"{arn.rpartition('/')[2]} is attached"


iam_no_administrator.examples(
    compliant=[
        aws(
            "iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "r", "policyArn": "arn:aws:iam::123456789012:policy/kumiki-dev-api-policy"},
        ),
        aws("iam/role:Role"),
    ],
    non_compliant=[
        aws(
            "iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "r", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
        aws("iam/role:Role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/IAMFullAccess"]}),
    ],
)


@rule(
    id="iam-own-policies",
    title="Roles have no AWS-managed policies",
    types=_ATTACHMENTS,
    level=ADVISORY,
    severity="low",
    topics=("IAM",),
    references=("N-IAM4",),
    remedy="Write a policy with the actions that are needed, on the resources that are needed.",
)
def iam_own_policies(resource: Resource, _at: Context) -> Iterator[str]:
    """AWS-managed policies are for every resource of the account, and AWS changes them without asking."""
    for arn in _attached(resource):
        if arn.startswith("arn:aws:iam::aws:policy/"):
            yield f"{arn.rpartition('/')[2]} is attached"


iam_own_policies.examples(
    compliant=[
        aws(
            "iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "r", "policyArn": "arn:aws:iam::123456789012:policy/kumiki-dev-api-policy"},
        )
    ],
    non_compliant=[
        aws(
            "iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "r", "policyArn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"},
        )
    ],
)


def _attached(resource: Resource) -> Iterator[str]:
    for key in ("policyArn", "policyArns", "managedPolicyArns"):
        yield from resource.inputs.items(key).texts()


@rule(
    id="iam-trust-not-public",
    title="No role can be assumed by everybody",
    types=(types.IAM_ROLE,),
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C60", "C61"),
    remedy="Name the principals in the role's trust policy.",
)
def iam_trust_not_public(role: Resource, _at: Context) -> Iterator[str]:
    """A trust for every principal needs a condition on the caller's account or organisation."""
    for each in statements(role.props, "assumeRolePolicy"):
        if each.allows and each.is_for_anyone and each.narrowed_by.isdisjoint(_CALLER_KEYS):
            yield "every principal of every account may assume the role"


iam_trust_not_public.examples(
    compliant=[
        _role(Principal={"Service": "ec2.amazonaws.com"}),
        _role(Principal={"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-12345"}}),
    ],
    non_compliant=[
        _role(Principal="*"),
        _role(Principal={"AWS": ["*"]}),
        _role(Principal={"AWS": "*"}, Condition={"StringLike": {"aws:PrincipalArn": "*"}}),
        _role(Principal={"AWS": "*"}, Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-12345"}}),
    ],
)


@rule(
    id="iam-trust-source",
    title="A service assumes a role only for this account",
    types=(types.IAM_ROLE,),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("C60", "C61"),
    remedy="Add a condition on aws:SourceAccount, and on aws:SourceArn where it is known.",
)
def iam_trust_source(role: Resource, _at: Context) -> Iterator[str]:
    """The confused deputy: a service that works for everybody could be told by somebody else to use our role. Checked
    for the services that say for whom they work."""
    for each in statements(role.props, "assumeRolePolicy"):
        if each.allows and each.narrowed_by.isdisjoint(_SOURCE_KEYS):
            for service in each.services():
                if service in _NAMES_ITS_SOURCE:
                    yield f"{service} may assume the role on behalf of any account"


iam_trust_source.examples(
    compliant=[
        _role(Principal={"Service": "ec2.amazonaws.com"}),
        _role(
            Principal={"Service": "vpc-flow-logs.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}},
        ),
    ],
    non_compliant=[
        _role(Principal={"Service": ["ec2.amazonaws.com", "scheduler.amazonaws.com"]}),
        _role(Principal={"Service": "vpc-flow-logs.amazonaws.com"}, Condition={"Bool": {"aws:ViaAWSService": "true"}}),
    ],
)


@rule(
    id="iam-trust-holds",
    title="A trust policy compares only keys that the service sends",
    types=(types.IAM_ROLE,),
    level=ADVISORY,
    severity="medium",
    topics=("IAM", "fit"),
    remedy="Use the operator with IfExists at its end, StringEqualsIfExists or ArnLikeIfExists.",
)
def iam_trust_holds(role: Resource, _at: Context) -> Iterator[str]:
    """AWS Backup, EC2, Glue and Lambda are nowhere said to send aws:SourceAccount or aws:SourceArn when they assume a
    role. Where a key is missing a strict condition fails, and the service cannot work at all."""
    for each in statements(role.props, "assumeRolePolicy"):
        strict = each.narrowed_by & _SOURCE_KEYS
        for service in sorted(each.services()):
            if each.allows and strict and service in _DO_NOT_SAY:
                yield f"{service} is not known to send {' and '.join(sorted(strict))}"


iam_trust_holds.examples(
    compliant=[
        _role(Principal={"Service": "backup.amazonaws.com"}),
        _role(
            Principal={"Service": "glue.amazonaws.com"},
            Condition={
                "StringEqualsIfExists": {"aws:SourceAccount": "123456789012"},
                "ArnLikeIfExists": {"aws:SourceArn": "arn:aws:glue:ap-northeast-1:123456789012:*"},
            },
        ),
        _role(
            Principal={"Service": "scheduler.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}},
        ),
    ],
    non_compliant=[
        _role(
            Principal={"Service": "backup.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}},
        ),
        _role(
            Principal={"Service": ["glue.amazonaws.com"]},
            Condition={"ArnLike": {"aws:SourceArn": "arn:aws:glue:ap-northeast-1:123456789012:*"}},
        ),
    ],
)


@rule(
    id="iam-no-users",
    title="There are no IAM users and no access keys",
    types=(types.IAM_USER, types.ACCESS_KEY, types.USER_LOGIN_PROFILE),
    level=MANDATORY,
    severity="high",
    topics=("IAM", "secrets"),
    references=("A", "C40", "C273"),
    remedy="Use roles: IAM Identity Center for people, OIDC for GitHub, instance and task roles for programs.",
)
def iam_no_users(_resource: Resource, _at: Context) -> Iterator[str]:
    """A key that does not expire is found sooner or later by somebody else."""
    yield "IAM users and access keys do not expire"


iam_no_users.examples(
    compliant=[aws("iam/role:Role")],
    non_compliant=[aws("iam/user:User"), aws("iam/accessKey:AccessKey", {"user": "ci"})],
)
