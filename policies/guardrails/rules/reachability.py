"""Reachability in the whole graph: of data stores, and of AWS for what runs without the internet."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, aws, example, graph_rule, ref, show
from guardrails.kit import reach as of
from guardrails.kit.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Graph, Resource

# What a role may call, and the endpoint that it needs for that; by gateway endpoint, too, for the last two.
_CALLS = {
    "bedrock": "bedrock-runtime",
    "events": "events",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "states": "states",
    "dynamodb": "dynamodb",
    "s3": "s3",
}
# What Bedrock answers elsewhere than models: https://docs.aws.amazon.com/bedrock/latest/userguide/vpc-interface-endpoints.html
_OF_AGENTS = {"bedrock:InvokeAgent", "bedrock:InvokeFlow", "bedrock:Retrieve", "bedrock:RetrieveAndGenerate"}
_HTTPS = 443


@lru_cache(maxsize=1)
def _reach(graph: Graph) -> Reach:
    return Reach(graph)


def _vpc() -> Any:
    return aws("ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, name="vpc")


def _group(name: str) -> Any:
    return aws("ec2/securityGroup:SecurityGroup", {"vpcId": ref("vpc"), "description": "x"}, name=name)


def _in(group: str, name: str = "in", *, port: int = 5432, **source: Any) -> Any:
    props = {"securityGroupId": ref(group), "ipProtocol": "tcp", "fromPort": port, "toPort": port, **source}
    return aws("vpc/securityGroupIngressRule:SecurityGroupIngressRule", props, name=name)


def _out(group: str, name: str = "out", *, port: int = 443, **target: Any) -> Any:
    props = {"securityGroupId": ref(group), "ipProtocol": "tcp", "fromPort": port, "toPort": port, **target}
    return aws("vpc/securityGroupEgressRule:SecurityGroupEgressRule", props, name=name)


def _old_rule(group: str, **props: Any) -> Any:
    ports = {"protocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrBlocks": ["10.0.0.0/16"]}
    return aws(
        "ec2/securityGroupRule:SecurityGroupRule", {"securityGroupId": ref(group), **ports, **props}, name="rule"
    )


def _db() -> Any:
    return aws("rds/instance:Instance", {"vpcSecurityGroupIds": [ref("db-group")], "engine": "postgres"}, name="db")


def _balancer() -> Any:
    return aws("lb/loadBalancer:LoadBalancer", {"securityGroups": [ref("web-group")]}, name="web")


@graph_rule(
    id="store-behind-a-program",
    title="No data store is reached from the internet or a load balancer directly",
    types=of.STORES,
    level=MANDATORY,
    severity="critical",
    topics=("network",),
    references=("F RDS.2",),
    remedy="Let the store's security group admit the groups of the programs that use it, and nothing else.",
)
def store_behind_a_program(store: Resource, at: Context) -> Iterator[str]:
    """No path of one hop: neither the world's addresses nor a load balancer's group are admitted, whether or not the
    store has a public address today."""
    reach = _reach(at.graph)
    for group in reach.groups(store):
        for opening in reach.openings(group, "ingress"):
            port = show(opening.first) if opening.first == opening.last else "several ports"
            yield from (f"{cidr} reaches it on port {port}" for cidr in opening.cidrs if cidr.endswith("/0"))
            for urn in opening.groups:
                for holder in reach.holders.get(urn, ()):
                    if holder.kind == types.LB_LOAD_BALANCER:
                        yield f"the load balancer {holder.name} reaches it on port {port}"


store_behind_a_program.examples(
    compliant=[
        example(
            _vpc(),
            _group("db-group"),
            _group("api-group"),
            _db(),
            _in("db-group", referencedSecurityGroupId=ref("api-group")),
        )
    ],
    non_compliant=[
        example(_vpc(), _group("db-group"), _db(), _in("db-group", cidrIpv4="0.0.0.0/0")),
        example(
            _vpc(),
            _group("db-group"),
            _group("web-group"),
            _db(),
            _balancer(),
            _in("db-group", referencedSecurityGroupId=ref("web-group")),
        ),
    ],
)


@graph_rule(
    id="store-used",
    title="Something can connect to each data store",
    types=of.STORES,
    level=ADVISORY,
    severity="low",
    topics=("cost", "network"),
    remedy="Let in the group of a program that uses it, or take the store away; waive this where other stacks use it.",
)
def store_used(store: Resource, at: Context) -> Iterator[str]:
    """Its security groups admit nobody, so that nothing can ever connect, and it is billed by the hour."""
    groups = _reach(at.graph).groups(store)
    if groups and not any(_lets_in(group, at.graph) for group in groups):
        yield "nothing can connect to it: its security group has no ingress rule"


store_used.examples(
    compliant=[
        example(
            _vpc(),
            _group("db-group"),
            _group("api-group"),
            _db(),
            _in("db-group", referencedSecurityGroupId=ref("api-group")),
        ),
        example(_vpc(), _group("db-group"), _db(), _in("db-group", referencedSecurityGroupId="sg-0a1b2c3d")),
        example(_vpc(), _group("db-group"), _db(), _old_rule("db-group", type="ingress")),
        # Of another stack, which knows who may call.
        aws("rds/instance:Instance", {"vpcSecurityGroupIds": ["sg-0a1b2c3d"], "engine": "postgres"}, name="db"),
    ],
    non_compliant=[
        example(_vpc(), _group("db-group"), _db()),
        example(_vpc(), _group("db-group"), _group("api-group"), _db(), _out("api-group", cidrIpv4="10.0.0.0/16")),
        example(_vpc(), _group("db-group"), _db(), _old_rule("db-group", type="egress")),
    ],
)


def _lets_in(group: Resource, graph: Graph) -> bool:
    if len(group.inputs.items("ingress")) > 0:
        return True
    rules = graph.children(group, types.SECURITY_GROUP_RULE, types.SECURITY_GROUP_INGRESS_RULE, via="securityGroupId")
    return any(rule.kind == types.SECURITY_GROUP_INGRESS_RULE or rule.props.get("type") == "ingress" for rule in rules)


@graph_rule(
    id="store-callers-declared",
    title="Data stores admit named security groups only",
    types=of.STORES,
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="Name the caller's security group in the rule, instead of addresses.",
)
def store_callers_declared(store: Resource, at: Context) -> Iterator[str]:
    """A range of addresses admits whatever will be put there next year. A group is one caller, by name."""
    reach = _reach(at.graph)
    for group in reach.groups(store):
        for opening in reach.openings(group, "ingress"):
            yield from (
                f"{cidr} is admitted instead of a security group" for cidr in opening.cidrs if not cidr.endswith("/0")
            )
            if opening.prefix_lists:
                yield "a prefix list is admitted instead of a security group"


store_callers_declared.examples(
    compliant=[
        example(
            _vpc(),
            _group("db-group"),
            _group("api-group"),
            _db(),
            _in("db-group", referencedSecurityGroupId=ref("api-group")),
        ),
        example(_vpc(), _group("db-group"), _db()),
    ],
    non_compliant=[
        example(_vpc(), _group("db-group"), _db(), _in("db-group", cidrIpv4="10.0.0.0/16")),
        example(_vpc(), _group("db-group"), _db(), _in("db-group", prefixListId="pl-12345678")),
    ],
)


def _routed(gateway: str, via: str) -> list[Any]:
    kind, name = (types.INTERNET_GATEWAY, "igw") if via == "gatewayId" else (types.NAT_GATEWAY, "nat")
    return [
        _vpc(),
        aws(kind, {"vpcId": ref("vpc")} if name == "igw" else {"subnetId": "subnet-1"}, name=name),
        aws("ec2/subnet:Subnet", {"vpcId": ref("vpc")}, name="subnet"),
        aws("ec2/routeTable:RouteTable", {"vpcId": ref("vpc")}, name="table"),
        aws(
            "ec2/routeTableAssociation:RouteTableAssociation",
            {"subnetId": ref("subnet"), "routeTableId": ref("table")},
            name="association",
        ),
        *(
            [
                aws(
                    "ec2/route:Route",
                    {"routeTableId": ref("table"), "destinationCidrBlock": "0.0.0.0/0", via: ref(name)},
                    name="route",
                )
            ]
            if gateway
            else []
        ),
        aws("rds/subnetGroup:SubnetGroup", {"subnetIds": [ref("subnet")]}, name="subnets"),
        aws("rds/instance:Instance", {"dbSubnetGroupName": ref("subnets")}, name="db"),
    ]


@graph_rule(
    id="store-no-internet-route",
    title="Data stores are in subnets without a route to the internet",
    types=of.STORES,
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="Put the store's subnet group into subnets whose route tables have no internet gateway.",
)
def store_no_internet_route(store: Resource, at: Context) -> Iterator[str]:
    """Then no mistake in a security group, and no public address, is enough. NAT lets nobody in."""
    reach = _reach(at.graph)
    for subnet in reach.subnets(store):
        if reach.internet_route(subnet) == types.INTERNET_GATEWAY:
            yield f"{subnet.name} has a route to an internet gateway"


store_no_internet_route.examples(
    compliant=[example(*_routed("", "gatewayId")), example(*_routed("nat", "natGatewayId"))],
    non_compliant=[example(*_routed("igw", "gatewayId"))],
)


def _public(*after: str, nat: bool = True) -> list[Any]:
    """What AWS puts on the internet, each made after `after`."""
    balancer = {"subnets": [ref("subnet")]}
    express = {"networkConfigurations": [{"subnets": [ref("subnet")]}]}
    given = [
        aws("lb/loadBalancer:LoadBalancer", balancer, name="web", after=after),
        aws("ec2/networkInterface:NetworkInterface", {"subnetId": ref("subnet")}, name="interface"),
        aws("ec2/eip:Eip", {"domain": "vpc", "networkInterface": ref("interface")}, name="address", after=after),
        aws(
            "ec2/instance:Instance",
            {"subnetId": ref("subnet"), "associatePublicIpAddress": True},
            name="host",
            after=after,
        ),
    ]
    if nat:
        given.append(aws("ec2/natGateway:NatGateway", {"subnetId": ref("subnet")}, name="nat", after=after))
    return [*given, aws("ecs/expressGatewayService:ExpressGatewayService", express, name="simple", after=after)]


_WAY = [*_routed("igw", "gatewayId")[:6]]


@graph_rule(
    id="internet-route-first",
    title="Internet-facing resources are created after their route to the internet",
    types=(
        types.EC2_EIP,
        types.EIP_ASSOCIATION,
        types.NAT_GATEWAY,
        types.LB_LOAD_BALANCER,
        types.EC2_INSTANCE,
        types.ECS_SERVICE,
        types.EXPRESS_GATEWAY_SERVICE,
    ),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "network"),
    remedy="Name the route to the internet gateway, and the subnet's association with its table, in dependsOn.",
)
def internet_route_first(resource: Resource, at: Context) -> Iterator[str]:
    """AWS refuses a public address, a NAT gateway and a load balancer while the VPC has no attached internet gateway
    ("Gateway.NotAttached"), and what a server does first, such as installing packages, fails without the route. The
    subnet's id says nothing of either. ECS gives an Express service in such a subnet an internal load balancer, which
    it keeps. Checked where the stack makes the way itself."""
    before = at.graph.before(resource)
    reach = _reach(at.graph)
    late: dict[str, None] = {}
    for place in _on_the_internet(resource, at, reach):
        for each in _way_of(place, at):
            if each.urn not in before:
                late[each.name] = None
    if late:
        yield f"it may be created before {', '.join(late)}"


internet_route_first.examples(
    compliant=[
        example(*_WAY, *_public("route", "association")),
        # Neither is on the internet.
        example(
            *_WAY,
            aws("lb/loadBalancer:LoadBalancer", {"subnets": [ref("subnet")], "internal": True}, name="web"),
            aws("ec2/natGateway:NatGateway", {"subnetId": ref("subnet"), "connectivityType": "private"}, name="nat"),
            aws("ec2/instance:Instance", {"subnetId": ref("subnet")}, name="host"),
            aws("ec2/eip:Eip", {"domain": "vpc"}, name="address"),
        ),
        # Somebody else's way.
        example(*_WAY[:1], *_WAY[2:3], *_public()),
    ],
    non_compliant=[
        *(example(*_WAY, *_public()[:1]), example(*_WAY, *_public()[1:3]), example(*_WAY, _public()[3])),
        example(*_WAY, _public()[4]),
        example(*_WAY, _public()[5]),
        # The gateway is attached, and leads nowhere yet.
        example(*_WAY, _public("igw")[3]),
        # Of a way without a table of its own there is the gateway.
        example(*_WAY[:3], _public()[4]),
        example(
            *_WAY,
            aws("ec2/instance:Instance", {"subnetId": ref("subnet")}, name="host"),
            aws("ec2/eipAssociation:EipAssociation", {"instanceId": ref("host")}, name="held"),
        ),
        example(
            _vpc(),
            aws("ec2/internetGateway:InternetGateway", {"vpcId": ref("vpc")}, name="igw"),
            aws("ec2/natGateway:NatGateway", {"vpcId": ref("vpc"), "availabilityMode": "regional"}, name="nat"),
        ),
    ],
)


def _on_the_internet(resource: Resource, at: Context, reach: Reach) -> list[Resource]:
    """The subnets with which a resource is on the internet; the VPC where it has no subnet."""
    props = resource.props
    if resource.kind in (types.EC2_EIP, types.EIP_ASSOCIATION):
        interface, instance = (
            ("networkInterface", "instance") if resource.kind == types.EC2_EIP else ("networkInterfaceId", "instanceId")
        )
        found = [
            subnet
            for each in at.graph.targets(resource, types.NETWORK_INTERFACE, via=interface)
            for subnet in at.graph.targets(each, types.EC2_SUBNET, via="subnetId")
        ]
        hosts = at.graph.targets(resource, types.EC2_INSTANCE, via=instance)
        return found + [subnet for host in hosts for subnet in reach.subnets(host)]
    if resource.kind == types.NAT_GATEWAY:
        if props.get("connectivityType", "public") != "public":
            return []
        return at.graph.targets(resource, types.EC2_SUBNET, via="subnetId") or at.graph.targets(
            resource, types.EC2_VPC, via="vpcId"
        )
    subnets = reach.subnets(resource)
    if resource.kind == types.LB_LOAD_BALANCER:
        mapped = at.graph.targets(resource, types.EC2_SUBNET, via="subnetMappings")
        return [] if props.get("internal") is True else subnets + mapped
    if resource.kind == types.EXPRESS_GATEWAY_SERVICE:
        return subnets
    if resource.kind == types.ECS_SERVICE:
        return subnets if props.get("networkConfiguration.assignPublicIp") is True else []
    held = [*at.graph.of_kind(types.EC2_EIP)] if reach.interfaces(resource) else []
    interfaces = {each.urn for each in reach.interfaces(resource)}
    if any(
        each.urn in interfaces
        for one in held
        for each in at.graph.targets(one, types.NETWORK_INTERFACE, via="networkInterface")
    ):
        return subnets
    asked = props.get("associatePublicIpAddress")
    return [each for each in subnets if asked is True or (asked is None and each.props.get("mapPublicIpOnLaunch"))]


def _way_of(place: Resource, at: Context) -> Iterator[Resource]:
    """What leads from a subnet to an internet gateway; the gateway of its VPC where it has no table of its own."""
    associations = (
        at.graph.children(place, types.ROUTE_TABLE_ASSOCIATION, via="subnetId")
        if place.kind == types.EC2_SUBNET
        else []
    )
    for association in associations:
        for table in at.graph.targets(association, types.ROUTE_TABLE, via="routeTableId"):
            routes = at.graph.children(table, types.EC2_ROUTE, via="routeTableId")
            ways = [route for route in routes if at.graph.targets(route, types.INTERNET_GATEWAY, via="gatewayId")]
            if at.graph.targets(table, types.INTERNET_GATEWAY, via="routes"):
                ways.append(table)
            yield from [association, *ways] if ways else []
    if not associations:
        networks = [place] if place.kind == types.EC2_VPC else at.graph.targets(place, types.EC2_VPC, via="vpcId")
        for network in networks:
            yield from at.graph.known_children(network, types.INTERNET_GATEWAY, via="vpcId")


def _private(*more: Any, table_props: dict[str, Any] | None = None) -> list[Any]:
    return [
        _vpc(),
        aws("ec2/subnet:Subnet", {"vpcId": ref("vpc")}, name="subnet"),
        aws("ec2/routeTable:RouteTable", {"vpcId": ref("vpc"), **(table_props or {})}, name="table"),
        aws(
            "ec2/routeTableAssociation:RouteTableAssociation",
            {"subnetId": ref("subnet"), "routeTableId": ref("table")},
            name="association",
        ),
        _group("api-group"),
        aws("ecr/repository:Repository", name="images"),
        aws(
            "ecs/taskDefinition:TaskDefinition",
            {"containerDefinitions": ref("images", "arn"), "requiresCompatibilities": ["FARGATE"]},
            name="task",
        ),
        aws(
            "ecs/service:Service",
            {
                "taskDefinition": ref("task", "arn"),
                "networkConfiguration": {"subnets": [ref("subnet")], "securityGroups": [ref("api-group")]},
            },
            name="api",
        ),
        *more,
    ]


def _endpoint(service: str) -> Any:
    return aws(
        "ec2/vpcEndpoint:VpcEndpoint",
        {
            "vpcId": ref("vpc"),
            "serviceName": f"com.amazonaws.ap-northeast-1.{service}",
            "vpcEndpointType": "Interface",
            "securityGroupIds": [ref("endpoint-group")],
            "subnetIds": [ref("subnet")],
        },
        name=service,
    )


def _gateway(service: str) -> Any:
    props = {
        "vpcId": ref("vpc"),
        "serviceName": f"com.amazonaws.ap-northeast-1.{service}",
        "routeTableIds": [ref("table")],
    }
    return aws("ec2/vpcEndpoint:VpcEndpoint", props, name=service)


def _function(*allowed: dict[str, Any]) -> list[Any]:
    """A private function with a dead-letter queue that takes messages from another queue."""
    statements = [{"Effect": "Allow", **each} for each in allowed]
    return [
        _vpc(),
        aws("ec2/subnet:Subnet", {"vpcId": ref("vpc")}, name="subnet"),
        _group("work-group"),
        aws("iam/role:Role", name="role"),
        aws(
            "iam/rolePolicy:RolePolicy",
            {"role": ref("role"), "policy": json.dumps({"Version": "2012-10-17", "Statement": statements})},
            name="allowed",
        ),
        aws(
            "lambda/function:Function",
            {
                "role": ref("role", "arn"),
                "deadLetterConfig": {"targetArn": "arn:aws:sqs:ap-northeast-1:123456789012:failed"},
                "vpcConfig": {"subnetIds": [ref("subnet")], "securityGroupIds": [ref("work-group")]},
            },
            name="work",
        ),
        aws(
            "lambda/eventSourceMapping:EventSourceMapping",
            {"eventSourceArn": "arn:aws:sqs:ap-northeast-1:123456789012:jobs", "functionName": ref("work", "arn")},
            name="source",
        ),
    ]


_KEEP = {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:ap-northeast-1:123456789012:failed"}
_TAKE = {
    "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"],
    "Resource": "arn:aws:sqs:ap-northeast-1:123456789012:jobs",
}
_SEND = {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:ap-northeast-1:123456789012:jobs"}


_OPEN = (
    _group("endpoint-group"),
    _in("endpoint-group", port=443, cidrIpv4="10.0.0.0/16"),
    _out("api-group", cidrIpv4="0.0.0.0/0"),
)


@graph_rule(
    id="calls-have-a-way",
    title="Without a route to the internet, each AWS service that is called has an endpoint",
    types=(types.ECS_SERVICE, types.LAMBDA_FUNCTION),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="Add the VPC endpoint, let its group admit the caller's group on 443, and let the caller's group out to it.",
)
def calls_have_a_way(caller: Resource, at: Context) -> Iterator[str]:
    """A Fargate task pulls its image and reads its secrets from its own subnet, and without a way there it never
    starts; a function times out. Needed: what the task definition names, and what the role may call."""
    reach = _reach(at.graph)
    for subnet in reach.subnets(caller):
        if reach.internet_route(subnet) == types.NAT_GATEWAY or (
            reach.internet_route(subnet) == types.INTERNET_GATEWAY
            and caller.props.maybe("networkConfiguration.assignPublicIp") is True
        ):
            continue
        for service in sorted(_needs(caller, reach)):
            why_not = _why_unreachable(service, caller, subnet, reach)
            if why_not:
                reach.require_known(caller)
                yield f"{service} cannot be reached from {subnet.name}: {why_not}"
        return


calls_have_a_way.examples(
    compliant=[
        example(*_private(*_OPEN, _endpoint("ecr.api"), _endpoint("ecr.dkr"), _gateway("s3"))),
        aws("lambda/function:Function", {"role": "arn"}, name="outside-any-network"),
        aws("ecs/service:Service", {"networkConfiguration": {"subnets": ["subnet-of-another-stack"]}}),
        example(*_function(_KEEP, _TAKE)),
    ],
    non_compliant=[
        example(*_function(_KEEP, _TAKE, _SEND)),
        example(*_function({"Effect": "Allow", "Action": "bedrock:Retrieve", "Resource": "*"})),
        example(*_function({**_TAKE, "Resource": "arn:aws:sqs:ap-northeast-1:123456789012:another"})),
        example(*_private(*_OPEN, _endpoint("ecr.api"), _gateway("s3"))),
        example(*_private(*_OPEN, _endpoint("ecr.api"), _endpoint("ecr.dkr"))),
        example(*_private(*_OPEN[:2], _endpoint("ecr.api"), _endpoint("ecr.dkr"), _gateway("s3"))),
        example(*_private(_OPEN[0], _OPEN[2], _endpoint("ecr.api"), _endpoint("ecr.dkr"), _gateway("s3"))),
    ],
)


def _needs(caller: Resource, reach: Reach) -> set[str]:
    """The names of the endpoints."""
    actions = reach.allowed_actions(caller)
    needed = {"bedrock-agent-runtime"} if actions & _OF_AGENTS else set[str]()
    needed |= {_CALLS[service] for service in {one.partition(":")[0] for one in actions - _OF_AGENTS} & _CALLS.keys()}
    for task in (
        reach.graph.targets(caller, types.TASK_DEFINITION, via="taskDefinition")
        if caller.kind == types.ECS_SERVICE
        else ()
    ):
        text = task.props.maybe("containerDefinitions")
        text = text if isinstance(text, str) else ""
        if ".dkr.ecr." in text or _names(task, types.ECR_REPOSITORY, text, reach):
            needed |= {"ecr.api", "ecr.dkr", "s3"}
        if _names(task, types.SECRETSMANAGER_SECRET, text, reach):
            needed.add("secretsmanager")
        if '"awslogs"' in text:
            needed.add("logs")
    return needed


def _names(task: Resource, kind: str, text: str, reach: Reach) -> bool:
    """Whether the containers name a resource of this kind."""
    urns = task.dependencies.get("containerDefinitions", ())
    return any(
        each.urn in urns or any(name in text for name in each.identifiers if len(name) > 8)
        for each in reach.graph.of_kind(kind)
    )


def _why_unreachable(service: str, caller: Resource, subnet: Resource, reach: Reach) -> str | None:
    endpoints = [
        each
        for each in reach.graph.of_kind(types.VPC_ENDPOINT)
        if str(each.props.maybe("serviceName")).endswith(f".{service}")
    ]
    if not endpoints:
        return "there is no endpoint"
    reasons: list[str] = []
    for endpoint in endpoints:
        if endpoint.props.maybe("vpcEndpointType", "Gateway") == "Gateway":
            tables = set(map(id, reach.graph.targets(endpoint, types.ROUTE_TABLE, via="routeTableIds")))
            for each in reach.graph.known_children(
                endpoint, types.VPC_ENDPOINT_ROUTE_TABLE_ASSOCIATION, via="vpcEndpointId"
            ):
                tables |= set(map(id, reach.graph.targets(each, types.ROUTE_TABLE, via="routeTableId")))
            if any(id(table) in tables for table in reach.tables(subnet)):
                return None
            reasons.append(f"{endpoint.name} is not in the subnet's route table")
            continue
        ports = reach.ports(caller, endpoint)
        if ports is not None and ports[0] <= _HTTPS <= ports[1]:
            return None
        reasons.append(f"the security groups do not allow it to reach {endpoint.name} on port {_HTTPS}")
    return "; ".join(reasons)
