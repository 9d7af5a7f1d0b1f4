"""REST APIs. moto keeps what they consist of; requests that functions answer it passes over."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec

_API: Final = {"restApi": "restApiId"}

# Route 53's zones of API Gateway's regional names are AWS's own; this is ap-northeast-1's.
_GATEWAY_ZONE: Final = "Z1YSHQZHG15GKL"

# The provider's names of what a stage's methods are set to → the paths by which AWS knows them.
_SETTINGS: Final = {
    "cacheDataEncrypted": "caching/dataEncrypted",
    "cacheTtlInSeconds": "caching/ttlInSeconds",
    "cachingEnabled": "caching/enabled",
    "dataTraceEnabled": "logging/dataTrace",
    "loggingLevel": "logging/loglevel",
    "metricsEnabled": "metrics/enabled",
    "requireAuthorizationForCacheControl": "caching/requireAuthorizationForCacheControl",
    "throttlingBurstLimit": "throttling/burstLimit",
    "throttlingRateLimit": "throttling/rateLimit",
    "unauthorizedCacheControlHeaderStrategy": "caching/unauthorizedCacheControlHeaderStrategy",
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _replace(path: str, value: Any) -> dict[str, str]:
    return {"op": "replace", "path": path, "value": _text(value)}


def _log(inputs: dict[str, Any]) -> dict[str, Any]:
    log = inputs["accessLogSettings"]
    return {"patchOperations": [_replace(f"/accessLogSettings/{key}", log[key]) for key in sorted(log)]}


def _limits(inputs: dict[str, Any]) -> dict[str, Any]:
    # A misspelt setting keeps its name, and no operation takes that.
    settings = inputs.pop("settings")
    known = {_SETTINGS[key]: value for key, value in settings.items() if key in _SETTINGS}
    path = inputs.pop("methodPath")
    unknown = {key: value for key, value in settings.items() if key not in _SETTINGS}
    changes = [_replace(f"/{path}/{key}", value) for key, value in sorted(known.items())]
    return {**inputs, **unknown, "patchOperations": changes}


def _account(inputs: dict[str, Any]) -> dict[str, Any]:
    others = {key: value for key, value in inputs.items() if key != "cloudwatchRoleArn"}
    return {**others, "patchOperations": [_replace("/cloudwatchRoleArn", inputs["cloudwatchRoleArn"])]}


def _regional_name(context: CreateContext) -> str:
    return f"d-{context.inputs['domainName']}.execute-api.{context.region}.amazonaws.com"


SPECS: Final[dict[str, Spec]] = {
    "aws:apigateway/restApi:RestApi": Spec(
        service="apigateway",
        create=Call(operation="CreateRestApi"),
        id="id",
        autoname="name",
        unmade_by=("body",),
        outputs={
            "arn": "arn:{partition}:apigateway:{region}::/restapis/{id}",
            "executionArn": "arn:{partition}:execute-api:{region}:{account}:{id}",
            "rootResourceId": "rootResourceId",
        },
    ),
    "aws:apigateway/resource:Resource": Spec(
        service="apigateway",
        create=Call(operation="CreateResource", takes=_API),
        id="id",
        outputs={"path": "path"},
    ),
    "aws:apigateway/method:Method": Spec(
        service="apigateway",
        create=Call(operation="PutMethod", takes={**_API, "authorization": "authorizationType"}),
        id="agm-{restApi}-{resourceId}-{httpMethod}",
        outputs={"httpMethod": "{httpMethod}"},
    ),
    "aws:apigateway/integration:Integration": Spec(
        service="apigateway",
        create=Call(operation="PutIntegration", takes={**_API, "timeoutMilliseconds": "timeoutInMillis"}),
        id="agi-{restApi}-{resourceId}-{httpMethod}",
    ),
    "aws:apigateway/authorizer:Authorizer": Spec(
        service="apigateway",
        create=Call(operation="CreateAuthorizer", takes=_API),
        id="id",
        autoname="name",
    ),
    "aws:apigateway/requestValidator:RequestValidator": Spec(
        service="apigateway",
        create=Call(operation="CreateRequestValidator", takes=_API),
        id="id",
        autoname="name",
    ),
    "aws:apigateway/model:Model": Spec(
        service="apigateway",
        create=Call(operation="CreateModel", takes=_API),
        id="id",
        autoname="name",
    ),
    "aws:apigateway/response:Response": Spec(
        service="apigateway",
        create=Call(operation="PutGatewayResponse"),
        id="aggr-{restApiId}-{responseType}",
    ),
    "aws:apigateway/deployment:Deployment": Spec(
        service="apigateway",
        create=Call(operation="CreateDeployment", takes=_API),
        id="id",
        left_out={"triggers": "a change of them makes the provider deploy again"},
    ),
    "aws:apigateway/stage:Stage": Spec(
        service="apigateway",
        create=Call(
            operation="CreateStage",
            takes={**_API, "deployment": "deploymentId", "xrayTracingEnabled": "tracingEnabled"},
        ),
        id="ags-{restApi}-{stageName}",
        then=[
            Call(
                operation="UpdateStage",
                takes={"accessLogSettings": "patchOperations"},
                fixed={"restApiId": "{restApi}", "stageName": "{stageName}"},
                reshape=_log,
            )
        ],
        outputs={
            "arn": "arn:{partition}:apigateway:{region}::/restapis/{restApi}/stages/{stageName}",
            "executionArn": "arn:{partition}:execute-api:{region}:{account}:{restApi}/{stageName}",
            "invokeUrl": "https://{restApi}.execute-api.{region}.amazonaws.com/{stageName}",
        },
    ),
    "aws:apigateway/methodSettings:MethodSettings": Spec(
        service="apigateway",
        create=Call(operation="UpdateStage", takes=_API, reshape=_limits),
        id="{restApi}-{stageName}-{methodPath}",
    ),
    "aws:apigateway/account:Account": Spec(
        service="apigateway",
        create=Call(operation="UpdateAccount", reshape=_account),
        id="api-gateway-account",
    ),
    "aws:apigateway/domainName:DomainName": Spec(
        service="apigateway",
        create=Call(operation="CreateDomainName"),
        id="{domainName}",
        outputs={
            "arn": "arn:{partition}:apigateway:{region}::/domainnames/{domainName}",
            "regionalDomainName": _regional_name,
            "regionalZoneId": lambda _making: _GATEWAY_ZONE,
        },
    ),
    "aws:apigateway/basePathMapping:BasePathMapping": Spec(
        service="apigateway",
        create=Call(operation="CreateBasePathMapping", takes={**_API, "stageName": "stage"}),
        id="{domainName}/{basePath}",
        defaults={"basePath": ""},
    ),
}
