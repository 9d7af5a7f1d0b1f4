"""A web firewall: Amazon's rules against known attacks, and a limit on how fast one client may ask.

Use: firewall = WebAcl("wiki-dev-firewall", WebAclArgs(log_retention_days=30, log_key_arn=key.arn))
     LoadBalancer(…, LoadBalancerArgs(web_acl_arn=firewall.arn, …))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.refusal import Refusal, nearest

MANAGED_GROUPS: Mapping[str, str] = {
    "ip-reputation": "AWSManagedRulesAmazonIpReputationList",
    "common": "AWSManagedRulesCommonRuleSet",
    "known-bad-inputs": "AWSManagedRulesKnownBadInputsRuleSet",
    "sqli": "AWSManagedRulesSQLiRuleSet",
}
"""Ours → Amazon's. The cheapest to ask comes first; together with the rate limit 1,127 of the 1,500 units that AWS
includes in the price."""

LOG_GROUP_PREFIX = "aws-waf-logs-"
"""AWS WAF delivers only to log groups whose names begin like this."""


@dataclass(frozen=True, kw_only=True)
class WebAclArgs:
    """What the caller decides about a web firewall. $5 a month, $1 for each of its rules (five), and $0.60 for a
    million requests."""

    scope: Literal["REGIONAL", "CLOUDFRONT"] = "REGIONAL"
    """REGIONAL: for load balancers and APIs. CLOUDFRONT: for distributions; only in us-east-1."""

    region: str | None = None
    """A region other than the provider's: us-east-1 for CloudFront."""

    mode: Literal["block", "count"] = "block"
    """count: let through and record what would be blocked. A new application should count for a week, and read the log,
    before it blocks."""

    counted_rules: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Rules that only count, by group (common, known-bad-inputs, sqli, ip-reputation): those that hit good requests,
    such as `{"common": ["SizeRestrictions_BODY"]}` where bodies are larger than 8 KB."""

    rate_limit: int | None = 2000
    """Requests from one address in five minutes, 10 to 2,000,000,000; who asks more often is blocked for a while. None:
    no limit, which makes sense behind another firewall."""

    behind_proxy: bool = False
    """Whether clients come through CloudFront or another proxy. Then the limit is for the address in X-Forwarded-For;
    else everybody behind one proxy would share a limit."""

    log_retention_days: int
    """Days for which blocked and counted requests are recorded. Those that pass are in the access logs."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the record; its policy must admit `aws-waf-logs-{name}`."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if self.mode not in ("block", "count"):
            raise Refusal("mode", self.mode, "is not allowed; use block or count")
        if self.scope == "CLOUDFRONT" and self.region not in (None, "us-east-1"):
            raise Refusal("region", self.region, "cannot hold a firewall for CloudFront; use us-east-1")
        if self.rate_limit is not None and not 10 <= self.rate_limit <= 2_000_000_000:
            raise Refusal("rate_limit", self.rate_limit, "is not allowed; use 10 to 2000000000 requests")
        for group in self.counted_rules:
            if group not in MANAGED_GROUPS:
                raise Refusal(
                    "counted_rules",
                    group,
                    f"is not a group of rules; {nearest(group, MANAGED_GROUPS)}use {', '.join(MANAGED_GROUPS)}",
                )


class WebAcl(pulumi.ComponentResource):
    """A firewall that lets through what no rule objects to, and records the rest without credentials."""

    CHILDREN = ("web_acl", "log_group", "logging")

    arn: pulumi.Output[str]
    metric_name: str
    """What CloudWatch calls it."""
    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: WebAclArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:edge:WebAcl", name, None, opts)
        child = Children(self, args.transform, self.CHILDREN)
        acl = aws.wafv2.WebAcl(
            f"{name}-web-acl",
            name=name,
            description=f"Requests to {name.rpartition('-')[0]}",
            scope=args.scope,
            default_action=aws.wafv2.WebAclDefaultActionArgs(allow=aws.wafv2.WebAclDefaultActionAllowArgs()),
            rules=_rules(name, args),
            visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
            ),
            region=args.region,
            tags={"Name": f"{name}-web-acl"},
            opts=child("web_acl"),
        )
        group = aws.cloudwatch.LogGroup(
            f"{name}-log-group",
            name=f"{LOG_GROUP_PREFIX}{name}",
            retention_in_days=args.log_retention_days,
            kms_key_id=args.log_key_arn,
            region=args.region,
            tags={"Name": f"{name}-log-group"},
            opts=child("log_group"),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{name}-logging",
            resource_arn=acl.arn,
            # WAF adds the permission to the group's resource policy by itself, for whoever calls it may do so.
            log_destination_configs=[group.arn],
            # Whoever reads the log must not be able to speak in a user's name.
            redacted_fields=[
                aws.wafv2.WebAclLoggingConfigurationRedactedFieldArgs(
                    single_header=aws.wafv2.WebAclLoggingConfigurationRedactedFieldSingleHeaderArgs(name=header)
                )
                for header in ("authorization", "cookie")
            ],
            # Requests that pass are nearly all there is to pay for, and stand in the access logs already.
            logging_filter=aws.wafv2.WebAclLoggingConfigurationLoggingFilterArgs(
                default_behavior="DROP",
                filters=[
                    aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterArgs(
                        behavior="KEEP",
                        requirement="MEETS_ANY",
                        conditions=[
                            aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterConditionArgs(
                                action_condition=(
                                    aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterConditionActionConditionArgs(
                                        action=action
                                    )
                                )
                            )
                            for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
                        ],
                    )
                ],
            ),
            region=args.region,
            opts=child("logging"),
        )
        self.arn, self.metric_name, self.log_group_name = acl.arn, name, group.name
        self.register_outputs({"arn": self.arn})


def _rules(name: str, args: WebAclArgs) -> list[aws.wafv2.WebAclRuleArgs]:
    """The rules in the order in which they are asked. What is added later goes to the end, so that none moves."""
    blocks = args.mode == "block"
    rules = []
    for group, amazons in MANAGED_GROUPS.items():
        overrides = [
            aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideArgs(
                name=rule,
                action_to_use=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideActionToUseArgs(
                    count=(
                        aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideActionToUseCountArgs()
                    )
                ),
            )
            for rule in sorted(args.counted_rules.get(group, ()))
        ]
        rules.append(
            aws.wafv2.WebAclRuleArgs(
                name=group,
                priority=len(rules),
                override_action=aws.wafv2.WebAclRuleOverrideActionArgs(
                    none=aws.wafv2.WebAclRuleOverrideActionNoneArgs() if blocks else None,
                    count=None if blocks else aws.wafv2.WebAclRuleOverrideActionCountArgs(),
                ),
                statement=aws.wafv2.WebAclRuleStatementArgs(
                    managed_rule_group_statement=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                        vendor_name="AWS", name=amazons, rule_action_overrides=overrides or None
                    )
                ),
                visibility_config=_visible(f"{name}-{group}"),
            )
        )
    if args.rate_limit is not None:
        rules.append(
            aws.wafv2.WebAclRuleArgs(
                name="rate-limit",
                priority=len(rules),
                action=aws.wafv2.WebAclRuleActionArgs(
                    block=aws.wafv2.WebAclRuleActionBlockArgs() if blocks else None,
                    count=None if blocks else aws.wafv2.WebAclRuleActionCountArgs(),
                ),
                statement=aws.wafv2.WebAclRuleStatementArgs(
                    rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                        limit=args.rate_limit,
                        evaluation_window_sec=300,
                        aggregate_key_type="FORWARDED_IP" if args.behind_proxy else "IP",
                        forwarded_ip_config=aws.wafv2.WebAclRuleStatementRateBasedStatementForwardedIpConfigArgs(
                            header_name="X-Forwarded-For", fallback_behavior="MATCH"
                        )
                        if args.behind_proxy
                        else None,
                    )
                ),
                visibility_config=_visible(f"{name}-rate-limit"),
            )
        )
    return rules


def _visible(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgs:
    """Counted in CloudWatch, with samples of requests in the console."""
    return aws.wafv2.WebAclRuleVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )
