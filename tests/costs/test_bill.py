"""A month's bill: what is counted, at which price, what of it is free for ever, and what nobody knows."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from costs.bill import bill
from costs.model import CostError, Resource
from costs.services import FREE, NOT_PRICED, PRICED
from tests.costs.stacks import TOKYO, made, month, one, usd

FUNCTION = one("lambda/function:Function", memorySize=1024, architectures=["arm64"], name="f")
HTTP = one("apigatewayv2/api:Api", protocolType="HTTP")


def test_calls_cost_by_their_number_and_their_time_and_the_first_million_is_free() -> None:
    calls = {"functionCalls": 3_000_000, "functionMilliseconds": 200}
    bill_ = month([FUNCTION], calls)
    assert usd(bill_, "calls, arm") == (Decimal("0.60"), Decimal("0.40"))
    # 600,000 GB-seconds, of which 400,000 are free.
    assert usd(bill_, "time of calls, arm, 1 GB") == (Decimal("8.00"), Decimal("2.67"))
    larger = month([FUNCTION, one("lambda/function:Function", memorySize=2048, architectures=["x86_64"])], calls)
    assert usd(larger, "time of calls, x86, 2 GB")[0] == Decimal("20.00"), "the largest is the one that people call"
    assert usd(larger, "time of calls, arm, 1 GB")[0] == 0, "and each call is counted once"


def test_copies_that_are_kept_started_cost_while_nobody_calls() -> None:
    copies = one(
        "lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
        functionName="f",
        provisionedConcurrentExecutions=2,
    )
    assert usd(month([FUNCTION, copies]), "copies kept started")[1] == Decimal("22.64")
    unknown = month([copies])
    assert list(unknown.unpriced) == ["aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"]


def test_a_volume_of_no_named_type_is_a_gp2_and_one_of_no_size_is_told() -> None:
    assert usd(month([one("ebs/volume:Volume", size=100)]), "volume, gp2")[1] == Decimal("12.00")
    assert usd(month([one("ebs/volume:Volume", size=100, type="gp3")]), "volume, gp3")[1] == Decimal("9.60")
    disks = [{"deviceName": "/dev/sdb", "volumeSize": 100}]
    server = one("ec2/instance:Instance", instanceType="t4g.small", ebsBlockDevices=disks)
    assert usd(month([server]), "volume /dev/sdb, gp2")[1] == Decimal("12.00")
    assert list(month([one("ebs/volume:Volume", snapshotId="snap-1")]).unpriced) == ["aws:ebs/volume:Volume"]


def test_servers_of_a_group_have_root_volumes() -> None:
    template = one("ec2/launchTemplate:LaunchTemplate", name="t", instanceType="t4g.small")
    group = one("autoscaling/group:Group", desiredCapacity=2, launchTemplate={"name": "t"})
    assert usd(month([template, group]), "volumes, gp3")[1] == Decimal("1.54")


def test_addresses_that_a_balancer_brings_along_are_counted_once() -> None:
    addresses = [one("ec2/eip:Eip"), one("ec2/eip:Eip")]
    mappings = [{"subnetId": f"subnet-{n}", "allocationId": f"eipalloc-{n}"} for n in range(2)]
    balancer = one("lb/loadBalancer:LoadBalancer", loadBalancerType="network", subnetMappings=mappings)
    lines = [line for each in month([balancer, *addresses]).resources for line in each.lines if "IPv4" in line.name]
    assert sum(line.quantity for line in lines) == 2 * 730


@pytest.mark.parametrize(
    ("type_", "inputs", "what"),
    [
        ("rds/instance:Instance", {"storageType": "gp3", "allocatedStorage": 400, "iops": 16000}, "operations"),
        ("rds/instance:Instance", {"allocatedStorage": 400, "iops": 16000}, "storage, io1"),
        ("rds/instance:Instance", {"snapshotIdentifier": "s"}, "storage"),
        ("rds/cluster:Cluster", {"engine": "aurora-mysql", "engineMode": "serverless"}, "capacity units"),
        ("efs/fileSystem:FileSystem", {"throughputMode": "elastic"}, "throughput, elastic"),
        ("eks/nodeGroup:NodeGroup", {"launchTemplate": {"id": "lt-1"}}, "instances"),
        ("eks/fargateProfile:FargateProfile", {}, "all of it"),
        ("dlm/lifecyclePolicy:LifecyclePolicy", {}, "all of it"),
        ("dynamodb/contributorInsights:ContributorInsights", {}, "all of it"),
        ("s3/bucketMetric:BucketMetric", {}, "all of it"),
    ],
)
def test_what_costs_and_has_no_price_here_is_told(type_: str, inputs: dict[str, Any], what: str) -> None:
    own = {"engine": "postgres", "instanceClass": "db.t4g.micro"} if type_.startswith("rds/instance") else {}
    bill_ = month([one(type_, **own, **inputs)])
    assert list(bill_.unpriced) == [f"aws:{type_}"]
    lines = [line for each in bill_.resources for line in each.lines if line.kind == "not priced"]
    assert any(line.name.startswith(what) for line in lines), lines


def test_requests_cost_by_the_dearest_kind_of_api() -> None:
    calls = {"functionCalls": 1_000_000}
    assert usd(month([HTTP], calls), "requests to all APIs, HTTP")[1] == Decimal("1.29")
    both = month([HTTP, one("apigateway/restApi:RestApi")], calls)
    assert usd(both, "requests to all APIs, REST")[1] == both.usd == Decimal("4.25")


def test_tables_cost_by_capacity_or_by_use() -> None:
    index = {"name": "i", "readCapacity": 10, "writeCapacity": 10}
    provisioned = one("dynamodb/table:Table", billingMode="PROVISIONED", readCapacity=20, writeCapacity=20,
                      globalSecondaryIndexes=[index])  # fmt: skip
    used = {"tableReads": 2_000_000, "tableWrites": 1_000_000, "tableGb": 30}
    bill_ = month([provisioned], used)
    # 30 units each, of which 25 are free; the use costs nothing more.
    assert usd(bill_, "capacity for writing") == (Decimal("16.25"), Decimal("2.71"))
    assert usd(bill_, "capacity for reading") == (Decimal("3.25"), Decimal("0.54"))
    assert usd(bill_, "data of all tables") == (Decimal("8.55"), Decimal("1.42"))
    on_demand = month([one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST")], used)
    assert usd(on_demand, "reads of all tables on demand")[1] == Decimal("0.28")
    assert usd(on_demand, "writes of all tables on demand")[1] == Decimal("0.72")


def test_every_copy_of_a_table_that_is_kept_costs_as_much_as_the_first() -> None:
    table = one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST", pointInTimeRecovery={"enabled": True})
    rules = [
        {"schedule": "cron(0 4 ? * * *)", "lifecycle": {"deleteAfter": 35}},
        {"schedule": "cron(0 4 ? * SUN *)", "lifecycle": {"deleteAfter": 90}},
    ]
    bill_ = month([table, one("backup/plan:Plan", rules=rules)], {"tableGb": 2})
    assert usd(bill_, "copies of tables")[1] == (Decimal("0.114") * 2 * (35 + 13)).quantize(Decimal("0.01"))
    assert usd(bill_, "way back to any second")[1] == Decimal("0.46")


def test_the_replicas_of_a_region_cost_the_writes_and_the_data_once_more() -> None:
    kind = "dynamodb/tableReplica:TableReplica"
    replicas = [one(kind, region="ap-northeast-3", pointInTimeRecovery=True) for _ in range(3)]
    bill_ = month(replicas, {"tableGb": 2, "tableWrites": 1_000_000})
    assert usd(bill_, "writes of all tables, copied")[1] == Decimal("0.72")
    assert usd(bill_, "data of all tables, copied")[0] == Decimal("0.57")
    assert usd(bill_, "way back of the copies")[1] == Decimal("0.46")


USE_OF_TABLES = {"tableGb": 100, "tableWrites": 10_485_760}
IN_OSAKA = {"regionName": "ap-northeast-3", "pointInTimeRecovery": True}


@pytest.mark.parametrize("place", [0, 1])
def test_replicas_cost_whichever_table_names_them(place: int) -> None:
    """10 GB of writes once more and on their way, and 100 GB once more with their way back."""
    tables = [one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST", replicas=[]) for _ in range(2)]
    alone = month(tables, USE_OF_TABLES)
    tables[place] = one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST", replicas=[IN_OSAKA])
    bill_ = month(tables, USE_OF_TABLES)
    assert usd(bill_, "writes of all tables on demand")[0] == Decimal("14.99")
    assert usd(bill_, "data to replicas, at most")[0] == Decimal("0.90")
    assert usd(bill_, "way back of the copies")[0] == Decimal("22.80")
    assert (bill_.list_usd - alone.list_usd).quantize(Decimal("0.01")) == Decimal("59.70")


def test_replicas_of_their_own_are_sent_what_is_written_once_for_each_region() -> None:
    replicas = [one("dynamodb/tableReplica:TableReplica", region="ap-northeast-3") for _ in range(2)]
    on_demand = one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST")
    for tables in ([], [on_demand], [on_demand, one("dynamodb/table:Table", **on_demand.inputs)]):
        assert usd(month([*tables, *replicas], USE_OF_TABLES), "data to replicas, at most")[0] == Decimal("0.90")


def test_ten_alarms_are_free_and_one_on_an_expression_counts_for_each_of_its_metrics() -> None:
    simple = [one("cloudwatch/metricAlarm:MetricAlarm", metricName="Errors") for _ in range(9)]
    asked = one(
        "cloudwatch/metricAlarm:MetricAlarm", metricQueries=[{"expression": "a/b"}, {"metric": {}}, {"metric": {}}]
    )
    assert usd(month([*simple, asked]), "metrics of an alarm") == (Decimal("1.10"), Decimal("0.10"))


def dashboard(metrics: int, *searches: str) -> Resource:
    lines = [["AWS/SQS", f"M{number}", "QueueName", "jobs", {"stat": "Sum"}] for number in range(metrics)]
    found = [[{"expression": f"SEARCH('Namespace=\"{search}\"', 'Sum', 300)"}] for search in searches]
    graphs = [{"type": "metric", "properties": {"metrics": [*lines, *found]}}] * 2
    body = {"widgets": [{"type": "text", "properties": {"markdown": "## Queues"}}, *graphs]}
    return one("cloudwatch/dashboard:Dashboard", dashboardBody=json.dumps(body))


def test_three_dashboards_are_free_unless_they_show_more_than_fifty_metrics() -> None:
    assert usd(month([dashboard(50) for _ in range(4)]), "dashboard") == (Decimal("12.00"), Decimal("3.00"))
    large = "dashboard of more than 50 metrics"
    assert usd(month([dashboard(51)]), large) == (Decimal("3.00"), Decimal("3.00"))
    # What a search finds counts, too: all that programs are expected to count.
    assert usd(month([dashboard(45, "own")], {"metrics": 10}), large)[1] == Decimal("3.00")
    assert usd(month([dashboard(45)], {"metrics": 10}), "dashboard")[1] == Decimal("0.00")


def test_what_is_paid_by_the_month() -> None:
    bill_ = month([
        one("route53/zone:Zone"),
        one("kms/key:Key"),
        one("kms/key:Key"),
        one("secretsmanager/secret:Secret"),
        one("wafv2/webAcl:WebAcl", rules=[{}, {}, {}]),
    ])  # fmt: skip
    assert bill_.usd == bill_.list_usd == bill_.fixed_usd == Decimal("10.90")


def may_ask(*models: str) -> Resource:
    arns = [f"arn:aws:bedrock:ap-northeast-1::foundation-model/{each}" for each in models]
    return one("iam/rolePolicy:RolePolicy", policy=json.dumps({"Statement": [{"Resource": arns}]}))


def test_tokens_cost_by_the_dearest_model_that_may_be_asked_and_nothing_where_none_may() -> None:
    expected = {"modelInputTokens": 2_000_000, "modelOutputTokens": 1_000_000, "embeddedTokens": 50_000_000}
    haiku, sonnet = "anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-sonnet-4-6"
    bill_ = month([may_ask(haiku), may_ask(sonnet, "amazon.titan-embed-text-v2:0")], expected)
    assert usd(bill_, "tokens read")[1] == Decimal("6.60")
    assert usd(bill_, "tokens written")[1] == Decimal("16.50")
    assert usd(bill_, "tokens embedded")[1] == Decimal("1.00")
    assert usd(month([may_ask(haiku)], expected), "tokens read")[1] == Decimal("2.20")
    assert month([may_ask()], expected).usd == 0


def test_a_guardrail_costs_by_the_text_that_each_of_its_policies_reads() -> None:
    policies = {
        "contentPolicyConfig": {"filtersConfigs": []},
        "wordPolicyConfig": {"words": []},
        "sensitiveInformationPolicyConfig": {"piiEntitiesConfigs": [{}]},
    }
    read = one("bedrock/guardrail:Guardrail", **policies)
    bill_ = month([read], {"modelInputTokens": 2_000_000, "modelOutputTokens": 500_000})
    # 10,000 units of 1,000 characters.
    assert usd(bill_, "text units, sensitive information")[1] == Decimal("1.00")


def collection(name: str, key: str, standby: str = "DISABLED", **more: Any) -> list[Resource]:
    rules = [{"ResourceType": "collection", "Resource": [f"collection/{name}"]}]
    policy = json.dumps({"Rules": rules, "KmsARN": key})
    return [
        one("opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy", type="encryption", policy=policy),
        one("opensearch/serverlessCollection:ServerlessCollection", name=name, standbyReplicas=standby, **more),
    ]


def test_of_a_collection_the_least_capacity_is_always_paid_once_for_each_key() -> None:
    together = month(collection("a", "key-1") + collection("b", "key-1"))
    assert usd(together, "least capacity")[0] == Decimal("243.82")
    apart = month(collection("a", "key-1") + collection("b", "key-2"))
    assert usd(apart, "least capacity")[0] == Decimal("487.64")
    safe = month(collection("a", "key-1", "ENABLED") + collection("b", "key-1"))
    assert usd(safe, "least capacity")[0] == Decimal("487.64")


def test_a_group_of_collections_costs_the_least_that_it_says_and_an_endpoint_each_of_its_zones() -> None:
    group = one(
        "opensearch/serverlessCollectionGroup:ServerlessCollectionGroup",
        capacityLimits=[{"minIndexingCapacityInOcu": 1, "minSearchCapacityInOcu": 1}],
    )
    endpoint = one("opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint", subnetIds=["subnet-1", "subnet-2"])
    bill_ = month([*collection("a", "key-1", collectionGroupName="a"), group, endpoint])
    assert usd(bill_, "least capacity")[0] == Decimal("487.64")
    assert usd(bill_, "endpoint, each zone")[0] == Decimal("20.44")


TASK = {"cpu": "512", "memory": "1024", "family": "api"}


def service(**inputs: Any) -> Resource:
    return one("ecs/service:Service", taskDefinition="api", name="api", **{"launchType": "FARGATE", **inputs})


def task(**inputs: Any) -> Resource:
    return one("ecs/taskDefinition:TaskDefinition", **{**TASK, **inputs})


@pytest.mark.parametrize(
    ("service_", "task_", "wanted"),
    [
        (service(desiredCount=2), task(), "44.98"),  # 2 x 730 x (0.5 x 0.05056 + 0.00553)
        (service(desiredCount=2), task(runtimePlatform={"cpuArchitecture": "ARM64"}), "35.98"),
        (service(desiredCount=2), task(cpu=".5 vCPU", memory="1 GB"), "44.98"),
        (service(desiredCount=1), task(ephemeralStorage={"sizeInGib": 50}), "25.40"),  # and 30 x 730 x 0.000133
        (
            service(
                desiredCount=4,
                launchType=None,
                capacityProviderStrategies=[
                    {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
                    {"capacityProvider": "FARGATE_SPOT", "weight": 2},
                ],
            ),
            task(),
            "59.30",  # 2 on demand and 2 on Spot
        ),
        (service(desiredCount=1, launchType="EC2"), task(), "0.00"),
    ],
)  # fmt: skip
def test_tasks_cost_by_size_machine_and_kind_of_capacity(service_: Resource, task_: Resource, wanted: str) -> None:
    assert month([service_, task_]).usd.quantize(Decimal("0.01")) == Decimal(wanted)


def express(**inputs: Any) -> Resource:
    network = [{"subnets": ["subnet-1", "subnet-2"]}]
    return one(
        "ecs/expressGatewayService:ExpressGatewayService",
        **{"cpu": "256", "memory": "512", "networkConfigurations": network, **inputs},
    )


def test_express_services_cost_their_tasks_and_one_load_balancer_for_all_of_a_network() -> None:
    """A task: 730 x (0.25 x 0.05056 + 0.5 x 0.00553 + 0.005). The load balancer: 730 x 0.0243 and two addresses."""
    scaling = [{"minTaskCount": 2}]
    task_, balancer = Decimal("14.8956"), Decimal("25.04")
    cent = Decimal("0.01")
    assert abs(month([express()]).usd - task_ - balancer) < cent
    assert abs(month([express(), express(scalingTargets=scaling)]).usd - 3 * task_ - balancer) < cent
    elsewhere = [{"subnets": ["subnet-8", "subnet-9"]}]
    assert abs(month([express(), express(networkConfigurations=elsewhere)]).usd - 2 * task_ - 2 * balancer) < cent


def test_app_runner_costs_the_memory_of_the_instances_that_are_kept() -> None:
    scaling = replace(
        one("apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion", minSize=3),
        outputs={"arn": "scaling"},
    )
    service_ = one(
        "apprunner/service:Service", autoScalingConfigurationArn="scaling", instanceConfiguration={"memory": "1024"}
    )
    alone = month([service_])
    assert usd(alone, "memory kept ready, one instance")[0] == Decimal("6.57")
    assert usd(month([scaling, service_]), "memory kept ready, 3 instances")[0] == Decimal("19.71")


def test_scaling_keeps_as_many_tasks_as_its_minimum() -> None:
    target = one("appautoscaling/target:Target", resourceId="service/cluster/api", minCapacity=3)
    assert month([service(desiredCount=1, cluster="cluster"), task(), target]).usd == 3 * month([service(), task()]).usd


def test_a_target_of_another_cluster_or_of_a_longer_name_scales_no_service_of_ours() -> None:
    alone = month([service(cluster="arn:aws:ecs:ap-northeast-1:123456789012:cluster/shop"), task()]).usd
    for other in ("service/another/api", "service/my-shop/api", "service/shop/my-api"):
        target = one("appautoscaling/target:Target", resourceId=other, minCapacity=3)
        assert month([service(cluster="shop"), task(), target]).usd == alone


def test_a_service_takes_the_shares_of_its_own_cluster_only() -> None:
    def spot(cluster: str) -> Resource:
        shares = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
        return one("ecs/clusterCapacityProviders:ClusterCapacityProviders", clusterName=cluster,
                   defaultCapacityProviderStrategies=shares)  # fmt: skip

    ours = service(launchType=None, cluster="arn:aws:ecs:ap-northeast-1:123456789012:cluster/my-shop")
    assert month([ours, task(), spot("shop")]).usd != month([ours, task(), spot("my-shop")]).usd


def test_a_server_costs_its_hours_its_disks_and_its_address() -> None:
    inputs = {
        "instanceType": "t3.micro",
        "associatePublicIpAddress": True,
        "rootBlockDevice": {"volumeSize": 16, "volumeType": "gp3", "iops": 4000, "throughput": 225},
        "ebsBlockDevices": [{"deviceName": "/dev/sdb", "volumeSize": 100, "volumeType": "gp2"}],
    }
    # 730 x 0.0136 + 16 x 0.096 + 1,000 x 0.006 + 100 x 0.048 + 100 x 0.12 + 730 x 0.005
    assert month([one("ec2/instance:Instance", **inputs)]).usd == Decimal("37.914")
    elastic = one("ec2/eip:Eip", instance="i-1")
    server = Resource(type="ec2/instance:Instance", inputs=inputs, outputs={"id": "i-1"}, region=TOKYO)
    assert month([server, elastic]).usd == Decimal("37.914"), "an elastic address takes the place of the other"


def test_prices_fall_with_the_quantity_and_the_free_terabyte_counts_towards_the_steps() -> None:
    site = one("cloudfront/distribution:Distribution")
    bill_ = month([site], {"transferGb": 61_440})
    # 1 TB free, 9 TB at 0.114, 40 TB at 0.089, 10 TB at 0.086.
    due = 9 * 1024 * Decimal("0.114") + 40 * 1024 * Decimal("0.089") + 10 * 1024 * Decimal("0.086")
    assert usd(bill_, "data out to readers")[1] == due.quantize(Decimal("0.01"))


def test_a_free_tier_is_spent_once_by_all_resources() -> None:
    zones = [one("route53/zone:Zone") for _ in range(26)]
    assert usd(month(zones), "hosted zone")[1] == Decimal("12.60"), "the 26th is 0.10"
    tables = [one("dynamodb/table:Table", readCapacity=20, writeCapacity=0) for _ in range(2)]
    assert usd(month(tables), "capacity for reading")[1] == Decimal("1.62"), "15 of 40 units are not free"


def test_what_nobody_knows_is_listed_and_counted_and_never_silently_nothing() -> None:
    bill_ = month([
        one("quantum/computer:Computer"),
        one("quantum/computer:Computer"),
        one("rds/proxy:Proxy"),
        one("ec2/instance:Instance", instanceType="x9.gigantic"),
        Resource(type="kubernetes:core/v1:Pod", region=TOKYO),
        Resource(type="random:index/randomId:RandomId", region=TOKYO),
    ])  # fmt: skip
    assert dict(bill_.unpriced) == {
        "aws:ec2/instance:Instance": "no price of ec2.x9.gigantic.hour in ap-northeast-1",
        "aws:quantum/computer:Computer": "nothing is known of this type",
        "aws:rds/proxy:Proxy": "proxies have no price here",
        "kubernetes:core/v1:Pod": "nothing is known of this type",
    }
    assert bill_.unpriced_resources == 5


def test_properties_that_cannot_be_read_are_not_priced() -> None:
    bill_ = month([one("lb/loadBalancer:LoadBalancer", subnets=3), one("ecs/service:Service", taskDefinition="gone")])
    assert set(bill_.unpriced) == {"aws:lb/loadBalancer:LoadBalancer"}
    assert "cannot be read" in bill_.unpriced["aws:lb/loadBalancer:LoadBalancer"]


def test_a_resource_in_another_region_has_the_prices_of_that_region() -> None:
    away = Resource(type="wafv2/webAcl:WebAcl", inputs={"scope": "CLOUDFRONT"}, region="us-east-1")
    here = one("cloudwatch/logGroup:LogGroup", retentionInDays=30)
    bill_ = month([away, here], {"logsGb": 105}, region="us-east-1")
    assert usd(bill_, "written to all groups")[1] == Decimal("50.00"), "what is in the stack's own region moves"
    assert usd(month([away, here], {"logsGb": 105}), "written to all groups")[1] == Decimal("76.00")


def test_a_region_without_prices_is_refused() -> None:
    with pytest.raises(CostError, match="there are no prices for the region 'eu-west-1'") as refused:
        bill(made([HTTP]), region="eu-west-1")
    assert "ap-northeast-1, ap-northeast-3, us-east-1" in refused.value.remedy


def test_a_type_is_in_one_place() -> None:
    assert not PRICED.keys() & FREE.keys()
    assert not NOT_PRICED.keys() & (PRICED.keys() | FREE.keys())


def test_the_disks_of_a_launch_template_are_paid() -> None:
    disk = {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 100, "volumeType": "gp3"}}
    template = Resource(
        type="ec2/launchTemplate:LaunchTemplate",
        inputs={"instanceType": "t3.small", "blockDeviceMappings": [disk]},
        outputs={"id": "lt-1"},
    )
    bill_ = month([template, one("ec2/instance:Instance", launchTemplate={"id": "lt-1"})])
    assert usd(bill_, "volume of the launch template, gp3")[1] == Decimal("9.60")
