"""What a rule is given beside the resource that it checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrails.kit.resources import Graph
    from guardrails.kit.stack import Stack
    from guardrails.kit.waivers import WaiverBook


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a rule may look at besides the resource it checks."""

    stack: Stack
    waivers: WaiverBook
    graph: Graph
    """All resources; empty in rules that check one resource alone."""
