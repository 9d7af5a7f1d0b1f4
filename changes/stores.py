"""What keeps data, what its replacement or deletion does to the data, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Inputs = Mapping[str, Any]


def _nothing(_inputs: Inputs) -> str:
    return ""


@dataclass(frozen=True)
class Store:
    """A kind of resource that keeps data."""

    what: str
    survives: Callable[[Inputs], str] = _nothing
    """How the data can be had back after a deletion, by the old inputs; empty if it cannot."""
    refused: Callable[[Inputs], str] = _nothing
    """Why AWS or the provider would not delete it, by the old inputs; empty if it would."""
    lost: str = ""
    """What is lost, where "all data in it" does not say it."""


def _final_snapshot(inputs: Inputs) -> str:
    name = inputs.get("finalSnapshotIdentifier")
    return f"the final snapshot {name}" if name and inputs.get("skipFinalSnapshot") is not True else ""


def _on(name: str, value: Any = True, otherwise: Any = None) -> Callable[[Inputs], str]:
    """Refused while the input `name` has this value; `otherwise` is what the provider takes for an absent one."""
    return lambda inputs: f"{name} is {str(value).lower()}" if inputs.get(name, otherwise) == value else ""


def _unless(name: str, content: str) -> Callable[[Inputs], str]:
    """Refused while there is something in it, unless the input `name` says to delete that too."""
    return lambda inputs: "" if inputs.get(name) is True else f"{name} is not set, and it is refused while {content}"


def _recovery_window(inputs: Inputs) -> str:
    days = inputs.get("recoveryWindowInDays", 30)
    return f"restoring it within {days:g} days" if isinstance(days, int | float) and days > 0 else ""


_INSTANCE: Final = Store("database", _final_snapshot, _on("deletionProtection"))
_LOST_KEY: Final = "what is encrypted under it can never be read again, once the waiting period is over"

STORES: Final[Mapping[str, Store]] = {
    "aws:backup/vault:Vault": Store("backup vault", refused=_unless("forceDestroy", "it holds recovery points")),
    "aws:cloudtrail/eventDataStore:EventDataStore": Store(
        "event data store", refused=_on("terminationProtectionEnabled", otherwise=True)
    ),
    "aws:cloudwatch/logGroup:LogGroup": Store(
        "log group", lambda inputs: "the group, which stays" if inputs.get("skipDestroy") is True else ""
    ),
    "aws:codecommit/repository:Repository": Store("repository", lost="its history"),
    "aws:cognito/identityPool:IdentityPool": Store("identity pool", lost="the identities in it"),
    "aws:cognito/userPool:UserPool": Store(
        "user pool", refused=_on("deletionProtection", "ACTIVE"), lost="all users and their passwords"
    ),
    "aws:docdb/cluster:Cluster": _INSTANCE,
    "aws:docdb/elasticCluster:ElasticCluster": Store("database"),
    "aws:dsql/cluster:Cluster": Store("database", refused=_on("deletionProtectionEnabled")),
    "aws:dynamodb/table:Table": Store("table", refused=_on("deletionProtectionEnabled")),
    "aws:ebs/volume:Volume": Store(
        "volume", lambda inputs: "a final snapshot" if inputs.get("finalSnapshot") is True else ""
    ),
    "aws:ecr/repository:Repository": Store(
        "image repository", refused=_unless("forceDelete", "it holds images"), lost="all images in it"
    ),
    "aws:ecrpublic/repository:Repository": Store(
        "image repository", refused=_unless("forceDestroy", "it holds images"), lost="all images in it"
    ),
    "aws:efs/fileSystem:FileSystem": Store("file system"),
    "aws:elasticache/cluster:Cluster": Store("cache", _final_snapshot, lost="what is kept in memory"),
    "aws:elasticache/replicationGroup:ReplicationGroup": Store("cache", _final_snapshot, lost="what is kept in memory"),
    "aws:elasticache/serverlessCache:ServerlessCache": Store("cache", lost="what is kept in memory"),
    "aws:elasticsearch/domain:Domain": Store("search domain", lost="all indexes in it"),
    "aws:fsx/lustreFileSystem:LustreFileSystem": Store("file system"),
    "aws:fsx/ontapFileSystem:OntapFileSystem": Store("file system"),
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": Store("file system"),
    "aws:fsx/windowsFileSystem:WindowsFileSystem": Store("file system"),
    "aws:keyspaces/keyspace:Keyspace": Store("keyspace"),
    "aws:keyspaces/table:Table": Store("table"),
    "aws:kinesis/stream:Stream": Store("stream", lost="the records that nobody has read"),
    "aws:kms/externalKey:ExternalKey": Store("key", lost=_LOST_KEY),
    "aws:kms/key:Key": Store("key", lost=_LOST_KEY),
    "aws:kms/replicaKey:ReplicaKey": Store("key", lost=_LOST_KEY),
    "aws:lightsail/database:Database": _INSTANCE,
    "aws:lightsail/disk:Disk": Store("disk"),
    "aws:memorydb/cluster:Cluster": Store("in-memory database"),
    "aws:mq/broker:Broker": Store("message broker", lost="the messages in it"),
    "aws:msk/cluster:Cluster": Store("Kafka cluster"),
    "aws:msk/serverlessCluster:ServerlessCluster": Store("Kafka cluster"),
    "aws:neptune/cluster:Cluster": _INSTANCE,
    "aws:neptunegraph/graph:Graph": Store("graph", refused=_on("deletionProtection")),
    "aws:opensearch/domain:Domain": Store("search domain", lost="all indexes in it"),
    "aws:opensearch/serverlessCollection:ServerlessCollection": Store("collection", lost="all indexes in it"),
    "aws:qldb/ledger:Ledger": Store("ledger", refused=_on("deletionProtection", otherwise=True)),
    "aws:rds/cluster:Cluster": _INSTANCE,
    "aws:rds/globalCluster:GlobalCluster": Store("global database", refused=_on("deletionProtection")),
    "aws:rds/instance:Instance": _INSTANCE,
    "aws:redshift/cluster:Cluster": Store("data warehouse", _final_snapshot),
    "aws:redshiftserverless/namespace:Namespace": Store("data warehouse"),
    "aws:route53/zone:Zone": Store(
        "hosted zone",
        refused=_unless("forceDestroy", "it holds records of others"),
        lost="its name servers: the domain is unreachable until its registrar has the new ones",
    ),
    "aws:s3/bucket:Bucket": Store("bucket", refused=_unless("forceDestroy", "it holds objects")),
    "aws:s3/bucketV2:BucketV2": Store("bucket", refused=_unless("forceDestroy", "it holds objects")),
    "aws:s3/directoryBucket:DirectoryBucket": Store("bucket", refused=_unless("forceDestroy", "it holds objects")),
    "aws:s3tables/tableBucket:TableBucket": Store("table bucket"),
    "aws:s3tables/table:Table": Store("table"),
    "aws:secretsmanager/secret:Secret": Store("secret", _recovery_window),
    "aws:sqs/queue:Queue": Store("queue", lost="the messages in it"),
    "aws:timestreaminfluxdb/dbInstance:DbInstance": Store("database"),
    "aws:timestreamwrite/table:Table": Store("table"),
}
"""By the type's token. An Aurora instance is none: its cluster keeps the data."""

INSTANCE_OF_CLUSTER: Final = "aws:rds/clusterInstance:ClusterInstance"

REPLACED: Final[Mapping[str, str]] = {
    "aws:acm/certificate:Certificate": "the new certificate has to be validated",
    "aws:apigateway/restApi:RestApi": "a new address for all who call it",
    "aws:apigatewayv2/api:Api": "a new address for all who call it",
    "aws:apprunner/service:Service": "a new address for all who call it",
    "aws:cloudfront/distribution:Distribution": "a new domain name",
    "aws:ec2/eip:Eip": "a new address",
    "aws:ec2/instance:Instance": "an outage while the new instance starts, and a new private address",
    "aws:ec2/natGateway:NatGateway": "connections to the outside break",
    "aws:ec2/subnet:Subnet": "everything with a network interface in it moves",
    "aws:ec2/vpc:Vpc": "everything in the network is made again",
    "aws:ecs/expressGatewayService:ExpressGatewayService": "an outage until its tasks run again, and a new address",
    "aws:ecs/service:Service": "an outage until its tasks run again",
    "aws:elasticache/replicationGroup:ReplicationGroup": "a new endpoint",
    "aws:lb/loadBalancer:LoadBalancer": "a new DNS name",
    "aws:lb/targetGroup:TargetGroup": "no targets until they are registered and healthy",
    INSTANCE_OF_CLUSTER: "an outage or a failover; the data stays with the cluster",
}
"""What a replacement means for those who use it, beside its data."""

RESTARTS: Final[Mapping[str, frozenset[str]]] = {
    "aws:ec2/instance:Instance": frozenset({"instanceType", "userData", "userDataBase64"}),
    "aws:ecs/expressGatewayService:ExpressGatewayService": frozenset(
        {"cpu", "memory", "networkConfigurations", "primaryContainer", "taskRoleArn", "executionRoleArn"}
    ),
    "aws:ecs/service:Service": frozenset({"taskDefinition", "networkConfiguration", "forceNewDeployment"}),
    "aws:elasticache/replicationGroup:ReplicationGroup": frozenset({"nodeType", "engineVersion", "parameterGroupName"}),
    "aws:rds/cluster:Cluster": frozenset({"engineVersion", "dbClusterParameterGroupName", "port"}),
    INSTANCE_OF_CLUSTER: frozenset({"instanceClass", "dbParameterGroupName", "caCertIdentifier"}),
    "aws:rds/instance:Instance": frozenset(
        {"instanceClass", "engineVersion", "parameterGroupName", "multiAz", "storageType", "port", "caCertIdentifier"}
    ),
}
"""The properties whose change in place restarts what runs."""
