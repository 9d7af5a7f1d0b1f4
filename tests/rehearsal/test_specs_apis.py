"""Specs of APIs, on moto: what the resource's inputs become in the account."""

from __future__ import annotations

import pytest

from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import TAGS, Cloud, cloud

__all__ = ["cloud"]

REGION = "ap-northeast-1"
CALLED = f"arn:aws:lambda:{REGION}:123456789012:function:f"
FUNCTION = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{CALLED}/invocations"
LOG = {"destinationArn": f"arn:aws:logs:{REGION}:123456789012:log-group:a", "format": "{}"}


def http(cloud: Cloud) -> str:
    return cloud.make("aws:apigatewayv2/api:Api", name="shop", protocolType="HTTP").id


def rest(cloud: Cloud) -> tuple[str, str]:
    made = cloud.make("aws:apigateway/restApi:RestApi", name="shop", endpointConfiguration={"types": "REGIONAL"})
    return made.id, made.outputs["rootResourceId"]


def test_an_http_api_has_its_origins_its_tags_and_an_address(cloud: Cloud) -> None:
    cors = {"allowOrigins": ["https://a.example.com"], "allowCredentials": True, "maxAge": 60}
    made = cloud.make("aws:apigatewayv2/api:Api", name="shop", protocolType="HTTP", corsConfiguration=cors)
    found = cloud.ask("apigatewayv2", "GetApi", ApiId=made.id)
    assert found["CorsConfiguration"]["AllowOrigins"] == ["https://a.example.com"]
    assert found["Tags"] == TAGS
    assert made.outputs["apiEndpoint"] == f"https://{made.id}.execute-api.{REGION}.amazonaws.com"
    assert made.outputs["executionArn"] == f"arn:aws:execute-api:{REGION}:123456789012:{made.id}"


def test_a_web_socket_apis_address_is_one_for_web_sockets(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:apigatewayv2/api:Api",
        name="chat",
        protocolType="WEBSOCKET",
        routeSelectionExpression="$request.body.action",
    )
    assert made.outputs["apiEndpoint"] == f"wss://{made.id}.execute-api.{REGION}.amazonaws.com"


def test_a_route_leads_to_its_integration_past_its_authorizer(cloud: Cloud) -> None:
    api = http(cloud)
    authorizer = cloud.make(
        "aws:apigatewayv2/authorizer:Authorizer",
        apiId=api,
        name="users",
        authorizerType="JWT",
        identitySources=["$request.header.Authorization"],
        jwtConfiguration={"issuer": "https://issuer", "audiences": ["web"]},
    ).id
    integration = cloud.make(
        "aws:apigatewayv2/integration:Integration",
        apiId=api,
        integrationType="AWS_PROXY",
        integrationMethod="POST",
        integrationUri=FUNCTION,
        timeoutMilliseconds=5000,
    ).id
    cloud.make(
        "aws:apigatewayv2/route:Route",
        apiId=api,
        routeKey="GET /items",
        target=f"integrations/{integration}",
        authorizationType="JWT",
        authorizerId=authorizer,
    )
    (route,) = cloud.ask("apigatewayv2", "GetRoutes", ApiId=api)["Items"]
    assert (route["RouteKey"], route["Target"], route["AuthorizerId"]) == (
        "GET /items",
        f"integrations/{integration}",
        authorizer,
    )
    found = cloud.ask("apigatewayv2", "GetAuthorizer", ApiId=api, AuthorizerId=authorizer)
    assert found["JwtConfiguration"] == {"Audience": ["web"], "Issuer": "https://issuer"}
    found = cloud.ask("apigatewayv2", "GetIntegration", ApiId=api, IntegrationId=integration)
    assert (found["IntegrationUri"], found["TimeoutInMillis"]) == (FUNCTION, 5000)


def test_a_route_that_asks_for_tokens_and_has_no_judge_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="GET /items has authorization by an authorizer and names none"):
        cloud.make("aws:apigatewayv2/route:Route", apiId=http(cloud), routeKey="GET /items", authorizationType="JWT")


def test_a_stage_has_its_log_and_a_limit_that_is_missing_beside_another_is_0(cloud: Cloud) -> None:
    api = http(cloud)
    made = cloud.make(
        "aws:apigatewayv2/stage:Stage",
        apiId=api,
        name="live",
        autoDeploy=True,
        accessLogSettings=LOG,
        defaultRouteSettings={"throttlingRateLimit": 100},
    )
    found = cloud.ask("apigatewayv2", "GetStage", ApiId=api, StageName="live")
    assert found["AccessLogSettings"] == {"DestinationArn": LOG["destinationArn"], "Format": "{}"}
    assert found["DefaultRouteSettings"] == {"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 0}
    assert made.outputs["invokeUrl"] == f"https://{api}.execute-api.{REGION}.amazonaws.com/live"


def test_a_domain_leads_to_a_stage_and_says_where_dns_must_point(cloud: Cloud) -> None:
    api = http(cloud)
    cloud.make("aws:apigatewayv2/stage:Stage", apiId=api, name="$default")
    named = {"certificateArn": f"arn:aws:acm:{REGION}:123456789012:certificate/1", "endpointType": "REGIONAL",
             "securityPolicy": "TLS_1_2"}  # fmt: skip
    made = cloud.make(
        "aws:apigatewayv2/domainName:DomainName", domainName="api.example.com", domainNameConfiguration=named
    )
    cloud.make("aws:apigatewayv2/apiMapping:ApiMapping", apiId=api, domainName=made.id, stage="$default")
    (found,) = cloud.ask("apigatewayv2", "GetApiMappings", DomainName="api.example.com")["Items"]
    assert (found["ApiId"], found["Stage"]) == (api, "$default")
    assert made.outputs["domainNameConfiguration"]["targetDomainName"].endswith(".amazonaws.com")
    assert made.outputs["domainNameConfiguration"]["hostedZoneId"]


@pytest.mark.parametrize(
    ("type_", "wrong"),
    [
        ("aws:apigatewayv2/api:Api", {"name": "a", "protocolType": "HTTP", "corsConfigurationn": {}}),
        ("aws:apigatewayv2/api:Api", {"name": "a", "protocolType": "TCP"}),
        ("aws:apigatewayv2/authorizer:Authorizer", {"apiId": "a", "name": "a", "jwtConfiguration": {"audience_": []}}),
        ("aws:apigateway/restApi:RestApi", {"name": "a", "endpointConfiguration": {"typess": "REGIONAL"}}),
        ("aws:apigateway/methodSettings:MethodSettings",
         {"restApi": "a", "stageName": "s", "methodPath": "*/*", "settings": {"throtlingRateLimit": 1}}),
    ],
)  # fmt: skip
def test_misspelt_inputs_of_apis_are_refused(cloud: Cloud, type_: str, wrong: dict[str, object]) -> None:
    with pytest.raises(RehearsalError):
        cloud.make(type_, **wrong)


def test_a_rest_api_is_deployed_with_its_methods_and_its_stage_is_limited_and_recorded(cloud: Cloud) -> None:
    api, root = rest(cloud)
    items = cloud.make("aws:apigateway/resource:Resource", restApi=api, parentId=root, pathPart="items").id
    validator = cloud.make(
        "aws:apigateway/requestValidator:RequestValidator", restApi=api, name="v", validateRequestBody=True
    ).id
    cloud.make(
        "aws:apigateway/model:Model",
        restApi=api,
        name="Item",
        contentType="application/json",
        schema='{"type":"object"}',
    )
    authorizer = cloud.make(
        "aws:apigateway/authorizer:Authorizer",
        restApi=api,
        name="users",
        type="COGNITO_USER_POOLS",
        identitySource="method.request.header.Authorization",
        providerArns=[f"arn:aws:cognito-idp:{REGION}:123456789012:userpool/p"],
    ).id
    cloud.make(
        "aws:apigateway/method:Method",
        restApi=api,
        resourceId=items,
        httpMethod="POST",
        authorization="COGNITO_USER_POOLS",
        authorizerId=authorizer,
        requestValidatorId=validator,
        requestModels={"application/json": "Item"},
    )
    cloud.make(
        "aws:apigateway/integration:Integration",
        restApi=api,
        resourceId=items,
        httpMethod="POST",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=FUNCTION,
        timeoutMilliseconds=5000,
    )
    deployment = cloud.make("aws:apigateway/deployment:Deployment", restApi=api, triggers={"table": "x"})
    assert deployment.left_out == ["triggers"]
    stage = cloud.make(
        "aws:apigateway/stage:Stage",
        restApi=api,
        stageName="live",
        deployment=deployment.id,
        xrayTracingEnabled=True,
        accessLogSettings=LOG,
    )
    cloud.make(
        "aws:apigateway/methodSettings:MethodSettings",
        restApi=api,
        stageName="live",
        methodPath="*/*",
        settings={"throttlingRateLimit": 100, "throttlingBurstLimit": 200, "dataTraceEnabled": False},
    )
    method = cloud.ask("apigateway", "GetMethod", restApiId=api, resourceId=items, httpMethod="POST")
    assert (method["authorizerId"], method["requestValidatorId"]) == (authorizer, validator)
    assert method["methodIntegration"]["uri"] == FUNCTION
    found = cloud.ask("apigateway", "GetStage", restApiId=api, stageName="live")
    assert (found["deploymentId"], found["tracingEnabled"], found["tags"]) == (deployment.id, True, TAGS)
    assert found["accessLogSettings"] == LOG
    limits = found["methodSettings"]["*/*"]
    assert (limits["throttlingRateLimit"], limits["throttlingBurstLimit"]) == (100.0, 200)
    assert stage.outputs["arn"] == f"arn:aws:apigateway:{REGION}::/restapis/{api}/stages/live"


def test_the_regions_setting_names_the_role_that_writes_logs(cloud: Cloud) -> None:
    role = "arn:aws:iam::123456789012:role/logs"
    cloud.make("aws:apigateway/account:Account", cloudwatchRoleArn=role)
    assert cloud.ask("apigateway", "GetAccount")["cloudwatchRoleArn"] == role


def test_a_rest_apis_domain_leads_to_its_stage(cloud: Cloud) -> None:
    api, root = rest(cloud)
    cloud.make("aws:apigateway/method:Method", restApi=api, resourceId=root, httpMethod="GET", authorization="NONE")
    cloud.make(
        "aws:apigateway/integration:Integration", restApi=api, resourceId=root, httpMethod="GET", type="AWS_PROXY",
        integrationHttpMethod="POST", uri=FUNCTION,
    )  # fmt: skip
    deployment = cloud.make("aws:apigateway/deployment:Deployment", restApi=api).id
    cloud.make("aws:apigateway/stage:Stage", restApi=api, stageName="live", deployment=deployment)
    made = cloud.make(
        "aws:apigateway/domainName:DomainName",
        domainName="api.example.com",
        regionalCertificateArn=f"arn:aws:acm:{REGION}:123456789012:certificate/1",
        endpointConfiguration={"types": "REGIONAL"},
        securityPolicy="TLS_1_2",
    )
    cloud.make(
        "aws:apigateway/basePathMapping:BasePathMapping", restApi=api, stageName="live", domainName="api.example.com"
    )
    (found,) = cloud.ask("apigateway", "GetBasePathMappings", domainName="api.example.com")["items"]
    assert (found["restApiId"], found["stage"]) == (api, "live")
    assert made.outputs["regionalDomainName"].endswith(".amazonaws.com")
