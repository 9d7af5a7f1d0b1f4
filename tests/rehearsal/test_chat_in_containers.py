"""The chat platform in containers, as prod and dev have it: a site and a load balancer that everybody may call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.iam import allowed
from tests.rehearsal.conftest import Rehearsed

DOMAINS = {"dev": "dev.example.com", "prod": "example.com"}


@pytest.fixture(params=DOMAINS)
def stack(request: pytest.FixtureRequest, rehearsed: Callable[[str], Rehearsed]) -> Rehearsed:
    return rehearsed(request.param)


def named(stack: Rehearsed, name: str) -> dict[str, Any]:
    return stack.resource(f"kumiki-{stack.report['environment']}-{name}")


def inputs(stack: Rehearsed, name: str) -> dict[str, Any]:
    return named(stack, name)["inputs"]


def of_type(stack: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in stack.report["resources"] if one["type"].endswith(ending)]


@pytest.mark.covers("B8", "B18")
def test_the_sites_address_leads_to_the_files_the_service_and_the_chat_and_keeps_nothing_of_calls(
    stack: Rehearsed,
) -> None:
    distribution = inputs(stack, "site-distribution")
    origins = {one["originId"]: one["domainName"] for one in distribution["origins"]}
    ways = {one["pathPattern"]: one for one in distribution["orderedCacheBehaviors"]}
    domain = DOMAINS[stack.report["environment"]]
    assert distribution["aliases"] == [f"www.{domain}"]
    assert {path: origins[one["targetOriginId"]] for path, one in ways.items()} == {
        "/api/*": f"api.{domain}",
        "/chat": stack.report["outputs"]["apiUrls"]["talk"].removeprefix("wss://").partition("/")[0],
    }
    # AWS's policies CachingDisabled and AllViewerExceptHostHeader: nothing is kept, and tokens and WebSockets pass.
    for one in ways.values():
        assert one["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert one["originRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    pages = {one["errorCode"]: one["responsePagePath"] for one in distribution["customErrorResponses"]}
    assert pages == {502: "/unavailable.html", 504: "/unavailable.html"}
    fields = inputs(stack, "site-log-delivery")["recordFields"]
    assert "cs-uri-stem" in fields
    assert not [field for field in fields if "query" in field]


@pytest.mark.covers("B8", "B18")
def test_who_goes_past_the_site_comes_to_the_same_firewall(stack: Rehearsed) -> None:
    front, behind = inputs(stack, "site-firewall-web-acl"), inputs(stack, "firewall-web-acl")
    assert inputs(stack, "web-web-acl-association")["webAclArn"] == named(stack, "firewall-web-acl")["outputs"]["arn"]
    assert [one["name"] for one in front["rules"]] == [one["name"] for one in behind["rules"]]
    # Whom the site has counted shows a secret, which CloudFront writes in the place of what a client wrote.
    (told,) = [one["customHeaders"] for one in inputs(stack, "site-distribution")["origins"] if "customHeaders" in one]
    assert [one["name"] for one in told] == ["X-Origin-Secret"]
    left_out = {one["name"] for one in behind["rules"] if "x-origin-secret" in json.dumps(one)}
    assert left_out == {"ip-reputation", "rate-limit"}
    assert "x-origin-secret" not in json.dumps(front["rules"])
    # No rule of the listener asks for it: the other door is for everybody.
    assert not [one for one in of_type(stack, ":ListenerRule") if "httpHeader" in json.dumps(one["inputs"])]


def test_the_report_tells_a_second_door_from_a_way_around(stack: Rehearsed) -> None:
    insights, stem = stack.report["insights"], f"kumiki-{stack.report['environment']}"
    assert [one["origin"] for one in insights["second_doors"]] == [f"{stem}-web-alb"]
    assert [one["origin"] for one in insights["firewall_bypasses"]] == [f"{stem}-talk-api"]
    assert f"{stem}-web-alb answers by its own address too, behind a firewall with the rules of" in stack.text


@pytest.mark.covers("B9", "B18")
def test_who_has_no_access_token_of_the_pool_comes_through_neither_door(stack: Rehearsed) -> None:
    rules = {one["inputs"]["priority"]: one["inputs"] for one in of_type(stack, ":ListenerRule")}
    assert sorted(rules) == [90, 100]
    judges, forwards = rules[100]["actions"]
    told, outputs = judges["jwtValidation"], stack.report["outputs"]
    assert [judges["type"], forwards["type"]] == ["jwt-validation", "forward"]
    assert told["issuer"] == outputs["userPoolIssuer"]
    assert told["jwksEndpoint"] == f"{outputs['userPoolIssuer']}/.well-known/jwks.json"
    assert {one["name"]: one["values"] for one in told["additionalClaims"]} == {
        "token_use": ["access"], "client_id": [outputs["userPoolClientIds"]["web"]],
    }  # fmt: skip
    assert rules[90]["conditions"] == [{"pathPattern": {"values": ["/health"]}}]
    # And the service believes the token that was judged, no header of a client's.
    (app,) = [
        one for one in json.loads(inputs(stack, "api-task-definition")["containerDefinitions"]) if one["name"] == "app"
    ]
    assert {"name": "USER_HEADER", "value": "authorization"} in app["environment"]


@pytest.mark.covers("B9", "B18")
def test_users_have_a_second_factor_and_sign_in_with_google_and_github(stack: Rehearsed) -> None:
    pool = inputs(stack, "users-user-pool")
    assert (pool["mfaConfiguration"], pool["softwareTokenMfaConfiguration"]) == ("ON", {"enabled": True})
    assert {one["inputs"]["providerName"] for one in of_type(stack, ":IdentityProvider")} == {"Google", "GitHub"}
    (client,) = of_type(stack, ":UserPoolClient")
    assert set(client["inputs"]["supportedIdentityProviders"]) == {"COGNITO", "Google", "GitHub"}
    assert client["inputs"]["allowedOauthFlows"] == ["code"]
    assert client["inputs"]["callbackUrls"] == [f"https://www.{DOMAINS[stack.report['environment']]}/signed-in"]


@pytest.mark.covers("B6", "B18")
def test_webhooks_are_worked_through_behind_a_queue_and_nobody_else_may_send_there(stack: Rehearsed) -> None:
    stem = f"kumiki-{stack.report['environment']}"
    route = inputs(stack, "hooks-post-github-route")
    assert (route["routeKey"], route["authorizationType"]) == ("POST /github", "NONE")
    mapping = of_type(stack, ":EventSourceMapping")
    queue = named(stack, "webhooks-queue")["outputs"]["arn"]
    assert [one["inputs"]["eventSourceArn"] for one in mapping] == [queue]
    policies = {
        function: [
            json.loads(one["inputs"]["policy"])
            for one in of_type(stack, ":RolePolicy")
            if one["inputs"]["role"] == named(stack, f"{function}-role")["id"]
        ]
        for function in ("chat", "chat-authorizer", "webhook-receive", "webhook-work")
    }
    assert {name for name, one in policies.items() if allowed(one, "sqs:SendMessage", queue)} == {"webhook-receive"}
    deliveries = named(stack, "deliveries-table")["outputs"]["arn"]
    assert {name for name, one in policies.items() if allowed(one, "dynamodb:PutItem", deliveries)} == {"webhook-work"}
    assert inputs(stack, "webhook-receive-function")["name"] == f"{stem}-webhook-receive"


@pytest.mark.covers("B8", "B18")
def test_the_chat_is_one_function_which_alone_knows_who_is_connected(stack: Rehearsed) -> None:
    routes = {one["inputs"]["routeKey"]: one["inputs"] for one in of_type(stack, "apigatewayv2/route:Route")}
    assert {"$connect", "$disconnect", "$default", "send"} <= set(routes)
    assert routes["$connect"]["authorizationType"] == "CUSTOM"
    assert inputs(stack, "chat-function")["handler"] == "chat.conversation.handler"
    assert inputs(stack, "talk-authorizer")["identitySources"] == ["route.request.querystring.token"]


@pytest.mark.covers("B3", "B18")
def test_the_service_reaches_the_cache_by_tls_and_a_password(stack: Rehearsed) -> None:
    stem = f"kumiki-{stack.report['environment']}"
    group = inputs(stack, "cache-replication-group")
    assert group["transitEncryptionEnabled"] is True
    replicated = stack.report["environment"] == "prod"
    assert group["automaticFailoverEnabled"] is replicated
    edges = {(one["from"], one["to"]) for one in stack.report["insights"]["edges"]}
    assert (f"{stem}-api-service", f"{stem}-cache-replication-group") in edges
    (app,) = [
        one for one in json.loads(inputs(stack, "api-task-definition")["containerDefinitions"]) if one["name"] == "app"
    ]
    assert "CACHE_HOST" in {one["name"] for one in app["environment"]}
    assert "CACHE_SECRET" in {one["name"] for one in app["secrets"]}
