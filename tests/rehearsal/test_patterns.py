"""The patterns of the chat platform: each stack has every part that its pattern names, down to the pipeline."""

from __future__ import annotations

from typing import Any

import pytest

COMMON = {
    "cloudfront/distribution:Distribution", "s3/bucket:Bucket", "rds/instance:Instance", "dynamodb/table:Table",
    "elasticache/replicationGroup:ReplicationGroup", "cloudwatch/metricAlarm:MetricAlarm",
    "cloudwatch/dashboard:Dashboard", "codepipeline/pipeline:Pipeline", "codebuild/project:Project",
}  # fmt: skip
CONTAINERS = {
    *COMMON,
    "ecs/cluster:Cluster",
    "ecs/service:Service",
    "ecr/repository:Repository",
    "lb/loadBalancer:LoadBalancer",
}
PATTERNS = {
    "serverless": {
        *COMMON, "lambda/function:Function", "apigateway/restApi:RestApi", "apigatewayv2/api:Api",
        "bedrock/guardrail:Guardrail", "cognito/userPool:UserPool", "sqs/queue:Queue",
    },
    "hybrid": {
        *CONTAINERS, "bedrock/guardrail:Guardrail", "apigatewayv2/api:Api", "apigatewayv2/vpcLink:VpcLink",
        "opensearch/serverlessCollection:ServerlessCollection", "bedrock/agentKnowledgeBase:AgentKnowledgeBase",
        "xray/samplingRule:SamplingRule",
    },
    "analytics": {
        *CONTAINERS, "glue/catalogDatabase:CatalogDatabase", "glue/catalogTable:CatalogTable", "glue/job:Job",
        "scheduler/schedule:Schedule", "athena/workgroup:Workgroup", "athena/namedQuery:NamedQuery",
    },
}  # fmt: skip


@pytest.mark.covers("B17", "B19", "B20")
@pytest.mark.parametrize("stack", PATTERNS)
def test_a_stack_has_each_part_that_its_pattern_names(stack: str, rehearsed: Any) -> None:
    made = {one["type"].removeprefix("aws:") for one in rehearsed(stack).report["resources"]}
    assert PATTERNS[stack] - made == set()
