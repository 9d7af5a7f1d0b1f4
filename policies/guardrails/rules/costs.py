"""Nobody is surprised by the bill (requirements C8, D14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, aws, example, graph_rule, ref, rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


_NOTICE = {
    "comparisonOperator": "GREATER_THAN",
    "notificationType": "ACTUAL",
    "threshold": 80,
    "thresholdType": "PERCENTAGE",
    "subscriberEmailAddresses": ["ops@example.com"],
}
_LIMIT = {"budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "10", "limitUnit": "USD"}
_GROUND = aws(types.PROVIDER, {"region": "ap-northeast-1"}, name="kumiki-prod-aws-provider")


@graph_rule(
    id="cost-budget",
    title="A budget notifies somebody before the money is spent",
    types=(types.PROVIDER,),
    level=MANDATORY,
    severity="medium",
    topics=("cost",),
    environments=("prod",),
    remedy="Add a Budget with a notification and somebody who gets it; where another stack has it, waive this here.",
)
def cost_budget(provider: Resource, at: Context) -> Iterator[str]:
    """A budget counts if it has a notification with an address or a topic. It is missed once, at the first of the
    stack's providers."""
    if provider.urn != min(each.urn for each in at.graph.of_kind(types.PROVIDER)):
        return
    if not any(_tells_somebody(budget) for budget in at.graph.of_kind(types.BUDGETS_BUDGET)):
        yield "no budget notifies anybody of what this stack costs"


cost_budget.examples(
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
        _GROUND,
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


def _tells_somebody(budget: Resource) -> bool:
    return any(
        notice.has("subscriberSnsTopicArns") or any(True for _ in notice.items("subscriberEmailAddresses"))
        for notice in budget.props.items("notifications").blocks()
    )


def _monitor(name: str = "it", **props: Any) -> Any:
    return aws(
        "costexplorer/anomalyMonitor:AnomalyMonitor",
        {"monitorType": "DIMENSIONAL", "monitorDimension": "SERVICE", **props},
        name=name,
    )


@rule(
    id="cost-monitor-adopted",
    title="The account's own anomaly monitor of services is used",
    types=(types.ANOMALY_MONITOR,),
    level=ADVISORY,
    severity="low",
    topics=("fit", "cost"),
    remedy=(
        "Subscribe to the ARN that `aws ce get-anomaly-monitors` tells; where an old account has none, waive this here."
    ),
)
def cost_monitor_adopted(monitor: Resource, _at: Context) -> Iterator[str]:
    """AWS allows an account one monitor of all services, and a new account has it from the start: a second one is
    refused with "Limit exceeded on dimensional spend monitor creation" (cloudformation-coverage-roadmap#2515)."""
    if monitor.props.get("monitorDimension") == "SERVICE":
        yield "a new account already has such a monitor, and AWS allows one"


cost_monitor_adopted.examples(
    compliant=[
        aws("costexplorer/anomalyMonitor:AnomalyMonitor", {"monitorType": "CUSTOM", "monitorSpecification": "{}"})
    ],
    non_compliant=[_monitor()],
)


_ON_BY_THEMSELVES = {
    "EBS_MALWARE_PROTECTION": "datasources.malwareProtection",
    "EKS_AUDIT_LOGS": "datasources.kubernetes",
    "LAMBDA_NETWORK_LOGS": "",
    "RDS_LOGIN_EVENTS": "",
    "S3_DATA_EVENTS": "datasources.s3Logs",
}
"""Features of GuardDuty that a new detector has where nothing is said, and where else a detector can say it."""


def _features(*names: str) -> list[Any]:
    return [
        aws(
            "guardduty/detectorFeature:DetectorFeature",
            {"detectorId": ref("detector"), "name": name, "status": "DISABLED"},
            name=name.lower(),
        )
        for name in names
    ]


_DETECTOR = aws("guardduty/detector:Detector", {"enable": True}, name="detector")


@graph_rule(
    id="cost-detector-features",
    title="Each GuardDuty feature is enabled or disabled explicitly",
    types=(types.GUARDDUTY_DETECTOR,),
    level=ADVISORY,
    severity="low",
    topics=("cost",),
    remedy="Add a DetectorFeature with the status ENABLED or DISABLED for each of the features.",
)
def cost_detector_features(detector: Resource, at: Context) -> Iterator[str]:
    """AWS switches on every optional feature that a new detector is not told of, but for RUNTIME_MONITORING, and bills
    each (docs.aws.amazon.com/guardduty, CreateDetector)."""
    if detector.props.get("enable", True) is False:
        return
    # An account has one detector in a region, so that all features are of this one.
    told = {each.props.get("name") for each in at.graph.of_kind(types.DETECTOR_FEATURE)}
    for feature, elsewhere in _ON_BY_THEMSELVES.items():
        if feature not in told and not (elsewhere and detector.props.has(elsewhere)):
            yield f"{feature} is neither enabled nor disabled"


cost_detector_features.examples(
    compliant=[
        example(_DETECTOR, *_features(*_ON_BY_THEMSELVES)),
        example(
            aws(
                "guardduty/detector:Detector",
                {
                    "enable": True,
                    "datasources": {
                        "s3Logs": {"enable": False},
                        "kubernetes": {"auditLogs": {"enable": False}},
                        "malwareProtection": {"scanEc2InstanceWithFindings": {"ebsVolumes": {"enable": False}}},
                    },
                },
                name="detector",
            ),
            *_features("LAMBDA_NETWORK_LOGS", "RDS_LOGIN_EVENTS"),
        ),
        aws("guardduty/detector:Detector", {"enable": False}),
    ],
    non_compliant=[_DETECTOR, example(_DETECTOR, *_features(*sorted(_ON_BY_THEMSELVES)[1:]))],
)
