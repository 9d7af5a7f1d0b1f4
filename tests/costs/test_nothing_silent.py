"""Each property that costs something changes the amount or is named as not priced; none is silent."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from costs.bill import Bill
from costs.model import Resource
from costs.use import profile
from tests.costs.stacks import month, one, usd

MEDIUM = dict(profile("medium").amounts)
SERVER = one("ec2/instance:Instance", instanceType="t3.micro", subnetId="subnet-1")
DATABASE = one("rds/instance:Instance", engine="postgres", engineVersion="17", instanceClass="db.r6g.large",
               allocatedStorage=20, storageType="gp3")  # fmt: skip
CLUSTER = one("rds/cluster:Cluster", engine="aurora-postgresql", engineVersion="17", clusterIdentifier="c")
MEMBER = one("rds/clusterInstance:ClusterInstance", clusterIdentifier="c", instanceClass="db.r6g.large")
TABLE = one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST")
SITE = one("cloudfront/distribution:Distribution", defaultCacheBehavior={})
FIREWALL = one("wafv2/webAcl:WebAcl", scope="CLOUDFRONT")
TASK = one("ecs/taskDefinition:TaskDefinition", family="api", cpu="512", memory="1024")
SERVICE = one("ecs/service:Service", taskDefinition="api", name="api", cluster="web", launchType="FARGATE")
ECS = one("ecs/cluster:Cluster", name="web")
CACHE = one("elasticache/replicationGroup:ReplicationGroup", engine="valkey", nodeType="cache.t4g.micro")
BUCKET = one("s3/bucket:Bucket")
TRAIL = one("cloudtrail/trail:Trail")
USERS = one("cognito/userPool:UserPool", userPoolTier="LITE")
WORKFLOW = replace(one("sfn/stateMachine:StateMachine"), outputs={"arn": "workflow"})
STREAM = one("kinesis/stream:Stream")
ON_DEMAND = one("kinesis/stream:Stream", streamModeDetails={"streamMode": "ON_DEMAND"})
FIREHOSE = one("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
ALARM = one("cloudwatch/metricAlarm:MetricAlarm", metricName="m")
NIGHTLY = one("scheduler/schedule:Schedule", scheduleExpression="cron(0 2 * * ? *)", target={"arn": "workflow"})
PUBLIC = one("ec2/subnet:Subnet", mapPublicIpOnLaunch=True)


def managed(name: str, **more: Any) -> list[dict[str, Any]]:
    return [{"statement": {"managedRuleGroupStatement": {"name": name, "vendorName": "AWS", **more}}}]


TARGETED = [{"awsManagedRulesBotControlRuleSet": {"inspectionLevel": "TARGETED"}}]
CHANGES: list[tuple[Resource, dict[str, Any], list[Resource]]] = [
    (SERVER, {"monitoring": True}, []),
    (SERVER, {"associatePublicIpAddress": True}, []),
    (SERVER, {"creditSpecification": {"cpuCredits": "standard"}}, []),
    (SERVER, {"getPasswordData": True}, []),
    (SERVER, {"userData": "<powershell>Install-WindowsFeature Web-Server</powershell>"}, []),
    (SERVER, {"licenseSpecifications": [{"licenseConfigurationArn": "arn"}]}, []),
    (SERVER, {"tenancy": "dedicated"}, []),
    (one("ebs/snapshotCopy:SnapshotCopy"), {"sourceRegion": "us-east-1"}, []),
    (DATABASE, {"engineVersion": "12.19"}, []),
    (DATABASE, {"engine": "mysql", "engineVersion": "8.0.39"}, []),
    (DATABASE, {"performanceInsightsRetentionPeriod": 731}, []),
    (DATABASE, {"databaseInsightsMode": "advanced"}, []),
    (DATABASE, {"publiclyAccessible": True}, []),
    (DATABASE, {"dedicatedLogVolume": True}, []),
    (DATABASE, {"instanceClass": "db.t4g.large"}, []),
    (DATABASE, {"iops": 12000}, []),
    (DATABASE, {"multiAz": True}, []),
    (DATABASE, {"manageMasterUserPassword": True}, []),
    (CLUSTER, {"globalClusterIdentifier": "g"}, []),
    (CLUSTER, {"backtrackWindow": 3600}, []),
    (CLUSTER, {"enableHttpEndpoint": True}, []),
    (CLUSTER, {"engineVersion": "11.9"}, [MEMBER]),
    (MEMBER, {"publiclyAccessible": True}, [CLUSTER]),
    (MEMBER, {"instanceClass": "db.t4g.medium"}, [CLUSTER]),
    (TABLE, {"tableClass": "STANDARD_INFREQUENT_ACCESS"}, []),
    (TABLE, {"pointInTimeRecovery": {"enabled": True}}, []),
    (TABLE, {"streamEnabled": True}, []),
    (one("ecr/registryScanningConfiguration:RegistryScanningConfiguration"), {"scanType": "ENHANCED"}, []),
    (one("ecr/replicationConfiguration:ReplicationConfiguration"),
     {"replicationConfiguration": {"rules": [{"destinations": [{"region": "us-east-1"}]}]}}, []),
    (one("eks/cluster:Cluster", version="1.36"), {"version": "1.29"}, []),
    (one("eks/cluster:Cluster", version="1.36"), {"computeConfig": {"enabled": True}}, []),
    (one("ecs/capacityProvider:CapacityProvider"), {"managedInstancesProvider": {"infrastructureRoleArn": "r"}}, []),
    (one("lambda/eventSourceMapping:EventSourceMapping"), {"provisionedPollerConfig": {"minimumPollers": 1}}, []),
    (one("sns/topic:Topic", name="a.fifo"), {"fifoTopic": True}, []),
    (one("lb/loadBalancer:LoadBalancer"), {"minimumLoadBalancerCapacity": {"capacityUnits": 100}}, []),
    (one("efs/backupPolicy:BackupPolicy"), {"backupPolicy": {"status": "ENABLED"}}, [one("efs/fileSystem:FileSystem")]),
    (one("amplify/app:App"), {"platform": "WEB_COMPUTE"}, []),
    (TABLE, {"replicas": [{"regionName": "us-east-1"}]}, []),
    (SITE, {"defaultCacheBehavior": {"functionAssociations": [{}]}}, []),
    (SITE, {"orderedCacheBehaviors": [{"lambdaFunctionAssociations": [{}]}]}, []),
    (SITE, {"origins": [{"originShield": {"enabled": True}}]}, []),
    (SITE, {"viewerCertificate": {"sslSupportMethod": "vip"}}, []),
    (SITE, {"defaultCacheBehavior": {"realtimeLogConfigArn": "arn"}}, []),
    (SITE, {"defaultCacheBehavior": {"fieldLevelEncryptionId": "id"}}, []),
    (FIREWALL, {"rules": managed("AWSManagedRulesBotControlRuleSet")}, []),
    (FIREWALL, {"rules": managed("AWSManagedRulesBotControlRuleSet", managedRuleGroupConfigs=TARGETED)}, []),
    (FIREWALL, {"rules": managed("AWSManagedRulesATPRuleSet")}, []),
    (FIREWALL, {"rules": managed("AWSManagedRulesAntiDDoSRuleSet")}, []),
    (FIREWALL, {"rules": managed("Rules", vendorName="Others")}, []),
    (FIREWALL, {"rules": [{"action": {"captcha": {}}}]}, []),
    (FIREWALL, {"associationConfig": {"requestBodies": [{"apiGateway": {"defaultSizeInspectionLimit": "KB_48"}}]}}, []),
    (ECS, {"settings": [{"name": "containerInsights", "value": "enabled"}]}, [SERVICE, TASK]),
    (ECS, {"settings": [{"name": "containerInsights", "value": "enhanced"}]}, [SERVICE, TASK]),
    (TASK, {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, [SERVICE]),
    (SERVICE, {"volumeConfiguration": {"name": "data"}}, [TASK]),
    (SERVICE, {"networkConfiguration": {"assignPublicIp": True}}, [TASK]),
    (CACHE, {"snapshotRetentionLimit": 7}, []),
    (one("lambda/function:Function"), {"snapStart": {"applyOn": "PublishedVersions"}, "runtime": "python3.13"}, []),
    (TRAIL, {"insightSelectors": [{"insightType": "ApiCallRateInsight"}]}, []),
    (TRAIL, {"eventSelectors": [{"dataResources": [{}]}]}, []),
    (USERS, {"smsConfiguration": {"externalId": "id"}}, []),
    (USERS, {"userPoolAddOns": {"advancedSecurityMode": "ENFORCED"}}, []),
    (one("cognito/userPoolClient:UserPoolClient"), {"allowedOauthFlows": ["client_credentials"]}, []),
    (one("acm/certificate:Certificate"), {"options": {"export": "ENABLED"}}, []),
    (one("acm/certificate:Certificate"), {"certificateAuthorityArn": "arn"}, []),
    (one("kms/key:Key"), {"customKeyStoreId": "id"}, []),
    (one("ssm/parameter:Parameter", tier="Intelligent-Tiering"), {"value": "x" * 5000}, []),
    (ALARM, {"metricName": None, "metricQueries": [{"expression": "SELECT MAX(CPUUtilization) FROM \"AWS/EC2\""}]}, []),
    (ALARM, {"metricQueries": [{"expression": "ANOMALY_DETECTION_BAND(m, 2)"}]}, []),
    (one("xray/group:Group"), {"insightsConfiguration": {"insightsEnabled": True}}, []),
    (WORKFLOW, {"definition": "arn:aws:states:::aws-sdk:dynamodb:exportTableToPointInTime"}, []),
    (WORKFLOW, {"definition": "arn:aws:states:::aws-sdk:dynamodb:exportTableToPointInTime"}, [NIGHTLY, TABLE]),
    (WORKFLOW, {"definition": "arn:aws:states:::aws-sdk:rds:startExportTask"}, [NIGHTLY, DATABASE]),
    (WORKFLOW, {"definition": "arn:aws:states:::ecs:runTask.sync"}, []),
    (NIGHTLY, {"target": {"ecsParameters": {"taskDefinitionArn": "t"}}}, []),
    (one("cloudwatch/eventTarget:EventTarget"), {"ecsTarget": {"taskDefinitionArn": "t"}}, []),
    (one("sns/topicSubscription:TopicSubscription", protocol="sqs"), {"protocol": "https"}, []),
    (one("sns/topicSubscription:TopicSubscription", protocol="sqs"), {"protocol": "sms"}, []),
    (STREAM, {"retentionPeriod": 168}, []),
    (STREAM, {"retentionPeriod": 8760}, []),
    (ON_DEMAND, {"retentionPeriod": 168}, []),
    (ON_DEMAND, {"retentionPeriod": 8760}, []),
    (FIREHOSE, {"extendedS3Configuration": {"dataFormatConversionConfiguration": {"enabled": True}}}, []),
    (one("route53/healthCheck:HealthCheck"), {"type": "HTTPS_STR_MATCH"}, []),
    (one("route53/healthCheck:HealthCheck"), {"requestInterval": 10}, []),
    (one("route53/healthCheck:HealthCheck"), {"measureLatency": True}, []),
    (one("route53/record:Record"), {"latencyRoutingPolicies": [{}]}, [one("route53/zone:Zone")]),
    (one("efs/fileSystem:FileSystem"), {"availabilityZoneName": "ap-northeast-1a"}, []),
    (one("efs/fileSystem:FileSystem"), {"throughputMode": "provisioned", "provisionedThroughputInMibps": 10}, []),
    (one("apigateway/stage:Stage", cacheClusterEnabled=True), {"cacheClusterSize": "237"}, []),
    (one("ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Gateway"), {"vpcEndpointType": "GatewayLoadBalancer"}, []),
]  # fmt: skip


def shown(bill: Bill) -> list[tuple[str, str, Decimal]]:
    """All that a bill says of amounts, but for the reasons."""
    return [(line.name, line.kind, line.list_usd) for each in bill.resources for line in each.lines]


@pytest.mark.covers("C8")
@pytest.mark.parametrize(("resource", "change", "others"), CHANGES,
                         ids=[f"{row[0].type.partition(':')[2]}-{'-'.join(row[1])}" for row in CHANGES])  # fmt: skip
def test_it_changes_the_amount_or_is_named(resource: Resource, change: dict[str, Any], others: list[Resource]) -> None:
    changed = replace(resource, inputs={**resource.inputs, **change})
    assert shown(month([resource, *others], MEDIUM)) != shown(month([changed, *others], MEDIUM))


ADDED: list[tuple[list[Resource], Resource]] = [
    ([SERVER], replace(PUBLIC, outputs={"id": "subnet-1"})),
    ([TRAIL], replace(TRAIL, name="second")),
    ([one("s3/bucket:Bucket")], one("rds/proxy:Proxy")),
    ([TABLE], one("dynamodb/kinesisStreamingDestination:KinesisStreamingDestination")),
    ([TABLE], one("dynamodb/contributorInsights:ContributorInsights")),
    ([TABLE], one("dynamodb/tableExport:TableExport")),
    ([TABLE], one("dynamodb/tableReplica:TableReplica")),
    ([BUCKET], one("s3/inventory:Inventory")),
    ([BUCKET], one("s3/bucketMetric:BucketMetric")),
    ([BUCKET], one("s3/bucketReplicationConfig:BucketReplicationConfig")),
    ([SITE], one("cloudfront/monitoringSubscription:MonitoringSubscription")),
    ([], one("cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy")),
    ([], one("synthetics/canary:Canary", schedule={"expression": "rate(5 minutes)"})),
    ([], one("vpclattice/service:Service")),
    ([], one("ec2transitgateway/vpcAttachment:VpcAttachment")),
    ([], one("ec2/vpnConnection:VpnConnection")),
    ([], one("ec2clientvpn/networkAssociation:NetworkAssociation")),
    ([], one("ec2/trafficMirrorSession:TrafficMirrorSession")),
    ([], one("route53/resolverEndpoint:ResolverEndpoint")),
    ([], one("cloudwatch/eventApiDestination:EventApiDestination")),
    ([], one("sesv2/emailIdentity:EmailIdentity")),
    ([BUCKET], one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
                   rules=[{"transitions": [{"days": 30, "storageClass": "GLACIER"}]}])),
]  # fmt: skip


@pytest.mark.parametrize(("others", "resource"), ADDED, ids=[row[1].type.partition(":")[2] for row in ADDED])
def test_a_resource_adds_an_amount_or_is_named(others: list[Resource], resource: Resource) -> None:
    before, after = month(others, MEDIUM), month([*others, resource], MEDIUM)
    assert after.list_usd > before.list_usd or resource.type in {name.removeprefix("aws:") for name in after.unpriced}


LATER = "not known: it"
CLUSTERED = replace(SERVICE, inputs={**SERVICE.inputs, "cluster": "web", "desiredCount": 3})
BALANCER = one("lb/loadBalancer:LoadBalancer", subnets=["a", "b"], internal=False)
INSIDE = one("ecs/cluster:Cluster", name="web", settings=[{"name": "containerInsights", "value": "enabled"}])
UNKNOWN: list[tuple[Resource, dict[str, Any], list[Resource]]] = [
    (CLUSTERED, {"desiredCount": LATER}, [TASK, INSIDE]),
    (CLUSTERED, {"desiredCount": [3]}, [TASK, INSIDE]),
    (CLUSTERED, {"desiredCount": -1}, [TASK, INSIDE]),
    (CLUSTERED, {"cluster": LATER}, [TASK, INSIDE]),
    (CLUSTERED, {"cluster": []}, [TASK, INSIDE]),
    (TASK, {"cpu": None}, [SERVICE]),
    (TASK, {"memory": None}, [SERVICE]),
    (TASK, {"cpu": "-256"}, [SERVICE]),
    (BALANCER, {"internal": LATER}, []),
    (BALANCER, {"loadBalancerType": LATER}, []),
    (one("rds/instance:Instance", engine="postgres", instanceClass="db.t4g.micro", allocatedStorage=20),
     {"allocatedStorage": -20}, []),
    (replace(CACHE, inputs={**CACHE.inputs, "numCacheClusters": 2}), {"numCacheClusters": LATER}, []),
    (replace(WORKFLOW, inputs={"definition": "aws-sdk:dynamodb:exportTableToPointInTime"}), {"definition": LATER},
     [NIGHTLY, TABLE]),
    (replace(WORKFLOW, inputs={"definition": "aws-sdk:dynamodb:exportTableToPointInTime"}), {"definition": None},
     [NIGHTLY, TABLE]),
    (one("cloudwatch/dashboard:Dashboard", dashboardBody="{}"), {"dashboardBody": None}, []),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "change", "others"), UNKNOWN,
                         ids=[f"{row[0].type.partition(':')[2]}-{row[1]}" for row in UNKNOWN])  # fmt: skip
def test_what_cannot_be_read_lowers_no_sum_unless_it_is_named(
    resource: Resource, change: dict[str, Any], others: list[Resource]
) -> None:
    changed = replace(resource, inputs={**resource.inputs, **change})
    before, after = month([resource, *others], MEDIUM), month([changed, *others], MEDIUM)
    assert after.usd >= before.usd or set(after.unpriced) > set(before.unpriced)


def test_the_amounts_of_what_our_stacks_have() -> None:
    insights = replace(ECS, inputs={**ECS.inputs, "settings": [{"name": "containerInsights", "value": "enabled"}]})
    # Ten of the cluster, and 21 for each service and its family of tasks; ten are free.
    tasks = [TASK, SERVICE, replace(SERVICE, inputs={**SERVICE.inputs, "name": "worker"})]
    assert usd(month([insights, *tasks]), "metrics of Container Insights") == (Decimal("15.60"), Decimal("12.60"))
    exports = replace(WORKFLOW, inputs={"definition": "aws-sdk:dynamodb:exportTableToPointInTime"})
    # 730 hours are 30.4 nights, of 2 GB each.
    assert usd(month([exports, NIGHTLY], {"tableGb": 2}), "exports of all tables")[0] == Decimal("6.94")
    copies = replace(WORKFLOW, inputs={"definition": "aws-sdk:rds:startExportTask"})
    assert usd(month([copies, NIGHTLY, DATABASE]), "exports of databases")[0] == Decimal("6.08")
    weekly = replace(CACHE, inputs={**CACHE.inputs, "snapshotRetentionLimit": 7})
    assert usd(month([weekly], {"cacheGb": 2}), "snapshots beyond the first")[0] == Decimal("1.02")
    functions = replace(SITE, inputs={"defaultCacheBehavior": {"functionAssociations": [{}]}})
    calls = usd(month([functions], {"siteRequests": 12_000_000}), "calls of functions, at most")
    assert calls == (Decimal("1.20"), Decimal("1.00")), "two million are free"
    reading = {"requestBodies": [{"cloudfront": {"defaultSizeInspectionLimit": "KB_64"}}]}
    bodies = replace(FIREWALL, inputs={**FIREWALL.inputs, "associationConfig": reading})
    assert usd(month([bodies], {"largeBodies": 2_000_000}), "bodies read up to 64 KB")[0] == Decimal("1.80")
    groups = [*managed("AWSManagedRulesCommonRuleSet") * 2, *managed("AWSManagedRulesSQLiRuleSet")]
    large = replace(FIREWALL, inputs={**FIREWALL.inputs, "rules": groups})
    more = usd(month([large], {"siteRequests": 10_000_000}), "requests, for capacity beyond 1500")
    assert more[0] == Decimal("2.00"), "1,600 units are one step of 500 more"


def test_a_server_that_runs_half_the_time_has_its_metrics_for_half_of_it() -> None:
    watched = one("ec2/instance:Instance", instanceType="t3.micro", monitoring=True)
    assert usd(month([watched]), "metrics of detailed monitoring")[0] == Decimal("2.10")


@pytest.mark.parametrize("policy", [LATER, "[secret]", None, ["urn:pulumi:a", "urn:pulumi:b"]])
def test_that_a_model_may_be_asked_which_is_not_known_yet_is_told_once(policy: Any) -> None:
    later = [one("iam/rolePolicy:RolePolicy", policy=policy) for _ in range(2)]
    bill = month(later, {"modelInputTokens": 1_000_000})
    assert bill.unpriced_resources == 1
    assert bill.unpriced == {
        "aws:iam/rolePolicy:RolePolicy": "which models may be asked is not known before the deployment"
    }
    assert month(later).unpriced == {}, "nothing is asked"
    model = "arn:aws:bedrock:*::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"
    known = one("iam/rolePolicy:RolePolicy", policy=json.dumps({"Statement": [{"Resource": model}]}))
    for policies in ([*later, known], [known, *later]):
        bill = month(policies, {"modelInputTokens": 1_000_000})
        assert (bill.unpriced, bill.usd) == ({}, Decimal("1.1"))


@pytest.mark.parametrize("model", ["maker.unheard-of-v1:0", "*", "anthropic.*"])
def test_a_model_without_a_price_is_told(model: str) -> None:
    policy = f'{{"Statement": [{{"Resource": "arn:aws:bedrock:*::foundation-model/{model}"}}]}}'
    bill = month([one("iam/rolePolicy:RolePolicy", policy=policy)], {"modelInputTokens": 1000000})
    assert bill.unpriced == {"aws:iam/rolePolicy:RolePolicy": "this model has no price here"}


@pytest.mark.parametrize("action", ["bedrock:InvokeModel", ["s3:GetObject", "bedrock:Invoke*"]])
def test_who_may_ask_every_model_is_told(action: str | list[str]) -> None:
    policy = json.dumps({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}})
    bill = month([one("iam/rolePolicy:RolePolicy", policy=policy)], {"modelInputTokens": 1000000})
    assert bill.unpriced == {"aws:iam/rolePolicy:RolePolicy": "this model has no price here"}


@pytest.mark.parametrize(
    "policy",
    [
        "{",
        "[]",
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": ["s3:*", "bedrock:*"], "Resource": "*"}]}',
    ],
)
def test_whose_policy_names_no_model_costs_nothing(policy: str) -> None:
    assert month([one("iam/rolePolicy:RolePolicy", policy=policy)], {"modelInputTokens": 1000000}).unpriced == {}


RARELY = one("cloudwatch/logGroup:LogGroup", logGroupClass="INFREQUENT_ACCESS", retentionInDays=30)
COPIES = one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST", replicas=[{"regionName": "us-east-1"}])
MIXED: list[tuple[Resource, Resource]] = [
    (RARELY, replace(RARELY, inputs={"retentionInDays": 30})),
    (RARELY, replace(RARELY, inputs={**RARELY.inputs, "retentionInDays": 365})),
    (one("sqs/queue:Queue"), one("sqs/queue:Queue", fifoQueue=True)),
    (TABLE, COPIES),
]


def test_of_two_classes_of_tables_the_dearer_counts_for_requests_and_for_data() -> None:
    rare = one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST", tableClass="STANDARD_INFREQUENT_ACCESS")
    for tables in ([TABLE, rare], [rare, TABLE]):
        bill = month(tables, {"tableGb": 100, "tableWrites": 10_000_000})
        assert usd(bill, "writes of all tables on demand")[0] == Decimal("8.90")
        assert usd(bill, "data of all tables")[0] == Decimal("28.50")


@pytest.mark.parametrize(("cheap", "dear"), MIXED)
def test_what_several_share_costs_as_at_the_dearest_whichever_comes_first(cheap: Resource, dear: Resource) -> None:
    alone = month([dear], MEDIUM).list_usd
    assert month([cheap, dear], MEDIUM).list_usd == month([dear, cheap], MEDIUM).list_usd == alone
