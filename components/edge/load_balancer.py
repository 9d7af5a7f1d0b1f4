"""The one thing that the internet reaches: an Application Load Balancer that takes HTTPS and knows no other way.

Use: web = LoadBalancer("wiki-dev-web", LoadBalancerArgs(vpc_id=…, subnet_ids=…, certificate_arn=certificate.arn, …))
     web.allow_to(service_group.id, port=8000, name="api")
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Unpack

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.edge.origin_secret import origin_secret, value_of
from components.refusal import Refusal
from components.retention import Retention
from components.security_rules import Peer, let_in, let_out

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.3, and of TLS 1.2 only the ciphers with forward secrecy and authenticated encryption."""

ACCESS_LOG_PREFIX = "load-balancer-logs"
"""Where a Bucket that `receives_logs_from` "elb" admits them."""

LONGEST_NAME = 32
"""Of a load balancer, in AWS."""

# AWS keeps the list of the addresses from which CloudFront fetches. It counts as 55 of the 60 rules of a group, so that
# only one port can be opened to it.
_CLOUDFRONT = "com.amazonaws.global.cloudfront.origin-facing"

_ARN = re.compile(r"arn:aws[\w-]*:acm:([a-z0-9-]+):\d{12}:certificate/[\w-]+")


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """What the caller decides about a load balancer. About $18 a month in ap-northeast-1 when idle, $7 for the public
    addresses of two zones, and $0.008 for each unit of load and hour."""

    vpc_id: pulumi.Input[str]
    """The network in which it stands."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Public subnets, in two zones or more."""

    certificate_arn: pulumi.Input[str] | None = None
    """The ACM certificate of the domain, in the load balancer's own region."""

    allow_http: bool = False
    """Serve in plain text on port 80, for a stack that has no domain yet. Without it a certificate is needed."""

    allow_from: Sequence[str] | Literal["cloudfront"] = ("0.0.0.0/0",)
    """The CIDRs that may connect, or only CloudFront. To it port 80 stays closed: CloudFront itself redirects."""

    access_log_bucket: pulumi.Input[str]
    """The name of the bucket for the record of each request (a Bucket's `log_target_name`, encrypted with SSE-S3)."""

    web_acl_arn: pulumi.Input[str] | None = None
    """The web firewall (a WebAcl of scope REGIONAL) that judges each request first."""

    origin_secret_path: str | None = None
    """Where in the Parameter Store the secret is kept that CloudFront must show, such as `/wiki/dev/web/origin-secret`.
    None: whoever gets here is answered. With a path services add the condition to their rules; see `origin_secret`."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of that secret. None: AWS's own."""

    idle_timeout_seconds: int = 60
    """Seconds for which a connection may be silent, 1 to 4000. The application must keep its own open for longer, or
    clients see 502."""

    retention: Retention = "protected"
    """protected: AWS refuses to delete it. ephemeral: it can be deleted."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if self.certificate_arn is None and not self.allow_http:
            raise Refusal(
                "certificate_arn", None, "is needed for HTTPS; give one, or set allow_http to serve in plain text"
            )
        if self.certificate_arn is not None and self.allow_http:
            raise Refusal("allow_http", True, "makes no sense with a certificate; leave one of them out")
        if isinstance(self.certificate_arn, str) and not _ARN.fullmatch(self.certificate_arn):
            raise Refusal(
                "certificate_arn",
                self.certificate_arn,
                "is not the ARN of an ACM certificate; use arn:aws:acm:<region>:<account>:certificate/<id>",
            )
        if not 1 <= self.idle_timeout_seconds <= 4000:
            raise Refusal("idle_timeout_seconds", self.idle_timeout_seconds, "is not allowed; use 1 to 4000 seconds")
        if self.origin_secret_path is not None and self.allow_from != "cloudfront":
            raise Refusal(
                "origin_secret_path",
                self.origin_secret_path,
                "keeps everybody out whom allow_from lets in; use cloudfront",
            )
        if isinstance(self.allow_from, str):
            if self.allow_from != "cloudfront":
                raise Refusal("allow_from", self.allow_from, "is not allowed; use a list of CIDRs, or cloudfront")
            return
        if not self.allow_from:
            raise Refusal("allow_from", [], "lets nobody in; list CIDRs such as 0.0.0.0/0")
        for index, cidr in enumerate(self.allow_from):
            try:
                ipaddress.IPv4Network(cidr)
            except ValueError:
                raise Refusal(
                    f"allow_from[{index}]", cidr, "is not an IPv4 network; write one such as 203.0.113.0/24"
                ) from None
        if len(set(self.allow_from)) != len(self.allow_from):
            raise Refusal("allow_from", list(self.allow_from), "names a CIDR twice; name each once")


class LoadBalancer(pulumi.ComponentResource):
    """A public load balancer: 443 with a certificate, 80 only to redirect. Who asks for nothing known gets a 404."""

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
    origin_secret: pulumi.Output[str] | None
    """What a request must show in the header X-Origin-Secret, by the rules of the services. None: nothing."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:edge:LoadBalancer", name, None, opts)
        if len(name) > LONGEST_NAME:
            raise Refusal("name", name, f"has {len(name)} characters; AWS allows {LONGEST_NAME} for a load balancer")
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)

        group = self._security_group()
        balancer = self._load_balancer(group)
        self._balancer = balancer
        self.https_listener_arn = None
        if args.certificate_arn is not None:
            self.https_listener_arn = self._https_listener(args.certificate_arn).arn
        http = self._http_listener()
        self.listener_arn = http if self.https_listener_arn is None else self.https_listener_arn
        if args.web_acl_arn is not None:
            aws.wafv2.WebAclAssociation(
                f"{name}-web-acl-association",
                resource_arn=balancer.arn,
                web_acl_arn=args.web_acl_arn,
                opts=self._child("web_acl_association"),
            )
        self.origin_secret = None
        if args.origin_secret_path is not None:
            parameter = origin_secret(
                f"{name}-origin-secret",
                args.origin_secret_path,
                key_arn=args.key_arn,
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
        let_out(rule, self.security_group_id, port, why, self._child("egress_rule"), group=security_group_id)

    def alarms(
        self,
        topics: AlarmTopics,
        *,
        server_error_percent: float = 5,
        server_error_minutes: int = 5,
        response_seconds: float = 1,
    ) -> list[aws.cloudwatch.MetricAlarm]:
        """Alarms on failing requests, refused connections and slow answers."""

        def metric(name: str, statistic: str = "Sum") -> Metric:
            return Metric(
                namespace="AWS/ApplicationELB",
                name=name,
                dimensions={"LoadBalancer": self.arn_suffix},
                statistic=statistic,
            )

        opts = self._child("alarm")
        return [
            raise_alarm(
                f"{self._prefix}-server-error-rate",
                means=(
                    f"More than {server_error_percent:g} % of the requests to {self._prefix} fail with a 5xx status. "
                    "Look at the services' error logs and at the health of their targets."
                ),
                expression=(
                    # RequestCount leaves out requests for which there was no healthy target, so that they are added:
                    # else the alarm would be silent when every target is gone.
                    "100 * (FILL(balancer, 0) + FILL(target, 0)) / (FILL(requests, 0) + FILL(balancer, 0))",
                    {
                        "balancer": metric("HTTPCode_ELB_5XX_Count"),
                        "requests": metric("RequestCount"),
                        "target": metric("HTTPCode_Target_5XX_Count"),
                    },
                ),
                threshold=server_error_percent,
                periods=server_error_minutes,
                breaching_periods=server_error_minutes // 2 + 1,
                severity="critical",
                topics=topics,
                opts=opts,
            ),
            raise_alarm(
                f"{self._prefix}-rejected-connections",
                means=(
                    f"{self._prefix} refused connections because it had reached its limit. "
                    "Look for a flood of requests in its access logs."
                ),
                metric=metric("RejectedConnectionCount"),
                threshold=0,
                periods=1,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
            raise_alarm(
                f"{self._prefix}-response-time",
                means=(
                    f"One request in twenty to {self._prefix} takes longer than {response_seconds:g} s. "
                    "Look at the load of the services and of the database."
                ),
                metric=metric("TargetResponseTime", "p95"),
                threshold=response_seconds,
                periods=5,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
        ]

    def _security_group(self) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            f"{self._prefix}-security-group",
            vpc_id=self._args.vpc_id,
            description=f"The load balancer {self._prefix}",
            tags={"Name": f"{self._prefix}-security-group"},
            opts=self._child("security_group"),
        )
        if isinstance(self._args.allow_from, str):
            port = 80 if self._args.allow_http else 443
            known = aws.ec2.get_managed_prefix_list_output(name=_CLOUDFRONT, opts=pulumi.InvokeOptions(parent=self))
            self._open(group, f"{port}-from-cloudfront", port, "CloudFront", prefix_list=known.id)
            return group
        for port in (80,) if self._args.allow_http else (443, 80):
            for number, cidr in enumerate(self._args.allow_from, start=1):
                self._open(group, f"{port}-{number}", port, f"Clients in {cidr}", cidr=cidr)
        return group

    def _open(self, ours: aws.ec2.SecurityGroup, rule: str, port: int, who: str, **peer: Unpack[Peer]) -> None:
        what = "HTTPS" if port == 443 else "HTTP" if self._args.allow_http else "HTTP, to be redirected"
        opts = self._child("ingress_rule")
        let_in(f"{self._prefix}-ingress-rule-{rule}", ours.id, port, f"{who}: {what}", opts, **peer)

    def _load_balancer(self, group: aws.ec2.SecurityGroup) -> aws.lb.LoadBalancer:
        return aws.lb.LoadBalancer(
            f"{self._prefix}-alb",
            # Looked up by name, never replaced, and too short a name to spare eight characters for a suffix.
            name=self._prefix,
            load_balancer_type="application",
            internal=False,
            subnets=self._args.subnet_ids,
            security_groups=[group.id],
            access_logs=aws.lb.LoadBalancerAccessLogsArgs(
                enabled=True, bucket=self._args.access_log_bucket, prefix=ACCESS_LOG_PREFIX
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
    found = _ARN.fullmatch(certificate_arn)
    if found and found[1] != region:
        raise Refusal(
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
