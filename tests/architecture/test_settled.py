"""A second update changes nothing: what AWS fills in or changes by itself is written by the program, or ignored.

The provider reads what AWS has at every refresh. Where the program says nothing and AWS has filled something in, or
where AWS has since changed what the program says, the next update would take it back, again and again.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.architecture.test_whole_stacks import deployed

WRITTEN = {
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        # terraform-provider-aws#45157: S3 blocks SSE-C in new buckets since April 2026, and reports it.
        "rules.blockedEncryptionTypes",
        "rules.bucketKeyEnabled",
    ),
    "aws:ecs/service:Service": (
        # pulumi-aws#5903: ECS copies the cluster's default into the service.
        "capacityProviderStrategies",
        # On for new services since September 2025.
        "availabilityZoneRebalancing",
    ),
    # What Express Mode would choose; the provider reads all of it back.
    "aws:ecs/expressGatewayService:ExpressGatewayService": (
        *("cluster", "cpu", "memory", "healthCheckPath", "scalingTargets.autoScalingMetric"),
        *("networkConfigurations.securityGroups", "primaryContainer.awsLogsConfigurations"),
    ),
    # Windows that AWS would choose at random, and backups of a day.
    "aws:rds/cluster:Cluster": ("preferredBackupWindow", "preferredMaintenanceWindow", "backupRetentionPeriod"),
    "aws:rds/clusterInstance:ClusterInstance": (
        "preferredMaintenanceWindow",
        "caCertIdentifier",
        "promotionTier",
        "autoMinorVersionUpgrade",
        "performanceInsightsEnabled",
    ),
    "aws:rds/instance:Instance": (
        "backupWindow",
        "maintenanceWindow",
        "backupRetentionPeriod",
        "caCertIdentifier",
        "autoMinorVersionUpgrade",
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "snapshotWindow",
        "maintenanceWindow",
        "autoMinorVersionUpgrade",
        "parameterGroupName",
    ),
    # Two days, one worker type and the newest version, unless a job says otherwise.
    "aws:glue/job:Job": ("timeout", "workerType", "numberOfWorkers", "glueVersion", "executionProperty"),
    "aws:codedeploy/deploymentGroup:DeploymentGroup": ("deploymentStyle", "autoRollbackConfiguration"),
    "aws:cfg/recorder:Recorder": ("recordingGroup", "recordingMode"),
    "aws:lambda/function:Function": ("memorySize", "timeout", "architectures"),
    "aws:cognito/userPoolClient:UserPoolClient": ("explicitAuthFlows", "accessTokenValidity", "tokenValidityUnits"),
    "aws:kms/key:Key": ("rotationPeriodInDays", "deletionWindowInDays"),
    "aws:lb/listener:Listener": ("sslPolicy",),
    "aws:scheduler/schedule:Schedule": ("flexibleTimeWindow", "scheduleExpressionTimezone"),
}
"""By type, the inputs that AWS fills in where a program leaves them out."""

IGNORED = {
    "aws:ec2/subnet:Subnet": ("availabilityZone", "AWS opens and closes zones", None),
    "aws:rds/clusterInstance:ClusterInstance": ("availabilityZone", "turns change with the zones", None),
    "aws:rds/cluster:Cluster": ("engineVersion", "AWS upgrades minor versions", None),
    "aws:rds/instance:Instance": ("engineVersion", "AWS upgrades minor versions", None),
    "aws:dynamodb/table:Table": ("replicas", "are resources of their own, and the table reports them too", None),
    "aws:cognito/userPool:UserPool": ("schemas", "Cognito adds its own attributes", None),
    "aws:ecs/service:Service": ("desiredCount", "scaling sets it", "scaled"),
    "aws:secretsmanager/secretVersion:SecretVersion": ("secretString", "a random value at each run", None),
}
"""By type, the input that something else than the program changes, and why; `scaled`: where scaling is on."""

STACKS = ("prod", "serverless", "analytics", "personal")
"""Together they have every part."""


@pytest.mark.parametrize("name", STACKS)
def test_what_aws_fills_in_or_changes_is_written_or_ignored(name: str) -> None:
    made = deployed(name)
    scaled = {str(each.inputs["resourceId"]) for each in made.of("appautoscaling/target:Target")}
    left = [
        f"{each.name}: {path} is left to AWS, which fills it in"
        for each in made.resources
        for path in WRITTEN.get(each.type, ())
        if not _has(each.inputs, path) and not (path == "sslPolicy" and each.inputs.get("protocol") == "HTTP")
    ]
    fought = [
        f"{each.name}: {path} is not ignored, and {why}"
        for each in made.resources
        if each.type in IGNORED
        for path, why, when in [IGNORED[each.type]]
        if when is None or any(str(each.inputs.get("name")) in resource for resource in scaled)
        if path not in each.ignore_changes
    ]
    assert left + fought == []


def _has(inputs: dict[str, Any], path: str) -> bool:
    """Whether something is set at `path`, in every element of the lists on the way."""
    key, _, rest = path.partition(".")
    value = inputs.get(key)
    if not rest:
        return value is not None
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, dict) and _has(item, rest) for item in items)
