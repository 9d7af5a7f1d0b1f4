"""Users and how they sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, aws, example, rule, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource

_POOL = "aws:cognito/userPool:UserPool"
_CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
_LEAST_LENGTH = 8
_CLASSES = ("requireLowercase", "requireNumbers", "requireSymbols", "requireUppercase")
_GOOD = {"minimumLength": 12, **dict.fromkeys(_CLASSES, True)}


@rule(
    id="user-pool-password",
    title="Passwords of users are long and mixed",
    types=(_POOL,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("IAM",),
    references=("N-COG1",),
    remedy=f"Set passwordPolicy: minimumLength {_LEAST_LENGTH} or more, and {', '.join(_CLASSES)}.",
    compliant=[example(aws("cognito/userPool:UserPool", {"passwordPolicy": _GOOD}))],
    non_compliant=[
        example(aws("cognito/userPool:UserPool")),
        example(aws("cognito/userPool:UserPool", {"passwordPolicy": {**_GOOD, "minimumLength": 6}})),
        example(aws("cognito/userPool:UserPool", {"passwordPolicy": {**_GOOD, "requireSymbols": False}})),
    ],
)
def user_pool_password(pool: Resource, _at: Context) -> Iterator[str]:
    """Lower-case and upper-case letters, digits and symbols."""
    if not pool.props.has("passwordPolicy"):
        yield "no policy for passwords is set"
        return
    length = pool.props.number("passwordPolicy.minimumLength")
    if length is None or length < _LEAST_LENGTH:
        yield f"passwords may have {show(length) if length else 'fewer than 8'} characters"
    for each in _CLASSES:
        if not pool.props.get(f"passwordPolicy.{each}"):
            yield f"passwords need not have what {each} asks for"


@rule(
    id="user-pool-mfa",
    title="In production, users sign in with a second factor",
    types=(_POOL,),
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    environments=("prod",),
    references=("N-COG2",),
    remedy="Set mfaConfiguration to ON, and softwareTokenMfaConfiguration.",
    compliant=[example(aws("cognito/userPool:UserPool", {"mfaConfiguration": "ON"}), environment="prod")],
    non_compliant=[
        example(aws("cognito/userPool:UserPool"), environment="prod"),
        example(aws("cognito/userPool:UserPool", {"mfaConfiguration": "OPTIONAL"}), environment="prod"),
    ],
)
def user_pool_mfa(pool: Resource, _at: Context) -> Iterator[str]:
    """A password alone is guessed, reused and phished. Users of other identity providers are not asked by Cognito."""
    if pool.props.get("mfaConfiguration", "OFF") != "ON":
        yield "a second factor is not required"


@rule(
    id="user-pool-client-care",
    title="Programs that sign users in get a code, and tell nobody who has an account",
    types=(_CLIENT,),
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    remedy="Set preventUserExistenceErrors to ENABLED, and take implicit out of allowedOauthFlows.",
    compliant=[
        example(
            aws(
                "cognito/userPoolClient:UserPoolClient",
                {"preventUserExistenceErrors": "ENABLED", "allowedOauthFlows": ["code"]},
            )
        )
    ],
    non_compliant=[
        example(aws("cognito/userPoolClient:UserPoolClient")),
        example(aws("cognito/userPoolClient:UserPoolClient", {"preventUserExistenceErrors": "LEGACY"})),
        example(
            aws(
                "cognito/userPoolClient:UserPoolClient",
                {"preventUserExistenceErrors": "ENABLED", "allowedOauthFlows": ["code", "implicit"]},
            )
        ),
    ],
)
def user_pool_client_care(client: Resource, _at: Context) -> Iterator[str]:
    """Otherwise anybody can find out who has an account; and tokens in addresses end up in histories and logs."""
    if client.props.get("preventUserExistenceErrors") != "ENABLED":
        yield "wrong names and wrong passwords are answered differently"
    if "implicit" in client.props.items("allowedOauthFlows").texts():
        yield "tokens are handed out in addresses (the implicit flow)"


@rule(
    id="identity-pool-guests",
    title="Identity pools give guests no credentials of AWS",
    types=("aws:cognito/identityPool:IdentityPool",),
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    references=("N-COG7",),
    remedy="Set allowUnauthenticatedIdentities to false.",
    compliant=[
        example(aws("cognito/identityPool:IdentityPool", {"allowUnauthenticatedIdentities": False})),
        example(aws("cognito/identityPool:IdentityPool")),
    ],
    non_compliant=[example(aws("cognito/identityPool:IdentityPool", {"allowUnauthenticatedIdentities": True}))],
)
def identity_pool_guests(pool: Resource, _at: Context) -> Iterator[str]:
    """Whoever knows the pool's id, which is in the site's code, would get them."""
    if pool.props.get("allowUnauthenticatedIdentities"):
        yield "guests get credentials"


RULES = (user_pool_password, user_pool_mfa, user_pool_client_care, identity_pool_guests)
