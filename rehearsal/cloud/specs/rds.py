"""RDS and Aurora."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Source, Spec

_GROUP_PARAMETERS: Final = {"applyMethod": "immediate"}

# Read by the provider when it changes or deletes the database.
_LATER: Final = {
    "skipFinalSnapshot": "read by the provider on deletion",
    "finalSnapshotIdentifier": "read by the provider on deletion",
    "deleteAutomatedBackups": "read by the provider on deletion",
    "applyImmediately": "read by the provider on changes",
    "allowMajorVersionUpgrade": "read by the provider on changes",
}
_DATABASE_NAMES: Final = {
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
}


def _parameters(inputs: dict[str, Any]) -> dict[str, Any]:
    given = [{**_GROUP_PARAMETERS, **one} for one in inputs["parameters"]]
    return {
        "parameters": [
            {"ParameterName": one["name"], "ParameterValue": one["value"], "ApplyMethod": one["applyMethod"]}
            for one in given
        ]
    }


def _parameter_group(kind: str) -> Spec:
    """Of a cluster or of an instance: AWS makes it empty."""
    return Spec(
        service="rds",
        create=Call(operation=f"Create{kind}", takes={"name": f"{kind}Name", "family": "DBParameterGroupFamily"}),
        id="{name}",
        autoname="name",
        defaults={"description": "Managed by Pulumi"},
        then=[
            Call(
                operation=f"Modify{kind}",
                takes={"parameters": "Parameters"},
                reshape=_parameters,
                fixed={f"{kind}Name": "{name}"},
            )
        ],
        outputs={"arn": f"{kind}.{kind}Arn"},
    )


def _secrets(kind: str) -> Source:
    """The secret of the master password, as the provider hands it out."""

    def secrets(context: CreateContext) -> list[dict[str, Any]]:
        secret = context.response[kind].get("MasterUserSecret")
        if not secret:
            return []
        return [
            {
                "secretArn": secret["SecretArn"],
                "secretStatus": secret["SecretStatus"],
                "kmsKeyId": secret.get("KmsKeyId"),
            }
        ]

    return secrets


def _address(context: CreateContext) -> str:
    endpoint = context.response["DBInstance"].get("Endpoint") or {}
    return endpoint.get("Address") or f"{context.id}.abcdefghijkl.{context.region}.rds.amazonaws.com"


SPECS: Final[dict[str, Spec]] = {
    "aws:rds/subnetGroup:SubnetGroup": Spec(
        service="rds",
        create=Call(
            operation="CreateDBSubnetGroup",
            takes={"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"},
        ),
        id="{name}",
        autoname="name",
        defaults={"description": "Managed by Pulumi"},
        outputs={"arn": "DBSubnetGroup.DBSubnetGroupArn", "vpcId": "DBSubnetGroup.VpcId"},
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _parameter_group("DBClusterParameterGroup"),
    "aws:rds/parameterGroup:ParameterGroup": _parameter_group("DBParameterGroup"),
    "aws:rds/cluster:Cluster": Spec(
        service="rds",
        create=Call(
            operation="CreateDBCluster",
            takes={
                **_DATABASE_NAMES,
                "clusterIdentifier": "DBClusterIdentifier",
                "masterPassword": "MasterUserPassword",
            },
        ),
        id="DBCluster.DBClusterIdentifier",
        autoname="clusterIdentifier",
        left_out=_LATER,
        outputs={
            "arn": "DBCluster.DBClusterArn",
            "endpoint": "DBCluster.Endpoint",
            "readerEndpoint": "DBCluster.ReaderEndpoint",
            "port": "DBCluster.Port",
            "engineVersion": "DBCluster.EngineVersion",
            "engineVersionActual": "DBCluster.EngineVersion",
            "clusterResourceId": "DBCluster.DbClusterResourceId",
            "hostedZoneId": "DBCluster.HostedZoneId",
            "masterUserSecrets": _secrets("DBCluster"),
        },
    ),
    "aws:rds/clusterInstance:ClusterInstance": Spec(
        service="rds",
        create=Call(
            operation="CreateDBInstance",
            takes={
                "identifier": "DBInstanceIdentifier",
                "clusterIdentifier": "DBClusterIdentifier",
                "instanceClass": "DBInstanceClass",
                "performanceInsightsEnabled": "EnablePerformanceInsights",
                "caCertIdentifier": "CACertificateIdentifier",
            },
        ),
        id="DBInstance.DBInstanceIdentifier",
        autoname="identifier",
        left_out=_LATER,
        outputs={
            "arn": "DBInstance.DBInstanceArn",
            "endpoint": _address,
            "port": lambda context: (context.response["DBInstance"].get("Endpoint") or {}).get("Port", 5432),
            "writer": lambda context: context.inputs.get("promotionTier", 0) == 0,
            "dbiResourceId": "DBInstance.DbiResourceId",
        },
    ),
    "aws:rds/instance:Instance": Spec(
        service="rds",
        create=Call(
            operation="CreateDBInstance",
            takes={
                **_DATABASE_NAMES,
                "identifier": "DBInstanceIdentifier",
                "instanceClass": "DBInstanceClass",
                "username": "MasterUsername",
                "password": "MasterUserPassword",
                "backupWindow": "PreferredBackupWindow",
                "maintenanceWindow": "PreferredMaintenanceWindow",
                "parameterGroupName": "DBParameterGroupName",
                "caCertIdentifier": "CACertificateIdentifier",
            },
        ),
        id="DBInstance.DBInstanceIdentifier",
        autoname="identifier",
        left_out=_LATER,
        outputs={
            "arn": "DBInstance.DBInstanceArn",
            "address": _address,
            "endpoint": lambda context: f"{_address(context)}:{context.inputs.get('port', 5432)}",
            "port": lambda context: context.inputs.get("port", 5432),
            "engineVersionActual": "DBInstance.EngineVersion",
            "resourceId": "DBInstance.DbiResourceId",
            "masterUserSecrets": _secrets("DBInstance"),
        },
    ),
}
