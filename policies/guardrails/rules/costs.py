"""Nobody is surprised by the bill (requirements C8, D14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, aws, example, graph_rule, ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource

PROVIDER = "pulumi:providers:aws"
BUDGET = "aws:budgets/budget:Budget"

_NOTICE = {
    "comparisonOperator": "GREATER_THAN",
    "notificationType": "ACTUAL",
    "threshold": 80,
    "thresholdType": "PERCENTAGE",
    "subscriberEmailAddresses": ["ops@example.com"],
}
_LIMIT = {"budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "10", "limitUnit": "USD"}
_GROUND = aws(PROVIDER, {"region": "ap-northeast-1"}, name="kumiki-prod-aws-provider")


@graph_rule(
    id="cost-budget",
    title="A budget tells somebody before the money is spent",
    types=(PROVIDER,),
    level=MANDATORY,
    severity="medium",
    topics=("cost",),
    environments=("prod",),
    remedy="Add a Budget with a notification and somebody who gets it; where another stack has it, waive this here.",
    compliant=[
        example(_GROUND, aws("budgets/budget:Budget", {**_LIMIT, "notifications": [_NOTICE]}), environment="prod"),
        example(
            _GROUND,
            aws("sns/topic:Topic", name="topic"),
            aws(
                "budgets/budget:Budget",
                {
                    **_LIMIT,
                    "notifications": [
                        {
                            "comparisonOperator": "GREATER_THAN",
                            "notificationType": "FORECASTED",
                            "threshold": 100,
                            "thresholdType": "PERCENTAGE",
                            "subscriberSnsTopicArns": [ref("topic", "arn")],
                        }
                    ],
                },
            ),
            environment="prod",
        ),
        example(_GROUND),
    ],
    non_compliant=[
        example(_GROUND, environment="prod"),
        example(_GROUND, aws("budgets/budget:Budget", _LIMIT), environment="prod"),
        example(
            _GROUND,
            aws("budgets/budget:Budget", {**_LIMIT, "notifications": [{**_NOTICE, "subscriberEmailAddresses": []}]}),
            environment="prod",
        ),
    ],
)
def cost_budget(provider: Resource, at: Context) -> Iterator[str]:
    """A budget counts if it has a notification with an address or a topic. It is missed once, at the first of the
    stack's providers."""
    if provider.urn != min(each.urn for each in at.graph.of_kind(PROVIDER)):
        return
    if not any(_tells_somebody(budget) for budget in at.graph.of_kind(BUDGET)):
        yield "no budget tells anybody what this stack costs"


def _tells_somebody(budget: Resource) -> bool:
    return any(
        notice.has("subscriberSnsTopicArns") or any(True for _ in notice.items("subscriberEmailAddresses"))
        for notice in budget.props.items("notifications").blocks()
    )


RULES = (cost_budget,)
