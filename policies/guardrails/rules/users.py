"""Users and how they sign in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, aws, rule, setting, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource

_LEAST_LENGTH = 8
_CLASSES = ("requireLowercase", "requireNumbers", "requireSymbols", "requireUppercase")
_GOOD = {"minimumLength": 12, **dict.fromkeys(_CLASSES, True)}


@rule(
    id="user-pool-password",
    title="User pools have a strong password policy",
    types=(types.USER_POOL,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("IAM",),
    references=("N-COG1",),
    remedy=f"Set passwordPolicy: minimumLength {_LEAST_LENGTH} or more, and {', '.join(_CLASSES)}.",
)
def user_pool_password(pool: Resource, _at: Context) -> Iterator[str]:
    """Lower-case and upper-case letters, digits and symbols."""
    if not pool.props.has("passwordPolicy"):
        yield "no password policy is set"
        return
    length = pool.props.number("passwordPolicy.minimumLength")
    if length is None or length < _LEAST_LENGTH:
        yield f"passwords may have {show(length) if length else 'fewer than 8'} characters"
    for each in _CLASSES:
        if not pool.props.get(f"passwordPolicy.{each}"):
            yield f"{each} is off"


user_pool_password.examples(
    compliant=[aws("cognito/userPool:UserPool", {"passwordPolicy": _GOOD})],
    non_compliant=[
        aws("cognito/userPool:UserPool"),
        aws("cognito/userPool:UserPool", {"passwordPolicy": {**_GOOD, "minimumLength": 6}}),
        aws("cognito/userPool:UserPool", {"passwordPolicy": {**_GOOD, "requireSymbols": False}}),
    ],
)


user_pool_mfa = setting(
    id="user-pool-mfa",
    title="In production, user pools require MFA",
    types=(types.USER_POOL,),
    path="mfaConfiguration",
    allowed=("ON",),
    wrong="OPTIONAL",
    message="MFA is not required",
    description="A password alone is guessed, reused and phished. Users of other identity providers are not asked "
    "by Cognito.",
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    references=("N-COG2",),
    environments=("prod",),
    remedy="Set mfaConfiguration to ON, and softwareTokenMfaConfiguration.",
)


@rule(
    id="user-pool-client-care",
    title="App clients use the code flow, and do not reveal who has an account",
    types=(types.USER_POOL_CLIENT,),
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    remedy="Set preventUserExistenceErrors to ENABLED, and take implicit out of allowedOauthFlows.",
)
def user_pool_client_care(client: Resource, _at: Context) -> Iterator[str]:
    """Otherwise anybody can find out who has an account; and tokens in addresses end up in histories and logs."""
    if client.props.get("preventUserExistenceErrors") != "ENABLED":
        yield "unknown users and wrong passwords get different errors"
    if "implicit" in client.props.items("allowedOauthFlows").texts():
        yield "tokens are returned in URLs (the implicit flow)"


user_pool_client_care.examples(
    compliant=[
        aws(
            "cognito/userPoolClient:UserPoolClient",
            {"preventUserExistenceErrors": "ENABLED", "allowedOauthFlows": ["code"]},
        )
    ],
    non_compliant=[
        aws("cognito/userPoolClient:UserPoolClient"),
        aws("cognito/userPoolClient:UserPoolClient", {"preventUserExistenceErrors": "LEGACY"}),
        aws(
            "cognito/userPoolClient:UserPoolClient",
            {"preventUserExistenceErrors": "ENABLED", "allowedOauthFlows": ["code", "implicit"]},
        ),
    ],
)


identity_pool_guests = setting(
    id="identity-pool-guests",
    title="Identity pools give guests no AWS credentials",
    types=(types.IDENTITY_POOL,),
    path="allowUnauthenticatedIdentities",
    allowed=(False,),
    wrong=True,
    default=False,
    message="guests get AWS credentials",
    description="Whoever knows the pool's id, which is in the site's code, would get them.",
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    references=("N-COG7",),
    remedy="Set allowUnauthenticatedIdentities to false.",
)


_OWN = re.compile(r"[0-9a-f]{7,}$|\d{12}")


def _domain(name: Any) -> Any:
    return aws("cognito/userPoolDomain:UserPoolDomain", {"domain": name, "userPoolId": "p"})


@rule(
    id="user-pool-domain-own",
    title="The domain prefix of a user pool is not taken",
    types=(types.USER_POOL_DOMAIN,),
    level=ADVISORY,
    severity="low",
    topics=("naming",),
    remedy="End the prefix in a digest of the account and the region, or use a domain of your own.",
)
def user_pool_domain_own(domain: Resource, _at: Context) -> Iterator[str]:
    """Prefixes belong to all customers of a region: one that is taken ends the deployment, half-way."""
    name = domain.props.text("domain")
    if "." not in name and not _OWN.search(name):
        yield f"somebody else may have taken the prefix {name}"


user_pool_domain_own.examples(
    compliant=[_domain("wiki-prod-0a1b2c3d"), _domain("wiki-123456789012"), _domain("sign-in.example.com")],
    non_compliant=[_domain("wiki-prod"), _domain("chat-prod")],
)


_GOOGLE = {
    "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
    "attributes_url_add_attributes": "true",
    "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
    "oidc_issuer": "https://accounts.google.com",
    "token_request_method": "POST",
    "token_url": "https://www.googleapis.com/oauth2/v4/token",
}
_OIDC = dict.fromkeys(("attributes_url", "authorize_url", "jwks_uri", "token_url"), "https://sign-in.example.com/x")
_OIDC |= {"attributes_url_add_attributes": "false"}
_FILLED_IN = {"Google": tuple(_GOOGLE), "OIDC": tuple(_OIDC)}
"""What Cognito adds, by the kind of provider."""


def _provider(kind: str, **details: str) -> Any:
    props = {
        "userPoolId": "p",
        "providerName": kind,
        "providerType": kind,
        "providerDetails": {"client_id": "c", **details},
    }
    return aws("cognito/identityProvider:IdentityProvider", props)


@rule(
    id="identity-provider-details",
    title="Identity providers declare the details that Cognito adds",
    types=(types.IDENTITY_PROVIDER,),
    level=ADVISORY,
    severity="low",
    topics=("availability",),
    remedy="Write the details that Cognito would add: addresses, and attributes_url_add_attributes.",
)
def identity_provider_details(provider: Resource, _at: Context) -> Iterator[str]:
    """Cognito adds them, a refresh reads them, and each update finds that the program has them not
    (https://github.com/hashicorp/terraform-provider-aws/issues/4831)."""
    wanted = _FILLED_IN.get(provider.props.text("providerType"), ())
    details = provider.props.get("providerDetails")
    missing = [key for key in wanted if details is None or not details.has(key)]
    if missing:
        yield f"Cognito adds {', '.join(missing)}, and each update removes it again"


identity_provider_details.examples(
    compliant=[
        _provider("Google", **_GOOGLE),
        _provider("OIDC", **_OIDC),
        _provider("SAML", MetadataURL="https://idp.example.com/metadata"),
    ],
    non_compliant=[_provider("Google"), _provider("OIDC", oidc_issuer="https://sign-in.example.com")],
)
