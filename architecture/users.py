"""Who the users are and how they sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.context import require
from components.identity.user_pool import UserPool
from components.widgets import widgets_of

if TYPE_CHECKING:
    from architecture.context import Context
    from components.widgets import Widget


@dataclass(frozen=True)
class Users:
    """Who may sign in; nobody where the stack has no users."""

    pool: UserPool | None = None

    def environment(self, *, judges: bool) -> dict[str, pulumi.Input[str]]:
        """What a program is told that judges tokens: who made them, and for which programs."""
        if not judges:
            return {}
        pool = require(self.pool, "userPool")
        clients = [id_ for _, id_ in sorted(pool.client_ids.items())]
        return {
            "USER_POOL_ISSUER": pool.issuer,
            "USER_POOL_CLIENT_IDS": pulumi.Output.all(*clients).apply(",".join),
        }

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.pool)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where users sign in, and whose tokens are theirs."""
        if self.pool is None:
            return {}
        return {
            "userPoolIssuer": self.pool.issuer,
            "userPoolClientIds": dict(self.pool.client_ids),
            "signInUrl": self.pool.domain,
        }


def build_users(ctx: Context) -> Users:
    """The user pool of the stack's YAML; alarms where there are topics."""
    if ctx.settings.user_pool is None:
        return Users()
    pool = UserPool(ctx.name("users"), ctx.settings.user_pool, ctx.opts)
    if ctx.topics is not None:
        pool.alarms(ctx.topics)
    return Users(pool)
