"""A person's whole path through each pattern of the chat platform, by the values that were deployed: the page, the
sign-in, each door with each kind of token, the firewall, the way to the stores and back, the records, the alarms.

Parts that are right alone were wrong together before: here what one part gives is put to the next, as AWS would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import ROOT
from tests.iam import allowed, listed
from tests.rehearsal.conftest import Rehearsed

LARGEST = 65_536
"""Bytes that a request may carry."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One stack, and who does its work."""

    stem: str
    works: str
    """The service or function behind the door."""
    database: str
    doors: tuple[str, ...]
    writes_sessions: bool = True


PATTERNS = {
    "serverless": Pattern(
        stem="chat-prod", works="api-function", database="database-instance", doors=("rest", "webSocket")
    ),
    "prod": Pattern(
        stem="kumiki-prod", works="api-service", database="database-cluster", doors=("loadBalancer", "webSocket")
    ),
    "hybrid": Pattern(
        stem="hybrid-prod", works="api-service", database="database-instance", doors=("http", "webSocket")
    ),
    # Nobody signs in here: the site alone gets to the load balancer.
    "analytics": Pattern(stem="chat-dev", works="api-service", database="database-instance", doors=()),
}


@dataclass(frozen=True)
class Stack:
    """What was deployed of a pattern."""

    done: Rehearsed
    pattern: Pattern
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def named(self, name: str) -> dict[str, Any]:
        return self.done.resource(f"{self.pattern.stem}-{name}")

    def inputs(self, name: str) -> dict[str, Any]:
        return self.named(name)["inputs"]

    def of(self, ending: str) -> Iterator[dict[str, Any]]:
        return (one for one in self.done.report["resources"] if one["type"].endswith(ending))

    @property
    def signs_in(self) -> bool:
        return bool(self.pattern.doors)


@pytest.fixture(params=PATTERNS)
def stack(request: pytest.FixtureRequest, rehearsed: Callable[[str], Rehearsed]) -> Stack:
    done = rehearsed(request.param)
    return Stack(done, PATTERNS[request.param], done.report["outputs"])


# --- The page --------------------------------------------------------------------------------------------------------


def directives(policy: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for words in (part.split() for part in policy.split(";")) if words}


def may_call(policy: str, page: str, url: str) -> bool:
    """Whether a browser lets a page with this policy call the address (CSP level 3: 'self' is the page's host by TLS,
    for WebSockets too)."""
    known = directives(policy)
    sources = known.get("connect-src", known["default-src"])
    target, own = urlsplit(url), urlsplit(page)
    for source in sources:
        if source == "'self'" and target.hostname == own.hostname and target.scheme in ("https", "wss"):
            return True
        if source.startswith("https://") and source == f"{target.scheme}://{target.hostname}":
            return True
    return False


@pytest.mark.covers("B8", "B9")
def test_the_page_may_call_the_api_the_chat_and_the_sign_in_and_no_other_host(stack: Stack) -> None:
    policy = stack.inputs("site-headers-policy")["securityHeadersConfig"]["contentSecurityPolicy"][
        "contentSecurityPolicy"
    ]
    page = stack.outputs["siteUrl"]
    host = urlsplit(page).hostname
    called = [f"{page}/api/health"]
    if stack.signs_in:
        called += [f"wss://{host}/chat?room=tea", f"{stack.outputs['signInUrl']}/oauth2/token"]
    assert [url for url in called if not may_call(policy, page, url)] == []
    assert not may_call(policy, page, "https://evil.example.com/")
    assert not may_call(policy, page, f"http://{host}/api/health")
    # What the page itself has is no script or style between its lines, which the policy would stop.
    text = (ROOT / "workloads/site/index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|\sstyle=", text) == []
    assert "'unsafe-inline'" not in policy


@pytest.mark.covers("B8")
def test_what_the_page_calls_leads_to_the_doors_and_keeps_nothing(stack: Stack) -> None:
    distribution = stack.inputs("site-distribution")
    ways = {one["pathPattern"]: one for one in distribution["orderedCacheBehaviors"]}
    assert {"/api/*", *(["/chat"] if stack.signs_in else [])} <= ways.keys()
    for one in ways.values():
        # AWS's policies CachingDisabled and AllViewerExceptHostHeader, by which the authorization passes.
        assert one["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert one["originRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
        assert one["viewerProtocolPolicy"] in ("https-only", "redirect-to-https")
    assert {"DELETE", "GET", "OPTIONS", "POST"} <= set(ways["/api/*"]["allowedMethods"])


# --- The sign-in and the tokens ---------------------------------------------------------------------------------------


def tokens(stack: Stack) -> dict[str, dict[str, Any]]:
    """What the pool's client gives to a page, and what others have; of each the claims that a door looks at."""
    client, issuer = stack.outputs["userPoolClientIds"]["web"], stack.outputs["userPoolIssuer"]
    scope = " ".join(stack.inputs("users-web-client")["allowedOauthScopes"])
    access = {"iss": issuer, "token_use": "access", "client_id": client, "scope": scope, "sub": "u"}
    return {
        "access": access,
        "id": {"iss": issuer, "token_use": "id", "aud": client, "sub": "u"},
        "of another program": {**access, "client_id": "other"},
        "of another pool": {**access, "iss": f"{issuer}x"},
    }


def scoped(wanted: list[str] | None, claims: Mapping[str, Any]) -> bool:
    return not wanted or bool({*wanted} & {*claims.get("scope", "").split()})


def rest(stack: Stack, claims: Mapping[str, Any]) -> bool:
    """As a REST API with an authorizer of Cognito: of the pool, with scopes access tokens only
    (docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html)."""
    methods = [
        one["inputs"]
        for one in stack.of("apigateway/method:Method")
        if one["inputs"]["httpMethod"] != "OPTIONS" and not one["inputs"].get("operationName", "").startswith("Public")
    ]
    assert methods
    assert {one["authorization"] for one in methods} == {"COGNITO_USER_POOLS"}
    (pool,) = stack.inputs("app-authorizer")["providerArns"]
    ours = claims["iss"].rpartition("/")[2] == pool.rpartition("/")[2]
    kinds = {("access" if one.get("authorizationScopes") else "id") for one in methods}
    return (
        ours
        and {claims["token_use"]} == kinds
        and all(scoped(one.get("authorizationScopes"), claims) for one in methods)
    )


def http(stack: Stack, claims: Mapping[str, Any]) -> bool:
    """As an HTTP API with a JWT authorizer: of the issuer, for an audience, with one of the route's scopes."""
    routes = [
        one["inputs"]
        for one in stack.of("apigatewayv2/route:Route")
        if " " in one["inputs"]["routeKey"] and one["inputs"].get("operationName") != "Public"
    ]
    assert routes
    assert {one["authorizationType"] for one in routes} == {"JWT"}
    judge = stack.inputs("app-authorizer")["jwtConfiguration"]
    named = claims.get("aud", claims.get("client_id"))
    return (
        claims["iss"] == judge["issuer"]
        and named in judge["audiences"]
        and all(scoped(one.get("authorizationScopes"), claims) for one in routes)
    )


def load_balancer(stack: Stack, claims: Mapping[str, Any]) -> bool:
    """As a load balancer's rule with jwt-validation: of the issuer, each further claim as it is written."""
    (judge,) = [
        action["jwtValidation"]
        for one in stack.of(":ListenerRule")
        for action in one["inputs"]["actions"]
        if action["type"] == "jwt-validation"
    ]
    wanted = {one["name"]: one["values"] for one in judge["additionalClaims"]}
    return claims["iss"] == judge["issuer"] and all(claims.get(name) in values for name, values in wanted.items())


def web_socket(stack: Stack, claims: Mapping[str, Any]) -> bool:
    """As workloads/authorizer with what it was told (its own tests send it real tokens)."""
    assert stack.inputs("talk-connect-route")["authorizationType"] == "CUSTOM"
    assert (
        ":function:" + stack.pattern.stem + "-chat-authorizer:live/" in stack.inputs("talk-authorizer")["authorizerUri"]
    )
    told = stack.inputs("chat-authorizer-function")["environment"]["variables"]
    return (
        claims["iss"] == told["USER_POOL_ISSUER"]
        and claims["token_use"] in ("access",)
        and claims.get("client_id") in told["USER_POOL_CLIENT_IDS"].split(",")
    )


DOORS = {"rest": rest, "http": http, "loadBalancer": load_balancer, "webSocket": web_socket}


@pytest.mark.covers("B7", "B9")
def test_each_door_takes_the_token_that_the_sign_in_gives_for_it_and_no_other_kind(stack: Stack) -> None:
    for door in stack.pattern.doors:
        taken = {kind for kind, claims in tokens(stack).items() if DOORS[door](stack, claims)}
        # A pool's REST authorizer knows no programs: it asks for the scopes, which a pool gives to its own.
        programs = {"of another program"} if door == "rest" else set()
        assert taken - programs == {"access"}, door


@pytest.mark.covers("B9")
def test_people_sign_in_by_the_code_flow_and_come_back_to_the_page(stack: Stack) -> None:
    if not stack.signs_in:
        assert not list(stack.of(":UserPool"))
        return
    client = stack.inputs("users-web-client")
    assert (client["allowedOauthFlows"], client["generateSecret"]) == (["code"], False)
    assert {urlsplit(url).hostname for url in client["callbackUrls"]} == {urlsplit(stack.outputs["siteUrl"]).hostname}
    assert stack.inputs("users-user-pool")["mfaConfiguration"] == "ON"


@pytest.mark.covers("B7", "B8")
def test_the_page_can_read_that_it_was_refused(stack: Stack) -> None:
    page = stack.outputs["siteUrl"]
    # Of its own address a browser shows a page every answer, the firewall's and the load balancer's too.
    assert urlsplit(page).hostname in stack.inputs("site-distribution")["aliases"]
    if "rest" in stack.pattern.doors:
        said = {
            one["inputs"]["responseType"]: one["inputs"]["responseParameters"]
            for one in stack.of("apigateway/response:Response")
        }
        for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
            assert said[kind]["gatewayresponse.header.Access-Control-Allow-Origin"] == f"'{page}'"
    if "http" in stack.pattern.doors:
        cors = stack.inputs("app-api")["corsConfiguration"]
        assert cors["allowOrigins"] == [page]
        assert "authorization" in cors["allowHeaders"]


# --- The firewall -----------------------------------------------------------------------------------------------------


def passes(acl: Mapping[str, Any], size: int) -> bool:
    """Whether a web ACL lets a body of so many bytes pass, which says how long it is."""
    rules = {one["name"]: one for one in acl["rules"]}
    counted = {
        one["name"]
        for one in rules["common"]["statement"]["managedRuleGroupStatement"]["ruleActionOverrides"]
        if "count" in one["actionToUse"]
    }
    assert "SizeRestrictions_BODY" in counted, "it would refuse 8,193 bytes"
    statement = rules["body-size"]["statement"]
    if "regexMatchStatement" in statement:
        return re.search(statement["regexMatchStatement"]["regexString"], str(size)) is None
    limit = statement["sizeConstraintStatement"]
    assert limit["comparisonOperator"] == "GT"
    # What AWS WAF is not shown counts as too large.
    ((_, shown),) = acl["associationConfig"]["requestBodies"][0].items()
    seen = int(shown["defaultSizeInspectionLimit"].removeprefix("KB_")) * 1024
    return size <= min(limit["size"], seen)


@pytest.mark.covers("B8")
def test_the_largest_body_that_the_service_takes_passes_each_firewall_and_one_byte_more_does_not(stack: Stack) -> None:
    found = [one["inputs"] for one in stack.of(":WebAcl") if "rules" in one["inputs"] and one["custom"]]
    judging = [acl for acl in found if isinstance(acl["rules"], list) and len(acl["rules"]) > 1]
    assert judging
    for acl in judging:
        assert (passes(acl, LARGEST), passes(acl, LARGEST + 1)) == (True, False), acl["name"]
    answers = (ROOT / "workloads/api/answers.py").read_text(encoding="utf-8")
    assert "MOST_BODY_BYTES = 65_536" in answers


def test_a_token_in_the_query_of_a_web_socket_is_not_too_long_for_amazons_rules() -> None:
    """SizeRestrictions_QUERYSTRING refuses 2,048 bytes and more
    (docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html). A token of Cognito's has a
    head of some 110 letters, a signature of 342 (RS256, 2,048 bits), and its claims between, four letters for three."""
    claims = {
        "sub": "0" * 36, "iss": f"https://cognito-idp.ap-northeast-1.amazonaws.com/ap-northeast-1_{'x' * 9}",
        "client_id": "x" * 26, "origin_jti": "0" * 36, "event_id": "0" * 36, "jti": "0" * 36, "token_use": "access",
        "scope": "openid profile email", "auth_time": 1_790_000_000, "exp": 1_790_003_600, "iat": 1_790_000_000,
        "username": "google_" + "0" * 21, "version": 2, "cognito:groups": [f"ap-northeast-1_{'x' * 9}_Google"],
    }  # fmt: skip
    letters = 110 + 342 + len(json.dumps(claims)) * 4 // 3 + 3
    assert len("token=&room=") + letters + 64 < 2048


# --- To the stores, and back ------------------------------------------------------------------------------------------


@pytest.mark.covers("B1", "B2", "B3")
def test_the_call_comes_to_the_stores_by_network_and_by_role(stack: Stack) -> None:
    stem, pattern = stack.pattern.stem, stack.pattern
    edges = {(one["from"], one["to"]): one["ports"] for one in stack.done.report["insights"]["edges"]}
    works = f"{stem}-{pattern.works}"
    assert edges[works, f"{stem}-{pattern.database}"] == "5432"
    assert edges[works, f"{stem}-cache-replication-group"] == "6379"
    ways = {one["name"]: one["from_internet"] for one in stack.done.report["insights"]["stores"]}
    assert works in ways[f"{stem}-{pattern.database}"]
    role = stack.named("api-role" if pattern.works == "api-function" else "api-task-role")["id"]
    policies = [
        json.loads(one["inputs"]["policy"])
        for one in stack.of("iam/rolePolicy:RolePolicy")
        if one["inputs"]["role"] == role
    ]
    sessions = stack.named("sessions-table")["outputs"]["arn"]
    assert allowed(policies, "dynamodb:PutItem", sessions)
    assert allowed(policies, "dynamodb:Query", f"{sessions}/index/by-user")
    assert not allowed(policies, "dynamodb:DeleteTable", sessions)
    starts = role if pattern.works == "api-function" else stack.named("api-execution-role")["id"]
    reads = [
        json.loads(one["inputs"]["policy"])
        for one in stack.of("iam/rolePolicy:RolePolicy")
        if one["inputs"]["role"] == starts
    ]
    named = {
        resource
        for document in reads
        for one in document["Statement"]
        if "secretsmanager:GetSecretValue" in listed(one["Action"])
        for resource in listed(one["Resource"])
    }
    # As it stands in the report, which hides the name of a secret that RDS itself has made.
    assert {stack.outputs["databaseSecretArn"], stack.outputs["cacheSecretArn"]} <= named


@pytest.mark.covers("B8")
def test_whoever_stands_before_another_waits_for_its_answer(stack: Stack) -> None:
    waits = {
        one["originId"]: one["customOriginConfig"]["originReadTimeout"]
        for one in stack.inputs("site-distribution")["origins"]
        if "customOriginConfig" in one
    }
    behind = [
        one["inputs"]["timeoutMilliseconds"] / 1000
        for one in stack.of(":Integration")
        if one["inputs"].get("timeoutMilliseconds") and "-app-" in one["name"]
    ]
    idle = [one["inputs"]["idleTimeout"] for one in stack.of("lb/loadBalancer:LoadBalancer")]
    assert all(waits["api"] >= seconds for seconds in behind)
    assert all(seconds >= waits["api"] for seconds in idle)
    assert behind or idle


# --- What is recorded -------------------------------------------------------------------------------------------------


@pytest.mark.covers("B11")
def test_no_record_on_the_way_holds_the_token(stack: Stack) -> None:
    for one in stack.of(":LogDelivery"):
        telling = {"cs-uri-query", "cs(Cookie)", "cs(Referer)"} & set(one["inputs"]["recordFields"])
        assert telling == set(), one["name"]
    for one in stack.of("wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"):
        hidden = {each.get("singleHeader", {}).get("name", "query") for each in one["inputs"]["redactedFields"]}
        assert {"query", "authorization", "cookie", "referer"} <= hidden, one["name"]
    for one in (*stack.of("wafv2/webAcl:WebAcl"),):
        assert one["inputs"]["visibilityConfig"]["sampledRequestsEnabled"] is False
    for one in (*stack.of("apigateway/stage:Stage"), *stack.of("apigatewayv2/stage:Stage")):
        written = one["inputs"]["accessLogSettings"]["format"]
        told = set(re.findall(r"\$context\.([\w.]+)", written))
        assert not [
            name for name in told
            if re.search(r"querystring|header|authorizer\.(?!error)|requestOverride|\bbody", name, re.IGNORECASE)
        ], one["name"]  # fmt: skip
    # Whole requests, tokens and all, are in what API Gateway calls data traces.
    traced = [one["inputs"]["settings"] for one in stack.of(":MethodSettings")]
    traced += [one["inputs"]["defaultRouteSettings"] for one in stack.of("apigatewayv2/stage:Stage")]
    assert not [one for one in traced if one.get("dataTraceEnabled")]
    # A load balancer's log has the query of each request; a WebSocket's, in which the token is, never comes there.
    distribution = stack.inputs("site-distribution")
    leads = {one["originId"]: one["domainName"] for one in distribution["origins"]}
    ways = {one["pathPattern"]: leads[one["targetOriginId"]] for one in distribution["orderedCacheBehaviors"]}
    assert ways.get("/chat") != ways["/api/*"]


# --- Who hears of a failure -------------------------------------------------------------------------------------------


@pytest.mark.covers("B11", "A14")
def test_each_part_that_fails_rings_an_alarm_which_people_hear(stack: Stack) -> None:
    alarms = [one["inputs"] for one in stack.of(":MetricAlarm")]
    heard = {one["inputs"]["topic"] for one in stack.of(":TopicSubscription")}

    def rings(value: str) -> bool:
        found = [
            each
            for each in alarms
            if value
            in {
                *each.get("dimensions", {}).values(),
                *(
                    dimension
                    for query in each.get("metricQueries", [])
                    if "metric" in query
                    for dimension in query["metric"].get("dimensions", {}).values()
                ),
            }
        ]
        # One without an action is a deployment's, which goes back by it.
        told = [set(each["alarmActions"]) for each in found if each.get("alarmActions")]
        return bool(told) and all(topics <= heard for topics in told)

    stem = stack.pattern.stem
    parts = {"site": stack.outputs["siteDistributionId"], "sessions": f"{stem}-sessions"}
    parts |= {one["name"]: one["outputs"]["arnSuffix"] for one in stack.of("lb/loadBalancer:LoadBalancer")}
    parts |= {one["name"]: one["inputs"]["name"] for one in stack.of("ecs/service:Service")}
    parts |= {one["name"]: one["inputs"]["name"] for one in stack.of("apigateway/restApi:RestApi")}
    parts |= {one["name"]: one["id"] for one in stack.of("apigatewayv2/api:Api")}
    parts |= {one["name"]: one["inputs"]["name"] for one in stack.of("wafv2/webAcl:WebAcl")}
    parts |= {one["name"]: one["id"] for one in stack.of("cognito/userPool:UserPool")}
    # What runs once at a deployment fails the deployment.
    parts |= {
        one["name"]: one["inputs"]["name"]
        for one in stack.of("lambda/function:Function")
        if not one["name"].endswith(("-extensions-function", "-indexes-function"))
    }
    parts |= {
        "cache": f"{stem}-cache-{'0001-001' if stack.inputs('cache-replication-group').get('clusterMode') else '001'}"
    }
    database = stack.named(stack.pattern.database)["inputs"]
    parts |= {"database": database.get("clusterIdentifier") or database["identifier"]}
    assert [name for name, value in parts.items() if not rings(value)] == []
