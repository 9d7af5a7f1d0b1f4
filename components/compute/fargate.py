"""What Fargate offers, as arithmetic: sizes of tasks, and whether containers fit into one. No Pulumi here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from ..errors import Mistake

Weight = Annotated[int, Field(ge=0, le=1000)]
"""A share of the tasks, against another."""

_GIB = 1024

# Task CPU and memory, Amazon ECS developer guide: CPU units (1024 = one processor) → MiB.
SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
}


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one container may use of its task."""

    cpu: int
    """CPU units; 1024 are one processor."""
    memory: int
    """MiB; a container that uses more is killed."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How tasks are shared out over one kind of Fargate."""

    provider: str
    weight: int
    base: int | None
    """Tasks that run here before the weights count."""


def capacities(*, fargate_weight: int, fargate_base: int, spot_weight: int) -> list[Capacity]:
    """The strategy of a cluster or a service, without what has no share."""
    on_demand = Capacity(provider="FARGATE", weight=fargate_weight, base=fargate_base or None)
    spot = Capacity(provider="FARGATE_SPOT", weight=spot_weight, base=None)
    return [each for each in (on_demand, spot) if each.weight or each.base]


def weight_mistakes(fargate_weight: int, spot_weight: int) -> Iterator[Mistake]:
    """Shares that leave nowhere to run."""
    if fargate_weight + spot_weight == 0:
        yield Mistake("fargate_weight", 0, "and spot_weight 0 leave nowhere to run; give one of them a weight")


def size_mistakes(cpu: int, memory: int) -> Iterator[Mistake]:
    """A pair of CPU and memory that Fargate does not have."""
    if cpu not in SIZES:
        yield Mistake("cpu", cpu, f"is not a size of Fargate; use one of {', '.join(map(str, SIZES))}")
    elif memory not in SIZES[cpu]:
        yield Mistake("memory", memory, f"does not go with cpu {cpu} on Fargate; use {_listed(SIZES[cpu])} MiB")


def sidecar_mistakes(cpu: int, memory: int, sidecars: Mapping[str, Share]) -> Iterator[Mistake]:
    """Sidecars, by the argument that says their size, that leave nothing of the task to the application."""
    for field, whole, unit in (("memory", memory, "MiB"), ("cpu", cpu, "CPU units")):
        taken = {name: getattr(share, field) for name, share in sidecars.items()}
        if sum(taken.values()) >= whole:
            most = max(taken, key=lambda name: taken[name])
            also = f"with {sum(taken.values()) - taken[most]} of others " if len(taken) > 1 else ""
            why = f"{also}leaves nothing of the task's {whole} {unit} to the application; use less or a larger task"
            yield Mistake((most, field), taken[most], why)


def share_of_application(cpu: int, memory: int, *sidecars: Share) -> Share:
    """What is left of a task for the application beside its sidecars."""
    return Share(
        cpu=cpu - sum(one.cpu for one in sidecars),
        memory=memory - sum(one.memory for one in sidecars),
    )


def _listed(sizes: tuple[int, ...]) -> str:
    *others, last = sizes
    if len(others) < 4:
        return f"{', '.join(map(str, others))} or {last}"
    return f"{sizes[0]} to {sizes[-1]} in steps of {sizes[1] - sizes[0]}"


_IMAGE = re.compile(
    r"(?P<name>[a-z0-9][\w.-]*(?::\d+(?=/))?(?:/[a-z0-9][\w.-]*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@sha256:[0-9a-f]{64})?"
)
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<repository>[^:@]+)"
)


def check_image(uri: str) -> str:
    """Refuse an image without tag or digest: it would be `latest`, and nobody could say what runs."""
    found = _IMAGE.fullmatch(uri)
    if found is None:
        raise ValueError("is not an image; write registry/repository:tag or registry/repository@sha256:…")
    if found["digest"] is None and found["tag"] in (None, "latest"):
        raise ValueError("does not say which version; add a tag (:1.4.2, not :latest) or a digest (@sha256:…)")
    return uri


ImageUri = Annotated[str, AfterValidator(check_image)]
"""An image with its tag or digest."""


def ecr_repository(uri: str) -> tuple[str, str, str] | None:
    """Account, region and repository of an image that lies in ECR."""
    found = _ECR.match(uri)
    return (found["account"], found["region"], found["repository"]) if found else None
