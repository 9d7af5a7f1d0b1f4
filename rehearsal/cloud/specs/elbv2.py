"""Load balancers and their listeners. What is not asked for at creation is set as attributes, in a second call."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec

_ATTRIBUTES: Final = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
_LOGS: Final = {"accessLogs": "access_logs", "connectionLogs": "connection_logs"}

_HEADERS: Final = {
    "routingHttpResponseServerEnabled": "routing.http.response.server.enabled",
    "routingHttpResponseStrictTransportSecurityHeaderValue": (
        "routing.http.response.strict_transport_security.header_value"
    ),
    "routingHttpResponseXContentTypeOptionsHeaderValue": "routing.http.response.x_content_type_options.header_value",
    "routingHttpResponseXFrameOptionsHeaderValue": "routing.http.response.x_frame_options.header_value",
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) else str(value)


def _balancer(inputs: dict[str, Any]) -> dict[str, Any]:
    shaped = dict(inputs)
    shaped["scheme"] = "internal" if shaped.pop("internal", False) else "internet-facing"
    return shaped


def _attributes(inputs: dict[str, Any]) -> dict[str, Any]:
    pairs = {_ATTRIBUTES[name]: _text(value) for name, value in inputs.items() if name in _ATTRIBUTES}
    for name, stem in _LOGS.items():
        for key, value in inputs.get(name, {}).items():
            pairs[f"{stem}.s3.{key}"] = _text(value)
    return {"attributes": [{"key": key, "value": value} for key, value in sorted(pairs.items())]}


def actions(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Actions of listeners and rules as AWS takes them: each kind under `…Config`."""
    names = {
        "redirect": "redirectConfig",
        "fixedResponse": "fixedResponseConfig",
        "forward": "forwardConfig",
        "authenticateCognito": "authenticateCognitoConfig",
        "authenticateOidc": "authenticateOidcConfig",
    }
    return [{names.get(key, key): value for key, value in action.items()} for action in given]


def _listener(context: CreateContext) -> dict[str, Any]:
    inputs = {key: value for key, value in context.inputs.items() if key not in (*_HEADERS, "tags", "region")}
    inputs["defaultActions"] = actions(inputs["defaultActions"])
    if ":loadbalancer/app/" in inputs["loadBalancerArn"]:
        # The provider's choice for an Application Load Balancer.
        inputs.setdefault("protocol", "HTTP")
    if arn := inputs.pop("certificateArn", None):
        inputs["certificates"] = [{"certificateArn": arn}]
    request = context.request("CreateListener", inputs, {})
    if context.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]
    response = context.call("CreateListener", request)
    headers = [
        {"Key": key, "Value": _text(context.inputs[name])} for name, key in _HEADERS.items() if name in context.inputs
    ]
    if headers:
        arn = response["Listeners"][0]["ListenerArn"]
        context.call("ModifyListenerAttributes", {"ListenerArn": arn, "Attributes": headers})
    return response


def _one(context: CreateContext, field: str) -> Any:
    return context.response["LoadBalancers"][0].get(field)


SPECS: Final[dict[str, Spec]] = {
    "aws:lb/loadBalancer:LoadBalancer": Spec(
        service="elbv2",
        create=Call(operation="CreateLoadBalancer", takes={"loadBalancerType": "Type"}, reshape=_balancer),
        id=lambda context: _one(context, "LoadBalancerArn"),
        autoname="name",
        defaults={"loadBalancerType": "application"},
        then=[
            Call(
                operation="ModifyLoadBalancerAttributes",
                takes=dict.fromkeys((*_ATTRIBUTES, *_LOGS), "Attributes"),
                reshape=_attributes,
                fixed={"LoadBalancerArn": "{id}"},
            )
        ],
        outputs={
            "arn": "{id}",
            "arnSuffix": lambda context: context.id.partition(":loadbalancer/")[2],
            "dnsName": lambda context: _one(context, "DNSName"),
            "zoneId": lambda context: _one(context, "CanonicalHostedZoneId"),
            "vpcId": lambda context: _one(context, "VpcId"),
        },
    ),
    "aws:lb/listener:Listener": Spec(
        service="elbv2",
        create=Code(
            _listener,
            reads=(
                "loadBalancerArn",
                "port",
                "protocol",
                "sslPolicy",
                "certificateArn",
                "alpnPolicy",
                "defaultActions",
                *_HEADERS,
            ),
        ),
        id=lambda context: context.response["Listeners"][0]["ListenerArn"],
        outputs={"arn": "{id}"},
    ),
}
