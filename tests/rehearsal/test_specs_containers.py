"""The specs of containers, repositories, target groups and objects, on moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import TAGS, Cloud, tags_of

CONTAINER = {"name": "app", "image": "shop:1", "cpu": 206, "memory": 384, "essential": True}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def task(cloud: Cloud, **changes: Any) -> Any:
    inputs = {
        "family": "shop", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": json.dumps([CONTAINER]), "skipDestroy": True,
        "volumes": [{"name": "tmp"}], **changes,
    }  # fmt: skip
    return cloud.make("aws:ecs/taskDefinition:TaskDefinition", **inputs)


def test_a_cluster_has_its_insights_and_its_capacity(cloud: Cloud) -> None:
    settings = [{"name": "containerInsights", "value": "enabled"}]
    made = cloud.make("aws:ecs/cluster:Cluster", name="shop-cluster", settings=settings)
    cloud.make(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        clusterName="shop-cluster",
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
        defaultCapacityProviderStrategies=[{"capacityProvider": "FARGATE", "weight": 1.0}],
    )
    (cluster,) = cloud.ask("ecs", "DescribeClusters", clusters=[made.id], include=["SETTINGS"])["clusters"]
    assert cluster["settings"] == settings
    assert cluster["defaultCapacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "weight": 1}]


def test_a_cluster_may_have_capacity_without_a_default(cloud: Cloud) -> None:
    made = cloud.make("aws:ecs/cluster:Cluster", name="shop-cluster")
    cloud.make(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        clusterName="shop-cluster",
        capacityProviders=["FARGATE_SPOT"],
    )
    (cluster,) = cloud.ask("ecs", "DescribeClusters", clusters=[made.id])["clusters"]
    assert cluster["capacityProviders"] == ["FARGATE_SPOT"]


def test_each_registration_is_a_revision_with_its_containers(cloud: Cloud) -> None:
    first, second = task(cloud), task(cloud, memory="1024")
    assert (first.outputs["revision"], second.outputs["revision"]) == (1, 2)
    found = cloud.ask("ecs", "DescribeTaskDefinition", taskDefinition=first.outputs["arn"])["taskDefinition"]
    assert found["containerDefinitions"][0]["image"] == "shop:1"
    assert found["memory"] == "512"
    assert first.outputs["arnWithoutRevision"] == first.outputs["arn"].rpartition(":")[0]


def test_a_misspelt_key_of_a_container_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="portMapping"):
        task(cloud, containerDefinitions=json.dumps([{**CONTAINER, "portMapping": []}]))
    with pytest.raises(RehearsalError, match="is not JSON"):
        task(cloud, containerDefinitions="{")


def test_a_service_runs_the_revision_in_its_subnets(cloud: Cloud) -> None:
    subnet = cloud.subnet()
    group = cloud.make("aws:ec2/securityGroup:SecurityGroup", name="shop", description="x").id
    cluster = cloud.make("aws:ecs/cluster:Cluster", name="shop-cluster")
    made = cloud.make(
        "aws:ecs/service:Service",
        name="shop",
        cluster=cluster.outputs["arn"],
        taskDefinition=task(cloud).outputs["arn"],
        desiredCount=2.0,
        networkConfiguration={"subnets": [subnet], "securityGroups": [group], "assignPublicIp": False},
        deploymentCircuitBreaker={"enable": True, "rollback": True},
        deploymentMaximumPercent=200.0,
        deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "10"},
        waitForSteadyState=True,
    )
    (service,) = cloud.ask("ecs", "DescribeServices", cluster="shop-cluster", services=["shop"])["services"]
    assert made.outputs["arn"] == made.id == service["serviceArn"]
    assert service["desiredCount"] == 2
    placed = service["networkConfiguration"]["awsvpcConfiguration"]
    assert placed == {"subnets": [subnet], "securityGroups": [group], "assignPublicIp": "DISABLED"}
    assert made.left_out == ["waitForSteadyState"]


def test_a_deployment_strategy_that_aws_has_not_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="CANARI"):
        cloud.make("aws:ecs/service:Service", name="shop", deploymentConfiguration={"strategy": "CANARI"})


def test_a_repository_scans_and_keeps_what_its_policy_says(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:ecr/repository:Repository",
        name="shop-api",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfigurations=[{"encryptionType": "KMS"}],
    )
    assert made.outputs["repositoryUrl"].endswith(".dkr.ecr.ap-northeast-1.amazonaws.com/shop-api")
    rule = {
        "rulePriority": 1, "action": {"type": "expire"},
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
    }  # fmt: skip
    policy = json.dumps({"rules": [rule]})
    cloud.make("aws:ecr/lifecyclePolicy:LifecyclePolicy", repository="shop-api", policy=policy)
    (found,) = cloud.ask("ecr", "DescribeRepositories")["repositories"]
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    kept = cloud.ask("ecr", "GetLifecyclePolicy", repositoryName="shop-api")["lifecyclePolicyText"]
    assert json.loads(kept) == {"rules": [rule]}


def test_a_target_group_has_its_health_check_its_attributes_and_its_suffix(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:lb/targetGroup:TargetGroup",
        name="shop-tg",
        vpcId=cloud.vpc(),
        port=8000.0,
        protocol="HTTP",
        targetType="ip",
        deregistrationDelay=30.0,
        healthCheck={"path": "/health", "matcher": "200", "interval": 15.0, "timeout": 5.0, "healthyThreshold": 2.0},
    )
    (group,) = cloud.ask("elbv2", "DescribeTargetGroups", TargetGroupArns=[made.id])["TargetGroups"]
    assert (group["HealthCheckPath"], group["Matcher"]) == ("/health", {"HttpCode": "200"})
    assert (group["Port"], group["TargetType"]) == (8000, "ip")
    assert made.outputs["arnSuffix"].startswith("targetgroup/shop-tg/")
    attributes = cloud.ask("elbv2", "DescribeTargetGroupAttributes", TargetGroupArn=made.id)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in attributes
    (described,) = cloud.ask("elbv2", "DescribeTags", ResourceArns=[made.id])["TagDescriptions"]
    assert tags_of(described["Tags"]) == TAGS
    with pytest.raises(RehearsalError, match="nonsense"):
        cloud.make("aws:lb/targetGroup:TargetGroup", name="other", nonsense=1)


def test_a_rule_leads_paths_to_weighted_groups_and_its_priority_counts_once(cloud: Cloud) -> None:
    vpc = cloud.vpc()
    subnets = [
        cloud.make("aws:ec2/subnet:Subnet", vpcId=vpc, cidrBlock=f"10.0.{n}.0/24", availabilityZone=zone).id
        for n, zone in enumerate(["ap-northeast-1a", "ap-northeast-1c"])
    ]
    balancer = cloud.ask("elbv2", "CreateLoadBalancer", Name="web", Subnets=subnets)["LoadBalancers"][0]
    groups = [
        cloud.make(
            "aws:lb/targetGroup:TargetGroup", name=f"g{n}", vpcId=vpc, port=80, protocol="HTTP", targetType="ip"
        ).id
        for n in (1, 2)
    ]
    listener = cloud.ask(
        "elbv2", "CreateListener", LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": groups[0]}],
    )["Listeners"][0]["ListenerArn"]  # fmt: skip
    inputs: dict[str, Any] = {
        "listenerArn": listener,
        "priority": 100.0,
        "conditions": [{"pathPattern": {"values": ["/api/*"]}}, {"hostHeader": {"values": ["api.example.com"]}}],
        "actions": [
            {
                "type": "forward",
                "forward": {
                    "targetGroups": [
                        {"arn": groups[0], "weight": 100.0},
                        {"arn": groups[1], "weight": 0.0},
                    ]
                },
            }
        ],
    }
    made = cloud.make("aws:lb/listenerRule:ListenerRule", **inputs)
    (rule,) = cloud.ask("elbv2", "DescribeRules", RuleArns=[made.id])["Rules"]
    assert rule["Priority"] == "100"
    assert [one["Field"] for one in rule["Conditions"]] == ["path-pattern", "host-header"]
    forward = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert [group["Weight"] for group in forward] == [100, 0]
    with pytest.raises(RehearsalError, match="riority"):
        cloud.make("aws:lb/listenerRule:ListenerRule", "other", **inputs)


def test_an_object_lies_in_its_bucket_in_spite_of_a_policy_that_demands_tls(cloud: Cloud) -> None:
    bucket = cloud.bucket()
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    cloud.make("aws:s3/bucketPolicy:BucketPolicy", bucket=bucket, policy=policy)
    inputs = {"bucket": bucket, "key": "a/b.conf", "content": "x", "contentType": "text/plain"}
    made = cloud.make("aws:s3/bucketObjectv2:BucketObjectv2", **inputs)
    assert made.outputs["arn"] == f"arn:aws:s3:::{bucket}/a/b.conf"
    assert cloud.ask("s3", "GetObject", Bucket=bucket, Key="a/b.conf")["Body"].read() == b"x"
    del deny["Condition"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    cloud.make("aws:s3/bucketPolicy:BucketPolicy", bucket=bucket, policy=policy)
    with pytest.raises(RehearsalError):
        cloud.make("aws:s3/bucketObjectv2:BucketObjectv2", **inputs)


def test_a_scaling_target_and_its_policy_on_several_metrics(cloud: Cloud) -> None:
    cluster = cloud.make("aws:ecs/cluster:Cluster", name="shop-cluster")
    cloud.make(
        "aws:ecs/service:Service",
        name="shop",
        cluster=cluster.outputs["arn"],
        taskDefinition=task(cloud).outputs["arn"],
        networkConfiguration={"subnets": [cloud.subnet()], "securityGroups": [
            cloud.make("aws:ec2/securityGroup:SecurityGroup", name="shop", description="x").id]},
    )  # fmt: skip
    on = {
        "serviceNamespace": "ecs",
        "scalableDimension": "ecs:service:DesiredCount",
        "resourceId": "service/shop-cluster/shop",
    }
    cloud.make("aws:appautoscaling/target:Target", **on, minCapacity=1, maxCapacity=4)
    metric = {
        "id": "each", "returnData": True,
        "metricStat": {"stat": "Average", "metric": {"namespace": "AWS/SQS", "metricName": "M", "dimensions": [
            {"name": "QueueName", "value": "q"}]}},
    }  # fmt: skip
    cloud.make(
        "aws:appautoscaling/policy:Policy",
        **on,
        name="shop-queue",
        policyType="TargetTrackingScaling",
        targetTrackingScalingPolicyConfiguration={
            "targetValue": 10.0,
            "customizedMetricSpecification": {"metrics": [metric]},
        },
    )
    (policy,) = cloud.ask("application-autoscaling", "DescribeScalingPolicies", ServiceNamespace="ecs")[
        "ScalingPolicies"
    ]
    assert policy["PolicyType"] == "TargetTrackingScaling"


EXPRESS = {
    "serviceName": "shop",
    "cluster": "shop-cluster",
    "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
    "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infrastructure",
    "cpu": "256",
    "memory": "512",
    "primaryContainer": {
        "image": "shop:1",
        "containerPort": 8000,
        "commands": ["serve"],
        "environments": [{"name": "A", "value": "1"}],
        "secrets": [{"name": "B", "valueFrom": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:b-abcdef"}],
        "awsLogsConfigurations": [{"logGroup": "/ecs/shop", "logStreamPrefix": "task"}],
    },
    "networkConfigurations": [{"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}],
    "scalingTargets": [
        {"minTaskCount": 1, "maxTaskCount": 2, "autoScalingMetric": "AVERAGE_CPU", "autoScalingTargetValue": 60}
    ],
    "waitForSteadyState": True,
}


def test_an_express_service_is_validated_and_answers_at_an_address(cloud: Cloud) -> None:
    made = cloud.make("aws:ecs/expressGatewayService:ExpressGatewayService", **EXPRESS)
    assert (made.status, made.reason) == ("validated", "the emulator knows no Express Mode")
    assert made.left_out == ["waitForSteadyState"]
    assert made.outputs["serviceArn"] == "arn:aws:ecs:ap-northeast-1:123456789012:service/shop-cluster/shop"
    assert made.outputs["ingressPaths"] == [{"accessType": "PUBLIC", "endpoint": "shop.ecs.ap-northeast-1.on.aws"}]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scalingTargets": [{"autoScalingMetric": "AVERAGE_LOAD"}]}, "AVERAGE_LOAD"),
        ({"primaryContainer": {"containerPort": 80}}, "image"),
        ({"primaryContainer": {"image": "shop:1", "awsLogsConfigurations": [{"logGroup": "x"}]}}, "logStreamPrefix"),
    ],
)
def test_an_express_service_that_aws_would_refuse_is_refused(changed: dict[str, Any], said: str, cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match=said):
        cloud.make("aws:ecs/expressGatewayService:ExpressGatewayService", **{**EXPRESS, **changed})


def test_app_runner_is_validated_with_what_it_names(cloud: Cloud) -> None:
    scaling = cloud.make(
        "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion",
        autoScalingConfigurationName="shop", minSize=1, maxSize=2, maxConcurrency=100,
    )  # fmt: skip
    connector = cloud.make(
        "aws:apprunner/vpcConnector:VpcConnector",
        vpcConnectorName="shop", subnets=["subnet-1"], securityGroups=["sg-1"],
    )  # fmt: skip
    traces = cloud.make(
        "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration",
        observabilityConfigurationName="shop", traceConfiguration={"vendor": "AWSXRAY"},
    )  # fmt: skip
    made = cloud.make(
        "aws:apprunner/service:Service",
        serviceName="shop",
        autoScalingConfigurationArn=scaling.outputs["arn"],
        networkConfiguration={
            "egressConfiguration": {"egressType": "VPC", "vpcConnectorArn": connector.outputs["arn"]}
        },
        observabilityConfiguration={
            "observabilityEnabled": True, "observabilityConfigurationArn": traces.outputs["arn"],
        },
        sourceConfiguration={
            "autoDeploymentsEnabled": False,
            "imageRepository": {"imageIdentifier": "public.ecr.aws/x/y:1", "imageRepositoryType": "ECR_PUBLIC"},
        },
    )  # fmt: skip
    assert {one.reason for one in (scaling, connector, traces, made)} == {"the emulator does not know App Runner"}
    assert made.outputs["serviceUrl"].endswith(".ap-northeast-1.awsapprunner.com")
    with pytest.raises(RehearsalError, match="below AWS's minimum of 1"):
        cloud.make(
            "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion",
            autoScalingConfigurationName="shop", minSize=0,
        )  # fmt: skip
