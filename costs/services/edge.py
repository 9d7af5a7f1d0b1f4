"""Where clients come in: CloudFront, APIs, names and the web firewall."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.registry import chunks, number, prices
from costs.stack import Stack

_REST: Final = "apigateway/restApi:RestApi"
_API: Final = "apigatewayv2/api:Api"
_ACL: Final = "wafv2/webAcl:WebAcl"

_CALL_KB: Final = 512
"""What counts as one call of an HTTP API. https://aws.amazon.com/api-gateway/pricing/"""
_MESSAGE_KB: Final = 32
"""What counts as one message of a WebSocket API."""

_UNITS: Final = 1500
"""Of capacity, in the price of a web ACL's requests; each 500 more cost extra. https://aws.amazon.com/waf/pricing/"""
_UNITS_OF_GROUPS: Final = {
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesWindowsRuleSet": 200,
    "AWSManagedRulesAdminProtectionRuleSet": 100,
    "AWSManagedRulesUnixRuleSet": 100,
    "AWSManagedRulesPHPRuleSet": 100,
    "AWSManagedRulesWordPressRuleSet": 100,
    "AWSManagedRulesAnonymousIpList": 50,
    "AWSManagedRulesBotControlRuleSet": 50,
    "AWSManagedRulesATPRuleSet": 50,
    "AWSManagedRulesACFPRuleSet": 50,
    "AWSManagedRulesAmazonIpReputationList": 25,
}
"""https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""
_BOTS: Final = "AWSManagedRulesBotControlRuleSet"
_FRAUD: Final = ("AWSManagedRulesATPRuleSet", "AWSManagedRulesACFPRuleSet")
_USUAL_SECONDS: Final = 30
"""Between two questions of a health check."""


@prices("cloudfront/distribution:Distribution")
def distribution(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Data both ways and requests, at the edges near the stack's readers, and what runs there for each request."""
    requests = stack.use("siteRequests", one)
    yield by_use("data out to readers", "cloudfront.out_gb.first_10tb", stack.use("transferGb", one))
    yield by_use("data from readers to the origins", "cloudfront.to_origin_gb", stack.use("uploadGb", one))
    yield by_use("HTTPS requests", "cloudfront.https_requests", requests)
    yield by_use("paths that are forgotten", "cloudfront.invalidation_paths", stack.use("invalidations", one))
    yield from _run_at_the_edge(one, stack)
    if any((each.get("originShield") or {}).get("enabled") for each in one.inputs.get("origins") or []):
        yield by_use("requests to Origin Shield, at most", "cloudfront.origin_shield_requests", requests)
    if (one.inputs.get("viewerCertificate") or {}).get("sslSupportMethod") == "vip":
        yield fixed("addresses of its own for the certificate", "cloudfront.dedicated_certificate_month", 1)
    if any(each.get("realtimeLogConfigArn") for each in _behaviours(one)):
        yield not_priced("logs in real time", "lines of these logs have no price here")
    if any(each.get("fieldLevelEncryptionId") for each in _behaviours(one)):
        yield not_priced("encrypted fields", "how many requests have them is not among the use that is known")


def _behaviours(one: Resource) -> list[Mapping[str, Any]]:
    first = one.inputs.get("defaultCacheBehavior")
    return [*([first] if first else []), *(one.inputs.get("orderedCacheBehaviors") or [])]


def _run_at_the_edge(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """For each request, as if it met the path that has most of them. Of Lambda@Edge each call takes as long as any and
    has 128 MB."""
    requests = stack.expects("siteRequests")
    for what, key in (("functionAssociations", "functions"), ("lambdaFunctionAssociations", "Lambda@Edge")):
        having = [each for each in stack.of(one.type) if any(path.get(what) for path in _behaviours(each))]
        if having[:1] != [one]:
            continue
        calls = requests * max(len(path.get(what) or []) for path in _behaviours(one))
        if what.startswith("function"):
            yield by_use(f"calls of {key}, at most", "cloudfront.function_calls", calls)
        else:
            seconds = calls * math.ceil(stack.expects("functionMilliseconds")) / 1000
            yield by_use(f"calls of {key}, at most", "lambda.edge.requests", calls)
            yield by_use(f"time of {key}, at most", "lambda.edge.gb_second", seconds / 8)


@prices(_REST)
def rest(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Every call counts as one of the dearest API: REST, then HTTP. Which of several is asked, nobody says."""
    calls = stack.use("functionCalls", one)
    yield by_use("requests to all APIs, REST", "apigw.rest.requests", calls)


@prices(_API)
def api(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Requests of an HTTP API, each 512 KB of one as one; messages, each 32 KB as one, and minutes of a
    WebSocket one."""
    sockets = [each for each in stack.of(_API) if each.inputs.get("protocolType") == "WEBSOCKET"]
    others = [each for each in stack.of(_API) if each not in sockets]
    if one in sockets:
        calls = stack.expects("functionCalls") if not others and not stack.of(_REST) and sockets[0] is one else 0
        minutes = stack.expects("connectionMinutes") if sockets[0] is one else 0
        parts = chunks(stack.expects("messageKb"), _MESSAGE_KB)
        yield by_use("messages", "apigw.websocket.messages", calls * parts)
        yield by_use("minutes of connections", "apigw.websocket.connection_minutes", minutes)
        return
    calls = stack.expects("functionCalls") if others[0] is one and not stack.of(_REST) else 0
    parts = chunks(stack.expects("callKb"), _CALL_KB)
    yield by_use("requests to all APIs, HTTP", "apigw.http.requests", calls * parts)


@prices("route53/zone:Zone")
def zone(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the month, and by the question, as if each met the dearest way in which records are chosen; questions for
    aliases of AWS are free, private ones too."""
    yield fixed("hosted zone", "route53.zone_month", 1)
    public = [each for each in stack.of(one.type) if not each.inputs.get("vpcs")]
    if public[:1] == [one]:
        kind = _chosen(stack)
        yield by_use("questions to public zones", f"route53.queries.{kind}", stack.expects("dnsQueries"))


def _chosen(stack: Stack) -> str:
    records = stack.of("route53/record:Record")
    by_place = ("geolocationRoutingPolicies", "geoproximityRoutingPolicy", "cidrRoutingPolicy")
    if any(each.inputs.get(key) for each in records for key in by_place):
        return "geo"
    return "latency" if any(each.inputs.get("latencyRoutingPolicies") for each in records) else "standard"


@prices("route53/healthCheck:HealthCheck")
def health_check(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the month, and by each feature: HTTPS, searching text, a short interval, measuring latency. Of AWS's own
    endpoints 50 are free, which nobody can tell from the name."""
    del stack
    yield fixed("health check", "route53.health_check.external_month", 1)
    kind = str(one.inputs.get("type") or "")
    features = kind.startswith("HTTPS") + kind.endswith("_STR_MATCH")
    features += number(one.inputs, "requestInterval", 30) < _USUAL_SECONDS
    features += bool(one.inputs.get("measureLatency"))
    if features:
        yield fixed("features of the check", "route53.health_check.external_feature_month", features)


@prices(_ACL)
def firewall(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the month for the list and each of its rules, and by the request that it judges: more for lists of more than
    1,500 units of capacity, and for bodies that it reads beyond 16 KB."""
    yield fixed("web firewall", "waf.web_acl_month", 1)
    rules = one.inputs.get("rules") or []
    yield fixed("rules", "waf.rule_month", len(rules))
    scope = one.inputs.get("scope")
    same = [each for each in stack.of(one.type) if each.inputs.get("scope") == scope]
    requests = stack.expects("siteRequests" if scope == "CLOUDFRONT" else "webRequests") if same[0] is one else 0
    groups = [group for each in rules if (group := (each.get("statement") or {}).get("managedRuleGroupStatement"))]
    if same[0] is one:
        yield by_use("requests", "waf.requests", requests)
    more = sum(_UNITS_OF_GROUPS.get(str(each.get("name")), 0) for each in groups) - _UNITS
    if more > 0:
        extra = requests * math.ceil(more / 500)
        yield by_use(f"requests, for capacity beyond {_UNITS}", "waf.requests.more_capacity", extra)
    yield from _bodies(one, stack)
    for each in groups:
        yield from _paid_group(each, requests)
    if any({"captcha", "challenge"} & (each.get("action") or {}).keys() for each in rules):
        yield not_priced("puzzles and challenges", "how many there are is not among the use that is known")


def _bodies(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """The first list that reads further than 16 KB bears the requests with such bodies."""
    reading = [each for each in stack.of(_ACL) if _read_kb(each)]
    if reading[:1] == [one]:
        kb = _read_kb(one)
        yield by_use(f"bodies read up to {kb} KB", f"waf.body_{kb}kb.requests", stack.expects("largeBodies"))


def _read_kb(one: Resource) -> int:
    said = [
        str((settings or {}).get("defaultSizeInspectionLimit") or "")
        for bodies in (one.inputs.get("associationConfig") or {}).get("requestBodies") or []
        for settings in bodies.values()
    ]
    return max((int(each.removeprefix("KB_")) for each in said if each in ("KB_32", "KB_48", "KB_64")), default=0)


def _paid_group(group: Mapping[str, Any], requests: Any) -> Iterator[CostComponent]:
    """Groups of AWS that cost extra."""
    name = str(group.get("name"))
    if name == _BOTS:
        levels = [
            (each.get("awsManagedRulesBotControlRuleSet") or {}).get("inspectionLevel")
            for each in group.get("managedRuleGroupConfigs") or []
        ]
        key = "waf.bot_control_targeted.requests" if "TARGETED" in levels else "waf.bot_control.requests"
        yield fixed("Bot Control", "waf.managed_group_month", 1)
        yield by_use("requests that Bot Control judges", key, requests)
    elif name in _FRAUD:
        yield fixed("Fraud Control", "waf.managed_group_month", 1)
        yield not_priced("sign-ins that Fraud Control judges", "how many there are is not among the use that is known")
    elif name == "AWSManagedRulesAntiDDoSRuleSet" or group.get("vendorName") not in ("AWS", None):
        yield not_priced(f"rules of {name}", "this group of rules has no price here")


@prices("wafv2/ruleGroup:RuleGroup")
def rules(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Each rule by the month, and the group as one."""
    del stack
    yield fixed("group and its rules", "waf.rule_month", 1 + len(one.inputs.get("rules") or []))


@prices("apigateway/stage:Stage")
def stage(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Free but for a cache, by its size."""
    size = str(one.inputs.get("cacheClusterSize") or "0.5")
    if one.inputs.get("cacheClusterEnabled"):
        yield fixed(f"cache of {size} GB", f"apigw.rest.cache_{size.replace('.', '_')}gb_hour", stack.hours)
    else:
        yield free("the API's requests are counted")


@prices("acm/certificate:Certificate")
def certificate(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Free on AWS's services; one that may be taken elsewhere, or of a private authority, is not."""
    del stack
    if (one.inputs.get("options") or {}).get("export") == "ENABLED":
        yield not_priced("certificate that may be exported", "these certificates have no price here")
    elif one.inputs.get("certificateAuthorityArn"):
        yield not_priced("certificate of a private authority", "private certificates have no price here")
    else:
        yield free("public certificates cost nothing")


@prices("route53/resolverEndpoint:ResolverEndpoint")
def resolver(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the hour of each of its interfaces, and by the question."""
    interfaces = len(one.inputs.get("ipAddresses") or []) or 2
    yield fixed("interfaces", "route53.resolver_interface_hour", interfaces * stack.hours)
    yield by_use("questions", "route53.queries.standard", stack.use("dnsQueries", one, "route53/zone:Zone"))
