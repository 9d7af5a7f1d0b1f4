"""Roles and policies."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec


def _inline_and_managed(context: CreateContext) -> dict[str, Any]:
    """A role with whatever policies were written inside it."""
    aside = ("inlinePolicies", "managedPolicyArns", "forceDetachPolicies", "region", "tags")
    inputs = {key: value for key, value in context.inputs.items() if key not in aside}
    request = context.request(
        "CreateRole", inputs, {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}
    )
    if context.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]
    response = context.call("CreateRole", request)
    for policy in context.inputs.get("inlinePolicies", []):
        context.call(
            "PutRolePolicy",
            {"RoleName": request["RoleName"], "PolicyName": policy["name"], "PolicyDocument": policy["policy"]},
        )
    for arn in context.inputs.get("managedPolicyArns", []):
        context.call("AttachRolePolicy", {"RoleName": request["RoleName"], "PolicyArn": arn})
    return response


def _membership(context: CreateContext) -> dict[str, Any]:
    """A user in several groups, one request each."""
    for group in context.inputs["groups"]:
        context.call("AddUserToGroup", {"UserName": context.inputs["user"], "GroupName": group})
    return {}


SPECS: Final[dict[str, Spec]] = {
    "aws:iam/role:Role": Spec(
        service="iam",
        create=Code(
            _inline_and_managed,
            reads=(
                "name",
                "path",
                "description",
                "assumeRolePolicy",
                "maxSessionDuration",
                "permissionsBoundary",
                "inlinePolicies",
                "managedPolicyArns",
            ),
        ),
        id="Role.RoleName",
        autoname="name",
        left_out={"forceDetachPolicies": "read by the provider on deletion"},
        outputs={"arn": "Role.Arn", "uniqueId": "Role.RoleId"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Spec(
        service="iam",
        create=Call(
            operation="PutRolePolicy", takes={"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"}
        ),
        id="{role}:{name}",
        autoname="name",
    ),
    "aws:iam/policy:Policy": Spec(
        service="iam",
        create=Call(operation="CreatePolicy", takes={"name": "PolicyName", "policy": "PolicyDocument"}),
        id="Policy.Arn",
        autoname="name",
        left_out={"delayAfterPolicyCreationInMs": "how long the provider waits"},
        outputs={"arn": "Policy.Arn", "policyId": "Policy.PolicyId"},
    ),
    "aws:iam/instanceProfile:InstanceProfile": Spec(
        service="iam",
        create=Call(operation="CreateInstanceProfile", takes={"name": "InstanceProfileName"}),
        id="InstanceProfile.InstanceProfileName",
        autoname="name",
        then=[
            Call(
                operation="AddRoleToInstanceProfile",
                takes={"role": "RoleName"},
                fixed={"InstanceProfileName": "{id}"},
            )
        ],
        outputs={"arn": "InstanceProfile.Arn", "uniqueId": "InstanceProfile.InstanceProfileId"},
    ),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": Spec(
        service="iam",
        create=Call(operation="CreateServiceLinkedRole"),
        id="Role.Arn",
        tagging=Call(
            operation="TagRole",
            fixed={
                "RoleName": lambda context: context.response["Role"]["RoleName"],
                "Tags": lambda context: [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())],
            },
        ),
        outputs={
            "arn": "Role.Arn",
            "name": "Role.RoleName",
            "path": "Role.Path",
            "uniqueId": "Role.RoleId",
        },
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Spec(
        service="iam",
        create=Call(operation="AttachRolePolicy", takes={"role": "RoleName"}),
        id="{role}/{policyArn}",
    ),
    "aws:iam/user:User": Spec(
        service="iam",
        create=Call(operation="CreateUser", takes={"name": "UserName"}),
        id="User.UserName",
        autoname="name",
        outputs={"arn": "User.Arn", "uniqueId": "User.UserId"},
    ),
    "aws:iam/group:Group": Spec(
        service="iam",
        create=Call(operation="CreateGroup", takes={"name": "GroupName"}),
        id="Group.GroupName",
        autoname="name",
        outputs={"arn": "Group.Arn", "uniqueId": "Group.GroupId"},
    ),
    "aws:iam/userGroupMembership:UserGroupMembership": Spec(
        service="iam",
        create=Code(_membership, reads=("user", "groups")),
        id="{user}",
    ),
    "aws:iam/accessKey:AccessKey": Spec(
        service="iam",
        create=Call(operation="CreateAccessKey", takes={"user": "UserName"}),
        id="AccessKey.AccessKeyId",
        left_out={"pgpKey": "encrypts the secret on the provider's side"},
        then=[
            Call(
                operation="UpdateAccessKey",
                takes={"status": "Status"},
                fixed={"AccessKeyId": "{id}", "UserName": "{user}"},
            )
        ],
        outputs={
            "secret": "AccessKey.SecretAccessKey",
            "createDate": lambda _context: "2026-01-01T00:00:00Z",
        },
    ),
    "aws:iam/userPolicy:UserPolicy": Spec(
        service="iam",
        create=Call(
            operation="PutUserPolicy", takes={"name": "PolicyName", "policy": "PolicyDocument", "user": "UserName"}
        ),
        id="{user}:{name}",
        autoname="name",
    ),
    "aws:iam/groupPolicy:GroupPolicy": Spec(
        service="iam",
        create=Call(
            operation="PutGroupPolicy", takes={"name": "PolicyName", "policy": "PolicyDocument", "group": "GroupName"}
        ),
        id="{group}:{name}",
        autoname="name",
    ),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": Spec(
        service="iam",
        create=Call(operation="AttachUserPolicy", takes={"user": "UserName"}),
        id="{user}/{policyArn}",
    ),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": Spec(
        service="iam",
        create=Call(operation="AttachGroupPolicy", takes={"group": "GroupName"}),
        id="{group}/{policyArn}",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Spec(
        service="iam",
        create=Call(
            operation="CreateOpenIDConnectProvider",
            takes={"clientIdLists": "ClientIDList", "thumbprintLists": "ThumbprintList"},
        ),
        id="OpenIDConnectProviderArn",
        outputs={"arn": "OpenIDConnectProviderArn"},
    ),
}
