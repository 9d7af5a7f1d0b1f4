"""What Fargate offers, as arithmetic: sizes of tasks, and whether containers fit into one. No Pulumi here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.refusal import Refusal

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


def check_size(cpu: int, memory: int) -> None:
    """Refuse a pair of CPU and memory that Fargate does not have."""
    if cpu not in SIZES:
        raise Refusal("cpu", cpu, f"is not a size of Fargate; use one of {', '.join(map(str, SIZES))}")
    if memory not in SIZES[cpu]:
        raise Refusal("memory", memory, f"does not go with cpu {cpu} on Fargate; use {_listed(SIZES[cpu])} MiB")


def share_of_application(cpu: int, memory: int, sidecar: Share | None) -> Share:
    """What is left of a task for the application beside its sidecar."""
    check_size(cpu, memory)
    if sidecar is None:
        return Share(cpu=cpu, memory=memory)
    if sidecar.memory >= memory:
        raise Refusal(
            "log_router.memory",
            sidecar.memory,
            f"leaves nothing of the task's {memory} MiB to the application; use less or a larger task",
        )
    if sidecar.cpu >= cpu:
        raise Refusal(
            "log_router.cpu",
            sidecar.cpu,
            f"leaves nothing of the task's {cpu} CPU units to the application; use less or a larger task",
        )
    return Share(cpu=cpu - sidecar.cpu, memory=memory - sidecar.memory)


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


def check_image(field: str, uri: str) -> None:
    """Refuse an image without tag or digest: it would be `latest`, and nobody could say what runs."""
    found = _IMAGE.fullmatch(uri)
    if found is None:
        raise Refusal(field, uri, "is not an image; write registry/repository:tag or registry/repository@sha256:…")
    if found["digest"] is None and found["tag"] in (None, "latest"):
        raise Refusal(field, uri, "does not say which version; add a tag (:1.4.2, not :latest) or a digest (@sha256:…)")


def ecr_repository(uri: str) -> tuple[str, str, str] | None:
    """Account, region and repository of an image that lies in ECR."""
    found = _ECR.match(uri)
    return (found["account"], found["region"], found["repository"]) if found else None
