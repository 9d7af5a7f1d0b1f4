"""The specs of queues, events, schedules and workflows, on moto: what the inputs become in the account."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from rehearsal.problems import RehearsalError
from tests.conftest import PATIENCE
from tests.rehearsal.test_specs import REGION, TAGS, Cloud

ENDS = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
DEAD = f"arn:aws:sqs:{REGION}:123456789012:dead"
ROLE = "arn:aws:iam::123456789012:role/starts"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def test_a_queue_has_its_attributes_and_what_is_set_later(cloud: Cloud) -> None:
    dead = cloud.make("aws:sqs/queue:Queue", "dead", name="jobs-dead", messageRetentionSeconds=1209600.0)
    redrive = json.dumps({"deadLetterTargetArn": dead.outputs["arn"], "maxReceiveCount": 3})
    made = cloud.make(
        "aws:sqs/queue:Queue", name="jobs", visibilityTimeoutSeconds=360.0, sqsManagedSseEnabled=True,
        receiveWaitTimeSeconds=20.0, redrivePolicy=redrive,
    )  # fmt: skip
    cloud.make("aws:sqs/queuePolicy:QueuePolicy", queueUrl=made.id, policy=json.dumps({"Statement": []}))
    allow = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [made.outputs["arn"]]})
    cloud.make("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", queueUrl=dead.id, redriveAllowPolicy=allow)

    def attributes(url: str) -> dict[str, str]:
        return cloud.ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]

    assert made.outputs["arn"] == f"arn:aws:sqs:{REGION}:123456789012:jobs"
    assert attributes(made.id)["VisibilityTimeout"] == "360"
    assert json.loads(attributes(made.id)["RedrivePolicy"])["maxReceiveCount"] == 3
    assert attributes(dead.id)["MessageRetentionPeriod"] == "1209600"
    assert cloud.ask("sqs", "ListQueueTags", QueueUrl=made.id)["Tags"] == TAGS


def test_a_state_machine_is_read_as_aws_reads_it_and_runs(cloud: Cloud) -> None:
    group = f"arn:aws:logs:{REGION}:123456789012:log-group:/aws/vendedlogs/states/x:*"
    logging = {"level": "ALL", "includeExecutionData": False, "logDestination": group}
    made = cloud.make(
        "aws:sfn/stateMachine:StateMachine", name="batch", definition=ENDS, roleArn=ROLE, loggingConfiguration=logging
    )
    found = cloud.ask("stepfunctions", "DescribeStateMachine", stateMachineArn=made.id)
    assert found["loggingConfiguration"]["destinations"] == [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]
    assert found["type"] == "STANDARD"
    run = cloud.ask("stepfunctions", "StartExecution", stateMachineArn=made.id, name="one", input="{}")["executionArn"]
    for _ in range(10 * PATIENCE):
        if cloud.ask("stepfunctions", "DescribeExecution", executionArn=run)["status"] == "SUCCEEDED":
            return
        time.sleep(0.1)
    pytest.fail("the execution did not end")


@pytest.mark.parametrize("definition", ["{", '{"States": {}}', '{"StartAt": "A", "States": {"A": {"Type": "Tusk"}}}'])
def test_a_malformed_definition_is_refused_by_the_emulator_too(cloud: Cloud, definition: str) -> None:
    with pytest.raises(RehearsalError, match=r"ASLParserException|is not JSON"):
        cloud.make("aws:sfn/stateMachine:StateMachine", name="batch", definition=definition, roleArn=ROLE)


def test_a_rule_on_a_bus_of_its_own_passes_on_what_matches(cloud: Cloud) -> None:
    queue = cloud.make("aws:sqs/queue:Queue", name="heard")
    bus = cloud.make("aws:cloudwatch/eventBus:EventBus", name="own")
    rule = cloud.make(
        "aws:cloudwatch/eventRule:EventRule", name="asked", eventBusName="own", state="ENABLED",
        eventPattern=json.dumps({"source": ["shop"]}),
    )  # fmt: skip
    cloud.make(
        "aws:cloudwatch/eventTarget:EventTarget", rule="asked", eventBusName="own", targetId="queue",
        arn=queue.outputs["arn"], retryPolicy={"maximumRetryAttempts": 3.0, "maximumEventAgeInSeconds": 60.0},
        deadLetterConfig={"arn": queue.outputs["arn"]},
        inputTransformer={"inputPaths": {"n": "$.detail.n"}, "inputTemplate": '{"number": <n>}'},
    )  # fmt: skip
    assert bus.outputs["arn"].endswith(":event-bus/own")
    assert (rule.id, rule.outputs["arn"].rpartition(":")[2]) == ("own/asked", "rule/own/asked")
    for source in ("shop", "other"):
        entry = {"Source": source, "DetailType": "x", "Detail": json.dumps({"n": 7}), "EventBusName": "own"}
        cloud.ask("events", "PutEvents", Entries=[entry])
    [message] = cloud.ask("sqs", "ReceiveMessage", QueueUrl=queue.id, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"]) == {"number": 7}
    [target] = cloud.ask("events", "ListTargetsByRule", Rule="asked", EventBusName="own")["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60}


def test_a_schedule_stands_in_its_group_with_its_target(cloud: Cloud) -> None:
    group = cloud.make("aws:scheduler/scheduleGroup:ScheduleGroup", name="nightly")
    target = {
        "arn": f"arn:aws:states:{REGION}:123456789012:stateMachine:x",
        "roleArn": ROLE,
        "input": "{}",
        "retryPolicy": {"maximumRetryAttempts": 3.0},
        "deadLetterConfig": {"arn": DEAD},
    }
    made = cloud.make(
        "aws:scheduler/schedule:Schedule", name="nightly", groupName="nightly", scheduleExpression="rate(1 hour)",
        scheduleExpressionTimezone="Asia/Tokyo", state="ENABLED", flexibleTimeWindow={"mode": "OFF"}, target=target,
    )  # fmt: skip
    assert group.outputs["arn"].endswith(":schedule-group/nightly")
    assert made.id == "nightly/nightly"
    found = cloud.ask("scheduler", "GetSchedule", Name="nightly", GroupName="nightly")
    assert found["ScheduleExpressionTimezone"] == "Asia/Tokyo"
    assert found["Target"]["DeadLetterConfig"] == {"Arn": DEAD}
