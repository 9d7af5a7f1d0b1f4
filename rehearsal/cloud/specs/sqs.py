"""SQS: queues, and what is set on them afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec

# Inputs of the provider and the queue attributes that they are.
ATTRIBUTES: Final = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}


def attributes(context: CreateContext) -> dict[str, str]:
    """A queue's inputs as AWS has them."""
    return {ATTRIBUTES[key]: _text(value) for key, value in context.inputs.items() if key in ATTRIBUTES}


def _create(context: CreateContext) -> dict[str, Any]:
    request: dict[str, Any] = {"QueueName": context.inputs["name"], "Attributes": attributes(context)}
    if context.tags:
        request["tags"] = context.tags
    return context.call("CreateQueue", request)


def _text(value: Any) -> str:
    """Every attribute is a text; numbers arrive as floats."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def _attribute(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def reshape(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"queueUrl": inputs["queueUrl"], "attributes": {ATTRIBUTES[name]: inputs[name]}}

    return reshape


def _set_later(name: str) -> Spec:
    call = Call(operation="SetQueueAttributes", reshape=_attribute(name))
    return Spec(service="sqs", create=call, id="{queueUrl}")


SPECS: Final[dict[str, Spec]] = {
    "aws:sqs/queue:Queue": Spec(
        service="sqs",
        create=Code(_create, reads=("name", *ATTRIBUTES)),
        id="QueueUrl",
        autoname="name",
        autoname_form=lambda name, given: f"{name}.fifo" if "fifoQueue" in given else name,
        outputs={
            "url": "{id}",
            "arn": lambda context: context.call(
                "GetQueueAttributes", {"QueueUrl": context.id, "AttributeNames": ["All"]}
            )["Attributes"]["QueueArn"],
        },
    ),
    "aws:sqs/queuePolicy:QueuePolicy": _set_later("policy"),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _set_later("redriveAllowPolicy"),
}
