"""HTTP and WebSocket APIs. moto keeps what they consist of, and answers no request."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec
from rehearsal.problems import AwsError

_API_ARN: Final = "arn:{partition}:apigateway:{region}::/apis/{id}"

# Route 53's zones of API Gateway's regional names are AWS's own; this is ap-northeast-1's.
_GATEWAY_ZONE: Final = "Z1YSHQZHG15GKL"


def _endpoint(context: CreateContext) -> str:
    """moto gives every API the address of an HTTP API."""
    scheme = "wss" if context.inputs["protocolType"] == "WEBSOCKET" else "https"
    return f"{scheme}://{context.id}.execute-api.{context.region}.amazonaws.com"


def _authorizer(inputs: dict[str, Any]) -> dict[str, Any]:
    shaped = dict(inputs)
    if "jwtConfiguration" in shaped:
        jwt = shaped["jwtConfiguration"]
        shaped["jwtConfiguration"] = {"audience" if key == "audiences" else key: value for key, value in jwt.items()}
    return shaped


def _route(inputs: dict[str, Any]) -> dict[str, Any]:
    """AWS refuses what moto takes: a route that asks for tokens and has nobody who judges them."""
    if inputs.get("authorizationType") in ("JWT", "CUSTOM") and not inputs.get("authorizerId"):
        raise AwsError(
            f"CreateRoute: {inputs.get('routeKey')} has authorization by an authorizer and names none", "name it"
        )
    return inputs


def _stage(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider sends 0 for a limit that is missing beside others, and everybody gets 429."""
    settings = inputs.get("defaultRouteSettings")
    if settings is not None:
        zero = {"throttlingBurstLimit": 0, "throttlingRateLimit": 0}
        inputs = {**inputs, "defaultRouteSettings": {**zero, **settings}}
    return inputs


def _invoke_url(context: CreateContext) -> str:
    api, stage = context.inputs["apiId"], context.inputs["name"]
    return f"https://{api}.execute-api.{context.region}.amazonaws.com/{'' if stage == '$default' else stage}"


def _domain(inputs: dict[str, Any]) -> dict[str, Any]:
    shaped = {key: value for key, value in inputs.items() if key != "domainNameConfiguration"}
    return {**shaped, "domainNameConfigurations": [inputs["domainNameConfiguration"]]}


def _named(context: CreateContext) -> dict[str, Any]:
    """With where a DNS record must point, which moto leaves out."""
    return {
        **context.inputs["domainNameConfiguration"],
        "targetDomainName": f"d-{context.inputs['domainName']}.execute-api.{context.region}.amazonaws.com",
        "hostedZoneId": _GATEWAY_ZONE,
    }


SPECS: Final[dict[str, Spec]] = {
    "aws:apigatewayv2/api:Api": Spec(
        service="apigatewayv2",
        create=Call(operation="CreateApi"),
        id="ApiId",
        autoname="name",
        outputs={
            "apiEndpoint": _endpoint,
            "arn": _API_ARN,
            "executionArn": "arn:{partition}:execute-api:{region}:{account}:{id}",
        },
    ),
    "aws:apigatewayv2/authorizer:Authorizer": Spec(
        service="apigatewayv2",
        create=Call(operation="CreateAuthorizer", takes={"identitySources": "IdentitySource"}, reshape=_authorizer),
        id="AuthorizerId",
        autoname="name",
    ),
    "aws:apigatewayv2/integration:Integration": Spec(
        service="apigatewayv2",
        create=Call(operation="CreateIntegration", takes={"timeoutMilliseconds": "TimeoutInMillis"}),
        id="IntegrationId",
    ),
    "aws:apigatewayv2/vpcLink:VpcLink": Spec(
        service="apigatewayv2",
        create=Call(operation="CreateVpcLink"),
        id="VpcLinkId",
        autoname="name",
        outputs={"arn": "arn:{partition}:apigateway:{region}::/vpclinks/{id}"},
    ),
    "aws:apigatewayv2/route:Route": Spec(
        service="apigatewayv2",
        create=Call(operation="CreateRoute", reshape=_route),
        id="RouteId",
    ),
    "aws:apigatewayv2/stage:Stage": Spec(
        service="apigatewayv2",
        create=Call(operation="CreateStage", takes={"name": "StageName"}, reshape=_stage),
        id="{name}",
        autoname="name",
        outputs={
            "arn": "arn:{partition}:apigateway:{region}::/apis/{apiId}/stages/{name}",
            "executionArn": "arn:{partition}:execute-api:{region}:{account}:{apiId}/{name}",
            "invokeUrl": _invoke_url,
        },
    ),
    "aws:apigatewayv2/domainName:DomainName": Spec(
        service="apigatewayv2",
        create=Call(operation="CreateDomainName", reshape=_domain),
        id="DomainName",
        outputs={
            "arn": "arn:{partition}:apigateway:{region}::/domainnames/{domainName}",
            "domainNameConfiguration": _named,
        },
    ),
    "aws:apigatewayv2/apiMapping:ApiMapping": Spec(
        service="apigatewayv2",
        create=Call(operation="CreateApiMapping"),
        id="ApiMappingId",
    ),
}
