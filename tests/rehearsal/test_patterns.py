"""The patterns of the chat platform: each stack has every part that its pattern names, down to the pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

PARTS = {
    "cloudfront/distribution:Distribution", "s3/bucket:Bucket", "dynamodb/table:Table",
    "elasticache/replicationGroup:ReplicationGroup", "cloudwatch/metricAlarm:MetricAlarm",
    "cloudwatch/dashboard:Dashboard",
}  # fmt: skip
COMMON = {
    *PARTS, "rds/instance:Instance", "codepipeline/pipeline:Pipeline", "codebuild/project:Project",
}  # fmt: skip
RUNNING = {
    "ecs/cluster:Cluster",
    "ecs/service:Service",
    "ecr/repository:Repository",
    "lb/loadBalancer:LoadBalancer",
}
CONTAINERS = {*COMMON, *RUNNING}
# Their pipeline is GitHub's, by the role here; with a section `pipeline` AWS's, as in the others.
PLATFORM = {
    *PARTS, *RUNNING, "rds/cluster:Cluster", "lambda/function:Function", "apigatewayv2/api:Api", "iam/role:Role",
    "wafv2/webAcl:WebAcl", "cognito/userPool:UserPool",
}  # fmt: skip
PATTERNS = {
    "serverless": {
        *COMMON, "lambda/function:Function", "apigateway/restApi:RestApi", "apigatewayv2/api:Api",
        "bedrock/guardrail:Guardrail", "cognito/userPool:UserPool", "sqs/queue:Queue",
    },
    "dev": PLATFORM,
    "prod": PLATFORM,
    "hybrid": {
        *CONTAINERS, "bedrock/guardrail:Guardrail", "apigatewayv2/api:Api", "apigatewayv2/vpcLink:VpcLink",
        "opensearch/serverlessCollection:ServerlessCollection", "bedrock/agentKnowledgeBase:AgentKnowledgeBase",
        "xray/samplingRule:SamplingRule", "cognito/userPool:UserPool",
    },
    "analytics": {
        *CONTAINERS, "glue/catalogDatabase:CatalogDatabase", "glue/catalogTable:CatalogTable", "glue/job:Job",
        "scheduler/schedule:Schedule", "athena/workgroup:Workgroup", "athena/namedQuery:NamedQuery",
    },
}  # fmt: skip


@pytest.mark.covers("B17", "B18", "B19", "B20")
@pytest.mark.parametrize("stack", PATTERNS)
def test_a_stack_has_each_part_that_its_pattern_names(stack: str, rehearsed: Any) -> None:
    made = {one["type"].removeprefix("aws:") for one in rehearsed(stack).report["resources"]}
    assert PATTERNS[stack] - made == set()


STORES = {
    "AWS/CloudFront": "5xxErrorRate",
    "AWS/RDS": "CPUUtilization",
    "AWS/ElastiCache": "EngineCPUUtilization",
    "AWS/DynamoDB": "ReadThrottleEvents",
}
BALANCED = {"AWS/ApplicationELB": ("TargetResponseTime", "HTTPCode_Target_5XX_Count"), "AWS/ECS": ("CPUUtilization",)}
CALLED = {"AWS/ApiGateway": ("Latency", "ConnectCount", "MessageCount")}
SHOWN = {"serverless": CALLED, "dev": {**BALANCED, **CALLED}, "prod": {**BALANCED, **CALLED},
         "hybrid": {**BALANCED, **CALLED}, "analytics": BALANCED}  # fmt: skip


@pytest.mark.covers("B11")
@pytest.mark.parametrize("stack", PATTERNS)
def test_the_dashboard_shows_doors_connections_stores_and_what_programs_count(stack: str, rehearsed: Any) -> None:
    told = rehearsed(stack).report
    (dashboard,) = [one["inputs"] for one in told["resources"] if one["type"].endswith("dashboard:Dashboard")]
    widgets = json.loads(dashboard["dashboardBody"])["widgets"]
    lines = [line for one in widgets for line in one["properties"].get("metrics", [])]
    metrics = {(line[0], line[1]) for line in lines if isinstance(line[0], str)}
    wanted = {(namespace, name) for namespace, names in SHOWN[stack].items() for name in names} | set(STORES.items())
    assert wanted - metrics == set()
    namespace = f"{told['product']}-{told['environment']}"
    searched = [line[0]["expression"] for line in lines if isinstance(line[0], dict) and "expression" in line[0]]
    assert f"SEARCH('Namespace=\"{namespace}\"', 'Sum', 300)" in searched


@pytest.mark.covers("B11")
@pytest.mark.parametrize("stack", PATTERNS)
def test_failures_can_be_asked_for_by_saved_queries_over_groups_that_exist(stack: str, rehearsed: Any) -> None:
    made = rehearsed(stack).report["resources"]
    groups = {one["inputs"]["name"] for one in made if one["type"].endswith(":LogGroup")}
    queries = [one["inputs"] for one in made if one["type"].endswith(":QueryDefinition")]
    assert queries
    assert all(set(one["logGroupNames"]) <= groups for one in queries)
    asked = {name for one in queries for name in one["logGroupNames"]}
    called = {name for name in groups if name.startswith("/aws/vendedlogs/apis/")}
    errors = {name for name in groups if name.endswith("/errors")}
    assert called | errors <= asked


@pytest.mark.covers("B11", "B13")
@pytest.mark.parametrize("stack", ["serverless", "dev", "prod", "hybrid"])
def test_what_functions_write_flows_into_the_archive_of_logs(stack: str, rehearsed: Any) -> None:
    """What services write comes there by their log router; analytics has a lake for its logs, and no functions."""
    made = rehearsed(stack).report["resources"]
    (stream,) = [one for one in made if one["name"].endswith("-function-logs-delivery-stream")]
    (archive,) = [one for one in made if one["name"].endswith("-log-archive-bucket")]
    written = {
        one["inputs"]["loggingConfig"]["logGroup"]
        for one in made
        if one["type"] == "aws:lambda/function:Function" and not one["name"].endswith(APART)
    }
    sent = {
        one["inputs"]["logGroup"]
        for one in made
        if one["type"].endswith(":LogSubscriptionFilter")
        and one["inputs"]["destinationArn"] == stream["outputs"]["arn"]
        and one["inputs"].get("filterPattern", "") == ""
    }
    assert written
    assert sent == written
    to_s3 = stream["inputs"]["extendedS3Configuration"]
    assert to_s3["bucketArn"] == archive["outputs"]["arn"]
    assert to_s3["prefix"] == "function-logs/"
    (policy,) = [json.loads(one["inputs"]["policy"]) for one in made if one["name"].endswith("-function-logs-policy")]
    (write,) = [one for one in policy["Statement"] if one["Sid"] == "WriteTheRecords"]
    assert write["Resource"] == [f"{archive['outputs']['arn']}/{folder}/*" for folder in FOLDERS]
    assert [one for one in made if one["name"].endswith("-function-logs-late-alarm")]


FOLDERS = ("function-logs", "function-logs-failed")
APART = ("-database-extensions-function", "-knowledge-indexes-function")
"""What a deployment runs once: its log is read there."""
