"""The one thing that the internet reaches: an Application Load Balancer that takes HTTPS and knows no other way.

Use: web = LoadBalancer("wiki-dev-web", LoadBalancerArgs(), network=network, access_logs=archive, certificate=tls)
     web.allow_to(service_group.id, port=8000, name="api")
"""

from __future__ import annotations

import re
from typing import Final, Unpack

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Expression, Metric, metric_alarm
from ..component import Component
from ..data.bucket import Bucket
from ..errors import ArgumentError
from ..identity.key import AnyKey
from ..network.network import Network
from ..security_rules import (
    SourceOrDestination,
    allow_egress,
    allow_ingress,
    closed_group,
    cloudfront_addresses,
    label,
)
from ..widgets import Widget
from .certificate import Certificate
from .load_balancer_args import ALONE, CERTIFICATE_ARN, LoadBalancerArgs
from .origin_secret import origin_secret, value_of
from .web_acl import WebAcl

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.3, and of TLS 1.2 only the ciphers with forward secrecy and authenticated encryption."""

ACCESS_LOG_PREFIX = "load-balancer-logs"
"""Where a Bucket that `receives_logs_from` "elb" admits them."""

LONGEST_NAME = 32
"""Of a load balancer, in AWS."""

SECTION: Final = "Load balancer"
SERVER_ERRORS: Final = "HTTPCode_ELB_5XX_Count + HTTPCode_Target_5XX_Count, % of RequestCount"


class LoadBalancer(Component):
    """A load balancer: 443 with a certificate, 80 only to redirect. Who asks for nothing known gets a 404."""

    CHILDREN = (
        "load_balancer",
        "security_group",
        "ingress_rule",
        "egress_rule",
        "https_listener",
        "http_listener",
        "web_acl_association",
        "origin_secret",
        "alarm",
    )

    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    """What CloudWatch calls it, and scaling by requests."""
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    """The hosted zone of `dns_name`, for alias records; ELB's own, not one of ours."""
    security_group_id: pulumi.Output[str]
    https_listener_arn: pulumi.Output[str] | None
    """None with `allow_http`."""
    listener_arn: pulumi.Output[str]
    """The one to which services add their rules: 443, or 80 with `allow_http`."""
    port: int
    """On which that one listens."""
    origin_secret: pulumi.Output[str] | None
    """What a request must show in the header X-Origin-Secret, by the rules of the services. None: nothing."""

    def __init__(
        self,
        name: str,
        args: LoadBalancerArgs,
        *,
        network: Network,
        access_logs: Bucket,
        certificate: Certificate | None = None,
        web_acl: WebAcl | None = None,
        origin_secret_path: str | None = None,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param network: Where it stands; its public subnets (an internal one's: private) must be in two zones or more.
        :param access_logs: Where each request is recorded: a bucket that receives logs from "elb".
        :param certificate: The domain's, unless the arguments name one that exists, or allow HTTP.
        :param web_acl: The firewall that judges each request first.
        :param origin_secret_path: Where in the Parameter Store the secret is kept that CloudFront must show, such as
            `/wiki/dev/web/origin-secret`. Without it whoever gets here is answered. With a path services add the
            condition to their rules; see `origin_secret`.
        :param key: What encrypts that secret. Without one AWS's managed key.
        """
        super().__init__(name, args, opts)
        if len(name) > LONGEST_NAME:
            raise ArgumentError(
                "name", name, f"has {len(name)} characters; AWS allows {LONGEST_NAME} of a load balancer"
            )
        if (certificate is not None) == (args.allow_http or args.certificate_arn is not None):
            raise ArgumentError(
                "certificate",
                certificate and certificate.pulumi_resource_name,
                "is one of three: give a certificate or certificate_arn for HTTPS, or set allow_http",
            )
        if origin_secret_path is not None and not args.may_ask_for_secret:
            raise ArgumentError(
                "origin_secret_path",
                origin_secret_path,
                f"keeps everybody out whom allow_from lets in; use {' or '.join(ALONE)} there",
            )
        if web_acl is not None and args.internal:
            raise ArgumentError(
                "web_acl", web_acl.pulumi_resource_name, "would see API Gateway's addresses only; use it at the site"
            )
        self._args, self.port = args, 80 if args.allow_http else 443

        group = self._security_group(network)
        balancer = self._load_balancer(group, network, access_logs)
        self._balancer = balancer
        self.https_listener_arn = None
        certificate_arn = certificate.arn if certificate is not None else args.certificate_arn
        if certificate_arn is not None:
            self.https_listener_arn = self._https_listener(certificate_arn).arn
        # API Gateway follows no redirect.
        http = None if args.internal and self.https_listener_arn is not None else self._http_listener()
        listener = http if self.https_listener_arn is None else self.https_listener_arn
        assert listener is not None
        self.listener_arn = listener
        if web_acl is not None:
            aws.wafv2.WebAclAssociation(
                f"{name}-web-acl-association",
                resource_arn=balancer.arn,
                web_acl_arn=web_acl.arn,
                opts=self._child("web_acl_association"),
            )
        self.origin_secret = None
        if origin_secret_path is not None:
            parameter = origin_secret(
                f"{name}-origin-secret",
                origin_secret_path,
                key_arn=key.arn if key else None,
                opts=self._child("origin_secret"),
                parent=self,
            )
            self.origin_secret = value_of(parameter)
        self.arn, self.arn_suffix = balancer.arn, balancer.arn_suffix
        self.dns_name, self.zone_id = balancer.dns_name, balancer.zone_id
        self.security_group_id = group.id
        self.register_outputs({"arn": self.arn, "dnsName": self.dns_name})

    def allow_to(self, security_group_id: pulumi.Input[str], *, port: int, name: str) -> None:
        """Let the load balancer call the service `name`: this port of this group, and nothing more.

        The service's own group must let it in (`security_group_id`).
        """
        rule, why = f"{self._prefix}-{name}-egress-rule", f"Requests and health checks to {name}"
        allow_egress(rule, self.security_group_id, port, why, self._child("egress_rule"), group=security_group_id)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Alarms on failing requests, refused connections and slow answers."""
        args, opts = self._args, self._child("alarm")
        return [
            metric_alarm(
                f"{self._prefix}-server-error-rate",
                description=(
                    f"More than {args.server_error_percent:g} % of the requests to {self._prefix} fail with a 5xx "
                    "status. "
                    "Look at the services' error logs and at the health of their targets."
                ),
                expression=self._server_error_percent,
                threshold=args.server_error_percent,
                periods=args.server_error_minutes,
                breaching_periods=args.server_error_minutes // 2 + 1,
                severity="critical",
                topics=topics,
                opts=opts,
            ),
            metric_alarm(
                f"{self._prefix}-rejected-connections",
                description=(
                    f"{self._prefix} refused connections because it had reached its limit. "
                    "Look for a flood of requests in its access logs."
                ),
                metric=self._metric("RejectedConnectionCount"),
                threshold=0,
                periods=1,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
            metric_alarm(
                f"{self._prefix}-response-time",
                description=(
                    f"One request in twenty to {self._prefix} takes longer than {args.response_seconds:g} s. "
                    "Look at the load of the services and of the database."
                ),
                metric=self._metric("TargetResponseTime", "p95"),
                threshold=args.response_seconds,
                periods=5,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How much is asked, how much of it fails, how long it takes, and what is refused."""
        times = {statistic: self._metric("TargetResponseTime", statistic) for statistic in ("p50", "p95", "p99")}
        return [
            self._graph(SECTION, self._metric("RequestCount")),
            self._graph(SECTION, {"": self._server_error_percent}, name=SERVER_ERRORS),
            self._graph(SECTION, times),
            self._graph(SECTION, self._metric("RejectedConnectionCount")),
        ]

    @property
    def _server_error_percent(self) -> Expression:
        # RequestCount leaves out requests for which there was no healthy target, so that they are added: else an alarm
        # would be silent when every target is gone.
        return (
            "100 * (FILL(balancer, 0) + FILL(target, 0)) / (FILL(requests, 0) + FILL(balancer, 0))",
            {
                "balancer": self._metric("HTTPCode_ELB_5XX_Count"),
                "requests": self._metric("RequestCount"),
                "target": self._metric("HTTPCode_Target_5XX_Count"),
            },
        )

    def _metric(self, name: str, statistic: str = "Sum") -> Metric:
        return Metric(
            namespace="AWS/ApplicationELB",
            name=name,
            dimensions={"LoadBalancer": self.arn_suffix},
            statistic=statistic,
        )

    def _security_group(self, network: Network) -> aws.ec2.SecurityGroup:
        name, opts = f"{self._prefix}-security-group", self._child("security_group")
        group = closed_group(name, network.vpc_id, f"The load balancer {self._prefix}", opts)
        if self._args.internal:
            # The link opens it for itself.
            return group
        if self._args.from_cloudfront:
            known = cloudfront_addresses(self)
            self._open(group, f"{self.port}-from-cloudfront", self.port, "CloudFront", prefix_list=known)
            return group
        for port in (80,) if self._args.allow_http else (443, 80):
            for cidr in self._args.allow_from:
                self._open(group, f"{port}-from-{label(cidr)}", port, f"Clients in {cidr}", cidr=cidr)
        return group

    def _open(
        self, ours: aws.ec2.SecurityGroup, rule: str, port: int, who: str, **peer: Unpack[SourceOrDestination]
    ) -> None:
        what = "HTTPS" if port == 443 else "HTTP" if self._args.allow_http else "HTTP, to be redirected"
        opts = self._child("ingress_rule")
        allow_ingress(f"{self._prefix}-ingress-rule-{rule}", ours.id, port, f"{who}: {what}", opts, **peer)

    def _load_balancer(
        self, group: aws.ec2.SecurityGroup, network: Network, access_logs: Bucket
    ) -> aws.lb.LoadBalancer:
        return aws.lb.LoadBalancer(
            f"{self._prefix}-alb",
            # Looked up by name, never replaced, and too short a name to spare eight characters for a suffix.
            name=self._prefix,
            load_balancer_type="application",
            internal=self._args.internal,
            subnets=network.private_subnet_ids if self._args.internal else network.public_subnet_ids,
            security_groups=[group.id],
            access_logs=aws.lb.LoadBalancerAccessLogsArgs(
                enabled=True, bucket=access_logs.log_target_name, prefix=ACCESS_LOG_PREFIX
            ),
            # What is no valid header, and what two servers could read as two different requests, does not pass.
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            idle_timeout=self._args.idle_timeout_seconds,
            enable_deletion_protection=self._args.retention == "protected",
            tags={"Name": f"{self._prefix}-alb"},
            opts=self._child("load_balancer"),
        )

    def _https_listener(self, certificate_arn: pulumi.Input[str]) -> aws.lb.Listener:
        checked = pulumi.Output.all(certificate_arn, Account.of(self).region).apply(lambda known: of_region(*known))
        return aws.lb.Listener(
            f"{self._prefix}-https-listener",
            load_balancer_arn=self._balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=checked,
            default_actions=[_nothing_here()],
            # A browser that came once never asks in plain text again.
            routing_http_response_strict_transport_security_header_value="max-age=31536000",
            opts=self._child("https_listener"),
        )

    def _http_listener(self) -> pulumi.Output[str]:
        """Redirects to HTTPS; serves only with `allow_http`."""
        if self._args.allow_http:
            action = _nothing_here()
        else:
            action = aws.lb.ListenerDefaultActionArgs(
                type="redirect",
                redirect=aws.lb.ListenerDefaultActionRedirectArgs(protocol="HTTPS", port="443", status_code="HTTP_301"),
            )
        return aws.lb.Listener(
            f"{self._prefix}-http-listener",
            load_balancer_arn=self._balancer.arn,
            port=80,
            protocol="HTTP",
            default_actions=[action],
            opts=self._child("http_listener"),
        ).arn


def of_region(certificate_arn: str, region: str) -> str:
    """The ARN, unless the certificate is in a region in which the load balancer cannot use it."""
    found = re.fullmatch(CERTIFICATE_ARN, certificate_arn)
    if found and found[1] != region:
        raise ArgumentError(
            "certificate_arn",
            certificate_arn,
            f"is in {found[1]}, and the load balancer in {region}; use a certificate of {region}",
        )
    return certificate_arn


def _nothing_here() -> aws.lb.ListenerDefaultActionArgs:
    """Services add rules for what they serve; whatever matches none of them exists nowhere."""
    return aws.lb.ListenerDefaultActionArgs(
        type="fixed-response",
        fixed_response=aws.lb.ListenerDefaultActionFixedResponseArgs(
            content_type="application/json", message_body='{"detail":"Not Found"}', status_code="404"
        ),
    )
