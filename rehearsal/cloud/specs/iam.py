"""Roles and policies."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, Making, Spec


def _inline_and_managed(making: Making) -> dict[str, Any]:
    """A role with whatever policies were written inside it."""
    aside = ("inlinePolicies", "managedPolicyArns", "forceDetachPolicies", "region", "tags")
    inputs = {key: value for key, value in making.inputs.items() if key not in aside}
    request = making.request("CreateRole", inputs, {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"})
    if making.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(making.tags.items())]
    response = making.call("CreateRole", request)
    for policy in making.inputs.get("inlinePolicies", []):
        making.call(
            "PutRolePolicy",
            {"RoleName": request["RoleName"], "PolicyName": policy["name"], "PolicyDocument": policy["policy"]},
        )
    for arn in making.inputs.get("managedPolicyArns", []):
        making.call("AttachRolePolicy", {"RoleName": request["RoleName"], "PolicyArn": arn})
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
                "RoleName": lambda making: making.response["Role"]["RoleName"],
                "Tags": lambda making: [{"Key": key, "Value": value} for key, value in sorted(making.tags.items())],
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
