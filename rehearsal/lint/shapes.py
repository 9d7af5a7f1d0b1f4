"""Inputs whose form differs from CloudFormation's in more than their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Inputs = dict[str, Any]

_BALANCER_ATTRIBUTES: Final = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
_GROUP_ATTRIBUTES: Final = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "slowStart": "slow_start.duration_seconds",
}
_HEALTH_CHECK: Final = {
    "enabled": "healthCheckEnabled",
    "healthyThreshold": "healthyThresholdCount",
    "interval": "healthCheckIntervalSeconds",
    "path": "healthCheckPath",
    "port": "healthCheckPort",
    "protocol": "healthCheckProtocol",
    "timeout": "healthCheckTimeoutSeconds",
    "unhealthyThreshold": "unhealthyThresholdCount",
}
_EVENTS: Final = {
    "lambdaFunctions": ("lambdaConfigurations", "lambdaFunctionArn", "function"),
    "queues": ("queueConfigurations", "queueArn", "queue"),
    "topics": ("topicConfigurations", "topicArn", "topic"),
}
# What stands for an archive that the provider uploads.
_ARCHIVE: Final = {"s3Bucket": "an-archive", "s3Key": "archive.zip"}


def plain_lists(value: Any) -> Any:
    """CloudFront's policies: a list alone where the provider puts it into an object."""
    if isinstance(value, dict):
        if set(value) == {"items"}:
            return plain_lists(value["items"])
        return {key: plain_lists(item) for key, item in value.items()}
    return [plain_lists(item) for item in value] if isinstance(value, list) else value


def load_balancer(inputs: Inputs) -> Inputs:
    values, attributes = _attributes(inputs, _BALANCER_ATTRIBUTES)
    if "internal" in values:
        values["scheme"] = "internal" if values.pop("internal") else "internet-facing"
    return {**values, "loadBalancerAttributes": attributes} if attributes else values


def target_group(inputs: Inputs) -> Inputs:
    values, attributes = _attributes(inputs, _GROUP_ATTRIBUTES)
    check: Inputs = dict(values.pop("healthCheck", None) or {})
    if "matcher" in check:
        values["matcher"] = {"httpCode": check.pop("matcher")}
    values.update({_HEALTH_CHECK.get(key, key): value for key, value in check.items()})
    return {**values, "targetGroupAttributes": attributes} if attributes else values


def _attributes(inputs: Inputs, names: Mapping[str, str]) -> tuple[Inputs, list[dict[str, str]]]:
    """The other inputs, and those that AWS keeps as pairs of texts."""
    pairs = [
        {"key": name, "value": str(inputs[key]).lower() if isinstance(inputs[key], bool) else str(inputs[key])}
        for key, name in names.items()
        if key in inputs
    ]
    return {key: value for key, value in inputs.items() if key not in names}, pairs


def service(inputs: Inputs) -> Inputs:
    """A public address is a word there, and not a truth value."""
    network = inputs.get("networkConfiguration")
    if not isinstance(network, dict) or "assignPublicIp" not in network:
        return inputs
    word = "ENABLED" if network["assignPublicIp"] else "DISABLED"
    return {**inputs, "networkConfiguration": {**network, "assignPublicIp": word}}


def express(inputs: Inputs) -> Inputs:
    """The provider has lists of one where AWS has the thing itself."""
    whole = _singly(inputs, {"networkConfigurations": "networkConfiguration", "scalingTargets": "scalingTarget"})
    container = whole.get("primaryContainer")
    if not isinstance(container, dict):
        return whole
    named = {"commands": "command", "environments": "environment"}
    inner: Inputs = {named.get(str(key), str(key)): value for key, value in container.items()}
    return {**whole, "primaryContainer": _singly(inner, {"awsLogsConfigurations": "awsLogsConfiguration"})}


def _singly(inputs: Inputs, lists: Mapping[str, str]) -> Inputs:
    return {
        lists.get(key, key): value[0] if key in lists and isinstance(value, list) and value else value
        for key, value in inputs.items()
    }


def function(inputs: Inputs) -> Inputs:
    return inputs if {"s3Bucket", "imageUri"} & set(inputs) else {**inputs, **_ARCHIVE}


def deployment_group(inputs: Inputs) -> Inputs:
    """Alarms are names, and there objects with a name."""
    watched = inputs.get("alarmConfiguration", {})
    if "alarms" not in watched:
        return inputs
    return {**inputs, "alarmConfiguration": {**watched, "alarms": [{"name": name} for name in watched["alarms"]]}}


def layer(inputs: Inputs) -> Inputs:
    return inputs if "s3Bucket" in inputs else {**inputs, **_ARCHIVE}


def security_group(inputs: Inputs) -> Inputs:
    """One rule for each source, as CloudFormation writes them."""
    values = {key: value for key, value in inputs.items() if key not in ("ingress", "egress")}
    for direction, property_, other in (
        ("ingress", "securityGroupIngress", "sourceSecurityGroupId"),
        ("egress", "securityGroupEgress", "destinationSecurityGroupId"),
    ):
        rules = [each for block in inputs.get(direction) or [] for each in _rules(block, other)]
        if rules:
            values[property_] = rules
            # Without a VPC of its own, a group is in the region's default one.
            values.setdefault("vpcId", "vpc-00000000")
    return values


def _rules(block: Inputs, other: str) -> list[Inputs]:
    protocol = str(block.get("protocol", "-1"))
    # The provider wants ports even where AWS passes over them.
    ports = () if protocol in ("-1", "all") else ("fromPort", "toPort")
    common = {key: block[key] for key in ("description", *ports) if key in block}
    common["ipProtocol"] = protocol
    kinds = {"cidrBlocks": "cidrIp", "ipv6CidrBlocks": "cidrIpv6", "securityGroups": other}
    return [{**common, name: value} for key, name in kinds.items() for value in block.get(key) or []]


def acl_entry(inputs: Inputs) -> Inputs:
    values = {key: value for key, value in inputs.items() if key not in ("fromPort", "toPort", "icmpType", "icmpCode")}
    if "fromPort" in inputs and str(inputs.get("protocol")) not in ("-1", "all"):
        values["portRange"] = {"from": inputs["fromPort"], "to": inputs.get("toPort", inputs["fromPort"])}
    return {
        **values,
        "protocol": {"tcp": 6, "udp": 17, "icmp": 1, "all": -1}.get(str(values["protocol"]), values["protocol"]),
    }


def instance(inputs: Inputs) -> Inputs:
    values = {key: value for key, value in inputs.items() if key not in ("rootBlockDevice", "ebsBlockDevices")}
    if "userDataBase64" in values:
        values["userData"] = values.pop("userDataBase64")
    devices = [{"deviceName": "/dev/xvda", **inputs["rootBlockDevice"]}] if inputs.get("rootBlockDevice") else []
    devices += inputs.get("ebsBlockDevices") or []
    outside = ("deviceName", "tags", "throughput")
    mappings = [
        {"deviceName": each["deviceName"], "ebs": {key: value for key, value in each.items() if key not in outside}}
        for each in devices
    ]
    return {**values, "blockDeviceMappings": mappings} if mappings else values


def table(inputs: Inputs) -> Inputs:
    values = _keys(inputs)
    indexes: Inputs = {}
    for kind in ("globalSecondaryIndexes", "localSecondaryIndexes"):
        made = [_index(each, inputs) for each in inputs.get(kind) or []]
        if made:
            indexes[kind] = made
    if (inputs.get("serverSideEncryption") or {}).get("kmsKeyArn"):
        indexes["serverSideEncryption"] = {**inputs["serverSideEncryption"], "sseType": "KMS"}
    return {**values, **indexes}


def _index(index: Inputs, inputs: Inputs) -> Inputs:
    of_index = {"hashKey": inputs.get("hashKey"), **index}
    projection = {key: index[key] for key in ("projectionType", "nonKeyAttributes") if index.get(key)}
    throughput = {f"{key}Units": index[key] for key in ("readCapacity", "writeCapacity") if index.get(key)}
    made = {"indexName": index["name"], "keySchema": _keys(of_index)["keySchema"], "projection": projection}
    return {**made, "provisionedThroughput": throughput} if throughput else made


def _keys(inputs: Inputs) -> Inputs:
    """The partition key and the sort key as a schema."""
    schema = [
        {"attributeName": inputs[key], "keyType": kind}
        for key, kind in (("hashKey", "HASH"), ("rangeKey", "RANGE"))
        if inputs.get(key)
    ]
    return {**{key: value for key, value in inputs.items() if key not in ("hashKey", "rangeKey")}, "keySchema": schema}


def budget(inputs: Inputs) -> Inputs:
    values = {key: value for key, value in inputs.items() if key not in ("limitAmount", "limitUnit", "timePeriodStart")}
    if "limitAmount" in inputs:
        values["budgetLimit"] = {"amount": inputs["limitAmount"], "unit": inputs.get("limitUnit", "USD")}
    filters = {each["name"]: each["values"] for each in inputs.get("costFilters") or []}
    return {**values, "costFilters": filters} if filters else values


def lifecycle(inputs: Inputs) -> Inputs:
    return {"rules": [_lifecycle_rule(each) for each in inputs.get("rules") or []]}


def _lifecycle_rule(rule: Inputs) -> Inputs:
    kept = ("id", "status", "abortIncompleteMultipartUpload", "noncurrentVersionExpiration")
    made = {key: rule[key] for key in kept if rule.get(key)}
    for key, property_ in (("days", "expirationInDays"), ("date", "expirationDate")):
        if (rule.get("expiration") or {}).get(key):
            made[property_] = rule["expiration"][key]
    if (rule.get("expiration") or {}).get("expiredObjectDeleteMarker"):
        made["expiredObjectDeleteMarker"] = True
    narrowed = {**(rule.get("filter") or {}), **((rule.get("filter") or {}).get("and") or {})}
    made["prefix"] = narrowed.get("prefix") or rule.get("prefix") or ""
    for key in ("objectSizeGreaterThan", "objectSizeLessThan"):
        if narrowed.get(key):
            made[key] = str(narrowed[key])
    for kind, days in (("transitions", "days"), ("noncurrentVersionTransitions", "noncurrentDays")):
        moves = [
            {("transitionInDays" if key == days else key): value for key, value in each.items()}
            for each in rule.get(kind) or []
        ]
        if moves:
            made[kind] = moves
    return made


def notification(inputs: Inputs) -> Inputs:
    """One configuration for each event: CloudFormation has no lists of events."""
    made: Inputs = {}
    for kind, (property_, arn, name) in _EVENTS.items():
        each = [
            {"event": event, name: block[arn]}
            for block in inputs.get(kind) or []
            for event in block.get("events") or []
        ]
        if each:
            made[property_] = each
    return made


def zone(inputs: Inputs) -> Inputs:
    """The region of a VPC is the provider's where the program says none; here any does."""
    vpcs = [{"vpcRegion": "us-east-1", **each} for each in inputs.get("vpcs") or []]
    return {**inputs, "vpcs": vpcs} if vpcs else inputs


def record(inputs: Inputs) -> Inputs:
    """The provider puts the quotes around texts."""
    if inputs.get("type") not in ("TXT", "SPF"):
        return inputs
    return {**inputs, "records": [f'"{value}"' for value in inputs.get("records", [])]}


def listener_rule(inputs: Inputs) -> Inputs:
    fields = {"hostHeader": "host-header", "pathPattern": "path-pattern", "sourceIp": "source-ip"}
    fields |= {"httpHeader": "http-header", "httpRequestMethod": "http-request-method", "queryStrings": "query-string"}
    conditions = [
        {"field": next((fields[key] for key in each if key in fields), ""), **each}
        for each in inputs.get("conditions") or []
    ]
    return {**inputs, "conditions": conditions}


# How the provider names what sends bodies, and how AWS does.
_SENDERS: Final = {
    "apiGateway": "API_GATEWAY",
    "appRunnerService": "APP_RUNNER_SERVICE",
    "cloudfront": "CLOUDFRONT",
    "cognitoUserPool": "COGNITO_USER_POOL",
    "verifiedAccessInstance": "VERIFIED_ACCESS_INSTANCE",
}


def bodies_by_sender(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider has a list of blocks with a member for each sender where AWS has a map."""
    config = inputs.get("associationConfig")
    if not config or "requestBodies" not in config:
        return inputs
    # A misspelt sender keeps its name, and no map takes that.
    bodies = {_SENDERS.get(key, key): limit for body in config["requestBodies"] for key, limit in body.items()}
    others = {key: value for key, value in config.items() if key != "requestBodies"}
    return {**inputs, "associationConfig": {**others, "requestBody": bodies}}
