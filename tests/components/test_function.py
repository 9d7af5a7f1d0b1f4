"""Functions: what is called, who may call it, what the code may do, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.compute import package as package_
from components.compute.event_sources import QueueSource, StreamSource
from components.compute.function import Function
from components.compute.function_args import FunctionArgs
from components.compute.package import Package
from components.data.table import Table
from components.data.table_args import TableArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.messaging.queue import Queue, QueueArgs
from components.network.network import ExistingNetwork
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.functions import tiny_package, zipped
from tests.iam import allowed, listed

NAME = "wiki-dev-works"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
LIVE = f"{ARN}:live"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
OURS = ExistingKey(arn=KEY)
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:token"
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def function(**given: Any) -> Function:
    """What is an argument becomes one, and the rest is what the function is connected with."""
    args = {name: given.pop(name) for name in list(given) if name in FunctionArgs.model_fields}
    connected = {"package": tiny_package(), **given}
    return Function(NAME, FunctionArgs(**{"handler": "tiny.handler.handle", **args}), **connected)


def network() -> ExistingNetwork:
    ids = pulumi.Output.from_input(["subnet-1", "subnet-2"])
    return ExistingNetwork(
        vpc_id=pulumi.Output.from_input("vpc-1"),
        cidr=pulumi.Output.from_input("10.0.0.0/16"),
        public_subnet_ids=ids,
        private_subnet_ids=ids,
        isolated_subnet_ids=ids,
        endpoint_security_group_id=pulumi.Output.from_input("sg-endpoints"),
        dynamodb_prefix_list_id=pulumi.Output.from_input("pl-dynamodb"),
    )


def made(recorder: Recorder, use: Callable[[Function], Any] = lambda _: None, **given: Any) -> Recorder:
    def program() -> None:
        use(function(**given))

    return recorder.run(program)


def may(recorder: Recorder, action: str, resource: str, **context: str) -> bool:
    own = [each.policy() for each in recorder.of(":RolePolicy") if each.inputs["role"] == f"{NAME}-role-id"]
    return allowed(own, action, resource, **context)


# --- What is called --------------------------------------------------------------------------------------------------


def test_what_is_called_is_a_published_version_behind_the_alias(recorder: Recorder) -> None:
    made(recorder)
    function, alias = recorder.one("function:Function").inputs, recorder.one(":Alias").inputs
    assert (function["name"], function["publish"]) == (NAME, True)
    assert (alias["name"], alias["functionName"], alias["functionVersion"]) == ("live", NAME, "1")
    assert (function["runtime"], function["architectures"]) == ("python3.13", ["arm64"])
    assert not recorder.of(":ProvisionedConcurrencyConfig")
    assert not recorder.of("layerVersion:LayerVersion")
    assert not recorder.of("ec2/securityGroup:SecurityGroup")


@pytest.mark.covers("C1")
def test_copies_are_kept_started_for_the_alias_and_never_for_what_was_uploaded_last(recorder: Recorder) -> None:
    made(recorder, provisioned_concurrency=2)
    provisioned = recorder.one(":ProvisionedConcurrencyConfig").inputs
    assert (provisioned["qualifier"], provisioned["provisionedConcurrentExecutions"]) == ("live", 2)


def test_a_layer_is_for_the_runtime_and_architecture_of_the_package(recorder: Recorder) -> None:
    made(recorder, package=tiny_package(layer=True))
    layer = recorder.one(":LayerVersion")
    assert layer.inputs["compatibleRuntimes"] == ["python3.13"]
    assert layer.inputs["compatibleArchitectures"] == ["arm64"]
    assert recorder.one("function:Function").inputs["layers"] == [
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:LayerVersion/{NAME}-layer"
    ]


def test_a_service_may_call_the_alias_for_one_source_of_this_account(recorder: Recorder) -> None:
    source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc/*"
    made(recorder, lambda it: it.allow_invocation("gateway", principal="apigateway.amazonaws.com", source_arn=source))
    permission = recorder.one("lambda/permission:Permission").inputs
    assert permission == {
        "action": "lambda:InvokeFunction", "function": NAME, "qualifier": "live", "sourceArn": source,
        "principal": "apigateway.amazonaws.com", "sourceAccount": ACCOUNT,
    }  # fmt: skip


def test_a_role_that_may_call_the_function_may_call_its_alias_and_nothing_more(recorder: Recorder) -> None:
    made(recorder, lambda it: it.grant_invoke(aws.iam.Role("wiki-dev-caller-role", assume_role_policy="{}")))
    [statement] = recorder.named(f"{NAME}-invoke-for-wiki-dev-caller-role").policy()["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", LIVE)


def test_a_schedule_calls_the_alias(recorder: Recorder, resolved: Callable[[Any], Any]) -> None:
    targets: list[Any] = []
    made(recorder, lambda it: targets.append(it.target))
    assert targets[0].action == "lambda:InvokeFunction"
    assert resolved(targets[0].arn) == LIVE


# --- What the code may do --------------------------------------------------------------------------------------------


@pytest.mark.covers("C9")
def test_the_code_may_write_its_log_keep_what_failed_and_nothing_more(recorder: Recorder) -> None:
    made(recorder)
    group = recorder.one(":LogGroup").inputs["name"]
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:x"
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-dead-letters"
    assert group == f"/aws/lambda/{NAME}"
    assert may(recorder, "logs:PutLogEvents", log)
    assert may(recorder, "sqs:SendMessage", dead)
    assert not may(recorder, "logs:CreateLogGroup", log)
    assert not may(recorder, "sqs:ReceiveMessage", dead)
    for action in ("ec2:CreateNetworkInterface", "xray:PutTraceSegments", "kms:Decrypt"):
        assert not may(recorder, action, KEY), action
    trust = json.loads(recorder.named(f"{NAME}-role").inputs["assumeRolePolicy"])
    assert [one["Principal"] for one in trust["Statement"]] == [{"Service": "lambda.amazonaws.com"}]


def test_its_log_is_there_first_and_nobody_but_it_writes_there(recorder: Recorder) -> None:
    made(recorder, log_retention_days=7, logs_key=OURS)
    group = recorder.one(":LogGroup")
    assert (group.inputs["retentionInDays"], group.inputs["kmsKeyId"]) == (7, KEY)
    function = recorder.one("function:Function")
    assert function.inputs["loggingConfig"] == {"logFormat": "JSON", "logGroup": f"/aws/lambda/{NAME}"}
    assert {group.urn, recorder.named(f"{NAME}-policy").urn} <= set(function.dependencies)


@pytest.mark.covers("C6")
@pytest.mark.parametrize(("on", "mode"), [(True, "Active"), (False, "PassThrough")])
def test_traces_are_sent_only_where_asked(on: bool, mode: str, recorder: Recorder) -> None:
    made(recorder, tracing=on)
    assert recorder.one("function:Function").inputs["tracingConfig"] == {"mode": mode}
    assert may(recorder, "xray:PutTraceSegments", "*") is on


def test_the_environment_is_encrypted_and_read_for_this_function_only(recorder: Recorder) -> None:
    made(recorder, environment={"WORD": "x"}, key=OURS)
    function = recorder.one("function:Function").inputs
    assert function["kmsKeyArn"] == KEY
    assert function["environment"] == {"variables": {"WORD": "x"}}
    context = "kms__EncryptionContext__aws__lambda__FunctionArn"
    assert may(recorder, "kms:Decrypt", KEY, **{context: ARN})
    assert not may(recorder, "kms:Decrypt", KEY, **{context: f"{ARN}-other"})
    assert not may(recorder, "kms:Encrypt", KEY, **{context: ARN})


def test_it_is_told_where_its_secrets_are_and_may_read_those(recorder: Recorder) -> None:
    made(recorder, secrets={"TOKEN_ARN": SECRET}, key=OURS)
    assert recorder.one("function:Function").inputs["environment"] == {"variables": {"TOKEN_ARN": SECRET}}
    assert may(recorder, "secretsmanager:GetSecretValue", SECRET)
    assert not may(recorder, "secretsmanager:GetSecretValue", f"{SECRET}-other")
    assert may(recorder, "kms:Decrypt", KEY, kms__ViaService=f"secretsmanager.{REGION}.amazonaws.com")
    assert not may(recorder, "kms:Decrypt", KEY, kms__ViaService=f"s3.{REGION}.amazonaws.com")


# --- In a network ----------------------------------------------------------------------------------------------------


@pytest.mark.covers("C9")
def test_in_a_network_it_stands_in_the_private_subnets_and_calls_only_what_is_opened(recorder: Recorder) -> None:
    made(recorder, lambda it: it.allow_to("sg-database", 5432, "database"), network=network())
    function, group = recorder.one("function:Function").inputs, recorder.one("ec2/securityGroup:SecurityGroup")
    assert function["vpcConfig"] == {
        "securityGroupIds": [f"{NAME}-security-group-id"],
        "subnetIds": ["subnet-1", "subnet-2"],
    }
    assert function["replaceSecurityGroupsOnDestroy"] is True
    assert group.inputs["vpcId"] == "vpc-1"
    assert not recorder.of("SecurityGroupIngressRule")
    ways = {
        (rule.inputs.get("referencedSecurityGroupId") or rule.inputs.get("prefixListId"), rule.inputs["toPort"])
        for rule in recorder.of("SecurityGroupEgressRule")
    }
    assert ways == {("sg-endpoints", 443), ("pl-dynamodb", 443), ("sg-database", 5432)}


def test_the_internet_is_reached_only_where_asked(recorder: Recorder) -> None:
    made(recorder, network=network(), internet=True)
    world = [rule for rule in recorder.of("SecurityGroupEgressRule") if rule.inputs.get("cidrIpv4") == "0.0.0.0/0"]
    assert [(rule.inputs["fromPort"], rule.inputs["toPort"]) for rule in world] == [(443, 443)]


def test_lambda_joins_the_network_with_the_role_and_the_code_cannot(recorder: Recorder) -> None:
    made(recorder, network=network())
    statements = {one["Sid"]: one for one in recorder.named(f"{NAME}-policy").policy()["Statement"]}
    joins, denies = statements["JoinTheNetwork"], statements["OnlyLambdaItself"]
    assert joins["Action"] == denies["Action"]
    assert (denies["Effect"], denies["Condition"]) == ("Deny", {"ArnEquals": {"lambda:SourceFunctionArn": [ARN]}})


# --- Work that nobody waits for --------------------------------------------------------------------------------------


def test_a_call_that_keeps_failing_is_tried_again_and_then_kept(recorder: Recorder) -> None:
    made(recorder, retries=1, max_age_seconds=600)
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-dead-letters"
    assert recorder.one("function:Function").inputs["deadLetterConfig"] == {"targetArn": dead}
    assert recorder.named(f"{NAME}-dead-letters").inputs["messageRetentionSeconds"] == 14 * 24 * 3600
    again = recorder.one(":FunctionEventInvokeConfig").inputs
    assert (again["qualifier"], again["maximumRetryAttempts"], again["maximumEventAgeInSeconds"]) == ("live", 1, 600)


@pytest.mark.covers("B6")
def test_a_queue_is_worked_through_by_the_alias_and_only_what_failed_comes_again(recorder: Recorder) -> None:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:wiki-dev-jobs"
    made(
        recorder,
        lambda it: it.consume(
            Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=30)), QueueSource(batch_size=5)
        ),
    )
    source = recorder.one(":EventSourceMapping")
    assert (source.inputs["functionName"], source.inputs["eventSourceArn"]) == (LIVE, queue)
    assert source.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source.inputs["batchSize"] == 5
    assert may(recorder, "sqs:DeleteMessage", queue)
    assert not may(recorder, "sqs:SendMessage", queue)
    assert recorder.named(f"wiki-dev-jobs-consume-for-{NAME}-role").urn in source.dependencies


TABLE = TableArgs(attributes={"id": "S"}, hash_key="id", stream="both")
TABLE_KEY = ExistingKey(arn="arn:aws:kms:::key/1")


def test_changes_of_a_table_are_followed_in_halves_and_what_is_given_up_is_kept(recorder: Recorder) -> None:
    source = StreamSource(filters=[{"eventName": ["INSERT"]}], retries=3)
    made(recorder, lambda it: it.subscribe(Table("wiki-dev-items", TABLE, key=TABLE_KEY), "items", source))
    mapping = recorder.named(f"{NAME}-items-changes")
    given = mapping.inputs
    assert given["bisectBatchOnFunctionError"] is True
    assert given["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (given["maximumRetryAttempts"], given["startingPosition"]) == (3, "LATEST")
    assert [json.loads(one["pattern"]) for one in given["filterCriteria"]["filters"]] == [{"eventName": ["INSERT"]}]
    dead = recorder.named(f"{NAME}-dead-letters")
    assert given["destinationConfig"]["onFailure"]["destinationArn"].endswith(dead.name)
    assert given["functionName"] == LIVE
    granted = recorder.named(f"wiki-dev-items-stream-read-for-{NAME}-role")
    assert granted.urn in mapping.dependencies
    assert {action for one in granted.policy()["Statement"] for action in listed(one["Action"])} == {
        "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
        "kms:Decrypt", "kms:DescribeKey",
    }  # fmt: skip


def test_somebody_hears_when_changes_come_late_and_only_of_a_function_that_follows_some(recorder: Recorder) -> None:
    def build(it: Function) -> None:
        it.subscribe(Table("wiki-dev-items", TABLE, key=TABLE_KEY), "items")
        it.alarms(TOPICS)

    made(recorder, build)
    alarm = recorder.named(f"{NAME}-late-alarm").inputs
    assert (alarm["metricName"], alarm["threshold"]) == ("IteratorAge", 900_000)


def test_a_function_that_follows_nothing_has_no_such_alarm(recorder: Recorder) -> None:
    made(recorder, lambda it: it.alarms(TOPICS))
    assert not [one for one in recorder.of(":MetricAlarm") if one.inputs.get("metricName") == "IteratorAge"]


def test_a_table_without_a_stream_cannot_be_followed(recorder: Recorder) -> None:
    still = TableArgs(attributes={"id": "S"}, hash_key="id")
    with pytest.raises(ArgumentError, match="stream"):
        made(recorder, lambda it: it.subscribe(Table("wiki-dev-items", still), "items"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"batch_size": 0}, "use 1 to 10000"),
        ({"batch_size": 1001}, "window_seconds: 0 is too short"),
        ({"window_seconds": 301}, "use 0 to 300"),
        ({"at_a_time": 11}, "use 1 to 10"),
        ({"retries": -1}, "use 0 to 10000"),
        ({"max_age_seconds": 86_401}, "use 60 to 86400"),
        ({"filters": [{"event": ["INSERT"]}]}, "filters: 'event' fits no change"),
        ({"filters": [{"eventName": ["INSERT"]}] * 6}, "are too many; Lambda takes 5"),
    ],
)
def test_changes_are_not_followed_in_ways_that_lambda_does_not_know(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        StreamSource(**given)


@pytest.mark.parametrize(
    ("queue", "consume", "field", "part"),
    [
        ({"consumer_timeout_seconds": 10}, {}, "timeout_seconds", "needs a visibility timeout of at least 180 s"),
        ({"consumer_timeout_seconds": 30}, {"batch_size": 0}, "batch_size", "use 1 to 10000"),
        (
            {"consumer_timeout_seconds": 30, "fifo": True},
            {"batch_size": 11, "window_seconds": 1},
            "batch_size",
            "use 1 to 10",
        ),
        ({"consumer_timeout_seconds": 30}, {"batch_size": 11}, "window_seconds", "more than 10 need 1 or more"),
        ({"consumer_timeout_seconds": 30}, {"window_seconds": 301}, "window_seconds", "use 0 to 300"),
    ],
)
def test_a_queue_that_does_not_fit_is_refused(
    queue: dict[str, Any], consume: dict[str, Any], field: str, part: str, recorder: Recorder
) -> None:
    with pytest.raises(ArgumentError) as refused:
        made(recorder, lambda it: it.consume(Queue("wiki-dev-jobs", QueueArgs(**queue)), QueueSource(**consume)))
    assert refused.value.field == field
    assert part in refused.value.reason


# --- How calls move to a new version ---------------------------------------------------------------------------------


@pytest.mark.covers("C7")
def test_calls_move_at_once_or_a_share_first_and_back_when_one_fails(recorder: Recorder) -> None:
    made(recorder, shift="canary10Percent5Minutes", provisioned_concurrency=1)
    group = recorder.one(":DeploymentGroup").inputs
    assert recorder.one("codedeploy/application:Application").inputs["computePlatform"] == "Lambda"
    assert group["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["deploymentStyle"] == {"deploymentOption": "WITH_TRAFFIC_CONTROL", "deploymentType": "BLUE_GREEN"}
    alarm = recorder.named(f"{NAME}-rollback-alarm").inputs
    assert (alarm["metricName"], alarm["threshold"], alarm["evaluationPeriods"]) == ("Errors", 0, 1)
    assert alarm["dimensions"] == {"FunctionName": NAME, "Resource": f"{NAME}:live"}
    assert group["autoRollbackConfiguration"]["enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["autoRollbackConfiguration"]["events"]
    # An update must not take back what CodeDeploy has moved; copies are kept started wherever the alias points.
    assert recorder.one(":Alias").ignore_changes == ["functionVersion", "routingConfig"]
    assert recorder.one(":ProvisionedConcurrencyConfig").inputs["qualifier"] == "live"


@pytest.mark.covers("C7")
def test_the_alarm_that_stops_a_deployment_is_that_of_the_group(recorder: Recorder) -> None:
    watched: list[Any] = []
    transform = {
        "rollback_alarm": lambda given: {**given, "name": "rolls-back"},
        "shift_group": lambda given: watched.append(given["alarm_configuration"]) or given,
    }
    made(recorder, shift="linear10PercentEvery1Minute", transform=transform)
    assert watched
    assert recorder.one(":DeploymentGroup").inputs["alarmConfiguration"] == {
        "alarms": ["rolls-back"], "enabled": True, "ignorePollAlarmFailure": False,
    }  # fmt: skip


def test_codedeploy_moves_this_alias_and_nothing_else(recorder: Recorder) -> None:
    made(recorder, shift="canary10Percent5Minutes")
    policy, trust = recorder.named(f"{NAME}-shift-policy").policy(), recorder.named(f"{NAME}-shift-role")
    assert allowed([policy], "lambda:UpdateAlias", ARN)
    assert not allowed([policy], "lambda:UpdateAlias", f"{ARN}-other")
    assert not allowed([policy], "lambda:UpdateFunctionCode", ARN)
    [assumed] = json.loads(trust.inputs["assumeRolePolicy"])["Statement"]
    assert assumed["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    group = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:{NAME}/{NAME}"
    assert assumed["Condition"]["ArnLike"] == {"aws:SourceArn": group}


def test_without_a_shift_the_alias_follows_each_update(recorder: Recorder) -> None:
    made(recorder)
    assert recorder.one(":Alias").ignore_changes == []
    assert not recorder.of(":DeploymentGroup")


# --- Who is told -----------------------------------------------------------------------------------------------------


@pytest.mark.covers("C10")
def test_alarms_watch_the_calls_of_the_alias(recorder: Recorder) -> None:
    made(recorder, lambda it: it.alarms(TOPICS), timeout_seconds=20, provisioned_concurrency=1)
    alarms = {alarm.name.removeprefix(f"{NAME}-"): alarm.inputs for alarm in recorder.of(":MetricAlarm")}
    assert set(alarms) == {
        "errors-alarm", "throttles-alarm", "duration-alarm", "spill-over-alarm", "dead-letters-alarm",
    }  # fmt: skip
    at = {"FunctionName": NAME, "Resource": f"{NAME}:live"}
    assert alarms["throttles-alarm"]["dimensions"] == alarms["duration-alarm"]["dimensions"] == at
    assert alarms["duration-alarm"]["threshold"] == 16_000
    errors = {query["id"]: query for query in alarms["errors-alarm"]["metricQueries"]}
    assert errors["result"]["expression"] == "100 * failed / calls"
    assert alarms["errors-alarm"]["threshold"] == 1
    assert errors["failed"]["metric"]["dimensions"] == at
    assert alarms["errors-alarm"]["alarmActions"] == [TOPICS.critical]


# --- What is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field", "part"),
    [
        ({"memory_mib": 127}, "memory_mib", "use 128 to 10240 MiB"),
        ({"memory_mib": 10241}, "memory_mib", "use 128 to 10240 MiB"),
        ({"timeout_seconds": 0}, "timeout_seconds", "use 1 to 900 seconds"),
        ({"timeout_seconds": 901}, "timeout_seconds", "use 1 to 900 seconds"),
        ({"alias": "$LATEST", "provisioned_concurrency": 1}, "alias", "published version; use 'live'"),
        ({"alias": "7"}, "alias", "not a number"),
        ({"provisioned_concurrency": -1}, "provisioned_concurrency", "use 0 to 100000"),
        ({"reserved_concurrency": 0}, "reserved_concurrency", "use 1 to 100000"),
        ({"reserved_concurrency": 1, "provisioned_concurrency": 2}, "provisioned_concurrency", "than the reserved"),
        ({"retries": 3}, "retries", "use 0 to 2"),
        ({"max_age_seconds": 59}, "max_age_seconds", "use 60 to 21600"),
        ({"internet": True}, "internet", "function in a network"),
        ({"environment": {"AWS_REGION": "x"}}, "environment", "set by Lambda itself"),
        ({"secrets": {"2ND": "x"}}, "environment", "beginning with a letter"),
        ({"environment": {"LONG": "x" * 4096}}, "environment", "Lambda takes 4096"),
        ({"handler": "handle"}, "handler", "write module.name"),
        ({"handler": "tiny.handler"}, "handler", "write tiny.handler.name, where name is one of again, handle"),
        ({"handler": "tiny.handlr.handle"}, "handler", "did you mean 'tiny.handler'?"),
        ({"handler": "tiny.handler.handel"}, "handler", "did you mean 'handle'?"),
        ({"handler": "tiny.handler.loads"}, "handler", "is not defined in tiny/handler.py"),
    ],
)  # fmt: skip
def test_what_lambda_would_not_take_is_refused(
    given: dict[str, Any], field: str, part: str, recorder: Recorder
) -> None:
    with pytest.raises(ArgumentError) as refused:
        made(recorder, **given)
    assert refused.value.field == field
    assert part in refused.value.reason


@pytest.mark.parametrize("handler", ["tiny.handler.handle", "tiny.handler.again", "tiny.handler.late"])
def test_whatever_a_module_defines_may_be_a_handler(handler: str, recorder: Recorder) -> None:
    assert made(recorder, handler=handler).one("function:Function").inputs["handler"] == handler


def test_a_handler_is_looked_for_without_running_the_code(recorder: Recorder) -> None:
    code = zipped("dangerous", danger="raise SystemExit('was run')\n\ndef handle(event, context): ...\n")
    package = Package(code=code, runtime="python3.13", architecture="arm64")
    made(recorder, package=package, handler="danger.handle")


def test_a_layer_over_the_limits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = tmp_path / "layer.zip"
    with large.open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    code = tiny_package().code
    with pytest.raises(ArgumentError, match=r"layer: .*51\.0 MiB, and Lambda takes 50 MiB zipped"):
        Package(code=code, layer=large, runtime="python3.13", architecture="arm64")
    monkeypatch.setattr(package_, "MOST_UNZIPPED", 10)
    with pytest.raises(ArgumentError, match="MiB unzipped, and Lambda has room for"):
        Package(code=code, runtime="python3.13", architecture="arm64")


def test_what_is_private_is_not_reached_from_outside_of_a_network(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="is needed to reach the database"):
        made(recorder, lambda it: it.allow_to("sg-database", 5432, "database"))
