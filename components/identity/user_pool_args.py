"""Who may sign in, how, and to which applications."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ..args import Args, ComponentArgs
from ..errors import Mistake
from ..retention import Retention
from ..values import Name, text

Mfa = Literal["off", "optional", "required"]
Plan = Literal["lite", "essentials", "plus"]
ThreatProtection = Literal["off", "audit", "enforced"]
DIGEST_LENGTH = 8
_LONGEST_PREFIX = 63 - DIGEST_LENGTH - len("-")
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

    alarm_throttled: Annotated[int, Field(ge=0, le=100_000)] = 10
    """How many requests of a program's users Cognito may turn away in five minutes, because there are too many, before
    somebody is told. The quotas are the account's."""

    alarm_failed_percent: Annotated[int, Field(ge=1, le=99)] = 50
    """How many percent of 20 tries or more in a quarter of an hour may fail before somebody is told: those by password,
    and those by each of the other providers."""

    retention: Retention = "protected"
    """protected: refuses to be deleted. ephemeral: goes with all users. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        reserved = next((word for word in _OF_COGNITO if word in self.domain_prefix), None)
        if reserved is not None:
            yield Mistake("domain_prefix", self.domain_prefix, f"must not contain {reserved}; choose another")
        if self.threat_protection != "off" and self.plan != "plus":
            yield Mistake("threat_protection", self.threat_protection, "needs the plan plus; set plan, or use off")
