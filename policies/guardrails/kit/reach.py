"""Who reaches whom: told from security groups, routes, endpoints, origins and grants, by property dependencies.

So it holds at the first preview, when no id is known. Where something cannot be told, the answer errs on the side of
"reaches" for what an opening admits, and says nothing about resources that the stack does not have.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit.iam import MalformedPolicyError, statements
from guardrails.kit.values import UNKNOWN, NotYetKnown, Props

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from guardrails.kit.iam import Statement
    from guardrails.kit.resources import Graph, Resource

APIS = (types.APIGATEWAYV2_API, types.REST_API)
API_DOMAINS = (types.APIGATEWAY_DOMAIN_NAME, types.APIGATEWAYV2_DOMAIN_NAME)
_STAGES_OF_APIS = (
    (types.APIGATEWAY_STAGE, "restApi", types.REST_API),
    (types.APIGATEWAYV2_STAGE, "apiId", types.APIGATEWAYV2_API),
)
_NAMES_OF_APIS = (
    # What gives a name to an API, and how it names the API.
    (types.BASE_PATH_MAPPING, "restApi", types.REST_API),
    (types.API_MAPPING, "apiId", types.APIGATEWAYV2_API),
)
BY_GRANT = {types.DYNAMODB_TABLE: "dynamodb:", types.S3_BUCKET: "s3:", types.SERVERLESS_COLLECTION: "aoss:"}
"""Data stores that answer, by their API, to whoever may: how the names of their actions begin."""


INTERNET = "internet"

_KEEPS = {"sns:Publish", "sqs:SendMessage"}
_TAKES = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
}


@dataclass(frozen=True)
class Place:
    """Where a type says which security groups and which subnets it has."""

    what: str
    groups: str
    subnets: str
    port: int | None = None
    """Of a data store, where it answers unless it says otherwise."""

    subnet_group: str | None = None
    """The type of the resource between a data store and its subnets."""


PLACES: Mapping[str, Place] = {
    types.ECS_SERVICE: Place("task", "networkConfiguration.securityGroups", "networkConfiguration.subnets"),
    types.EXPRESS_GATEWAY_SERVICE: Place(
        "task", "networkConfigurations.0.securityGroups", "networkConfigurations.0.subnets"
    ),
    # What App Runner runs has addresses of its own elsewhere: its calls come out here.
    types.VPC_CONNECTOR: Place("connector", "securityGroups", "subnets"),
    types.LAMBDA_FUNCTION: Place("function", "vpcConfig.securityGroupIds", "vpcConfig.subnetIds"),
    types.EC2_INSTANCE: Place("host", "vpcSecurityGroupIds", "subnetId"),
    types.LB_LOAD_BALANCER: Place("load balancer", "securityGroups", "subnets"),
    types.VPC_ENDPOINT: Place("endpoint", "securityGroupIds", "subnetIds"),
    types.RDS_CLUSTER: Place("store", "vpcSecurityGroupIds", "dbSubnetGroupName", 5432, types.RDS_SUBNET_GROUP),
    types.RDS_INSTANCE: Place("store", "vpcSecurityGroupIds", "dbSubnetGroupName", 5432, types.RDS_SUBNET_GROUP),
    types.REPLICATION_GROUP: Place(
        "store", "securityGroupIds", "subnetGroupName", 6379, types.ELASTICACHE_SUBNET_GROUP
    ),
    types.MOUNT_TARGET: Place("store", "securityGroups", "subnetId", 2049),
}
STORES = tuple(kind for kind, place in PLACES.items() if place.what == "store")
CALLERS = (
    *(types.ECS_SERVICE, types.EXPRESS_GATEWAY_SERVICE, types.VPC_CONNECTOR),
    *(types.LAMBDA_FUNCTION, types.EC2_INSTANCE),
)
_OTHER_PORTS = {"mysql": 3306, "mariadb": 3306, "oracle": 1521, "sqlserver": 1433}


@dataclass(frozen=True)
class Opening:
    """One rule of a security group: which ports, for whom."""

    first: float
    last: float
    groups: tuple[str, ...]
    """The URNs of the groups that it names."""

    cidrs: tuple[str, ...]
    prefix_lists: bool

    def admits(self, group: Resource, network: str | None) -> bool:
        """Whether it is for members of `group`, who have addresses of `network`."""
        return group.urn in self.groups or any(overlap(cidr, network) for cidr in self.cidrs)


@dataclass(frozen=True)
class Edge:
    """One hop."""

    source: str
    target: str
    ports: str
    by: str


class Reach:
    """Every hop between what a stack has."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def edges(self) -> list[Edge]:
        return sorted(set(self._edges()), key=lambda edge: (edge.source, edge.target, edge.ports))

    # Security groups.

    def groups(self, resource: Resource) -> list[Resource]:
        place = PLACES.get(resource.kind)
        found = self.graph.targets(resource, types.SECURITY_GROUP, via=place.groups) if place else []
        for interface in self.interfaces(resource):
            found += self.graph.targets(interface, types.SECURITY_GROUP, via="securityGroups")
        return found

    def interfaces(self, host: Resource) -> list[Resource]:
        """The interfaces that were made before the host and are given to it."""
        if host.kind != types.EC2_INSTANCE:
            return []
        vias = ("primaryNetworkInterface", "networkInterfaces")
        return [each for via in vias for each in self.graph.targets(host, types.NETWORK_INTERFACE, via=via)]

    @cached_property
    def holders(self) -> dict[str, list[Resource]]:
        """For each security group, by its URN, what is in it."""
        found: dict[str, list[Resource]] = {}
        for resource in self.graph.of_kind(*PLACES):
            for group in self.groups(resource):
                found.setdefault(group.urn, []).append(resource)
        return found

    def openings(self, group: Resource, direction: str) -> Iterator[Opening]:
        for block in _known_blocks(group.inputs, direction):
            yield self._opening(block, group, direction, inline=True)
        for rule in self.graph.known_children(group, types.SECURITY_GROUP_RULE, via="securityGroupId"):
            if rule.props.maybe("type") == direction:
                yield self._opening(rule.props, rule, "sourceSecurityGroupId", inline=False)
        for rule in self.graph.known_children(
            group,
            types.SECURITY_GROUP_INGRESS_RULE if direction == "ingress" else types.SECURITY_GROUP_EGRESS_RULE,
            via="securityGroupId",
        ):
            yield self._opening(rule.props, rule, "referencedSecurityGroupId", inline=False)

    def _opening(self, props: Props, owner: Resource, via: str, *, inline: bool) -> Opening:
        everything = str(props.maybe("protocol") or props.maybe("ipProtocol") or "").lower() in ("-1", "all")
        start, end = props.maybe("fromPort"), props.maybe("toPort")
        known = isinstance(start, float | int) and isinstance(end, float | int) and not everything
        cidrs: list[str] = []
        for key in ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6"):
            value = props.maybe(key)
            if isinstance(value, str):
                cidrs.append(value)
            elif value is not None and value is not UNKNOWN:
                cidrs += value.known_texts()
        named = {each.urn for each in self.graph.targets(owner, types.SECURITY_GROUP, via=via)}
        if props.maybe("self") is True or (inline and owner.urn in named):
            named.add(owner.urn)
        listed = props.has("prefixListId") or props.has("prefixListIds")
        first, last = (float(start), float(end)) if known else (0.0, 65535.0)
        return Opening(first, last, tuple(sorted(named)), tuple(cidrs), listed)

    def network(self, group: Resource) -> str | None:
        """The addresses of the group's VPC."""
        for vpc in self.graph.targets(group, types.EC2_VPC, via="vpcId"):
            cidr = vpc.props.maybe("cidrBlock")
            if isinstance(cidr, str):
                return cidr
        return None

    def ports(self, source: Resource, target: Resource) -> tuple[float, float] | None:
        """The ports of `target` that `source` reaches: let out there and let in here."""
        for group in self.groups(target):
            for inward in self.openings(group, "ingress"):
                for other in self.groups(source):
                    if not inward.admits(other, self.network(other)):
                        continue
                    for outward in self.openings(other, "egress"):
                        first, last = max(inward.first, outward.first), min(inward.last, outward.last)
                        if outward.admits(group, self.network(group)) and first <= last:
                            return first, last
        return None

    # Subnets and routes.

    def subnets(self, resource: Resource) -> list[Resource]:
        place = PLACES[resource.kind]
        if place.subnet_group is None:
            found = self.graph.targets(resource, types.EC2_SUBNET, via=place.subnets)
            for interface in self.interfaces(resource):
                found += self.graph.targets(interface, types.EC2_SUBNET, via="subnetId")
            return found
        groups = self.graph.targets(resource, place.subnet_group, via=place.subnets)
        return [each for group in groups for each in self.graph.targets(group, types.EC2_SUBNET, via="subnetIds")]

    def tables(self, subnet: Resource) -> list[Resource]:
        found = self.graph.known_children(subnet, types.ROUTE_TABLE_ASSOCIATION, via="subnetId")
        return [table for each in found for table in self.graph.targets(each, types.ROUTE_TABLE, via="routeTableId")]

    def internet_route(self, subnet: Resource) -> str | None:
        """The kind of gateway that the subnet's route to the internet leads to, if it has one."""
        for table in self.tables(subnet):
            for route in self.graph.known_children(table, types.EC2_ROUTE, via="routeTableId"):
                for via, kind in (("gatewayId", types.INTERNET_GATEWAY), ("natGatewayId", types.NAT_GATEWAY)):
                    if self.graph.targets(route, kind, via=via):
                        return kind
            for kind in (types.INTERNET_GATEWAY, types.NAT_GATEWAY):
                if self.graph.targets(table, kind, via="routes"):
                    return kind
        return None

    # Hops.

    def _edges(self) -> Iterator[Edge]:
        placed = list(self.graph.of_kind(*PLACES))
        for target in placed:
            yield from self._from_the_internet(target)
            for source in placed:
                if (
                    source.kind in (*CALLERS, types.LB_LOAD_BALANCER)
                    and source is not target
                    and target.kind != types.VPC_ENDPOINT
                ):
                    ports = self.ports(source, target)
                    if ports is not None:
                        yield Edge(source.name, target.name, _shown(ports, target), "security groups")
        yield from self._origins()
        yield from self._simple_services()
        yield from self._apis()
        yield from self._grants()

    def _from_the_internet(self, target: Resource) -> Iterator[Edge]:
        for group in self.groups(target):
            for opening in self.openings(group, "ingress"):
                if any(_is_world(cidr) for cidr in opening.cidrs) and self._is_public(target):
                    yield Edge(INTERNET, target.name, _shown((opening.first, opening.last), target), "security groups")

    def _is_public(self, resource: Resource) -> bool:
        if resource.kind == types.LB_LOAD_BALANCER:
            return resource.props.maybe("internal") is not True
        if resource.kind == types.EC2_INSTANCE:
            # An address given at the start, by the subnet, or held by itself.
            return True
        if resource.kind == types.RDS_INSTANCE:
            return resource.props.maybe("publiclyAccessible") is True
        return (
            resource.kind == types.ECS_SERVICE and resource.props.maybe("networkConfiguration.assignPublicIp") is True
        )

    def _simple_services(self) -> Iterator[Edge]:
        """AWS makes the load balancers of these, open to the internet: that of an Express service in subnets with a way
        there, as those of the default network have."""
        for service in self.graph.of_kind(types.EXPRESS_GATEWAY_SERVICE):
            subnets = self.subnets(service)
            if not subnets or any(self.internet_route(each) == types.INTERNET_GATEWAY for each in subnets):
                yield Edge(INTERNET, service.name, "443", "ECS Express Mode")
        for service in self.graph.of_kind(types.APPRUNNER_SERVICE):
            if service.props.maybe("networkConfiguration.ingressConfiguration.isPubliclyAccessible") is not False:
                yield Edge(INTERNET, service.name, "443", "App Runner")
            for connector in self.graph.targets(
                service, types.VPC_CONNECTOR, via="networkConfiguration.egressConfiguration.vpcConnectorArn"
            ):
                yield Edge(service.name, connector.name, "all", "App Runner")

    def _origins(self) -> Iterator[Edge]:
        for distribution in self.graph.of_kind(types.CLOUDFRONT_DISTRIBUTION):
            yield Edge(INTERNET, distribution.name, "443", "CloudFront")
            for origin in self.origins(distribution):
                yield Edge(
                    distribution.name, origin.name, "80" if origin.kind == types.EC2_INSTANCE else "443", "CloudFront"
                )

    def origins(self, distribution: Resource) -> list[Resource]:
        """What stands behind a distribution, as far as it is in the stack: by a property, or by a name in its text."""
        named = [self.graph.by_urn.get(urn) for urn in distribution.dependencies.get("origins", ())]
        found = [origin for each in named if each is not None for origin in self._behind(each)]
        for block in _known_blocks(distribution.inputs, "origins"):
            found += self.at_name(block)
        return list({each.urn: each for each in found}.values())

    def at_name(self, block: Props) -> list[Resource]:
        """What answers at the name of one origin, where the name is known."""
        name = block.maybe("domainName")
        return self._called(name) if isinstance(name, str) else []

    def in_front(self, resource: Resource) -> list[Resource]:
        """The distributions that lead to a resource."""
        return [each for each in self.graph.of_kind(types.CLOUDFRONT_DISTRIBUTION) if resource in self.origins(each)]

    def is_open(self, origin: Resource) -> bool:
        """Whether an origin can be reached by whoever knows its name."""
        if origin.kind == types.REST_API:
            try:
                return not self.is_blocked_by_default(origin)
            except NotYetKnown:
                return True
        if origin.kind == types.APIGATEWAYV2_API:
            try:
                return not self.asks_for_header(origin)
            except NotYetKnown:
                return True
        return any(edge.source == INTERNET and edge.target == origin.name for edge in self.edges)

    def listeners_behind(self, api: Resource) -> list[Resource]:
        """The listeners to which an HTTP API leads, by a link into their VPC."""
        integrations = self.graph.known_children(api, types.APIGATEWAYV2_INTEGRATION, via="apiId")
        found = [
            each for one in integrations for each in self.graph.targets(one, types.LB_LISTENER, via="integrationUri")
        ]
        return list({each.urn: each for each in found}.values())

    def asks_for_header(self, api: Resource) -> bool:
        """Whether all that an HTTP API leads to are listeners whose rules want to see a header: what passes is what a
        distribution has added it to; raises NotYetKnown."""
        integrations = self.graph.known_children(api, types.APIGATEWAYV2_INTEGRATION, via="apiId")
        private = all(self.graph.targets(one, types.LB_LISTENER, via="integrationUri") for one in integrations)
        rules = [
            rule
            for listener in self.listeners_behind(api)
            for rule in self.graph.children(listener, types.LISTENER_RULE, via="listenerArn")
        ]
        asked = [any(block.has("httpHeader") for block in rule.props.items("conditions").blocks()) for rule in rules]
        return private and bool(asked) and all(asked)

    def is_blocked_by_default(self, api: Resource) -> bool:
        """Whether a REST API has a web ACL whose default action is block; raises NotYetKnown."""
        for stage in self.graph.children(api, types.APIGATEWAY_STAGE, via="restApi"):
            for on in self.graph.children(stage, types.WEB_ACL_ASSOCIATION, via="resourceArn"):
                acls = self.graph.targets(on, types.WEB_ACL, via="webAclArn")
                if not acls:
                    on.props.get("webAclArn")
                if any(acl.props.has("defaultAction.block") for acl in acls):
                    return True
        return False

    def _called(self, name: str) -> list[Resource]:
        """The load balancers and APIs that have this name, be it AWS's or one of the stack's."""
        found = self.graph.named(name, types.LB_LOAD_BALANCER)
        found += [each for each in self.graph.of_kind(types.LB_LOAD_BALANCER) if each.props.maybe("dnsName") == name]
        for record in self.graph.of_kind(types.ROUTE53_RECORD):
            if record.props.maybe("name") == name:
                found += self.graph.targets(record, types.LB_LOAD_BALANCER, via="aliases")
                for alias in _known_blocks(record.props, "aliases"):
                    target = alias.maybe("name")
                    found += self._called(target) if isinstance(target, str) and target != name else []
        for stage, api_key, api in _STAGES_OF_APIS:
            for given in self.graph.of_kind(stage):
                url = given.props.maybe("invokeUrl")
                if isinstance(url, str) and url.partition("//")[2].partition("/")[0] == name:
                    found += self.graph.targets(given, api, via=api_key)
            for given in self.graph.named(name, stage):
                found += self.graph.targets(given, api, via=api_key)
        for mapping, api_key, api in _NAMES_OF_APIS:
            for given in self.graph.of_kind(mapping):
                # By its text: the name of a name is its id.
                if given.props.maybe("domainName") == name or any(
                    domain.props.maybe("domainName") == name
                    for kind in API_DOMAINS
                    for domain in self.graph.targets(given, kind, via="domainName")
                ):
                    found += self.graph.targets(given, api, via=api_key)
        return found

    def _apis(self) -> Iterator[Edge]:
        """APIs are on the internet, and call the functions that let them."""
        for api in self.graph.of_kind(*APIS):
            if self.is_open(api):
                yield Edge(INTERNET, api.name, "443", "API Gateway")
            for listener in self.listeners_behind(api) if api.kind == types.APIGATEWAYV2_API else ():
                for balancer in self.graph.targets(listener, types.LB_LOAD_BALANCER, via="loadBalancerArn"):
                    yield Edge(api.name, balancer.name, str(listener.props.maybe("port") or 443), "API Gateway")
        for permission in self.graph.of_kind(types.LAMBDA_PERMISSION):
            named = (self.graph.by_urn.get(urn) for urn in permission.dependencies.get("sourceArn", ()))
            for api in (each for each in named if each is not None and each.kind in APIS):
                for function in self._functions(permission, "function"):
                    yield Edge(api.name, function.name, "443", "API Gateway")

    def _functions(self, resource: Resource, via: str) -> list[Resource]:
        """The functions that a property names, by themselves or by an alias."""
        found = self.graph.targets(resource, types.LAMBDA_FUNCTION, via=via)
        for alias in self.graph.targets(resource, types.LAMBDA_ALIAS, via=via):
            found += self.graph.targets(alias, types.LAMBDA_FUNCTION, via="functionName")
        return found

    def _behind(self, named: Resource) -> list[Resource]:
        """What answers at a name: one of its own, or that of an address which a host has."""
        if named.kind in (types.LB_LOAD_BALANCER, types.EC2_INSTANCE, types.S3_BUCKET, *APIS):
            return [named]
        for stage, api_key, api in _STAGES_OF_APIS:
            # By the address that AWS gives, which a stage has.
            if named.kind == stage:
                return self.graph.targets(named, api, via=api_key)
        if named.kind != types.EC2_EIP:
            return []
        found = self.graph.targets(named, types.EC2_INSTANCE, via="instance")
        interfaces = self.graph.targets(named, types.NETWORK_INTERFACE, via="networkInterface")
        return found + [
            host
            for host in self.graph.of_kind(types.EC2_INSTANCE)
            if any(each in interfaces for each in self.interfaces(host))
        ]

    def _grants(self) -> Iterator[Edge]:
        """Tables, buckets and collections answer to whoever may, by their API."""
        for policy in self.graph.of_kind(types.ROLE_POLICY):
            stores = [
                self.graph.by_urn[urn]
                for urn in policy.dependencies.get("policy", ())
                if urn in self.graph.by_urn and self.graph.by_urn[urn].kind in BY_GRANT
            ]
            if not stores:
                continue
            actions = self._actions(policy)
            for role in self.graph.targets(policy, types.IAM_ROLE, via="role"):
                for caller in self.callers_with(role):
                    for store in stores:
                        if actions is None or any(each.startswith(BY_GRANT[store.kind]) for each in actions):
                            yield Edge(caller.name, store.name, "443", "IAM")

    @staticmethod
    def _actions(policy: Resource) -> set[str] | None:
        """What a policy allows; None where that cannot be told yet, and everything may be."""
        try:
            return {action for each in statements(policy.props, "policy") if each.allows for action in each.actions}
        except (NotYetKnown, MalformedPolicyError):
            return None

    def callers_with(self, role: Resource) -> list[Resource]:
        """What runs with this role."""
        found = [
            each
            for kind, via in ((types.LAMBDA_FUNCTION, "role"), (types.AGENT_KNOWLEDGE_BASE, "roleArn"))
            for each in self.graph.of_kind(kind)
            if role in self.graph.targets(each, types.IAM_ROLE, via=via)
        ]
        found += [
            service
            for kind, via in (
                (types.EXPRESS_GATEWAY_SERVICE, "taskRoleArn"),
                (types.APPRUNNER_SERVICE, "instanceConfiguration.instanceRoleArn"),
            )
            for service in self.graph.of_kind(kind)
            if role in self.graph.targets(service, types.IAM_ROLE, via=via)
        ]
        for service in self.graph.of_kind(types.ECS_SERVICE):
            tasks = self.graph.targets(service, types.TASK_DEFINITION, via="taskDefinition")
            found += [service for task in tasks if role in self.graph.targets(task, types.IAM_ROLE, via="taskRoleArn")]
        for host in self.graph.of_kind(types.EC2_INSTANCE):
            profiles = self.graph.targets(host, types.INSTANCE_PROFILE, via="iamInstanceProfile")
            found += [host for profile in profiles if role in self.graph.targets(profile, types.IAM_ROLE, via="role")]
        return found

    def allowed_actions(self, caller: Resource) -> set[str]:
        """The actions that its role allows, as far as it is known, but for what Lambda does itself with
        a function's role and outside of its network: it keeps failed calls, and takes messages from queues."""
        found: set[str] = set()
        for policy in self.graph.of_kind(types.ROLE_POLICY):
            if any(
                caller in self.callers_with(role) for role in self.graph.targets(policy, types.IAM_ROLE, via="role")
            ):
                try:
                    found |= {
                        action
                        for each in statements(policy.props, "policy")
                        if each.allows
                        and not (caller.kind == types.LAMBDA_FUNCTION and self._is_for_lambda(each, caller))
                        for action in each.actions
                    }
                except (NotYetKnown, MalformedPolicyError):
                    continue
        return found

    def _is_for_lambda(self, statement: Statement, function: Resource) -> bool:
        kept = {function.props.maybe("deadLetterConfig.targetArn")}
        taken = {each.props.maybe("eventSourceArn") for each in self.graph.of_kind(types.EVENT_SOURCE_MAPPING)}
        return any(
            set(statement.actions) <= actions and (UNKNOWN in queues or set(statement.resources) <= queues)
            for actions, queues in ((_KEEPS, kept), (_TAKES, taken))
        )

    def require_known(self, *resources: Resource) -> None:
        """Raise NotYetKnown if one of them, or a rule, a route or an endpoint, has a value that nothing tells yet."""
        kinds = (
            types.SECURITY_GROUP_RULE,
            types.SECURITY_GROUP_INGRESS_RULE,
            types.SECURITY_GROUP_EGRESS_RULE,
            types.SECURITY_GROUP,
            types.VPC_ENDPOINT,
            types.VPC_ENDPOINT_ROUTE_TABLE_ASSOCIATION,
            types.EC2_ROUTE,
            types.ROUTE_TABLE_ASSOCIATION,
            types.EC2_VPC,
        )
        for resource in resources:
            if not self.groups(resource):
                # Its dependencies may be those of the block's other values.
                list(resource.props.items(PLACES[resource.kind].groups))
        for resource in (*resources, *self.graph.of_kind(*kinds)):
            for key, value in resource.inputs.raw.items():
                if key not in resource.dependencies and some_unknown(value):
                    raise NotYetKnown(key)

    # Answers.

    def ways_around(self) -> list[tuple[Resource, Resource]]:
        """Each distribution with a web ACL, and each origin of it that can be reached without it."""
        return [
            (distribution, origin)
            for distribution in self.graph.of_kind(types.CLOUDFRONT_DISTRIBUTION)
            if distribution.props.has("webAclId")
            for origin in self.origins(distribution)
            if self.is_open(origin)
        ]

    def stores(self) -> list[str]:
        return sorted({each.name for each in self.graph.of_kind(*STORES, *BY_GRANT)})

    def path(self, source: str, target: str) -> list[str]:
        """The shortest chain of hops; empty if there is none."""
        before: dict[str, str | None] = {source: None}
        waiting = deque([source])
        while waiting:
            here = waiting.popleft()
            if here == target:
                chain: list[str] = []
                step: str | None = here
                while step is not None:
                    chain.append(step)
                    step = before[step]
                return chain[::-1]
            for edge in self.edges:
                if edge.source == here and edge.target not in before:
                    before[edge.target] = here
                    waiting.append(edge.target)
        return []

    def matrix(self) -> dict[str, dict[str, str]]:
        """For each data store, who reaches it: the ports of one hop, or the hops between."""
        sources = sorted({edge.source for edge in self.edges} | {INTERNET})
        found: dict[str, dict[str, str]] = {}
        for store in self.stores():
            row: dict[str, str] = {}
            for source in sources:
                direct = sorted({edge.ports for edge in self.edges if (edge.source, edge.target) == (source, store)})
                chain = self.path(source, store)
                if direct:
                    row[source] = ", ".join(direct)
                elif chain:
                    row[source] = f"via {' → '.join(chain[1:-1])}"
            found[store] = row
        return found


def some_unknown(value: object) -> bool:
    """Whether a value, or one inside it, does not exist yet."""
    if isinstance(value, dict):
        return any(some_unknown(each) for each in value.values())
    return any(some_unknown(each) for each in value) if isinstance(value, list) else value is UNKNOWN


def _known_blocks(props: Props, key: str) -> Iterator[Props]:
    try:
        yield from props.items(key).blocks()
    except NotYetKnown:
        return


def overlap(cidr: str, network: str | None) -> bool:
    """Whether addresses of `network` are in `cidr`; of a network that is not known, only the whole internet is sure."""
    if _is_world(cidr):
        return True
    try:
        return network is not None and ip_network(cidr, strict=False).overlaps(ip_network(network, strict=False))
    except (ValueError, TypeError):
        return False


def _is_world(cidr: str) -> bool:
    return cidr.endswith("/0")


def port_of(store: Resource) -> float | None:
    """Where a data store answers; None for what is no store."""
    place = PLACES.get(store.kind)
    if place is None or place.port is None:
        return None
    given = store.props.maybe("port")
    if isinstance(given, float | int):
        return float(given)
    engine = str(store.props.maybe("engine"))
    return float(next((port for name, port in _OTHER_PORTS.items() if name in engine), place.port))


def _shown(ports: tuple[float, float], target: Resource) -> str:
    first, last = ports
    own = port_of(target)
    if own is not None and first <= own <= last:
        return str(int(own))
    if (first, last) == (0.0, 65535.0):
        return "all"
    return str(int(first)) if first == last else f"{int(first)}–{int(last)}"
