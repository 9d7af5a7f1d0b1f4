"""Topics, their policies and who subscribes to them."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec

# The members of CreateTopic's and Subscribe's `Attributes`, as AWS spells them.
_TOPIC: Final = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "fifoTopic": "FifoTopic",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
_SUBSCRIPTION: Final = {
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "deliveryPolicy": "DeliveryPolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


def _attributes(inputs: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    """Attributes are texts, also the numbers and switches among them."""

    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    return {names[key]: text(value) for key, value in sorted(inputs.items()) if key in names}


def _create_topic(context: CreateContext) -> dict[str, Any]:
    request: dict[str, Any] = {"Name": context.inputs["name"]}
    if attributes := _attributes(context.inputs, _TOPIC):
        request["Attributes"] = attributes
    if context.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]
    return context.call("CreateTopic", request)


def _subscribe(context: CreateContext) -> dict[str, Any]:
    request: dict[str, Any] = {
        "TopicArn": context.inputs["topic"],
        "Protocol": context.inputs["protocol"],
        "Endpoint": context.inputs["endpoint"],
        "ReturnSubscriptionArn": True,
    }
    if attributes := _attributes(context.inputs, _SUBSCRIPTION):
        request["Attributes"] = attributes
    return context.call("Subscribe", request)


SPECS: Final[dict[str, Spec]] = {
    "aws:sns/topic:Topic": Spec(
        service="sns",
        create=Code(_create_topic, reads=("name", *_TOPIC)),
        id="TopicArn",
        autoname="name",
        autoname_form=lambda name, given: f"{name}.fifo" if "fifoTopic" in given else name,
        outputs={"arn": "{id}", "owner": "{account}"},
    ),
    "aws:sns/topicPolicy:TopicPolicy": Spec(
        service="sns",
        create=Call(
            operation="SetTopicAttributes",
            takes={"arn": "TopicArn", "policy": "AttributeValue"},
            fixed={"AttributeName": "Policy"},
        ),
        id="{arn}",
        outputs={"owner": "{account}"},
    ),
    "aws:sns/topicSubscription:TopicSubscription": Spec(
        service="sns",
        create=Code(_subscribe, reads=("topic", "protocol", "endpoint", *_SUBSCRIPTION)),
        id="SubscriptionArn",
        left_out={
            "confirmationTimeoutInMinutes": "how long the provider waits",
            "endpointAutoConfirms": "whether the provider waits",
        },
        outputs={"arn": "{id}", "ownerId": "{account}"},
    ),
}
