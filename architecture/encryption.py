"""The keys that encrypt what the stack keeps and logs: only those that something uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from architecture.context import Context, Keys
from components.identity.key import AnyKey, ExistingKey, Key, KeyArgs, ServiceUse
from components.network.network import read_output

if TYPE_CHECKING:
    from settings import Settings


def build_keys(ctx: Context) -> Keys:
    """One for data, one for logs, and one in each region to which something is copied."""
    settings = ctx.settings
    return Keys(
        data=make_key(ctx, "data", f"Data at rest of {ctx.stem}")
        if settings.own_keys and settings.keeps_data
        else None,
        logs=_logs_key(ctx),
        replicas={
            region: make_key(ctx, "data-replica", f"Copies of data in {region} of {ctx.stem}", region=region)
            for region in [settings.copies_region]
            if region is not None and _encrypts_copies(settings)
        },
    )


def _encrypts_copies(settings: Settings) -> bool:
    """Whether a key of ours encrypts any of the copies: those of buckets always, where the settings allow them."""
    return settings.own_keys or settings.copies_buckets


def _logs_key(ctx: Context) -> AnyKey | None:
    if not (ctx.settings.own_keys and ctx.settings.writes_logs):
        return None
    if ctx.settings.network is not None and ctx.settings.network.stack is not None:
        # One system in several stacks has one key for its logs, made beside the network.
        return ExistingKey(arn=read_output(ctx.stack(ctx.settings.network.stack), "logsKeyArn"))
    # Log groups are called `/…/{product}-{environment}-…`, those of AWS WAF `aws-waf-logs-…`: this system's, no others.
    groups = [f"/*/{ctx.stem}-*", f"aws-waf-logs-{ctx.stem}-*"]
    return make_key(ctx, "logs", f"CloudWatch logs of {ctx.stem}", log_groups=groups)


def make_key(
    ctx: Context,
    service: str,
    description: str,
    *,
    services: Sequence[ServiceUse] = (),
    log_groups: list[str] | None = None,
    region: str | None = None,
) -> Key:
    """A key of the stack's own; layers make those that only they use."""
    args = KeyArgs(
        description=description,
        log_groups=log_groups or [],
        rotation_days=ctx.settings.keys.rotation_days,
        region=region,
        retention=ctx.settings.retention,
    )
    return Key(ctx.name(service), args, services=services, opts=ctx.opts)
