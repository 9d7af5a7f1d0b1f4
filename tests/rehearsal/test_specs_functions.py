"""The specs of functions, on moto: what the inputs become in the account."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.problems import RehearsalError
from tests.functions import tiny_package
from tests.rehearsal.test_specs import REGION, TAGS, Cloud

ARN = f"arn:aws:lambda:{REGION}:123456789012:function:works"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def role(cloud: Cloud) -> str:
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ]}  # fmt: skip
    return cloud.make("aws:iam/role:Role", "works", name="works", assumeRolePolicy=json.dumps(trust)).outputs["arn"]


def function(cloud: Cloud, **more: Any) -> Any:
    given = {
        "name": "works", "role": role(cloud), "code": {"path": str(tiny_package().code)},
        "handler": "tiny.handler.handle", "runtime": "python3.13", "architectures": ["arm64"],
        "memorySize": 512.0, "timeout": 30.0, "publish": True, "tracingConfig": {"mode": "Active"},
        "environment": {"variables": {"WORD": "x"}},
        "loggingConfig": {"logFormat": "JSON", "logGroup": "/aws/lambda/works"},
        "deadLetterConfig": {"targetArn": f"arn:aws:sqs:{REGION}:123456789012:dead"}, **more,
    }  # fmt: skip
    return cloud.make("aws:lambda/function:Function", "works", **given)


def test_a_function_has_its_code_and_size_and_a_published_version(cloud: Cloud) -> None:
    made = function(cloud, reservedConcurrentExecutions=5.0, replaceSecurityGroupsOnDestroy=True)
    assert (made.outputs["arn"], made.outputs["version"], made.outputs["qualifiedArn"]) == (ARN, "1", f"{ARN}:1")
    assert made.outputs["invokeArn"].endswith(f"functions/{ARN}/invocations")
    assert made.left_out == ["replaceSecurityGroupsOnDestroy"]
    found = cloud.ask("lambda", "GetFunction", FunctionName="works")
    configuration = found["Configuration"]
    digest = base64.b64encode(hashlib.sha256(tiny_package().code.read_bytes()).digest()).decode()
    assert configuration["CodeSha256"] == digest
    assert (configuration["MemorySize"], configuration["Timeout"], configuration["Architectures"]) == (
        512,
        30,
        ["arm64"],
    )
    assert configuration["Environment"]["Variables"] == {"WORD": "x"}
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert found["Tags"] == TAGS
    versions = cloud.ask("lambda", "ListVersionsByFunction", FunctionName="works")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST", "1"]


def test_a_layer_is_published_and_used_by_its_version(cloud: Cloud) -> None:
    package = tiny_package(layer=True)
    layer = cloud.make(
        "aws:lambda/layerVersion:LayerVersion", layerName="libraries", code={"path": str(package.layer)},
        compatibleRuntimes=["python3.13"], compatibleArchitectures=["arm64"],
    )  # fmt: skip
    assert layer.outputs["arn"] == f"arn:aws:lambda:{REGION}:123456789012:layer:libraries:1"
    function(cloud, layers=[layer.outputs["arn"]])
    found = cloud.ask("lambda", "GetFunctionConfiguration", FunctionName="works")["Layers"]
    assert [one["Arn"] for one in found] == [layer.outputs["arn"]]


def test_the_alias_is_called_and_whoever_may_call_it_is_named_there(cloud: Cloud) -> None:
    function(cloud)
    alias = cloud.make("aws:lambda/alias:Alias", name="live", functionName="works", functionVersion="1")
    assert (alias.id, alias.outputs["arn"]) == (f"{ARN}:live", f"{ARN}:live")
    assert alias.outputs["invokeArn"].endswith(f"functions/{ARN}:live/invocations")
    source = f"arn:aws:execute-api:{REGION}:123456789012:abc/*"
    permission = cloud.make(
        "aws:lambda/permission:Permission", "gateway", function="works", qualifier="live", sourceArn=source,
        action="lambda:InvokeFunction", principal="apigateway.amazonaws.com", sourceAccount="123456789012",
        statementId="gateway-1234567",
    )  # fmt: skip
    policy = json.loads(cloud.ask("lambda", "GetPolicy", FunctionName="works", Qualifier="live")["Policy"])
    [statement] = policy["Statement"]
    assert statement["Sid"] == permission.id
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert statement["Condition"]["ArnLike"] == {"AWS:SourceArn": source}
    assert (
        cloud.ask("lambda", "Invoke", FunctionName="works", Qualifier="live", Payload=b'{"a": 1}')["StatusCode"] == 200
    )


def test_a_call_of_the_deployment_is_checked_and_not_made(cloud: Cloud) -> None:
    given = {"functionName": "works", "qualifier": "live", "input": "{}", "triggers": {"version": "1"}}
    made = cloud.make("aws:lambda/invocation:Invocation", **given)
    assert (made.status, made.id) == ("validated", "works_live")
    with pytest.raises(RehearsalError, match="FunctionName"):
        cloud.make("aws:lambda/invocation:Invocation", **{**given, "functionName": "no such name"})


def test_retries_belong_to_the_alias_and_provisioned_concurrency_is_only_checked(cloud: Cloud) -> None:
    function(cloud)
    cloud.make("aws:lambda/alias:Alias", name="live", functionName="works", functionVersion="1")
    cloud.make(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", functionName="works", qualifier="live",
        maximumRetryAttempts=1.0, maximumEventAgeInSeconds=600.0,
    )  # fmt: skip
    found = cloud.ask("lambda", "GetFunctionEventInvokeConfig", FunctionName="works", Qualifier="live")
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (1, 600)
    given = {"functionName": "works", "qualifier": "live", "provisionedConcurrentExecutions": 2.0}
    made = cloud.make("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", **given)
    assert made.status == "validated"
    with pytest.raises(RehearsalError, match="ProvisionedConcurrentExecutions"):
        cloud.make(
            "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
            **{**given, "provisionedConcurrentExecutions": 0.0},
        )


def test_a_queue_is_a_source_of_events_with_partial_answers(cloud: Cloud) -> None:
    function(cloud)
    cloud.make("aws:lambda/alias:Alias", name="live", functionName="works", functionVersion="1")
    queue = cloud.make("aws:sqs/queue:Queue", name="jobs", visibilityTimeoutSeconds=180.0)
    made = cloud.make(
        "aws:lambda/eventSourceMapping:EventSourceMapping", eventSourceArn=queue.outputs["arn"],
        functionName=f"{ARN}:live", batchSize=10.0, functionResponseTypes=["ReportBatchItemFailures"],
    )  # fmt: skip
    found = cloud.ask("lambda", "GetEventSourceMapping", UUID=made.id)
    assert found["EventSourceArn"] == queue.outputs["arn"]
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_changes_of_a_table_are_a_source_of_events_too(cloud: Cloud) -> None:
    function(cloud)
    cloud.make("aws:lambda/alias:Alias", name="live", functionName="works", functionVersion="1")
    dead = f"arn:aws:sqs:{REGION}:123456789012:dead"
    table = cloud.make(
        "aws:dynamodb/table:Table", name="items", billingMode="PAY_PER_REQUEST", hashKey="id",
        attributes=[{"name": "id", "type": "S"}], streamEnabled=True, streamViewType="NEW_IMAGE",
    )  # fmt: skip
    given = {
        "eventSourceArn": table.outputs["streamArn"], "functionName": f"{ARN}:live", "startingPosition": "LATEST",
        "bisectBatchOnFunctionError": True, "maximumRetryAttempts": 5.0, "maximumRecordAgeInSeconds": 3600.0,
        "parallelizationFactor": 1.0, "filterCriteria": {"filters": [{"pattern": '{"eventName": ["INSERT"]}'}]},
        "destinationConfig": {"onFailure": {"destinationArn": dead}},
    }  # fmt: skip
    made = cloud.make("aws:lambda/eventSourceMapping:EventSourceMapping", **given)
    found = cloud.ask("lambda", "GetEventSourceMapping", UUID=made.id)
    assert found["EventSourceArn"] == table.outputs["streamArn"]
    with pytest.raises(RehearsalError, match="onFailure"):
        cloud.make(
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            **{**given, "destinationConfig": {"onFailures": {"destinationArn": dead}}},
        )
    with pytest.raises(RehearsalError, match="OLDEST"):
        cloud.make("aws:lambda/eventSourceMapping:EventSourceMapping", **{**given, "startingPosition": "OLDEST"})


def test_code_that_does_not_exist_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match=r"code: /nowhere\.zip does not exist"):
        function(cloud, code={"path": "/nowhere.zip"})


def test_a_deployment_group_watches_its_alarms_and_goes_back(cloud: Cloud) -> None:
    made = cloud.make("aws:codedeploy/application:Application", name="works", computePlatform="Lambda")
    assert made.outputs["arn"] == f"arn:aws:codedeploy:{REGION}:123456789012:application:works"
    group = cloud.make(
        "aws:codedeploy/deploymentGroup:DeploymentGroup", appName="works", deploymentGroupName="works",
        serviceRoleArn=role(cloud), deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
        deploymentStyle={"deploymentOption": "WITH_TRAFFIC_CONTROL", "deploymentType": "BLUE_GREEN"},
        alarmConfiguration={"enabled": True, "alarms": ["errors"], "ignorePollAlarmFailure": False},
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_STOP_ON_ALARM"]},
    )  # fmt: skip
    assert group.outputs["arn"].endswith(":deploymentgroup:works/works")
    asked = {"applicationName": "works", "deploymentGroupName": "works"}
    found = cloud.ask("codedeploy", "GetDeploymentGroup", **asked)["deploymentGroupInfo"]
    # Its alarms moto takes as AWS does, as objects with names, and forgets.
    assert found["autoRollbackConfiguration"]["events"] == ["DEPLOYMENT_STOP_ON_ALARM"]
    assert found["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
