"""Queues, schedules, event routes and workflows: who may do what, what is kept, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.messaging.event_bus import EventBus, EventBusArgs
from components.messaging.event_route import EventRoute, EventRouteArgs
from components.messaging.queue import Queue, QueueArgs, Sender
from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.target import Target
from components.messaging.workflow import Workflow, WorkflowArgs
from tests.conftest import ACCOUNT, REGION, Recorder

NAME = "wiki-dev-jobs"
KEY = ExistingKey(arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1")
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")
START = Target(arn="arn:aws:states:::batch", action="states:StartExecution")
SENDING = json.dumps({
    "StartAt": "Send",
    "States": {
        "Send": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage",
                 "Parameters": {"QueueUrl": "${queueUrl}", "MessageBody": "said: \"${word}\""}, "End": True},
    },
})  # fmt: skip


def role() -> aws.iam.Role:
    return aws.iam.Role("wiki-dev-worker-role", assume_role_policy="{}")


def granted(recorder: Recorder, grant: Callable[[aws.iam.Role], object]) -> list[dict[str, Any]]:
    recorder.run(lambda: grant(role()) and None)
    return next(each for each in recorder.of(":RolePolicy") if "-for-" in each.name).policy()["Statement"]


# --- Queue -----------------------------------------------------------------------------------------------------------


def test_a_message_is_hidden_six_times_as_long_as_a_consumer_works_and_kept_when_it_fails(recorder: Recorder) -> None:
    recorder.run(lambda: Queue(NAME, QueueArgs(consumer_timeout_seconds=50, max_attempts=4)) and None)
    queue, kept = recorder.named(f"{NAME}-queue").inputs, recorder.named(f"{NAME}-dead-letters").inputs
    assert queue["visibilityTimeoutSeconds"] == 300
    redrive = json.loads(queue["redrivePolicy"])
    assert redrive == {"deadLetterTargetArn": f"{QUEUE}-dead-letters", "maxReceiveCount": 4}
    assert kept["messageRetentionSeconds"] == 14 * 24 * 3600
    allowed = json.loads(recorder.one(":RedriveAllowPolicy").inputs["redriveAllowPolicy"])
    assert allowed == {"redrivePermission": "byQueue", "sourceQueueArns": [QUEUE]}


def test_the_dead_letter_queue_of_a_fifo_queue_is_one_too(recorder: Recorder) -> None:
    recorder.run(lambda: Queue(NAME, QueueArgs(consumer_timeout_seconds=50, fifo=True)) and None)
    for queue in recorder.of("sqs/queue:Queue"):
        assert queue.inputs["fifoQueue"] is True
        assert queue.inputs["name"].endswith(".fifo")


@pytest.mark.covers("D6")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"contentBasedDeduplication": True, "deduplicationScope": "queue", "fifoThroughputLimit": "perQueue"}),
        ({"deduplication": "id"}, {"contentBasedDeduplication": False}),
        (
            {"deduplication_scope": "messageGroup", "high_throughput": True},
            {"deduplicationScope": "messageGroup", "fifoThroughputLimit": "perMessageGroupId"},
        ),
    ],
)
def test_a_fifo_queue_says_what_is_the_same_message_and_how_many_it_takes(
    given: dict[str, Any], expected: dict[str, Any], recorder: Recorder
) -> None:
    recorder.run(lambda: Queue(NAME, QueueArgs(consumer_timeout_seconds=50, fifo=True, **given)) and None)
    assert expected.items() <= recorder.named(f"{NAME}-queue").inputs.items()


def test_a_standard_queue_says_nothing_of_order(recorder: Recorder) -> None:
    recorder.run(lambda: Queue(NAME, QueueArgs(consumer_timeout_seconds=50)) and None)
    said = {*recorder.named(f"{NAME}-queue").inputs}
    assert not said & {"fifoQueue", "contentBasedDeduplication", "deduplicationScope", "fifoThroughputLimit"}


def test_a_fifo_queue_cannot_be_fed_by_who_names_no_group(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="which name no message group; use grant_send"):
        recorder.run(lambda: Queue(NAME, QueueArgs(consumer_timeout_seconds=50, fifo=True)).target and None)


@pytest.mark.parametrize(
    ("key", "expected"), [(KEY, {"kmsMasterKeyId": KEY.arn}), (None, {"sqsManagedSseEnabled": True})]
)
def test_both_queues_are_encrypted_with_or_without_a_key_of_ours(
    key: ExistingKey | None, expected: dict[str, Any], recorder: Recorder
) -> None:
    recorder.run(lambda: Queue(NAME, QueueArgs(consumer_timeout_seconds=1), key=key) and None)
    for queue in recorder.of("sqs/queue:Queue"):
        assert expected.items() <= queue.inputs.items()


def test_a_service_is_admitted_for_one_source_of_this_account_and_nobody_else_is(recorder: Recorder) -> None:
    sender = Sender(principal="events.amazonaws.com", source_arn="arn:aws:events:::rule/x")
    recorder.run(lambda: Queue(NAME, QueueArgs(consumer_timeout_seconds=1), senders=[sender]) and None)
    deny, admit = recorder.named(f"{NAME}-policy").policy()["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (admit["Principal"], admit["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert admit["Condition"] == {
        "ArnLike": {"aws:SourceArn": "arn:aws:events:::rule/x"}, "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }  # fmt: skip
    [only] = recorder.named(f"{NAME}-dead-letters-policy").policy()["Statement"]
    assert only["Effect"] == "Deny"


@pytest.mark.parametrize(
    ("verb", "may", "may_not", "key_action"),
    [
        ("send", "sqs:SendMessage", "sqs:ReceiveMessage", "kms:GenerateDataKey"),
        ("consume", "sqs:DeleteMessage", "sqs:SendMessage", "kms:Decrypt"),
    ],
)
def test_a_grant_on_a_queue_allows_its_verb_and_nothing_more(
    verb: str, may: str, may_not: str, key_action: str, recorder: Recorder
) -> None:
    def grant(role: aws.iam.Role) -> None:
        getattr(Queue(NAME, QueueArgs(consumer_timeout_seconds=1), key=KEY), f"grant_{verb}")(role)

    messages, key = granted(recorder, grant)
    assert messages["Resource"] == QUEUE
    assert may in messages["Action"]
    assert may_not not in messages["Action"]
    assert (key["Resource"], key_action in key["Action"]) == (KEY.arn, True)
    assert not any("*" in action for action in messages["Action"])


def test_alarms_watch_the_dead_letters_and_the_age_and_tell_the_warning_topic(recorder: Recorder) -> None:
    recorder.run(lambda: Queue(NAME, QueueArgs(consumer_timeout_seconds=1)).alarms(TOPICS) and None)
    alarms = {alarm.inputs["metricName"]: alarm.inputs for alarm in recorder.of(":MetricAlarm")}
    dead = alarms["ApproximateNumberOfMessagesVisible"]
    assert (dead["dimensions"], dead["threshold"]) == ({"QueueName": f"{NAME}-dead-letters"}, 0)
    assert alarms["ApproximateAgeOfOldestMessage"]["dimensions"] == {"QueueName": NAME}
    assert {alarm["alarmActions"][0] for alarm in alarms.values()} == {TOPICS.warning}


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (
            {"consumer_timeout_seconds": 300, "visibility_seconds": 900},
            "visibility_seconds: 900 is too short.*at least 1800 s",
        ),
        ({"consumer_timeout_seconds": 7201}, "use 1 to 7200 seconds"),
        ({"consumer_timeout_seconds": 1, "max_attempts": 0}, "max_attempts: 0 is not allowed; use 1 to 1000"),
        ({"consumer_timeout_seconds": 1, "retention_seconds": 9}, "use 60 to 1209600 seconds"),
        ({"consumer_timeout_seconds": 1, "deduplication": "id"}, "deduplication: 'id' is for FIFO queues; set fifo"),
        (
            {"consumer_timeout_seconds": 1, "fifo": True, "high_throughput": True},
            "high_throughput: True counts by groups.*set deduplication_scope to messageGroup",
        ),
        ({"consumer_timeout_seconds": 1, "alarm_age_seconds": 345601}, "use at most 345600, after which SQS deletes"),
    ],
)
def test_a_queue_that_would_lose_or_repeat_work_is_refused(args: dict[str, Any], part: str) -> None:
    with pytest.raises(ArgumentError, match=part):
        QueueArgs(**args)


# --- Schedule and event route ----------------------------------------------------------------------------------------


def test_a_schedule_starts_its_target_and_keeps_failures_and_nothing_more(recorder: Recorder) -> None:
    recorder.run(lambda: Schedule(NAME, ScheduleArgs(expression="rate(1 hour)"), target=START) and None)
    start, keep = recorder.one(":RolePolicy").policy()["Statement"]
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", START.arn)
    assert (keep["Action"], keep["Resource"]) == ("sqs:SendMessage", f"{QUEUE}-dead-letters")
    [trust] = recorder.one("role:Role").policy("assumeRolePolicy")["Statement"]
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"].endswith(f"ScheduleGroup/{NAME}-group")
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    target = recorder.one("schedule:Schedule").inputs["target"]
    assert target["retryPolicy"] == {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 3600}


def test_a_schedule_for_an_encrypted_queue_may_use_its_key(recorder: Recorder) -> None:
    target = Target(arn=QUEUE, action="sqs:SendMessage", key=KEY)
    recorder.run(lambda: Schedule(NAME, ScheduleArgs(expression="rate(1 hour)"), target=target) and None)
    key = recorder.one(":RolePolicy").policy()["Statement"][2]
    assert (key["Action"], key["Resource"]) == (["kms:Decrypt", "kms:GenerateDataKey"], KEY.arn)


def test_a_schedule_that_is_off_stays_and_starts_nothing(recorder: Recorder) -> None:
    args = ScheduleArgs(expression="rate(1 hour)", enabled=False)
    recorder.run(lambda: Schedule(NAME, args, target=START) and None)
    assert recorder.one("schedule:Schedule").inputs["state"] == "DISABLED"


def test_only_the_routes_own_rule_may_drop_events_into_its_dead_letters(recorder: Recorder) -> None:
    recorder.run(lambda: EventRoute(NAME, EventRouteArgs(pattern={"source": ["x"]}), target=START) and None)
    _, admit = recorder.one(":QueuePolicy").policy()["Statement"]
    assert admit["Condition"]["ArnLike"]["aws:SourceArn"].endswith(f"EventRule/{NAME}-rule")
    assert admit["Resource"] == recorder.one(":EventTarget").inputs["deadLetterConfig"]["arn"]


def test_a_route_to_a_queue_needs_no_role_because_the_queue_admits_it(recorder: Recorder) -> None:
    target = Target(arn=QUEUE, action="sqs:SendMessage")
    recorder.run(lambda: EventRoute(NAME, EventRouteArgs(pattern={"source": ["x"]}), target=target) and None)
    assert not recorder.of("role:Role")
    assert "roleArn" not in recorder.one(":EventTarget").inputs


@pytest.mark.parametrize(
    ("args", "part"),
    [
        ({"input_paths": {"jobs": "$.detail.jobs"}}, "input_template: None is missing"),
        ({"input_template": '{"jobs": <jobs>}'}, "'<jobs>' has no path; add it to the input paths"),
        ({"input_paths": {"a": "$.a", "b": "$.b"}, "input_template": "<a>"}, "input_paths: 'b' is not used"),
        ({"max_age_seconds": 30}, "use 60 to 86400 seconds"),
        ({"pattern": {"detail": {"state": "x"}}}, "pattern.detail.state: 'x' must be a list"),
    ],
)
def test_a_route_that_cannot_work_is_refused(args: dict[str, Any], part: str) -> None:
    with pytest.raises(ArgumentError, match=part):
        EventRouteArgs(**{"pattern": {"source": ["x"]}, **args})


def test_a_grant_on_a_bus_allows_to_put_events_and_nothing_more(recorder: Recorder) -> None:
    [only] = granted(recorder, lambda role: EventBus(NAME, EventBusArgs()).grant_put(role))
    assert only["Action"] == "events:PutEvents"
    assert only["Resource"].endswith(f"EventBus/{NAME}-bus")


# --- Workflow --------------------------------------------------------------------------------------------------------


def workflow(values: dict[str, str]) -> Workflow:
    return Workflow(NAME, WorkflowArgs(), definition=SENDING, substitutions=values)


def made(recorder: Recorder, **args: Any) -> dict[str, Any]:
    values = {"queueUrl": "https://sqs/jobs", "word": 'a "quoted" \\ word'}
    recorder.run(
        lambda: Workflow(NAME, WorkflowArgs(**args), definition=SENDING, substitutions=values, log_key=KEY) and None
    )
    return recorder.one(":StateMachine").inputs


def test_values_are_put_into_the_definition_whatever_they_contain(recorder: Recorder) -> None:
    task = json.loads(made(recorder)["definition"])["States"]["Send"]
    assert task["Parameters"] == {"QueueUrl": "https://sqs/jobs", "MessageBody": 'said: "a "quoted" \\ word"'}


def test_every_step_is_logged_without_data_into_a_group_made_first(recorder: Recorder) -> None:
    logging = made(recorder, log_retention_days=7)["loggingConfiguration"]
    assert (logging["level"], logging["includeExecutionData"]) == ("ALL", False)
    group = recorder.one(":LogGroup")
    assert group.inputs["name"] == f"/aws/vendedlogs/states/{NAME}"
    assert (group.inputs["retentionInDays"], group.inputs["kmsKeyId"]) == (7, KEY.arn)
    assert {group.urn, recorder.one(":RolePolicy").urn} <= set(recorder.one(":StateMachine").dependencies)


def test_a_workflows_role_serves_this_workflow_and_may_only_log_and_trace_by_itself(recorder: Recorder) -> None:
    made(recorder)
    [trust] = recorder.one("role:Role").policy("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{NAME}"
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": machine}
    actions = {action for one in recorder.one(":RolePolicy").policy()["Statement"] for action in one["Action"]}
    assert {action.partition(":")[0] for action in actions} == {"logs", "xray"}
    assert not {"logs:PutLogEvents", "logs:CreateLogStream"} & actions


@pytest.mark.covers("A10")
def test_failed_late_and_throttled_executions_metric_alarms(recorder: Recorder) -> None:
    values = {"queueUrl": "u", "word": "w"}
    recorder.run(lambda: workflow(values).alarms(TOPICS) and None)
    alarms = {alarm.inputs["metricName"]: alarm.inputs for alarm in recorder.of(":MetricAlarm")}
    assert set(alarms) == {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"}
    for alarm in alarms.values():
        assert alarm["dimensions"]["StateMachineArn"].endswith(f"StateMachine/{NAME}-state-machine")
        assert (alarm["threshold"], alarm["statistic"], alarm["alarmActions"]) == (0, "Sum", [TOPICS.warning])


@pytest.mark.parametrize(
    ("verb", "may"),
    [("start", ["states:StartExecution"]),
     ("answer", ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"])],
)  # fmt: skip
def test_a_grant_on_a_workflow_allows_its_verb_and_nothing_more(verb: str, may: list[str], recorder: Recorder) -> None:
    values = {"queueUrl": "u", "word": "w"}

    def grant(role: aws.iam.Role) -> None:
        getattr(workflow(values), f"grant_{verb}")(role)

    [only] = granted(recorder, grant)
    assert only["Action"] == may
    assert only["Resource"].endswith(f"StateMachine/{NAME}-state-machine")


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"queueUrl": "u"}, "substitutions: 'word' is a placeholder in the definition without a value"),
        ({"queueUrl": "u", "word": "w", "wrod": "x"}, "'wrod' is a value without a placeholder; did you mean 'word'"),
    ],
)
def test_placeholders_and_values_must_match_both_ways(values: dict[str, str], part: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=part):
        recorder.run(lambda: workflow(values) and None)
