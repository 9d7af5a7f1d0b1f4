"""What watches over a system's costs: budgets, the monitor of unusual costs, the billing alarm, the tags on the bill.

Use: CostGuard("wiki-dev-costs", CostGuardArgs(monthly_limit_usd=50, counted_tags={"Project": "wiki"}, emails=[…]))
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.operations.topics import check_emails, slug
from components.refusal import Refusal

BILLING_REGION: Final = "us-east-1"
"""AWS keeps the metrics of a bill in this region only, and an alarm can only tell a topic in its own region."""

_MONITOR_ARN: Final = r"arn:aws[\w-]*:ce::\d{12}:anomalymonitor/.+"


@dataclass(frozen=True, kw_only=True)
class CostGuardArgs:
    """What the caller decides. Budgets, monitors and tags are free; the billing alarm is one of ten free alarms."""

    monthly_limit_usd: float
    """What a month may cost. Heard of at 80 %, at 100 %, and when the forecast for the month is above."""

    counted_tags: Mapping[str, str]
    """Only what carries all of these tags counts, once they are activated as cost-allocation tags."""

    emails: Sequence[str] = ()
    """Who hears of it, at most ten. The billing alarm asks each of them to agree first."""

    topics: AlarmTopics | None = None
    """Topics that hear of it, too. Their policies and keys must admit `budgets` and `costalerts`."""

    growth_percent: int = 150
    """How much more than in the month before is too much."""

    monitor: str = "create"
    """The monitor of each service's costs: `create`, `skip`, or the ARN of the one that the account has. An account
    has only one, for everything in it; new accounts are born with it."""

    anomaly_percent: int = 150
    """How far above what is usual a service's cost must be to be told of."""

    anomaly_minimum_usd: float = 1
    """And by how many dollars at least: three cents instead of one are no news."""

    billing_topics: AlarmTopics | None = None
    """Topics in us-east-1 for an alarm when the whole account's bill of the month passes the limit. AWS counts only
    after somebody has switched on "Receive billing alerts" in the account's billing preferences, once; no program can.
    None: no such alarm."""

    allocation_tags: Sequence[str] = ()
    """Tags to show on the bill. AWS knows a tag only a day after its first use, and refuses to activate one that it
    does not know; in an organisation only the management account may."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        check_emails(self.emails)
        if not self.emails and self.topics is None:
            raise Refusal("emails", list(self.emails), "is empty, so nobody would hear; write an address")
        if len(self.emails) > 10:
            raise Refusal("emails", len(self.emails), "addresses are too many; a budget tells ten at most")
        if not (math.isfinite(self.monthly_limit_usd) and self.monthly_limit_usd >= 0.01):
            raise Refusal("monthly_limit_usd", self.monthly_limit_usd, "is not allowed; use 0.01 or more dollars")
        if self.growth_percent < 1:
            raise Refusal("growth_percent", self.growth_percent, "is not allowed; use 1 or more percent")
        if self.anomaly_percent < 1:
            raise Refusal("anomaly_percent", self.anomaly_percent, "is not allowed; use 1 or more percent")
        if self.anomaly_minimum_usd < 0:
            raise Refusal("anomaly_minimum_usd", self.anomaly_minimum_usd, "is not allowed; use 0 or more dollars")
        if self.monitor not in ("create", "skip") and not re.fullmatch(_MONITOR_ARN, self.monitor):
            raise Refusal(
                "monitor", self.monitor, "is not allowed; use create, skip or the ARN of the account's monitor"
            )


class CostGuard(pulumi.ComponentResource):
    """Says that the money runs out before it has."""

    CHILDREN = (
        "budget",
        "monitor",
        "subscription",
        "billing_alarm",
        "allocation_tag",
    )

    budget_name: pulumi.Output[str]

    def __init__(self, name: str, args: CostGuardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:operations:CostGuard", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self.budget_name = self._limit().name
        self._growth()
        self._anomalies()
        if args.billing_topics is not None:
            self._bill(args.billing_topics)
        for tag in args.allocation_tags:
            aws.costexplorer.CostAllocationTag(
                f"{name}-{slug(tag)}-allocation-tag",
                tag_key=tag,
                status="Active",
                # Deleting it takes the tag off everybody's bill, not only off this system's.
                opts=self._child("allocation_tag", retain_on_delete=True),
            )
        self.register_outputs({"budgetName": self.budget_name})

    def _limit(self) -> aws.budgets.Budget:
        topics = self._args.topics
        return aws.budgets.Budget(
            f"{self._prefix}-limit-budget",
            name=f"{self._prefix}-limit",
            limit_amount=f"{self._args.monthly_limit_usd:.2f}",
            limit_unit="USD",
            notifications=[
                self._notice("ACTUAL", 80, topics.warning if topics else None),
                self._notice("ACTUAL", 100, topics.critical if topics else None),
                self._notice("FORECASTED", 100, topics.warning if topics else None),
            ],
            **self._counted(),
            opts=self._child("budget"),
        )

    def _growth(self) -> None:
        """A budget as large as the month before, of which more than 100 % may be used."""
        topics = self._args.topics
        aws.budgets.Budget(
            f"{self._prefix}-growth-budget",
            name=f"{self._prefix}-growth",
            auto_adjust_data=aws.budgets.BudgetAutoAdjustDataArgs(
                auto_adjust_type="HISTORICAL",
                historical_options=aws.budgets.BudgetAutoAdjustDataHistoricalOptionsArgs(budget_adjustment_period=1),
            ),
            notifications=[self._notice("ACTUAL", 100 + self._args.growth_percent, topics.warning if topics else None)],
            **self._counted(),
            opts=self._child("budget"),
        )

    def _counted(self) -> dict[str, Any]:
        tags: list[dict[str, Any]] = [
            {"key": key, "values": [value], "match_options": ["EQUALS"]}
            for key, value in sorted(self._args.counted_tags.items())
        ]
        expression = aws.budgets.BudgetFilterExpressionArgs(
            ands=[
                aws.budgets.BudgetFilterExpressionAndArgs(tags=aws.budgets.BudgetFilterExpressionAndTagsArgs(**tag))
                for tag in tags
            ]
        )
        if len(tags) == 1:
            expression = aws.budgets.BudgetFilterExpressionArgs(
                tags=aws.budgets.BudgetFilterExpressionTagsArgs(**tags[0])
            )
        return {
            "budget_type": "COST",
            "time_unit": "MONTHLY",
            "metrics": "UnblendedCost",
            "filter_expression": expression if tags else None,
        }

    def _notice(self, kind: str, percent: int, topic: pulumi.Input[str] | None) -> aws.budgets.BudgetNotificationArgs:
        return aws.budgets.BudgetNotificationArgs(
            notification_type=kind,
            comparison_operator="GREATER_THAN",
            threshold=percent,
            threshold_type="PERCENTAGE",
            subscriber_email_addresses=list(self._args.emails) or None,
            subscriber_sns_topic_arns=[topic] if topic is not None else None,
        )

    def _anomalies(self) -> None:
        args, name = self._args, self._prefix
        if args.monitor == "skip":
            return
        monitor: pulumi.Input[str] = args.monitor
        if args.monitor == "create":
            monitor = aws.costexplorer.AnomalyMonitor(
                f"{name}-service-monitor",
                name=f"{name}-services",
                monitor_type="DIMENSIONAL",
                monitor_dimension="SERVICE",
                opts=self._child("monitor"),
            ).arn
        for frequency, subscribers in self._readers():
            aws.costexplorer.AnomalySubscription(
                f"{name}-{frequency.lower()}-subscription",
                name=f"{name}-{frequency.lower()}",
                frequency=frequency,
                monitor_arn_lists=[monitor],
                subscribers=subscribers,
                threshold_expression=aws.costexplorer.AnomalySubscriptionThresholdExpressionArgs(
                    ands=[
                        aws.costexplorer.AnomalySubscriptionThresholdExpressionAndArgs(
                            dimension=aws.costexplorer.AnomalySubscriptionThresholdExpressionAndDimensionArgs(
                                key=f"ANOMALY_TOTAL_IMPACT_{kind}",
                                match_options=["GREATER_THAN_OR_EQUAL"],
                                values=[f"{least:g}"],
                            )
                        )
                        for kind, least in (
                            ("PERCENTAGE", args.anomaly_percent),
                            ("ABSOLUTE", args.anomaly_minimum_usd),
                        )
                    ]
                ),
                opts=self._child("subscription"),
            )

    def _readers(self) -> Iterator[tuple[str, list[aws.costexplorer.AnomalySubscriptionSubscriberArgs]]]:
        """AWS tells people once a day and topics at once, and neither otherwise."""
        reader = aws.costexplorer.AnomalySubscriptionSubscriberArgs
        if self._args.emails:
            yield "DAILY", [reader(type="EMAIL", address=email) for email in self._args.emails]
        if self._args.topics is not None:
            yield "IMMEDIATE", [reader(type="SNS", address=self._args.topics.warning)]

    def _bill(self, topics: AlarmTopics) -> None:
        limit = self._args.monthly_limit_usd
        raise_alarm(
            f"{self._prefix}-billing-alarm",
            means=f"{self._prefix}: this month's bill of the whole account has passed ${limit:.2f}. "
            "Look at Cost Explorer by service and by the tag Component.",
            metric=Metric(
                namespace="AWS/Billing", name="EstimatedCharges", dimensions={"Currency": "USD"}, statistic="Maximum"
            ),
            threshold=limit,
            # AWS counts a few times a day.
            period_seconds=21600,
            periods=1,
            severity="critical",
            topics=topics,
            region=BILLING_REGION,
            opts=self._child("billing_alarm"),
        )
