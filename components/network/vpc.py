"""A private network: subnets in one to three zones, the ways out of it, and the AWS services it reaches privately.

Use: network = Vpc("wiki-dev-network", VpcArgs(zones=2, endpoints=["ecsPrivate"]))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..errors import Mistake
from ..identity.key import AnyKey
from ..retention import Retention
from ..values import Cidr, LogRetentionDays, Tier
from ..widgets import Widget
from . import endpoints, flow_logs, nat, routes
from .access_lists import access_list, numbered
from .endpoints import endpoint_mistakes
from .flow_logs import FlowLogs, LogArchive
from .nat import Nat
from .network import ExistingNetwork, network_outputs
from .routes import Routes, once_made
from .subnets import TIERS, plan_mistakes, plan_subnets

# Zones that AWS keeps for old accounts and gives no new services: interface endpoints fail there.
_OLD_ZONE_IDS = ("apne1-az3", "use1-az3")


class VpcArgs(ComponentArgs):
    """A network. Only interface endpoints, NAT and flow logs cost money."""

    cidr: Cidr = "10.0.0.0/16"
    """The addresses, /16 to /28. Cannot be changed later without replacing everything in the network."""

    zones: Literal[1, 2, 3] = 2
    """In how many zones. One saves a third or half of the cost of endpoints and NAT and does not survive the
    failure of a zone; databases and load balancers need two. Can grow later without moving a subnet."""

    tiers: list[Tier] = ["public", "private", "isolated"]
    """Which subnets each zone has. public: has a route from the internet, for load balancers. private: for
    applications; calls AWS and, with NAT, the internet. isolated: for data; reached from the private tier only. Another
    tier moves none of the others, but have isolated before there is a database: it does not move there later (AWS does
    not take a subnet with a database in it out of its group)."""

    subnets: dict[Tier, list[Cidr]] | None = None
    """The CIDR of every subnet, for each tier one for each zone, where they must be certain ones. Left out, they are
    computed so that adding a zone or a tier moves none."""

    nat: Nat = "none"
    """How private subnets call the internet. none: not at all, AWS through endpoints only ($0). single: one NAT
    gateway in the first zone (about $49 a month in ap-northeast-1, plus $0.062 a GB); the failure of that zone stops
    outbound calls. perZone: one in each zone (so many times $49). regional: one that AWS spreads over the zones in
    use and that needs no public subnet; billed for each zone it works in."""

    endpoints: list[str] = []
    """Interface endpoints, by service (`ecr.api`) or bundle (`ecsPrivate`, `ssmSession`, `bedrock`, `ecsExec`). Each
    costs about $10 a month for each zone in ap-northeast-1. S3 and DynamoDB are always there and free."""

    flow_logs: FlowLogs = FlowLogs()
    """Where the record of all connections goes."""

    log_retention_days: LogRetentionDays = 30
    """Days until CloudWatch deletes a record. In YAML left out: the stack's."""

    retention: Retention = "protected"
    """protected: the VPC cannot be deleted or replaced until this is changed. ephemeral: it can. In YAML left
    out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        if len(set(self.tiers)) != len(self.tiers):
            yield Mistake("tiers", self.tiers, "names a tier twice; name each once")
        if not set(self.tiers) & {"public", "private"}:
            yield Mistake("tiers", self.tiers, "would leave the isolated tier unreachable; add private")
            return
        if self.nat in {"single", "perZone"} and "public" not in self.tiers:
            yield Mistake("nat", self.nat, "needs the public tier to stand in; add public to tiers or use regional")
        if self.nat != "none" and "private" not in self.tiers:
            reason = "serves the private tier, which is missing; add private to tiers or use none"
            yield Mistake("nat", self.nat, reason)
        yield from endpoint_mistakes(self.endpoints)
        if self.endpoints and "private" not in self.tiers:
            reason = "stand in the private tier, which is missing; add private to tiers"
            yield Mistake("endpoints", self.endpoints, reason)
        yield from plan_mistakes(self.cidr, self.zones, self.tiers, self.subnets)


class Vpc(Component):
    """A network of one to three zones, closed by default."""

    CHILDREN = (
        *("vpc", "default_security_group", "internet_gateway", "subnet", "network_acl", "database_subnet_group"),
        *routes.CHILDREN,
        *nat.CHILDREN,
        *endpoints.CHILDREN,
        *flow_logs.CHILDREN,
    )

    vpc_id: pulumi.Output[str]
    cidr: pulumi.Output[str]
    """All addresses of the network."""
    public_subnet_ids: pulumi.Output[list[str]]
    """One for each zone, in the order of the zones; so are the other two. Empty where the tier does not exist.
    What uses them is made after their route to the internet."""
    private_subnet_ids: pulumi.Output[list[str]]
    isolated_subnet_ids: pulumi.Output[list[str]]
    database_subnet_group_name: pulumi.Output[str] | None
    """For RDS: the isolated subnets, or the private ones where there are none. None in one zone: RDS needs two."""
    endpoint_security_group_id: pulumi.Output[str] | None
    """Guards the interface endpoints; a task's own group must allow 443 to it."""
    s3_prefix_list_id: pulumi.Output[str] | None
    """The addresses of S3, for a security group that allows calls to S3 and nothing else."""
    dynamodb_prefix_list_id: pulumi.Output[str] | None
    nat_public_ips: pulumi.Output[list[str]]
    """The addresses that others see, for their allow lists. Empty without NAT, and with a regional one, whose
    addresses AWS gives and takes."""
    interface_endpoint_ids: pulumi.Output[dict[str, str]]
    """Service → id of its endpoint."""

    def __init__(
        self,
        name: str,
        args: VpcArgs,
        *,
        logs_key: AnyKey | None = None,
        log_archive: LogArchive | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param logs_key: What encrypts the flow logs in CloudWatch. Without one a key that AWS owns.
        :param log_archive: The bucket of flow logs to S3; it must receive logs from `vpc-flow-logs`.
        """
        super().__init__(name, args, opts)
        self._args = args
        self._account = Account.of(self)
        self._plans = plan_subnets(args.cidr, args.zones, args.tiers, args.subnets)

        self._vpc = self._network()
        internet = self._internet_gateway()
        self._subnets = self._make_subnets()
        tables = self._route_tables(internet)
        self._access_lists()
        self._endpoints(tables)
        self._database_subnet_group()
        self.flow_log_group_name = flow_logs.record(
            name,
            args.flow_logs,
            self._vpc.id,
            self._account,
            self._child,
            retention_days=args.log_retention_days,
            key=logs_key,
            archive=log_archive,
        )

        self.vpc_id = self._vpc.id
        self.cidr = self._vpc.cidr_block
        self.public_subnet_ids = once_made(self._ids("public"), self._public_way)
        self.private_subnet_ids = self._ids("private")
        self.isolated_subnet_ids = self._ids("isolated")
        self.register_outputs({"vpcId": self.vpc_id})

    @property
    def widgets(self) -> list[Widget]:
        """What goes out through each NAT gateway, how many connections it holds, and what it could not let through."""
        shown = [
            ("BytesOutToDestination", "Sum"),
            ("ActiveConnectionCount", "Maximum"),
            ("ErrorPortAllocation", "Sum"),
            ("PacketsDropCount", "Sum"),
        ]
        return [
            self._graph("Way out (NAT)", {name: nat.metric(gateway, *one) for name, gateway in self._nats.items()})
            for one in shown
            if self._nats
        ]

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            **network_outputs(self),
            "interfaceEndpointIds": self.interface_endpoint_ids,
            "natPublicIps": self.nat_public_ips,
        }

    @property
    def first_public_subnet_id(self) -> pulumi.Output[str]:
        # The route, and the first subnet's association.
        return once_made(self._subnets["public"][0].id, self._public_way[:2])

    @property
    def first_private_subnet_id(self) -> pulumi.Output[str]:
        return self._subnets["private"][0].id

    from_existing = staticmethod(ExistingNetwork.by_ids)
    from_stack = staticmethod(ExistingNetwork.of_stack)

    def _network(self) -> aws.ec2.Vpc:
        vpc = aws.ec2.Vpc(
            f"{self._prefix}-vpc",
            cidr_block=self._args.cidr,
            # Both are needed for the private names of interface endpoints.
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": f"{self._prefix}-vpc"},
            opts=self._child("vpc", protect=self._args.retention == "protected"),
        )
        # Adopted in order to be emptied: whatever is launched without a group of its own can talk to nobody.
        aws.ec2.DefaultSecurityGroup(
            f"{self._prefix}-default-security-group",
            vpc_id=vpc.id,
            tags={"Name": f"{self._prefix}-default-security-group"},
            opts=self._child("default_security_group"),
        )
        return vpc

    def _internet_gateway(self) -> aws.ec2.InternetGateway | None:
        # A regional NAT has no subnet, but still leaves through the VPC's internet gateway.
        if "public" not in self._args.tiers and self._args.nat != "regional":
            return None
        return aws.ec2.InternetGateway(
            f"{self._prefix}-internet-gateway",
            vpc_id=self._vpc.id,
            tags={"Name": f"{self._prefix}-internet-gateway"},
            opts=self._child("internet_gateway"),
        )

    def _make_subnets(self) -> dict[Tier, list[aws.ec2.Subnet]]:
        zones = aws.get_availability_zones_output(
            state="available",
            exclude_zone_ids=list(_OLD_ZONE_IDS),
            filters=[aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])],
            opts=pulumi.InvokeOptions(parent=self),
        ).names
        subnets: dict[Tier, list[aws.ec2.Subnet]] = {tier: [] for tier in TIERS}
        for plan in self._plans:
            name = f"{self._prefix}-{plan.tier}-subnet-{plan.zone + 1}"
            subnets[plan.tier].append(
                aws.ec2.Subnet(
                    name,
                    vpc_id=self._vpc.id,
                    cidr_block=plan.cidr,
                    availability_zone=zones.apply(lambda names, zone=plan.zone: _zone(names, zone)),
                    # Not even in public subnets: what needs a public address asks for one.
                    map_public_ip_on_launch=False,
                    tags={"Name": name},
                    # The list of zones changes when AWS opens or closes one; a subnet stays where it is.
                    opts=self._child("subnet", ignore_changes=["availability_zone"]),
                )
            )
        return subnets

    def _route_tables(self, internet: aws.ec2.InternetGateway | None) -> list[aws.ec2.RouteTable]:
        """Those that lead to S3 and DynamoDB."""
        args, subnets = self._args, self._subnets
        make = Routes(prefix=self._prefix, vpc_id=self._vpc.id, child=self._child)
        tables: list[aws.ec2.RouteTable] = []
        self._public_way: list[pulumi.Resource] = []
        if subnets["public"] and internet is not None:
            table, self._public_way = make.public(subnets["public"], internet)
            tables.append(table)
        waits = self._public_way or ([] if internet is None else [internet])
        nats = nat.gateways(self._prefix, args.nat, args.zones, self._vpc.id, subnets["public"], self._child, waits)
        self.nat_public_ips = pulumi.Output.all(*nats.addresses)
        # One gateway may serve several zones.
        self._nats = {f"NAT {number}": one for number, one in enumerate(dict.fromkeys(nats.of_zones), start=1)}
        if subnets["isolated"]:
            make.isolated(subnets["isolated"])
        return [*tables, *make.private(subnets["private"], nats.of_zones)]

    def _access_lists(self) -> None:
        for tier, subnets in self._subnets.items():
            if not subnets:
                continue
            rules = access_list(tier, self._args.cidr, self._plans, nat=self._args.nat != "none")
            aws.ec2.NetworkAcl(
                f"{self._prefix}-{tier}-network-acl",
                vpc_id=self._vpc.id,
                subnet_ids=[subnet.id for subnet in subnets],
                ingress=[aws.ec2.NetworkAclIngressArgs(**rule) for rule in numbered(rules.ingress)],
                egress=[aws.ec2.NetworkAclEgressArgs(**rule) for rule in numbered(rules.egress)],
                tags={"Name": f"{self._prefix}-{tier}-network-acl"},
                opts=self._child("network_acl"),
            )

    def _endpoints(self, tables: Sequence[aws.ec2.RouteTable]) -> None:
        args = self._args
        gateways = endpoints.gateway_endpoints(self._prefix, self._vpc.id, tables, self._account, self._child)
        self.s3_prefix_list_id = gateways["s3"].prefix_list_id
        self.dynamodb_prefix_list_id = gateways["dynamodb"].prefix_list_id
        group, made = endpoints.interface_endpoints(
            self._prefix, args.endpoints, self._vpc.id, args.cidr, self._subnets["private"], self._account, self._child
        )
        self.endpoint_security_group_id = group.id if group else None
        ids = {service: one.id for service, one in made.items()}
        self.interface_endpoint_ids = pulumi.Output.from_input(cast("dict[str, str]", ids))

    def _database_subnet_group(self) -> None:
        self.database_subnet_group_name = None
        subnets = self._subnets["isolated"] or self._subnets["private"]
        if len(subnets) < 2:
            return
        self.database_subnet_group_name = aws.rds.SubnetGroup(
            f"{self._prefix}-database-subnet-group",
            description=f"Where the databases of {self._prefix} stand",
            subnet_ids=[subnet.id for subnet in subnets],
            opts=self._child("database_subnet_group"),
        ).name

    def _ids(self, tier: Tier) -> pulumi.Output[list[str]]:
        return pulumi.Output.all(*(subnet.id for subnet in self._subnets[tier]))


def _zone(names: Sequence[str], index: int) -> str:
    if index >= len(names):
        # Not an ArgumentError: that is a ValueError, which Pulumi prints with a stack trace this late.
        raise pulumi.RunError(f"zones: {index + 1} is more than this region offers; it has {', '.join(names)}")
    return names[index]
