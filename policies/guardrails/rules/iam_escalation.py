"""IAM, beyond single statements: who may become whom, and who may make themselves more than they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, Statement, aws, example, graph_rule, json_of, ref, rule, statements
from guardrails.rules.permissions import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

_POLICIES = (
    types.IAM_POLICY,
    types.ROLE_POLICY,
    types.USER_POLICY,
    types.GROUP_POLICY,
    types.IAM_ROLE,
)

# Each set of actions, on any role, user or policy, makes its owner an administrator (the list of Rhino Security Labs,
# as cloudsplaining has it, and two services more; that tool, with its whole list, is part of the rehearsal).
_ESCALATIONS: tuple[tuple[str, ...], ...] = (
    ("iam:AddUserToGroup",),
    ("iam:AttachGroupPolicy",),
    ("iam:AttachRolePolicy",),
    ("iam:AttachUserPolicy",),
    ("iam:CreateAccessKey",),
    ("iam:CreateLoginProfile",),
    ("iam:CreatePolicyVersion",),
    ("iam:PutGroupPolicy",),
    ("iam:PutRolePolicy",),
    ("iam:PutUserPolicy",),
    ("iam:SetDefaultPolicyVersion",),
    ("iam:UpdateAssumeRolePolicy",),
    ("iam:UpdateLoginProfile",),
    ("iam:PassRole", "cloudformation:CreateStack"),
    ("iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"),
    ("iam:PassRole", "ec2:RunInstances"),
    ("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"),
    ("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:UpdateService"),
    ("iam:PassRole", "glue:CreateDevEndpoint"),
    ("iam:PassRole", "glue:CreateJob", "glue:StartJobRun"),
    ("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"),
    ("iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
    ("iam:PassRole", "states:CreateStateMachine", "states:StartExecution"),
    ("lambda:UpdateFunctionCode",),
)
_ANY = ("*", "arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*", "arn:aws:iam::*:policy/*", "arn:aws:iam::*:*")


def _policy(*given: dict[str, Any]) -> Any:
    return aws("iam/rolePolicy:RolePolicy", {"role": "r", "policy": json_of(*given)})


def _may(action: str | list[str], resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


_ONE_ROLE = "arn:aws:iam::123456789012:role/kumiki-dev-api-task-role"


@rule(
    id="iam-no-escalation",
    title="No policy allows privilege escalation",
    types=_POLICIES,
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C286",),
    remedy="Name the roles, users or functions in the statement, or leave these actions to people.",
)
def iam_no_escalation(resource: Resource, _at: Context) -> Iterator[str]:
    """Known ways of privilege escalation: changing a policy, taking over a user, starting something with a role that
    may more. Counted where the statements say which role, user or function by no more than a wildcard."""
    wide = [each for each in allowed(resource) if each.allows and _is_wide(each)]
    found = [way for way in _ESCALATIONS if all(any(each.covers([action]) for each in wide) for action in way)]
    for way in found[:3]:
        yield f"{' with '.join(way)} on any resource allows privilege escalation"


iam_no_escalation.examples(
    compliant=[
        _policy(_may("iam:PassRole", _ONE_ROLE), _may(["ecs:RegisterTaskDefinition", "ecs:RunTask"])),
        _policy(_may("iam:GetRole")),
        _policy({**_may("iam:PutRolePolicy"), "Effect": "Deny"}),
    ],
    non_compliant=[
        _policy(_may("iam:CreatePolicyVersion")),
        _policy(_may("iam:Put*")),
        _policy(_may("iam:PassRole"), _may(["lambda:CreateFunction", "lambda:InvokeFunction"], "*")),
        _policy(_may("iam:AttachRolePolicy", "arn:aws:iam::*:role/*")),
        aws("iam/role:Role", {"inlinePolicies": [{"name": "a", "policy": json_of(_may("iam:CreateAccessKey"))}]}),
    ],
)


def _is_wide(statement: Statement) -> bool:
    return bool(set(statement.resources) & set(_ANY)) and not any("tag/" in key for key in statement.narrowed_by)


def _oidc(**conditions: dict[str, Any]) -> Any:
    provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": provider},
        "Condition": conditions,
    }
    return aws("iam/role:Role", {"assumeRolePolicy": json_of(statement)})


_GITHUB = "token.actions.githubusercontent.com"
_AUDIENCE = {f"{_GITHUB}:aud": "sts.amazonaws.com"}


@rule(
    id="oidc-subject-pinned",
    title="A role for an OIDC provider pins audience and subject",
    types=(types.IAM_ROLE,),
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C358", "C393"),
    remedy=(
        "Compare :sub by StringEquals with one repository and environment, and :aud with sts.amazonaws.com. GitHub"
        " calls a repository owner/name, or with both ids owner@1234/name@5678."
    ),
)
def oidc_subject_pinned(role: Resource, _at: Context) -> Iterator[str]:
    """GitHub signs tokens for every repository there is: only the subject says whose job asks. It must name one
    repository whole, so a wildcard may stand only behind it. GitHub adds the ids of owner and repository, or neither: a
    subject with one of them fits no job (docs.github.com/en/actions/reference/security/oidc).
    """
    for each in statements(role.props, "assumeRolePolicy"):
        providers = [value for kind, value in each.principals if kind == "Federated" and "oidc-provider/" in value]
        if not each.allows or not providers:
            continue
        tests = {
            key.rpartition(":")[2]: values
            for operator, key, values in each.conditions
            if operator in ("StringEquals", "StringLike")
        }
        if "aud" not in tests:
            yield "the trust policy has no condition on the audience"
        subjects = tests.get("sub", ())
        if not subjects:
            yield "the trust policy has no condition on the subject: every job of the provider may assume the role"
        for subject in subjects:
            whose = ":".join(subject.split(":")[:2])
            if set("*?") & set(whose):
                yield f"the subject {subject} matches more than one repository"
            elif whose.startswith("repo:") and len(re.findall(r"@\d+(?=/|$)", whose)) == 1:
                yield f"the subject {subject} matches no job: it has one of the two ids"


oidc_subject_pinned.examples(
    compliant=[
        _oidc(StringEquals={**_AUDIENCE, f"{_GITHUB}:sub": "repo:kumiki/app:environment:prod"}),
        _oidc(StringEquals={**_AUDIENCE, f"{_GITHUB}:sub": "repo:kumiki@12/app@345:environment:prod"}),
        _oidc(StringEquals=_AUDIENCE, StringLike={f"{_GITHUB}:sub": "repo:kumiki/app:ref:refs/heads/release/*"}),
        aws(
            "iam/role:Role",
            {"assumeRolePolicy": json_of({**_may("sts:AssumeRole"), "Principal": {"Service": "ec2.amazonaws.com"}})},
        ),
    ],
    non_compliant=[
        _oidc(StringEquals=_AUDIENCE),
        _oidc(StringEquals={f"{_GITHUB}:sub": "repo:kumiki/app:environment:prod"}),
        _oidc(StringEquals=_AUDIENCE, StringLike={f"{_GITHUB}:sub": "*"}),
        _oidc(StringEquals=_AUDIENCE, StringLike={f"{_GITHUB}:sub": "repo:kumiki/*"}),
        _oidc(StringEquals=_AUDIENCE, StringLike={f"{_GITHUB}:sub": "repo:kumiki@*/app@*:environment:prod"}),
        _oidc(StringEquals=_AUDIENCE, StringLike={f"{_GITHUB}:sub": "repo:kumiki/ap?:environment:prod"}),
        _oidc(StringEquals={**_AUDIENCE, f"{_GITHUB}:sub": "repo:kumiki/app@345:environment:prod"}),
        _oidc(StringEquals=_AUDIENCE, **{"ForAllValues:StringLike": {f"{_GITHUB}:sub": "repo:kumiki/app:*"}}),
    ],
)


@graph_rule(
    id="role-one-way-of-policies",
    title="A role gets its policies in one way",
    types=(types.IAM_ROLE,),
    level=MANDATORY,
    severity="low",
    topics=("IAM",),
    references=("A",),
    remedy="Use RolePolicy and RolePolicyAttachment resources, and leave inlinePolicies and managedPolicyArns out.",
)
def role_one_way_of_policies(role: Resource, at: Context) -> Iterator[str]:
    """What the role lists itself is all that it has after the next update: the others are taken away, and given back
    after that."""
    for key, kind in (("inlinePolicies", types.ROLE_POLICY), ("managedPolicyArns", types.ROLE_POLICY_ATTACHMENT)):
        others = at.graph.known_children(role, kind, via="role")
        if role.inputs.has(key) and others:
            yield f"{key} and {others[0].name} overwrite each other"


role_one_way_of_policies.examples(
    compliant=[
        example(aws("iam/role:Role", name="it"), aws("iam/rolePolicy:RolePolicy", {"role": ref("it")}, name="policy")),
        aws("iam/role:Role", {"inlinePolicies": [{"name": "a", "policy": json_of(_may("s3:ListBucket"))}]}),
    ],
    non_compliant=[
        example(
            aws("iam/role:Role", {"inlinePolicies": [{"name": "a", "policy": "{}"}]}, name="it"),
            aws("iam/rolePolicy:RolePolicy", {"role": ref("it")}, name="policy"),
        ),
        example(
            aws("iam/role:Role", {"managedPolicyArns": ["arn:aws:iam::123456789012:policy/a"]}, name="it"),
            aws("iam/rolePolicyAttachment:RolePolicyAttachment", {"role": ref("it")}, name="attachment"),
        ),
    ],
)
