"""A built front end for everybody: private files in S3, which CloudFront alone may read, and APIs at the same address.

Use: site = StaticSite("wiki-dev-site", StaticSiteArgs(
         content=Path("workloads/site"), origins={"api": OriginArgs(paths=["/api/*"])}),
         addresses={"api": OriginAddress(domain="api.example.com")})
     zone.alias("www", site.domain_name, site.zone_id, ipv6=True, checks_health=False)

CloudFront is one service for the whole world: its certificate, its firewall, its metrics and the delivery of its logs
are in us-east-1, whatever the stack's region. The files, the logs and the APIs stay where the stack is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from ..alarms import AlarmTopics, Metric, metric_alarm
from ..component import Component
from ..data.bucket import Bucket, BucketArgs
from ..data.lifecycle import LifecycleRule
from ..errors import ArgumentError
from ..identity.user_pool import UserPool
from ..policy import Statement, statement
from ..widgets import Widget
from .certificate import Certificate
from .distribution import (
    behaviours,
    default_behaviour,
    error_pages,
    function_code,
    nothing,
    origins,
    question_and_credentials,
    security_headers,
    viewer_certificate,
)
from .site_args import US_EAST, StaticSiteArgs, also_calling
from .site_content import PROJECT, read_site
from .site_logs import log_requests
from .site_routes import CACHING_OPTIMIZED, OriginAddress, plan_routes
from .web_acl import WebAcl

_DAY = 86_400

# As the function that CloudFront runs calls them.
_ROUTING = {"singlePage": "single-page", "pages": "pages"}


class StaticSite(Component):
    """A private bucket, the distribution that alone may read it, and what was built for it."""

    CHILDREN = (
        "access_control",
        "routes_function",
        "prefix_function",
        "cache_policy",
        "api_cache_policy",
        "headers_policy",
        "distribution",
        "log_source",
        "log_destination",
        "log_delivery",
        "file",
        "grant",
        "alarm",
    )

    bucket: Bucket
    arn: pulumi.Output[str]
    """Of the distribution."""
    distribution_id: pulumi.Output[str]
    """What CloudWatch calls it, and whoever invalidates what it keeps."""
    domain_name: pulumi.Output[str]
    """CloudFront's own name for it."""
    zone_id: pulumi.Output[str]
    """The hosted zone of `domain_name`, for alias records; CloudFront's own, not one of ours."""

    def __init__(
        self,
        name: str,
        args: StaticSiteArgs,
        *,
        addresses: Mapping[str, OriginAddress] | None = None,
        certificate: Certificate | None = None,
        web_acl: WebAcl | None = None,
        user_pool: UserPool | None = None,
        access_logs: Bucket | None = None,
        request_logs: Bucket | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param addresses: Where each of the origins is asked, by its name.
        :param certificate: The names under which the site is known, in us-east-1. Without one it has the name that
            CloudFront gives, for which browsers with TLS 1.0 are let in too, since nobody can say otherwise there.
        :param web_acl: The firewall, of a distribution, that judges each request first.
        :param user_pool: Where pages change a code for tokens: they may call it too.
        :param access_logs: The bucket for the record of reads of the files.
        :param request_logs: The bucket for the record of each request to the site; it receives logs from "cloudfront".
            $0.25 a GB, some 500,000 requests.
        """
        super().__init__(name, args, opts)
        self._args, self._addresses = args, addresses or {}
        if certificate is not None and certificate.region != US_EAST:
            raise ArgumentError(
                "certificate", certificate.region, f"is not where CloudFront reads certificates; make one in {US_EAST}"
            )
        for origin in args.origins:
            if origin not in self._addresses:
                known = ", ".join(sorted(self._addresses)) or "none"
                raise ArgumentError("addresses", origin, f"is missing; give one for each origin (there are: {known})")

        # The bucket admits the distribution, which must exist for that, and reads from the bucket: the policy is the
        # only one to wait for the other.
        arn, is_known = pulumi.deferred_output()
        self.bucket = self._bucket(arn, access_logs)
        distribution = self._distribution(certificate, web_acl, user_pool)
        is_known(distribution.arn)
        self.arn, self.distribution_id = distribution.arn, distribution.id
        self.domain_name, self.zone_id = distribution.domain_name, distribution.hosted_zone_id
        if request_logs is not None:
            log_requests(name, self.arn, request_logs.log_target_arn, self._child)
        self._upload()
        self.register_outputs({"arn": self.arn, "domainName": self.domain_name})

    def grant_upload(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` bring the files up to date and have CloudFront forget the old ones, and nothing more."""
        return self._allow(role, "upload", *upload_statements(self.bucket.arn, self.arn))

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """An alarm on failing requests. CloudFront's metrics are in us-east-1, and so `topics` must be."""
        percent, minutes = self._args.server_error_percent, self._args.server_error_minutes
        return [
            metric_alarm(
                f"{self._prefix}-server-error-rate",
                description=(
                    f"More than {percent:g} % of the requests to {self._prefix} fail with a 5xx status. "
                    "Look whether the API behind it answers, and at its error logs."
                ),
                metric=self._metric("5xxErrorRate", "Average"),
                threshold=percent,
                periods=minutes,
                breaching_periods=(minutes + 1) // 2,
                severity="critical",
                topics=topics,
                region=US_EAST,
                opts=self._child("alarm"),
            )
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How much is asked and answered, and which share of it fails."""
        rates = [(f"{kind}ErrorRate", "Average") for kind in ("5xx", "4xx")]
        shown = [("Requests", "Sum"), *rates, ("BytesDownloaded", "Sum")]
        return [self._graph("Site (CloudFront)", self._metric(*one), region=US_EAST) for one in shown]

    def _metric(self, name: str, statistic: str) -> Metric:
        return Metric(
            namespace="AWS/CloudFront",
            name=name,
            dimensions={"DistributionId": self.distribution_id, "Region": "Global"},
            statistic=statistic,
        )

    def _bucket(self, distribution_arn: pulumi.Output[str], access_logs: Bucket | None) -> Bucket:
        args = self._args
        aged = {
            "standard": [],
            "infrequentAccess": [LifecycleRule(transitions={"STANDARD_IA": 30})],
            "intelligentTiering": [LifecycleRule(transitions={"INTELLIGENT_TIERING": 0})],
        }
        return Bucket(
            f"{self._prefix}-content",
            BucketArgs(
                # Everybody may read what is in it: a key of ours would guard nothing, and be asked at each read.
                encryption="s3",
                versioning=args.versioning,
                lifecycle=aged[args.storage],
                retention=args.retention,
            ),
            access_logs=access_logs,
            statements=lambda arn: _read_by(distribution_arn, arn),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _distribution(
        self, certificate: Certificate | None, web_acl: WebAcl | None, user_pool: UserPool | None
    ) -> aws.cloudfront.Distribution:
        name, args = self._prefix, self._args
        control = aws.cloudfront.OriginAccessControl(
            # Its name is unique in the account: Pulumi's suffix keeps two stacks apart.
            f"{name}-access-control",
            description=f"The files of {name}",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child("access_control"),
        )
        routes = plan_routes(args.origins)
        headers = aws.cloudfront.ResponseHeadersPolicy(
            f"{name}-headers-policy",
            comment=f"What browsers are told with each answer of {name}",
            security_headers_config=security_headers(self._content_security_policy(user_pool)),
            opts=self._child("headers_policy"),
        )
        return aws.cloudfront.Distribution(
            f"{name}-distribution",
            comment=name,
            enabled=True,
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=f"PriceClass_{str(args.price_class).title()}",
            aliases=certificate.domains if certificate else None,
            viewer_certificate=viewer_certificate(certificate.arn if certificate else None),
            default_root_object=args.index,
            origins=origins(self.bucket.regional_domain_name, control.id, args.origins, self._addresses),
            default_cache_behavior=default_behaviour(
                cache_policy_id=self._cache_policy(), headers_policy_id=headers.id, function_arn=self._routes_function()
            ),
            ordered_cache_behaviors=behaviours(
                routes,
                cache_policy_id=self._api_cache_policy() if any(route.cached for route in routes) else None,
                headers_policy_id=headers.id,
                function_arns=self._prefix_functions(),
            ),
            custom_error_responses=error_pages(sorted(args.error_pages.items())),
            web_acl_id=web_acl.arn if web_acl else None,
            restrictions=aws.cloudfront.DistributionRestrictionsArgs(
                geo_restriction=aws.cloudfront.DistributionRestrictionsGeoRestrictionArgs(restriction_type="none")
            ),
            tags={"Name": f"{name}-distribution"},
            opts=self._child("distribution"),
        )

    def _content_security_policy(self, user_pool: UserPool | None) -> pulumi.Input[str]:
        given = self._args.content_security_policy
        return given if user_pool is None else user_pool.domain.apply(lambda address: also_calling(given, address))

    def _cache_policy(self) -> pulumi.Input[str]:
        if self._args.cache == "optimized":
            return CACHING_OPTIMIZED
        return self._policy("cache_policy", "cache-policy", f"Files of {self._prefix}, a day at most", _DAY, nothing())

    def _api_cache_policy(self) -> pulumi.Output[str]:
        """Keeps what the API says may be kept, for callers with the same question and the same credentials."""
        what = f"Answers of {self._prefix} that say how long they hold"
        return self._policy("api_cache_policy", "api-cache-policy", what, 0, question_and_credentials())

    def _policy(
        self,
        child: str,
        kind: str,
        comment: str,
        default_seconds: int,
        key: aws.cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs,
    ) -> pulumi.Output[str]:
        return aws.cloudfront.CachePolicy(
            f"{self._prefix}-{kind}",
            comment=comment,
            min_ttl=0,
            default_ttl=default_seconds,
            max_ttl=_DAY,
            parameters_in_cache_key_and_forwarded_to_origin=key,
            opts=self._child(child),
        ).id

    def _routes_function(self) -> pulumi.Output[str]:
        constants = {"INDEX": f"/{self._args.index}", "ROUTING": _ROUTING[self._args.routing]}
        return aws.cloudfront.Function(
            f"{self._prefix}-routes",
            comment=f"Paths of {self._prefix} that are no files",
            runtime="cloudfront-js-2.0",
            code=function_code("pages", constants),
            publish=True,
            opts=self._child("routes_function"),
        ).arn

    def _prefix_functions(self) -> dict[str, pulumi.Output[str]]:
        return {
            name: aws.cloudfront.Function(
                f"{self._prefix}-{name}-prefix",
                comment=f"Paths of {self._prefix} as {name} knows them",
                runtime="cloudfront-js-2.0",
                code=function_code(
                    "prefix", {"PREFIX": origin.strip_prefix, "REPLACEMENT": self._addresses[name].path}
                ),
                publish=True,
                opts=self._child("prefix_function"),
            ).arn
            for name, origin in sorted(self._args.origins.items())
            if origin.strip_prefix is not None
        }

    def _upload(self) -> None:
        args = self._args
        if args.content is None:
            return
        for file in read_site(PROJECT / args.content, index=args.index, needed=[], immutable=args.immutable):
            aws.s3.BucketObjectv2(
                f"{self._prefix}-{re.sub(r'[^A-Za-z0-9]+', '-', file.key)}-file",
                bucket=self.bucket.name,
                key=file.key,
                content=file.text,
                content_base64=file.base64,
                content_type=file.content_type,
                cache_control=file.cache_control,
                opts=self._child("file", depends_on=[self.bucket]),
            )


def upload_statements(bucket_arn: pulumi.Input[str], distribution_arn: pulumi.Input[str]) -> list[Statement]:
    """What `aws s3 sync --delete` and `aws cloudfront create-invalidation` need, and nothing more."""
    return [
        statement("CompareTheSite", actions="s3:ListBucket", resources=bucket_arn),
        statement(
            "UploadTheSite",
            actions=["s3:DeleteObject", "s3:PutObject"],
            resources=pulumi.Output.concat(bucket_arn, "/*"),
        ),
        statement(
            "ForgetTheOldSite",
            actions=["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"],
            resources=distribution_arn,
        ),
    ]


def _read_by(distribution_arn: pulumi.Output[str], bucket_arn: pulumi.Output[str]) -> list[Statement]:
    principal = {"Service": "cloudfront.amazonaws.com"}
    ours = {"StringEquals": {"aws:SourceArn": distribution_arn}}
    return [
        statement(
            "ReadByTheDistribution",
            principal=principal,
            actions="s3:GetObject",
            resources=pulumi.Output.concat(bucket_arn, "/*"),
            condition=ours,
        ),
        statement(
            # Without it S3 says "forbidden" of a file that is not there. Nobody can list: the distribution has a first
            # page, and passes no questions on.
            "TellWhatIsMissing",
            principal=principal,
            actions="s3:ListBucket",
            resources=bucket_arn,
            condition=ours,
        ),
    ]
