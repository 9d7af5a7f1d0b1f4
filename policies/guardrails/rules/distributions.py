"""How CloudFront speaks with viewers and with origins, and what is recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, setting
from guardrails.kit.firewalls import unequal
from guardrails.kit.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Props, Resource


_MODERN = ("TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025")
_FILES = {"originId": "files", "domainName": "b.s3.ap-northeast-1.amazonaws.com", "originAccessControlId": "E1"}
_API: dict[str, Any] = {
    "originId": "api",
    "domainName": "api.example.com",
    "customOriginConfig": {
        "originProtocolPolicy": "https-only",
        "httpPort": 80,
        "httpsPort": 443,
        "originSslProtocols": ["TLSv1.2"],
    },
}
_CERTIFICATE = {"acmCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1", "sslSupportMethod": "sni-only"}


def _behaviour(policy: str = "redirect-to-https", **props: Any) -> dict[str, Any]:
    methods = {"allowedMethods": ["GET", "HEAD"], "cachedMethods": ["GET", "HEAD"]}
    return {"targetOriginId": "files", "viewerProtocolPolicy": policy, **methods, **props}


def _shown(**props: Any) -> Any:
    given = {"enabled": True, "origins": [_FILES], "defaultCacheBehavior": _behaviour(), **props}
    return aws(types.CLOUDFRONT_DISTRIBUTION, given, name="shown")


def _custom(**changes: Any) -> dict[str, Any]:
    return {**_API, "customOriginConfig": {**_API["customOriginConfig"], **changes}}


@rule(
    id="distribution-viewer-tls",
    title="Distributions accept TLS 1.2 or newer only",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "N-CFR4", "C174"),
    remedy="Give it a domain and a certificate, with minimumProtocolVersion TLSv1.2_2021 or newer.",
)
def distribution_viewer_tls(distribution: Resource, _at: Context) -> Iterator[str]:
    """With CloudFront's own certificate, which a distribution without a domain has, TLS 1.0 cannot be switched off."""
    if not distribution.props.has("viewerCertificate.minimumProtocolVersion"):
        yield "CloudFront's default certificate is used, with TLS 1.0"
    elif distribution.props.get("viewerCertificate.minimumProtocolVersion") not in _MODERN:
        yield "TLS older than 1.2 is accepted"


distribution_viewer_tls.examples(
    compliant=[_shown(viewerCertificate={**_CERTIFICATE, "minimumProtocolVersion": version}) for version in _MODERN],
    non_compliant=[
        _shown(),
        _shown(viewerCertificate={"cloudfrontDefaultCertificate": True}),
        _shown(viewerCertificate={**_CERTIFICATE, "minimumProtocolVersion": "TLSv1.1_2016"}),
    ],
)


@rule(
    id="distribution-https",
    title="Distributions serve nothing over plain HTTP",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "C34"),
    remedy="Set viewerProtocolPolicy of each behaviour to redirect-to-https, or to https-only for an API.",
)
def distribution_https(distribution: Resource, _at: Context) -> Iterator[str]:
    """Each behaviour, of the default path and of every other."""
    if distribution.props.get("defaultCacheBehavior.viewerProtocolPolicy") == "allow-all":
        yield "the default behaviour allows plain HTTP"
    for behaviour in distribution.props.items("orderedCacheBehaviors").blocks():
        if behaviour.get("viewerProtocolPolicy") == "allow-all":
            yield "a behaviour allows plain HTTP"


distribution_https.examples(
    compliant=[_shown(), _shown(orderedCacheBehaviors=[_behaviour("https-only", pathPattern="/api/*")])],
    non_compliant=[
        _shown(defaultCacheBehavior=_behaviour("allow-all")),
        _shown(orderedCacheBehaviors=[_behaviour("allow-all", pathPattern="/api/*")]),
    ],
)


@rule(
    id="distribution-origin-tls",
    title="CloudFront connects to origins with TLS 1.2",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "N-CFR5", "F CloudFront.9", "F CloudFront.10"),
    remedy="Set originProtocolPolicy to https-only and originSslProtocols to TLSv1.2; waive hosts without certificate.",
)
def distribution_origin_tls(distribution: Resource, _at: Context) -> Iterator[str]:
    """What viewers said under TLS would be read behind CloudFront. Buckets are always reached with it."""
    for origin in _origins(distribution):
        if not origin.has("customOriginConfig"):
            continue
        if origin.get("customOriginConfig.originProtocolPolicy") != "https-only":
            yield "an origin is reached over plain HTTP"
        elif set(origin.items("customOriginConfig.originSslProtocols").texts()) - {"TLSv1.2"}:
            yield "an origin is reached with TLS older than 1.2"


distribution_origin_tls.examples(
    compliant=[_shown(origins=[_FILES, _API]), _shown()],
    non_compliant=[
        _shown(origins=[_custom(originProtocolPolicy="http-only")]),
        _shown(origins=[_custom(originProtocolPolicy="match-viewer")]),
        _shown(origins=[_custom(originSslProtocols=["TLSv1", "TLSv1.2"])]),
    ],
)


@rule(
    id="distribution-origin-access",
    title="Buckets behind CloudFront have origin access control",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("N-CFR7", "F CloudFront.13"),
    remedy="Give the origin an originAccessControlId; the bucket's policy then admits this distribution alone.",
)
def distribution_origin_access(distribution: Resource, _at: Context) -> Iterator[str]:
    """Without origin access control the bucket would have to be public, or trust an identity of the old kind."""
    for origin in _origins(distribution):
        if not any(origin.has(kind) for kind in ("customOriginConfig", "vpcOriginConfig", "originAccessControlId")):
            yield "a bucket origin has no origin access control"


distribution_origin_access.examples(
    compliant=[_shown(), _shown(origins=[_API])],
    non_compliant=[
        _shown(origins=[{"originId": "files", "domainName": "b.s3.amazonaws.com"}]),
        _shown(
            origins=[
                {
                    "originId": "files",
                    "domainName": "b.s3.amazonaws.com",
                    "s3OriginConfig": {"originAccessIdentity": "origin-access-identity/cloudfront/E1"},
                }
            ]
        ),
    ],
)


@rule(
    id="distribution-root-object",
    title="Distributions of buckets have a default root object",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("F CloudFront.1",),
    remedy="Set defaultRootObject, such as index.html.",
)
def distribution_root_object(distribution: Resource, _at: Context) -> Iterator[str]:
    """Else "/" asks the bucket what is in it, and it may answer."""
    has_page = distribution.props.has("defaultRootObject") and distribution.props.get("defaultRootObject") != ""
    if not has_page and any(origin.has("originAccessControlId") for origin in _origins(distribution)):
        yield "defaultRootObject is not set"


distribution_root_object.examples(
    compliant=[_shown(defaultRootObject="index.html"), _shown(origins=[_API])],
    non_compliant=[_shown(), _shown(defaultRootObject="")],
)


distribution_waf = setting(
    id="distribution-waf",
    title="Distributions have a web ACL",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    path="webAclId",
    value="arn:aws:wafv2:us-east-1:123456789012:global/webacl/x/1",
    message="no web ACL is set",
    description="In prod only: it costs more than a small site does.",
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("P", "N-CFR2"),
    environments=("prod",),
    remedy="Set webAclId to the ARN of a WebAcl of scope CLOUDFRONT, made in us-east-1.",
)


_WEB_ACL = {"webAclId": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/x/1"}
_TO_WEB = {**_API, "domainName": ref("web")}
_SECRET_HEADER = {"customHeaders": [{"name": "X-Origin-Secret", "value": ref("secret", "value")}]}


def _web(**ingress: Any) -> tuple[Any, ...]:
    block = {"protocol": "tcp", "fromPort": 443, "toPort": 443, **ingress}
    return (
        aws("ssm/parameter:Parameter", {"type": "SecureString"}, name="secret"),
        aws("ec2/securityGroup:SecurityGroup", {"ingress": [block]}, name="group"),
        aws("lb/loadBalancer:LoadBalancer", {"securityGroups": [ref("group")]}, name="web"),
    )


def _private_api(*conditions: Any) -> tuple[Any, ...]:
    integration = {"apiId": ref("api"), "connectionType": "VPC_LINK", "integrationUri": ref("listener", "arn")}
    rule = {"listenerArn": ref("listener", "arn"), "conditions": [{"pathPattern": {"values": ["/*"]}}, *conditions]}
    return (
        aws("lb/loadBalancer:LoadBalancer", {"internal": True}, name="web"),
        aws("lb/listener:Listener", {"loadBalancerArn": ref("web", "arn"), "port": 443}, name="listener"),
        aws("lb/listenerRule:ListenerRule", rule, name="rule"),
        aws("apigatewayv2/api:Api", {"protocolType": "HTTP"}, name="api"),
        aws("apigatewayv2/integration:Integration", integration, name="integration"),
        aws(
            "apigatewayv2/apiMapping:ApiMapping", {"apiId": ref("api"), "domainName": "api.example.com"}, name="mapping"
        ),
    )


_HEADER_CONDITION = {"httpHeader": {"httpHeaderName": "X-Origin-Secret", "values": ["s"]}}


def _rest(action: str | None) -> tuple[Any, ...]:
    api = (
        aws("apigateway/restApi:RestApi", name="api"),
        aws("apigateway/stage:Stage", {"restApi": ref("api"), "stageName": "live"}, name="stage"),
        aws("apigateway/domainName:DomainName", {"domainName": "api.example.com"}, name="domain"),
        aws(
            "apigateway/basePathMapping:BasePathMapping",
            {"restApi": ref("api"), "domainName": "api.example.com", "stageName": "live"},
            name="mapping",
        ),
    )
    if action is None:
        return api
    props = {"resourceArn": ref("stage", "arn"), "webAclArn": ref("acl", "arn")}
    return (
        *api,
        aws("wafv2/webAcl:WebAcl", {"defaultAction": {action: {}}}, name="acl"),
        aws("wafv2/webAclAssociation:WebAclAssociation", props, name="association"),
    )


def _blocking(name: str, *groups: str, limit: int | None = 2000, counted: str | None = None) -> Any:
    overrides = {"ruleActionOverrides": [{"name": counted, "actionToUse": {"count": {}}}]} if counted else {}
    rules: list[dict[str, Any]] = [
        {
            "name": group,
            "priority": number,
            "statement": {"managedRuleGroupStatement": {"vendorName": "AWS", "name": group, **overrides}},
            "overrideAction": {"none": {}},
        }
        for number, group in enumerate(groups)
    ]
    if limit is not None:
        rate = {"rateBasedStatement": {"limit": limit, "aggregateKeyType": "IP"}}
        rules.append({"name": "rate", "priority": len(rules), "statement": rate, "action": {"block": {}}})
    return aws("wafv2/webAcl:WebAcl", {"defaultAction": {"allow": {}}, "rules": rules}, name=name)


_COMMON = "AWSManagedRulesCommonRuleSet"
_REDIRECT = {"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}


def _two_doors(front: Any, behind: Any, *, plain: str = "redirect") -> Any:
    listeners = {
        "https": {"port": 443, "protocol": "HTTPS", "defaultActions": [{"type": "fixed-response"}]},
        "http": {"port": 80, "protocol": "HTTP", "defaultActions": [{**_REDIRECT, "type": plain}]},
    }
    return example(
        *_web(cidrBlocks=["0.0.0.0/0"]),
        *(
            aws("lb/listener:Listener", {"loadBalancerArn": ref("web", "arn"), **props}, name=name)
            for name, props in listeners.items()
        ),
        front,
        behind,
        aws(
            "wafv2/webAclAssociation:WebAclAssociation",
            {"resourceArn": ref("web", "arn"), "webAclArn": ref("behind", "arn")},
            name="association",
        ),
        _shown(origins=[{**_TO_WEB, **_SECRET_HEADER}], webAclId=ref("front", "arn")),
    )


@graph_rule(
    id="distribution-origin-closed",
    title="Origins cannot be reached around a distribution's web ACL",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    remedy="Admit CloudFront's prefix list and a secret header only, a REST API by a web ACL; or block the same there.",
)
def distribution_origin_closed(distribution: Resource, at: Context) -> Iterator[str]:
    """Who knows the name of an origin asks it directly, or by a distribution of his own, whose addresses are the same.
    HTTP and WebSocket APIs before functions cannot be closed, since AWS WAF does not take them; the rehearsal's report
    names them. An HTTP API that leads to a load balancer passes the header on that its rules can ask for. An open load
    balancer that judges by the same rules is a second door, and no way around the first."""
    if not distribution.props.has("webAclId"):
        return
    reach = Reach(at.graph)
    for origin in reach.origins(distribution):
        private = origin.kind == types.APIGATEWAYV2_API and reach.listeners_behind(origin)
        if private and not reach.asks_for_header(origin):
            yield f"{origin.name} passes on what came without this distribution: its load balancer asks for no header"
        if origin.kind not in (types.LB_LOAD_BALANCER, types.REST_API):
            continue
        if origin.kind == types.LB_LOAD_BALANCER and reach.is_open(origin):
            if lacking := unequal(distribution, origin, at.graph):
                yield f"{origin.name} can be reached without this distribution, and {lacking}"
        elif origin.kind == types.REST_API and not reach.is_blocked_by_default(origin):
            yield f"{origin.name} can be reached without this distribution"
        elif origin.kind == types.LB_LOAD_BALANCER and not _shows_secret(distribution, origin, reach):
            yield f"{origin.name} gets no secret header, so any other distribution can reach it"


distribution_origin_closed.examples(
    compliant=[
        example(*_web(prefixListIds=["pl-58a04531"]), _shown(origins=[{**_TO_WEB, **_SECRET_HEADER}], **_WEB_ACL)),
        example(*_web(cidrBlocks=["0.0.0.0/0"]), _shown(origins=[_TO_WEB])),
        example(*_rest("block"), _shown(origins=[_API], **_WEB_ACL)),
        example(
            aws("apigatewayv2/api:Api", {"protocolType": "HTTP"}, name="api"),
            _shown(origins=[{**_API, "domainName": ref("api", "apiEndpoint")}], **_WEB_ACL),
        ),
        example(*_private_api(_HEADER_CONDITION), _shown(origins=[_API], **_WEB_ACL)),
        example(*_private_api(), _shown(origins=[_API])),
        _shown(**_WEB_ACL),
        _two_doors(_blocking("front", _COMMON), _blocking("behind", _COMMON)),
        _two_doors(_blocking("front", _COMMON, limit=None), _blocking("behind", _COMMON, limit=100)),
        # Neither blocks anything yet.
        _two_doors(_blocking("front", limit=None), _blocking("behind", limit=None)),
    ],
    non_compliant=[
        example(*_web(cidrBlocks=["0.0.0.0/0"]), _shown(origins=[{**_TO_WEB, **_SECRET_HEADER}], **_WEB_ACL)),
        example(*_web(prefixListIds=["pl-58a04531"]), _shown(origins=[_TO_WEB], **_WEB_ACL)),
        # The secret is for another origin.
        example(
            *_web(prefixListIds=["pl-58a04531"]),
            _shown(
                origins=[_TO_WEB, {**_API, "originId": "other", "domainName": "o.example.com", **_SECRET_HEADER}],
                **_WEB_ACL,
            ),
        ),
        example(*_rest("allow"), _shown(origins=[_API], **_WEB_ACL)),
        example(*_rest(None), _shown(origins=[_API], **_WEB_ACL)),
        example(*_private_api(), _shown(origins=[_API], **_WEB_ACL)),
        _two_doors(_blocking("front", _COMMON), _blocking("behind")),
        _two_doors(_blocking("front", _COMMON), _blocking("behind", _COMMON, limit=None)),
        _two_doors(_blocking("front", _COMMON), _blocking("behind", _COMMON, limit=4000)),
        _two_doors(_blocking("front", _COMMON), _blocking("behind", _COMMON, counted="NoUserAgent_HEADER")),
        _two_doors(_blocking("front", _COMMON), _blocking("behind", _COMMON), plain="forward"),
        # By the address that AWS gives it.
        example(*_rest(None), _shown(origins=[{**_API, "domainName": ref("stage")}], **_WEB_ACL)),
    ],
)


def _shows_secret(distribution: Resource, origin: Resource, reach: Reach) -> bool:
    """Whether the distribution adds a header for this origin; one that it adds for another is not for this."""
    blocks = list(_origins(distribution))
    leading = [each for each in blocks if origin in reach.at_name(each)]
    if leading:
        return all(each.has("customHeaders") for each in leading)
    # Before it is made, the name of a load balancer is not known; else it is a name that nothing here explains.
    unknown = [each for each in blocks if not isinstance(each.maybe("domainName"), str)]
    return any(each.has("customHeaders") for each in unknown or blocks)


@graph_rule(
    id="distribution-logs",
    title="Distributions have access logs",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("logging",),
    references=("P", "N-CFR3", "C86"),
    remedy="Deliver ACCESS_LOGS by a LogDeliverySource of the distribution, or set loggingConfig.",
)
def distribution_logs(distribution: Resource, at: Context) -> Iterator[str]:
    """By either way; the older one needs a bucket with access lists."""
    if distribution.inputs.has("loggingConfig"):
        return
    if not at.graph.children(distribution, types.LOG_DELIVERY_SOURCE, via="resourceArn"):
        yield "access logging is off"


distribution_logs.examples(
    compliant=[
        example(
            _shown(),
            aws(
                types.LOG_DELIVERY_SOURCE,
                {"name": "x", "logType": "ACCESS_LOGS", "resourceArn": ref("shown", "arn")},
                name="source",
            ),
            environment="prod",
        ),
        example(_shown(loggingConfig={"bucket": "logs.s3.amazonaws.com"}), environment="prod"),
    ],
    non_compliant=[example(_shown(), environment="prod"), _shown()],
)


_YEAR = 365 * 24 * 3600
# AWS's own policies with the header.
_AWS_POLICIES = (
    "67f7725c-6f97-4210-82d7-5512b31e9d03",
    "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
)


def _headers(**security: Any) -> Any:
    return aws(types.RESPONSE_HEADERS_POLICY, {"securityHeadersConfig": security}, name="headers")


def _with_headers(policy: Any) -> Any:
    return _shown(defaultCacheBehavior=_behaviour(responseHeadersPolicyId=policy))


_STRICT = {"strictTransportSecurity": {"accessControlMaxAgeSec": _YEAR, "override": True}}


_TELLING = ("cs-uri-query", "cs(Cookie)", "cs(Referer)")


def _delivery(**props: Any) -> tuple[Any, ...]:
    source = {"name": "x", "logType": "ACCESS_LOGS", "resourceArn": ref("shown", "arn")}
    given = {"deliverySourceName": ref("source"), "deliveryDestinationArn": "arn", **props}
    return (
        _shown(),
        aws(types.LOG_DELIVERY_SOURCE, source, name="source"),
        aws(types.LOG_DELIVERY, given, name="delivery"),
    )


@graph_rule(
    id="distribution-log-fields",
    title="The access logs of distributions hold no tokens",
    types=(types.LOG_DELIVERY, types.CLOUDFRONT_DISTRIBUTION),
    level=MANDATORY,
    severity="high",
    topics=("logging", "secrets"),
    remedy=f"Name the recordFields, without {', '.join(_TELLING)}; leave includeCookies out.",
)
def distribution_log_fields(resource: Resource, at: Context) -> Iterator[str]:
    """Programs leave tokens behind the question mark of an address, which a referer repeats, and in cookies. The older
    way of logging (loggingConfig) always records addresses whole, and can only leave the cookies out."""
    if resource.kind == types.CLOUDFRONT_DISTRIBUTION:
        if resource.inputs.get("loggingConfig.includeCookies"):
            yield "cookies are logged"
        return
    if resource.props.has("recordFields"):
        telling = [each for each in resource.props.items("recordFields").texts() if each in _TELLING]
        if telling:
            yield f"{', '.join(telling)} may hold tokens"
        return
    for source in at.graph.targets(resource, types.LOG_DELIVERY_SOURCE, via="deliverySourceName"):
        if at.graph.targets(source, types.CLOUDFRONT_DISTRIBUTION, via="resourceArn"):
            yield "every field is logged, including those that may hold tokens"


distribution_log_fields.examples(
    compliant=[
        example(*_delivery(recordFields=["date", "cs-method", "cs-uri-stem"])),
        _shown(loggingConfig={"bucket": "logs.s3.amazonaws.com"}),
    ],
    non_compliant=[
        example(*_delivery(recordFields=["date", "cs-uri-query"])),
        example(*_delivery(recordFields=["date", "cs(Referer)"])),
        example(*_delivery()),
        _shown(loggingConfig={"bucket": "logs.s3.amazonaws.com", "includeCookies": True}),
    ],
)


def _signing_in(policy: str) -> tuple[Any, ...]:
    client = {
        "userPoolId": ref("pool"),
        "allowedOauthFlows": ["code"],
        "callbackUrls": ["https://www.example.com/signed-in"],
    }
    security = {"contentSecurityPolicy": {"contentSecurityPolicy": policy, "override": False}}
    return (
        aws("cognito/userPool:UserPool", name="pool"),
        aws(types.USER_POOL_DOMAIN, {"userPoolId": ref("pool"), "domain": "wiki-0a1b2c3d"}, name="domain"),
        aws(types.USER_POOL_CLIENT, client, name="client"),
        _headers(**security),
        _shown(aliases=["www.example.com"], defaultCacheBehavior=_behaviour(responseHeadersPolicyId=ref("headers"))),
    )


@graph_rule(
    id="distribution-sign-in",
    title="The content security policy allows calls to the sign-in domain",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    remedy="Add the sign-in page's address to connect-src of the content security policy.",
)
def distribution_sign_in(distribution: Resource, at: Context) -> Iterator[str]:
    """A page changes the code of a sign-in for tokens by a call to the user pool's domain. Browsers refuse it where the
    page's policy does not name that domain."""
    if not _signs_in(distribution, at):
        return
    for headers in at.graph.targets(
        distribution, types.RESPONSE_HEADERS_POLICY, via="defaultCacheBehavior.responseHeadersPolicyId"
    ):
        policy = headers.props.text("securityHeadersConfig.contentSecurityPolicy.contentSecurityPolicy")
        directives: dict[str, list[str]] = {}
        for part in policy.split(";"):
            if words := part.split():
                # The first of two counts.
                directives.setdefault(words[0].lower(), words[1:])
        allowed = directives.get("connect-src", directives.get("default-src"))
        if allowed is None or {"*", "https:"} & set(allowed):
            continue
        for domain in at.graph.of_kind(types.USER_POOL_DOMAIN):
            name = domain.props.text("domain")
            if not any(each.removeprefix("https://").startswith(name) or "*.amazoncognito" in each for each in allowed):
                yield f"connect-src does not allow {name}, where users sign in"


distribution_sign_in.examples(
    compliant=[
        example(*_signing_in("default-src 'self'; connect-src 'self' https://wiki-0a1b2c3d.auth.x.amazoncognito.com")),
        example(*_signing_in("frame-ancestors 'none'")),
        example(*_signing_in("default-src https:")),
        example(
            _headers(contentSecurityPolicy={"contentSecurityPolicy": "default-src 'self'", "override": False}),
            _shown(defaultCacheBehavior=_behaviour(responseHeadersPolicyId=ref("headers"))),
        ),
    ],
    non_compliant=[
        example(*_signing_in("default-src 'self'")),
        example(*_signing_in("default-src *; connect-src 'self' https://api.example.com")),
    ],
)


def _signs_in(distribution: Resource, at: Context) -> bool:
    """Whether a program of the stack sends people back to one of the distribution's names."""
    names = set(distribution.props.items("aliases").texts())
    urls = [
        url
        for client in at.graph.of_kind(types.USER_POOL_CLIENT)
        if "code" in client.props.items("allowedOauthFlows").texts()
        for url in client.props.items("callbackUrls").texts()
    ]
    return any(url.partition("://")[2].partition("/")[0] in names for url in urls)


def _origins(distribution: Resource) -> Iterator[Props]:
    return distribution.props.items("origins").blocks()


@graph_rule(
    id="distribution-hsts",
    title="Distributions send HSTS headers",
    types=(types.CLOUDFRONT_DISTRIBUTION,),
    level=ADVISORY,
    severity="low",
    topics=("in transit",),
    references=("C259",),
    remedy="Give every behaviour a response headers policy with strictTransportSecurity for a year or longer.",
)
def distribution_hsts(distribution: Resource, at: Context) -> Iterator[str]:
    """A redirect to HTTPS comes after a first request in plain text, which somebody between may answer instead."""
    made = at.graph.targets(
        distribution, types.RESPONSE_HEADERS_POLICY, via="defaultCacheBehavior.responseHeadersPolicyId"
    )
    if made:
        ages = [
            each.props.number("securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec") for each in made
        ]
        if max(age or 0 for age in ages) < _YEAR:
            yield "strictTransportSecurity is missing, or is shorter than a year"
    elif distribution.props.text("defaultCacheBehavior.responseHeadersPolicyId") not in _AWS_POLICIES:
        yield "there is no response headers policy with strictTransportSecurity"


distribution_hsts.examples(
    compliant=[example(_headers(**_STRICT), _with_headers(ref("headers"))), _with_headers(_AWS_POLICIES[0])],
    non_compliant=[
        _shown(),
        example(_headers(), _with_headers(ref("headers"))),
        example(
            _headers(strictTransportSecurity={"accessControlMaxAgeSec": 60, "override": True}),
            _with_headers(ref("headers")),
        ),
        _with_headers("5cc3b908-e619-4b99-88e5-2cf7f45965bd"),
    ],
)
