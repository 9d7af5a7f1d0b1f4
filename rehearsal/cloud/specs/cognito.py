"""Cognito user pools and what belongs to them."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec


def _pool(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider's name for a list is plural, AWS's is not."""
    settings = inputs.get("userAttributeUpdateSettings")
    if settings is None:
        return inputs
    names = {"attributesRequireVerificationBeforeUpdates": "attributesRequireVerificationBeforeUpdate"}
    return {**inputs, "userAttributeUpdateSettings": {names.get(key, key): value for key, value in settings.items()}}


SPECS: Final[dict[str, Spec]] = {
    "aws:cognito/userPool:UserPool": Spec(
        service="cognito-idp",
        create=Call(
            operation="CreateUserPool",
            takes={
                "name": "PoolName",
                "passwordPolicy": "Policies.PasswordPolicy",
                "signInPolicy": "Policies.SignInPolicy",
                "schemas": "Schema",
            },
            fixed={"UserPoolTags": lambda context: context.tags},
            reshape=_pool,
        ),
        id="UserPool.Id",
        autoname="name",
        then=[
            Call(
                operation="SetUserPoolMfaConfig",
                takes={
                    "mfaConfiguration": "MfaConfiguration",
                    "softwareTokenMfaConfiguration": "SoftwareTokenMfaConfiguration",
                    "emailMfaConfiguration": "EmailMfaConfiguration",
                    "webAuthnConfiguration": "WebAuthnConfiguration",
                },
                fixed={"UserPoolId": "{id}"},
            )
        ],
        outputs={"arn": "UserPool.Arn", "endpoint": "cognito-idp.{region}.amazonaws.com/{id}"},
    ),
    "aws:cognito/userPoolClient:UserPoolClient": Spec(
        service="cognito-idp",
        create=Call(operation="CreateUserPoolClient", takes={"name": "ClientName"}),
        id="UserPoolClient.ClientId",
        autoname="name",
        outputs={"clientSecret": "UserPoolClient.ClientSecret"},
    ),
    "aws:cognito/userPoolDomain:UserPoolDomain": Spec(
        service="cognito-idp",
        create=Call(operation="CreateUserPoolDomain", takes={"certificateArn": "CustomDomainConfig.CertificateArn"}),
        id="{domain}",
        outputs={"cloudfrontDistribution": "CloudFrontDomain"},
    ),
    "aws:cognito/identityProvider:IdentityProvider": Spec(
        service="cognito-idp",
        create=Call(operation="CreateIdentityProvider"),
        id="{userPoolId}:{providerName}",
    ),
    "aws:cognito/userGroup:UserGroup": Spec(
        service="cognito-idp",
        create=Call(operation="CreateGroup", takes={"name": "GroupName"}),
        id="{userPoolId}/{name}",
        autoname="name",
    ),
}
