"""Settings of the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from components.args import Args
from components.network.endpoints import expand_endpoints
from components.network.vpc import VpcArgs
from components.spelling import to_camel
from components.values import Cidr, aws_id, text

if TYPE_CHECKING:
    from settings import Settings


class ExistingNetworkSettings(Args):
    """A network that somebody else made."""

    vpc_id: Annotated[str, aws_id("vpc")]
    cidr: Cidr
    public_subnet_ids: list[Annotated[str, aws_id("subnet")]] = []
    private_subnet_ids: list[Annotated[str, aws_id("subnet")]] = []
    isolated_subnet_ids: list[Annotated[str, aws_id("subnet")]] = []
    database_subnet_group_name: str | None = None
    endpoint_security_group_id: Annotated[str, aws_id("sg")] | None = None
    s3_prefix_list_id: Annotated[str, aws_id("pl")] | None = None
    dynamodb_prefix_list_id: Annotated[str, aws_id("pl")] | None = None


class NetworkSettings(VpcArgs):
    """The VPC: made by this stack, or `existing`, or that of another `stack`."""

    existing: ExistingNetworkSettings | None = None
    stack: Annotated[str, text(r"[^/\s]+/[^/\s]+/[^/\s]+", "name the stack as organization/project/stack")] | None = (
        None
    )

    @property
    def logs_to_cloudwatch(self) -> bool:
        """Whether this stack makes the network and sends its flow logs to CloudWatch."""
        return not self.existing and not self.stack and self.flow_logs.destination == "cloudwatch"

    @property
    def closed(self) -> bool:
        """Whether what is private in it reaches AWS by its endpoints only, as far as this stack says."""
        return not self.existing and not self.stack and self.nat == "none"

    def lacks(self, *services: str) -> list[str]:
        """Those of these services to which nothing leads from what is private in it, as far as this stack says."""
        return sorted({*services} - {*expand_endpoints(self.endpoints)}) if self.closed else []


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    network = settings.network
    if network is None:
        return
    if settings.free_tier and network.nat != "none":
        yield "network.nat", f"{network.nat} costs money and freeTier is true; use none"
    if settings.free_tier and network.endpoints:
        listed = ", ".join(network.endpoints)
        why = f"{listed} cost $10 a month for each service and zone and freeTier is true; use []"
        yield "network.endpoints", why
    elsewhere = {"existing", "stack"} & network.model_fields_set
    if len(elsewhere) == 2:
        yield "network.stack", "and existing are both given; a stack has one network, keep one of them"
    if elsewhere:
        other = min(elsewhere)
        # What is filled in from the stack, nobody wrote.
        for field in sorted(network.model_fields_set - {"existing", "stack", "retention", "log_retention_days"}):
            yield (
                f"network.{to_camel(field)}",
                f"says what to build, but the network is the one in {other}; remove this key or {other}",
            )
        return
    if network.flow_logs.destination == "s3" and settings.log_archive is None:
        yield "network.flowLogs.destination", "s3 needs the log archive, which is missing; add logArchive: {}"
