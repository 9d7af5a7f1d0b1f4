"""What each type of resource costs: one function for each, by the family of the service."""

from __future__ import annotations

from costs.services import compute, data, delivery, edge, events, models, network, security, storage, watch
from costs.services.free import FREE, NOT_PRICED
from costs.services.registry import PRICED, Pricer

__all__ = [
    "FREE",
    "NOT_PRICED",
    "PRICED",
    "Pricer",
    "compute",
    "data",
    "delivery",
    "edge",
    "events",
    "models",
    "network",
    "security",
    "storage",
    "watch",
]
