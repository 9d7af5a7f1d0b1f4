"""Users: how they sign in, what the tokens are good for, and what is refused."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

import pytest

from components.alarms import AlarmTopics
from components.errors import ArgumentError
from components.identity.user_pool import UserPool, own_prefix
from components.identity.user_pool_args import Client, GitHub, Google, Paths, UserPoolArgs
from tests.conftest import REGION, Recorder, Registered

WEB = Client(callback_urls=["https://wiki.example.com/callback"], logout_urls=["https://wiki.example.com/"])
SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:sign-in-AbCdEf"
GOOGLE = Google(client_id="1.apps.googleusercontent.com", secret_arn=SECRET)
GITHUB = GitHub(issuer="https://sign-in.example.com", client_id="Iv1.1", secret_arn=SECRET)


def pool_args(**changes: Any) -> UserPoolArgs:
    return UserPoolArgs(**{"domain_prefix": "wiki-prod", "clients": {"web": WEB}, **changes})


def pool(**changes: Any) -> UserPool:
    return UserPool("wiki-prod-users", pool_args(**changes))


def of_pool(recorder: Recorder) -> dict[str, Any]:
    return recorder.one("cognito/userPool:UserPool").inputs


def of_client(recorder: Recorder) -> dict[str, Any]:
    return recorder.one(":UserPoolClient").inputs


@pytest.mark.covers("B9")
def test_people_sign_in_with_a_proven_address_and_a_long_password(recorder: Recorder) -> None:
    recorder.run(pool)
    made = of_pool(recorder)
    assert (made["usernameAttributes"], made["autoVerifiedAttributes"]) == (["email"], ["email"])
    assert made["userAttributeUpdateSettings"] == {"attributesRequireVerificationBeforeUpdates": ["email"]}
    assert made["passwordPolicy"] == {
        "minimumLength": 12, "requireLowercase": True, "requireNumbers": True, "requireSymbols": True,
        "requireUppercase": True, "temporaryPasswordValidityDays": 3,
    }  # fmt: skip
    assert made["accountRecoverySetting"]["recoveryMechanisms"] == [{"name": "verified_email", "priority": 1}]


@pytest.mark.covers("B9")
@pytest.mark.parametrize(("mfa", "aws_says"), [("off", "OFF"), ("optional", "OPTIONAL"), ("required", "ON")])
def test_a_second_factor_is_an_application_and_up_to_the_stack(mfa: str, aws_says: str, recorder: Recorder) -> None:
    recorder.run(lambda: pool(mfa=mfa))
    made = of_pool(recorder)
    assert made["mfaConfiguration"] == aws_says
    assert made.get("softwareTokenMfaConfiguration") == (None if mfa == "off" else {"enabled": True})
    assert "smsConfiguration" not in made


@pytest.mark.covers("B9")
def test_a_program_gets_a_code_and_never_a_token_in_an_address_and_has_no_secret(recorder: Recorder) -> None:
    recorder.run(pool)
    made = of_client(recorder)
    assert (made["allowedOauthFlows"], made["allowedOauthFlowsUserPoolClient"]) == (["code"], True)
    assert made["generateSecret"] is False
    assert made["callbackUrls"] == ["https://wiki.example.com/callback"]
    assert set(made["explicitAuthFlows"]) == {"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"}


def test_nobody_finds_out_who_has_an_account_and_a_stolen_session_can_be_ended(recorder: Recorder) -> None:
    recorder.run(pool)
    made = of_client(recorder)
    assert made["preventUserExistenceErrors"] == "ENABLED"
    assert made["enableTokenRevocation"] is True


def test_tokens_are_good_for_as_long_as_the_stack_says(recorder: Recorder) -> None:
    recorder.run(lambda: pool(access_token_minutes=15, refresh_token_days=7))
    made = of_client(recorder)
    assert (made["accessTokenValidity"], made["idTokenValidity"], made["refreshTokenValidity"]) == (15, 15, 7)
    assert made["tokenValidityUnits"] == {"accessToken": "minutes", "idToken": "minutes", "refreshToken": "days"}


@pytest.mark.covers("B9", "C2")
def test_authorizers_are_told_whom_to_trust_and_for_whom_a_token_is(recorder: Recorder, resolved: Any) -> None:
    made: list[UserPool] = []
    recorder.run(lambda: made.append(pool()))
    (users,) = made
    assert resolved(users.issuer) == f"https://cognito-idp.{REGION}.amazonaws.com/wiki-prod-users-user-pool-id"
    assert {name: resolved(one) for name, one in users.client_ids.items()} == {"web": "wiki-prod-users-web-client-id"}
    prefix = own_prefix("wiki-prod", "123456789012", REGION)
    assert resolved(users.domain) == f"https://{prefix}.auth.{REGION}.amazoncognito.com"


def test_no_other_accounts_stack_comes_to_the_same_sign_in_page(recorder: Recorder) -> None:
    recorder.run(pool)
    ours = recorder.one(":UserPoolDomain").inputs["domain"]
    assert re.fullmatch(r"wiki-prod-[0-9a-f]{8}", ours)
    assert ours == own_prefix("wiki-prod", "123456789012", REGION), "the same at each deployment"
    others = {own_prefix("wiki-prod", "210987654321", REGION), own_prefix("wiki-prod", "123456789012", "us-east-1")}
    assert len({ours, *others}) == 3
    assert len(own_prefix("w" * 54, "123456789012", REGION)) == 63, "AWS's most"


def test_another_sign_in_page_is_made_when_the_old_one_is_gone_since_a_pool_has_one(recorder: Recorder) -> None:
    recorder.run(pool)
    assert recorder.one(":UserPoolDomain").deleted_first
    assert not recorder.one("cognito/userPool:UserPool").deleted_first


@pytest.mark.parametrize(("length", "fits"), [(54, True), (55, False)])
def test_a_prefix_leaves_room_for_the_digest(length: int, fits: bool) -> None:
    with nullcontext() if fits else pytest.raises(ArgumentError, match="use 1 to 54"):
        pool_args(domain_prefix="w" * length)


# --- Others who know the users ---------------------------------------------------------------------------------------


def details(provider: Registered) -> dict[str, Any]:
    """What the provider is told, which is a secret as a whole in the state."""
    given = provider.inputs["providerDetails"]
    assert set(given) > {"value"}, "a secret has a mark beside its value"
    return given["value"]


@pytest.mark.covers("B9")
def test_google_and_github_are_offered_and_their_secrets_come_from_where_they_are_kept(recorder: Recorder) -> None:
    recorder.run(lambda: pool(google=GOOGLE, github=GITHUB))
    made = recorder.of(":IdentityProvider")
    assert [(one.inputs["providerName"], one.inputs["providerType"]) for one in made] == [
        ("GitHub", "OIDC"), ("Google", "Google"),
    ]  # fmt: skip
    for one in made:
        assert details(one)["client_secret"] == "a-token"  # noqa: S105 the stand-in of the mocks
    assert recorder.calls.count("aws:secretsmanager/getSecretVersion:getSecretVersion") == 2
    assert of_client(recorder)["supportedIdentityProviders"] == ["COGNITO", "Google", "GitHub"]


def test_github_is_asked_through_the_proxy_that_speaks_for_it(recorder: Recorder) -> None:
    recorder.run(lambda: pool(github=GITHUB))
    told = details(recorder.one(":IdentityProvider"))
    assert told["oidc_issuer"] == "https://sign-in.example.com"
    assert told["authorize_scopes"].split() == ["openid", "read:user", "user:email"]


@pytest.mark.parametrize("other", [{"google": GOOGLE}, {"github": GITHUB}])
def test_what_cognito_would_add_to_a_provider_is_written_already(other: dict[str, Any], recorder: Recorder) -> None:
    recorder.run(lambda: pool(**other))
    told = details(recorder.one(":IdentityProvider"))
    # As DescribeIdentityProvider shows them, in API_CreateIdentityProvider.
    added = {
        "google": {
            "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
            "attributes_url_add_attributes": "true",
            "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
            "oidc_issuer": "https://accounts.google.com",
            "token_request_method": "POST",
            "token_url": "https://www.googleapis.com/oauth2/v4/token",
        },
        "github": {
            "attributes_url": "https://sign-in.example.com/userinfo",
            "attributes_url_add_attributes": "false",
            "authorize_url": "https://sign-in.example.com/authorize",
            "jwks_uri": "https://sign-in.example.com/.well-known/jwks.json",
            "token_url": "https://sign-in.example.com/token",
        },
    }
    assert added[next(iter(other))].items() <= told.items()


def test_a_proxy_may_answer_elsewhere(recorder: Recorder) -> None:
    github = GITHUB.model_copy(update={"paths": Paths(token="/oauth/token")})
    recorder.run(lambda: pool(github=github))
    assert details(recorder.one(":IdentityProvider"))["token_url"].endswith(".example.com/oauth/token")
    with pytest.raises(ArgumentError, match="use a path such as /authorize"):
        Paths(keys="jwks.json")


def test_whether_an_address_is_proven_comes_with_it(recorder: Recorder) -> None:
    recorder.run(lambda: pool(google=GOOGLE))
    mapping = recorder.one(":IdentityProvider").inputs["attributeMapping"]
    assert (mapping["email"], mapping["email_verified"], mapping["username"]) == ("email", "email_verified", "sub")


def test_without_them_users_have_their_account_here_only(recorder: Recorder) -> None:
    recorder.run(pool)
    assert not recorder.of(":IdentityProvider")
    assert of_client(recorder)["supportedIdentityProviders"] == ["COGNITO"]
    assert not recorder.calls.count("aws:secretsmanager/getSecretVersion:getSecretVersion")


# --- Plans, groups, retention ----------------------------------------------------------------------------------------


def test_threats_are_looked_for_on_the_plan_that_can(recorder: Recorder) -> None:
    recorder.run(lambda: pool(plan="plus", threat_protection="enforced"))
    made = of_pool(recorder)
    assert (made["userPoolTier"], made["userPoolAddOns"]) == ("PLUS", {"advancedSecurityMode": "ENFORCED"})


def test_on_other_plans_nothing_is_said_of_threats(recorder: Recorder) -> None:
    recorder.run(pool)
    assert of_pool(recorder)["userPoolTier"] == "ESSENTIALS"
    assert "userPoolAddOns" not in of_pool(recorder)


@pytest.mark.parametrize(("open_to_all", "by_admin_only"), [(True, False), (False, True)])
def test_people_make_themselves_an_account_only_where_the_stack_says_so(
    open_to_all: bool, by_admin_only: bool, recorder: Recorder
) -> None:
    recorder.run(lambda: pool(self_sign_up=open_to_all))
    assert of_pool(recorder)["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": by_admin_only}


def test_groups_are_made_by_name(recorder: Recorder) -> None:
    recorder.run(lambda: pool(groups={"Content_Admins": "May change every page"}))
    made = recorder.one(":UserGroup")
    assert (made.name, made.inputs["name"]) == ("wiki-prod-users-content-admins-group", "Content_Admins")
    assert "roleArn" not in made.inputs


@pytest.mark.parametrize(
    ("retention", "protected", "deletion"), [("protected", True, "ACTIVE"), ("ephemeral", False, "INACTIVE")]
)
def test_what_is_protected_refuses_to_be_deleted(
    retention: str, protected: bool, deletion: str, recorder: Recorder
) -> None:
    recorder.run(lambda: pool(retention=retention))
    made = recorder.one("cognito/userPool:UserPool")
    assert (made.protect, made.inputs["deletionProtection"]) == (protected, deletion)


def test_a_changed_schema_never_replaces_the_pool_and_its_users(recorder: Recorder) -> None:
    recorder.run(pool)
    assert recorder.one("cognito/userPool:UserPool").ignore_changes == ["schemas"]


# --- Refusals --------------------------------------------------------------------------------------------------------


def client(url: str) -> dict[str, Any]:
    return {"clients": {"web": {"callback_urls": [url]}}}


def github(issuer: str) -> dict[str, Any]:
    return {"github": {"issuer": issuer, "client_id": "1", "secret_arn": SECRET}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"domain_prefix": "Wiki"}, "domain_prefix: 'Wiki' is not allowed; use 1 to 54 lower-case"),
        ({"domain_prefix": "my-aws-wiki"}, "domain_prefix: 'my-aws-wiki' must not contain aws"),
        ({"clients": {}}, r"clients: \{\} has too few entries; write 1 or more"),
        ({"clients": {"web": {"callback_urls": []}}}, r"clients.web.callback_urls: \[\] has too few entries"),
        (client("http://wiki.example.com/"), "'http://wiki.example.com/' is not allowed; use an https address"),
        (client("https://*.example.com/"), r"without \* and #"),
        (client("https://example.com/#done"), r"without \* and #"),
        (client("http://localhost.example.com/"), "or http://localhost"),
        ({"mfa": "sms"}, "mfa: 'sms' is not allowed; use off, optional or required"),
        ({"password_length": 6}, "password_length: 6 is not allowed; use 8 to 99"),
        ({"plan": "free"}, "plan: 'free' is not allowed; use lite, essentials or plus"),
        ({"threat_protection": "audit"}, "threat_protection: 'audit' needs the plan plus"),
        ({"access_token_minutes": 1}, "access_token_minutes: 1 is not allowed; use 5 to 1440"),
        ({"refresh_token_days": 0}, "refresh_token_days: 0 is not allowed; use 1 to 3650"),
        ({"google": {"client_id": "1", "secret_arn": "GOCSPX-secret"}}, "secret of Secrets Manager, and use its ARN"),
        (
            github("https://github.com"),
            "github.issuer: 'https://github.com' is GitHub itself, .*give the address of a proxy",
        ),
        (
            github("https://token.actions.githubusercontent.com"),
            "is GitHub itself",
        ),
        (github("http://x.example.com"), "the proxy's https"),
        ({"groups": {"the admins": "x"}}, "groups.the admins: 'the admins' is not allowed; use up to 128"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        pool_args(**changes)


def test_a_callback_on_the_developers_own_machine_is_allowed() -> None:
    for url in ("http://localhost", "http://localhost:5173/callback"):
        pool_args(**client(url))


def watched(recorder: Recorder) -> dict[str, Registered]:
    return {
        one.name.removeprefix("wiki-prod-users-").removesuffix("-alarm"): one for one in recorder.of(":MetricAlarm")
    }


@pytest.mark.covers("B9", "A14")
def test_people_hear_when_users_are_turned_away_or_do_not_get_in_by_any_of_the_ways(recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:critical", warning="arn:warning")
    recorder.run(lambda: pool(google=GOOGLE, github=GITHUB, alarm_throttled=3).alarms(topics))
    alarms = watched(recorder)
    assert alarms.keys() == {"web-throttled", "web-failed", "web-google-failed", "web-github-failed"}
    assert {tuple(one.inputs["alarmActions"]) for one in alarms.values()} == {("arn:warning",)}

    def asked(name: str) -> tuple[str, list[tuple[str, str, str | None]]]:
        result, *metrics = alarms[name].inputs["metricQueries"]
        told = [one["metric"] for one in metrics]
        return result["expression"], [
            (one["metricName"], one["stat"], one["dimensions"].get("IdentityProvider")) for one in told
        ]

    expression, metrics = asked("web-throttled")
    # Whatever Cognito did not count is no reason to stay silent.
    assert expression == "FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0) + FILL(m4, 0)"
    assert metrics == [
        ("SignInThrottles", "Sum", None),
        ("TokenRefreshThrottles", "Sum", None),
        ("FederationThrottles", "Sum", "Google"),
        ("FederationThrottles", "Sum", "GitHub"),
    ]
    assert alarms["web-throttled"].inputs["threshold"] == 3
    for name, counted, provider in (
        ("web-failed", "SignInSuccesses", None),
        ("web-google-failed", "FederationSuccesses", "Google"),
        ("web-github-failed", "FederationSuccesses", "GitHub"),
    ):
        expression, metrics = asked(name)
        assert expression == "IF(tries >= 20, (tries - good) / tries * 100, 0)"
        assert {*metrics} == {(counted, "SampleCount", provider), (counted, "Sum", provider)}


@pytest.mark.covers("B9")
def test_without_other_providers_none_is_watched(recorder: Recorder) -> None:
    recorder.run(lambda: pool().alarms(AlarmTopics(critical="arn:critical", warning="arn:warning")))
    assert watched(recorder).keys() == {"web-throttled", "web-failed"}
