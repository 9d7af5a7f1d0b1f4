"""Who the users are: a Cognito user pool with sign-in by e-mail, Google or GitHub, and tokens that APIs accept.

Use: users = UserPool("wiki-prod-users", UserPoolArgs(domain_prefix="wiki", clients={"web": Client(callback_urls=[…])}))
     an authorizer takes users.issuer and users.client_ids["web"] as its audience
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.account import Account
from components.alarms import Metric
from components.args import Args, ComponentArgs
from components.component import Component
from components.errors import Mistake
from components.retention import Retention
from components.values import Name, text
from components.widgets import Widget

Mfa = Literal["off", "optional", "required"]
Plan = Literal["lite", "essentials", "plus"]
ThreatProtection = Literal["off", "audit", "enforced"]

SIGNED_IN = ("aws.cognito.signin.user.admin", "openid")
"""Scopes of which each access token of somebody who has signed in has one: by the API the first, by the sign-in page
the second. Id tokens have none, so that an API that asks for one of these takes access tokens only."""

_MFA: dict[Mfa, str] = {"off": "OFF", "optional": "OPTIONAL", "required": "ON"}
_DIGEST_LENGTH = 8
_LONGEST_PREFIX = 63 - _DIGEST_LENGTH - len("-")
_PREFIX = rf"[a-z0-9](?:[a-z0-9-]{{0,{_LONGEST_PREFIX - 2}}}[a-z0-9])?"
_OF_COGNITO = ("aws", "amazon", "cognito")

# `*` and `#` would send a code to others, or to a part of a page.
Address = Annotated[
    str,
    text(
        r"https://[^*#]*|http://localhost(:\d+)?(/[^\s*#]*)?",
        "use an https address without * and #, or http://localhost",
    ),
]
SecretArn = Annotated[
    str,
    text(
        r"arn:aws[\w-]*:secretsmanager:[\w-]+:\d{12}:secret:\S+",
        "put the text into a secret of Secrets Manager, and use its ARN",
    ),
]
Path = Annotated[str, text(r"/[\w./~-]+", "use a path such as /authorize")]

# What Cognito adds to a provider's details, and each update would take away again. AWS shows it in the answers of
# DescribeIdentityProvider
# (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateIdentityProvider.html).
_FILLED_IN_FOR_GOOGLE: Mapping[str, str] = {
    "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
    "attributes_url_add_attributes": "true",
    "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
    "oidc_issuer": "https://accounts.google.com",
    "token_request_method": "POST",
    "token_url": "https://www.googleapis.com/oauth2/v4/token",
}


class Client(Args):
    """A program that signs users in, such as a site: it has no secret, since it could keep none."""

    callback_urls: Annotated[list[Address], Field(min_length=1)]
    """Where Cognito may send users back to with their code: https, or http://localhost while developing."""

    logout_urls: list[Address] = []
    """Where users may be sent after they have signed out."""


class Google(Args):
    """Sign-in with Google, by an OAuth client that somebody made in Google's console."""

    client_id: str
    secret_arn: SecretArn
    """The secret in Secrets Manager whose text is the client's secret; never the text itself."""


class Paths(Args):
    """Where an OpenID Connect service answers, below its issuer's address. Cognito would find out, and keep in the
    provider what it found; so it is written, lest each update take it away again. Left out: as
    github-cognito-openid-wrapper has them."""

    authorize: Path = "/authorize"
    token: Path = "/token"  # noqa: S105 a path
    user_info: Path = "/userinfo"
    keys: Path = "/.well-known/jwks.json"


class GitHub(Args):
    """Sign-in with GitHub, through a proxy.

    GitHub speaks OAuth and not OpenID Connect, which is all that Cognito understands: it gives no id_token and has no
    keys to check one with. Somebody must run a proxy between the two that does (such as github-cognito-openid-wrapper,
    or an OpenID Connect service with a GitHub connection). This component does not make one.
    """

    issuer: Annotated[str, text(r"https://.+", "use the proxy's https address")]
    """The proxy's https address, under which /.well-known/openid-configuration answers."""

    client_id: str
    """Of GitHub's OAuth app, as the proxy wants it."""

    secret_arn: SecretArn
    """The secret in Secrets Manager whose text is the app's secret."""

    paths: Paths = Paths()
    """Where the proxy answers; the same as in its /.well-known/openid-configuration."""

    def mistakes(self) -> Iterator[Mistake]:
        if re.match(r"https://(\w+\.)*github(usercontent)?\.com", self.issuer):
            why = "is GitHub itself, which speaks no OpenID Connect for users; give the address of a proxy that does"
            yield Mistake("issuer", self.issuer, why)


class UserPoolArgs(ComponentArgs):
    """A Cognito user pool. The first 10,000 users of a month are free, but on the plan plus."""

    domain_prefix: Annotated[
        str, text(_PREFIX, f"use 1 to {_LONGEST_PREFIX} lower-case letters, digits and hyphens, no hyphen at an end")
    ]
    """The sign-in page is https://{prefix}-{digest}.auth.{region}.amazoncognito.com. All customers of AWS share these
    names: the digest of the account and the region keeps ours from being somebody else's. In YAML left out:
    {product}-{environment}."""

    clients: Annotated[dict[Name, Client], Field(min_length=1)]
    """The programs that sign users in, by name."""

    mfa: Mfa = "optional"
    """A second factor, by an application such as Google Authenticator: off, up to the user, or required. Users of
    Google and GitHub have theirs there. In YAML left out: required in prod, else optional."""

    password_length: Annotated[int, Field(ge=8, le=99)] = 12
    """The least length of a password, of upper-case and lower-case letters, digits and symbols."""

    self_sign_up: bool = True
    """Whether people may make themselves an account. false: an administrator invites them."""

    plan: Plan = "essentials"
    """lite: $0.0055 a user and month after the free ones; essentials: $0.015; plus: $0.02, none of them free."""

    threat_protection: ThreatProtection = "off"
    """With the plan plus: find stolen passwords and odd sign-ins, and tell (audit) or act (enforced)."""

    google: Google | None = None
    """Sign-in with Google."""

    github: GitHub | None = None
    """Sign-in with GitHub, through a proxy of your own."""

    groups: dict[Annotated[str, text(r"[\w-]{1,128}", "use up to 128 letters, digits, hyphens and _")], str] = {}
    """Names of groups, which stand in the tokens (`cognito:groups`), and what each is for."""

    access_token_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    """For how long an API accepts a token. Whoever is locked out stays in so long."""

    refresh_token_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """For how long a user stays signed in."""

    retention: Retention = "protected"
    """protected: refuses to be deleted. ephemeral: goes with all users. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        reserved = next((word for word in _OF_COGNITO if word in self.domain_prefix), None)
        if reserved is not None:
            yield Mistake("domain_prefix", self.domain_prefix, f"must not contain {reserved}; choose another")
        if self.threat_protection != "off" and self.plan != "plus":
            yield Mistake("threat_protection", self.threat_protection, "needs the plan plus; set plan, or use off")


class UserPool(Component):
    """The pool, its sign-in page, the programs that may use it, other identity providers, groups."""

    CHILDREN = ("user_pool", "domain", "provider", "client", "group")

    user_pool_id: pulumi.Output[str]
    arn: pulumi.Output[str]
    issuer: pulumi.Output[str]
    """What authorizers trust: the `iss` of the tokens."""
    client_ids: Mapping[str, pulumi.Output[str]]
    """By the client's name: the `aud` of id tokens, the `client_id` of access tokens."""
    domain: pulumi.Output[str]
    """The address of the sign-in page: `{domain}/oauth2/authorize` and so on."""

    def __init__(self, name: str, args: UserPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self._args = args
        account = Account.of(self)
        region = account.region

        pool = self._pool()
        domain = aws.cognito.UserPoolDomain(
            f"{name}-domain",
            domain=pulumi.Output.all(account.id, region).apply(lambda known: own_prefix(args.domain_prefix, *known)),
            user_pool_id=pool.id,
            # The old one goes first: Cognito takes no second beside it (https://github.com/aws/aws-cdk/issues/10062).
            opts=self._child("domain", delete_before_replace=True),
        )
        providers = self._others(pool)
        self.client_ids = {each: self._client(each, pool, providers).id for each in sorted(args.clients)}
        for group, purpose in sorted(args.groups.items()):
            aws.cognito.UserGroup(
                f"{name}-{group.lower().replace('_', '-')}-group",
                name=group,
                description=purpose,
                user_pool_id=pool.id,
                opts=self._child("group"),
            )
        self.user_pool_id, self.arn = pool.id, pool.arn
        self.issuer = pulumi.Output.concat("https://cognito-idp.", region, ".amazonaws.com/", pool.id)
        self.domain = pulumi.Output.concat("https://", domain.domain, ".auth.", region, ".amazoncognito.com")
        self.register_outputs({"issuer": self.issuer, "domain": self.domain})

    @property
    def widgets(self) -> list[Widget]:
        """How often people sign up, sign in and come back by each program, and how often Cognito turned them away."""
        return [
            self._graph("Users (Cognito)", {client: self._metric(name, client) for client in self.client_ids})
            for name in ("SignUpSuccesses", "SignInSuccesses", "TokenRefreshSuccesses", "SignInThrottles")
            if self.client_ids
        ]

    def _metric(self, name: str, client: str) -> Metric:
        dimensions = {"UserPool": self.user_pool_id, "UserPoolClient": self.client_ids[client]}
        return Metric(namespace="AWS/Cognito", name=name, dimensions=dimensions, statistic="Sum")

    def _pool(self) -> aws.cognito.UserPool:
        args = self._args
        protected = args.retention == "protected"
        return aws.cognito.UserPool(
            f"{self._prefix}-user-pool",
            name=self._prefix,
            user_pool_tier=args.plan.upper(),
            # People sign in with their address, however they write it.
            username_attributes=["email"],
            username_configuration=aws.cognito.UserPoolUsernameConfigurationArgs(case_sensitive=False),
            auto_verified_attributes=["email"],
            # A new address counts once it is proven; until then the old one stays.
            user_attribute_update_settings=aws.cognito.UserPoolUserAttributeUpdateSettingsArgs(
                attributes_require_verification_before_updates=["email"]
            ),
            account_recovery_setting=aws.cognito.UserPoolAccountRecoverySettingArgs(
                recovery_mechanisms=[
                    aws.cognito.UserPoolAccountRecoverySettingRecoveryMechanismArgs(name="verified_email", priority=1)
                ]
            ),
            schemas=[
                aws.cognito.UserPoolSchemaArgs(
                    name="email",
                    attribute_data_type="String",
                    required=True,
                    mutable=True,
                    string_attribute_constraints=aws.cognito.UserPoolSchemaStringAttributeConstraintsArgs(
                        min_length="0", max_length="2048"
                    ),
                )
            ],
            password_policy=aws.cognito.UserPoolPasswordPolicyArgs(
                minimum_length=args.password_length,
                require_lowercase=True,
                require_numbers=True,
                require_symbols=True,
                require_uppercase=True,
                temporary_password_validity_days=3,
            ),
            mfa_configuration=_MFA[args.mfa],
            software_token_mfa_configuration=aws.cognito.UserPoolSoftwareTokenMfaConfigurationArgs(enabled=True)
            if args.mfa != "off"
            else None,
            admin_create_user_config=aws.cognito.UserPoolAdminCreateUserConfigArgs(
                allow_admin_create_user_only=not args.self_sign_up
            ),
            user_pool_add_ons=aws.cognito.UserPoolUserPoolAddOnsArgs(
                advanced_security_mode=args.threat_protection.upper()
            )
            if args.plan == "plus"
            else None,
            deletion_protection="ACTIVE" if protected else "INACTIVE",
            tags={"Name": f"{self._prefix}-user-pool"},
            # Cognito can change no attribute later: a changed schema would mean a new pool, without its users.
            opts=self._child("user_pool", protect=protected, ignore_changes=["schemas"]),
        )

    def _others(self, pool: aws.cognito.UserPool) -> list[aws.cognito.IdentityProvider]:
        args = self._args
        made = []
        if args.google is not None:
            details = {"authorize_scopes": "openid email profile", **_FILLED_IN_FOR_GOOGLE}
            made.append(self._other(pool, "Google", "Google", args.google.client_id, args.google.secret_arn, details))
        if args.github is not None:
            details = {
                "authorize_scopes": "openid read:user user:email",
                "oidc_issuer": args.github.issuer,
                "attributes_request_method": "GET",
                **_filled_in_for(args.github.issuer, args.github.paths),
            }
            made.append(self._other(pool, "GitHub", "OIDC", args.github.client_id, args.github.secret_arn, details))
        return made

    def _other(
        self,
        pool: aws.cognito.UserPool,
        name: str,
        kind: str,
        client_id: str,
        secret_arn: str,
        details: Mapping[str, str],
    ) -> aws.cognito.IdentityProvider:
        secret = aws.secretsmanager.get_secret_version_output(
            secret_id=secret_arn, opts=pulumi.InvokeOptions(parent=self)
        ).secret_string
        return aws.cognito.IdentityProvider(
            f"{self._prefix}-{name.lower()}-provider",
            user_pool_id=pool.id,
            provider_name=name,
            provider_type=kind,
            provider_details={**details, "client_id": client_id, "client_secret": pulumi.Output.secret(secret)},
            # Whether the address is proven comes with it: otherwise somebody could take over an account by its address.
            attribute_mapping={
                "email": "email",
                "email_verified": "email_verified",
                "name": "name",
                "username": "sub",
            },
            opts=self._child("provider"),
        )

    def _client(
        self, name: str, pool: aws.cognito.UserPool, providers: Sequence[aws.cognito.IdentityProvider]
    ) -> aws.cognito.UserPoolClient:
        args, client = self._args, self._args.clients[name]
        return aws.cognito.UserPoolClient(
            f"{self._prefix}-{name}-client",
            name=f"{self._prefix}-{name}",
            user_pool_id=pool.id,
            # A code, never a token in an address. Programs without a secret add a proof (PKCE): Cognito checks it, but
            # does not insist on it.
            generate_secret=False,
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=["code"],
            allowed_oauth_scopes=["email", "openid", "profile"],
            callback_urls=sorted(client.callback_urls),
            logout_urls=sorted(client.logout_urls),
            # By the providers' own names, so that they exist before.
            supported_identity_providers=["COGNITO", *(provider.provider_name for provider in providers)],
            # The password never leaves the user's machine.
            explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            access_token_validity=args.access_token_minutes,
            id_token_validity=args.access_token_minutes,
            refresh_token_validity=args.refresh_token_days,
            token_validity_units=aws.cognito.UserPoolClientTokenValidityUnitsArgs(
                access_token="minutes",  # noqa: S106 a unit
                id_token="minutes",  # noqa: S106 a unit
                refresh_token="days",  # noqa: S106 a unit
            ),
            opts=self._child("client"),
        )


def own_prefix(prefix: str, account: str, region: str) -> str:
    """A prefix that no other account's stack comes to; the same at each deployment."""
    digest = hashlib.sha256(f"{account} {region}".encode()).hexdigest()
    return f"{prefix}-{digest[:_DIGEST_LENGTH]}"


def _filled_in_for(issuer: str, paths: Paths) -> dict[str, str]:
    """What Cognito adds for an OpenID Connect service."""
    base = issuer.rstrip("/")
    return {
        "attributes_url": base + paths.user_info,
        "attributes_url_add_attributes": "false",
        "authorize_url": base + paths.authorize,
        "jwks_uri": base + paths.keys,
        "token_url": base + paths.token,
    }
