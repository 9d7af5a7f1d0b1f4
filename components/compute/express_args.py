"""The arguments of an Express service: its tasks, and by what their number follows the load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from ..args import Args, ComponentArgs
from ..errors import Mistake
from ..values import LogRetentionDays, Port, UrlPath
from .fargate import size_mistakes
from .scaling import MOST_TASKS

_MOST_CPU: Final = 4096
_MOST_MEMORY: Final = 8192
"""Of a task, by the provider's resource."""


class ExpressScaling(Args):
    """Between which numbers of tasks, by one measure."""

    minimum: Annotated[int, Field(ge=1, le=MOST_TASKS)] = 1
    """Tasks that always run."""

    maximum: Annotated[int, Field(ge=1, le=MOST_TASKS)] = 2
    """Tasks that never become more: the most that it can cost."""

    measure: Literal["cpu", "memory", "requests"] = "cpu"
    """What is aimed at: the mean CPU or memory in percent, or the requests of each task in a minute."""

    target: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    """How much of it each task should have; of CPU and memory at most 100. The upper bound of requests is no limit of
    AWS's: what is more has been mistyped."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.maximum < self.minimum:
            yield Mistake("maximum", self.maximum, f"is not allowed; use {self.minimum} to {MOST_TASKS}")
        if self.measure != "requests" and self.target > 100:
            yield Mistake("target", self.target, f"is a percentage where measure is {self.measure}; use 1 to 100")


class ExpressServiceArgs(ComponentArgs):
    """An Express service. In ap-northeast-1 each task costs about $37 a month for each processor and $4 for each GiB,
    and the load balancer that ECS makes $25 with its addresses, which up to 25 services of the VPC share."""

    cpu: int = 256
    """CPU units of a task, 256 to 4096; 1024 are one processor."""

    memory: int = 512
    """MiB of a task, 512 to 8192. Fargate has certain pairs of CPU and memory only."""

    port: Port = 8000
    """The port on which the application listens."""

    command: list[str] = []
    """Runs instead of the image's own command."""

    environment: dict[str, str] = {}
    """Environment variables; nothing secret."""

    health_path: UrlPath = "/health"
    """What the load balancer asks for; 200 means healthy."""

    scaling: ExpressScaling = ExpressScaling()
    """How many tasks there are."""

    alarm_use_percent: Annotated[int, Field(ge=1, le=99)] = 85
    """Of its CPU, and of its memory, above which somebody is told after 10 minutes."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record in CloudWatch is deleted. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.cpu > _MOST_CPU:
            yield Mistake("cpu", self.cpu, f"is more than Express Mode gives; use up to {_MOST_CPU}, or a service")
        elif self.memory > _MOST_MEMORY:
            why = f"is more than Express Mode gives; use up to {_MOST_MEMORY} MiB, or a service"
            yield Mistake("memory", self.memory, why)
        else:
            yield from size_mistakes(self.cpu, self.memory)
