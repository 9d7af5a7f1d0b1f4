"""Tests by the testing kit: its fixtures come with the wheel, nothing is imported for them."""

import runpy
from pathlib import Path

import pulumi_aws as aws
import pytest

from kumiki.testing import AssertRule, Recorder, Rehearse

PROGRAM = Path(__file__).parents[1] / "__main__.py"


def program() -> None:
    runpy.run_path(str(PROGRAM))


def test_only_the_shop_may_send_orders(recorder: Recorder) -> None:
    recorder.run(program)
    may = {
        recorder.behind(policy, "role")[0].name
        for policy in recorder.of("iam/rolePolicy:RolePolicy")
        if any("sqs:SendMessage" in statement["Action"] for statement in policy.policy()["Statement"])
    }
    assert may == {"orders-dev-shop"}


def test_orders_are_encrypted_with_the_programs_own_key(recorder: Recorder) -> None:
    recorder.run(program)
    key = recorder.one("kms/key:Key")
    queue = recorder.named("orders-dev-incoming-queue")
    assert recorder.behind(queue, "kmsMasterKeyId") == [key]


@pytest.mark.parametrize("seconds", [30, 120])
def test_a_worker_has_as_long_as_the_stacks_file_says(recorder: Recorder, seconds: int) -> None:
    recorder.configure({"orders:workerTimeoutSeconds": seconds})
    recorder.run(program)
    assert recorder.named("orders-dev-incoming-queue").inputs["visibilityTimeoutSeconds"] >= seconds


def test_an_order_that_keeps_failing_is_kept_apart(rehearsed: Rehearse) -> None:
    done = rehearsed("dev")
    assert done.problems() == []

    sqs = done.client("sqs")
    sqs.send_message(QueueUrl=done.outputs["queue"], MessageBody="one pair of shoes")
    (message,) = sqs.receive_message(QueueUrl=done.outputs["queue"])["Messages"]
    assert message["Body"] == "one pair of shoes"
    attributes = sqs.get_queue_attributes(QueueUrl=done.outputs["queue"], AttributeNames=["RedrivePolicy"])
    assert "incoming-dead-letters" in attributes["Attributes"]["RedrivePolicy"]


def test_the_rule_about_plain_http_knows_our_queues(assert_rule: AssertRule) -> None:
    assert_rule("queue-tls", bad=lambda: aws.sqs.Queue("orders"), good=program)
