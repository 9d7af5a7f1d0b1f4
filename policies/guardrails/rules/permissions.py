"""IAM: what roles may do, and who may be them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import ADVISORY, MANDATORY, Statement, aws, example, json_of, rule, statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

ROLE = "aws:iam/role:Role"
WITH_POLICY = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
    ROLE,
)
_ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    ROLE,
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
        "glue",
        "logs",
        "monitoring.rds",
        "pipes",
        "scheduler",
        "states",
        "vpc-flow-logs",
    )
)
_SOURCE_KEYS = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
_CALLER_KEYS = frozenset({"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths"})

# Common actions that take a resource and hand out data, rights or work. Not complete on purpose: short enough to read.
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
    if resource.kind != ROLE:
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
    compliant=[example(_policy(_READ)), example(_policy({**_READ, "Effect": "Deny", "Action": "*", "Resource": "*"}))],
    non_compliant=[
        example(_policy({**_READ, "Action": "*", "Resource": "*"})),
        example(_policy(_READ, {**_READ, "Action": ["*:*"], "Resource": ["*"]})),
        example(_policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})),
        example(
            aws(
                "iam/role:Role",
                {"inlinePolicies": [{"name": "all", "policy": json_of({**_READ, "Action": "*", "Resource": "*"})}]},
            )
        ),
    ],
)
def iam_no_full_access(resource: Resource, _at: Context) -> Iterator[str]:
    """Every action on every resource, or all but a few actions (`NotAction`) on every resource."""
    for each in allowed(resource):
        if each.allows and "*" in each.resources and (each.not_actions or {"*", "*:*"} & set(each.actions)):
            yield "every action on every resource is allowed" if each.actions else "all but a few actions are allowed"


@rule(
    id="iam-no-service-wildcard",
    title="No policy allows all actions of a service",
    types=WITH_POLICY,
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("N-IAM5", "C63", "F IAM.21"),
    remedy="List the actions.",
    compliant=[example(_policy(_READ)), example(_policy({**_READ, "Action": ["s3:Get*", "s3:List*"]}))],
    non_compliant=[example(_policy({**_READ, "Action": ["s3:GetObject", "dynamodb:*"]}))],
)
def iam_no_service_wildcard(resource: Resource, _at: Context) -> Iterator[str]:
    """`service:*` also allows what the service learns to do next year."""
    for each in allowed(resource):
        wide = [action for action in each.actions if action.endswith(":*") and action != "*:*"]
        if each.allows and wide:
            yield f"{', '.join(wide)} is allowed"


@rule(
    id="iam-resources-named",
    title="Actions that can be restricted to resources are",
    types=WITH_POLICY,
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("N-IAM5", "C355"),
    remedy="Name the ARNs, or restrict the statement by the tags of the resources.",
    compliant=[
        example(_policy(_READ)),
        example(_policy({**_READ, "Action": "ecr:GetAuthorizationToken", "Resource": "*"})),
        example(
            _policy(
                {
                    **_READ,
                    "Action": "kms:GenerateDataKey",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:ResourceTag/Project": "kumiki"}},
                }
            )
        ),
    ],
    non_compliant=[
        example(_policy({**_READ, "Resource": "*"})),
        example(_policy({**_READ, "Action": ["ecr:GetAuthorizationToken", "secretsmanager:Get*"], "Resource": ["*"]})),
    ],
)
def iam_resources_named(resource: Resource, _at: Context) -> Iterator[str]:
    """Judged for the common actions on data, secrets, keys, queues, functions, roles and models; other actions, such as
    most Describe and List, know no resources."""
    for each in allowed(resource):
        by_tag = any("resourcetag/" in key or key == "kms:resourcealiases" for key in each.narrowed_by)
        if each.allows and "*" in each.resources and not by_tag and not each.not_actions:
            found = each.covers(_RESTRICTABLE)
            if found:
                more = f" and {len(found) - 3} more" if len(found) > 3 else ""
                yield f"{', '.join(found[:3])}{more} on every resource"


@rule(
    id="iam-no-administrator",
    title="Nobody gets AdministratorAccess or its like",
    types=_ATTACHMENTS,
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C274",),
    remedy="Write a policy with the actions that are needed.",
    compliant=[
        example(
            aws(
                "iam/rolePolicyAttachment:RolePolicyAttachment",
                {"role": "r", "policyArn": "arn:aws:iam::123456789012:policy/kumiki-dev-api-policy"},
            )
        ),
        example(aws("iam/role:Role")),
    ],
    non_compliant=[
        example(
            aws(
                "iam/rolePolicyAttachment:RolePolicyAttachment",
                {"role": "r", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            )
        ),
        example(aws("iam/role:Role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/IAMFullAccess"]})),
    ],
)
def iam_no_administrator(resource: Resource, _at: Context) -> Iterator[str]:
    """AdministratorAccess, PowerUserAccess and IAMFullAccess: each is, or can make itself, the whole account."""
    for arn in _attached(resource):
        if arn.rpartition("/")[2] in _ADMINISTRATOR:
            yield f"{arn.rpartition('/')[2]} is attached"


@rule(
    id="iam-own-policies",
    title="Roles have policies of ours, not AWS's",
    types=_ATTACHMENTS,
    level=ADVISORY,
    severity="low",
    topics=("IAM",),
    references=("N-IAM4",),
    remedy="Write a policy with the actions that are needed, on the resources that are needed.",
    compliant=[
        example(
            aws(
                "iam/rolePolicyAttachment:RolePolicyAttachment",
                {"role": "r", "policyArn": "arn:aws:iam::123456789012:policy/kumiki-dev-api-policy"},
            )
        ),
    ],
    non_compliant=[
        example(
            aws(
                "iam/rolePolicyAttachment:RolePolicyAttachment",
                {"role": "r", "policyArn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"},
            )
        ),
    ],
)
def iam_own_policies(resource: Resource, _at: Context) -> Iterator[str]:
    """AWS's policies are for every resource of the account, and AWS changes them without asking."""
    for arn in _attached(resource):
        if arn.startswith("arn:aws:iam::aws:policy/"):
            yield f"{arn.rpartition('/')[2]} is attached"


def _attached(resource: Resource) -> Iterator[str]:
    for key in ("policyArn", "policyArns", "managedPolicyArns"):
        yield from resource.inputs.items(key).texts()


@rule(
    id="iam-trust-not-public",
    title="No role can be assumed by everybody",
    types=(ROLE,),
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C60", "C61"),
    remedy="Name the principals in the role's trust policy.",
    compliant=[
        example(_role(Principal={"Service": "ec2.amazonaws.com"})),
        example(_role(Principal={"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-12345"}})),
    ],
    non_compliant=[
        example(_role(Principal="*")),
        example(_role(Principal={"AWS": ["*"]})),
        example(_role(Principal={"AWS": "*"}, Condition={"StringLike": {"aws:PrincipalArn": "*"}})),
        example(_role(Principal={"AWS": "*"}, Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-12345"}})),
    ],
)
def iam_trust_not_public(role: Resource, _at: Context) -> Iterator[str]:
    """A trust for every principal needs a condition on the caller's account or organisation."""
    for each in statements(role.props, "assumeRolePolicy"):
        if each.allows and each.is_for_anyone and each.narrowed_by.isdisjoint(_CALLER_KEYS):
            yield "every principal of every account may assume the role"


@rule(
    id="iam-trust-source",
    title="A service assumes a role only for this account",
    types=(ROLE,),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("C60", "C61"),
    remedy="Add a condition on aws:SourceAccount, and on aws:SourceArn where it is known.",
    compliant=[
        example(_role(Principal={"Service": "ec2.amazonaws.com"})),
        example(
            _role(
                Principal={"Service": "vpc-flow-logs.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}},
            )
        ),
    ],
    non_compliant=[
        example(_role(Principal={"Service": ["ec2.amazonaws.com", "scheduler.amazonaws.com"]})),
        example(
            _role(
                Principal={"Service": "vpc-flow-logs.amazonaws.com"}, Condition={"Bool": {"aws:ViaAWSService": "true"}}
            )
        ),
    ],
)
def iam_trust_source(role: Resource, _at: Context) -> Iterator[str]:
    """The confused deputy: a service that works for everybody could be told by somebody else to use our role. Judged
    for the services that say for whom they work."""
    for each in statements(role.props, "assumeRolePolicy"):
        if each.allows and each.narrowed_by.isdisjoint(_SOURCE_KEYS):
            for service in each.services():
                if service in _NAMES_ITS_SOURCE:
                    yield f"{service} may assume the role on behalf of any account"


@rule(
    id="iam-no-users",
    title="There are no IAM users and no access keys",
    types=("aws:iam/user:User", "aws:iam/accessKey:AccessKey", "aws:iam/userLoginProfile:UserLoginProfile"),
    level=MANDATORY,
    severity="high",
    topics=("IAM", "secrets"),
    references=("A", "C40", "C273"),
    remedy="Use roles: IAM Identity Center for people, OIDC for GitHub, instance and task roles for programs.",
    compliant=[example(aws("iam/role:Role"))],
    non_compliant=[example(aws("iam/user:User")), example(aws("iam/accessKey:AccessKey", {"user": "ci"}))],
)
def iam_no_users(_resource: Resource, _at: Context) -> Iterator[str]:
    """A key that does not expire is found sooner or later by somebody else."""
    yield "users and keys live until somebody remembers to delete them"


RULES = (
    iam_no_full_access,
    iam_no_service_wildcard,
    iam_resources_named,
    iam_no_administrator,
    iam_own_policies,
    iam_trust_not_public,
    iam_trust_source,
    iam_no_users,
)
