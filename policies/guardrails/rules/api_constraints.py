"""What AWS refuses only when it is asked, in the middle of a deployment: values and pairs that no schema knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, Props, aws, example, graph_rule, json_of, ref, rule
from guardrails.rules.missing_dependencies import forwarding_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

PARAMETERS = (types.PARAMETER_GROUP, types.CLUSTER_PARAMETER_GROUP)


def _vpc(**props: Any) -> Any:
    return aws("ec2/vpc:Vpc", props, name="vpc")


def _subnet(name: str, zone: str) -> Any:
    return aws("ec2/subnet:Subnet", {"vpcId": ref("vpc"), "availabilityZone": f"ap-northeast-1{zone}"}, name=name)


_A, _B, _C = _subnet("first", "a"), _subnet("second", "a"), _subnet("third", "c")
_NAT = aws("ec2/natGateway:NatGateway", {"subnetId": ref("first"), "allocationId": "eipalloc-1"}, name="nat")


@graph_rule(
    id="nat-has-a-gateway",
    title="A NAT gateway is in a VPC with an internet gateway",
    types=(types.NAT_GATEWAY,),
    level=MANDATORY,
    severity="low",
    topics=("fit", "network"),
    remedy="Add an InternetGateway with the VPC's id, or set connectivityType to private.",
)
def nat_has_a_gateway(nat: Resource, at: Context) -> Iterator[str]:
    """AWS creates it, and after some minutes it has failed: its VPC has no internet gateway attached."""
    if nat.props.get("connectivityType", "public") != "public":
        return
    for subnet in at.graph.targets(nat, types.EC2_SUBNET, via="subnetId"):
        for vpc in at.graph.targets(subnet, types.EC2_VPC, via="vpcId"):
            if not at.graph.children(vpc, types.INTERNET_GATEWAY, types.INTERNET_GATEWAY_ATTACHMENT, via="vpcId"):
                yield f"{vpc.name} has no internet gateway"


nat_has_a_gateway.examples(
    compliant=[
        example(_vpc(), _A, aws("ec2/internetGateway:InternetGateway", {"vpcId": ref("vpc")}, name="gateway"), _NAT),
        example(
            _vpc(),
            _A,
            aws("ec2/internetGatewayAttachment:InternetGatewayAttachment", {
                "vpcId": ref("vpc"), "internetGatewayId": "igw-1",
            }, name="attached"),
            _NAT,
        ),
        example(_vpc(), _A, aws("ec2/natGateway:NatGateway", {
            "subnetId": ref("first"), "connectivityType": "private",
        })),
    ],
    non_compliant=[example(_vpc(), _A, _NAT)],
)  # fmt: skip


def _endpoint(**props: Any) -> Any:
    given = {"vpcId": ref("vpc"), "serviceName": "com.amazonaws.ap-northeast-1.logs", "vpcEndpointType": "Interface"}
    return aws("ec2/vpcEndpoint:VpcEndpoint", {**given, "privateDnsEnabled": True, **props}, name="endpoint")


@graph_rule(
    id="endpoint-names-resolve",
    title="A VPC with private DNS for endpoints has both DNS attributes on",
    types=(types.VPC_ENDPOINT,),
    level=MANDATORY,
    severity="low",
    topics=("fit", "network"),
    remedy="Set enableDnsHostnames on the VPC, and leave enableDnsSupport on.",
)
def endpoint_names_resolve(endpoint: Resource, at: Context) -> Iterator[str]:
    """Private DNS of an endpoint needs both of the VPC's DNS attributes, and the first is off where nothing is
    said: AWS refuses the endpoint."""
    if not endpoint.props.get("privateDnsEnabled", False):
        return
    for vpc in at.graph.targets(endpoint, types.EC2_VPC, via="vpcId"):
        if not vpc.props.get("enableDnsHostnames", False) or not vpc.props.get("enableDnsSupport", True):
            yield f"{vpc.name} needs both enableDnsHostnames and enableDnsSupport"


endpoint_names_resolve.examples(
    compliant=[
        example(_vpc(enableDnsHostnames=True), _endpoint()),
        example(_vpc(), _endpoint(privateDnsEnabled=False)),
    ],
    non_compliant=[
        example(_vpc(), _endpoint()),
        example(_vpc(enableDnsHostnames=True, enableDnsSupport=False), _endpoint()),
    ],
)


def _on(type_: str, key: str, *names: str) -> Any:
    return aws(type_, {key: [ref(name) for name in names]}, name="it")


def _express(*names: str) -> Any:
    network = [{"subnets": [ref(name) for name in names]}]
    return aws("ecs/expressGatewayService:ExpressGatewayService", {"networkConfigurations": network}, name="it")


@graph_rule(
    id="subnets-of-different-zones",
    title="The subnets of a load balancer, an Express service or a database are in different zones",
    types=(types.LB_LOAD_BALANCER, types.EXPRESS_GATEWAY_SERVICE, types.RDS_SUBNET_GROUP),
    level=MANDATORY,
    severity="low",
    topics=("fit", "availability"),
    references=("F ELB.13",),
    remedy="Name one subnet of each zone for a load balancer, and subnets of two zones or more for an Express service "
    "or a database.",
)
def subnets_of_different_zones(resource: Resource, at: Context) -> Iterator[str]:
    """A load balancer is refused with two subnets of one zone, a database with subnets of one zone only, and so is the
    load balancer that ECS makes for an Express service."""
    key = {types.LB_LOAD_BALANCER: "subnets", types.EXPRESS_GATEWAY_SERVICE: "networkConfigurations.0.subnets"}.get(
        resource.kind, "subnetIds"
    )
    named = at.graph.targets(resource, types.EC2_SUBNET, via=key)
    if len(named) != len(resource.inputs.items(key)):
        # Some are of another stack.
        return
    zones = [subnet.props.text("availabilityZone") for subnet in named]
    if not all(zones):
        return
    if resource.kind == types.LB_LOAD_BALANCER and len(set(zones)) < len(zones):
        twice = sorted({zone for zone in zones if zones.count(zone) > 1})
        yield f"two of its subnets are in {twice[0]}"
    elif resource.kind != types.LB_LOAD_BALANCER and len(set(zones)) == 1:
        yield f"all of its subnets are in {zones[0]}"


subnets_of_different_zones.examples(
    compliant=[
        example(_vpc(), _A, _C, _on("lb/loadBalancer:LoadBalancer", "subnets", "first", "third")),
        example(_vpc(), _A, _C, _on("rds/subnetGroup:SubnetGroup", "subnetIds", "first", "third")),
        example(_vpc(), _A, _C, _express("first", "third")),
        example(_vpc(), _A, _B, _C, _on("rds/subnetGroup:SubnetGroup", "subnetIds", "first", "second", "third")),
    ],
    non_compliant=[
        example(_vpc(), _A, _B, _C, _on("lb/loadBalancer:LoadBalancer", "subnets", "first", "second", "third")),
        example(_vpc(), _A, _B, _on("rds/subnetGroup:SubnetGroup", "subnetIds", "first", "second")),
        example(_vpc(), _A, _on("rds/subnetGroup:SubnetGroup", "subnetIds", "first")),
        example(_vpc(), _A, _express("first")),
    ],
)


_CONTAINERS = json.dumps([{"name": "api", "image": "nginx:1", "portMappings": [{"containerPort": 80}]}])
_TASK = aws("ecs/taskDefinition:TaskDefinition", {"family": "api", "containerDefinitions": _CONTAINERS}, name="task")


def _targets(**props: Any) -> Any:
    return aws("lb/targetGroup:TargetGroup", {"targetType": "ip", **props}, name="targets")


_HEARD = aws(
    "lb/listener:Listener",
    {"loadBalancerArn": "arn", "defaultActions": [{"type": "forward", "targetGroupArn": ref("targets", "arn")}]},
    name="listener",
)
_BY_RULE = aws(
    "lb/listenerRule:ListenerRule",
    {
        "listenerArn": "arn",
        "conditions": [{"pathPattern": {"values": ["/api/*"]}}],
        "actions": [{"type": "forward", "forward": {"targetGroups": [{"arn": ref("targets", "arn")}]}}],
    },
    name="rule",
)


def _served(**block: Any) -> Any:
    return aws(
        "ecs/service:Service",
        {
            "taskDefinition": ref("task", "arn"),
            "networkConfiguration": {"subnets": ["a", "c"]},
            "loadBalancers": [
                {"targetGroupArn": ref("targets", "arn"), "containerName": "api", "containerPort": 80, **block}
            ],
        },
        name="service",
    )


@graph_rule(
    id="service-behind-its-balancer",
    title="A service, its target group and its container port fit together",
    types=(types.ECS_SERVICE,),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Use a target group of type ip that a listener forwards to, and a container and port that the task has.",
)
def service_behind_its_balancer(service: Resource, at: Context) -> Iterator[str]:
    """ECS refuses a target group that no listener knows, one of instances for tasks with addresses of their own, and a
    container or port that the task does not have."""
    for index, block in enumerate(service.inputs.items("loadBalancers").blocks()):
        for targets in at.graph.targets(service, types.TARGET_GROUP, via=f"loadBalancers.{index}.targetGroupArn"):
            if service.props.has("networkConfiguration") and targets.props.get("targetType", "instance") != "ip":
                yield f"{targets.name} needs target type ip, because the tasks have addresses of their own"
            if not forwarding_to(targets, at):
                yield f"no listener forwards to {targets.name}"
        for task in at.graph.targets(service, types.TASK_DEFINITION, via="taskDefinition"):
            yield from _is_in(block, _containers(task))


service_behind_its_balancer.examples(
    compliant=[example(_TASK, _targets(), _HEARD, _served()), example(_TASK, _targets(), _BY_RULE, _served())],
    non_compliant=[
        example(_TASK, _targets(), _served()),
        example(_TASK, _targets(targetType="instance"), _HEARD, _served()),
        example(_TASK, aws("lb/targetGroup:TargetGroup", name="targets"), _HEARD, _served()),
        example(_TASK, _targets(), _HEARD, _served(containerName="web")),
        example(_TASK, _targets(), _HEARD, _served(containerPort=8080)),
    ],
)


def _is_in(block: Props, containers: list[Props]) -> Iterator[str]:
    named = [each for each in containers if each.text("name") == block.text("containerName")]
    if containers and not named:
        yield f"the task has no container {block.text('containerName')}"
    port = block.number("containerPort")
    if named and port not in {each.number("containerPort") for each in named[0].items("portMappings").blocks()}:
        yield f"the container {named[0].text('name')} has no port {port:g}"


def _containers(task: Resource) -> list[Props]:
    try:
        found = json.loads(task.props.text("containerDefinitions"))
    except ValueError:
        return []
    return [Props(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _task(container: dict[str, Any], **props: Any) -> Any:
    definitions = json.dumps([{"name": "api", "image": "nginx:1", **container}])
    given = {"family": "api", "requiresCompatibilities": ["FARGATE"], "containerDefinitions": definitions, **props}
    return aws("ecs/taskDefinition:TaskDefinition", given, name="task")


_FETCHES: list[dict[str, Any]] = [
    {"secrets": [{"name": "TOKEN", "valueFrom": "/kumiki/token"}]},
    {"logConfiguration": {"logDriver": "awslogs"}},
    {"image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/kumiki/api:1"},
]


@rule(
    id="task-execution-role",
    title="A task that uses secrets, ECR images or CloudWatch logs has an execution role",
    types=(types.TASK_DEFINITION,),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "IAM"),
    remedy="Set executionRoleArn to a role that may read the secrets, pull the image and write the logs.",
)
def task_execution_role(task: Resource, _at: Context) -> Iterator[str]:
    """The agent does this before the container starts, with a role of its own; on Fargate AWS refuses the task without,
    and for secrets everywhere."""
    if task.props.has("executionRoleArn"):
        return
    on_fargate = "FARGATE" in list(task.props.items("requiresCompatibilities").texts())
    for each in _containers(task):
        reasons = [
            ("its secrets", len(each.items("secrets")) > 0),
            ("its logs", on_fargate and each.get("logConfiguration.logDriver") == "awslogs"),
            ("its image", on_fargate and ".dkr.ecr." in each.text("image")),
        ]
        for what, needed in reasons:
            if needed:
                yield f"the container {each.text('name')} needs an execution role for {what}"


task_execution_role.examples(
    compliant=[
        _task({}),
        # A server of ours writes and pulls with its own role.
        *(_task(each, requiresCompatibilities=["EC2"]) for each in _FETCHES[1:]),
        *(_task(each, executionRoleArn="arn") for each in _FETCHES),
    ],
    non_compliant=[_task(each) for each in _FETCHES],
)


@graph_rule(
    id="serverless-scaling-set",
    title="A serverless instance needs a scaling configuration on its cluster",
    types=(types.CLUSTER_INSTANCE,),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Set serverlessv2ScalingConfiguration on the cluster.",
)
def serverless_scaling_set(member: Resource, at: Context) -> Iterator[str]:
    """RDS refuses the instance, some minutes after it has made the cluster."""
    if member.props.get("instanceClass") != "db.serverless":
        return
    for cluster in at.graph.targets(member, types.RDS_CLUSTER, via="clusterIdentifier"):
        if not cluster.props.has("serverlessv2ScalingConfiguration"):
            yield f"{cluster.name} has no serverlessv2ScalingConfiguration"


serverless_scaling_set.examples(
    compliant=[
        example(
            aws(
                "rds/cluster:Cluster",
                {"serverlessv2ScalingConfiguration": {"minCapacity": 0.5, "maxCapacity": 2}},
                name="cluster",
            ),
            aws("rds/clusterInstance:ClusterInstance", {
                "clusterIdentifier": ref("cluster"), "instanceClass": "db.serverless",
            }, name="it"),
        ),
        example(
            aws("rds/cluster:Cluster", name="cluster"),
            aws("rds/clusterInstance:ClusterInstance", {
                "clusterIdentifier": ref("cluster"), "instanceClass": "db.r8g.large",
            }, name="it"),
        ),
    ],
    non_compliant=[
        example(
            aws("rds/cluster:Cluster", name="cluster"),
            aws("rds/clusterInstance:ClusterInstance", {
                "clusterIdentifier": ref("cluster"), "instanceClass": "db.serverless",
            }, name="it"),
        ),
    ],
)  # fmt: skip


# Of PostgreSQL and MySQL, those that people set; a change waits for a restart.
_AT_RESTART = frozenset(
    (
        "innodb_log_file_size",
        "max_connections",
        "max_wal_senders",
        "max_worker_processes",
        "performance_schema",
        "rds.logical_replication",
        "shared_buffers",
        "shared_preload_libraries",
        "track_activity_query_size",
        "wal_buffers",
    )
)


def _parameters(name: str, *, family: str = "postgres17", **more: Any) -> Any:
    parameters = [{"name": name, "value": "1", **more}]
    return aws("rds/parameterGroup:ParameterGroup", {"family": family, "parameters": parameters})


@rule(
    id="parameter-at-restart",
    title="Static parameters are applied at a reboot",
    types=PARAMETERS,
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Set applyMethod to pending-reboot, and reboot the database when it suits.",
)
def parameter_at_restart(group: Resource, _at: Context) -> Iterator[str]:
    """RDS refuses a static parameter that is to be applied at once, which is what the provider says where nothing is
    said. Checked for the commonest."""
    mysql = group.props.text("family").startswith(("mysql", "mariadb", "aurora-mysql"))
    for each in group.inputs.items("parameters").blocks():
        name = each.text("name")
        # MySQL's connections may change at once, PostgreSQL's may not.
        static = name in _AT_RESTART and not (mysql and name == "max_connections")
        if static and each.get("applyMethod", "immediate") != "pending-reboot":
            yield f"{name} is static and cannot be applied immediately"


parameter_at_restart.examples(
    compliant=[
        _parameters("max_connections", applyMethod="pending-reboot"),
        _parameters("log_min_duration_statement"),
        _parameters("max_connections", family="mysql8.4"),
    ],
    non_compliant=[
        _parameters("max_connections"),
        _parameters("shared_preload_libraries", applyMethod="immediate"),
        _parameters("performance_schema", family="mysql8.4"),
    ],
)


_RESERVED = {
    types.SECURITY_GROUP: ("name", ("sg-",)),
    types.LB_LOAD_BALANCER: ("name", ("internal-",)),
    types.SSM_PARAMETER: ("name", ("aws", "ssm", "/aws", "/ssm")),
    types.S3_BUCKET: ("bucket", ("xn--", "sthree-", "amzn-s3-demo-")),
    types.LOG_GROUP: ("name", ("aws/",)),
}


@rule(
    id="name-not-reserved",
    title="No name begins with a prefix that AWS reserves",
    types=tuple(_RESERVED),
    level=MANDATORY,
    severity="low",
    topics=("fit", "naming"),
    remedy="Choose another prefix.",
)
def name_not_reserved(resource: Resource, _at: Context) -> Iterator[str]:
    """`sg-`, `internal-`, `aws`: AWS keeps them for what it names itself."""
    key, beginnings = _RESERVED[resource.kind]
    name = resource.props.text(key)
    for beginning in beginnings:
        if name.lower().startswith(beginning):
            yield f"{name} begins with {beginning}, a prefix that AWS reserves"
            return


name_not_reserved.examples(
    compliant=[aws(type_, {key: "kumiki-dev-it"}) for type_, (key, _) in _RESERVED.items()],
    non_compliant=[
        example(aws(type_, {key: f"{beginnings[0]}-it".replace("--", "-x")}))
        if type_ != types.S3_BUCKET
        else example(aws("s3/bucket:Bucket", {"bucket": "xn--it"}))
        for type_, (key, beginnings) in _RESERVED.items()
    ],
)


_LONGEST_POLICY, _LONGEST_OF_A_ROLE = 6144, 10240


def _long(statements: int) -> str:
    one = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::kumiki-dev-files/*"}
    return json_of(*[one] * statements)


def _inline(name: str, statements: int) -> Any:
    return aws("iam/rolePolicy:RolePolicy", {"role": ref("role"), "policy": _long(statements)}, name=name)


@graph_rule(
    id="iam-policy-length",
    title="Policies are within IAM's length limits",
    types=(types.IAM_POLICY, types.IAM_ROLE),
    level=MANDATORY,
    severity="low",
    topics=("fit", "IAM"),
    remedy="Join statements that have the same actions, use a wildcard for a prefix of names, or split the role.",
)
def iam_policy_length(resource: Resource, at: Context) -> Iterator[str]:
    """6,144 characters for a policy, 10,240 for all that are written into one role, spaces apart. Each grant makes the
    role's longer."""
    if resource.kind == types.IAM_POLICY:
        length = _length(resource.props.text("policy"))
        if length > _LONGEST_POLICY:
            yield f"it has {length:,} characters; IAM allows {_LONGEST_POLICY:,}"
        return
    written = at.graph.known_children(resource, types.ROLE_POLICY, via="role")
    together = sum(_length(each.props.text("policy")) for each in written)
    if together > _LONGEST_OF_A_ROLE:
        yield f"its inline policies have {together:,} characters together; IAM allows {_LONGEST_OF_A_ROLE:,}"


iam_policy_length.examples(
    compliant=[
        aws("iam/policy:Policy", {"policy": _long(50)}),
        aws("iam/policy:Policy", {"policy": _long(50).replace(" ", " " * 20)}),
        example(aws("iam/role:Role", name="role"), _inline("one", 40), _inline("two", 40)),
    ],
    non_compliant=[
        aws("iam/policy:Policy", {"policy": _long(80)}),
        example(aws("iam/role:Role", name="role"), _inline("one", 60), _inline("two", 60)),
    ],
)


def _length(policy: str) -> int:
    return len("".join(policy.split()))


def _acl(region: str, scope: str) -> Any:
    return aws("wafv2/webAcl:WebAcl", {"scope": scope}, provider={"region": region})


@rule(
    id="firewall-region",
    title="A web ACL for CloudFront is in us-east-1",
    types=(types.WEB_ACL,),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Make it with region us-east-1, or with scope REGIONAL for a load balancer or an API.",
)
def firewall_region(acl: Resource, at: Context) -> Iterator[str]:
    """Everywhere else WAF answers that the scope is not valid."""
    if acl.props.get("scope") == "CLOUDFRONT" and acl.region(at.stack) not in ("us-east-1", None):
        yield f"scope CLOUDFRONT needs region us-east-1, not {acl.region(at.stack)}"


firewall_region.examples(
    compliant=[_acl("us-east-1", "CLOUDFRONT"), _acl("ap-northeast-1", "REGIONAL")],
    non_compliant=[_acl("ap-northeast-1", "CLOUDFRONT")],
)


_RARELY_READ = ("STANDARD_IA", "ONEZONE_IA")
_FEWEST_DAYS = 30


def _moved(days: int, to: str) -> Any:
    rules = [{"id": "old", "status": "Enabled", "transitions": [{"days": days, "storageClass": to}]}]
    return aws("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", {"bucket": "b", "rules": rules})


@rule(
    id="bucket-transition-days",
    title="Objects move to infrequent access after 30 days at the earliest",
    types=(types.BUCKET_LIFECYCLE_CONFIGURATION,),
    level=MANDATORY,
    severity="low",
    topics=("fit", "cost"),
    remedy="Set days to 30 or more; GLACIER_IR and INTELLIGENT_TIERING take them at once.",
)
def bucket_transition_days(lifecycle: Resource, _at: Context) -> Iterator[str]:
    """S3 refuses a rule that moves them earlier."""
    for each in lifecycle.inputs.items("rules").blocks():
        for move in each.items("transitions").blocks():
            days = move.number("days")
            if move.get("storageClass") in _RARELY_READ and days is not None and days < _FEWEST_DAYS:
                yield f"objects move to {move.text('storageClass')} after {days:g} days; S3 needs 30 or more"


bucket_transition_days.examples(
    compliant=[_moved(30, "STANDARD_IA"), _moved(0, "INTELLIGENT_TIERING")],
    non_compliant=[_moved(7, "STANDARD_IA"), _moved(29, "ONEZONE_IA")],
)
