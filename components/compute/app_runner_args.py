"""The arguments of an App Runner service: its instances, and by what their number follows the load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from ..args import Args, ComponentArgs
from ..errors import Mistake
from ..values import Port, UrlPath

# https://docs.aws.amazon.com/apprunner/latest/dg/manage-configure.html: CPU units → MiB.
SIZES: Final[dict[int, tuple[int, ...]]] = {
    256: (512, 1024),
    512: (1024,),
    1024: (2048, 3072, 4096),
    2048: (4096, 6144),
    4096: (8192, 10240, 12288),
}
_RESERVED: Final = "AWSAPPRUNNER"
_Seconds = Annotated[int, Field(ge=1, le=20)]
_Times = Annotated[int, Field(ge=1, le=20)]


class RunnerScaling(Args):
    """How many instances there are, by the requests under way."""

    minimum: Annotated[int, Field(ge=1, le=25)] = 1
    """Instances that are kept; an idle one costs its memory alone."""

    maximum: Annotated[int, Field(ge=1, le=25)] = 2
    """Instances that never become more."""

    concurrency: Annotated[int, Field(ge=1, le=200)] = 100
    """Requests under way at one instance before another one is added."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.maximum < self.minimum:
            yield Mistake("maximum", self.maximum, f"is not allowed; use {self.minimum} to 25")


class AppRunnerServiceArgs(ComponentArgs):
    """An App Runner service. In ap-northeast-1 each instance costs about $6.60 a month for each GiB, and $0.064 for an
    hour in which one of its processors has requests."""

    cpu: int = 256
    """CPU units of an instance: 256, 512, 1024, 2048 or 4096."""

    memory: int = 512
    """MiB of an instance. App Runner has certain pairs of CPU and memory only."""

    port: Port = 8000
    """The port on which the application listens."""

    command: str | None = None
    """Runs instead of the image's own command, as one line."""

    environment: dict[str, str] = {}
    """Environment variables; nothing secret."""

    health_path: UrlPath = "/health"
    """What App Runner asks for; 200 means healthy."""

    health_interval_seconds: _Seconds = 10
    """Seconds between two checks."""

    unhealthy_after: _Times = 3
    """Checks in a row that must fail."""

    scaling: RunnerScaling = RunnerScaling()
    """How many instances there are."""

    tracing: bool = False
    """Whether a collector of App Runner's hands the application's traces to X-Ray."""

    alarm_use_percent: Annotated[int, Field(ge=1, le=99)] = 85
    """Of its CPU, and of its memory, above which somebody is told after 10 minutes."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.cpu not in SIZES:
            yield Mistake("cpu", self.cpu, f"is not a size of App Runner; use one of {', '.join(map(str, SIZES))}")
        elif self.memory not in SIZES[self.cpu]:
            sizes = ", ".join(map(str, SIZES[self.cpu]))
            yield Mistake("memory", self.memory, f"does not go with cpu {self.cpu} on App Runner; use {sizes} MiB")
        for name in sorted(self.environment):
            if name.startswith(_RESERVED):
                why = f"begins with {_RESERVED}, which App Runner keeps for itself; choose another name"
                yield Mistake(("environment", name), self.environment[name], why)
