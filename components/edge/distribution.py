"""The parts of a CloudFront distribution, from the plan of a site."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pulumi
import pulumi_aws as aws

from .origin_secret import HEADER
from .site_routes import (
    ALL_VIEWER_EXCEPT_HOST,
    CACHING_DISABLED,
    WRITE,
    OriginAddress,
    OriginArgs,
    Route,
)

FILES = "files"
"""The origin of the site's own files."""

_FUNCTIONS = Path(__file__).with_name("functions")
_TWO_YEARS = 63_072_000


def function_code(which: str, constants: Mapping[str, pulumi.Input[str] | None]) -> pulumi.Output[str]:
    """The JavaScript of a function that CloudFront runs at each request, after its constants."""
    code = (_FUNCTIONS / f"{which}.js").read_text()

    def whole(known: Mapping[str, str]) -> str:
        lines = [f"const {constant} = {json.dumps(value)};" for constant, value in sorted(known.items())]
        return "\n".join([*lines, code])

    return pulumi.Output.all(**constants).apply(whole)


def viewer_certificate(arn: pulumi.Input[str] | None) -> aws.cloudfront.DistributionViewerCertificateArgs:
    """TLS 1.2 and newer with a certificate of ours; with CloudFront's own nobody can choose."""
    if arn is None:
        return aws.cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True)
    return aws.cloudfront.DistributionViewerCertificateArgs(
        acm_certificate_arn=arn, minimum_protocol_version="TLSv1.2_2021", ssl_support_method="sni-only"
    )


def origins(
    bucket_domain: pulumi.Input[str],
    access_control_id: pulumi.Input[str],
    apis: Mapping[str, OriginArgs],
    addresses: Mapping[str, OriginAddress],
) -> list[aws.cloudfront.DistributionOriginArgs]:
    """The bucket, and each API."""
    files = aws.cloudfront.DistributionOriginArgs(
        origin_id=FILES, domain_name=bucket_domain, origin_access_control_id=access_control_id
    )
    return [files, *(_api(name, api, addresses[name]) for name, api in sorted(apis.items()))]


def _api(name: str, api: OriginArgs, address: OriginAddress) -> aws.cloudfront.DistributionOriginArgs:
    return aws.cloudfront.DistributionOriginArgs(
        origin_id=name,
        domain_name=address.domain,
        # With a prefix to take away, the function puts the path in its place.
        origin_path=address.path if api.strip_prefix is None else None,
        custom_headers=[aws.cloudfront.DistributionOriginCustomHeaderArgs(name=HEADER, value=address.secret)]
        if address.secret is not None
        else None,
        custom_origin_config=aws.cloudfront.DistributionOriginCustomOriginConfigArgs(
            origin_protocol_policy=f"{address.protocol}-only",
            http_port=address.port if address.port is not None and address.protocol == "http" else 80,
            https_port=address.port if address.port is not None and address.protocol == "https" else 443,
            origin_ssl_protocols=["TLSv1.2"],
            origin_read_timeout=api.read_timeout_seconds,
            # As long as connections may be silent: a new one costs two or three journeys to Japan.
            origin_keepalive_timeout=60,
        ),
    )


def default_behaviour(
    *,
    cache_policy_id: pulumi.Input[str],
    headers_policy_id: pulumi.Input[str],
    function_arn: pulumi.Input[str],
) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgs:
    """The site's own files."""
    return aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
        target_origin_id=FILES,
        viewer_protocol_policy="redirect-to-https",
        allowed_methods=["GET", "HEAD"],
        cached_methods=["GET", "HEAD"],
        compress=True,
        cache_policy_id=cache_policy_id,
        response_headers_policy_id=headers_policy_id,
        function_associations=[
            aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs(
                event_type="viewer-request", function_arn=function_arn
            )
        ],
    )


def behaviours(
    routes: Sequence[Route],
    *,
    cache_policy_id: pulumi.Input[str] | None,
    headers_policy_id: pulumi.Input[str],
    function_arns: Mapping[str, pulumi.Input[str]],
) -> list[aws.cloudfront.DistributionOrderedCacheBehaviorArgs] | None:
    """The paths that an API answers. None where there are none."""
    return [
        aws.cloudfront.DistributionOrderedCacheBehaviorArgs(
            path_pattern=route.pattern,
            target_origin_id=route.origin,
            # A redirect would lose the body, and the first request has told its secrets to everybody by then.
            viewer_protocol_policy="https-only",
            allowed_methods=list(WRITE),
            cached_methods=["GET", "HEAD"],
            compress=True,
            cache_policy_id=cache_policy_id if route.cached else CACHING_DISABLED,
            origin_request_policy_id=ALL_VIEWER_EXCEPT_HOST,
            response_headers_policy_id=headers_policy_id,
            function_associations=[
                aws.cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArgs(
                    event_type="viewer-request", function_arn=function_arns[route.origin]
                )
            ]
            if route.origin in function_arns
            else None,
        )
        for route in routes
    ] or None


def error_pages(
    pages: Iterable[tuple[int, str]],
) -> list[aws.cloudfront.DistributionCustomErrorResponseArgs] | None:
    """Pages of ours in place of an origin's answer, with its status."""
    return [
        aws.cloudfront.DistributionCustomErrorResponseArgs(
            error_code=code, response_code=code, response_page_path=page, error_caching_min_ttl=10
        )
        for code, page in pages
    ] or None


def security_headers(
    content_security_policy: pulumi.Input[str],
) -> aws.cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs:
    """What tells browsers to be careful. What says where a page may be shown or what it may load, an answer of an API
    may say for itself."""
    cf = aws.cloudfront
    return cf.ResponseHeadersPolicySecurityHeadersConfigArgs(
        strict_transport_security=cf.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs(
            access_control_max_age_sec=_TWO_YEARS, include_subdomains=True, override=True
        ),
        content_type_options=cf.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs(override=True),
        content_security_policy=cf.ResponseHeadersPolicySecurityHeadersConfigContentSecurityPolicyArgs(
            content_security_policy=content_security_policy, override=False
        ),
        frame_options=cf.ResponseHeadersPolicySecurityHeadersConfigFrameOptionsArgs(
            frame_option="DENY", override=False
        ),
        referrer_policy=cf.ResponseHeadersPolicySecurityHeadersConfigReferrerPolicyArgs(
            referrer_policy="strict-origin-when-cross-origin", override=False
        ),
    )


def nothing() -> aws.cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs:
    """Files are the same for everybody, however they are asked for."""
    cf = aws.cloudfront
    return cf.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs(
        cookies_config=cf.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigArgs(cookie_behavior="none"),
        headers_config=cf.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs(header_behavior="none"),
        query_strings_config=cf.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigArgs(
            query_string_behavior="none"
        ),
        enable_accept_encoding_brotli=True,
        enable_accept_encoding_gzip=True,
    )


def question_and_credentials() -> aws.cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs:
    """An answer is kept for whoever asks the same with the same authorization and the same cookies."""
    cf = aws.cloudfront
    return cf.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs(
        cookies_config=cf.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigArgs(cookie_behavior="all"),
        headers_config=cf.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs(
            header_behavior="whitelist",
            headers=cf.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigHeadersArgs(
                items=["Authorization"]
            ),
        ),
        query_strings_config=cf.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigArgs(
            query_string_behavior="all"
        ),
        enable_accept_encoding_brotli=True,
        enable_accept_encoding_gzip=True,
    )
