"""What watches over a system's costs: budgets, the monitor of unusual costs, the billing alarm, the tags on the bill.

Use: CostGuard("wiki-dev-costs", CostGuardArgs(monthly_limit_usd=50, emails=["ops@example.com"]))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import AlarmTopics, Metric
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..values import text
from .topics import Email, listed_twice, slug

BILLING_REGION: Final = "us-east-1"
"""AWS keeps the metrics of a bill in this region only, and an alarm can only tell a topic in its own region."""

# Of an amount and of a percentage alike.
# https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_AnomalySubscription.html
_MOST: Final = 10_000_000_000
_Percent = Annotated[int, Field(ge=1, le=_MOST)]

_MONITOR: Final = r"create|skip|arn:aws[\w-]*:ce::\d{12}:anomalymonitor/.+"


class CostGuardArgs(ComponentArgs):
    """Budgets and what else watches costs. Budgets, monitors and tags are free; the billing alarm is one of ten free
    alarms."""

    monthly_limit_usd: Annotated[float, Field(ge=0.01, le=_MOST)]
    """What a month may cost. Heard of at 80 %, at 100 %, and when the forecast for the month is above."""

    emails: list[Email] = []
    """Who hears of it, at most ten. In YAML left out: the topics of alerts."""

    growth_percent: _Percent = 150
    """How much more than in the month before is too much."""

    monitor: Annotated[str, text(_MONITOR, "use create, skip or the ARN of the account's monitor")] = "skip"
    """The monitor of each service's costs: `create`, `skip`, or the ARN of the one that the account has. An account
    has only one, for everything in it, and a new account has it from the start ("Limit exceeded on dimensional spend
    monitor creation", cloudformation-coverage-roadmap#2515): `create` is for older ones."""

    anomaly_percent: _Percent = 150
    """How far above what is usual a service's cost must be to be told of."""

    anomaly_minimum_usd: Annotated[float, Field(ge=0, le=_MOST)] = 1
    """And by how many dollars at least: three cents instead of one are no news."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from listed_twice(self.emails)
        if len(self.emails) > 10:
            yield Mistake("emails", len(self.emails), "addresses are too many; a budget tells ten at most")


class CostGuard(Component):
    """Says that the money runs out before it has."""

    CHILDREN = (
        "budget",
        "monitor",
        "subscription",
        "alarm",
        "allocation_tag",
    )

    budget_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: CostGuardArgs,
        *,
        counted_tags: Mapping[str, str] | None = None,
        allocation_tags: Sequence[str] = (),
        topics: AlarmTopics | None = None,
        billing_topics: AlarmTopics | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param counted_tags: Only what carries all of these tags counts. Until they are activated as cost-allocation
            tags that is nothing, and such a budget stands at zero. None: the whole account's costs count.
        :param allocation_tags: Tags to show on the bill. AWS knows a tag only a day after its first use, and refuses to
            activate one that it does not know; in an organisation only the management account may
            (terraform-provider-aws#29068, #37636).
        :param topics: Topics that hear of it, too. Their policies and keys must admit `budgets` and `costalerts`.
        :param billing_topics: Topics in us-east-1 for an alarm when the whole account's bill of the month passes the
            limit. AWS counts only after somebody has switched on "Receive billing alerts" in the account's billing
            preferences, once; no program can. None: no such alarm.
        """
        super().__init__(name, args, opts)
        if not args.emails and topics is None:
            raise ArgumentError("emails", [], "is empty, so nobody would hear; write an address")
        self._args, self._topics, self._counted_tags = args, topics, counted_tags or {}
        self.budget_name = self._limit().name
        self._growth()
        self._anomalies()
        if billing_topics is not None:
            self._bill(billing_topics)
        for tag in allocation_tags:
            aws.costexplorer.CostAllocationTag(
                f"{name}-{slug(tag)}-allocation-tag",
                tag_key=tag,
                status="Active",
                # Deleting it takes the tag off everybody's bill, not only off this system's.
                opts=self._child("allocation_tag", retain_on_delete=True),
            )
        self.register_outputs({"budgetName": self.budget_name})

    def _limit(self) -> aws.budgets.Budget:
        topics = self._topics
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
        topics = self._topics
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
            for key, value in sorted(self._counted_tags.items())
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
        if self._topics is not None:
            yield "IMMEDIATE", [reader(type="SNS", address=self._topics.warning)]

    def _bill(self, topics: AlarmTopics) -> None:
        limit = self._args.monthly_limit_usd
        self._alarm(
            "billing",
            description=f"this month's bill of the whole account has passed ${limit:.2f}. "
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
        )
