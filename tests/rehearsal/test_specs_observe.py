"""Specs of what watches over the system, on moto: what the resource's inputs become in the account."""

from __future__ import annotations

import json

import pytest

from rehearsal.problems import Refused
from tests.rehearsal.test_specs import TAGS, Cloud, cloud, tags_of

__all__ = ["cloud"]

POLICY = json.dumps({"Version": "2012-10-17", "Statement": []}, separators=(",", ":"))


def topic(cloud: Cloud, name: str = "alerts") -> str:
    return cloud.make("aws:sns/topic:Topic", name, name=name).id


def test_a_topic_has_its_key_its_policy_and_its_tags(cloud: Cloud) -> None:
    made = cloud.make("aws:sns/topic:Topic", name="alerts", displayName="Alerts", kmsMasterKeyId="alias/x")
    cloud.make("aws:sns/topicPolicy:TopicPolicy", arn=made.id, policy=POLICY)
    found = cloud.ask("sns", "GetTopicAttributes", TopicArn=made.outputs["arn"])["Attributes"]
    assert (found["DisplayName"], found["KmsMasterKeyId"], found["Policy"]) == ("Alerts", "alias/x", POLICY)
    assert tags_of(cloud.ask("sns", "ListTagsForResource", ResourceArn=made.id)["Tags"]) == TAGS


def test_a_subscription_hears_its_topic(cloud: Cloud) -> None:
    arn = topic(cloud)
    made = cloud.make(
        "aws:sns/topicSubscription:TopicSubscription", topic=arn, protocol="email", endpoint="ops@example.com",
        filterPolicy='{"a": ["b"]}',
    )  # fmt: skip
    (found,) = cloud.ask("sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]
    assert (found["SubscriptionArn"], found["Endpoint"]) == (made.outputs["arn"], "ops@example.com")


def test_a_misspelt_input_of_a_topic_is_refused(cloud: Cloud) -> None:
    with pytest.raises(Refused, match="kmsMasterKeyIdd"):
        cloud.make("aws:sns/topic:Topic", name="alerts", kmsMasterKeyIdd="x")


def test_a_slack_channel_is_modelled_and_its_request_checked(cloud: Cloud) -> None:
    inputs = {"configurationName": "alerts", "slackTeamId": "T1", "slackChannelId": "C1",
              "iamRoleArn": "arn:aws:iam::123456789012:role/x", "snsTopicArns": [topic(cloud)]}  # fmt: skip
    made = cloud.make("aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration", **inputs)
    assert (made.status, made.reason) == ("modelled", "the emulator has no chat channels")
    assert made.outputs["chatConfigurationArn"]
    with pytest.raises(Refused, match="SlackTeamId: 't 1' does not match"):
        cloud.make(
            "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration", "b", **{**inputs, "slackTeamId": "t 1"}
        )
