"""What a network lets through, where it leads, and what it refuses to be."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.data.bucket import Bucket, BucketArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.network.access_lists import access_list
from components.network.flow_logs import FlowLogs
from components.network.network import NETWORK_OUTPUTS
from components.network.subnets import TIERS, plan_subnets
from components.network.vpc import Nat, Vpc, VpcArgs
from tests.conftest import ACCOUNT, REGION, Recorder, Registered

NAME = "wiki-dev-network"
ADMIN_PORTS = (22, 3389)


def build(recorder: Recorder, **args: Any) -> Recorder:
    return recorder.run(lambda: Vpc(NAME, VpcArgs(**args)))


def default_routes(recorder: Recorder) -> dict[str, dict[str, Any]]:
    """Route table name → its route to the internet."""
    tables = {f"{table.name}-id": table.name for table in recorder.of(":RouteTable")}
    return {tables[route.inputs["routeTableId"]]: route.inputs for route in recorder.of(":Route")}


def subnets_of(recorder: Recorder, table: str) -> set[str]:
    return {
        association.inputs["subnetId"]
        for association in recorder.of(":RouteTableAssociation")
        if association.inputs["routeTableId"] == f"{table}-id"
    }


def lets_in(acl: Registered, source: str, port: int, protocol: str = "tcp") -> bool:
    """Evaluates a network access list as AWS does: the first rule that matches decides, and nothing else passes."""
    for rule in sorted(acl.inputs["ingress"], key=lambda rule: rule["ruleNo"]):
        whole = rule["protocol"] == "-1"
        if ipaddress.IPv4Address(source) not in ipaddress.IPv4Network(rule["cidrBlock"]):
            continue
        if whole or (rule["protocol"] == protocol and rule["fromPort"] <= port <= rule["toPort"]):
            return rule["action"] == "allow"
    return False


def interface_endpoints(recorder: Recorder) -> list[Registered]:
    return [each for each in recorder.of(":VpcEndpoint") if each.inputs["vpcEndpointType"] == "Interface"]


# --- Routes ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A1")
def test_two_zones_have_public_and_private_subnets_and_only_public_ones_reach_the_internet(recorder: Recorder) -> None:
    build(recorder, zones=2, endpoints=["ecsPrivate"])
    zones = {subnet.name: subnet.inputs["availabilityZone"] for subnet in recorder.of(":Subnet")}
    for tier in ("public", "private"):
        assert {zones[f"{NAME}-{tier}-subnet-{number}"] for number in (1, 2)} == {f"{REGION}a", f"{REGION}c"}
    routes = default_routes(recorder)
    assert set(routes) == {f"{NAME}-public-route-table"}
    assert routes[f"{NAME}-public-route-table"]["gatewayId"] == f"{NAME}-internet-gateway-id"
    assert subnets_of(recorder, f"{NAME}-public-route-table") == {f"{NAME}-public-subnet-{n}-id" for n in (1, 2)}
    assert not recorder.of(":NatGateway")
    assert interface_endpoints(recorder)


def made_before(recorder: Recorder, resource: Registered) -> set[str]:
    """The names of all that this resource waits for."""
    found: set[str] = set()
    waiting = [resource]
    while waiting:
        each = waiting.pop()
        nearest = {recorder.by_urn(urn).name: recorder.by_urn(urn) for urn in each.dependencies}
        waiting += [one for name, one in nearest.items() if name not in found]
        found |= set(nearest)
    return found


@pytest.mark.parametrize("mode", ["recorder", "previewer"])
def test_what_uses_a_public_subnet_waits_for_its_way_to_the_internet(mode: str, request: pytest.FixtureRequest) -> None:
    run: Recorder = request.getfixturevalue(mode)

    def program() -> None:
        network = Vpc(NAME, VpcArgs(zones=2, nat="single"))
        interface = aws.ec2.NetworkInterface("interface", subnet_id=network.public_subnet_ids.apply(lambda ids: ids[0]))
        aws.ec2.Eip("address", network_interface=interface.id)
        one = aws.ec2.NetworkInterface("one-interface", subnet_id=network.first_public_subnet_id)
        aws.ec2.Eip("one-address", network_interface=one.id)

    run.run(program)
    way = {
        f"{NAME}-public-internet-route",
        *(f"{NAME}-public-route-table-association-{number}" for number in (1, 2)),
        f"{NAME}-internet-gateway",
    }
    for name in ("address", f"{NAME}-nat-gateway-1", f"{NAME}-nat-address-1"):
        assert way <= made_before(run, run.named(name)), name
    assert way - {f"{NAME}-public-route-table-association-2"} <= made_before(run, run.named("one-address"))


@pytest.mark.covers("D11")
@pytest.mark.parametrize(
    ("nat", "gateways", "addresses"), [("none", 0, 0), ("single", 1, 1), ("perZone", 2, 2), ("regional", 1, 0)]
)
def test_each_nat_choice_makes_just_its_gateways(nat: Nat, gateways: int, addresses: int, recorder: Recorder) -> None:
    build(recorder, nat=nat)
    assert len(recorder.of(":NatGateway")) == gateways
    assert len(recorder.of(":Eip")) == addresses
    private = {table: route for table, route in default_routes(recorder).items() if "private" in table}
    assert len(private) == (2 if gateways else 0)
    assert not any("isolated" in table for table in default_routes(recorder))


def test_with_one_nat_all_private_zones_leave_through_it_and_with_one_each_through_their_own(
    recorder: Recorder,
) -> None:
    build(recorder, nat="perZone")
    targets = {
        table: route.get("natGatewayId") for table, route in default_routes(recorder).items() if "private" in table
    }
    assert targets == {
        f"{NAME}-private-1-route-table": f"{NAME}-nat-gateway-1-id",
        f"{NAME}-private-2-route-table": f"{NAME}-nat-gateway-2-id",
    }
    standing_in = {nat.name: nat.inputs["subnetId"] for nat in recorder.of(":NatGateway")}
    assert standing_in == {f"{NAME}-nat-gateway-{n}": f"{NAME}-public-subnet-{n}-id" for n in (1, 2)}


def test_a_single_nat_serves_every_private_zone(recorder: Recorder) -> None:
    build(recorder, nat="single", zones=3)
    targets = {route["natGatewayId"] for table, route in default_routes(recorder).items() if "private" in table}
    assert targets == {f"{NAME}-nat-gateway-1-id"}


def test_a_regional_nat_belongs_to_the_vpc_and_needs_no_public_subnet(recorder: Recorder) -> None:
    build(recorder, nat="regional", tiers=["private", "isolated"])
    nat = recorder.one(":NatGateway")
    assert nat.inputs["availabilityMode"] == "regional"
    assert nat.inputs["vpcId"] == f"{NAME}-vpc-id"
    assert "subnetId" not in nat.inputs
    assert "allocationId" not in nat.inputs
    assert recorder.named(f"{NAME}-internet-gateway").urn in nat.dependencies
    assert {route["natGatewayId"] for route in default_routes(recorder).values()} == {f"{NAME}-nat-gateway-id"}


@pytest.mark.parametrize(("before", "after"), [("none", "single"), ("single", "perZone"), ("perZone", "regional")])
def test_changing_the_nat_replaces_no_subnet_and_no_route_table(before: Nat, after: Nat, recorder: Recorder) -> None:
    def program() -> None:
        Vpc("a-dev-old", VpcArgs(nat=before))
        Vpc("a-dev-new", VpcArgs(nat=after))

    recorder.run(program)

    def names(prefix: str, type_: str) -> set[str]:
        return {each.name.removeprefix(prefix) for each in recorder.of(type_) if each.name.startswith(prefix)}

    for type_ in (":Subnet", ":RouteTable", ":RouteTableAssociation", ":NetworkAcl"):
        assert names("a-dev-old", type_) == names("a-dev-new", type_) != set()


def test_nothing_gets_a_public_address_by_itself(recorder: Recorder) -> None:
    build(recorder)
    assert all(subnet.inputs["mapPublicIpOnLaunch"] is False for subnet in recorder.of(":Subnet"))


def test_a_subnet_stays_in_its_zone_when_the_list_of_zones_changes(recorder: Recorder) -> None:
    build(recorder)
    assert all(subnet.ignore_changes == ["availabilityZone"] for subnet in recorder.of(":Subnet"))


def test_a_region_with_too_few_zones_is_named(recorder: Recorder) -> None:
    recorder.zones = [f"{REGION}a", f"{REGION}c"]
    with pytest.raises(pulumi.RunError, match="zones: 3 is more than this region offers"):
        build(recorder, zones=3)


# --- Fences ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("C9", "D11")
@pytest.mark.parametrize("nat", ["none", "single"])
def test_no_access_list_lets_the_internet_reach_an_administration_port(nat: Nat, recorder: Recorder) -> None:
    build(recorder, nat=nat)
    acls = recorder.of(":NetworkAcl")
    assert len(acls) == 3
    for acl in acls:
        for port in ADMIN_PORTS:
            assert not lets_in(acl, "198.51.100.7", port)
            assert not lets_in(acl, "198.51.100.7", port, "udp")


@pytest.mark.covers("D11")
def test_each_tier_is_open_to_the_tier_in_front_of_it_only(recorder: Recorder) -> None:
    build(recorder)
    public, private, isolated = (recorder.named(f"{NAME}-{t}-network-acl") for t in ("public", "private", "isolated"))
    internet, in_public, in_private, in_isolated = "198.51.100.7", "10.0.128.9", "10.0.0.9", "10.0.192.9"
    assert lets_in(public, internet, 443)
    assert lets_in(public, internet, 80)
    assert not lets_in(private, internet, 443)
    assert lets_in(private, in_public, 8000)
    assert lets_in(isolated, in_private, 5432)
    assert lets_in(isolated, in_isolated, 5432)
    assert not lets_in(isolated, in_public, 5432)
    assert not lets_in(isolated, internet, 5432)
    assert not lets_in(isolated, internet, 50000)


def test_answers_of_the_s3_gateway_endpoint_reach_private_subnets(recorder: Recorder) -> None:
    build(recorder)
    private = recorder.named(f"{NAME}-private-network-acl")
    assert lets_in(private, "52.219.0.1", 40000)
    outward = [rule for rule in private.inputs["egress"] if rule["cidrBlock"] == "0.0.0.0/0"]
    assert [(rule["protocol"], rule["fromPort"], rule["toPort"]) for rule in outward] == [("tcp", 443, 443)]


def test_without_a_private_tier_the_public_one_stands_in_front_of_the_isolated_one(recorder: Recorder) -> None:
    build(recorder, tiers=("public", "isolated"))
    assert lets_in(recorder.named(f"{NAME}-isolated-network-acl"), "10.0.128.9", 5432)


def test_every_subnet_has_the_access_list_of_its_tier(recorder: Recorder) -> None:
    build(recorder, zones=3)
    for tier in ("public", "private", "isolated"):
        acl = recorder.named(f"{NAME}-{tier}-network-acl")
        assert acl.inputs["subnetIds"] == [f"{NAME}-{tier}-subnet-{number}-id" for number in (1, 2, 3)]


def test_the_default_security_group_is_empty(recorder: Recorder) -> None:
    build(recorder)
    group = recorder.one(":DefaultSecurityGroup")
    assert "ingress" not in group.inputs
    assert "egress" not in group.inputs
    assert group.inputs["vpcId"] == f"{NAME}-vpc-id"


# --- Endpoints -------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A2")
def test_the_endpoints_that_fargate_needs_without_nat(recorder: Recorder) -> None:
    build(recorder, endpoints=["ecsPrivate"])
    assert {each.inputs["serviceName"] for each in interface_endpoints(recorder)} == {
        f"com.amazonaws.{REGION}.{service}" for service in ("ecr.api", "ecr.dkr", "logs", "secretsmanager")
    }
    for endpoint in interface_endpoints(recorder):
        assert endpoint.inputs["privateDnsEnabled"] is True
        assert endpoint.inputs["subnetIds"] == [f"{NAME}-private-subnet-1-id", f"{NAME}-private-subnet-2-id"]
    s3 = recorder.named(f"{NAME}-s3-endpoint")
    assert s3.inputs["vpcEndpointType"] == "Gateway"
    assert {f"{NAME}-private-1-route-table-id", f"{NAME}-private-2-route-table-id"} <= set(s3.inputs["routeTableIds"])


def test_the_gateway_endpoints_are_always_there_and_not_in_the_isolated_tier(recorder: Recorder) -> None:
    build(recorder)
    endpoints = recorder.of(":VpcEndpoint")
    assert {each.name for each in endpoints} == {f"{NAME}-s3-endpoint", f"{NAME}-dynamodb-endpoint"}
    for endpoint in endpoints:
        assert f"{NAME}-isolated-route-table-id" not in endpoint.inputs["routeTableIds"]


def test_endpoints_take_https_from_the_vpc_and_nothing_else(recorder: Recorder) -> None:
    build(recorder, cidr="10.9.0.0/16", endpoints=["kms"])
    rule = recorder.one(":SecurityGroupIngressRule")
    group = recorder.one("securityGroup:SecurityGroup")
    assert rule.inputs["securityGroupId"] == f"{group.name}-id"
    assert (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("tcp", 443, 443)
    assert rule.inputs["cidrIpv4"] == "10.9.0.0/16"
    assert not recorder.of(":SecurityGroupEgressRule")
    assert all(each.inputs["securityGroupIds"] == [f"{group.name}-id"] for each in interface_endpoints(recorder))


def test_a_service_in_two_bundles_gets_one_endpoint(recorder: Recorder) -> None:
    build(recorder, endpoints=["ssmSession", "ecsExec", "ssm"])
    assert len(interface_endpoints(recorder)) == 3


def principals_must_be_ours(statement: dict[str, Any]) -> bool:
    return statement.get("Condition", {}).get("StringEquals", {}).get("aws:PrincipalAccount") == ACCOUNT


@pytest.mark.covers("C9")
def test_only_our_principals_pass_an_interface_endpoint_and_only_to_our_resources(recorder: Recorder) -> None:
    build(recorder, endpoints=["ecsPrivate", "kms", "bedrock", "sqs"])
    for endpoint in interface_endpoints(recorder):
        for statement in endpoint.policy()["Statement"]:
            assert statement["Effect"] == "Allow"
            assert principals_must_be_ours(statement), endpoint.name
            service = endpoint.inputs["serviceName"].removeprefix(f"com.amazonaws.{REGION}.")
            if statement["Resource"] == "*" and not service.startswith("bedrock"):
                assert statement["Condition"]["StringEqualsIfExists"] == {"aws:ResourceAccount": ACCOUNT}


def test_the_ecr_endpoints_let_amazons_fluent_bit_image_be_pulled_and_not_pushed(recorder: Recorder) -> None:
    build(recorder, endpoints=["ecr.dkr"])
    foreign = [s for s in interface_endpoints(recorder)[0].policy()["Statement"] if s["Resource"] != "*"]
    assert [s["Resource"] for s in foreign] == [f"arn:aws:ecr:{REGION}:906394416424:repository/aws-for-fluent-bit"]
    assert not any(action.startswith("ecr:Put") or "*" in action for action in foreign[0]["Action"])


def test_the_s3_endpoint_serves_our_buckets_and_reads_image_layers(recorder: Recorder) -> None:
    build(recorder)
    statements = recorder.named(f"{NAME}-s3-endpoint").policy()["Statement"]
    ours = [s for s in statements if s["Resource"] == "*"]
    assert all(
        s["Condition"]["StringEquals"] == {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}
        for s in ours
    )
    [amazon] = [s for s in statements if s["Resource"] != "*"]
    assert amazon["Action"] == "s3:GetObject"
    assert f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/*" in amazon["Resource"]
    assert all(REGION in resource for resource in amazon["Resource"])


# --- Flow logs -------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A13")
def test_all_traffic_is_recorded_in_a_group_that_exists_first_and_forgets(recorder: Recorder) -> None:
    recorder.run(lambda: Vpc(NAME, VpcArgs(log_retention_days=7), logs_key=ExistingKey(arn="arn:aws:kms:key")))
    log, group = recorder.one(":FlowLog"), recorder.one(":LogGroup")
    assert log.inputs["trafficType"] == "ALL"
    assert log.inputs["vpcId"] == f"{NAME}-vpc-id"
    assert log.inputs["logDestination"] == arn_of(group)
    assert group.inputs["retentionInDays"] == 7
    assert group.inputs["kmsKeyId"] == "arn:aws:kms:key"
    assert recorder.one(":RolePolicy").urn in log.dependencies


def arn_of(group: Registered) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group.inputs['name']}"


def test_the_flow_log_role_works_for_this_account_and_writes_to_its_group_only(recorder: Recorder) -> None:
    build(recorder)
    [trust] = recorder.one(":Role").policy("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/*"}
    [permission] = recorder.one(":RolePolicy").policy()["Statement"]
    group = arn_of(recorder.one(":LogGroup"))
    assert permission["Resource"] == [group, f"{group}:*"]
    assert "logs:CreateLogGroup" not in permission["Action"]
    assert not any("*" in action for action in permission["Action"])


def test_flow_logs_to_a_bucket_need_no_role_and_can_be_read_by_the_hour(recorder: Recorder) -> None:
    def program() -> None:
        archive = Bucket("logs", BucketArgs(encryption="s3", receives_logs_from=["vpc-flow-logs"]))
        Vpc(NAME, VpcArgs(flow_logs=FlowLogs(destination="s3")), log_archive=archive)

    recorder.run(program)
    log = recorder.one(":FlowLog")
    assert log.inputs["logDestination"] == "arn:aws:s3:::logs-bucket-1234567/vpc-flow-logs/"
    assert recorder.named("logs-policy").urn in log.dependencies
    assert log.inputs["destinationOptions"]["perHourPartition"] is True
    assert not recorder.of(":Role")
    assert not recorder.of(":LogGroup")


def test_flow_logs_to_a_bucket_need_one(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=r"flow_logs\.destination: 's3' needs the bucket"):
        build(recorder, flow_logs=FlowLogs(destination="s3"))


# --- Databases, teardown, changes by the caller ----------------------------------------------------------------------


@pytest.mark.parametrize(("tiers", "tier"), [(["public", "private", "isolated"], "isolated"), (["private"], "private")])
def test_databases_stand_in_the_innermost_tier(tiers: list[str], tier: str, recorder: Recorder) -> None:
    build(recorder, tiers=tiers)
    assert recorder.one(":SubnetGroup").inputs["subnetIds"] == [f"{NAME}-{tier}-subnet-{n}-id" for n in (1, 2)]


def test_one_zone_has_no_database_subnet_group_because_rds_needs_two(recorder: Recorder) -> None:
    build(recorder, zones=1)
    assert not recorder.of(":SubnetGroup")


@pytest.mark.parametrize(("retention", "protect"), [("protected", True), ("ephemeral", False)])
def test_retention_decides_whether_the_network_can_go(retention: str, protect: bool, recorder: Recorder) -> None:
    build(recorder, retention=retention)
    assert recorder.named(f"{NAME}-vpc").protect is protect


def test_a_caller_can_change_a_childs_properties(recorder: Recorder) -> None:
    build(
        recorder,
        transform={
            "vpc": {"enable_network_address_usage_metrics": True, "tags": {"Wing": "east"}},
            "subnet": lambda before: {**before, "enable_dns64": True},
        },
    )
    vpc = recorder.named(f"{NAME}-vpc")
    assert vpc.inputs["enableNetworkAddressUsageMetrics"] is True
    assert vpc.inputs["tags"] == {"Name": f"{NAME}-vpc", "Wing": "east"}
    assert all(subnet.inputs["enableDns64"] is True for subnet in recorder.of(":Subnet"))


@pytest.mark.parametrize(
    ("transform", "part"),
    [
        ({"vcp": {}}, "did you mean 'vpc'"),
        ({"vpc": {"enable_dns_suport": True}}, "did you mean 'enable_dns_support'"),
        ({"vpc": lambda before: {**before, "cidr": "10.0.0.0/8"}}, "'cidr' is not an argument"),
        ({"vpc": {"arn": "arn:aws:x"}}, "'arn' is not an argument"),
    ],
)
def test_a_misspelt_change_is_refused(transform: dict[str, Any], part: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=part):
        build(recorder, transform=transform)


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "field", "part"),
    [
        ({"cidr": "10.0.0.0/26"}, "cidr", "use /24 or larger"),
        ({"zones": 0}, "zones", "use 1, 2 or 3"),
        ({"zones": 9}, "zones", "use 1, 2 or 3"),
        ({"log_retention_days": 8}, "log_retention_days", "use 1, 3, 5, 7"),
        ({"tiers": ["public", "privat"]}, "tiers[1]", "use public, private or isolated"),
        ({"tiers": ["public", "public"]}, "tiers", "twice"),
        ({"tiers": ["isolated"]}, "tiers", "add private"),
        ({"nat": "both"}, "nat", "use none, single, perZone or regional"),
        ({"nat": "single", "tiers": ["private"]}, "nat", "needs the public tier"),
        ({"nat": "single", "tiers": ["public"]}, "nat", "add private"),
        ({"endpoints": ["ecr.ap"]}, "endpoints[0]", "did you mean 'ecr.api'"),
        ({"endpoints": ["logs", "ecsPrivat"]}, "endpoints[1]", "did you mean 'ecsPrivate'"),
        ({"endpoints": ["s3"]}, "endpoints[0]", "is there already"),
        ({"endpoints": ["kms"], "tiers": ["public"]}, "endpoints", "add private"),
        (
            {
                "subnets": {"public": ["10.0.0.0/24"], "private": ["10.0.0.0/25"]},
                "zones": 1,
                "tiers": ["public", "private"],
            },
            "subnets.private[0]",
            "overlaps",
        ),
    ],
)
def test_a_network_that_cannot_work_is_refused_before_anything_exists(
    args: dict[str, Any], field: str, part: str
) -> None:
    with pytest.raises(ArgumentError, match=part) as refusal:
        VpcArgs(**args)
    assert refusal.value.field == field
    assert isinstance(refusal.value, pulumi.RunError)


# --- Networks that exist ---------------------------------------------------------------------------------------------


def test_an_existing_network_hands_out_the_same_and_makes_nothing(
    recorder: Recorder, resolved: Callable[[pulumi.Output[Any]], Any]
) -> None:
    found: list[Any] = []
    recorder.run(
        lambda: found.append(
            Vpc.from_existing(vpc_id="vpc-1", cidr="10.0.0.0/16", private_subnet_ids=["subnet-1", "subnet-2"])
        )
    )
    assert recorder.resources == []
    assert recorder.calls == []
    assert resolved(found[0].private_subnet_ids) == ["subnet-1", "subnet-2"]
    assert resolved(found[0].public_subnet_ids) == []
    assert found[0].database_subnet_group_name is None


def test_every_network_hands_out_the_same_things(recorder: Recorder) -> None:
    found: list[Any] = []
    recorder.stacks = {"o/kumiki/network": dict.fromkeys(NETWORK_OUTPUTS.values(), "x")}
    recorder.run(
        lambda: found.extend(
            [
                Vpc(NAME, VpcArgs(endpoints=["kms"])),
                Vpc.from_existing(vpc_id="vpc-1", cidr="10.0.0.0/16"),
                Vpc.from_stack(pulumi.StackReference("o/kumiki/network")),
            ]
        )
    )
    for network in found:
        for attribute in NETWORK_OUTPUTS:
            assert hasattr(network, attribute), (type(network), attribute)


def test_the_network_of_another_stack_is_read_from_what_that_stack_exports(
    recorder: Recorder, resolved: Callable[[pulumi.Output[Any]], Any]
) -> None:
    recorder.stacks = {
        "o/kumiki/network": {
            "vpcId": "vpc-7",
            "vpcCidr": "10.7.0.0/16",
            "publicSubnetIds": [],
            "privateSubnetIds": ["subnet-7"],
            "isolatedSubnetIds": [],
        }
    }
    found: list[Any] = []
    recorder.run(lambda: found.append(Vpc.from_stack(pulumi.StackReference("o/kumiki/network"))))
    assert resolved(found[0].vpc_id) == "vpc-7"
    assert resolved(found[0].private_subnet_ids) == ["subnet-7"]


def test_a_stack_that_exports_nothing_yet_is_named_with_what_to_do(recorder: Recorder) -> None:
    recorder.stacks = {"o/kumiki/network": {}}
    with pytest.raises(pulumi.RunError, match=r"stack 'o/kumiki/network' has no output .*pulumi up --stack o/kumiki"):
        recorder.run(lambda: Vpc.from_stack(pulumi.StackReference("o/kumiki/network")) and None)


# --- Previews --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nat", ["none", "single", "perZone", "regional"])
def test_a_preview_shows_everything_that_a_deployment_makes(
    nat: Nat, previewer: Recorder, request: pytest.FixtureRequest
) -> None:
    build(previewer, nat=nat, endpoints=["ecsPrivate"])
    previewed = {each.urn for each in previewer.resources}
    deployed = build(request.getfixturevalue("recorder"), nat=nat, endpoints=["ecsPrivate"])
    assert {each.urn for each in deployed.resources} == previewed


def test_two_networks_in_one_program_do_not_collide_and_ask_for_the_account_once(recorder: Recorder) -> None:
    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        for name in ("a-dev-one", "a-dev-two"):
            Vpc(name, VpcArgs(endpoints=["kms"]), opts=pulumi.ResourceOptions(providers=[provider]))

    recorder.run(program)
    urns = [each.urn for each in recorder.resources]
    assert len(urns) == len(set(urns))
    assert sum("getCallerIdentity" in call for call in recorder.calls) == 1


def test_another_zone_changes_the_number_of_no_rule_of_an_access_list() -> None:
    """The provider takes a rule whose number changes away before it makes the next: answers would be lost meanwhile."""
    two, three = (plan_subnets("10.0.0.0/16", zones, TIERS) for zones in (2, 3))
    for tier in TIERS:
        before, after = (access_list(tier, "10.0.0.0/16", plan, nat=False) for plan in (two, three))
        assert after.ingress[: len(before.ingress)] == before.ingress
        assert after.egress[: len(before.egress)] == before.egress
