"""Settings of traces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.compute.fargate import ecr_repository

if TYPE_CHECKING:
    from settings import Settings


def traced(settings: Settings) -> list[str]:
    """What sends traces, by name: services and functions where they say so, workflows always."""
    services = [name for name, one in settings.services.items() if one.tracing is not None]
    functions = [name for name, one in settings.functions.items() if one.tracing]
    return sorted({*services, *functions, *settings.workflows})


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.tracing is not None and not traced(settings):
        why = "has nothing to look at; add tracing: {} to a service or tracing: true to a function, or remove it"
        yield "tracing", why
    network = settings.network
    if network is None or not network.closed:
        return
    for name, service in settings.services.items():
        if service.tracing is None:
            continue
        if network.lacks("xray"):
            yield "network.endpoints", f"lacks xray, by which {name} sends traces where there is no NAT; add it"
        if ecr_repository(service.tracing.image) is None:
            why = f"{service.tracing.image} cannot be reached where there is no NAT; copy it into ECR and name it here"
            yield f"services.{name}.tracing.image", why
