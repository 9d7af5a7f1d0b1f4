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
