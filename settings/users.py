"""Settings of the users and how they sign in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from settings.section import Name, Section

if TYPE_CHECKING:
    from settings import Settings


class ClientSettings(Section):
    """A program that signs users in."""

    callback_urls: list[str]
    logout_urls: list[str] = []


class GoogleSettings(Section):
    """Sign-in with Google."""

    client_id: str
    secret_arn: str
    """Where the client's secret is; never the secret."""


class GitHubSettings(Section):
    """Sign-in with GitHub, which Cognito cannot talk to: through a proxy of your own that speaks OpenID Connect."""

    issuer: str
    """The proxy's address."""

    client_id: str
    secret_arn: str


class UserPoolSettings(Section):
    """A Cognito user pool."""

    domain_prefix: str | None = None
    """Of the sign-in page's address; nobody else in the region may have it. Left out: {product}-{environment}."""

    clients: dict[Name, ClientSettings]
    mfa: Literal["off", "optional", "required"] | None = None
    """Left out: required in prod, else optional."""

    password_length: int = 12
    self_sign_up: bool = True
    plan: Literal["lite", "essentials", "plus"] = "essentials"
    threat_protection: Literal["off", "audit", "enforced"] = "off"
    google: GoogleSettings | None = None
    github: GitHubSettings | None = None
    groups: dict[str, str] = {}
    """Name → what it is for."""

    access_token_minutes: int = 60
    refresh_token_days: int = 30


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.user_pool is not None and settings.free_tier and settings.user_pool.plan == "plus":
        yield "userPool.plan", "plus costs money for every user and freeTier is true; use lite or essentials"
