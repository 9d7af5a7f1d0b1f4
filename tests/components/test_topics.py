"""Who may publish alarms, and who hears of them."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.operations.topics import Slack, Topics, TopicsArgs
from tests.conftest import ACCOUNT, REGION, Recorder

NAME = "wiki-dev-alerts"
SLACK = Slack(workspace_id="T012AB34C", channel_id="C98ZY")


def build(recorder: Recorder, key: ExistingKey | None = None, **args: Any) -> Recorder:
    return recorder.run(lambda: Topics(NAME, TopicsArgs(**args), stem="wiki-dev", key=key))


def test_there_are_two_topics_that_say_how_urgent_they_are(recorder: Recorder) -> None:
    build(recorder, ExistingKey(arn="arn:aws:kms:::key/1"), emails=["ops@example.com"])
    topics = [each.inputs for each in recorder.of(":Topic")]
    assert [topic["name"] for topic in topics] == ["wiki-dev-critical-alerts", "wiki-dev-warning-alerts"]
    assert {topic["kmsMasterKeyId"] for topic in topics} == {"arn:aws:kms:::key/1"}


def test_only_alarms_and_rules_of_this_stack_and_budgets_may_publish_and_only_by_tls(recorder: Recorder) -> None:
    build(recorder)
    for policy, topic in zip(recorder.of(":TopicPolicy"), recorder.of(":Topic"), strict=True):
        *admitted, plain = policy.policy()["Statement"]
        sources = {
            "budgets.amazonaws.com": f"budgets::{ACCOUNT}:*",
            "cloudwatch.amazonaws.com": f"cloudwatch:{REGION}:{ACCOUNT}:alarm:wiki-dev-*",
            "costalerts.amazonaws.com": f"ce::{ACCOUNT}:anomalysubscription/*",
            "events.amazonaws.com": f"events:{REGION}:{ACCOUNT}:rule/wiki-dev-*",
        }
        for allowed in admitted:
            service = allowed["Principal"]["Service"]
            source = "arn:aws:" + sources.pop(service)
            assert allowed["Action"] == "sns:Publish"
            assert allowed["Resource"] == policy.inputs["arn"]
            assert allowed["Condition"] == {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": source},
            }
        assert not sources
        assert (plain["Effect"], plain["Principal"]) == ("Deny", "*")
        assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert topic.name in policy.inputs["arn"]


def test_every_address_hears_of_both_topics(recorder: Recorder) -> None:
    build(recorder, emails=["ops@example.com", "dba@example.com"])
    heard = {
        (each.inputs["endpoint"], each.inputs["topic"].rpartition("/")[2]) for each in recorder.of(":TopicSubscription")
    }
    assert heard == {
        (email, f"{NAME}-{severity}-topic")
        for email in ("ops@example.com", "dba@example.com")
        for severity in ("critical", "warning")
    }
    assert {each.inputs["protocol"] for each in recorder.of(":TopicSubscription")} == {"email"}


def test_taking_an_address_out_leaves_the_other_subscriptions_alone(recorder: Recorder) -> None:
    build(recorder, emails=["dba@example.com"])
    assert [each.name for each in recorder.of(":TopicSubscription")] == [
        f"{NAME}-critical-dba-example-com-subscription",
        f"{NAME}-warning-dba-example-com-subscription",
    ]


def test_slack_hears_of_both_and_nobody_there_can_do_more_than_look(recorder: Recorder) -> None:
    build(recorder, slack=SLACK)
    channel = recorder.one(":SlackChannelConfiguration").inputs
    assert (channel["slackTeamId"], channel["slackChannelId"]) == ("T012AB34C", "C98ZY")
    assert len(channel["snsTopicArns"]) == 2
    assert len(channel["guardrailPolicyArns"]) == 1, "without one it is AdministratorAccess"
    [permission] = recorder.one("policy:Policy").policy()["Statement"]
    assert all(action.startswith(("cloudwatch:Get", "cloudwatch:Describe")) for action in permission["Action"])
    assert recorder.one(":RolePolicy").policy()["Statement"] == [permission]
    [trust] = recorder.one(":Role").policy("assumeRolePolicy")["Statement"]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_without_slack_there_is_no_role(recorder: Recorder) -> None:
    build(recorder, emails=["ops@example.com"])
    assert not recorder.of(":Role")
    assert not recorder.of(":SlackChannelConfiguration")


@pytest.mark.parametrize(
    "email",
    ["ops", "ops@", "@example.com", "ops@example", "ops at example.com", "a@b@example.com", "a b@example.com", ""],
)
def test_an_email_that_is_none_is_refused(email: str) -> None:
    with pytest.raises(ArgumentError, match=r"emails\[1\]: .* is not an e-mail address; write one such as"):
        TopicsArgs(emails=["ops@example.com", email])


@pytest.mark.parametrize(
    "email", ["ops@example.com", "first.last+alerts@sub.example.co.jp", "o'brien@example.com".replace("'", "")]
)
def test_an_email_that_is_one_is_taken(email: str) -> None:
    assert TopicsArgs(emails=[email]).emails == [email]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: TopicsArgs(emails=["a@example.com", "a@example.com"]),
            "emails: 'a@example.com' is listed twice",
        ),
        (
            lambda: Slack(workspace_id="ops", channel_id="C1"),
            "workspace_id: 'ops' is not allowed; write a workspace's id such as T",
        ),
        (
            lambda: Slack(workspace_id="T1", channel_id="#ops"),
            "channel_id: '#ops' is not allowed; write a channel's id such as C",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
