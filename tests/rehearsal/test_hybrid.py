"""The hybrid chat platform, as it was deployed in the rehearsal: API Gateway before containers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from packages.build import build
from packages.plan import sources
from tests.rehearsal.conftest import Rehearsed


@pytest.fixture(scope="session")
def stack(rehearsed: Callable[[str], Rehearsed]) -> Rehearsed:
    for name in ("authorizer", "chat", "extensions"):
        build(sources()[name], "arm64")
    return rehearsed("hybrid")


def inputs(stack: Rehearsed, name: str) -> dict[str, Any]:
    return stack.resource(f"hybrid-prod-{name}")["inputs"]


def of_type(stack: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in stack.report["resources"] if one["type"].endswith(ending)]


@pytest.mark.covers("B19")
def test_the_stack_deploys_and_nothing_is_wrong_with_it(stack: Rehearsed) -> None:
    assert (stack.status, stack.report["problems"]) == (0, [])


@pytest.mark.covers("B19")
def test_there_is_every_part_of_the_pattern_and_no_way_out_of_the_vpc(stack: Rehearsed) -> None:
    kinds = {one["type"].rpartition(":")[2] for one in stack.report["resources"]}
    parts = {"Distribution", "Api", "VpcLink", "LoadBalancer", "Cluster", "TaskDefinition", "Table", "ReplicationGroup"}
    assert {*parts, "UserPool", "Dashboard", "Plan"} <= kinds
    assert not {"NatGateway", "InternetGateway", "Eip"} & kinds
    assert [one["name"] for one in of_type(stack, "rds/instance:Instance")] == ["hybrid-prod-database-instance"]


@pytest.mark.covers("B7", "B19")
def test_the_api_leads_into_the_vpc_to_an_internal_load_balancer_by_tls(stack: Rehearsed) -> None:
    integration = inputs(stack, "app-private-integration")
    link, listener = stack.resource("hybrid-prod-web-link-link"), stack.resource("hybrid-prod-web-https-listener")
    assert (integration["connectionId"], integration["integrationUri"]) == (link["id"], listener["id"])
    assert integration["requestParameters"] == {"overwrite:header.x-user": "$context.authorizer.claims.sub"}
    assert inputs(stack, "app-public-integration")["requestParameters"] == {"remove:header.x-user": "''"}
    (told,) = [
        one for one in json.loads(inputs(stack, "api-task-definition")["containerDefinitions"]) if one["name"] == "app"
    ]
    assert {"name": "USER_HEADER", "value": "x-user"} in told["environment"]
    assert integration["tlsConfig"] == {"serverNameToVerify": "api.hybrid.example.com"}
    assert inputs(stack, "tls-certificate")["domainName"] == "api.hybrid.example.com"
    balancer = inputs(stack, "web-alb")
    private = stack.report["outputs"]["privateSubnetIds"]
    assert balancer["internal"] is True
    assert sorted(balancer["subnets"]) == sorted(link["inputs"]["subnetIds"]) == sorted(private)
    # Nobody but the link opens a way in.
    group = stack.resource("hybrid-prod-web-security-group")["id"]
    ways = [one["inputs"] for one in of_type(stack, ":SecurityGroupIngressRule")]
    assert [one["referencedSecurityGroupId"] for one in ways if one["securityGroupId"] == group] == [
        stack.resource("hybrid-prod-web-link-security-group")["id"]
    ]
    names = {one["inputs"]["name"] for one in of_type(stack, ":Record")}
    assert "api.hybrid.example.com" not in names


@pytest.mark.covers("B7", "B19")
def test_every_route_but_health_asks_for_a_token_of_the_user_pool(stack: Rehearsed) -> None:
    routes = {one["inputs"]["routeKey"]: one["inputs"] for one in of_type(stack, "apigatewayv2/route:Route")}
    asked = {key: one["authorizationType"] for key, one in routes.items() if " " in key}
    assert {key for key, kind in asked.items() if kind != "JWT"} == {"GET /health"}
    assert {key.partition(" ")[2] for key in asked} == {"/health", "/{proxy+}"}
    issuer = inputs(stack, "app-authorizer")["jwtConfiguration"]["issuer"]
    assert issuer.endswith(stack.resource("hybrid-prod-users-user-pool")["id"])


@pytest.mark.covers("B19")
def test_only_what_came_by_the_site_is_answered(stack: Rehearsed) -> None:
    """An HTTP API has no firewall before it: the load balancer asks for the secret that the site adds."""
    (rule,) = of_type(stack, ":ListenerRule")
    asked = [each["httpHeader"]["httpHeaderName"] for each in rule["inputs"]["conditions"] if "httpHeader" in each]
    assert asked == ["X-Origin-Secret"]
    origins = {one["originId"]: one for one in inputs(stack, "site-distribution")["origins"]}
    assert [one["name"] for one in origins["api"]["customHeaders"]] == ["X-Origin-Secret"]
    assert "customHeaders" not in origins["talk"]
    insights = stack.report["insights"]
    # AWS lets nobody close a WebSocket API.
    assert [one["origin"] for one in insights["firewall_bypasses"]] == ["hybrid-prod-talk-api"]
    ways = {one["name"]: one["from_internet"] for one in insights["stores"]}
    assert ways["hybrid-prod-database-instance"][:4] == [
        "internet",
        "hybrid-prod-site-distribution",
        "hybrid-prod-app-api",
        "hybrid-prod-web-alb",
    ]


@pytest.mark.covers("B2", "B3", "B19")
def test_the_service_reaches_database_cache_and_tables_and_nobody_else_the_database(stack: Rehearsed) -> None:
    reached = {one["name"]: set(one["reached_by"]) for one in stack.report["insights"]["stores"]}
    directly = {
        edge["to"].removeprefix("hybrid-prod-")
        for edge in stack.report["insights"]["edges"]
        if edge["from"] == "hybrid-prod-api-service"
    }
    assert {"database-instance", "cache-replication-group", "sessions-table", "settings-table"} <= directly
    assert reached["hybrid-prod-database-instance"] == {
        "hybrid-prod-api-service",
        "hybrid-prod-app-api",
        "hybrid-prod-database-extensions-function",
        "hybrid-prod-site-distribution",
        "hybrid-prod-web-alb",
        "internet",
    }


@pytest.mark.covers("B1", "B19")
def test_the_database_has_a_standby_and_pgvector(stack: Rehearsed) -> None:
    assert inputs(stack, "database-instance")["multiAz"] is True
    invocation = json.loads(inputs(stack, "database-extensions-invocation")["input"])
    assert invocation["extensions"] == ["vector"]


@pytest.mark.covers("B9", "B19")
def test_users_have_a_second_factor_and_sign_in_with_google_and_github(stack: Rehearsed) -> None:
    assert inputs(stack, "users-user-pool")["mfaConfiguration"] == "ON"
    assert {one["inputs"]["providerName"] for one in of_type(stack, ":IdentityProvider")} == {"Google", "GitHub"}


@pytest.mark.covers("B4", "B19")
def test_the_service_may_ask_two_models_in_japan_and_look_up_documents_and_no_more_of_bedrock(stack: Rehearsed) -> None:
    role = stack.resource("hybrid-prod-api-task-role")["id"]
    asked: dict[str, set[str]] = {}
    for one in of_type(stack, ":RolePolicy"):
        for each in json.loads(one["inputs"]["policy"])["Statement"] if one["inputs"]["role"] == role else ():
            actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
            resources = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
            for action in actions:
                if action.startswith("bedrock:"):
                    asked.setdefault(action, set()).update(resources)
    assert {"bedrock:InvokeModel", "bedrock:Retrieve"} <= asked.keys()
    assert asked["bedrock:Retrieve"] == {stack.resource("hybrid-prod-documents-knowledge-base")["outputs"]["arn"]}
    models = asked["bedrock:InvokeModel"]
    assert {arn.split(":")[3] for arn in models} <= {"ap-northeast-1", "ap-northeast-3"}
    assert all("claude-sonnet-4-6" in arn or "titan-embed-text-v2" in arn for arn in models)
    assert not [arn for arn in models if "*" in arn]


@pytest.mark.covers("B5", "B19")
def test_documents_are_found_by_text_and_by_vectors_in_a_collection_that_the_internet_does_not_reach(
    stack: Rehearsed,
) -> None:
    (collection,) = of_type(stack, "serverlessCollection:ServerlessCollection")
    assert collection["inputs"]["type"] == "VECTORSEARCH"
    (network,) = [
        json.loads(one["inputs"]["policy"])
        for one in of_type(stack, ":ServerlessSecurityPolicy")
        if one["inputs"]["type"] == "network"
    ]
    assert [rule["AllowFromPublic"] for rule in network] == [False] * len(network)


@pytest.mark.covers("B12", "B19")
def test_a_share_of_traces_is_recorded_and_groups_show_faults(stack: Rehearsed) -> None:
    rules = [one["inputs"] for one in of_type(stack, ":SamplingRule")]
    assert 0.1 in {rule["fixedRate"] for rule in rules}
    groups = [one["inputs"]["filterExpression"] for one in of_type(stack, "xray/group:Group")]
    assert any("fault" in expression for expression in groups)
    containers = json.loads(inputs(stack, "api-task-definition")["containerDefinitions"])
    assert any("otel-collector" in one["image"] for one in containers)
    assert "xray" in stack.report["outputs"]["interfaceEndpointIds"]
    assert inputs(stack, "chat-message-function")["tracingConfig"] == {"mode": "Active"}
