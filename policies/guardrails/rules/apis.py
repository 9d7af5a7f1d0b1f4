"""APIs of API Gateway: who may call, how much, by what TLS, and what is recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, setting, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Props, Resource


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


@rule(
    id="api-authorization",
    title="API routes have an authorizer unless they are declared public",
    types=(types.APIGATEWAYV2_ROUTE, types.APIGATEWAY_METHOD),
    level=MANDATORY,
    severity="critical",
    topics=("network", "iam"),
    references=("N-APIG4", "C59", "C309", "F APIGateway.8"),
    remedy="Give the route an authorizer, or, where everybody may call it, an operationName that begins with Public.",
)
def api_authorization(route: Resource, _at: Context) -> Iterator[str]:
    """Browsers send OPTIONS without a token, so that it is left out; of a WebSocket only $connect is asked. An API key
    is no authorization: it tells who pays, not who calls."""
    if route.kind == types.APIGATEWAYV2_ROUTE:
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
        yield f"{key} has no authorizer and is not declared public"


api_authorization.examples(
    compliant=[
        _route("GET /items", authorizationType="JWT", authorizerId="x"),
        _route("GET /health", authorizationType="NONE", operationName="Public"),
        _route("OPTIONS /{proxy+}", authorizationType="NONE"),
        _route("$connect", authorizationType="CUSTOM", authorizerId="x"),
        _route("sendMessage"),
        _method("GET", authorization="COGNITO_USER_POOLS", authorizerId="x"),
        _method("POST", authorization="NONE", apiKeyRequired=False, operationName="Public sign-up"),
        _method("OPTIONS", authorization="NONE"),
    ],
    non_compliant=[
        _route("GET /items"),
        _route("ANY /{proxy+}", authorizationType="NONE"),
        _route("$connect", authorizationType="NONE"),
        _method("GET", authorization="NONE"),
        _method("ANY", authorization="NONE", operationName="listItems"),
    ],
)


_SCOPED = {"authorization": "COGNITO_USER_POOLS", "authorizerId": "x", "authorizationScopes": ["openid"]}


def _authorized_by(issuer: str, **route: Any) -> tuple[Any, ...]:
    authorizer = {"apiId": "a", "authorizerType": "JWT", "jwtConfiguration": {"issuer": issuer, "audiences": ["web"]}}
    return (
        aws("apigatewayv2/authorizer:Authorizer", authorizer, name="authorizer"),
        _route("GET /items", authorizationType="JWT", authorizerId=ref("authorizer"), **route),
    )


_OUR_POOL = "https://cognito-idp.ap-northeast-1.amazonaws.com/ap-northeast-1_a1b2c3"


@graph_rule(
    id="api-access-tokens",
    title="Methods, routes and listener rules behind a user pool accept access tokens only",
    types=(types.APIGATEWAY_METHOD, types.APIGATEWAYV2_ROUTE, types.LISTENER_RULE),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    remedy="Set authorizationScopes, such as openid; on a load balancer compare token_use with access, and client_id.",
)
def api_access_tokens(called: Resource, at: Context) -> Iterator[str]:
    """Without scopes a REST API takes id tokens and refuses access tokens, which are what a program is given for APIs
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html); an HTTP API
    takes both, and so does a load balancer, made for whichever program of the pool."""
    if called.kind == types.LISTENER_RULE:
        yield from _lacking_claims(called)
        return
    if called.kind == types.APIGATEWAY_METHOD:
        by_pool = called.props.get("authorization") == "COGNITO_USER_POOLS"
        what = "it accepts ID tokens and refuses access tokens"
    else:
        authorizers = at.graph.targets(called, types.APIGATEWAYV2_AUTHORIZER, via="authorizerId")
        by_pool = called.props.get("authorizationType") == "JWT" and any(
            "//cognito-idp." in each.props.text("jwtConfiguration.issuer") for each in authorizers
        )
        what = "it accepts ID tokens as well as access tokens"
    if by_pool and (not called.props.has("authorizationScopes") or not len(called.props.items("authorizationScopes"))):
        yield what


def _lacking_claims(rule_: Resource) -> Iterator[str]:
    for action in rule_.props.items("actions").blocks():
        issuer = action.get("jwtValidation.issuer", "")
        if not isinstance(issuer, str) or "//cognito-idp." not in issuer:
            continue
        claims = action.items("jwtValidation.additionalClaims").blocks()
        compared = {claim.text("name"): claim for claim in claims}
        use = compared.get("token_use")
        if use is None or list(use.items("values").texts()) != ["access"]:
            yield "it accepts ID tokens as well as access tokens"
        if "client_id" not in compared:
            yield "it accepts tokens of every program of the pool"


def _judging(claims: dict[str, str]) -> Any:
    told = [{"format": "single-string", "name": name, "values": [value]} for name, value in claims.items()]
    jwt = {"issuer": _OUR_POOL, "jwksEndpoint": f"{_OUR_POOL}/.well-known/jwks.json", "additionalClaims": told}
    actions = [{"type": "jwt-validation", "order": 1, "jwtValidation": jwt}, {"type": "forward", "order": 2}]
    return aws("lb/listenerRule:ListenerRule", {"listenerArn": "l", "priority": 1, "actions": actions})


api_access_tokens.examples(
    compliant=[
        _judging({"token_use": "access", "client_id": "web"}),
        aws("lb/listenerRule:ListenerRule", {"listenerArn": "l", "priority": 1, "actions": [{"type": "forward"}]}),
        _method("GET", **_SCOPED),
        _method("GET", authorization="CUSTOM", authorizerId="x"),
        _method("GET", authorization="NONE", operationName="Public"),
        example(*_authorized_by(_OUR_POOL, authorizationScopes=["openid"])),
        # Of other issuers nobody knows the scopes.
        example(*_authorized_by("https://issuer.example.com")),
        _route("GET /health", authorizationType="NONE", operationName="Public"),
    ],
    non_compliant=[
        _method("GET", authorization="COGNITO_USER_POOLS", authorizerId="x"),
        _method("GET", **{**_SCOPED, "authorizationScopes": []}),
        _judging({"client_id": "web"}),
        _judging({"token_use": "id", "client_id": "web"}),
        _judging({"token_use": "access"}),
        example(*_authorized_by(_OUR_POOL)),
        example(*_authorized_by(_OUR_POOL, authorizationScopes=[])),
    ],
)


_API_IN_QUESTION = aws("apigateway/restApi:RestApi", name="api")
_ALLOWED = {"gatewayresponse.header.Access-Control-Allow-Origin": "'https://app.example.com'"}


def _asked(method: str) -> Any:
    props = {"restApi": ref("api"), "resourceId": "r", "httpMethod": method, "authorization": "NONE"}
    return aws("apigateway/method:Method", props, name=f"{method.lower()}-method")


def _refusal(kind: str, **parameters: str) -> Any:
    props = {"restApiId": ref("api"), "responseType": kind, "responseParameters": parameters}
    return aws("apigateway/response:Response", props, name=kind)


@graph_rule(
    id="api-refusals-readable",
    title="A REST API's own error responses have CORS headers",
    types=(types.REST_API,),
    level=MANDATORY,
    severity="low",
    topics=("availability",),
    remedy="Add Responses, DEFAULT_4XX and DEFAULT_5XX, with gatewayresponse.header.Access-Control-Allow-Origin.",
)
def api_refusals_readable(api: Resource, at: Context) -> Iterator[str]:
    """An API with methods for OPTIONS is called by pages of other origins. Answers of functions have the headers for
    them; 401, 403, 429 and 5xx come from API Gateway, and without the headers a page learns nothing of them, not even
    that it must sign in again."""
    methods = at.graph.known_children(api, types.APIGATEWAY_METHOD, via="restApi")
    if not any(each.props.maybe("httpMethod") == "OPTIONS" for each in methods):
        return
    ours = at.graph.known_children(api, types.APIGATEWAY_RESPONSE, via="restApiId")
    for other in at.graph.of_kind(types.APIGATEWAY_RESPONSE):
        if other not in ours and "restApiId" not in other.dependencies:
            # It may be one of ours, as long as nobody can tell.
            other.props.get("restApiId")
    readable = {
        each.props.text("responseType")
        for each in ours
        # Keys have dots, which are no steps of a path here.
        if "gatewayresponse.header.Access-Control-Allow-Origin" in _keys_of(each.props, "responseParameters")
    }
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        if kind not in readable:
            yield f"{kind} responses have no Access-Control-Allow-Origin header"


api_refusals_readable.examples(
    compliant=[
        example(
            _API_IN_QUESTION,
            _asked("OPTIONS"),
            _refusal("DEFAULT_4XX", **_ALLOWED),
            _refusal("DEFAULT_5XX", **_ALLOWED),
        ),
        example(_API_IN_QUESTION, _asked("GET")),
    ],
    non_compliant=[
        example(_API_IN_QUESTION, _asked("OPTIONS")),
        example(_API_IN_QUESTION, _asked("OPTIONS"), _refusal("DEFAULT_4XX", **_ALLOWED)),
        example(_API_IN_QUESTION, _asked("OPTIONS"), _refusal("DEFAULT_4XX"), _refusal("DEFAULT_5XX", **_ALLOWED)),
    ],
)


def _keys_of(props: Props, path: str) -> list[str]:
    value = props.get(path)
    return [] if value is None else value.keys()


def _asking(source: str, kind: str = "apigatewayv2/authorizer:Authorizer") -> Any:
    if kind.startswith("apigatewayv2"):
        return aws(kind, {"apiId": ref("api"), "authorizerType": "REQUEST", "identitySources": [source]}, name="asking")
    return aws(kind, {"restApi": "a", "type": "REQUEST", "identitySource": source}, name="asking")


@graph_rule(
    id="api-token-in-url",
    title="API tokens are sent in a header, not in the URL",
    types=(types.APIGATEWAYV2_AUTHORIZER, types.APIGATEWAY_AUTHORIZER),
    level=MANDATORY,
    severity="high",
    topics=("secrets", "logging"),
    remedy="Take the token from the header Authorization.",
)
def api_token_in_url(authorizer: Resource, at: Context) -> Iterator[str]:
    """Addresses stand in histories, in logs, and in the referer of the next page. Only a browser that opens a WebSocket
    can send no header."""
    sources = [*authorizer.props.items("identitySources").texts(), *authorizer.props.text("identitySource").split(",")]
    if not any("querystring" in source.lower() for source in sources):
        return
    apis = at.graph.targets(authorizer, types.APIGATEWAYV2_API, via="apiId")
    if not apis:
        authorizer.props.get("apiId")
    if not any(api.props.get("protocolType") == "WEBSOCKET" for api in apis):
        yield "the token is in the query string"


api_token_in_url.examples(
    compliant=[
        example(
            aws("apigatewayv2/api:Api", {"protocolType": "HTTP"}, name="api"), _asking("$request.header.Authorization")
        ),
        example(
            aws("apigatewayv2/api:Api", {"protocolType": "WEBSOCKET"}, name="api"),
            _asking("route.request.querystring.token"),
        ),
        _asking("method.request.header.Authorization", "apigateway/authorizer:Authorizer"),
    ],
    non_compliant=[
        example(
            aws("apigatewayv2/api:Api", {"protocolType": "HTTP"}, name="api"), _asking("$request.querystring.token")
        ),
        _asking("method.request.querystring.token", "apigateway/authorizer:Authorizer"),
    ],
)


api_access_log = setting(
    id="api-access-log",
    title="APIs have access logs",
    types=(types.APIGATEWAYV2_STAGE, types.APIGATEWAY_STAGE),
    path="accessLogSettings.destinationArn",
    value="arn:aws:logs:ap-northeast-1:123456789012:log-group:api",
    message="access logging is off",
    description="Who was refused never reaches a function, so that only this log knows of them.",
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("P", "N-APIG1", "C76", "F APIGateway.9"),
    remedy="Set accessLogSettings with a log group's ARN and a format.",
)


@rule(
    id="api-data-trace",
    title="APIs do not log the content of requests",
    types=(types.APIGATEWAYV2_STAGE, types.METHOD_SETTINGS),
    level=MANDATORY,
    severity="high",
    topics=("logging", "secrets"),
    references=("C276",),
    remedy="Leave dataTraceEnabled false.",
)
def api_data_trace(stage: Resource, _at: Context) -> Iterator[str]:
    """Data tracing records whole requests: tokens, passwords, people's data."""
    if stage.props.get(f"{_limits_of(stage)}.dataTraceEnabled"):
        yield "data tracing logs whole requests and responses"


api_data_trace.examples(
    compliant=[_stage(), _stage(defaultRouteSettings={"dataTraceEnabled": False}), _settings(dataTraceEnabled=False)],
    non_compliant=[_stage(defaultRouteSettings={"dataTraceEnabled": True}), _settings(dataTraceEnabled=True)],
)


@rule(
    id="api-throttling",
    title="APIs have a rate limit and a burst limit above 0",
    types=(types.APIGATEWAYV2_STAGE, types.METHOD_SETTINGS),
    level=MANDATORY,
    severity="medium",
    topics=("availability", "cost"),
    remedy="Set throttlingRateLimit and throttlingBurstLimit, both above 0.",
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


api_throttling.examples(
    compliant=[
        _stage(defaultRouteSettings={"throttlingRateLimit": 100, "throttlingBurstLimit": 200}),
        _settings(throttlingRateLimit=100, throttlingBurstLimit=200),
    ],
    non_compliant=[
        _stage(),
        _stage(defaultRouteSettings={"throttlingRateLimit": 100}),
        _stage(defaultRouteSettings={"throttlingRateLimit": 0, "throttlingBurstLimit": 200}),
        _settings(throttlingRateLimit=100),
        _settings(throttlingRateLimit=-1, throttlingBurstLimit=-1),
    ],
)


def _limits_of(stage: Resource) -> str:
    return "defaultRouteSettings" if stage.kind == types.APIGATEWAYV2_STAGE else "settings"


@rule(
    id="api-domain-tls",
    title="Custom domains of APIs accept TLS 1.2 or newer only",
    types=(types.APIGATEWAYV2_DOMAIN_NAME, types.APIGATEWAY_DOMAIN_NAME),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "C206"),
    remedy="Set securityPolicy to TLS_1_2.",
)
def api_domain_tls(domain: Resource, _at: Context) -> Iterator[str]:
    """Policies with TLS 1.3 in their names count as newer."""
    props: Props = domain.props
    policy = props.text(
        "domainNameConfiguration.securityPolicy" if domain.kind == types.APIGATEWAYV2_DOMAIN_NAME else "securityPolicy"
    )
    if policy != "TLS_1_2" and not policy.startswith("SecurityPolicy_TLS1"):
        yield f"the security policy is {policy or 'not set'}"


api_domain_tls.examples(
    compliant=[
        aws("apigatewayv2/domainName:DomainName", {"domainNameConfiguration": {"securityPolicy": "TLS_1_2"}}),
        aws("apigateway/domainName:DomainName", {"securityPolicy": "TLS_1_2"}),
        aws("apigateway/domainName:DomainName", {"securityPolicy": "SecurityPolicy_TLS13_1_3_2025_09"}),
    ],
    non_compliant=[
        aws("apigatewayv2/domainName:DomainName", {"domainNameConfiguration": {"securityPolicy": "TLS_1_0"}}),
        aws("apigateway/domainName:DomainName", {"securityPolicy": "TLS_1_0"}),
        aws("apigateway/domainName:DomainName", {}),
    ],
)


api_request_validation = setting(
    id="api-request-validation",
    title="REST APIs validate requests",
    types=(types.APIGATEWAY_METHOD,),
    path="requestValidatorId",
    value="v",
    message="there is no request validator",
    description="What the API refuses costs no call of a function.",
    level=ADVISORY,
    severity="low",
    topics=("network",),
    references=("N-APIG2",),
    remedy="Give the method a request validator, and a model where it takes a body.",
)


@rule(
    id="api-origins",
    title="CORS with credentials names its origins",
    types=(types.APIGATEWAYV2_API,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="List the origins, or leave allowCredentials false.",
)
def api_origins(api: Resource, _at: Context) -> Iterator[str]:
    """`*` and `https://*` are every page there is."""
    if not api.props.get("corsConfiguration.allowCredentials"):
        return
    for origin in api.props.items("corsConfiguration.allowOrigins").texts():
        if origin in ("*", "https://*", "http://*"):
            yield f"any origin ({origin}) may call with credentials"


api_origins.examples(
    compliant=[
        aws("apigatewayv2/api:Api", {"protocolType": "HTTP"}),
        aws("apigatewayv2/api:Api", {"corsConfiguration": {"allowOrigins": ["*"]}}),
        aws(
            "apigatewayv2/api:Api",
            {"corsConfiguration": {"allowOrigins": ["https://app.example.com"], "allowCredentials": True}},
        ),
    ],
    non_compliant=[
        aws("apigatewayv2/api:Api", {"corsConfiguration": {"allowOrigins": ["*"], "allowCredentials": True}}),
        aws("apigatewayv2/api:Api", {"corsConfiguration": {"allowOrigins": ["https://*"], "allowCredentials": True}}),
    ],
)


@graph_rule(
    id="api-firewall",
    title="REST APIs have a web ACL",
    types=(types.APIGATEWAY_STAGE,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("network",),
    references=("P", "N-APIG3", "C2-29", "F APIGateway.4"),
    remedy="Add a WebAclAssociation with the stage's ARN.",
)
def api_firewall(stage: Resource, at: Context) -> Iterator[str]:
    """AWS WAF does not take HTTP and WebSocket APIs; theirs is on a distribution in front."""
    if not at.graph.children(stage, types.WEB_ACL_ASSOCIATION, via="resourceArn"):
        yield "no web ACL is associated"


api_firewall.examples(
    compliant=[
        example(
            aws("apigateway/stage:Stage", {"restApi": "a", "stageName": "live"}, name="stage"),
            aws("wafv2/webAclAssociation:WebAclAssociation", {"resourceArn": ref("stage", "arn")}, name="association"),
        )
    ],
    non_compliant=[aws("apigateway/stage:Stage", {"restApi": "a", "stageName": "live"}, name="stage")],
)


api_tracing = setting(
    id="api-tracing",
    title="REST APIs are traced",
    types=(types.APIGATEWAY_STAGE,),
    path="xrayTracingEnabled",
    allowed=(True,),
    wrong=False,
    message="X-Ray tracing is off",
    description="A trace starts where the request comes in; HTTP APIs cannot start one.",
    level=ADVISORY,
    severity="low",
    topics=("logging",),
    references=("C73", "F APIGateway.3"),
    remedy="Set xrayTracingEnabled.",
    remediates=True,
)


def _integration(**props: Any) -> tuple[Any, ...]:
    given = {
        "apiId": ref("api"),
        "integrationType": "HTTP_PROXY",
        "integrationMethod": "ANY",
        "connectionType": "VPC_LINK",
        "connectionId": "abc123",
        "integrationUri": ref("listener", "arn"),
        "payloadFormatVersion": "1.0",
        "tlsConfig": {"serverNameToVerify": "api.example.com"},
        **props,
    }
    kept = {key: value for key, value in given.items() if value is not None}
    return (
        aws("apigatewayv2/api:Api", {"protocolType": "HTTP"}, name="api"),
        aws("apigatewayv2/integration:Integration", kept, name="integration"),
    )


def _listener(*, internal: bool = True, protocol: str = "HTTPS") -> tuple[Any, ...]:
    listener = {"loadBalancerArn": ref("web", "arn"), "port": 443, "protocol": protocol}
    return (
        aws("lb/loadBalancer:LoadBalancer", {"internal": internal}, name="web"),
        aws("lb/listener:Listener", listener, name="listener"),
    )


@graph_rule(
    id="api-private-integration",
    title="Private integrations lead to the listener of an internal load balancer, as it speaks",
    types=(types.APIGATEWAYV2_INTEGRATION,),
    level=MANDATORY,
    severity="high",
    topics=("network", "deployability"),
    remedy="integrationType HTTP_PROXY, payload 1.0, the listener's ARN, and tlsConfig exactly where it speaks HTTPS.",
)
def api_private_integration(integration: Resource, at: Context) -> Iterator[str]:
    """API Gateway refuses what has no link, another type or another payload, and only fails at the first request where
    it speaks plain text to HTTPS. A public load balancer needs no link, and is reached around the API."""
    props = integration.props
    if props.get("connectionType") != "VPC_LINK":
        return
    # WebSocket APIs have links of the older kind, which know no listeners.
    if any(
        api.props.get("protocolType") != "HTTP"
        for api in at.graph.targets(integration, types.APIGATEWAYV2_API, via="apiId")
    ):
        return
    if not props.has("connectionId"):
        yield "connectionType is VPC_LINK, and connectionId is missing"
    if props.get("integrationType") != "HTTP_PROXY":
        yield f"integrationType is {show(props.get('integrationType'))}, and a link takes HTTP_PROXY only"
    if props.get("payloadFormatVersion", "1.0") != "1.0":
        yield f"payloadFormatVersion is {show(props.get('payloadFormatVersion'))}, and HTTP_PROXY takes 1.0 only"
    for listener in at.graph.targets(integration, types.LB_LISTENER, via="integrationUri"):
        for balancer in at.graph.targets(listener, types.LB_LOAD_BALANCER, via="loadBalancerArn"):
            if balancer.props.get("internal", False) is not True:
                yield f"{balancer.name} is not internal: whoever knows its name reaches it without the API"
        encrypted = listener.props.get("protocol") in ("HTTPS", "TLS")
        if encrypted != props.has("tlsConfig"):
            what = "HTTPS, and tlsConfig is missing" if encrypted else "plain text, and tlsConfig is set"
            yield f"{listener.name} speaks {what}"


api_private_integration.examples(
    compliant=[
        example(*_listener(), *_integration()),
        example(*_listener(protocol="HTTP"), *_integration(tlsConfig=None)),
        aws("apigatewayv2/integration:Integration", {"apiId": "a", "integrationType": "AWS_PROXY"}),
    ],
    non_compliant=[
        example(*_listener(internal=False), *_integration()),
        example(*_listener(), *_integration(tlsConfig=None)),
        example(*_listener(protocol="HTTP"), *_integration()),
        example(*_listener(), *_integration(connectionId=None)),
        example(*_listener(), *_integration(integrationType="AWS_PROXY")),
        example(*_listener(), *_integration(payloadFormatVersion="2.0")),
    ],
)
