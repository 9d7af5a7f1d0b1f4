"""Where clients come in: CloudFront, APIs, names and the web firewall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.registry import prices
from costs.stack import Stack

_REST: Final = "apigateway/restApi:RestApi"
_API: Final = "apigatewayv2/api:Api"


@prices("cloudfront/distribution:Distribution")
def distribution(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Data and requests, at the edges near the stack's readers."""
    yield by_use("data out to readers", "cloudfront.out_gb.first_10tb", stack.use("transferGb", one))
    yield by_use("HTTPS requests", "cloudfront.https_requests", stack.use("siteRequests", one))


@prices(_REST)
def rest(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Every call counts as one of the dearest API: REST, then HTTP. Which of several is asked, nobody says."""
    calls = stack.use("functionCalls", one)
    yield by_use("requests to all APIs, REST", "apigw.rest.requests", calls)


@prices(_API)
def api(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Requests of an HTTP API; messages and minutes of a WebSocket one."""
    sockets = [each for each in stack.of(_API) if each.inputs.get("protocolType") == "WEBSOCKET"]
    others = [each for each in stack.of(_API) if each not in sockets]
    if one in sockets:
        calls = stack.expects("functionCalls") if not others and not stack.of(_REST) and sockets[0] is one else 0
        minutes = stack.expects("connectionMinutes") if sockets[0] is one else 0
        yield by_use("messages", "apigw.websocket.messages", calls)
        yield by_use("minutes of connections", "apigw.websocket.connection_minutes", minutes)
        return
    calls = stack.expects("functionCalls") if others[0] is one and not stack.of(_REST) else 0
    yield by_use("requests to all APIs, HTTP", "apigw.http.requests", calls)


@prices("route53/zone:Zone")
def zone(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the month, and by the question; questions for aliases of AWS are free, private ones too."""
    yield fixed("hosted zone", "route53.zone_month", 1)
    public = [each for each in stack.of(one.type) if not each.inputs.get("vpcs")]
    if public[:1] == [one]:
        yield by_use("questions to public zones", "route53.queries.standard", stack.expects("dnsQueries"))


@prices("route53/healthCheck:HealthCheck")
def health_check(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the month. Of AWS's own endpoints 50 are free, which nobody can tell from the name."""
    del one, stack
    yield fixed("health check", "route53.health_check.external_month", 1)


@prices("wafv2/webAcl:WebAcl")
def firewall(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the month for the list and each of its rules, and by the request that it judges."""
    yield fixed("web firewall", "waf.web_acl_month", 1)
    yield fixed("rules", "waf.rule_month", len(one.inputs.get("rules") or []))
    scope = one.inputs.get("scope")
    same = [each for each in stack.of(one.type) if each.inputs.get("scope") == scope]
    if same[0] is one:
        key = "siteRequests" if scope == "CLOUDFRONT" else "webRequests"
        yield by_use("requests", "waf.requests", stack.expects(key))


@prices("wafv2/ruleGroup:RuleGroup")
def rules(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Each rule by the month, and the group as one."""
    del stack
    yield fixed("group and its rules", "waf.rule_month", 1 + len(one.inputs.get("rules") or []))


@prices("apigateway/stage:Stage")
def stage(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Free but for a cache, of which the smallest size has a price here."""
    size = str(one.inputs.get("cacheClusterSize") or "0.5")
    if one.inputs.get("cacheClusterEnabled") and size != "0.5":
        yield not_priced(f"cache of {size} GB", "only the smallest cache has a price here")
    elif one.inputs.get("cacheClusterEnabled"):
        yield fixed("cache of 0.5 GB", "apigw.rest.cache_0_5gb_hour", stack.hours)
    else:
        yield free("the API's requests are counted")
