"""A web firewall: Amazon's rules against known attacks, and a limit on how fast one client may ask.

Use: firewall = WebAcl("wiki-dev-firewall", WebAclArgs(log_retention_days=30), before="load-balancer")
     LoadBalancer(…, web_acl=firewall)

It stands where clients connect: on the distribution where there is one. What stands behind a distribution sees
CloudFront's few addresses only, and in X-Forwarded-For first what the client wrote there, by which AWS WAF would count
(https://docs.aws.amazon.com/waf/latest/APIReference/API_ForwardedIPConfig.html). So with `origin_secret_path` the
distribution shows a secret to what stands behind it, and there a firewall does one of two things. Of an API it admits
that distribution alone. Of a load balancer that everybody may call as well, it asks each request the same as the
distribution's firewall does, but for the rules that go by addresses: these leave out what shows the secret, because it
was counted where its client connected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake, nearest
from ..identity.key import AnyKey
from ..values import LogRetentionDays
from ..widgets import Widget
from .origin_secret import HEADER, origin_secret, value_of

MANAGED_GROUPS: Mapping[str, str] = {
    "ip-reputation": "AWSManagedRulesAmazonIpReputationList",
    "common": "AWSManagedRulesCommonRuleSet",
    "known-bad-inputs": "AWSManagedRulesKnownBadInputsRuleSet",
    "sqli": "AWSManagedRulesSQLiRuleSet",
}
"""Ours → Amazon's. The cheapest to ask comes first; with the limits of rate and size at most 1,130 of the 1,500 units
that AWS includes in the price."""

LARGEST_BODY_BYTES = 65_536
"""What a request may carry: here, in nginx on the host, and in the application."""

_BY_ADDRESS = ("ip-reputation",)
"""Those that judge by the address from which a request comes."""

_OWN_SIZE = {"common": ("SizeRestrictions_BODY",)}
"""Amazon's rules in whose place is one of ours: this one refuses 8,193 bytes and more, which good requests have
(https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html)."""

# Numbers above LARGEST_BODY_BYTES.
_TOO_LONG = r"^0*([1-9]\d{5,}|[7-9]\d{4}|6[6-9]\d{3}|65[6-9]\d{2}|655[4-9]\d|6553[7-9])$"

LOG_GROUP_PREFIX = "aws-waf-logs-"
"""AWS WAF delivers only to log groups whose names begin like this."""


Before = Literal["load-balancer", "api", "distribution"]

_REDACTED_HEADERS = ("authorization", "cookie", "referer", HEADER.lower())


class WebAclArgs(ComponentArgs):
    """A web firewall, where clients connect. $5 a month, $1 for each of its rules (six), $0.60 for a million requests,
    and as much as $0.90 more for a million whose bodies are larger than 16 KB."""

    mode: Literal["block", "count"] = "block"
    """count: let through and record what would be blocked. A new application should count for a week, and read the log,
    before it blocks."""

    counted_rules: dict[str, list[str]] = {}
    """Rules that only count, by group (common, known-bad-inputs, sqli, ip-reputation): those that hit good requests,
    such as `{"common": ["NoUserAgent_HEADER"]}`. SizeRestrictions_BODY only counts in any case: here bodies may have
    65,536 bytes."""

    rate_limit: Annotated[int, Field(ge=10, le=2_000_000_000)] | None = 2000
    """Requests from one address in five minutes; who asks more often is blocked for a while. None: no limit, which
    makes sense behind another firewall."""

    alarm_blocked: Annotated[int, Field(ge=1, le=1_000_000_000)] = 5000
    """How many requests it may block in five minutes before somebody is told: of an attack, or of a rule that hits good
    requests. Scanners of the internet alone are some hundreds."""

    log_retention_days: LogRetentionDays = 30
    """Days for which blocked and counted requests are recorded. Those that pass are in the access logs. In YAML left
    out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        for group in self.counted_rules:
            if group not in MANAGED_GROUPS:
                yield Mistake(
                    "counted_rules",
                    group,
                    f"is not a group of rules; {nearest(group, MANAGED_GROUPS)}use {', '.join(MANAGED_GROUPS)}",
                )


class WebAcl(Component):
    """A firewall that lets through what no rule objects to, and records the rest without credentials."""

    CHILDREN = ("web_acl", "origin_secret", "log_group", "logging", "alarm")

    arn: pulumi.Output[str]
    metric_name: str
    """What CloudWatch calls it."""
    log_group_name: pulumi.Output[str]
    origin_secret: pulumi.Output[str] | None
    """What a distribution shows in the header X-Origin-Secret. None: nothing."""

    def __init__(
        self,
        name: str,
        args: WebAclArgs,
        *,
        before: Before,
        origin_secret_path: str | None = None,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param before: What it protects. Of a distribution AWS keeps it in us-east-1, wherever the stack is.
        :param origin_secret_path: For what stands behind a distribution that has a firewall: where in the Parameter
            Store the secret is kept that the distribution shows. Before an API, who does not show it is refused, and
            that is the only rule: $6 a month. Before a load balancer, who shows it is not counted by address.
        :param key: What encrypts that secret. Without one AWS's managed key.
        :param log_key: What encrypts the record; its policy must admit `aws-waf-logs-{name}`.
        """
        super().__init__(name, args, opts)
        if origin_secret_path is not None and before == "distribution":
            raise ArgumentError(
                "origin_secret_path",
                origin_secret_path,
                "makes no sense before a distribution, which shows the secret to others; leave it out",
            )
        child = self._child
        region = "us-east-1" if before == "distribution" else None
        self.origin_secret = None
        if origin_secret_path is not None:
            parameter = origin_secret(
                f"{name}-origin-secret",
                origin_secret_path,
                key_arn=key.arn if key else None,
                opts=child("origin_secret"),
                parent=self,
            )
            self.origin_secret = value_of(parameter)
        gate = self.origin_secret if before == "api" else None
        acl = aws.wafv2.WebAcl(
            f"{name}-web-acl",
            name=name,
            description=f"Requests to {name.rpartition('-')[0]}",
            scope="CLOUDFRONT" if before == "distribution" else "REGIONAL",
            # What happens to a request to which no rule speaks.
            default_action={"allow": {}} if gate is None else {"block": {}},
            rules=_rules(name, args, before, self.origin_secret) if gate is None else [_admits(name, gate)],
            association_config=_sees_all_of(before) if gate is None else None,
            visibility_config=_visible(name),
            region=region,
            tags={"Name": f"{name}-web-acl"},
            opts=child("web_acl"),
        )
        group = aws.cloudwatch.LogGroup(
            f"{name}-log-group",
            name=f"{LOG_GROUP_PREFIX}{name}",
            retention_in_days=args.log_retention_days,
            kms_key_id=log_key.arn if log_key else None,
            region=region,
            tags={"Name": f"{name}-log-group"},
            opts=child("log_group"),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{name}-logging",
            resource_arn=acl.arn,
            # WAF adds the permission to the group's resource policy by itself, for whoever calls it may do so.
            log_destination_configs=[group.arn],
            # Whoever reads the log must not be able to speak in a user's name, or for a distribution. WebSockets bring
            # tokens in the query string, and the referer repeats the address of the page before.
            redacted_fields=[
                {"query_string": {}},
                *({"single_header": {"name": header}} for header in _REDACTED_HEADERS),
            ],
            # Requests that pass are nearly all there is to pay for, and stand in the access logs already.
            logging_filter={
                "default_behavior": "DROP",
                "filters": [
                    {
                        "behavior": "KEEP",
                        "requirement": "MEETS_ANY",
                        "conditions": [
                            {"action_condition": {"action": action}}
                            for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
                        ],
                    }
                ],
            },
            region=region,
            opts=child("logging"),
        )
        self._region, self._args = region, args
        self.arn, self.metric_name, self.log_group_name = acl.arn, name, group.name
        self.register_outputs({"arn": self.arn})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Tell somebody when it blocks many requests. `topics` are in us-east-1 for a distribution's."""
        return [
            self._alarm(
                "blocked",
                description=f"it has blocked more than {self._args.alarm_blocked:,} requests in five minutes: an "
                "attack, or a rule that hits good requests. Look at which rule blocked whom, in the log group "
                f"{LOG_GROUP_PREFIX}{self.metric_name}.",
                metric=self._metric("BlockedRequests"),
                threshold=self._args.alarm_blocked,
                period_seconds=300,
                periods=1,
                severity="warning",
                topics=topics,
                region=self._region,
            )
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How many requests it let through, and how many it did not."""
        return [
            self._graph("Firewalls (WAF)", self._metric(name), region=self._region)
            for name in ("AllowedRequests", "BlockedRequests")
        ]

    def _metric(self, name: str) -> Metric:
        # Of a distribution there is no region.
        region = {} if self._region is not None else {"Region": Account.of(self).region}
        dimensions = {"WebACL": self.metric_name, "Rule": "ALL", **region}
        return Metric(namespace="AWS/WAFV2", name=name, dimensions=dimensions, statistic="Sum")


def _rules(
    name: str, args: WebAclArgs, before: Before, secret: pulumi.Output[str] | None
) -> list[aws.wafv2.WebAclRuleArgsDict]:
    """The rules in the order in which they are asked. What is added later goes to the end, so that none moves."""
    elsewhere = None if secret is None else _without(secret)
    groups = {group: _managed_group(group, args, elsewhere) for group in MANAGED_GROUPS}
    own = {"body-size": _too_large(before)}
    if args.rate_limit is not None:
        own = {"rate-limit": _rate(args.rate_limit, elsewhere), **own}
    blocks = args.mode == "block"
    return [
        {
            "name": rule,
            "priority": priority,
            "statement": statement,
            "visibility_config": _visible(f"{name}-{rule}"),
            # A group says itself what each of its rules does.
            "override_action": ({"none": {}} if blocks else {"count": {}}) if rule in groups else None,
            "action": ({"block": {}} if blocks else {"count": {}}) if rule in own else None,
        }
        for priority, (rule, statement) in enumerate({**groups, **own}.items())
    ]


def _managed_group(group: str, args: WebAclArgs, elsewhere: Any | None) -> aws.wafv2.WebAclRuleStatementArgsDict:
    counted = sorted({*args.counted_rules.get(group, ()), *_OWN_SIZE.get(group, ())})
    return {
        "managed_rule_group_statement": {
            "vendor_name": "AWS",
            "name": MANAGED_GROUPS[group],
            "rule_action_overrides": [{"name": rule, "action_to_use": {"count": {}}} for rule in counted] or None,
            "scope_down_statement": elsewhere if group in _BY_ADDRESS else None,
        }
    }


def _rate(limit: int, elsewhere: Any | None) -> aws.wafv2.WebAclRuleStatementArgsDict:
    return {
        "rate_based_statement": {
            "limit": limit,
            "evaluation_window_sec": 300,
            "aggregate_key_type": "IP",
            "scope_down_statement": elsewhere,
        }
    }


def _without(secret: pulumi.Output[str]) -> Any:
    """Requests that do not come by the distribution. CloudFront's own header takes the place of one that a client
    wrote, so who does not know the secret cannot pass for it. (The SDK has a type of its own at each place where the
    same statement stands.)"""
    return {"not_statement": {"statement": _shows(secret)}}


def _sees_all_of(before: Before) -> aws.wafv2.WebAclAssociationConfigArgsDict | None:
    """Has AWS WAF look at bodies up to the largest that is let in. By itself it looks at 16 KB, before a load balancer
    always at 8 (https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-setting-body-inspection-limit.html).
    """
    size = f"KB_{LARGEST_BODY_BYTES // 1024}"
    match before:
        case "distribution":
            return {"request_bodies": [{"cloudfront": {"default_size_inspection_limit": size}}]}
        case "api":
            return {"request_bodies": [{"api_gateway": {"default_size_inspection_limit": size}}]}
        case "load-balancer":
            return None


def _too_large(before: Before) -> aws.wafv2.WebAclRuleStatementArgsDict:
    """Bodies above the limit. Where AWS WAF is shown no more than the limit, larger ones match by what is left out;
    before a load balancer it sees 8 KB, and goes by what the request says of its own length: one sent in chunks says
    nothing, and the application refuses it."""
    if before == "load-balancer":
        return {
            "regex_match_statement": {
                "regex_string": _TOO_LONG,
                "field_to_match": {"single_header": {"name": "content-length"}},
                "text_transformations": [{"priority": 0, "type": "NONE"}],
            }
        }
    return {
        "size_constraint_statement": {
            "comparison_operator": "GT",
            "size": LARGEST_BODY_BYTES,
            "field_to_match": {"body": {"oversize_handling": "MATCH"}},
            "text_transformations": [{"priority": 0, "type": "NONE"}],
        }
    }


def _admits(name: str, secret: pulumi.Output[str]) -> aws.wafv2.WebAclRuleArgsDict:
    """The one rule of an API behind a distribution: who shows the secret comes from there, and was judged there."""
    return {
        "name": "origin-secret",
        "priority": 0,
        "action": {"allow": {}},
        "statement": _shows(secret),
        "visibility_config": _visible(f"{name}-origin-secret"),
    }


def _shows(secret: pulumi.Output[str]) -> aws.wafv2.WebAclRuleStatementArgsDict:
    return {
        "byte_match_statement": {
            # AWS wants it in lower case.
            "field_to_match": {"single_header": {"name": HEADER.lower()}},
            "positional_constraint": "EXACTLY",
            "search_string": secret,
            "text_transformations": [{"priority": 0, "type": "NONE"}],
        }
    }


def _visible(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgsDict:
    """Counted in CloudWatch, without samples: they show whole requests in the console, tokens and the secret of a gate
    too, whatever the log hides (https://docs.aws.amazon.com/waf/latest/developerguide/logging.html)."""
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": False}
