"""CloudWatch Logs."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec
from rehearsal.problems import RequestError

# PutRetentionPolicy, CloudWatch Logs API reference; the service model has a plain integer here.
_RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


def _retention(inputs: dict[str, object]) -> dict[str, object]:
    days = inputs.get("retentionInDays")
    if days not in _RETENTION_DAYS:
        raise RequestError(
            f"retentionInDays: {days} is not a retention that CloudWatch Logs has",
            f"use one of {', '.join(map(str, _RETENTION_DAYS))}",
        )
    return inputs


def _metric_filter(inputs: dict[str, Any]) -> dict[str, Any]:
    """One transformation for the provider, a list of one for AWS, with longer names in it."""
    names = {"name": "metricName", "namespace": "metricNamespace", "value": "metricValue"}
    transformation = {names.get(key, key): value for key, value in inputs["metricTransformation"].items()}
    others = {key: value for key, value in inputs.items() if key != "metricTransformation"}
    return {**others, "metricTransformations": [transformation]}


def _delivery(inputs: dict[str, Any]) -> dict[str, Any]:
    """A list of one for the provider."""
    configurations = inputs.get("s3DeliveryConfigurations")
    others = {key: value for key, value in inputs.items() if key != "s3DeliveryConfigurations"}
    return {**others, **({"s3DeliveryConfiguration": configurations[0]} if configurations else {})}


SPECS: Final[dict[str, Spec]] = {
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": Spec(
        service="logs",
        create=Call(operation="PutDeliverySource"),
        id="{name}",
        outputs={"arn": "deliverySource.arn", "service": "deliverySource.service"},
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": Spec(
        service="logs",
        create=Call(operation="PutDeliveryDestination"),
        id="{name}",
        outputs={
            "arn": "deliveryDestination.arn",
            "deliveryDestinationType": "deliveryDestination.deliveryDestinationType",
        },
    ),
    "aws:cloudwatch/logDelivery:LogDelivery": Spec(
        service="logs",
        create=Call(operation="CreateDelivery", reshape=_delivery),
        id="delivery.id",
        outputs={"arn": "delivery.arn"},
    ),
    "aws:cloudwatch/logGroup:LogGroup": Spec(
        service="logs",
        create=Call(operation="CreateLogGroup", takes={"name": "logGroupName"}),
        id="{name}",
        autoname="name",
        then=[
            Call(
                operation="PutRetentionPolicy",
                takes={"retentionInDays": "retentionInDays"},
                reshape=_retention,
                fixed={"logGroupName": "{name}"},
            )
        ],
        outputs={"arn": "arn:{partition}:logs:{region}:{account}:log-group:{name}"},
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": Spec(
        service="logs",
        create=Call(
            operation="PutMetricFilter",
            takes={"name": "filterName", "pattern": "filterPattern"},
            reshape=_metric_filter,
        ),
        id="{name}",
        autoname="name",
    ),
    "aws:cloudwatch/logStream:LogStream": Spec(
        service="logs",
        create=Call(operation="CreateLogStream", takes={"name": "logStreamName"}),
        id="{name}",
        autoname="name",
        outputs={"arn": "arn:{partition}:logs:{region}:{account}:log-group:{logGroupName}:log-stream:{name}"},
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": Spec(
        service="logs",
        create=Call(operation="PutSubscriptionFilter", takes={"name": "filterName", "logGroup": "logGroupName"}),
        id="{name}",
        autoname="name",
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Spec(
        service="logs",
        create=Call(operation="PutQueryDefinition"),
        id="queryDefinitionId",
        outputs={"queryDefinitionId": "{id}"},
        validated_only=lambda _inputs: "the emulator keeps no saved queries",
    ),
}
