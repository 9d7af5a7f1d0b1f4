"""What APIs decide: which routes there are, who is asked, which limits hold, what is recorded, who may call what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.edge.api import HTTP_LOG, REQUEST_QUERIES, REST_LOG, WEB_SOCKET_LOG, WEB_SOCKET_QUERIES
from components.edge.http_api import HttpApi, HttpApiArgs
from components.edge.rest_api import RestApi, fingerprint
from components.edge.rest_api_args import RestApiArgs
from components.edge.routes import route_key
from components.edge.web_socket_api import WebSocketApi, WebSocketApiArgs
from components.errors import ArgumentError
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed

TOPICS = AlarmTopics(critical="arn:critical", warning="arn:warning")
API = {"function": "api"}
PAGES = {"origins": ["https://app.example.com"]}
Resolved = Callable[[pulumi.Output[Any]], Any]


def connected(**attributes: Any) -> Any:
    """Another component, as an API sees it."""
    return SimpleNamespace(**attributes)


USERS = connected(arn="arn:pool", issuer="https://users.example.com", client_ids={"web": "web-id"})
CERTIFICATE = connected(domains=["api.example.com"], arn="arn:certificate")


class Answering:
    """A function as APIs see it, which remembers whom it let in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.let_in: list[tuple[str, str, pulumi.Input[str]]] = []

    @property
    def invoke_arn(self) -> pulumi.Output[str]:
        return pulumi.Output.from_input(f"arn:lambda:path/{self.name}")

    def allow_invocation(self, name: str, *, principal: str, source_arn: pulumi.Input[str]) -> None:
        self.let_in.append((name, principal, source_arn))


def http_args(**changes: Any) -> HttpApiArgs:
    authorizer = {"issuer": "https://issuer.example.com", "audiences": ["web"]}
    return HttpApiArgs(**{"routes": {"GET /items": API}, "authorizer": authorizer, **changes})


def http(
    recorder: Recorder,
    then: Callable[[HttpApi], object] = lambda _made: None,
    *,
    functions: dict[str, Answering] | None = None,
    certificate: Any = None,
    link: Any = None,
    **changes: Any,
) -> Recorder:
    answering, args = functions or {"api": Answering("api")}, http_args(**changes)
    beside: dict[str, Any] = {"user_pool": USERS, "certificate": certificate, "link": link}
    return recorder.run(lambda: then(HttpApi("wiki-dev-http", args, functions=answering, **beside)))


def rest_args(**changes: Any) -> RestApiArgs:
    return RestApiArgs(**{"routes": {"GET /items": API}, "authorizer": {"user_pool": True}, **changes})


def rest(
    recorder: Recorder,
    then: Callable[[RestApi], object] = lambda _made: None,
    *,
    name: str = "wiki-dev-rest",
    certificate: Any = None,
    web_acl: Any = None,
    **changes: Any,
) -> Recorder:
    beside: dict[str, Any] = {"user_pool": USERS, "certificate": certificate, "web_acl": web_acl}
    args = rest_args(**changes)
    return recorder.run(lambda: then(RestApi(name, args, functions={"api": Answering("api")}, **beside)))


def chat_args(**changes: Any) -> WebSocketApiArgs:
    given: dict[str, Any] = {
        "routes": {
            "$connect": {"function": "connect"},
            "$disconnect": {"function": "connect"},
            "sendMessage": {"function": "message"},
        },
        "authorizer": {"function": "authorize"},
        **changes,
    }
    return WebSocketApiArgs(**given)


def chat(
    recorder: Recorder, then: Callable[[WebSocketApi], object] = lambda _made: None, **changes: Any
) -> dict[str, Answering]:
    """The functions, for those who ask whom they let in."""
    functions = {name: Answering(name) for name in ("connect", "message", "authorize")}
    args = chat_args(**changes)
    recorder.run(lambda: then(WebSocketApi("wiki-dev-chat", args, functions=functions)))
    return functions


def routes(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return {each.inputs["routeKey"]: each.inputs for each in recorder.of("apigatewayv2/route:Route")}


def methods(recorder: Recorder) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (each.inputs["resourceId"], each.inputs["httpMethod"]): each.inputs
        for each in recorder.of("apigateway/method:Method")
    }


# --- The table of routes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("GET /items", "GET /items"),
        ("get /items/", "GET /items"),
        ("  any   /{proxy+}", "ANY /{proxy+}"),
        ("POST /", "POST /"),
        ("DELETE /Items/{id}", "DELETE /Items/{id}"),
    ],
)
def test_a_route_is_read_as_it_is_meant(text: str, read: str) -> None:
    assert str(route_key(text)) == read


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([], "would answer nothing"),
        (["/items"], "does not begin with a method"),
        (["FETCH /items"], "does not begin with a method"),
        (["$default"], "does not begin with a method"),
        (["GET"], "has no path that begins with /"),
        (["GET items"], "has no path that begins with /"),
        (["GET /a//b"], "has the part ''"),
        (["GET /a b"], "has the part 'a b'"),
        (["GET /{proxy+}/more"], "put it last"),
        (["GET /{id}/x/{id}"], "names a parameter twice"),
        (["GET /items", "get /items"], "is the same route as 'GET /items'"),
        (["GET /items", "GET /items/"], "is the same route as 'GET /items'"),
        (["GET /items/{id}", "GET /items/{name}"], "is the same route as 'GET /items/{id}'"),
        (["ANY /{proxy+}", "any /{rest+}"], "is the same route as 'ANY /{proxy+}'"),
        (["GET /a-b", "GET /a_b"], "differ only in signs"),
    ],
)
def test_a_table_that_cannot_be_is_refused(texts: list[str], says: str) -> None:
    with pytest.raises(ArgumentError, match="routes") as refused:
        http_args(routes=dict.fromkeys(texts, API))
    assert says in str(refused.value)


def test_routes_that_differ_in_method_path_or_case_are_different() -> None:
    texts = ["GET /items", "POST /items", "GET /items/{id}", "GET /items/{id}/tags", "ANY /items"]
    http_args(routes=dict.fromkeys(texts, API))


def test_everything_that_is_wrong_with_a_table_is_told_at_once() -> None:
    with pytest.raises(ArgumentError) as refused:
        http_args(
            authorizer=None,
            routes={"items": {**API, "public": True}, "GET /a/": {**API, "scopes": ["a"]}, "get /a": API},
        )
    assert [str(one).partition(";")[0] for one in refused.value.mistakes] == [
        "routes: 'items' does not begin with a method",
        "routes.GET /a/.scopes: ['a'] cannot be checked: the API has no authorizer",
        "routes.GET /a/: 'without authorization' would be open to everybody",
        "routes: 'get /a' is the same route as 'GET /a/'",
        "routes.get /a: 'without authorization' would be open to everybody",
    ]


# --- Who is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.covers("C2")
def test_every_route_asks_for_a_token_but_those_that_say_they_are_public(recorder: Recorder) -> None:
    http(
        recorder,
        routes={
            "GET /health": {**API, "public": True},
            "GET /items": API,
            "POST /items": {**API, "scopes": ["items/write"]},
            "OPTIONS /items": API,
        },
    )
    found = {key: one["authorizationType"] for key, one in routes(recorder).items()}
    assert found == {"GET /health": "NONE", "GET /items": "JWT", "POST /items": "JWT", "OPTIONS /items": "NONE"}
    authorizer = recorder.one("apigatewayv2/authorizer:Authorizer")
    assert authorizer.inputs["jwtConfiguration"] == {"issuer": "https://issuer.example.com", "audiences": ["web"]}
    assert routes(recorder)["GET /items"]["authorizerId"] == f"{authorizer.name}-id"
    assert routes(recorder)["POST /items"]["authorizationScopes"] == ["items/write"]
    # What tokens of this issuer allow is not guessed.
    assert "authorizationScopes" not in routes(recorder)["GET /items"]
    assert "authorizerId" not in routes(recorder)["GET /health"]


@pytest.mark.parametrize("make", [http_args, rest_args])
def test_an_api_is_not_open_by_oversight(make: Callable[..., object]) -> None:
    with pytest.raises(ArgumentError, match="open to everybody"):
        make(authorizer=None)
    make(authorizer=None, public=True)
    make(authorizer=None, routes={"GET /health": {**API, "public": True}})
    with pytest.raises(ArgumentError, match="makes no sense with an authorizer"):
        make(public=True)
    with pytest.raises(ArgumentError, match="scopes"):
        make(authorizer=None, public=True, routes={"GET /a": {**API, "scopes": ["a"]}})


@pytest.mark.parametrize(
    ("authorizer", "says"),
    [
        ({}, "issuer: None is missing; say who judges tokens"),
        ({"user_pool": True, "issuer": "https://issuer"}, "issuer: 'https://issuer' cannot judge tokens beside"),
        ({"issuer": "https://issuer"}, "audiences: [] lets nobody in"),
        ({"user_pool": True, "audiences": ["web"]}, "audiences: ['web'] goes with an issuer only"),
        ({"issuer": "http://issuer", "audiences": ["web"]}, "begins with https://"),
    ],
)
def test_an_authorizer_that_judges_nothing_or_twice_is_refused(authorizer: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match="authorizer") as refused:
        http_args(authorizer=authorizer)
    assert says in str(refused.value)


@pytest.mark.covers("B7", "B9")
def test_an_http_api_takes_access_tokens_of_the_users_only(recorder: Recorder) -> None:
    table = {"GET /health": {**API, "public": True}, "GET /a": API, "GET /b": {**API, "scopes": ["b/read"]}}
    http(recorder, authorizer={"user_pool": True}, routes=table)
    authorizer = recorder.one("apigatewayv2/authorizer:Authorizer").inputs["jwtConfiguration"]
    assert authorizer == {"issuer": "https://users.example.com", "audiences": ["web-id"]}
    # Id tokens have no scopes.
    assert {key: one.get("authorizationScopes") for key, one in routes(recorder).items()} == {
        "GET /health": None,
        "GET /a": ["aws.cognito.signin.user.admin", "openid"],
        "GET /b": ["b/read"],
    }


def test_an_api_whose_users_are_not_given_is_refused(recorder: Recorder) -> None:
    functions = {"api": Answering("api")}
    with pytest.raises(ArgumentError, match="user_pool: None is missing"):
        recorder.run(lambda: HttpApi("a", http_args(authorizer={"user_pool": True}), functions=functions) and None)
    with pytest.raises(ArgumentError, match="user_pool: None is missing"):
        recorder.run(lambda: RestApi("a", rest_args(), functions=functions) and None)


@pytest.mark.covers("C2")
def test_a_browsers_preflight_meets_no_route_and_so_no_authorizer(recorder: Recorder) -> None:
    http(recorder, cors=PAGES, routes={"ANY /{proxy+}": API, "GET /{proxy+}": {**API, "public": True}})
    written = routes(recorder)
    assert set(written) == {f"{method} /{{proxy+}}" for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")}
    # What the table says of GET goes before what ANY stands for.
    assert written["GET /{proxy+}"]["authorizationType"] == "NONE"
    assert written["POST /{proxy+}"]["authorizationType"] == "JWT"


def test_without_cors_any_is_one_route(recorder: Recorder) -> None:
    http(recorder, routes={"ANY /{proxy+}": API})
    assert set(routes(recorder)) == {"ANY /{proxy+}"}


@pytest.mark.covers("C2")
def test_pages_of_named_origins_may_call(recorder: Recorder) -> None:
    http(recorder, cors={**PAGES, "credentials": True})
    cors = recorder.one("apigatewayv2/api:Api").inputs["corsConfiguration"]
    assert (cors["allowOrigins"], cors["allowCredentials"]) == (["https://app.example.com"], True)
    assert "authorization" in cors["allowHeaders"]


@pytest.mark.parametrize(
    ("cors", "says"),
    [
        ({"origins": []}, "write 1 or more"),
        ({"origins": ["*"], "credentials": True}, "cannot be used with credentials"),
        ({"origins": ["*", "https://a.example.com"]}, "write either"),
        ({"origins": ["https://a.example.com/"]}, "without a path"),
        ({"origins": ["app.example.com"]}, "write scheme and host"),
        ({"origins": ["https://a.example.com"], "max_age_seconds": -1}, "use 0 to 86400 seconds"),
    ],
)
def test_origins_that_browsers_or_reason_refuse_are_refused(cors: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match="cors") as refused:
        http_args(cors=cors)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"routes": {"POST /a": {**API, "body": {}}}}, "routes.POST /a.body: {} is not a known argument"),
        ({"routes": {"OPTIONS /a": API}, "cors": PAGES}, "is answered for browsers already"),
        ({"timeout_seconds": 31}, "use 0.05 to 30 seconds"),
        ({"routes": {f"ANY /{number}": API for number in range(51)}, "cors": PAGES}, "'306 routes' are too many"),
    ],
)
def test_an_http_api_that_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        http_args(**changes)
    assert says in str(refused.value)


@pytest.mark.parametrize("limits", [{"rate_per_second": 0}, {"burst": 0}, {"rate_per_second": -1}, {"burst": 5001}])
def test_limits_that_let_nobody_in_or_are_above_awss_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="throttle"):
        http_args(throttle=limits)


def test_a_route_to_a_function_that_is_not_there_is_refused(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=r"routes.GET /a.function: 'apii' is not a function.* mean 'api'\?"):
        http(recorder, routes={"GET /a": {"function": "apii"}})


# --- What is called, recorded, limited -------------------------------------------------------------------------------


def test_both_limits_are_always_set_and_each_request_is_recorded_as_json(recorder: Recorder) -> None:
    http(recorder)
    stage = recorder.one("apigatewayv2/stage:Stage")
    assert stage.inputs["defaultRouteSettings"] == {"throttlingRateLimit": 100, "throttlingBurstLimit": 200}
    group = recorder.one("logGroup:LogGroup")
    assert (group.inputs["name"], group.inputs["retentionInDays"]) == ("/aws/vendedlogs/apis/wiki-dev-http", 30)
    log = stage.inputs["accessLogSettings"]
    assert log["destinationArn"].endswith(f":log-group:{group.inputs['name']}")
    fields = json.loads(log["format"])
    # AWS refuses a format without the request's id.
    assert fields["request_id"] == "$context.requestId"
    assert {"status", "latency", "route", "authorizer_error"} <= set(fields)


@pytest.mark.parametrize(
    ("queries", "fields"),
    [(REQUEST_QUERIES, HTTP_LOG), (REQUEST_QUERIES, REST_LOG), (WEB_SOCKET_QUERIES, WEB_SOCKET_LOG)],
)
def test_saved_queries_ask_for_what_is_recorded(queries: dict[str, str], fields: dict[str, str]) -> None:
    language = {"fields", "filter", "sort", "limit", "stats", "by", "as", "in", "desc", "timestamp"}
    language |= {"bin", "m", "count", "avg", "max", "pct", "ispresent"}
    for text in queries.values():
        bare = re.sub(r'"[^"]*"', "", text)
        made = set(re.findall(r" as (\w+)", bare))
        asked = set(re.findall(r"[a-z_]\w*", bare)) - language - made
        assert asked, text
        assert asked <= set(fields), text


def test_the_stage_is_made_after_the_routes_and_awss_own_deployments_are_no_difference(recorder: Recorder) -> None:
    http(recorder, routes={"GET /a": API, "GET /b": API})
    stage = recorder.one("apigatewayv2/stage:Stage")
    assert {each.urn for each in recorder.of("route:Route")} <= set(stage.dependencies)
    assert stage.ignore_changes == ["deploymentId"]
    assert (stage.inputs["name"], stage.inputs["autoDeploy"]) == ("$default", True)


def test_a_function_is_reached_by_one_integration_and_lets_in_this_api_only(
    recorder: Recorder, resolved: Resolved
) -> None:
    api, other = Answering("api"), Answering("other")
    http(recorder, functions={"api": api, "idle": other}, routes={"GET /a": API, "GET /b": API})
    integration = recorder.one("integration:Integration").inputs
    assert (integration["integrationUri"], integration["payloadFormatVersion"]) == ("arn:lambda:path/api", "2.0")
    ((_, principal, source),) = api.let_in
    assert principal == "apigateway.amazonaws.com"
    assert (
        resolved(pulumi.Output.from_input(source))
        == f"arn:aws:execute-api:{REGION}:{ACCOUNT}:wiki-dev-http-api/$default/*"
    )
    assert other.let_in == []


LINK = SimpleNamespace(
    connection_id="link-1", listener_arn="arn:listener", server_name="api.example.com", pulumi_resource_name="link"
)


def test_services_behind_a_load_balancer_are_reached_by_a_link_and_told_who_asks(recorder: Recorder) -> None:
    leads = {"load_balancer": True}
    http(recorder, link=LINK, routes={"ANY /{proxy+}": leads, "GET /health": {**leads, "public": True}, "GET /a": API})
    to_it = {each.name: each for each in recorder.of(":Integration") if each.inputs.get("connectionType") == "VPC_LINK"}
    for one in to_it.values():
        assert (
            one.inputs.items()
            >= {
                "integrationType": "HTTP_PROXY",
                "integrationMethod": "ANY",
                "integrationUri": "arn:listener",
                "connectionId": "link-1",
                "payloadFormatVersion": "1.0",
                "tlsConfig": {"serverNameToVerify": "api.example.com"},
            }.items()
        )
    told = {
        key: to_it[one["target"].removeprefix("integrations/").removesuffix("-id")].inputs["requestParameters"]
        for key, one in routes(recorder).items()
        if key != "GET /a"
    }
    assert told == {
        "ANY /{proxy+}": {"overwrite:header.x-user": "$context.authorizer.claims.sub"},
        # Nobody names himself where no token is asked for.
        "GET /health": {"remove:header.x-user": "''"},
    }


@pytest.mark.parametrize(
    ("link", "route"), [(None, {"load_balancer": True}), (LINK, API)], ids=["no link", "nothing for the link"]
)
def test_a_link_and_the_routes_that_need_it_go_together(recorder: Recorder, link: Any, route: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="goes together with routes that lead to the load balancer"):
        http(recorder, link=link, routes={"GET /a": route})


@pytest.mark.parametrize(
    ("route", "says"),
    [
        ({}, "is missing; name the function"),
        ({**API, "load_balancer": True}, "makes no sense with a function"),
    ],
)
def test_a_route_leads_to_one_place(route: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        http_args(routes={"GET /a": route})


def test_an_api_with_a_name_of_its_own_takes_tls_1_2_there_and_closes_awss_address(
    recorder: Recorder, resolved: Resolved
) -> None:
    made: list[HttpApi] = []
    http(recorder, made.append, certificate=CERTIFICATE)
    named = recorder.one("domainName:DomainName").inputs["domainNameConfiguration"]
    assert (named["securityPolicy"], named["certificateArn"]) == ("TLS_1_2", "arn:certificate")
    assert recorder.one("apigatewayv2/api:Api").inputs["disableExecuteApiEndpoint"] is True
    assert resolved(made[0].endpoint) == "https://api.example.com"
    assert resolved(made[0].origin_domain) == "api.example.com"
    assert made[0].named is not None
    assert resolved(made[0].named.zone_id) == "ZGATEWAY"


def test_an_api_without_a_name_is_called_by_awss(recorder: Recorder, resolved: Resolved) -> None:
    made: list[HttpApi] = []
    http(recorder, made.append)
    assert resolved(made[0].endpoint) == f"https://wiki-dev-http-api.execute-api.{REGION}.amazonaws.com"
    assert recorder.of("domainName:DomainName") == []
    assert recorder.one("apigatewayv2/api:Api").inputs["disableExecuteApiEndpoint"] is False


@pytest.mark.covers("C10")
def test_the_service_levels_ring(recorder: Recorder) -> None:
    http(recorder, lambda api: api.alarms(TOPICS))
    slow = recorder.named("wiki-dev-http-latency").inputs
    assert (slow["metricName"], slow["statistic"], slow["threshold"]) == ("Latency", "Average", 200)
    assert slow["comparisonOperator"] == "GreaterThanThreshold"
    for name, comparison, threshold, period in (
        ("error-rate", "GreaterThanThreshold", 1, 60),
        ("availability", "LessThanThreshold", 99.9, 3600),
    ):
        alarm = recorder.named(f"wiki-dev-http-{name}").inputs
        assert (alarm["comparisonOperator"], alarm["threshold"]) == (comparison, threshold)
        metrics = {each["id"]: each["metric"] for each in alarm["metricQueries"] if "metric" in each}
        assert {key: one["metricName"] for key, one in metrics.items()} == {"failed": "5xx", "requests": "Count"}
        assert {one["period"] for one in metrics.values()} == {period}


# --- REST ------------------------------------------------------------------------------------------------------------


def test_a_rest_api_checks_what_is_sent_before_the_function_is_called(recorder: Recorder) -> None:
    schema = {"type": "object", "required": ["title"]}
    rest(recorder, routes={"POST /items": {**API, "body": schema}, "GET /items": API})
    validator = recorder.one("requestValidator:RequestValidator")
    assert (validator.inputs["validateRequestBody"], validator.inputs["validateRequestParameters"]) == (True, True)
    by_method = {key[1]: one for key, one in methods(recorder).items()}
    assert {one["requestValidatorId"] for one in by_method.values()} == {f"{validator.name}-id"}
    model = recorder.one("model:Model")
    assert json.loads(model.inputs["schema"]) == schema
    assert by_method["POST"]["requestModels"] == {"application/json": model.inputs["name"]}
    assert "requestModels" not in by_method["GET"]


def test_a_rest_api_has_one_resource_for_each_part_of_its_paths(recorder: Recorder) -> None:
    rest(recorder, routes={"GET /": API, "GET /items/{id}": API, "PUT /items/{id}": API})
    parts = {each.inputs["pathPart"]: each.inputs["parentId"] for each in recorder.of("apigateway/resource:Resource")}
    assert parts == {"items": "wiki-dev-rest-api-root", "{id}": "wiki-dev-rest-items-resource-id"}
    assert set(methods(recorder)) == {
        ("wiki-dev-rest-api-root", "GET"),
        ("wiki-dev-rest-items-id-resource-id", "GET"),
        ("wiki-dev-rest-items-id-resource-id", "PUT"),
    }


def test_browsers_may_ask_a_rest_api_without_a_token_where_pages_may_call(recorder: Recorder) -> None:
    rest(recorder, cors=PAGES, routes={"ANY /{proxy+}": API})
    found = {key[1]: one["authorization"] for key, one in methods(recorder).items()}
    assert found == {"ANY": "COGNITO_USER_POOLS", "OPTIONS": "NONE"}
    assert {each.inputs["uri"] for each in recorder.of("integration:Integration")} == {"arn:lambda:path/api"}


@pytest.mark.parametrize(
    ("cors", "headers"),
    [
        ({"origins": ["https://a.example.com"]}, {"Allow-Origin": "https://a.example.com"}),
        ({"origins": ["https://a.example.com", "https://b.example.com"]}, {"Allow-Origin": "*"}),
        (
            {"origins": ["https://a.example.com"], "credentials": True},
            {"Allow-Origin": "https://a.example.com", "Allow-Credentials": "true"},
        ),
    ],
)
def test_pages_may_read_what_a_rest_api_refuses_itself(
    cors: dict[str, Any], headers: dict[str, str], recorder: Recorder
) -> None:
    rest(recorder, cors=cors)
    made = {each.inputs["responseType"]: each for each in recorder.of("apigateway/response:Response")}
    assert set(made) == {"DEFAULT_4XX", "DEFAULT_5XX"}
    for each in made.values():
        wanted = {f"gatewayresponse.header.Access-Control-{name}": f"'{text}'" for name, text in headers.items()}
        assert each.inputs["responseParameters"] == wanted
    # A deployment takes a picture of them too.
    assert {each.urn for each in made.values()} <= set(recorder.one("deployment:Deployment").dependencies)


def test_without_pages_a_rest_api_names_no_origin(recorder: Recorder) -> None:
    rest(recorder)
    assert recorder.of("apigateway/response:Response") == []


@pytest.mark.covers("B7", "B9")
def test_a_rest_api_takes_access_tokens_and_no_id_tokens(recorder: Recorder) -> None:
    rest(recorder, routes={"GET /a": API, "GET /b": {**API, "scopes": ["b/read"]}})
    scopes = [one["authorizationScopes"] for _, one in sorted(methods(recorder).items())]
    # Id tokens have no scopes.
    assert sorted(scopes) == [["aws.cognito.signin.user.admin", "openid"], ["b/read"]]


def test_a_deployment_is_taken_again_when_another_version_of_a_function_is_called(recorder: Recorder) -> None:
    rest(recorder)
    assert recorder.one("deployment:Deployment").inputs["triggers"]["functions"] == "arn:lambda:path/api"


def test_a_rest_apis_stage_is_limited_traced_on_demand_and_never_records_what_is_sent(recorder: Recorder) -> None:
    rest(recorder, tracing=True, web_acl=connected(arn="arn:acl"))
    settings = recorder.one("methodSettings:MethodSettings").inputs
    assert settings["methodPath"] == "*/*"
    assert settings["settings"] == {
        "throttlingRateLimit": 100,
        "throttlingBurstLimit": 200,
        "loggingLevel": "OFF",
        "dataTraceEnabled": False,
    }
    stage = recorder.one("apigateway/stage:Stage")
    assert stage.inputs["xrayTracingEnabled"] is True
    association = recorder.one("webAclAssociation:WebAclAssociation").inputs
    assert association["resourceArn"].endswith("wiki-dev-rest-stage")


def test_a_deployment_is_taken_after_the_methods_and_again_when_the_table_changes(recorder: Recorder) -> None:
    rest(recorder)
    deployment = recorder.one("deployment:Deployment")
    needed = {each.urn for each in (*recorder.of("method:Method"), *recorder.of("integration:Integration"))}
    assert needed <= set(deployment.dependencies)
    assert deployment.inputs["triggers"]["users"] == "arn:pool"
    same = fingerprint(rest_args(routes={"get /items/": API}), named=False)
    assert fingerprint(rest_args(), named=False) == same == deployment.inputs["triggers"]["table"]
    others = [
        rest_args(routes={"GET /items": {**API, "public": True}}),
        rest_args(routes={"GET /items": {**API, "scopes": ["a"]}}),
        rest_args(routes={"POST /items": API}),
        rest_args(routes={"POST /items": {**API, "body": {"type": "object"}}}),
        rest_args(cors=PAGES),
        rest_args(cors={"origins": ["https://other.example.com"]}),
        rest_args(timeout_seconds=10),
    ]
    # The address that AWS gives is closed with the next deployment only.
    named = fingerprint(rest_args(), named=True)
    assert len({same, named, *(fingerprint(each, named=False) for each in others)}) == len(others) + 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"routes": {"GET /a/{id}": API, "GET /a/{name}/b": API}}, "one name"),
        ({"routes": {"GET /a/{id}": API, "GET /a/{p+}": API}}, "one name"),
        ({"routes": {"GET /a": {**API, "body": {}}}}, "a GET sends none"),
        ({"routes": {"OPTIONS /a": API}, "cors": PAGES}, "is answered for browsers already"),
        (
            {"cors": {"origins": ["https://a.example.com", "https://b.example.com"], "credentials": True}},
            "can name one",
        ),
        ({"cors": {"origins": ["*"]}}, "name the origins"),
        ({"timeout_seconds": 30}, "use 0.05 to 29 seconds"),
    ],
)
def test_a_rest_api_that_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        rest_args(**changes)
    assert says in str(refused.value)


def test_a_rest_api_is_called_with_its_stage_and_under_its_name_without(recorder: Recorder, resolved: Resolved) -> None:
    made: list[RestApi] = []

    rest(recorder, made.append)
    rest(recorder, made.append, name="wiki-dev-named", certificate=CERTIFICATE)
    assert resolved(made[0].endpoint) == f"https://wiki-dev-rest-api-id.execute-api.{REGION}.amazonaws.com/live"
    assert (resolved(made[1].endpoint), made[1].origin_path) == ("https://api.example.com", "")
    assert recorder.one("domainName:DomainName").inputs["securityPolicy"] == "TLS_1_2"


@pytest.mark.covers("C10")
def test_a_rest_api_has_the_same_service_levels_under_other_names(recorder: Recorder) -> None:
    rest(recorder, lambda api: api.alarms(TOPICS), latency_ms=500)
    assert recorder.named("wiki-dev-rest-latency").inputs["dimensions"] == {"ApiName": "wiki-dev-rest", "Stage": "live"}
    assert recorder.named("wiki-dev-rest-latency").inputs["threshold"] == 500
    queries = recorder.named("wiki-dev-rest-error-rate").inputs["metricQueries"]
    assert {each["metric"]["metricName"] for each in queries if "metric" in each} == {"5XXError", "Count"}


# --- WebSocket -------------------------------------------------------------------------------------------------------


def test_who_connects_is_asked_once_and_by_a_token(recorder: Recorder, resolved: Resolved) -> None:
    functions = chat(recorder)
    found = {key: one["authorizationType"] for key, one in routes(recorder).items()}
    assert found == {"$connect": "CUSTOM", "$disconnect": "NONE", "sendMessage": "NONE"}
    authorizer = recorder.one("authorizer:Authorizer")
    assert authorizer.inputs["identitySources"] == ["route.request.querystring.token"]
    ((_, _, source),) = functions["authorize"].let_in
    assert resolved(pulumi.Output.from_input(source)).endswith(f":wiki-dev-chat-api/authorizers/{authorizer.name}-id")


def test_a_speaker_may_speak_to_the_connections_of_this_stage_and_do_nothing_else(recorder: Recorder) -> None:
    chat(
        recorder,
        lambda made: made.grant_manage_connections(aws.iam.Role("wiki-dev-speaker-role", assume_role_policy="{}")),
    )
    documents = [recorder.one("rolePolicy:RolePolicy").policy()]
    base = f"arn:aws:execute-api:{REGION}:{ACCOUNT}"
    for method in ("POST", "GET", "DELETE"):
        assert allowed(
            documents, "execute-api:ManageConnections", f"{base}:wiki-dev-chat-api/live/{method}/@connections/abc="
        )
    for action, resource in (
        ("execute-api:Invoke", f"{base}:wiki-dev-chat-api/live/POST/@connections/abc="),
        ("execute-api:ManageConnections", f"{base}:wiki-dev-chat-api/other/POST/@connections/abc="),
        ("execute-api:ManageConnections", f"{base}:wiki-prod-chat-api/live/POST/@connections/abc="),
    ):
        assert not allowed(documents, action, resource)


def test_a_web_socket_is_limited_and_recorded_but_not_what_people_say(recorder: Recorder) -> None:
    chat(recorder)
    stage = recorder.one("stage:Stage").inputs
    limits = stage["defaultRouteSettings"]
    assert (limits["throttlingRateLimit"], limits["throttlingBurstLimit"]) == (100, 200)
    assert (limits["loggingLevel"], limits["dataTraceEnabled"]) == ("OFF", False)
    assert json.loads(stage["accessLogSettings"]["format"])["connection"] == "$context.connectionId"


def test_a_web_socket_tells_clients_and_functions_where_it_is(recorder: Recorder, resolved: Resolved) -> None:
    made: list[WebSocketApi] = []
    chat(recorder, made.append)
    host = f"wiki-dev-chat-api.execute-api.{REGION}.amazonaws.com"
    assert resolved(made[0].endpoint) == f"wss://{host}/live"
    assert resolved(made[0].management_endpoint) == f"https://{host}/live"
    assert (resolved(made[0].origin_domain), made[0].origin_path) == (host, "/live")


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        (["sendMessage"], "lack $connect"),
        (["$connect", "$close"], "is no route"),
        (["$connect", "send", "Send"], "capitals or signs"),
    ],
)
def test_a_table_of_messages_that_cannot_be_is_refused(routes: list[str], says: str) -> None:
    with pytest.raises(ArgumentError, match="routes") as refused:
        chat_args(routes={route: {"function": "connect"} for route in routes})
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"authorizer": None}, "is missing"),
        ({"public": True}, "makes no sense with an authorizer"),
        ({"timeout_seconds": 30}, "use 0.05 to 29 seconds"),
        ({"routes": {"$connect": {"function": "conect"}}}, "routes.$connect.function: 'conect' is not a function"),
        ({"authorizer": {"function": "nobody"}}, "authorizer.function: 'nobody' is not a function"),
    ],
)
def test_a_web_socket_that_cannot_be_is_refused(changes: dict[str, Any], says: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError) as refused:
        chat(recorder, **changes)
    assert says in str(refused.value)
