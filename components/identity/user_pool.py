"""Who the users are: a Cognito user pool with sign-in by e-mail, Google or GitHub, and tokens that APIs accept.

Use: users = UserPool("wiki-prod-users", UserPoolArgs(domain_prefix="wiki", clients={"web": Client(callback_urls=[…])}))
     an authorizer takes users.issuer and users.client_ids["web"] as its audience
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..component import Component
from ..widgets import Widget
from .user_pool_args import DIGEST_LENGTH, Mfa, Paths, UserPoolArgs

SIGNED_IN = ("aws.cognito.signin.user.admin", "openid")
"""Scopes of which each access token of somebody who has signed in has one: by the API the first, by the sign-in page
the second. Id tokens have none, so that an API that asks for one of these takes access tokens only."""

_FEWEST_TRIES = 20
"""Of fewer a share says nothing."""

_MFA: dict[Mfa, str] = {"off": "OFF", "optional": "OPTIONAL", "required": "ON"}

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


class UserPool(Component):
    """The pool, its sign-in page, the programs that may use it, other identity providers, groups."""

    CHILDREN = ("user_pool", "domain", "provider", "client", "group", "alarm")

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
        self._other_providers = _others_of(args)
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

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Tell somebody when Cognito turns users away, and when those who try do not get in, each by each program."""
        return [alarm for client in self.client_ids for alarm in self._alarms_of(client, topics)]

    @property
    def widgets(self) -> list[Widget]:
        """How often people sign up, sign in and come back by each program, and how often Cognito turned them away."""
        own = (
            "SignUpSuccesses",
            "SignInSuccesses",
            "TokenRefreshSuccesses",
            "SignInThrottles",
            "TokenRefreshThrottles",
        )
        graphs = {name: {client: self._metric(name, client) for client in self.client_ids} for name in own}
        for name in ("FederationSuccesses", "FederationThrottles"):
            graphs[name] = {
                f"{client}, {provider}": self._metric(name, client, provider)
                for client in self.client_ids
                for provider in self._other_providers
            }
        return [self._graph("Users (Cognito)", lines) for lines in graphs.values() if lines]

    def _alarms_of(self, client: str, topics: AlarmTopics) -> Iterator[aws.cloudwatch.MetricAlarm]:
        turned_away = {name: self._metric(name, client) for name in ("SignInThrottles", "TokenRefreshThrottles")}
        turned_away |= {
            f"FederationThrottles{number}": self._metric("FederationThrottles", client, provider)
            for number, provider in enumerate(self._other_providers, start=1)
        }
        named = {f"m{number}": metric for number, metric in enumerate(turned_away.values(), start=1)}
        yield self._alarm(
            f"{client}-throttled",
            description=f"Cognito has turned away more than {self._args.alarm_throttled} requests of users of {client} "
            "in five minutes. Look at the quotas of the account in Service Quotas, and who asks so often.",
            # Who is not turned away is not counted, so that most of these are missing.
            expression=(" + ".join(f"FILL({key}, 0)" for key in named), named),
            threshold=self._args.alarm_throttled,
            period_seconds=300,
            periods=1,
            severity="warning",
            topics=topics,
        )
        ways = {
            "": ("SignInSuccesses", None),
            **{f"-{one.lower()}": ("FederationSuccesses", one) for one in self._other_providers},
        }
        for ending, (name, provider) in ways.items():
            by = "by password" if provider is None else f"by {provider}"
            yield self._alarm(
                f"{client}{ending}-failed",
                description=f"more than {self._args.alarm_failed_percent} % of those who tried to sign in to {client} "
                f"{by} did not get in. Somebody guesses passwords, or a provider's credentials have ended: try it, "
                "and look at who asks in the logs of the firewall and in CloudTrail.",
                # 1 is counted for who got in and 0 for who did not.
                expression=(
                    f"IF(tries >= {_FEWEST_TRIES}, (tries - good) / tries * 100, 0)",
                    {
                        "tries": self._metric(name, client, provider, statistic="SampleCount"),
                        "good": self._metric(name, client, provider),
                    },
                ),
                threshold=self._args.alarm_failed_percent,
                period_seconds=900,
                periods=1,
                severity="warning",
                topics=topics,
            )

    def _metric(self, name: str, client: str, provider: str | None = None, *, statistic: str = "Sum") -> Metric:
        dimensions: dict[str, pulumi.Input[str]] = {
            "UserPool": self.user_pool_id,
            "UserPoolClient": self.client_ids[client],
        }
        if provider is not None:
            dimensions["IdentityProvider"] = provider
        return Metric(namespace="AWS/Cognito", name=name, dimensions=dimensions, statistic=statistic)

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
    return f"{prefix}-{digest[:DIGEST_LENGTH]}"


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


def _others_of(args: UserPoolArgs) -> list[str]:
    """What Cognito calls the other providers."""
    return [name for name, one in (("Google", args.google), ("GitHub", args.github)) if one is not None]
