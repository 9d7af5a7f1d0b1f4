"""The patterns of the chat platform: each stack has every part that its pattern names, down to the pipeline."""

from __future__ import annotations

from typing import Any

import pytest

PARTS = {
    "cloudfront/distribution:Distribution", "s3/bucket:Bucket", "dynamodb/table:Table", "cognito/userPool:UserPool",
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
    "wafv2/webAcl:WebAcl",
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
        "xray/samplingRule:SamplingRule",
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
