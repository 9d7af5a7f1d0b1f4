"""Settings of the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic.alias_generators import to_camel

from settings.section import Cidr, Section, Tier, aws_id, text

if TYPE_CHECKING:
    from settings import Settings


class FlowLogSettings(Section):
    """The record of every connection in the VPC."""

    destination: Literal["cloudwatch", "s3"] = "cloudwatch"
    """cloudwatch: searchable at once, $0.76 a GB. s3: into the log archive, a third of that."""

    aggregation_seconds: Literal[60, 600] = 600
    """Seconds that one record sums up; 60 shows more and costs up to ten times as much."""


class SubnetSettings(Section):
    """The CIDRs of a network's subnets, one for each zone in each tier."""

    public: list[Cidr] | None = None
    private: list[Cidr] | None = None
    isolated: list[Cidr] | None = None

    def listed(self) -> dict[Tier, list[str]]:
        """The tiers that have a list, with it."""
        tiers: dict[Tier, list[str] | None] = {
            "public": self.public,
            "private": self.private,
            "isolated": self.isolated,
        }
        return {tier: cidrs for tier, cidrs in tiers.items() if cidrs is not None}


class ExistingNetworkSettings(Section):
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


class NetworkSettings(Section):
    """The VPC: made by this stack, or `existing`, or that of another `stack`."""

    cidr: Cidr = "10.0.0.0/16"
    zones: Literal[1, 2, 3] = 2
    tiers: list[Tier] = ["public", "private", "isolated"]
    subnets: SubnetSettings | None = None
    nat: Literal["none", "single", "perZone", "regional"] = "none"
    endpoints: list[str] = []
    flow_logs: FlowLogSettings = FlowLogSettings()
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
        for field in sorted(network.model_fields_set - {"existing", "stack"}):
            yield (
                f"network.{to_camel(field)}",
                f"says what to build, but the network is the one in {other}; remove this key or {other}",
            )
        return
    if network.nat in {"single", "perZone"} and "public" not in network.tiers:
        yield (
            "network.nat",
            f"{network.nat} stands in the public tier, which is missing; add public to tiers or use regional",
        )
    if network.flow_logs.destination == "s3" and settings.log_archive is None:
        yield "network.flowLogs.destination", "s3 needs the log archive, which is missing; add logArchive: {}"
