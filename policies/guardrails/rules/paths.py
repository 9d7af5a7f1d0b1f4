"""Proofs over the whole graph: who reaches a data store, and whether what runs without the internet can run at all."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, aws, example, graph_rule, ref, show
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


def _db() -> Any:
    return aws("rds/instance:Instance", {"vpcSecurityGroupIds": [ref("db-group")], "engine": "postgres"}, name="db")


def _balancer() -> Any:
    return aws("lb/loadBalancer:LoadBalancer", {"securityGroups": [ref("web-group")]}, name="web")


@graph_rule(
    id="store-behind-a-program",
    title="Between the internet and a data store stands a program",
    types=of.STORES,
    level=MANDATORY,
    severity="critical",
    topics=("network",),
    references=("F RDS.2",),
    remedy="Let the store's security group admit the groups of the programs that use it, and nothing else.",
    compliant=[
        example(
            _vpc(),
            _group("db-group"),
            _group("api-group"),
            _db(),
            _in("db-group", referencedSecurityGroupId=ref("api-group")),
        ),
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
                    if holder.kind == of.BALANCER:
                        yield f"the load balancer {holder.name} reaches it on port {port}"


@graph_rule(
    id="store-callers-declared",
    title="Only declared pairs talk to a data store",
    types=of.STORES,
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="Name the caller's security group in the rule, instead of addresses.",
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
def store_callers_declared(store: Resource, at: Context) -> Iterator[str]:
    """A range of addresses admits whatever will be put there next year. A group is one caller, by name."""
    reach = _reach(at.graph)
    for group in reach.groups(store):
        for opening in reach.openings(group, "ingress"):
            yield from (f"{cidr} is admitted, whoever that is" for cidr in opening.cidrs if not cidr.endswith("/0"))
            if opening.prefix_lists:
                yield "a prefix list is admitted, whoever that is"


def _routed(gateway: str, via: str) -> list[Any]:
    kind, name = (of.INTERNET_GATEWAY, "igw") if via == "gatewayId" else (of.NAT_GATEWAY, "nat")
    return [
        _vpc(),
        aws(kind.removeprefix("aws:"), {"vpcId": ref("vpc")} if name == "igw" else {"subnetId": "subnet-1"}, name=name),
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
    title="Data stores stand where no route leads to the internet",
    types=of.STORES,
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="Put the store's subnet group into subnets whose route tables have no internet gateway.",
    compliant=[example(*_routed("", "gatewayId")), example(*_routed("nat", "natGatewayId"))],
    non_compliant=[example(*_routed("igw", "gatewayId"))],
)
def store_no_internet_route(store: Resource, at: Context) -> Iterator[str]:
    """Then no mistake in a security group, and no public address, is enough. NAT lets nobody in."""
    reach = _reach(at.graph)
    for subnet in reach.subnets(store):
        if reach.way_out(subnet) == of.INTERNET_GATEWAY:
            yield f"{subnet.name} has a route to an internet gateway"


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


def _function(*rights: dict[str, Any]) -> list[Any]:
    """A private function with a dead-letter queue that takes messages from another queue."""
    statements = [{"Effect": "Allow", **each} for each in rights]
    return [
        _vpc(),
        aws("ec2/subnet:Subnet", {"vpcId": ref("vpc")}, name="subnet"),
        _group("work-group"),
        aws("iam/role:Role", name="role"),
        aws(
            "iam/rolePolicy:RolePolicy",
            {"role": ref("role"), "policy": json.dumps({"Version": "2012-10-17", "Statement": statements})},
            name="rights",
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
    title="What has no way to the internet has an endpoint for each service that it calls",
    types=(of.SERVICE, of.FUNCTION),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="Add the VPC endpoint, let its group admit the caller's group on 443, and let the caller's group out to it.",
    compliant=[
        example(*_private(*_OPEN, _endpoint("ecr.api"), _endpoint("ecr.dkr"), _gateway("s3"))),
        example(aws("lambda/function:Function", {"role": "arn"}, name="outside-any-network")),
        example(aws("ecs/service:Service", {"networkConfiguration": {"subnets": ["subnet-of-another-stack"]}})),
        example(*_function(_KEEP, _TAKE)),
    ],
    non_compliant=[
        example(*_function(_KEEP, _TAKE, _SEND)),
        example(*_function({**_TAKE, "Resource": "arn:aws:sqs:ap-northeast-1:123456789012:another"})),
        example(*_private(*_OPEN, _endpoint("ecr.api"), _gateway("s3"))),
        example(*_private(*_OPEN, _endpoint("ecr.api"), _endpoint("ecr.dkr"))),
        example(*_private(*_OPEN[:2], _endpoint("ecr.api"), _endpoint("ecr.dkr"), _gateway("s3"))),
        example(*_private(_OPEN[0], _OPEN[2], _endpoint("ecr.api"), _endpoint("ecr.dkr"), _gateway("s3"))),
    ],
)
def calls_have_a_way(caller: Resource, at: Context) -> Iterator[str]:
    """A Fargate task pulls its image and reads its secrets from its own subnet, and without a way there it never
    starts; a function times out. Needed: what the task definition names, and what the role may call."""
    reach = _reach(at.graph)
    for subnet in reach.subnets(caller):
        if reach.way_out(subnet) == of.NAT_GATEWAY or (
            reach.way_out(subnet) == of.INTERNET_GATEWAY
            and caller.props.maybe("networkConfiguration.assignPublicIp") is True
        ):
            continue
        for service in sorted(_needs(caller, reach)):
            why_not = _no_way(service, caller, subnet, reach)
            if why_not:
                reach.insist(caller)
                yield f"from {subnet.name} there is no way to {service}: {why_not}"
        return


def _needs(caller: Resource, reach: Reach) -> set[str]:
    """The names of the endpoints."""
    needed = {_CALLS[service] for service in reach.rights(caller) if service in _CALLS}
    for task in reach.graph.targets(caller, of.TASK, via="taskDefinition") if caller.kind == of.SERVICE else ():
        text = task.props.maybe("containerDefinitions")
        text = text if isinstance(text, str) else ""
        if ".dkr.ecr." in text or _names(task, "aws:ecr/repository:Repository", text, reach):
            needed |= {"ecr.api", "ecr.dkr", "s3"}
        if _names(task, "aws:secretsmanager/secret:Secret", text, reach):
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


def _no_way(service: str, caller: Resource, subnet: Resource, reach: Reach) -> str | None:
    endpoints = [
        each
        for each in reach.graph.of_kind(of.ENDPOINT)
        if str(each.props.maybe("serviceName")).endswith(f".{service}")
    ]
    if not endpoints:
        return "there is no endpoint"
    reasons: list[str] = []
    for endpoint in endpoints:
        if endpoint.props.maybe("vpcEndpointType", "Gateway") == "Gateway":
            tables = set(map(id, reach.graph.targets(endpoint, of.ROUTE_TABLE, via="routeTableIds")))
            for each in reach.graph.known_children(endpoint, of.ENDPOINT_ROUTE, via="vpcEndpointId"):
                tables |= set(map(id, reach.graph.targets(each, of.ROUTE_TABLE, via="routeTableId")))
            if any(id(table) in tables for table in reach.tables(subnet)):
                return None
            reasons.append(f"{endpoint.name} is not in the subnet's route table")
            continue
        ports = reach.ports(caller, endpoint)
        if ports is not None and ports[0] <= _HTTPS <= ports[1]:
            return None
        reasons.append(f"the security groups do not let it through to {endpoint.name} on port {_HTTPS}")
    return "; ".join(reasons)


RULES = (store_behind_a_program, store_callers_declared, store_no_internet_route, calls_have_a_way)
