"""Where the system runs: a network of its own, one that exists, or that of another stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.network.vpc import Vpc

if TYPE_CHECKING:
    from architecture.context import Context
    from components.network.network import ExistingNetwork


def build_network(ctx: Context) -> Vpc | ExistingNetwork | None:
    """The network in which everything else stands; none where the stack's YAML has no such section."""
    network = ctx.settings.network
    if network is None:
        return None
    if network.stack is not None:
        return Vpc.from_stack(ctx.stack(network.stack))
    if network.existing is not None:
        return Vpc.from_existing(**network.existing.model_dump())
    return Vpc(ctx.name("network"), network, logs_key=ctx.keys.logs, log_archive=ctx.log_archive, opts=ctx.opts)
