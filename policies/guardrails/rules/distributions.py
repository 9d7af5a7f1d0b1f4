"""How CloudFront speaks with viewers and with origins, and what is recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Props, Resource

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
LOG_SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"

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
    return aws(DISTRIBUTION.removeprefix("aws:"), given, name="shown")


def _custom(**changes: Any) -> dict[str, Any]:
    return {**_API, "customOriginConfig": {**_API["customOriginConfig"], **changes}}


@rule(
    id="distribution-viewer-tls",
    title="Distributions let in nobody with a TLS older than 1.2",
    types=(DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "N-CFR4", "C174"),
    remedy="Give it a domain and a certificate, with minimumProtocolVersion TLSv1.2_2021 or newer.",
    compliant=[
        example(_shown(viewerCertificate={**_CERTIFICATE, "minimumProtocolVersion": version})) for version in _MODERN
    ],
    non_compliant=[
        example(_shown()),
        example(_shown(viewerCertificate={"cloudfrontDefaultCertificate": True})),
        example(_shown(viewerCertificate={**_CERTIFICATE, "minimumProtocolVersion": "TLSv1.1_2016"})),
    ],
)
def distribution_viewer_tls(distribution: Resource, _at: Context) -> Iterator[str]:
    """With CloudFront's own certificate, which a distribution without a domain has, TLS 1.0 cannot be switched off."""
    if not distribution.props.has("viewerCertificate.minimumProtocolVersion"):
        yield "CloudFront's own certificate is used, with TLS 1.0"
    elif distribution.props.get("viewerCertificate.minimumProtocolVersion") not in _MODERN:
        yield "TLS older than 1.2 is let in"


@rule(
    id="distribution-https",
    title="Distributions answer nothing in plain text",
    types=(DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "C34"),
    remedy="Set viewerProtocolPolicy of each behaviour to redirect-to-https, or to https-only for an API.",
    compliant=[
        example(_shown()),
        example(_shown(orderedCacheBehaviors=[_behaviour("https-only", pathPattern="/api/*")])),
    ],
    non_compliant=[
        example(_shown(defaultCacheBehavior=_behaviour("allow-all"))),
        example(_shown(orderedCacheBehaviors=[_behaviour("allow-all", pathPattern="/api/*")])),
    ],
)
def distribution_https(distribution: Resource, _at: Context) -> Iterator[str]:
    """Each behaviour, of the default path and of every other."""
    if distribution.props.get("defaultCacheBehavior.viewerProtocolPolicy") == "allow-all":
        yield "the default behaviour takes plain HTTP"
    for behaviour in distribution.props.items("orderedCacheBehaviors").blocks():
        if behaviour.get("viewerProtocolPolicy") == "allow-all":
            yield "a behaviour takes plain HTTP"


@rule(
    id="distribution-origin-tls",
    title="CloudFront asks origins with TLS 1.2",
    types=(DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "N-CFR5", "F CloudFront.9", "F CloudFront.10"),
    remedy="Set originProtocolPolicy to https-only and originSslProtocols to TLSv1.2; waive hosts without certificate.",
    compliant=[example(_shown(origins=[_FILES, _API])), example(_shown())],
    non_compliant=[
        example(_shown(origins=[_custom(originProtocolPolicy="http-only")])),
        example(_shown(origins=[_custom(originProtocolPolicy="match-viewer")])),
        example(_shown(origins=[_custom(originSslProtocols=["TLSv1", "TLSv1.2"])])),
    ],
)
def distribution_origin_tls(distribution: Resource, _at: Context) -> Iterator[str]:
    """What viewers said under TLS would be read behind CloudFront. Buckets are always asked with it."""
    for origin in _origins(distribution):
        if not origin.has("customOriginConfig"):
            continue
        if origin.get("customOriginConfig.originProtocolPolicy") != "https-only":
            yield "an origin is asked in plain text"
        elif set(origin.items("customOriginConfig.originSslProtocols").texts()) - {"TLSv1.2"}:
            yield "an origin is asked with a TLS older than 1.2"


@rule(
    id="distribution-origin-access",
    title="Buckets behind CloudFront are asked with a signature",
    types=(DISTRIBUTION,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("N-CFR7", "F CloudFront.13"),
    remedy="Give the origin an originAccessControlId; the bucket's policy then admits this distribution alone.",
    compliant=[example(_shown()), example(_shown(origins=[_API]))],
    non_compliant=[
        example(_shown(origins=[{"originId": "files", "domainName": "b.s3.amazonaws.com"}])),
        example(
            _shown(
                origins=[
                    {
                        "originId": "files",
                        "domainName": "b.s3.amazonaws.com",
                        "s3OriginConfig": {"originAccessIdentity": "origin-access-identity/cloudfront/E1"},
                    }
                ]
            )
        ),
    ],
)
def distribution_origin_access(distribution: Resource, _at: Context) -> Iterator[str]:
    """Without origin access control the bucket would have to be public, or trust an identity of the old kind."""
    for origin in _origins(distribution):
        if not any(origin.has(kind) for kind in ("customOriginConfig", "vpcOriginConfig", "originAccessControlId")):
            yield "an origin has no access control"


@rule(
    id="distribution-root-object",
    title="Distributions of files have a first page",
    types=(DISTRIBUTION,),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("F CloudFront.1",),
    remedy="Set defaultRootObject, such as index.html.",
    compliant=[example(_shown(defaultRootObject="index.html")), example(_shown(origins=[_API]))],
    non_compliant=[example(_shown()), example(_shown(defaultRootObject=""))],
)
def distribution_root_object(distribution: Resource, _at: Context) -> Iterator[str]:
    """Else "/" asks the bucket what is in it, and it may answer."""
    has_page = distribution.props.has("defaultRootObject") and distribution.props.get("defaultRootObject") != ""
    if not has_page and any(origin.has("originAccessControlId") for origin in _origins(distribution)):
        yield "there is no first page"


@rule(
    id="distribution-waf",
    title="A web firewall stands before distributions",
    types=(DISTRIBUTION,),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("P", "N-CFR2"),
    environments=("prod",),
    remedy="Set webAclId to the ARN of a WebAcl of scope CLOUDFRONT, made in us-east-1.",
    compliant=[
        example(_shown(webAclId="arn:aws:wafv2:us-east-1:123456789012:global/webacl/x/1"), environment="prod"),
        example(_shown()),
    ],
    non_compliant=[example(_shown(), environment="prod")],
)
def distribution_waf(distribution: Resource, _at: Context) -> Iterator[str]:
    """In prod only: it costs more than a small site does."""
    if not distribution.props.has("webAclId"):
        yield "no web firewall is set"


@graph_rule(
    id="distribution-logs",
    title="Requests to distributions are recorded",
    types=(DISTRIBUTION,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("logging",),
    references=("P", "N-CFR3", "C86"),
    remedy="Deliver ACCESS_LOGS by a LogDeliverySource of the distribution, or set loggingConfig.",
    compliant=[
        example(
            _shown(),
            aws(
                LOG_SOURCE.removeprefix("aws:"),
                {"name": "x", "logType": "ACCESS_LOGS", "resourceArn": ref("shown", "arn")},
                name="source",
            ),
            environment="prod",
        ),
        example(_shown(loggingConfig={"bucket": "logs.s3.amazonaws.com"}), environment="prod"),
    ],
    non_compliant=[example(_shown(), environment="prod"), example(_shown())],
)
def distribution_logs(distribution: Resource, at: Context) -> Iterator[str]:
    """By either way; the older one needs a bucket with access lists."""
    if distribution.inputs.has("loggingConfig"):
        return
    if not at.graph.children(distribution, LOG_SOURCE, via="resourceArn"):
        yield "nobody keeps a record of the requests"


def _origins(distribution: Resource) -> Iterator[Props]:
    return distribution.props.items("origins").blocks()


_HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
_YEAR = 365 * 24 * 3600
# AWS's own policies with the header.
_AWS_POLICIES = (
    "67f7725c-6f97-4210-82d7-5512b31e9d03",
    "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
)


def _headers(**security: Any) -> Any:
    return aws(_HEADERS.removeprefix("aws:"), {"securityHeadersConfig": security}, name="headers")


def _with_headers(policy: Any) -> Any:
    return _shown(defaultCacheBehavior=_behaviour(responseHeadersPolicyId=policy))


_STRICT = {"strictTransportSecurity": {"accessControlMaxAgeSec": _YEAR, "override": True}}


@graph_rule(
    id="distribution-hsts",
    title="Browsers are told to come back by HTTPS only",
    types=(DISTRIBUTION,),
    level=ADVISORY,
    severity="low",
    topics=("in transit",),
    references=("C259",),
    remedy="Give every behaviour a response headers policy with strictTransportSecurity for a year or longer.",
    compliant=[
        example(_headers(**_STRICT), _with_headers(ref("headers"))),
        example(_with_headers(_AWS_POLICIES[0])),
    ],
    non_compliant=[
        example(_shown()),
        example(_headers(), _with_headers(ref("headers"))),
        example(
            _headers(strictTransportSecurity={"accessControlMaxAgeSec": 60, "override": True}),
            _with_headers(ref("headers")),
        ),
        example(_with_headers("5cc3b908-e619-4b99-88e5-2cf7f45965bd")),
    ],
)
def distribution_hsts(distribution: Resource, at: Context) -> Iterator[str]:
    """A redirect to HTTPS comes after a first request in plain text, which somebody between may answer instead."""
    made = at.graph.targets(distribution, _HEADERS, via="defaultCacheBehavior.responseHeadersPolicyId")
    if made:
        ages = [
            each.props.number("securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec") for each in made
        ]
        if max(age or 0 for age in ages) < _YEAR:
            yield "its headers do not say so, or not for a year"
    elif distribution.props.text("defaultCacheBehavior.responseHeadersPolicyId") not in _AWS_POLICIES:
        yield "no policy of its headers says so"


RULES = (
    distribution_viewer_tls,
    distribution_https,
    distribution_origin_tls,
    distribution_origin_access,
    distribution_root_object,
    distribution_waf,
    distribution_logs,
    distribution_hsts,
)
