"""The specs of databases, caches, secrets, parameters and scaling, on moto."""

from __future__ import annotations

import pytest

from rehearsal.cloud.client import CreateResult
from rehearsal.cloud.lookups import look_up
from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import REGION, TAGS, Cloud, cloud, tags_of

__all__ = ["cloud"]


def group(cloud: Cloud) -> str:
    vpc = cloud.vpc()
    subnets = [
        cloud.make("aws:ec2/subnet:Subnet", f"subnet-{zone}", vpcId=vpc, cidrBlock=f"10.0.{number}.0/24",
                   availabilityZone=f"{REGION}{zone}").id
        for number, zone in enumerate("ac")
    ]  # fmt: skip
    return cloud.make("aws:rds/subnetGroup:SubnetGroup", name="databases", subnetIds=subnets).id


def cluster(cloud: Cloud) -> CreateResult:
    return cloud.make(
        "aws:rds/cluster:Cluster", "shop", clusterIdentifier="shop", engine="aurora-postgresql", engineVersion="17",
        masterUsername="dbadmin", manageMasterUserPassword=True, dbSubnetGroupName=group(cloud), storageEncrypted=True,
        backupRetentionPeriod=7, skipFinalSnapshot=True, iamDatabaseAuthenticationEnabled=True,
        enabledCloudwatchLogsExports=["postgresql"],
    )  # fmt: skip


def test_a_cluster_has_its_endpoints_and_a_password_that_is_kept_and_rotated_as_a_secret(cloud: Cloud) -> None:
    made = cluster(cloud)
    (found,) = cloud.ask("rds", "DescribeDBClusters", DBClusterIdentifier="shop")["DBClusters"]
    assert found["StorageEncrypted"] is True
    assert found["BackupRetentionPeriod"] == 7
    assert tags_of(found["TagList"]) == TAGS
    assert made.outputs["endpoint"] == found["Endpoint"]
    assert made.outputs["readerEndpoint"] == found["ReaderEndpoint"]
    (secret,) = made.outputs["masterUserSecrets"]
    cloud.make(
        "aws:secretsmanager/secretRotation:SecretRotation", secretId=secret["secretArn"], rotateImmediately=False,
        rotationRules={"automaticallyAfterDays": 30},
    )  # fmt: skip
    described = cloud.ask("secretsmanager", "DescribeSecret", SecretId=secret["secretArn"])
    assert described["RotationEnabled"] is True
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert sorted(made.left_out) == ["skipFinalSnapshot"]


def test_instances_belong_to_their_cluster_in_their_zone(cloud: Cloud) -> None:
    cluster(cloud)
    for number, zone in enumerate("ac"):
        cloud.make(
            "aws:rds/clusterInstance:ClusterInstance", f"i{number}", identifier=f"shop-{number}",
            engine="aurora-postgresql",
            clusterIdentifier="shop", instanceClass="db.t4g.medium", availabilityZone=f"{REGION}{zone}",
            promotionTier=number, performanceInsightsEnabled=True,
        )  # fmt: skip
    found = cloud.ask("rds", "DescribeDBInstances")["DBInstances"]
    assert {(one["DBClusterIdentifier"], one["AvailabilityZone"]) for one in found} == {
        ("shop", f"{REGION}a"), ("shop", f"{REGION}c"),
    }  # fmt: skip


def test_parameter_groups_carry_their_parameters(cloud: Cloud) -> None:
    force = [{"name": "rds.force_ssl", "value": "1"}]
    for kind, family, operation in (
        ("clusterParameterGroup:ClusterParameterGroup", "aurora-postgresql17", "DescribeDBClusterParameters"),
        ("parameterGroup:ParameterGroup", "postgres17", "DescribeDBParameters"),
    ):
        made = cloud.make(f"aws:rds/{kind}", kind, name="tls", family=family, parameters=force)
        key = "DBClusterParameterGroupName" if "Cluster" in operation else "DBParameterGroupName"
        found = cloud.ask("rds", operation, **{key: made.id})["Parameters"]
        assert ("rds.force_ssl", "1") in {(one["ParameterName"], one["ParameterValue"]) for one in found}


def test_an_instance_on_rds_is_what_its_inputs_say(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:rds/instance:Instance", identifier="shop", engine="postgres", engineVersion="17", username="dbadmin",
        manageMasterUserPassword=True, instanceClass="db.t4g.micro", allocatedStorage=20, maxAllocatedStorage=100,
        storageType="gp3", storageEncrypted=True, multiAz=True, dbName="app", backupRetentionPeriod=14, port=5432,
        dbSubnetGroupName=group(cloud),
    )  # fmt: skip
    (found,) = cloud.ask("rds", "DescribeDBInstances", DBInstanceIdentifier="shop")["DBInstances"]
    assert (found["MultiAZ"], found["StorageType"], found["BackupRetentionPeriod"]) == (True, "gp3", 14)
    assert made.outputs["endpoint"] == f"{made.outputs['address']}:5432"
    assert made.outputs["masterUserSecrets"][0]["secretArn"].startswith("arn:aws:secretsmanager:")


def test_a_typo_in_an_input_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="instanceClas"):
        cloud.make("aws:rds/instance:Instance", engine="postgres", instanceClas="db.t4g.micro")


def test_a_secret_has_a_value_at_random_and_a_parameter_its_type(cloud: Cloud) -> None:
    answer = look_up(
        cloud.account, REGION, "aws:secretsmanager/getRandomPassword:getRandomPassword",
        {"passwordLength": 32, "excludePunctuation": True},
    )  # fmt: skip
    password = answer["randomPassword"]
    assert len(password) == 32
    assert password.isalnum()
    made = cloud.make("aws:secretsmanager/secret:Secret", name="shop-key", recoveryWindowInDays=30)
    cloud.make("aws:secretsmanager/secretVersion:SecretVersion", secretId=made.id, secretString=password)
    assert cloud.ask("secretsmanager", "GetSecretValue", SecretId=made.id)["SecretString"] == password
    key = cloud.make("aws:kms/key:Key")
    parameter = cloud.make(
        "aws:ssm/parameter:Parameter", name="/shop/dev/key", type="SecureString", value="x", keyId=key.outputs["arn"]
    )
    assert parameter.outputs["arn"] == f"arn:aws:ssm:{REGION}:123456789012:parameter/shop/dev/key"
    found = cloud.ask("ssm", "GetParameter", Name="/shop/dev/key", WithDecryption=True)["Parameter"]
    assert (found["Type"], found["Value"], found["ARN"]) == ("SecureString", "x", parameter.outputs["arn"])


def test_a_cache_answers_at_its_addresses_and_only_encrypted(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:elasticache/replicationGroup:ReplicationGroup", replicationGroupId="shop", description="shop",
        engine="valkey", engineVersion="8.0", nodeType="cache.t4g.micro", numCacheClusters=2, multiAzEnabled=True,
        automaticFailoverEnabled=True, transitEncryptionEnabled=True, transitEncryptionMode="required",
        atRestEncryptionEnabled=True, userGroupIds=["shop"], applyImmediately=True,
        logDeliveryConfigurations=[{"destination": "/x", "destinationType": "cloudwatch-logs", "logFormat": "json",
                                    "logType": "slow-log"}],
    )  # fmt: skip
    (found,) = cloud.ask("elasticache", "DescribeReplicationGroups")["ReplicationGroups"]
    assert (found["TransitEncryptionEnabled"], found["AtRestEncryptionEnabled"]) == (True, True)
    assert (found["AutomaticFailover"], found["MultiAZ"]) == ("enabled", "enabled")
    assert made.outputs["primaryEndpointAddress"].startswith("master.")
    assert made.outputs["readerEndpointAddress"].startswith("replica.")


def test_a_user_of_a_cache_is_made_and_a_group_of_them_is_validated(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:elasticache/user:User", userId="shop-app", userName="app", engine="valkey", accessString="on ~* +@all",
        authenticationMode={"type": "password", "passwords": ["0123456789abcdef"]},
    )  # fmt: skip
    (found,) = cloud.ask("elasticache", "DescribeUsers", UserId="shop-app")["Users"]
    assert (found["UserName"], found["AccessString"], found["ARN"]) == ("app", "on ~* +@all", made.outputs["arn"])
    group = cloud.make("aws:elasticache/userGroup:UserGroup", userGroupId="shop", engine="valkey", userIds=[made.id])
    assert (group.id, group.status) == ("shop", "validated")
    assert group.reason == "the emulator has users of a cache, but no groups of them"
    cache = cloud.make(
        "aws:elasticache/replicationGroup:ReplicationGroup", replicationGroupId="shop", description="shop",
        engine="valkey", nodeType="cache.t4g.micro", numCacheClusters=1, userGroupIds=[group.id],
    )  # fmt: skip
    assert cache.status == "emulated", "only what names it is made up"


def test_the_readers_of_a_cluster_scale(cloud: Cloud) -> None:
    where = {
        "serviceNamespace": "rds", "scalableDimension": "rds:cluster:ReadReplicaCount", "resourceId": "cluster:shop",
    }  # fmt: skip
    cloud.make("aws:appautoscaling/target:Target", minCapacity=1, maxCapacity=3, **where)
    cloud.make(
        "aws:appautoscaling/policy:Policy", name="readers", policyType="TargetTrackingScaling", **where,
        targetTrackingScalingPolicyConfiguration={
            "targetValue": 70,
            "predefinedMetricSpecification": {"predefinedMetricType": "RDSReaderAverageCPUUtilization"},
        },
    )  # fmt: skip
    (target,) = cloud.ask("application-autoscaling", "DescribeScalableTargets", ServiceNamespace="rds")[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3)
    (policy,) = cloud.ask("application-autoscaling", "DescribeScalingPolicies", ServiceNamespace="rds")[
        "ScalingPolicies"
    ]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 70


def test_the_tasks_of_a_service_scale_by_tracking_by_steps_and_by_the_clock(cloud: Cloud) -> None:
    cloud.ask("ecs", "CreateCluster", clusterName="shop")
    container = {"name": "app", "image": "app:1", "memory": 128}
    cloud.ask("ecs", "RegisterTaskDefinition", family="app", containerDefinitions=[container])
    cloud.ask("ecs", "CreateService", cluster="shop", serviceName="api", taskDefinition="app", desiredCount=1)
    where = {
        "serviceNamespace": "ecs", "scalableDimension": "ecs:service:DesiredCount", "resourceId": "service/shop/api",
    }  # fmt: skip
    target = cloud.make("aws:appautoscaling/target:Target", minCapacity=2, maxCapacity=10, **where)
    assert (target.id, target.status) == ("service/shop/api", "emulated")
    cloud.make(
        "aws:appautoscaling/policy:Policy", "requests", name="requests", policyType="TargetTrackingScaling", **where,
        targetTrackingScalingPolicyConfiguration={
            "targetValue": 1000, "scaleInCooldown": 300, "scaleOutCooldown": 60,
            "predefinedMetricSpecification": {"predefinedMetricType": "ALBRequestCountPerTarget",
                                              "resourceLabel": "app/shop/1/targetgroup/shop/2"},
        },
    )  # fmt: skip
    cloud.make(
        "aws:appautoscaling/policy:Policy", "backlog", name="backlog", policyType="TargetTrackingScaling", **where,
        targetTrackingScalingPolicyConfiguration={
            "targetValue": 10,
            "customizedMetricSpecification": {
                "metrics": [
                    {"id": "depth", "returnData": False, "metricStat": {
                        "stat": "Sum", "metric": {"metricName": "ApproximateNumberOfMessagesVisible",
                                                  "namespace": "AWS/SQS",
                                                  "dimensions": [{"name": "QueueName", "value": "jobs"}]}}},
                    {"id": "each", "expression": "depth / 2", "returnData": True},
                ],
            },
        },
    )  # fmt: skip
    cloud.make(
        "aws:appautoscaling/policy:Policy", "steps", name="steps", **where,
        stepScalingPolicyConfiguration={
            "adjustmentType": "ChangeInCapacity", "cooldown": 60, "metricAggregationType": "Maximum",
            "stepAdjustments": [{"metricIntervalLowerBound": "0", "scalingAdjustment": 1}],
        },
    )  # fmt: skip
    found = cloud.ask("application-autoscaling", "DescribeScalingPolicies", ServiceNamespace="ecs")["ScalingPolicies"]
    assert {one["PolicyName"]: one["PolicyType"] for one in found} == {
        "requests": "TargetTrackingScaling", "backlog": "TargetTrackingScaling", "steps": "StepScaling",
    }  # fmt: skip
    cloud.make(
        "aws:appautoscaling/scheduledAction:ScheduledAction", name="night", schedule="cron(0 13 * * ? *)", **where,
        scalableTargetAction={"minCapacity": 0, "maxCapacity": 1},
    )  # fmt: skip
    (action,) = cloud.ask("application-autoscaling", "DescribeScheduledActions", ServiceNamespace="ecs")[
        "ScheduledActions"
    ]
    assert action["ScalableTargetAction"] == {"MinCapacity": 0, "MaxCapacity": 1}
