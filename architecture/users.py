"""Who the users are and how they sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architecture.refusals import says
from components.identity.user_pool import Client, GitHub, Google, UserPool, UserPoolArgs

if TYPE_CHECKING:
    from architecture.platform import Platform
    from settings import Settings
    from settings.users import UserPoolSettings


def build_users(settings: Settings, platform: Platform) -> UserPool | None:
    """The user pool; none where the stack's YAML has no such section."""
    if settings.user_pool is None:
        return None
    return UserPool(platform.name("users"), user_pool_args(settings.user_pool, settings), platform.options())


def user_pool_args(pool: UserPoolSettings, settings: Settings) -> UserPoolArgs:
    """What the stack's YAML says of the users."""
    prod = settings.environment == "prod"
    with says("user_pool"):
        return UserPoolArgs(
            domain_prefix=pool.domain_prefix or f"{settings.product}-{settings.environment}",
            clients={
                name: Client(callback_urls=client.callback_urls, logout_urls=client.logout_urls)
                for name, client in pool.clients.items()
            },
            mfa=pool.mfa or ("required" if prod else "optional"),
            password_length=pool.password_length,
            self_sign_up=pool.self_sign_up,
            plan=pool.plan,
            threat_protection=pool.threat_protection,
            google=Google(**pool.google.model_dump()) if pool.google else None,
            github=GitHub(**pool.github.model_dump()) if pool.github else None,
            groups=pool.groups,
            access_token_minutes=pool.access_token_minutes,
            refresh_token_days=pool.refresh_token_days,
            retention=settings.retention,
        )
