"""A stack that declares itself free (`<project>:freeTier`) makes nothing that AWS bills (requirement E13).

Checked against the offers of the first 12 months: one t3.micro with 30 GB, one db.t3.micro with 20 GB, ten alarms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, aws, example, graph_rule, ref, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource
    from guardrails.kit.examples import Example, Given


INSTANCE_TYPES = ("t2.micro", "t3.micro")
CLASSES = ("db.t2.micro", "db.t3.micro", "db.t4g.micro")
ENGINES = ("mariadb", "mysql", "postgres")
DISK_GIB = 30
DATABASE_GIB = 20
ALARMS = 10

# What costs by being there, and what to do without it.
_PAID: dict[str, str] = {
    types.APPRUNNER_SERVICE: "run the application on the host",
    types.CFG_RECORDER: "record the account from another stack",
    types.REPLICATION_INSTANCE: "copy with pg_dump",
    types.NAT_GATEWAY: "give the host a public address",
    types.TRANSIT_GATEWAY: "use one network",
    types.EXPRESS_GATEWAY_SERVICE: "run the application on the host",
    types.ECS_SERVICE: "run the application on the host",
    types.EKS_CLUSTER: "run the application on the host",
    types.ELASTICACHE_CLUSTER: "run Redis on the host",
    types.REPLICATION_GROUP: "run Redis on the host",
    types.SERVERLESS_CACHE: "run Redis on the host",
    types.ELB_LOAD_BALANCER: "let CloudFront call the host",
    types.GUARDDUTY_DETECTOR: "watch the account from another stack",
    types.KMS_KEY: "use AWS-managed keys",
    types.LB_LOAD_BALANCER: "let CloudFront call the host",
    types.MEMORYDB_CLUSTER: "run Redis on the host",
    types.OPENSEARCH_DOMAIN: "search in PostgreSQL",
    types.SERVERLESS_COLLECTION: "search in PostgreSQL",
    types.RDS_CLUSTER: "use one instance of RDS",
    types.RDS_PROXY: "pool connections in the application",
    types.REDSHIFT_CLUSTER: "ask Athena",
    types.ROUTE53_ZONE: "use the name that CloudFront gives",
    types.SECRETSMANAGER_SECRET: "use an encrypted SSM parameter",
    types.WEB_ACL: "limit requests in the application",
}
_SNAPSHOTS = (
    types.EBS_SNAPSHOT,
    types.EBS_SNAPSHOT_COPY,
    types.AMI_FROM_INSTANCE,
    types.CLUSTER_SNAPSHOT,
    types.RDS_SNAPSHOT,
    types.RDS_SNAPSHOT_COPY,
)

_HOST = {"instanceType": "t3.micro", "creditSpecification": {"cpuCredits": "standard"}}
_RDS = {"engine": "postgres", "instanceClass": "db.t3.micro", "allocatedStorage": 20, "storageType": "gp3"}


def _free(*resources: Given) -> Example:
    return example(*resources, free_tier=True)


def _host(**changes: object) -> Given:
    return aws("ec2/instance:Instance", {**_HOST, **changes}, name="kumiki-dev-host-instance")


def _rds(**changes: object) -> Given:
    return aws("rds/instance:Instance", {**_RDS, **changes}, name="kumiki-dev-database-instance")


@rule(
    id="free-tier-nothing-paid",
    title="A free-tier stack has nothing that is billed for existing",
    types=(*_PAID, *_SNAPSHOTS),
    level=MANDATORY,
    severity="medium",
    topics=("cost",),
    free_tier=True,
    remedy="Remove it, or set freeTier: false.",
)
def free_tier_nothing_paid(resource: Resource, _at: Context) -> Iterator[str]:
    """NAT gateways, load balancers, caches, keys, secrets, zones, firewalls and their like are not in the free tier;
    snapshots that the program makes stay until somebody remembers them."""
    if resource.kind in _SNAPSHOTS:
        yield "a snapshot is billed until somebody deletes it: leave copies to backups that expire"
    else:
        yield f"AWS bills it from the first hour: {_PAID[resource.kind]}"


free_tier_nothing_paid.examples(
    compliant=[
        _free(aws("s3/bucket:Bucket"), aws("sns/topic:Topic")),
        aws("ec2/natGateway:NatGateway", {"subnetId": "subnet-1"}),
    ],
    non_compliant=[
        _free(aws("ec2/natGateway:NatGateway", {"subnetId": "subnet-1"})),
        _free(aws("lb/loadBalancer:LoadBalancer")),
        _free(aws("elasticache/replicationGroup:ReplicationGroup", {"description": "cache"})),
        _free(aws("secretsmanager/secret:Secret")),
        _free(aws("kms/key:Key")),
        _free(aws("ebs/snapshot:Snapshot", {"volumeId": "vol-1"})),
    ],
)


@rule(
    id="free-tier-endpoints",
    title="A free-tier stack has gateway endpoints only",
    types=(types.VPC_ENDPOINT,),
    level=MANDATORY,
    severity="medium",
    topics=("cost",),
    free_tier=True,
    remedy="Use gateway endpoints (S3, DynamoDB), and reach the rest over the internet.",
)
def free_tier_endpoints(endpoint: Resource, _at: Context) -> Iterator[str]:
    """All other kinds are billed by the hour in each zone."""
    kind = endpoint.props.get("vpcEndpointType", "Gateway")
    if kind != "Gateway":
        yield f"an endpoint of type {kind} is billed by the hour"


free_tier_endpoints.examples(
    compliant=[
        _free(aws("ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Gateway"})),
        _free(aws("ec2/vpcEndpoint:VpcEndpoint")),
    ],
    non_compliant=[_free(aws("ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Interface"}))],
)


@rule(
    id="free-tier-instance",
    title="Servers of a free-tier stack are of the free size and stay within their credits",
    types=(types.EC2_INSTANCE,),
    level=MANDATORY,
    severity="medium",
    topics=("cost",),
    free_tier=True,
    remedy="Use t3.micro with cpuCredits standard and without detailed monitoring.",
)
def free_tier_instance(instance: Resource, _at: Context) -> Iterator[str]:
    """A t3 buys credits when its own are used up unless it is told not to; detailed monitoring is billed as metrics."""
    size = instance.props.text("instanceType")
    if size not in INSTANCE_TYPES:
        yield f"{size or 'the size of its template'} is not free; {' and '.join(INSTANCE_TYPES)} are"
    elif size.startswith("t3.") and instance.props.get("creditSpecification.cpuCredits", "unlimited") != "standard":
        yield "it may buy CPU credits: a t3 does so unless cpuCredits is standard"
    if instance.props.get("monitoring"):
        yield "detailed monitoring is billed as seven metrics"


free_tier_instance.examples(
    compliant=[_free(_host()), _free(_host(instanceType="t2.micro", creditSpecification={}))],
    non_compliant=[
        _free(_host(instanceType="t3.small")),
        _free(_host(creditSpecification={"cpuCredits": "unlimited"})),
        _free(_host(creditSpecification={})),
        _free(_host(monitoring=True)),
    ],
)


@rule(
    id="free-tier-database",
    title="Databases of a free-tier stack are of the free size and do not grow",
    types=(types.RDS_INSTANCE,),
    level=MANDATORY,
    severity="medium",
    topics=("cost",),
    free_tier=True,
    remedy="Use db.t3.micro, 20 GB of gp3 that do not grow, one zone, and a password in an encrypted SSM parameter.",
)
def free_tier_database(database: Resource, _at: Context) -> Iterator[str]:
    """Class, engine, zones, storage and its growth, the secret that RDS makes for a managed password, and performance
    insights for more than the seven free days."""
    props = database.props
    if props.text("instanceClass") not in CLASSES:
        yield f"{props.text('instanceClass')} is not free; {', '.join(CLASSES)} are"
    if props.has("engine") and props.text("engine") not in ENGINES:
        yield f"{props.text('engine')} is not free; {', '.join(ENGINES)} are"
    if props.get("multiAz"):
        yield "a standby in another zone doubles the hours"
    if (props.number("allocatedStorage") or 0) > DATABASE_GIB:
        yield f"it has more than the {DATABASE_GIB} GB that are free"
    if props.number("maxAllocatedStorage"):
        yield "its storage grows by itself, and so does the bill"
    if props.get("storageType", "gp2") not in ("gp2", "gp3"):
        yield f"storage of type {props.text('storageType')} is not free"
    if props.get("manageMasterUserPassword"):
        yield "RDS makes a secret for its password, which costs $0.40 a month"
    if (props.number("performanceInsightsRetentionPeriod") or 0) > 7:
        yield "performance insights are free for seven days only"


free_tier_database.examples(
    compliant=[_free(_rds()), _free(_rds(storageType="gp2", instanceClass="db.t4g.micro", multiAz=False))],
    non_compliant=[
        _free(_rds(instanceClass="db.t3.small")),
        _free(_rds(multiAz=True)),
        _free(_rds(allocatedStorage=21)),
        _free(_rds(maxAllocatedStorage=100)),
        _free(_rds(storageType="io1")),
        _free(_rds(engine="sqlserver-web")),
        _free(_rds(manageMasterUserPassword=True)),
        _free(_rds(performanceInsightsEnabled=True, performanceInsightsRetentionPeriod=31)),
    ],
)


def _disks(at: Context) -> Iterator[tuple[Resource, float]]:
    for instance in at.graph.of_kind(types.EC2_INSTANCE):
        # A root volume that nobody sizes has the size of its image, mostly 8 GB.
        yield instance, instance.inputs.number("rootBlockDevice.volumeSize") or 8
        for disk in instance.inputs.items("ebsBlockDevices").blocks():
            yield instance, disk.number("volumeSize") or 0
    for volume in at.graph.of_kind(types.EBS_VOLUME):
        yield volume, volume.inputs.number("size") or 0


@graph_rule(
    id="free-tier-together",
    title="All servers, disks and databases of a free-tier stack fit into what the free tier gives in a month",
    types=(types.EC2_INSTANCE, types.EBS_VOLUME, types.RDS_INSTANCE),
    level=MANDATORY,
    severity="medium",
    topics=("cost",),
    free_tier=True,
    remedy="Keep one server and one database, 30 GB of disks, 20 GB of database storage.",
)
def free_tier_together(resource: Resource, at: Context) -> Iterator[str]:
    """750 hours are one server and one database for a month. What is too much is said once, at the first of them."""
    if resource.kind in (types.EC2_INSTANCE, types.RDS_INSTANCE):
        same = sorted(each.urn for each in at.graph.of_kind(resource.kind))
        if len(same) > 1 and resource.urn == same[0]:
            yield f"{len(same)} of them use more than the 750 hours a month that are free"
    if resource.kind != types.RDS_INSTANCE:
        disks = list(_disks(at))
        total = sum(size for _, size in disks)
        if total > DISK_GIB and resource.urn == min(each.urn for each, _ in disks):
            yield f"all disks together have {total:g} GB, and {DISK_GIB} are free"


free_tier_together.examples(
    compliant=[
        _free(_host(rootBlockDevice={"volumeSize": 20}), aws("ebs/volume:Volume", {"size": 10}), _rds()),
        _free(_host()),
    ],
    non_compliant=[
        _free(_host(rootBlockDevice={"volumeSize": 21}), aws("ebs/volume:Volume", {"size": 10})),
        _free(_host(rootBlockDevice={"volumeSize": 31})),
        _free(_host(), aws("ec2/instance:Instance", _HOST, name="kumiki-dev-worker-instance")),
        _free(_rds(), aws("rds/instance:Instance", _RDS, name="kumiki-dev-reports-instance")),
    ],
)


def _alarms_of_an_example(count: int) -> list[Given]:
    return [aws("cloudwatch/metricAlarm:MetricAlarm", {"metricName": "x"}, name=f"alarm-{n}") for n in range(count)]


def _expression(metrics: int) -> Given:
    metric = {"metricName": "x", "period": 60, "stat": "Sum"}
    queries = [{"id": f"m{n}", "metric": metric} for n in range(metrics)]
    return aws("cloudwatch/metricAlarm:MetricAlarm", {"metricQueries": [{"id": "all", "expression": "m0"}, *queries]})


@graph_rule(
    id="free-tier-alarms",
    title="A free-tier stack has ten alarms at most",
    types=(types.METRIC_ALARM,),
    level=MANDATORY,
    severity="low",
    topics=("cost",),
    free_tier=True,
    remedy="Drop the alarms that nobody acts on; $0.10 a month each.",
)
def free_tier_alarms(alarm: Resource, at: Context) -> Iterator[str]:
    """An alarm on an expression counts once for each metric in it; said once, at the first alarm."""
    alarms = list(at.graph.of_kind(types.METRIC_ALARM))
    if alarm.urn != min(each.urn for each in alarms):
        return
    count = sum(_metrics(each) for each in alarms)
    if count > ALARMS:
        yield f"the alarms count as {count}, and {ALARMS} are free"


free_tier_alarms.examples(
    compliant=[_free(*_alarms_of_an_example(10)), _free(_expression(10))],
    non_compliant=[_free(*_alarms_of_an_example(11)), _free(_expression(11))],
)


def _metrics(alarm: Resource) -> int:
    queries = list(alarm.inputs.items("metricQueries").blocks())
    return sum(query.has("metric") for query in queries) if queries else 1


@graph_rule(
    id="free-tier-images",
    title="Repositories of a free-tier stack expire old images",
    types=(types.ECR_REPOSITORY,),
    level=MANDATORY,
    severity="low",
    topics=("cost",),
    free_tier=True,
    remedy="Add a LifecyclePolicy that keeps a few images: 500 MB are free.",
)
def free_tier_images(repository: Resource, at: Context) -> Iterator[str]:
    """How large images are only the registry knows; that old ones go can be seen here."""
    if not at.graph.children(repository, types.LIFECYCLE_POLICY, via="repository"):
        yield "nothing removes old images"


free_tier_images.examples(
    compliant=[
        _free(
            aws("ecr/repository:Repository", name="repository"),
            aws("ecr/lifecyclePolicy:LifecyclePolicy", {"repository": ref("repository"), "policy": "{}"}),
        )
    ],
    non_compliant=[_free(aws("ecr/repository:Repository"))],
)
