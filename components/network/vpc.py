"""A private network: subnets in one to three zones, the ways out of it, and the AWS services it reaches privately.

Use: network = Vpc("wiki-dev-network", VpcArgs(zones=2, endpoints=["ecsPrivate"], flow_logs=FlowLogsToCloudWatch()))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children, Transform
from components.network import flow_logs
from components.network.access_lists import Entry, access_list
from components.network.endpoints import (
    dynamodb_gateway_policy,
    expand_endpoints,
    interface_policy,
    s3_gateway_policy,
)
from components.network.flow_logs import FlowLogs, FlowLogsToCloudWatch, record_flows
from components.network.network import NETWORK_OUTPUTS, REQUIRED_OUTPUTS, ExistingNetwork, Network
from components.network.subnets import TIERS, SubnetPlan, SubnetPlanError, Tier, plan_subnets
from components.policy import document
from components.refusal import Refusal, nearest
from components.retention import Retention
from components.security_rules import let_in

Nat = Literal["none", "single", "per_zone", "regional"]

# Zones that AWS keeps for old accounts and gives no new services: interface endpoints fail there.
_OLD_ZONE_IDS = ("apne1-az3", "use1-az3")


@dataclass(frozen=True, kw_only=True)
class VpcArgs:
    """What the caller decides about a network. Only interface endpoints, NAT and flow logs cost money."""

    cidr: str = "10.0.0.0/16"
    """The addresses, /16 to /28. Cannot be changed later without replacing everything in the network."""

    zones: int = 2
    """In how many zones, 1 to 3. One saves a third or half of the cost of endpoints and NAT and does not survive the
    failure of a zone; databases and load balancers need two. Can grow later without moving a subnet."""

    tiers: Sequence[Tier] = ("public", "private", "isolated")
    """Which subnets each zone has. public: has a route from the internet, for load balancers. private: for
    applications; calls AWS and, with NAT, the internet. isolated: for data; reached from the private tier only."""

    subnets: Mapping[Tier, Sequence[str]] | None = None
    """The CIDR of every subnet, for each tier one for each zone, where they must be certain ones. Left out, they are
    computed so that adding a zone or a tier moves none."""

    nat: Nat = "none"
    """How private subnets call the internet. none: not at all, AWS through endpoints only ($0). single: one NAT
    gateway in the first zone (about $49 a month in ap-northeast-1, plus $0.062 a GB); the failure of that zone stops
    outbound calls. per_zone: one in each zone (so many times $49). regional: one that AWS spreads over the zones in
    use and that needs no public subnet; billed for each zone it works in."""

    endpoints: Sequence[str] = ()
    """Interface endpoints, by service (`ecr.api`) or bundle (`ecsPrivate`, `ssmSession`, `bedrock`, `ecsExec`). Each
    costs about $10 a month for each zone in ap-northeast-1. S3 and DynamoDB are always there and free."""

    flow_logs: FlowLogs = field(default_factory=FlowLogsToCloudWatch)
    """Where the record of all connections goes, and for how long."""

    retention: Retention = "protected"
    """protected: the VPC cannot be deleted or replaced until this is changed. ephemeral: it can."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        for tier in self.tiers:
            if tier not in TIERS:
                raise Refusal("tiers", tier, f"is not a tier; {nearest(tier, TIERS)}use {', '.join(TIERS)}")
        if len(set(self.tiers)) != len(self.tiers):
            raise Refusal("tiers", list(self.tiers), "names a tier twice; name each once")
        if not set(self.tiers) & {"public", "private"}:
            raise Refusal("tiers", list(self.tiers), "has nobody who could reach the isolated tier; add private")
        if self.nat not in get_args(Nat):
            raise Refusal("nat", self.nat, f"is not allowed; use {', '.join(get_args(Nat))}")
        if self.nat in {"single", "per_zone"} and "public" not in self.tiers:
            raise Refusal("nat", self.nat, "needs the public tier to stand in; add public to tiers or use regional")
        if self.nat != "none" and "private" not in self.tiers:
            raise Refusal(
                "nat", self.nat, "serves the private tier, which is missing; add private to tiers or use none"
            )
        if expand_endpoints(self.endpoints) and "private" not in self.tiers:
            raise Refusal(
                "endpoints", list(self.endpoints), "stand in the private tier, which is missing; add private to tiers"
            )
        self.plan()

    def plan(self) -> list[SubnetPlan]:
        """Which addresses each subnet gets."""
        try:
            return plan_subnets(self.cidr, self.zones, self.tiers, self.subnets)
        except SubnetPlanError as mistake:
            raise Refusal(mistake.field, mistake.value, mistake.reason) from None


class Vpc(pulumi.ComponentResource):
    """A network of one to three zones, closed by default."""

    CHILDREN = (
        "vpc",
        "default_security_group",
        "internet_gateway",
        "subnet",
        "route_table",
        "route_table_association",
        "route",
        "network_acl",
        "nat_address",
        "nat_gateway",
        "gateway_endpoint",
        "endpoint_security_group",
        "endpoint_ingress_rule",
        "interface_endpoint",
        "database_subnet_group",
        *flow_logs.CHILDREN,
    )

    vpc_id: pulumi.Output[str]
    cidr: pulumi.Output[str]
    """All addresses of the network."""
    public_subnet_ids: pulumi.Output[list[str]]
    """One for each zone, in the order of the zones; so are the other two. Empty where the tier does not exist."""
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

    def __init__(self, name: str, args: VpcArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:network:Vpc", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        self._plans = args.plan()

        self._vpc = self._network()
        internet = self._internet_gateway()
        self._subnets = self._make_subnets()
        nats = self._nat_gateways(internet)
        tables = self._routes(internet, nats)
        self._access_lists()
        self._gateway_endpoints(tables)
        self._interface_endpoints()
        self._database_subnet_group()
        record_flows(name, args.flow_logs, self._vpc.id, self._account, self._child)

        self.vpc_id = self._vpc.id
        self.cidr = self._vpc.cidr_block
        self.public_subnet_ids = self._ids("public")
        self.private_subnet_ids = self._ids("private")
        self.isolated_subnet_ids = self._ids("isolated")
        self.register_outputs({"vpcId": self.vpc_id})

    @staticmethod
    def from_existing(
        *,
        vpc_id: pulumi.Input[str],
        cidr: pulumi.Input[str],
        public_subnet_ids: Sequence[pulumi.Input[str]] = (),
        private_subnet_ids: Sequence[pulumi.Input[str]] = (),
        isolated_subnet_ids: Sequence[pulumi.Input[str]] = (),
        database_subnet_group_name: pulumi.Input[str] | None = None,
        endpoint_security_group_id: pulumi.Input[str] | None = None,
        s3_prefix_list_id: pulumi.Input[str] | None = None,
        dynamodb_prefix_list_id: pulumi.Input[str] | None = None,
    ) -> Network:
        """A network that somebody else made, by its ids. Nothing of it is changed or looked up."""

        def known(value: pulumi.Input[str] | None) -> pulumi.Output[str] | None:
            return None if value is None else pulumi.Output.from_input(value)

        return ExistingNetwork(
            vpc_id=pulumi.Output.from_input(vpc_id),
            cidr=pulumi.Output.from_input(cidr),
            public_subnet_ids=pulumi.Output.all(*public_subnet_ids),
            private_subnet_ids=pulumi.Output.all(*private_subnet_ids),
            isolated_subnet_ids=pulumi.Output.all(*isolated_subnet_ids),
            database_subnet_group_name=known(database_subnet_group_name),
            endpoint_security_group_id=known(endpoint_security_group_id),
            s3_prefix_list_id=known(s3_prefix_list_id),
            dynamodb_prefix_list_id=known(dynamodb_prefix_list_id),
        )

    @staticmethod
    def from_stack(reference: pulumi.StackReference) -> Network:
        """The network of another stack of this program, by what that stack exports (`NETWORK_OUTPUTS`)."""
        required = {field: cast("Any", reference.require_output(NETWORK_OUTPUTS[field])) for field in REQUIRED_OUTPUTS}
        optional = {
            field: cast("Any", reference.get_output(output))
            for field, output in NETWORK_OUTPUTS.items()
            if field not in REQUIRED_OUTPUTS
        }
        return ExistingNetwork(**required, **optional)

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

    def _nat_gateways(self, internet: aws.ec2.InternetGateway | None) -> list[aws.ec2.NatGateway]:
        """The NAT gateway of each zone; one gateway may serve several."""
        self.nat_public_ips = pulumi.Output.from_input(cast("list[str]", []))
        waits = [] if internet is None else [internet]
        if self._args.nat == "none":
            return []
        if self._args.nat == "regional":
            # AWS gives it addresses, spreads it over the zones that have subnets, and makes a route table of its own
            # that leads to the internet gateway. Only the private tables are ours to point at it.
            nat = aws.ec2.NatGateway(
                f"{self._prefix}-nat-gateway",
                availability_mode="regional",
                connectivity_type="public",
                vpc_id=self._vpc.id,
                tags={"Name": f"{self._prefix}-nat-gateway"},
                opts=self._child("nat_gateway", depends_on=waits),
            )
            return [nat] * self._args.zones
        # One NAT for all zones: half or a third of the cost; a zone failure stops outbound calls.
        count = 1 if self._args.nat == "single" else self._args.zones
        nats, addresses = [], []
        for number, subnet in enumerate(self._subnets["public"][:count], start=1):
            address = aws.ec2.Eip(
                f"{self._prefix}-nat-address-{number}",
                domain="vpc",
                tags={"Name": f"{self._prefix}-nat-address-{number}"},
                opts=self._child("nat_address", depends_on=waits),
            )
            addresses.append(address.public_ip)
            nats.append(
                aws.ec2.NatGateway(
                    f"{self._prefix}-nat-gateway-{number}",
                    allocation_id=address.id,
                    subnet_id=subnet.id,
                    tags={"Name": f"{self._prefix}-nat-gateway-{number}"},
                    opts=self._child("nat_gateway", depends_on=waits),
                )
            )
        self.nat_public_ips = pulumi.Output.all(*addresses)
        return nats if len(nats) == self._args.zones else nats * self._args.zones

    def _routes(
        self, internet: aws.ec2.InternetGateway | None, nats: list[aws.ec2.NatGateway]
    ) -> list[aws.ec2.RouteTable]:
        """One table for all public subnets, one for each private zone, one for all isolated subnets.

        Private zones have a table each, whatever the NAT, so that going from one NAT to one for each zone changes a
        route and replaces nothing. Public and isolated subnets have the same routes in every zone, and always will.
        """
        tables = []
        if self._subnets["public"] and internet is not None:
            public = self._route_table("public", self._subnets["public"])
            self._default_route("public", public, gateway_id=internet.id)
            tables.append(public)
        for zone, subnet in enumerate(self._subnets["private"]):
            table = self._route_table(f"private-{zone + 1}", [subnet])
            if nats:
                self._default_route(f"private-{zone + 1}", table, nat_gateway_id=nats[zone].id)
            tables.append(table)
        if self._subnets["isolated"]:
            # Not handed on: the isolated tier reaches its neighbours only, not even S3.
            self._route_table("isolated", self._subnets["isolated"])
        return tables

    def _route_table(self, label: str, subnets: Sequence[aws.ec2.Subnet]) -> aws.ec2.RouteTable:
        name = f"{self._prefix}-{label}-route-table"
        table = aws.ec2.RouteTable(name, vpc_id=self._vpc.id, tags={"Name": name}, opts=self._child("route_table"))
        for number, subnet in enumerate(subnets, start=1):
            suffix = f"-{number}" if len(subnets) > 1 or label in {"public", "isolated"} else ""
            aws.ec2.RouteTableAssociation(
                f"{name}-association{suffix}",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._child("route_table_association"),
            )
        return table

    def _default_route(self, label: str, table: aws.ec2.RouteTable, **target: pulumi.Input[str]) -> None:
        aws.ec2.Route(
            f"{self._prefix}-{label}-internet-route",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            **cast("Any", target),
            opts=self._child("route"),
        )

    def _access_lists(self) -> None:
        for tier, subnets in self._subnets.items():
            if not subnets:
                continue
            rules = access_list(tier, self._args.cidr, self._plans, nat=self._args.nat != "none")
            aws.ec2.NetworkAcl(
                f"{self._prefix}-{tier}-network-acl",
                vpc_id=self._vpc.id,
                subnet_ids=[subnet.id for subnet in subnets],
                ingress=[
                    aws.ec2.NetworkAclIngressArgs(**_acl_entry(number, entry))
                    for number, entry in enumerate(rules.ingress, start=1)
                ],
                egress=[
                    aws.ec2.NetworkAclEgressArgs(**_acl_entry(number, entry))
                    for number, entry in enumerate(rules.egress, start=1)
                ],
                tags={"Name": f"{self._prefix}-{tier}-network-acl"},
                opts=self._child("network_acl"),
            )

    def _gateway_endpoints(self, tables: Sequence[aws.ec2.RouteTable]) -> None:
        """S3 and DynamoDB without NAT and without cost. Fargate fetches its image layers this way."""
        policies = {"s3": s3_gateway_policy(self._account), "dynamodb": dynamodb_gateway_policy(self._account)}
        endpoints = {
            service: aws.ec2.VpcEndpoint(
                f"{self._prefix}-{service}-endpoint",
                vpc_id=self._vpc.id,
                vpc_endpoint_type="Gateway",
                service_name=self._service_name(service),
                route_table_ids=[table.id for table in tables],
                policy=document(*statements),
                tags={"Name": f"{self._prefix}-{service}-endpoint"},
                opts=self._child("gateway_endpoint"),
            )
            for service, statements in policies.items()
        }
        self.s3_prefix_list_id = endpoints["s3"].prefix_list_id
        self.dynamodb_prefix_list_id = endpoints["dynamodb"].prefix_list_id

    def _interface_endpoints(self) -> None:
        self.endpoint_security_group_id = None
        self.interface_endpoint_ids = pulumi.Output.from_input(cast("dict[str, str]", {}))
        services = expand_endpoints(self._args.endpoints)
        if not services:
            return
        # No egress rule: an endpoint only answers.
        group = aws.ec2.SecurityGroup(
            f"{self._prefix}-endpoint-security-group",
            vpc_id=self._vpc.id,
            description=f"Interface endpoints of {self._prefix}",
            tags={"Name": f"{self._prefix}-endpoint-security-group"},
            opts=self._child("endpoint_security_group"),
        )
        rule, opts = f"{self._prefix}-endpoint-ingress-rule", self._child("endpoint_ingress_rule")
        let_in(rule, group.id, 443, "HTTPS from this VPC", opts, cidr=self._args.cidr)
        endpoints = {
            service: aws.ec2.VpcEndpoint(
                f"{self._prefix}-{service.replace('.', '-')}-endpoint",
                vpc_id=self._vpc.id,
                vpc_endpoint_type="Interface",
                service_name=self._service_name(service),
                subnet_ids=[subnet.id for subnet in self._subnets["private"]],
                security_group_ids=[group.id],
                # The service's usual name then leads to the endpoint: callers change nothing. One for each service.
                private_dns_enabled=True,
                policy=document(*interface_policy(service, self._account)),
                tags={"Name": f"{self._prefix}-{service.replace('.', '-')}-endpoint"},
                opts=self._child("interface_endpoint"),
            )
            for service in services
        }
        self.endpoint_security_group_id = group.id
        self.interface_endpoint_ids = pulumi.Output.all(
            **{service: endpoint.id for service, endpoint in endpoints.items()}
        )

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

    def _service_name(self, service: str) -> pulumi.Output[str]:
        return pulumi.Output.concat("com.amazonaws.", self._account.region, f".{service}")

    def _ids(self, tier: Tier) -> pulumi.Output[list[str]]:
        return pulumi.Output.all(*(subnet.id for subnet in self._subnets[tier]))


def _zone(names: Sequence[str], index: int) -> str:
    if index >= len(names):
        # Not a Refusal: that is a ValueError, which Pulumi wraps and prints with a stack trace when it comes this late.
        raise pulumi.RunError(f"zones: {index + 1} is more than this region offers; it has {', '.join(names)}")
    return names[index]


def _acl_entry(number: int, entry: Entry) -> dict[str, Any]:
    """Rule numbers in tens of tens, so that one can be put in between by hand in an emergency."""
    rule: dict[str, Any] = {
        "rule_no": number * 100,
        "action": "allow",
        "protocol": entry.protocol,
        "cidr_block": entry.cidr,
        "from_port": entry.ports[0],
        "to_port": entry.ports[1],
    }
    if entry.icmp is not None:
        rule["icmp_type"], rule["icmp_code"] = entry.icmp
    return rule
