"""ElastiCache."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec


def _logs(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider has one `destination`; AWS has details by the kind of destination."""
    logs = inputs.get("logDeliveryConfigurations")
    if logs is None:
        return inputs
    return {**inputs, "logDeliveryConfigurations": [_log(one) for one in logs]}


def _log(one: dict[str, Any]) -> dict[str, Any]:
    details = (
        {"cloudWatchLogsDetails": {"logGroup": one["destination"]}}
        if one["destinationType"] == "cloudwatch-logs"
        else {"kinesisFirehoseDetails": {"deliveryStream": one["destination"]}}
    )
    rest = {key: value for key, value in one.items() if key != "destination"}
    return {**rest, "destinationDetails": details}


def _primary(context: CreateContext) -> str | None:
    shards = context.response["ReplicationGroup"].get("NodeGroups") or [{}]
    return (shards[0].get("PrimaryEndpoint") or {}).get("Address")


def _reader(context: CreateContext) -> str | None:
    """moto keeps it to itself; as in AWS it is the primary's with another first word."""
    primary = _primary(context)
    return primary and primary.replace("master.", "replica.", 1)


_USER_ARN: Final = "arn:{partition}:elasticache:{region}:{account}:user:{id}"

SPECS: Final[dict[str, Spec]] = {
    "aws:elasticache/user:User": Spec(
        service="elasticache",
        create=Call(operation="CreateUser"),
        id="{userId}",
        outputs={"arn": _USER_ARN},
    ),
    "aws:elasticache/userGroup:UserGroup": Spec(
        service="elasticache",
        create=Call(operation="CreateUserGroup"),
        id="{userGroupId}",
        outputs={"arn": _USER_ARN.replace(":user:", ":usergroup:")},
        validated_only=lambda _inputs: "the emulator has users of a cache, but no groups of them",
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": Spec(
        service="elasticache",
        create=Call(
            operation="CreateCacheSubnetGroup",
            takes={"name": "CacheSubnetGroupName", "description": "CacheSubnetGroupDescription"},
        ),
        id="{name}",
        autoname="name",
        defaults={"description": "Managed by Pulumi"},
        outputs={"arn": "CacheSubnetGroup.ARN", "vpcId": "CacheSubnetGroup.VpcId"},
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Spec(
        service="elasticache",
        create=Call(
            operation="CreateReplicationGroup",
            takes={
                "description": "ReplicationGroupDescription",
                "nodeType": "CacheNodeType",
                "parameterGroupName": "CacheParameterGroupName",
                "subnetGroupName": "CacheSubnetGroupName",
                "securityGroupNames": "CacheSecurityGroupNames",
                "maintenanceWindow": "PreferredMaintenanceWindow",
                "multiAzEnabled": "MultiAZEnabled",
                "preferredCacheClusterAzs": "PreferredCacheClusterAZs",
                "nodeGroupConfigurations": "NodeGroupConfiguration",
            },
            reshape=_logs,
        ),
        id="{replicationGroupId}",
        autoname="replicationGroupId",
        left_out={
            "applyImmediately": "read by the provider on changes",
            "finalSnapshotIdentifier": "read by the provider on deletion",
            "authTokenUpdateStrategy": "read by the provider on changes",
        },
        outputs={
            "arn": "ReplicationGroup.ARN",
            "primaryEndpointAddress": _primary,
            "readerEndpointAddress": _reader,
            "configurationEndpointAddress": "ReplicationGroup.ConfigurationEndpoint.Address",
            "memberClusters": "ReplicationGroup.MemberClusters",
        },
    ),
}
