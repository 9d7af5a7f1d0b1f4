"""Users: the specs of Cognito on moto, a rehearsed stack with users, and settings that are refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rehearsal.problems import RehearsalError
from tests.rehearsal.conftest import Refuse, Rehearse, Rehearsed
from tests.rehearsal.test_specs import REGION, TAGS, Cloud, cloud

__all__ = ["cloud"]

POLICY = {
    "minimumLength": 12, "requireLowercase": True, "requireNumbers": True, "requireSymbols": True,
    "requireUppercase": True, "temporaryPasswordValidityDays": 3,
}  # fmt: skip
POOL: dict[str, Any] = {
    "name": "shop-users",
    "userPoolTier": "ESSENTIALS",
    "usernameAttributes": ["email"],
    "autoVerifiedAttributes": ["email"],
    "passwordPolicy": POLICY,
    "mfaConfiguration": "ON",
    "softwareTokenMfaConfiguration": {"enabled": True},
    "deletionProtection": "ACTIVE",
    "userAttributeUpdateSettings": {"attributesRequireVerificationBeforeUpdates": ["email"]},
    "schemas": [{"name": "email", "attributeDataType": "String", "required": True, "mutable": True}],
}
CLIENT: dict[str, Any] = {
    "name": "web",
    "generateSecret": False,
    "allowedOauthFlows": ["code"],
    "allowedOauthFlowsUserPoolClient": True,
    "allowedOauthScopes": ["openid"],
    "callbackUrls": ["https://shop.example.com/"],
    "explicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
    "preventUserExistenceErrors": "ENABLED",
    "supportedIdentityProviders": ["COGNITO"],
    "accessTokenValidity": 60,
    "tokenValidityUnits": {"accessToken": "minutes"},
}


def pool(cloud: Cloud, **changes: Any) -> str:
    return cloud.make("aws:cognito/userPool:UserPool", **{**POOL, **changes}).id


def test_a_pool_has_its_policy_its_second_factor_its_protection_and_its_tags(cloud: Cloud) -> None:
    identity = pool(cloud)
    found = cloud.ask("cognito-idp", "DescribeUserPool", UserPoolId=identity)["UserPool"]
    assert found["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert (found["DeletionProtection"], found["UserPoolTags"]) == ("ACTIVE", TAGS)
    factor = cloud.ask("cognito-idp", "GetUserPoolMfaConfig", UserPoolId=identity)
    assert factor["MfaConfiguration"] == "ON"
    assert factor["SoftwareTokenMfaConfiguration"] == {"Enabled": True}


def test_a_program_a_page_a_provider_and_a_group_belong_to_the_pool(cloud: Cloud) -> None:
    identity = pool(cloud)
    client = cloud.make("aws:cognito/userPoolClient:UserPoolClient", userPoolId=identity, **CLIENT)
    found = cloud.ask("cognito-idp", "DescribeUserPoolClient", UserPoolId=identity, ClientId=client.id)
    assert found["UserPoolClient"]["AllowedOAuthFlows"] == ["code"]
    assert found["UserPoolClient"]["CallbackURLs"] == ["https://shop.example.com/"]
    assert "ClientSecret" not in found["UserPoolClient"]
    cloud.make("aws:cognito/userPoolDomain:UserPoolDomain", userPoolId=identity, domain="shop")
    page = cloud.ask("cognito-idp", "DescribeUserPoolDomain", Domain="shop")["DomainDescription"]
    assert page["UserPoolId"] == identity
    provider = cloud.make(
        "aws:cognito/identityProvider:IdentityProvider", userPoolId=identity, providerName="GitHub",
        providerType="OIDC", attributeMapping={"email": "email"},
        providerDetails={"client_id": "1", "client_secret": "2", "oidc_issuer": "https://x"},
    )  # fmt: skip
    assert provider.id == f"{identity}:GitHub"
    group = cloud.make("aws:cognito/userGroup:UserGroup", userPoolId=identity, name="admins", description="All")
    assert group.id == f"{identity}/admins"
    (listed,) = cloud.ask("cognito-idp", "ListGroups", UserPoolId=identity)["Groups"]
    assert listed["GroupName"] == "admins"


@pytest.mark.parametrize(
    ("kind", "inputs", "words"),
    [
        ("userPool:UserPool", {**POOL, "mfaConfiguration": "YES"}, "'YES' is not allowed"),
        ("userPool:UserPool", {**POOL, "userPoolTier": "FREE"}, "'FREE' is not allowed"),
        ("userPool:UserPool", {**POOL, "passwordPolicy": {**POLICY, "minimumLength": 3}}, "below AWS's minimum"),
        ("userPool:UserPool", {**POOL, "selfSignUp": True}, "selfSignUp"),
        ("userPoolClient:UserPoolClient", {**CLIENT, "userPoolId": "x_1", "allowedOauthFlows": ["codes"]}, "'codes'"),
        ("identityProvider:IdentityProvider", {"userPoolId": "x_1", "providerName": "x", "providerType": "GitHub",
                                               "providerDetails": {}}, "'GitHub' is not allowed"),
    ],
)  # fmt: skip
def test_what_aws_would_refuse_is_refused(cloud: Cloud, kind: str, inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(RehearsalError, match=words):
        cloud.make(f"aws:cognito/{kind}", **inputs)


# --- A stack with users ----------------------------------------------------------------------------------------------

SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:sign-in-AbCdEf"
WEB = {"callbackUrls": ["https://app.example.com/callback"]}
USERS: dict[str, Any] = {
    "clients": {"web": WEB},
    "google": {"clientId": "1.apps.googleusercontent.com", "secretArn": SECRET},
    "github": {"issuer": "https://sign-in.example.com", "clientId": "Iv1.1", "secretArn": SECRET},
    "groups": {"admins": "May do everything"},
}
ONLY_USERS: dict[str, Any] = {
    f"kumiki:{section}": None
    for section in (
        "network", "logArchive", "database", "domain", "loadBalancer", "queues", "workflows", "secrets", "parameters",
        "delivery", "baseline", "logAnalytics", "services", "tables", "functions", "officeHours",
    )
} | {"policy:exemptions": None}  # fmt: skip


def inputs(done: Rehearsed, kind: str) -> list[dict[str, Any]]:
    return [one["inputs"] for one in done.report["resources"] if one["type"] == f"aws:cognito/{kind}"]


@pytest.mark.covers("B9")
@pytest.mark.parametrize(("environment", "factor"), [("dev", "OPTIONAL"), ("prod", "ON")])
def test_a_stack_with_users_rehearses_green_and_prod_asks_for_a_second_factor(
    rehearse_kumiki: Rehearse, environment: str, factor: str
) -> None:
    retention = "protected" if environment == "prod" else "ephemeral"
    done = rehearse_kumiki({
        **ONLY_USERS, "kumiki:userPool": USERS, "kumiki:environment": environment, "kumiki:retention": retention,
        "kumiki:logs": {"retentionDays": 30},
    })  # fmt: skip
    assert done.status == 0, done.text
    assert {one["status"] for one in done.report["resources"] if "cognito" in one["type"]} == {"emulated"}
    (pool,) = inputs(done, "userPool:UserPool")
    assert pool["mfaConfiguration"] == factor
    (client,) = inputs(done, "userPoolClient:UserPoolClient")
    assert set(client["supportedIdentityProviders"]) == {"COGNITO", "Google", "GitHub"}
    out = done.report["outputs"]
    assert re.fullmatch(rf"https://cognito-idp\.{REGION}\.amazonaws\.com/{REGION}_\w+", out["userPoolIssuer"])
    assert set(out["userPoolClientIds"]) == {"web"}
    assert re.fullmatch(
        rf"https://kumiki-{environment}-[0-9a-f]{{8}}\.auth\.{REGION}\.amazoncognito\.com", out["signInUrl"]
    )
    assert "stand-in for a secret" not in done.text


def test_prod_without_a_second_factor_is_refused_by_the_policies(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki({
        **ONLY_USERS, "kumiki:userPool": {**USERS, "mfa": "optional"}, "kumiki:environment": "prod",
        "kumiki:retention": "protected", "kumiki:logs": {"retentionDays": 30},
    })  # fmt: skip
    assert done.status == 1
    assert {one["rule"] for one in done.problems("policy")} == {"user-pool-mfa"}


def test_what_the_settings_themselves_say_is_refused_all_at_once(refuse_kumiki: Refuse) -> None:
    said = refuse_kumiki({**ONLY_USERS, "kumiki:userPool": {
        "clients": {"Web": {"callbackUrl": []}}, "mfa": "sms", "google": {"clientId": "1", "clientSecret": "hush"},
    }})  # fmt: skip
    for part in (
        "kumiki:userPool.clients.Web: ",
        "kumiki:userPool.mfa: 'sms' is not allowed; use off, optional or required",
        "kumiki:userPool.google.clientSecret: is not a known key",
        "kumiki:userPool.google.secretArn: is missing",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"domainPrefix": "my-aws"}, "kumiki:userPool.domainPrefix: 'my-aws' must not contain aws; choose another"),
        ({"threatProtection": "audit"}, "kumiki:userPool.threatProtection: 'audit' needs the plan plus"),
        (
            {"github": {"issuer": "https://github.com", "clientId": "1", "secretArn": SECRET}},
            "kumiki:userPool.github.issuer: 'https://github.com' is GitHub itself",
        ),
        (
            {"clients": {"web": {"callbackUrls": ["http://app.example.com"]}}},
            "kumiki:userPool.clients.web.callbackUrls[0]: 'http://app.example.com' is not allowed",
        ),
    ],
)
def test_what_only_the_pool_can_judge_is_refused_before_anything_is_made(
    refuse_kumiki: Refuse, changes: dict[str, Any], part: str
) -> None:
    said = refuse_kumiki({**ONLY_USERS, "kumiki:userPool": {**USERS, **changes}})
    assert part in said
