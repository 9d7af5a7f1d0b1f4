"""The study tracker's stacks, as they were deployed in the rehearsal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from packages.plan import sources, usable
from tests.rehearsal.conftest import Rehearsed

STACKS = ("study-dev", "study-prod")
SIZES = {"study-dev": (512, 30), "study-prod": (1024, 60)}

Stack = Callable[[str], Rehearsed]
both = pytest.mark.parametrize("name", STACKS)


def inputs(stack: Rehearsed, name: str) -> dict[str, Any]:
    return stack.resource(name)["inputs"]


def types(stack: Rehearsed) -> set[str]:
    return {one["type"].rsplit(":", 1)[-1] for one in stack.report["resources"]}


@both
def test_the_stack_deploys_and_nothing_is_wrong_with_it(name: str, rehearsed: Stack) -> None:
    done = rehearsed(name)
    assert (done.status, done.report["problems"]) == (0, [])


@pytest.mark.covers("C1")
@both
def test_the_application_runs_on_a_function_of_its_size_with_its_libraries_in_a_layer(
    name: str, rehearsed: Stack
) -> None:
    stack = rehearsed(name)
    function = inputs(stack, f"{name}-api-function")
    assert (function["memorySize"], function["timeout"]) == SIZES[name]
    assert (function["handler"], function["runtime"]) == ("api.function.handler", "python3.13")
    built = usable(sources()["api"], "arm64")
    layer = stack.resource(f"{name}-api-layer")
    assert function["layers"] == [layer["outputs"]["arn"]]
    assert layer["inputs"]["code"]["path"] == str(built.layer)
    assert function["code"]["path"] == str(built.code)


@pytest.mark.covers("C1")
def test_copies_are_kept_started_in_prod_for_the_alias(rehearsed: Stack) -> None:
    provisioned = inputs(rehearsed("study-prod"), "study-prod-api-provisioned-concurrency")
    assert (provisioned["qualifier"], provisioned["provisionedConcurrentExecutions"]) == ("live", 1)
    assert "ProvisionedConcurrencyConfig" not in types(rehearsed("study-dev"))


@pytest.mark.covers("C5")
def test_the_table_is_on_demand_in_dev_and_scales_in_prod(rehearsed: Stack) -> None:
    dev, prod = (inputs(rehearsed(name), f"{name}-items-table") for name in STACKS)
    assert (dev["billingMode"], prod["billingMode"]) == ("PAY_PER_REQUEST", "PROVISIONED")
    scaled = {
        one["inputs"]["scalableDimension"]: (one["inputs"]["minCapacity"], one["inputs"]["maxCapacity"])
        for one in rehearsed("study-prod").report["resources"]
        if one["type"] == "aws:appautoscaling/target:Target"
    }
    assert scaled == {"dynamodb:table:ReadCapacityUnits": (2, 100), "dynamodb:table:WriteCapacityUnits": (2, 100)}
    assert "Target" not in types(rehearsed("study-dev"))


@pytest.mark.covers("C5", "C9")
@both
def test_the_function_knows_its_table_and_may_read_and_write_it_and_no_other(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    assert inputs(stack, f"{name}-api-function")["environment"]["variables"]["TABLE_ITEMS"] == f"{name}-items"
    table = stack.resource(f"{name}-items-table")["outputs"]["arn"]
    statements = [
        statement
        for one in stack.report["resources"]
        if one["type"] == "aws:iam/rolePolicy:RolePolicy"
        and one["inputs"]["role"] == stack.resource(f"{name}-api-role")["id"]
        for statement in json.loads(one["inputs"]["policy"])["Statement"]
    ]
    tables = [one for one in statements if "dynamodb:PutItem" in one["Action"]]
    assert [one["Resource"] for one in tables] == [table]
    assert not [one for one in statements if "*" in str(one["Action"])]


@pytest.mark.covers("C6")
def test_secrets_and_traces_are_prods_only_and_logs_are_kept_30_days_in_both(rehearsed: Stack) -> None:
    modes = {name: inputs(rehearsed(name), f"{name}-api-function")["tracingConfig"]["mode"] for name in STACKS}
    assert modes == {"study-dev": "PassThrough", "study-prod": "Active"}
    assert "Secret" in types(rehearsed("study-prod"))
    assert "Secret" not in types(rehearsed("study-dev"))
    for name in STACKS:
        assert inputs(rehearsed(name), f"{name}-api-log-group")["retentionInDays"] == 30


@pytest.mark.covers("C6")
@both
def test_what_the_application_counts_has_a_namespace_of_its_stack(name: str, rehearsed: Stack) -> None:
    assert inputs(rehearsed(name), f"{name}-api-function")["environment"]["variables"]["METRICS_NAMESPACE"] == name


@pytest.mark.covers("C10")
@both
def test_people_hear_when_more_than_one_call_in_a_hundred_fails(name: str, rehearsed: Stack) -> None:
    alarm = inputs(rehearsed(name), f"{name}-api-errors-alarm")
    assert alarm["threshold"] == 1
    assert [topic.rsplit(":", 1)[-1] for topic in alarm["alarmActions"]] == [f"{name}-critical-alerts"]


@pytest.mark.covers("C10")
@both
def test_one_dashboard_shows_what_the_function_does(name: str, rehearsed: Stack) -> None:
    body = inputs(rehearsed(name), f"{name}-overview-dashboard")["dashboardBody"]
    for metric in ("Invocations", "Errors", "Throttles", "Duration"):
        assert f'["AWS/Lambda", "{metric}", "FunctionName", "{name}-api"' in body


@pytest.mark.covers("C6", "C10")
@both
def test_the_dashboard_shows_what_the_application_counts(name: str, rehearsed: Stack) -> None:
    body = json.loads(inputs(rehearsed(name), f"{name}-overview-dashboard")["dashboardBody"])
    lines = [line for widget in body["widgets"] for line in widget["properties"].get("metrics", [])]
    searched = [line[0]["expression"] for line in lines if isinstance(line[0], dict) and "expression" in line[0]]
    assert f"SEARCH('Namespace=\"{name}\"', 'Sum', 300)" in searched


@pytest.mark.covers("C10")
@both
def test_the_table_is_backed_up_each_day(name: str, rehearsed: Stack) -> None:
    assert "Plan" in types(rehearsed(name))


# --- What the outside calls ------------------------------------------------------------------------------------------


def routes(stack: Rehearsed) -> dict[str, dict[str, Any]]:
    return {
        one["inputs"]["routeKey"]: one["inputs"]
        for one in stack.report["resources"]
        if one["type"] == "aws:apigatewayv2/route:Route"
    }


@pytest.mark.covers("C2")
@both
def test_every_call_comes_by_the_http_api_to_the_live_version(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    assert inputs(stack, f"{name}-http-api")["protocolType"] == "HTTP"
    integration = stack.resource(f"{name}-http-api-integration")
    assert integration["inputs"]["integrationUri"].endswith(f":function:{name}-api:live/invocations")
    assert {one["target"] for one in routes(stack).values()} == {f"integrations/{integration['id']}"}
    permission = inputs(stack, f"{name}-api-{name}-http-permission")
    api = stack.resource(f"{name}-http-api")["outputs"]["executionArn"]
    assert (permission["qualifier"], permission["sourceArn"]) == ("live", f"{api}/$default/*")


@pytest.mark.covers("C2")
def test_nobody_is_asked_at_first_and_in_prod_everybody_but_for_health(rehearsed: Stack) -> None:
    dev, prod = (routes(rehearsed(name)) for name in STACKS)
    assert {one["authorizationType"] for one in dev.values()} == {"NONE"}
    assert {key for key, one in prod.items() if one["authorizationType"] == "NONE"} == {"GET /health"}
    assert {one["authorizationType"] for one in prod.values()} == {"NONE", "JWT"}
    stack = rehearsed("study-prod")
    authorizer = inputs(stack, "study-prod-http-authorizer")["jwtConfiguration"]
    assert authorizer["issuer"] == stack.report["outputs"]["userPoolIssuer"]
    assert authorizer["audiences"] == [stack.report["outputs"]["userPoolClientIds"]["web"]]


@pytest.mark.covers("C2", "C9")
@both
def test_only_the_sites_own_pages_may_call_and_their_preflights_meet_no_route(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    cors = inputs(stack, f"{name}-http-api")["corsConfiguration"]
    assert stack.report["outputs"]["siteUrl"] in cors["allowOrigins"]
    assert "*" not in cors["allowOrigins"]
    assert not [key for key in routes(stack) if key.startswith(("ANY ", "OPTIONS "))]
    assert {key.partition(" ")[0] for key in routes(stack)} >= set(cors["allowMethods"])


@pytest.mark.covers("C9")
@both
def test_the_api_is_called_by_tls_1_2_under_a_name_of_the_domain_and_by_no_other(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    named = inputs(stack, f"{name}-http-domain")
    assert named["domainNameConfiguration"]["securityPolicy"] == "TLS_1_2"
    assert inputs(stack, f"{name}-http-api")["disableExecuteApiEndpoint"] is True
    assert stack.report["outputs"]["apiUrls"] == {"http": f"https://{named['domainName']}"}
    record = inputs(stack, f"{name}-domain-api-record")
    assert record["name"] == named["domainName"]
    assert record["aliases"][0]["name"] == f"d-{named['domainName']}.execute-api.ap-northeast-1.amazonaws.com"


@pytest.mark.covers("C10")
@both
def test_the_api_takes_a_hundred_requests_a_second(name: str, rehearsed: Stack) -> None:
    limits = inputs(rehearsed(name), f"{name}-http-stage")["defaultRouteSettings"]
    assert (limits["throttlingRateLimit"], limits["throttlingBurstLimit"]) == (100, 200)


@pytest.mark.covers("C10")
@both
def test_people_hear_of_slow_answers_errors_and_missing_availability(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    levels = {part: inputs(stack, f"{name}-http-{part}") for part in ("latency", "error-rate", "availability")}
    assert {part: (one["comparisonOperator"], one["threshold"]) for part, one in levels.items()} == {
        "latency": ("GreaterThanThreshold", 200),
        "error-rate": ("GreaterThanThreshold", 1),
        "availability": ("LessThanThreshold", 99.9),
    }
    api = stack.resource(f"{name}-http-api")["id"]
    for one in levels.values():
        metrics = [query["metric"] for query in one.get("metricQueries", []) if "metric" in query] or [one]
        assert {metric["dimensions"]["ApiId"] for metric in metrics} == {api}
        assert one["alarmActions"]


@pytest.mark.covers("C10")
@both
def test_the_dashboard_shows_how_the_api_answers(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    body = inputs(stack, f"{name}-overview-dashboard")["dashboardBody"]
    api = stack.resource(f"{name}-http-api")["id"]
    for metric in ("Count", "5xx", "4xx", "Latency"):
        assert f'["AWS/ApiGateway", "{metric}", "ApiId", "{api}"' in body


@both
def test_each_request_is_recorded_and_can_be_asked_for(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    group = stack.resource(f"{name}-http-access-log")
    log = inputs(stack, f"{name}-http-stage")["accessLogSettings"]
    assert log["destinationArn"] == group["outputs"]["arn"]
    assert group["inputs"]["retentionInDays"] == 30
    queries = [
        one["inputs"]
        for one in stack.report["resources"]
        if one["name"].startswith(f"{name}-http-") and one["type"].endswith(":QueryDefinition")
    ]
    assert [query["logGroupNames"] for query in queries] == [[group["inputs"]["name"]]] * 4


# --- The site --------------------------------------------------------------------------------------------------------


@pytest.mark.covers("C3")
@both
def test_the_site_is_cached_for_a_day_and_has_a_name_and_a_certificate_in_a_zone_of_ours(
    name: str, rehearsed: Stack
) -> None:
    stack = rehearsed(name)
    zone = stack.resource(f"{name}-domain-zone")
    distribution = inputs(stack, f"{name}-site-distribution")
    (alias,) = distribution["aliases"]
    assert alias == f"www.{zone['inputs']['name']}"
    assert distribution["viewerCertificate"]["acmCertificateArn"].startswith("arn:aws:acm:us-east-1:")
    assert inputs(stack, f"{name}-site-tls-certificate")["domainName"] == alias
    policies = {one["id"]: one["inputs"] for one in stack.report["resources"] if one["type"].endswith(":CachePolicy")}
    cached = policies[distribution["defaultCacheBehavior"]["cachePolicyId"]]
    assert cached["maxTtl"] == 86_400


@pytest.mark.covers("C3")
@both
def test_the_site_passes_calls_on_to_the_api_and_keeps_nothing_of_them(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    distribution = inputs(stack, f"{name}-site-distribution")
    (behaviour,) = distribution["orderedCacheBehaviors"]
    assert behaviour["pathPattern"] == "/api/*"
    origin = next(one for one in distribution["origins"] if one["originId"] == behaviour["targetOriginId"])
    assert f"https://{origin['domainName']}" == stack.report["outputs"]["apiUrls"]["http"]


@pytest.mark.covers("C4")
@both
def test_the_site_and_the_logs_have_buckets_and_the_sites_tiers_itself_and_is_compressed(
    name: str, rehearsed: Stack
) -> None:
    stack = rehearsed(name)
    buckets = {one["name"] for one in stack.report["resources"] if one["type"] == "aws:s3/bucket:Bucket"}
    assert {f"{name}-site-content-bucket", f"{name}-log-archive-bucket"} <= buckets
    assert inputs(stack, f"{name}-site-distribution")["defaultCacheBehavior"]["compress"] is True
    transitions = [
        (change["storageClass"], change.get("days", 0))
        for rule in inputs(stack, f"{name}-site-content-lifecycle")["rules"]
        for change in rule.get("transitions", [])
    ]
    assert ("INTELLIGENT_TIERING", 0) in transitions


@pytest.mark.covers("C9")
def test_in_prod_a_firewall_stands_before_the_site(rehearsed: Stack) -> None:
    stack = rehearsed("study-prod")
    acl = stack.resource("study-prod-site-firewall-web-acl")
    assert inputs(stack, "study-prod-site-distribution")["webAclId"] == acl["outputs"]["arn"]
    assert acl["inputs"]["scope"] == "CLOUDFRONT"
