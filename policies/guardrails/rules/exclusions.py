"""Inputs that exclude or need each other: what the provider or AWS refuses although each of them is right alone.

The provider's own lists stand in its references (`Conflicts with`, `Exactly one of`), AWS's in its API references,
under the errors and the descriptions of parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, UNKNOWN, Props, aws, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


@dataclass(frozen=True)
class Excluding:
    """Inputs of a type of which only one may be given."""

    type: str
    inputs: tuple[str, ...]


_ONE_OF = (
    Excluding("acm/certificate:Certificate", ("domainName", "certificateBody")),
    Excluding("autoscaling/group:Group", ("launchConfiguration", "launchTemplate", "mixedInstancesPolicy")),
    Excluding("autoscaling/group:Group", ("availabilityZones", "vpcZoneIdentifiers")),
    Excluding("cloudwatch/eventTarget:EventTarget", ("input", "inputPath", "inputTransformer")),
    Excluding("cloudwatch/metricAlarm:MetricAlarm", ("metricName", "metricQueries")),
    Excluding("cloudwatch/metricAlarm:MetricAlarm", ("statistic", "extendedStatistic")),
    Excluding("cognito/userPool:UserPool", ("aliasAttributes", "usernameAttributes")),
    Excluding("ec2/eip:Eip", ("instance", "networkInterface")),
    Excluding("ec2/flowLog:FlowLog", ("vpcId", "subnetId", "eniId", "transitGatewayId")),
    Excluding("ec2/instance:Instance", ("userData", "userDataBase64")),
    Excluding("ec2/instance:Instance", ("networkInterfaces", "subnetId")),
    Excluding("ec2/instance:Instance", ("networkInterfaces", "vpcSecurityGroupIds")),
    Excluding("ec2/instance:Instance", ("networkInterfaces", "associatePublicIpAddress")),
    Excluding("ec2/launchTemplate:LaunchTemplate", ("securityGroupNames", "vpcSecurityGroupIds")),
    Excluding("ec2/route:Route", ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")),
    Excluding(
        "ec2/route:Route",
        (
            "gatewayId",
            "natGatewayId",
            "transitGatewayId",
            "vpcPeeringConnectionId",
            "networkInterfaceId",
            "vpcEndpointId",
        ),
    ),
    Excluding("ec2/securityGroupRule:SecurityGroupRule", ("cidrBlocks", "sourceSecurityGroupId")),
    Excluding("ec2/securityGroupRule:SecurityGroupRule", ("cidrBlocks", "self")),
    Excluding("ec2/securityGroupRule:SecurityGroupRule", ("sourceSecurityGroupId", "self")),
    Excluding("ec2/subnet:Subnet", ("availabilityZone", "availabilityZoneId")),
    Excluding("ec2/vpc:Vpc", ("cidrBlock", "ipv4NetmaskLength")),
    Excluding("ecs/service:Service", ("launchType", "capacityProviderStrategies")),
    Excluding("elasticache/replicationGroup:ReplicationGroup", ("numCacheClusters", "numNodeGroups")),
    Excluding("glue/job:Job", ("maxCapacity", "workerType")),
    Excluding("glue/job:Job", ("maxCapacity", "numberOfWorkers")),
    Excluding("lambda/function:Function", ("code", "s3Bucket", "imageUri")),
    Excluding("rds/cluster:Cluster", ("masterPassword", "manageMasterUserPassword")),
    Excluding("rds/instance:Instance", ("password", "manageMasterUserPassword")),
    Excluding("route53/record:Record", ("records", "aliases")),
    Excluding("route53/record:Record", ("ttl", "aliases")),
    Excluding(
        "route53/record:Record",
        (
            "weightedRoutingPolicies",
            "latencyRoutingPolicies",
            "failoverRoutingPolicies",
            "geolocationRoutingPolicies",
            "multivalueAnswerRoutingPolicy",
        ),
    ),
    Excluding("s3/bucketObject:BucketObject", ("source", "content", "contentBase64")),
    Excluding("s3/bucketObjectv2:BucketObjectv2", ("source", "content", "contentBase64")),
    Excluding("s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration", ("redirectAllRequestsTo", "indexDocument")),
    Excluding("secretsmanager/secretVersion:SecretVersion", ("secretString", "secretBinary")),
    Excluding("sqs/queue:Queue", ("kmsMasterKeyId", "sqsManagedSseEnabled")),
    Excluding("ssm/parameter:Parameter", ("value", "insecureValue")),
)


def _given(props: Props, key: str) -> bool:
    """Whether something is set there; a false and nothing between brackets are as good as unset. Raises NotYetKnown."""
    props.get(key)
    return props.raw.get(key) not in (None, False, "", [], {})


@rule(
    id="inputs-exclude-each-other",
    title="Of inputs that exclude each other only one is given",
    types=("aws:*",),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Keep one of them.",
)
def inputs_exclude_each_other(resource: Resource, _at: Context) -> Iterator[str]:
    """The provider refuses both a name and its prefix, two sources of one thing, two targets of a route, and the like;
    its references say of each which others it conflicts with."""
    keys = resource.inputs.keys()
    for key in keys:
        prefix = f"{key}Prefix"
        # A prefix of keys in a bucket, or of paths, is another thing.
        if prefix in keys and key in _NAMES and _given(resource.inputs, key) and _given(resource.inputs, prefix):
            yield f"{key} and {prefix} exclude each other"
    for one in _ONE_OF:
        if resource.kind == f"aws:{one.type}":
            given = [each for each in one.inputs if _given(resource.inputs, each)]
            if len(given) > 1:
                yield f"{' and '.join(given)} exclude each other"


_NAMES = ("name", "bucket", "identifier", "clusterIdentifier", "keyName", "family")

inputs_exclude_each_other.examples(
    compliant=[
        *(aws(one.type, {each: "x"}) for one in _ONE_OF for each in one.inputs[:1]),
        aws("s3/bucket:Bucket", {"bucketPrefix": "notes-"}),
        aws("sqs/queue:Queue", {"kmsMasterKeyId": "alias/x", "sqsManagedSseEnabled": False}),
    ],
    non_compliant=[
        *(aws(one.type, dict.fromkeys(one.inputs[:2], "x")) for one in _ONE_OF),
        aws("s3/bucket:Bucket", {"bucket": "notes", "bucketPrefix": "notes-"}),
        aws("rds/instance:Instance", {"identifier": "db", "identifierPrefix": "db-"}),
    ],
)


@dataclass(frozen=True)
class Fit:
    """What must hold between inputs of a type."""

    type: str
    broken: Callable[[Props], str | None]
    """What is wrong with these inputs; None where nothing is."""
    right: dict[str, Any]
    wrong: dict[str, Any]


def _flow_log(props: Props) -> str | None:
    kind = props.text("logDestinationType") or "cloud-watch-logs"
    if kind in ("s3", "kinesis-data-firehose") and _given(props, "iamRoleArn"):
        return f"iamRoleArn is given, and logs that go to {kind} take no role"
    if kind == "cloud-watch-logs" and not _given(props, "iamRoleArn"):
        return "logs that go to CloudWatch need iamRoleArn"
    return None


# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage
_FIXED_UNTIL_GIB = 400
_FIXED_UNTIL_GIB_ORACLE = 200


def _database_storage(props: Props) -> str | None:
    if props.text("storageType") != "gp3" or props.text("engine").startswith(("sqlserver", "db2")):
        return None
    size = props.number("allocatedStorage")
    until = _FIXED_UNTIL_GIB_ORACLE if props.text("engine").startswith("oracle") else _FIXED_UNTIL_GIB
    found = [key for key in ("iops", "storageThroughput") if _given(props, key)]
    if size is not None and size < until and found:
        return f"{' and '.join(found)} cannot be set for gp3 with less than {until} GiB"
    return None


_NOT_IN_PASSWORDS = '/@" '


def _password(key: str) -> Callable[[Props], str | None]:
    def broken(props: Props) -> str | None:
        found = [one for one in _NOT_IN_PASSWORDS if one in props.text(key)]
        return f"{key} holds {', '.join(map(repr, found))}, which RDS does not take" if found else None

    return broken


def _cache_policy(props: Props) -> str | None:
    default = props.maybe("defaultCacheBehavior")
    own = [default] if isinstance(default, Props) else []
    for one in [*own, *props.items("orderedCacheBehaviors").blocks()]:
        if not one.has("cachePolicyId"):
            if not one.has("forwardedValues"):
                return "a cache behavior has neither cachePolicyId nor forwardedValues"
            continue
        if one.has("forwardedValues"):
            return "a cache behavior with cachePolicyId takes no forwardedValues"
        if any(_given(one, ttl) for ttl in ("minTtl", "defaultTtl", "maxTtl")):
            return "a cache behavior with cachePolicyId takes its times to live from the policy"
    return None


_TARGETS_OF_TCP = ("TCP", "TCP_UDP", "UDP", "TLS")


def _target_group(props: Props) -> str | None:
    if props.text("targetType") == "lambda":
        return None
    missing = [key for key in ("port", "protocol", "vpcId") if not _given(props, key)]
    if missing:
        return f"{', '.join(missing)} must be given where targets are not functions"
    check = props.maybe("healthCheck")
    if not isinstance(check, Props) or check.text("protocol") != "TCP":
        return None
    found = [key for key in ("path", "matcher") if _given(check, key)]
    return f"a health check by TCP takes no {' and no '.join(found)}" if found else None


def _image(props: Props) -> str | None:
    found = [key for key in ("handler", "runtime", "layers") if _given(props, key)]
    if props.text("packageType") == "Image" and found:
        return f"a function of an image takes no {', no '.join(found)}"
    if props.text("packageType") in ("", "Zip") and not _given(props, "imageUri"):
        missing = [key for key in ("handler", "runtime") if not _given(props, key)]
        return f"a function of a zip file needs {' and '.join(missing)}" if missing else None
    return None


def _nat(props: Props) -> str | None:
    private = props.text("connectivityType") == "private"
    if private and _given(props, "allocationId"):
        return "a private NAT gateway takes no allocationId"
    if not private and props.text("availabilityMode") != "regional" and not _given(props, "allocationId"):
        return "a public NAT gateway needs allocationId, the address that it has"
    return None


def _throughput(props: Props) -> str | None:
    provisioned = props.text("throughputMode") == "provisioned"
    if provisioned != _given(props, "provisionedThroughputInMibps"):
        return "throughputMode provisioned and provisionedThroughputInMibps go together"
    return None


def _shards(props: Props) -> str | None:
    mode = props.maybe("streamModeDetails.streamMode")
    if mode is UNKNOWN:
        return None
    if mode == "ON_DEMAND" and _given(props, "shardCount"):
        return "shardCount is given, and the stream is ON_DEMAND"
    return (
        "shardCount must be given, or the stream be ON_DEMAND"
        if mode != "ON_DEMAND" and not _given(props, "shardCount")
        else None
    )


def _sizes(low: str, high: str, *between: str) -> Callable[[Props], str | None]:
    def broken(props: Props) -> str | None:
        least, most = props.number(low), props.number(high)
        if least is None or most is None:
            return None
        if least > most:
            return f"{low} ({least:g}) is above {high} ({most:g})"
        for key in between:
            wanted = props.number(key)
            if wanted is not None and not least <= wanted <= most:
                return f"{key} ({wanted:g}) is not between {low} ({least:g}) and {high} ({most:g})"
        return None

    return broken


def _failover(props: Props) -> str | None:
    count = props.number("numCacheClusters")
    if props.get("automaticFailoverEnabled") and count is not None and count < 2:
        return "automaticFailoverEnabled needs two cache clusters or more"
    return None


def _event_rule(props: Props) -> str | None:
    if not any(_given(props, key) for key in ("scheduleExpression", "eventPattern")):
        return "scheduleExpression or eventPattern must be given"
    return None


def _routing(props: Props) -> str | None:
    policies = any("RoutingPolic" in key and _given(props, key) for key in props.raw)
    if policies != _given(props, "setIdentifier"):
        return "setIdentifier and a routing policy go together"
    if not any(_given(props, key) for key in ("records", "aliases")):
        return "records or aliases must be given"
    return "ttl must be given with records" if _given(props, "records") and not _given(props, "ttl") else None


def _listener(props: Props) -> str | None:
    secure = props.text("protocol") in ("HTTPS", "TLS")
    if secure and not _given(props, "certificateArn"):
        return f"a listener of {props.text('protocol')} needs certificateArn"
    if not secure and props.text("protocol") and _given(props, "certificateArn"):
        return f"a listener of {props.text('protocol')} takes no certificateArn"
    return None


def _node_group(props: Props) -> str | None:
    if not props.has("launchTemplate"):
        return None
    found = [key for key in ("diskSize", "remoteAccess") if _given(props, key)]
    return f"with a launch template, {' and '.join(found)} must be left to it" if found else None


_FLOW = {"vpcId": "vpc-1", "trafficType": "ALL", "logDestination": "arn:aws:s3:::logs"}
_DATABASE = {"engine": "postgres", "storageType": "gp3", "iops": 12000}
_BEHAVIOUR = {"targetOriginId": "o", "viewerProtocolPolicy": "https-only"}
_OF_ZIP = {"handler": "a.b", "runtime": "python3.13"}

_FITS = (
    Fit("ec2/flowLog:FlowLog", _flow_log, {**_FLOW, "logDestinationType": "s3"},
        {**_FLOW, "logDestinationType": "s3", "iamRoleArn": "arn"}),
    Fit("ec2/flowLog:FlowLog", _flow_log, {**_FLOW, "iamRoleArn": "arn"}, _FLOW),
    Fit("rds/instance:Instance", _database_storage, {**_DATABASE, "allocatedStorage": 400},
        {**_DATABASE, "allocatedStorage": 100}),
    Fit("rds/instance:Instance", _password("password"), {"password": "right!horse"}, {"password": "wrong@horse"}),
    Fit("rds/cluster:Cluster", _password("masterPassword"), {"masterPassword": "right!"}, {"masterPassword": "wr/ng"}),
    Fit("cloudfront/distribution:Distribution", _cache_policy,
        {"defaultCacheBehavior": {**_BEHAVIOUR, "cachePolicyId": "p"}},
        {"defaultCacheBehavior": {**_BEHAVIOUR, "cachePolicyId": "p", "forwardedValues": {"queryString": False}}}),
    Fit("cloudfront/distribution:Distribution", _cache_policy,
        {"defaultCacheBehavior": {**_BEHAVIOUR, "forwardedValues": {"queryString": False}, "defaultTtl": 60}},
        {"defaultCacheBehavior": {**_BEHAVIOUR, "cachePolicyId": "p", "defaultTtl": 60}}),
    Fit("lb/targetGroup:TargetGroup", _target_group, {"port": 80, "protocol": "TCP", "vpcId": "v"}, {"port": 80}),
    Fit("lb/targetGroup:TargetGroup", _target_group, {"targetType": "lambda"},
        {"port": 80, "protocol": "TCP", "vpcId": "v", "healthCheck": {"protocol": "TCP", "path": "/"}}),
    Fit("lambda/function:Function", _image, {"packageType": "Image", "imageUri": "i"},
        {"packageType": "Image", "imageUri": "i", **_OF_ZIP}),
    Fit("lambda/function:Function", _image, _OF_ZIP, {"handler": "a.b"}),
    Fit("ec2/natGateway:NatGateway", _nat, {"connectivityType": "private"},
        {"connectivityType": "private", "allocationId": "e"}),
    Fit("ec2/natGateway:NatGateway", _nat, {"allocationId": "e"}, {"subnetId": "s"}),
    Fit("efs/fileSystem:FileSystem", _throughput,
        {"throughputMode": "provisioned", "provisionedThroughputInMibps": 64}, {"throughputMode": "provisioned"}),
    Fit("kinesis/stream:Stream", _shards, {"shardCount": 1}, {}),
    Fit("kinesis/stream:Stream", _shards, {"streamModeDetails": {"streamMode": "ON_DEMAND"}},
        {"streamModeDetails": {"streamMode": "ON_DEMAND"}, "shardCount": 2}),
    Fit("autoscaling/group:Group", _sizes("minSize", "maxSize", "desiredCapacity"),
        {"minSize": 1, "maxSize": 3, "desiredCapacity": 2}, {"minSize": 1, "maxSize": 3, "desiredCapacity": 4}),
    Fit("appautoscaling/target:Target", _sizes("minCapacity", "maxCapacity"), {"minCapacity": 1, "maxCapacity": 2},
        {"minCapacity": 3, "maxCapacity": 2}),
    Fit("eks/nodeGroup:NodeGroup",
        _sizes("scalingConfig.minSize", "scalingConfig.maxSize", "scalingConfig.desiredSize"),
        {"scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 2}},
        {"scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 3}}),
    Fit("eks/nodeGroup:NodeGroup", _node_group, {"diskSize": 20}, {"diskSize": 20, "launchTemplate": {"version": "1"}}),
    Fit("elasticache/replicationGroup:ReplicationGroup", _failover,
        {"automaticFailoverEnabled": True, "numCacheClusters": 2},
        {"automaticFailoverEnabled": True, "numCacheClusters": 1}),
    Fit("cloudwatch/eventRule:EventRule", _event_rule, {"scheduleExpression": "rate(1 day)"}, {}),
    Fit("route53/record:Record", _routing, {"records": ["x"], "ttl": 60},
        {"records": ["x"], "ttl": 60, "weightedRoutingPolicies": [{"weight": 1}]}),
    Fit("route53/record:Record", _routing, {"aliases": [{"name": "x"}]}, {"records": ["x"]}),
    Fit("lb/listener:Listener", _listener, {"protocol": "HTTP"}, {"protocol": "HTTPS"}),
    Fit("lb/listener:Listener", _listener, {"protocol": "TLS", "certificateArn": "c"},
        {"protocol": "HTTP", "certificateArn": "c"}),
)  # fmt: skip


@rule(
    id="inputs-fit-each-other",
    title="Inputs that need each other are given together, and none that another one rules out",
    types=tuple(dict.fromkeys(f"aws:{one.type}" for one in _FITS)),
    level=MANDATORY,
    severity="low",
    topics=("fit",),
    remedy="Give what is missing, or leave out what the other one rules out.",
)
def inputs_fit_each_other(resource: Resource, _at: Context) -> Iterator[str]:
    """AWS refuses a role for flow logs to S3, IOPS for a small gp3 database, a cache policy beside forwarded values, a
    path in a health check by TCP, a runtime for an image, a desired size outside its limits, and the like."""
    for broken in dict.fromkeys(one.broken for one in _FITS if f"aws:{one.type}" == resource.kind):
        wrong = broken(resource.inputs)
        if wrong is not None:
            yield wrong


inputs_fit_each_other.examples(
    compliant=[aws(one.type, one.right) for one in _FITS],
    non_compliant=[aws(one.type, one.wrong) for one in _FITS],
)
