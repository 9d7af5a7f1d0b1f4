"""What somebody decides about a function."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from ..args import ComponentArgs
from ..errors import Mistake
from ..values import LogRetentionDays
from .traffic_shifting import DeploymentConfig

# What Lambda sets itself, and refuses to have set.
_RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR"
    r"|AWS_(DEFAULT_REGION|REGION|EXECUTION_ENV|LAMBDA_.*|ACCESS_KEY(_ID)?|SECRET_ACCESS_KEY|SESSION_TOKEN)"
)
_MOST_ENVIRONMENT_BYTES = 4096
# An account begins with 1,000 at most, and AWS speaks of tens of thousands at its largest.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_AT_A_TIME = 100_000


class FunctionArgs(ComponentArgs):
    """A Lambda function. $0.20 for a million calls, and $13.33 on arm64 ($16.67 on x86_64) for a million seconds with
    1 GiB; nothing while nobody calls."""

    handler: str
    """What Lambda calls, as module.name; it must be in the package."""

    description: str = ""
    """What the function is for; shown beside it in the console."""

    memory_mib: Annotated[int, Field(ge=128, le=10240)] = 512
    """Memory. The processor grows with it: a whole one at 1769."""

    timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 30
    """After which a call is ended. API Gateway waits for 30 seconds at most."""

    environment: dict[str, str] = {}
    """What the code is told; nothing secret: whoever may look at the function sees it."""

    alias: str = "live"
    """The name by which the function is called. It points to one published version, or to two while a deployment
    shifts calls from one to the other; $LATEST is what somebody has uploaded last and never what is called."""

    provisioned_concurrency: Annotated[int, Field(ge=0, le=_MOST_AT_A_TIME)] = 0
    """Copies that are kept started, so that the first calls need not wait. About $11 a month for each GiB of each."""

    # 0 would refuse every call.
    reserved_concurrency: Annotated[int, Field(ge=1, le=_MOST_AT_A_TIME)] | None = None
    """The most calls at a time, which no other function of the account can take away. Left out: as many as there
    are."""

    tracing: bool = False
    """Send traces to X-Ray, $5 for a million."""

    shift: DeploymentConfig | None = None
    """The deployment config by which traffic is shifted to a new version. Left out: all at once, when the version is
    published. Otherwise CodeDeploy shifts it, a share first, and back when a call fails; an update of the stack then
    only publishes the version."""

    retries: Annotated[int, Field(ge=0, le=2)] = 2
    """How often a call that nobody waits for is tried again before it goes to the dead-letter queue."""

    max_age_seconds: Annotated[int, Field(ge=60, le=21600)] = 3600
    """How long such a call may wait for its turn."""

    log_retention_days: LogRetentionDays = 30
    """How long a record in the log is kept. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.alias == "$LATEST":
            yield Mistake(
                "alias",
                self.alias,
                "changes with every upload: concurrency can only be provisioned for, and callers only be sent to, a "
                "published version; use 'live'",
            )
        elif not re.fullmatch(r"(?!\d+$)[A-Za-z0-9_-]{1,128}", self.alias):
            yield Mistake("alias", self.alias, "is not a name of an alias; use letters, digits, - and _, not a number")
        if self.reserved_concurrency is not None and self.provisioned_concurrency > self.reserved_concurrency:
            yield Mistake(
                "provisioned_concurrency",
                self.provisioned_concurrency,
                f"is more than the reserved concurrency, {self.reserved_concurrency}; lower it, or raise the other",
            )
        yield from mistaken_names(self.environment)
        known = sum(len(name) + len(value) for name, value in self.environment.items())
        if known > _MOST_ENVIRONMENT_BYTES:
            yield Mistake(
                "environment",
                f"{known} characters",
                f"are too many; Lambda takes {_MOST_ENVIRONMENT_BYTES}: keep the larger ones as SSM parameters",
            )


def mistaken_names(names: Iterable[str]) -> Iterator[Mistake]:
    """Names that a variable of the environment cannot have."""
    for name in sorted(names):
        if _RESERVED.fullmatch(name):
            yield Mistake("environment", name, "is set by Lambda itself; choose another name")
        elif not re.fullmatch(r"[A-Za-z]\w+", name):
            reason = "is not allowed; use letters, digits and _, beginning with a letter"
            yield Mistake("environment", name, reason)
