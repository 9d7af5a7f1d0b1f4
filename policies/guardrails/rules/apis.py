"""APIs of API Gateway: who may call, how much, by what TLS, and what is recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, setting, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Props, Resource

API = "aws:apigatewayv2/api:Api"
ROUTE = "aws:apigatewayv2/route:Route"
STAGE = "aws:apigatewayv2/stage:Stage"
DOMAIN = "aws:apigatewayv2/domainName:DomainName"
METHOD = "aws:apigateway/method:Method"
REST_STAGE = "aws:apigateway/stage:Stage"
REST_SETTINGS = "aws:apigateway/methodSettings:MethodSettings"
REST_DOMAIN = "aws:apigateway/domainName:DomainName"
WEB_ACL_ON = "aws:wafv2/webAclAssociation:WebAclAssociation"


def _route(key: str, **props: Any) -> Any:
    return aws("apigatewayv2/route:Route", {"apiId": "a", "routeKey": key, **props})


def _method(method: str, **props: Any) -> Any:
    return aws("apigateway/method:Method", {"restApi": "a", "resourceId": "r", "httpMethod": method, **props})


def _stage(**props: Any) -> Any:
    return aws("apigatewayv2/stage:Stage", {"apiId": "a", "name": "live", **props})


def _settings(**settings: Any) -> Any:
    return aws(
        "apigateway/methodSettings:MethodSettings",
        {"restApi": "a", "stageName": "live", "methodPath": "*/*", "settings": settings},
    )


_LOGGED = {
    "accessLogSettings": {"destinationArn": "arn:aws:logs:ap-northeast-1:123456789012:log-group:a", "format": "{}"}
}


@rule(
    id="api-authorization",
    title="Who calls an API is asked who they are, unless the route says that it is public",
    types=(ROUTE, METHOD),
    level=MANDATORY,
    severity="critical",
    topics=("network", "iam"),
    references=("N-APIG4", "C59", "C309", "F APIGateway.8"),
    remedy="Give the route an authorizer, or, where everybody may call it, an operationName that begins with Public.",
    compliant=[
        example(_route("GET /items", authorizationType="JWT", authorizerId="x")),
        example(_route("GET /health", authorizationType="NONE", operationName="Public")),
        example(_route("OPTIONS /{proxy+}", authorizationType="NONE")),
        example(_route("$connect", authorizationType="CUSTOM", authorizerId="x")),
        example(_route("sendMessage")),
        example(_method("GET", authorization="COGNITO_USER_POOLS", authorizerId="x")),
        example(_method("POST", authorization="NONE", apiKeyRequired=False, operationName="Public sign-up")),
        example(_method("OPTIONS", authorization="NONE")),
    ],
    non_compliant=[
        example(_route("GET /items")),
        example(_route("ANY /{proxy+}", authorizationType="NONE")),
        example(_route("$connect", authorizationType="NONE")),
        example(_method("GET", authorization="NONE")),
        example(_method("ANY", authorization="NONE", operationName="listItems")),
    ],
)
def api_authorization(route: Resource, _at: Context) -> Iterator[str]:
    """Browsers send OPTIONS without a token, so that it is left out; of a WebSocket only $connect is asked. An API key
    is no authorization: it tells who pays, not who calls."""
    if route.kind == ROUTE:
        key, kind = route.props.text("routeKey"), "authorizationType"
        if " " not in key and key != "$connect":
            return
        method = key.partition(" ")[0]
    else:
        key = method = route.props.text("httpMethod")
        kind = "authorization"
    if method == "OPTIONS" or route.props.get(kind, "NONE") != "NONE":
        return
    if not route.props.text("operationName").startswith("Public"):
        yield f"{key} is open to everybody and does not say so"


@rule(
    id="api-access-log",
    title="Each request to an API is recorded",
    types=(STAGE, REST_STAGE),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("P", "N-APIG1", "C76", "F APIGateway.9"),
    remedy="Set accessLogSettings with a log group's ARN and a format.",
    compliant=[
        example(_stage(**_LOGGED)),
        example(aws("apigateway/stage:Stage", {"restApi": "a", "stageName": "live", **_LOGGED})),
    ],
    non_compliant=[
        example(_stage()),
        example(aws("apigateway/stage:Stage", {"restApi": "a", "stageName": "live"})),
    ],
)
def api_access_log(stage: Resource, _at: Context) -> Iterator[str]:
    """Who was refused never reaches a function, so that only this log knows of them."""
    if not stage.props.has("accessLogSettings.destinationArn"):
        yield "nothing is recorded"


@rule(
    id="api-data-trace",
    title="APIs do not write what is sent into their logs",
    types=(STAGE, REST_SETTINGS),
    level=MANDATORY,
    severity="high",
    topics=("logging", "secrets"),
    references=("C276",),
    remedy="Leave dataTraceEnabled false.",
    compliant=[
        example(_stage()),
        example(_stage(defaultRouteSettings={"dataTraceEnabled": False})),
        example(_settings(dataTraceEnabled=False)),
    ],
    non_compliant=[
        example(_stage(defaultRouteSettings={"dataTraceEnabled": True})),
        example(_settings(dataTraceEnabled=True)),
    ],
)
def api_data_trace(stage: Resource, _at: Context) -> Iterator[str]:
    """Data tracing records whole requests: tokens, passwords, people's data."""
    if stage.props.get(f"{_limits_of(stage)}.dataTraceEnabled"):
        yield "whole requests and answers are recorded"


@rule(
    id="api-throttling",
    title="APIs have both limits, and neither is 0",
    types=(STAGE, REST_SETTINGS),
    level=MANDATORY,
    severity="medium",
    topics=("availability", "cost"),
    remedy="Set throttlingRateLimit and throttlingBurstLimit, both above 0.",
    compliant=[
        example(_stage(defaultRouteSettings={"throttlingRateLimit": 100, "throttlingBurstLimit": 200})),
        example(_settings(throttlingRateLimit=100, throttlingBurstLimit=200)),
    ],
    non_compliant=[
        example(_stage()),
        example(_stage(defaultRouteSettings={"throttlingRateLimit": 100})),
        example(_stage(defaultRouteSettings={"throttlingRateLimit": 0, "throttlingBurstLimit": 200})),
        example(_settings(throttlingRateLimit=100)),
        example(_settings(throttlingRateLimit=-1, throttlingBurstLimit=-1)),
    ],
)
def api_throttling(stage: Resource, _at: Context) -> Iterator[str]:
    """Without limits one caller takes the account's 10,000 requests a second from all its APIs; and a limit that is
    missing beside another is sent as 0, which answers everybody with 429."""
    at = _limits_of(stage)
    for limit in ("throttlingRateLimit", "throttlingBurstLimit"):
        value = stage.props.number(f"{at}.{limit}")
        if value is None:
            yield f"{limit} is not set"
        elif value <= 0:
            yield f"{limit} is {show(value)}"


def _limits_of(stage: Resource) -> str:
    return "defaultRouteSettings" if stage.kind == STAGE else "settings"


@rule(
    id="api-domain-tls",
    title="APIs under names of our own take TLS 1.2 and better only",
    types=(DOMAIN, REST_DOMAIN),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "C206"),
    remedy="Set securityPolicy to TLS_1_2.",
    compliant=[
        example(aws("apigatewayv2/domainName:DomainName", {"domainNameConfiguration": {"securityPolicy": "TLS_1_2"}})),
        example(aws("apigateway/domainName:DomainName", {"securityPolicy": "TLS_1_2"})),
        example(aws("apigateway/domainName:DomainName", {"securityPolicy": "SecurityPolicy_TLS13_1_3_2025_09"})),
    ],
    non_compliant=[
        example(aws("apigatewayv2/domainName:DomainName", {"domainNameConfiguration": {"securityPolicy": "TLS_1_0"}})),
        example(aws("apigateway/domainName:DomainName", {"securityPolicy": "TLS_1_0"})),
        example(aws("apigateway/domainName:DomainName", {})),
    ],
)
def api_domain_tls(domain: Resource, _at: Context) -> Iterator[str]:
    """The policies with TLS 1.3 in their names count as better."""
    props: Props = domain.props
    policy = props.text("domainNameConfiguration.securityPolicy" if domain.kind == DOMAIN else "securityPolicy")
    if policy != "TLS_1_2" and not policy.startswith("SecurityPolicy_TLS1"):
        yield f"the security policy is {policy or 'not set'}"


@rule(
    id="api-request-validation",
    title="REST APIs check requests before functions do",
    types=(METHOD,),
    level=ADVISORY,
    severity="low",
    topics=("network",),
    references=("N-APIG2",),
    remedy="Give the method a request validator, and a model where it takes a body.",
    compliant=[example(_method("POST", requestValidatorId="v"))],
    non_compliant=[example(_method("POST"))],
)
def api_request_validation(method: Resource, _at: Context) -> Iterator[str]:
    """What the API refuses costs no call of a function."""
    if not method.props.has("requestValidatorId"):
        yield "no request validator"


@rule(
    id="api-origins",
    title="No page of just any origin calls an API with its user's cookies",
    types=(API,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="List the origins, or leave allowCredentials false.",
    compliant=[
        example(aws("apigatewayv2/api:Api", {"protocolType": "HTTP"})),
        example(aws("apigatewayv2/api:Api", {"corsConfiguration": {"allowOrigins": ["*"]}})),
        example(
            aws(
                "apigatewayv2/api:Api",
                {"corsConfiguration": {"allowOrigins": ["https://app.example.com"], "allowCredentials": True}},
            )
        ),
    ],
    non_compliant=[
        example(aws("apigatewayv2/api:Api", {"corsConfiguration": {"allowOrigins": ["*"], "allowCredentials": True}})),
        example(
            aws(
                "apigatewayv2/api:Api",
                {"corsConfiguration": {"allowOrigins": ["https://*"], "allowCredentials": True}},
            )
        ),
    ],
)
def api_origins(api: Resource, _at: Context) -> Iterator[str]:
    """`*` and `https://*` are every page there is."""
    if not api.props.get("corsConfiguration.allowCredentials"):
        return
    for origin in api.props.items("corsConfiguration.allowOrigins").texts():
        if origin in ("*", "https://*", "http://*"):
            yield f"every page ({origin}) may call with cookies"


@graph_rule(
    id="api-firewall",
    title="REST APIs stand behind a web firewall",
    types=(REST_STAGE,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("network",),
    references=("P", "N-APIG3", "C2-29", "F APIGateway.4"),
    remedy="Add a WebAclAssociation with the stage's ARN.",
    compliant=[
        example(
            aws("apigateway/stage:Stage", {"restApi": "a", "stageName": "live"}, name="stage"),
            aws("wafv2/webAclAssociation:WebAclAssociation", {"resourceArn": ref("stage", "arn")}, name="association"),
        )
    ],
    non_compliant=[example(aws("apigateway/stage:Stage", {"restApi": "a", "stageName": "live"}, name="stage"))],
)
def api_firewall(stage: Resource, at: Context) -> Iterator[str]:
    """HTTP and WebSocket APIs can have none; theirs stands at CloudFront."""
    if not at.graph.children(stage, WEB_ACL_ON, via="resourceArn"):
        yield "no web ACL is associated"


api_tracing = setting(
    id="api-tracing",
    title="REST APIs are traced",
    types=(REST_STAGE,),
    path="xrayTracingEnabled",
    wanted=(True,),
    wrong=False,
    says="X-Ray is off",
    why="A trace starts where the request comes in; HTTP APIs cannot start one.",
    level=ADVISORY,
    severity="low",
    topics=("logging",),
    references=("C73", "F APIGateway.3"),
    remedy="Set xrayTracingEnabled.",
    mends=True,
)

RULES = (
    api_authorization,
    api_access_log,
    api_data_trace,
    api_tracing,
    api_throttling,
    api_domain_tls,
    api_request_validation,
    api_origins,
    api_firewall,
)
