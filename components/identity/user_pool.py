"""Who the users are: a Cognito user pool with sign-in by e-mail, Google or GitHub, and tokens that APIs accept.

Use: users = UserPool("wiki-prod-users", UserPoolArgs(domain_prefix="wiki", clients={"web": Client(callback_urls=[…])}))
     an authorizer takes users.issuer and users.client_ids["web"] as its audience
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children, Transform
from components.refusal import Refusal
from components.retention import Retention

Mfa = Literal["off", "optional", "required"]
Plan = Literal["lite", "essentials", "plus"]
ThreatProtection = Literal["off", "audit", "enforced"]

_MFA: dict[Mfa, str] = {"off": "OFF", "optional": "OPTIONAL", "required": "ON"}
_PLANS: tuple[Plan, ...] = ("lite", "essentials", "plus")
_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_AT_HOME = re.compile(r"http://localhost(:\d+)?(/\S*)?")
_SECRET = re.compile(r"arn:aws[\w-]*:secretsmanager:[\w-]+:\d{12}:secret:\S+")


@dataclass(frozen=True, kw_only=True)
class Client:
    """A program that signs users in, such as a site: it has no secret, since it could keep none."""

    callback_urls: Sequence[str]
    """Where Cognito may send users back to with their code: https, or http://localhost while developing."""

    logout_urls: Sequence[str] = ()
    """Where users may be sent after they have signed out."""

    def check(self, name: str) -> None:
        """Refuse addresses to which a code must not be sent."""
        if not self.callback_urls:
            raise Refusal(
                f"clients.{name}.callback_urls", [], "leaves nowhere to go after signing in; give one or more"
            )
        for key, urls in (("callback_urls", self.callback_urls), ("logout_urls", self.logout_urls)):
            for url in urls:
                if "*" in url or "#" in url or not (url.startswith("https://") or _AT_HOME.fullmatch(url)):
                    raise Refusal(
                        f"clients.{name}.{key}",
                        url,
                        "is not allowed; use an https address without * and #, or http://localhost",
                    )


@dataclass(frozen=True, kw_only=True)
class Google:
    """Sign-in with Google, by an OAuth client that somebody made in Google's console."""

    client_id: str
    secret_arn: str
    """The secret in Secrets Manager whose text is the client's secret."""


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """Sign-in with GitHub, through a proxy.

    GitHub speaks OAuth and not OpenID Connect, which is all that Cognito understands: it gives no id_token and has no
    keys to check one with. Somebody must run a proxy between the two that does (such as github-cognito-openid-wrapper,
    or an OpenID Connect service with a GitHub connection). This component does not make one.
    """

    issuer: str
    """The proxy's https address, under which /.well-known/openid-configuration answers."""

    client_id: str
    """Of GitHub's OAuth app, as the proxy wants it."""

    secret_arn: str
    """The secret in Secrets Manager whose text is the app's secret."""


@dataclass(frozen=True, kw_only=True)
class UserPoolArgs:
    """What the caller decides about the users. The first 10,000 a month are free, but on the plan plus."""

    domain_prefix: str
    """The sign-in page is https://{prefix}.auth.{region}.amazoncognito.com; nobody else there may have it."""

    clients: Mapping[str, Client]
    """The programs that sign users in, by name."""

    mfa: Mfa = "optional"
    """A second factor, by an application such as Google Authenticator: off, up to the user, or required. Users of
    Google and GitHub have theirs there."""

    password_length: int = 12
    """The least length of a password, 8 to 99, of upper-case and lower-case letters, digits and symbols."""

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

    groups: Mapping[str, str] = field(default_factory=dict)
    """Names of groups, which stand in the tokens (`cognito:groups`), and what each is for."""

    access_token_minutes: int = 60
    """For how long an API accepts a token, 5 to 1440. Whoever is locked out stays in so long."""

    refresh_token_days: int = 30
    """For how long a user stays signed in, 1 to 3650."""

    retention: Retention = "protected"
    """protected: refuses to be deleted. ephemeral: goes with all users."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        self._check_names()
        if self.mfa not in _MFA:
            raise Refusal("mfa", self.mfa, f"is not allowed; use {', '.join(_MFA)}")
        if not 8 <= self.password_length <= 99:
            raise Refusal("password_length", self.password_length, "is not allowed; use 8 to 99")
        if self.plan not in _PLANS:
            raise Refusal("plan", self.plan, f"is not a plan; use {', '.join(_PLANS)}")
        if self.threat_protection != "off" and self.plan != "plus":
            raise Refusal("threat_protection", self.threat_protection, "needs the plan plus; set plan, or use off")
        if not 5 <= self.access_token_minutes <= 1440:
            raise Refusal("access_token_minutes", self.access_token_minutes, "is not allowed; use 5 to 1440")
        if not 1 <= self.refresh_token_days <= 3650:
            raise Refusal("refresh_token_days", self.refresh_token_days, "is not allowed; use 1 to 3650")
        for key, provider in (("google", self.google), ("github", self.github)):
            if provider is not None and not _SECRET.fullmatch(provider.secret_arn):
                raise Refusal(
                    f"{key}.secret_arn",
                    provider.secret_arn,
                    "is not the ARN of a secret in Secrets Manager; put one there",
                )
        if self.github is not None and not self.github.issuer.startswith("https://"):
            raise Refusal("github.issuer", self.github.issuer, "is not allowed; use the proxy's https address")
        if self.github is not None and re.match(r"https://(\w+\.)*github(usercontent)?\.com", self.github.issuer):
            raise Refusal(
                "github.issuer",
                self.github.issuer,
                "is GitHub itself, which speaks no OpenID Connect for users; give the address of a proxy that does",
            )

    def _check_names(self) -> None:
        if not _PREFIX.fullmatch(self.domain_prefix):
            raise Refusal(
                "domain_prefix",
                self.domain_prefix,
                "is not allowed; use 1 to 63 lower-case letters, digits and hyphens",
            )
        reserved = next((word for word in ("aws", "amazon", "cognito") if word in self.domain_prefix), None)
        if reserved is not None:
            raise Refusal("domain_prefix", self.domain_prefix, f"must not contain {reserved}; choose another")
        if not self.clients:
            raise Refusal("clients", {}, "lets nobody sign in; name at least one program")
        for name, client in self.clients.items():
            client.check(name)
        for name in self.groups:
            if not re.fullmatch(r"[\w-]{1,128}", name):
                raise Refusal(f"groups.{name}", name, "is not a name; use up to 128 letters, digits, hyphens and _")


class UserPool(pulumi.ComponentResource):
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
        super().__init__("kumiki:identity:UserPool", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        region = Account.of(self).region

        pool = self._pool()
        domain = aws.cognito.UserPoolDomain(
            f"{name}-domain",
            domain=args.domain_prefix,
            user_pool_id=pool.id,
            opts=self._child("domain"),
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
            details = {"authorize_scopes": "openid email profile"}
            made.append(self._other(pool, "Google", "Google", args.google.client_id, args.google.secret_arn, details))
        if args.github is not None:
            details = {
                "authorize_scopes": "openid read:user user:email",
                "oidc_issuer": args.github.issuer,
                "attributes_request_method": "GET",
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
