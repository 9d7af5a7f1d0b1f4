"""Applications whose surroundings AWS makes: what they may do, reach and be told, and what AWS makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.alarms import AlarmTopics
from components.compute.access import Secret
from components.compute.app_runner_args import AppRunnerServiceArgs
from components.compute.app_runner_service import AppRunnerService
from components.compute.express_args import ExpressServiceArgs
from components.compute.express_service import ExpressService
from components.compute.live_image import Image
from components.errors import ArgumentError
from tests.components.test_service import KEY, SECRET, cluster, network
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed

NAME = "wiki-dev-simple"
URI = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/api:1.0.0"
PUBLIC = ["subnet-public-a", "subnet-public-c"]


def express(**changes: Any) -> ExpressService:
    joins = {
        "cluster": cluster(),
        "network": network(public_subnet_ids=PUBLIC),
        "image": Image(uri=URI),
        **{name: changes.pop(name) for name in ("network", "image", "environment", "secrets") if name in changes},
    }
    return ExpressService(NAME, ExpressServiceArgs(**changes), logs_key=KEY, **joins)


def runner(**changes: Any) -> AppRunnerService:
    joins = {
        "image": Image(uri=URI),
        **{name: changes.pop(name) for name in ("network", "image", "environment", "secrets") if name in changes},
    }
    return AppRunnerService(NAME, AppRunnerServiceArgs(**changes), key=KEY, **joins)


def policy(recorder: Recorder, of: str) -> dict[str, Any]:
    return recorder.named(f"{NAME}-{of}-policy").policy()


# --- ECS Express Mode ------------------------------------------------------------------------------------------------


@pytest.mark.covers("B6")
def test_an_express_service_stands_in_the_public_subnets_in_a_closed_group_of_its_own(recorder: Recorder) -> None:
    recorder.run(lambda: express() and None)
    (placed,) = recorder.one(":ExpressGatewayService").inputs["networkConfigurations"]
    assert placed == {"subnets": PUBLIC, "securityGroups": [f"{NAME}-security-group-id"]}
    # ECS lets its load balancer in by a group of its own.
    assert recorder.of(":SecurityGroupIngressRule") == []
    to = {
        one.inputs.get("referencedSecurityGroupId") or one.inputs.get("prefixListId")
        for one in recorder.of(":SecurityGroupEgressRule")
    }
    assert to == {"sg-endpoints", "pl-s3"}


@pytest.mark.covers("B6")
def test_its_roles_start_it_build_what_stands_before_it_and_may_do_no_more(recorder: Recorder) -> None:
    recorder.run(lambda: express(secrets={"TOKEN": Secret(arn=SECRET, key=KEY)}) and None)
    start, build = policy(recorder, "execution"), policy(recorder, "infrastructure")
    assert allowed([start], "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/api")
    assert not allowed([start], "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other")
    assert allowed([start], "secretsmanager:GetSecretValue", SECRET)
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/{NAME}/app:log-stream:task/Main/1"
    assert allowed([start], "logs:PutLogEvents", logs)
    assert not allowed([start], "logs:CreateLogGroup", logs)
    # Nothing before somebody grants it.
    task = recorder.named(f"{NAME}-task-role")
    assert [one for one in recorder.of(":RolePolicy") if one.inputs["role"] == f"{task.name}-id"] == []
    # What ECS has not made itself, by its tag, it neither changes nor deletes.
    changes = {
        action: statement.get("Condition", {})
        for statement in build["Statement"]
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
        if ":Delete" in action or ":Revoke" in action or ":Modify" in action
    }
    assert {"elasticloadbalancing:DeleteLoadBalancer", "ec2:DeleteSecurityGroup", "acm:DeleteCertificate"} <= set(
        changes
    )
    ours = {"StringEquals": {"aws:ResourceTag/AmazonECSManaged": "true"}}
    assert {action for action, condition in changes.items() if condition != ours} == {
        "application-autoscaling:DeleteScalingPolicy"
    }
    assert allowed([build], "ec2:CreateSecurityGroup", f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1")
    assert not allowed([build], "ec2:CreateSecurityGroup", f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-2")
    assert not allowed([build], "iam:PassRole", "*")


def test_it_waits_for_the_policies_of_its_roles_which_outlive_it(recorder: Recorder) -> None:
    """A service whose infrastructure role has lost its policy drains for ever."""
    recorder.run(lambda: express() and None)
    urns = {recorder.named(f"{NAME}-{role}-policy").urn for role in ("execution", "infrastructure")}
    service = recorder.one(":ExpressGatewayService")
    assert urns <= set(service.dependencies)
    # The provider would only seem to move it to another cluster, and a cluster has its name once.
    assert (service.replace_on_changes, service.deleted_first) == (["cluster"], True)


def test_its_container_is_told_and_scaled_as_its_arguments_say(recorder: Recorder) -> None:
    recorder.run(
        lambda: (
            express(
                port=9000,
                command=["serve"],
                environment={"B": "2"},
                secrets={"TOKEN": Secret(arn=SECRET)},
                scaling={"minimum": 2, "maximum": 6, "measure": "requests", "target": 300},
            )
            and None
        )
    )
    inputs = recorder.one(":ExpressGatewayService").inputs
    container = inputs["primaryContainer"]
    assert (container["image"], container["containerPort"], container["commands"]) == (URI, 9000, ["serve"])
    assert container["environments"] == [{"name": "B", "value": "2"}]
    assert container["secrets"] == [{"name": "TOKEN", "valueFrom": SECRET}]
    group = recorder.one(":LogGroup")
    assert container["awsLogsConfigurations"] == [{"logGroup": f"/ecs/{NAME}/app", "logStreamPrefix": "task"}]
    assert group.inputs["kmsKeyId"] == KEY.arn
    assert inputs["scalingTargets"] == [
        {
            "autoScalingMetric": "REQUEST_COUNT_PER_TARGET",
            "autoScalingTargetValue": 300,
            "minTaskCount": 2,
            "maxTaskCount": 6,
        }
    ]
    assert (inputs["cluster"], inputs["serviceName"]) == ("wiki-dev-cluster", NAME)


@pytest.mark.parametrize("there", [True, False])
def test_an_update_waits_for_its_tasks_once_there_is_an_image(recorder: Recorder, there: bool) -> None:
    recorder.run(lambda: express(image=Image(uri=URI, is_there=there)) and None)
    assert recorder.one(":ExpressGatewayService").inputs["waitForSteadyState"] is there


def test_it_answers_by_https_at_the_address_that_ecs_gives_it(recorder: Recorder) -> None:
    recorder.run(lambda: pulumi.export("url", express().url))
    assert recorder.outputs["url"] == f"https://{NAME}-express.ecs.{REGION}.on.aws"


def test_somebody_hears_of_missing_tasks_and_of_tasks_that_are_too_small(recorder: Recorder) -> None:
    recorder.run(lambda: express().alarms(AlarmTopics(critical="arn:critical", warning="arn:warning")) and None)
    told = {one.name.removeprefix(f"{NAME}-"): one.inputs["alarmActions"] for one in recorder.of(":MetricAlarm")}
    assert told == {"cpu-alarm": ["arn:warning"], "memory-alarm": ["arn:warning"], "tasks-alarm": ["arn:critical"]}


# --- App Runner ------------------------------------------------------------------------------------------------------


@pytest.mark.covers("B6")
def test_an_app_runner_service_is_encrypted_pulls_one_repository_and_deploys_only_by_an_update(
    recorder: Recorder,
) -> None:
    recorder.run(lambda: runner(secrets={"TOKEN": Secret(arn=SECRET, key=KEY)}, tracing=True) and None)
    inputs = recorder.one("apprunner/service:Service").inputs
    source = inputs["sourceConfiguration"]
    assert inputs["encryptionConfiguration"] == {"kmsKey": KEY.arn}
    assert source["autoDeploymentsEnabled"] is False
    assert source["imageRepository"]["imageRepositoryType"] == "ECR"
    assert source["imageRepository"]["imageConfiguration"]["runtimeEnvironmentSecrets"] == {"TOKEN": SECRET}
    assert (
        source["authenticationConfiguration"]["accessRoleArn"]
        == f"arn:aws:iam:{REGION}:{ACCOUNT}:Role/{NAME}-access-role"
    )
    pull, own = policy(recorder, "access"), policy(recorder, "instance")
    assert allowed([pull], "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/api")
    assert not allowed([pull], "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other")
    assert allowed([own], "secretsmanager:GetSecretValue", SECRET)
    assert allowed([own], "xray:PutTraceSegments", "*")
    assert not allowed([own], "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/api")
    assert inputs["observabilityConfiguration"]["observabilityEnabled"] is True
    trusted = {
        kind: recorder.named(f"{NAME}-{kind}-role").policy("assumeRolePolicy")["Statement"][0]["Principal"]["Service"]
        for kind in ("access", "instance")
    }
    assert trusted == {"access": "build.apprunner.amazonaws.com", "instance": "tasks.apprunner.amazonaws.com"}


def test_it_calls_into_the_network_only_where_it_is_given_one(recorder: Recorder) -> None:
    recorder.run(lambda: runner(network=network()).allow_to("sg-database", 5432, "database"))
    egress = recorder.one("apprunner/service:Service").inputs["networkConfiguration"]["egressConfiguration"]
    connector = recorder.one(":VpcConnector")
    assert egress == {
        "egressType": "VPC",
        "vpcConnectorArn": f"arn:aws:apprunner:{REGION}:{ACCOUNT}:VpcConnector/{NAME}-connector",
    }
    assert connector.inputs["subnets"] == ["subnet-a", "subnet-c"]
    rule = recorder.named(f"{NAME}-database-egress-rule").inputs
    assert (rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"]) == ("sg-database", 5432, 5432)


def test_without_a_network_it_has_no_connector_and_reaches_nothing_private(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="is needed to reach what is private"):
        recorder.run(lambda: runner().allow_to("sg-database", 5432, "database"))
    egress = recorder.one("apprunner/service:Service").inputs["networkConfiguration"]["egressConfiguration"]
    assert egress == {"egressType": "DEFAULT"}
    assert recorder.of(":VpcConnector") == []


def test_whoever_uses_app_runner_is_told_that_it_is_closed_and_what_comes_after_it(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: said.append(text))
    recorder.run(lambda: runner() and None)
    (warning,) = said
    assert "closed to new customers since 2026-04-30" in warning
    assert "ECS Express Mode (kind: express)" in warning


# --- What cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "key", "words"),
    [
        (lambda: ExpressServiceArgs(cpu=8192, memory=16384), "cpu", "use up to 4096"),
        (lambda: ExpressServiceArgs(cpu=4096, memory=16384), "memory", "use up to 8192"),
        (lambda: ExpressServiceArgs(cpu=256, memory=4096), "memory", "does not go with cpu 256"),
        (lambda: ExpressServiceArgs.model_validate({"scaling": {"minimum": 3}}), "scaling.maximum", "use 3 to 5000"),
        (lambda: ExpressServiceArgs.model_validate({"scaling": {"target": 300}}), "scaling.target", "use 1 to 100"),
        (lambda: AppRunnerServiceArgs(cpu=300), "cpu", "use one of 256, 512, 1024, 2048, 4096"),
        (lambda: AppRunnerServiceArgs(memory=2048), "memory", "use 512, 1024 MiB"),
        (
            lambda: AppRunnerServiceArgs(environment={"AWSAPPRUNNER_X": "1"}),
            "environment.AWSAPPRUNNER_X",
            "another name",
        ),
    ],
)
def test_what_aws_would_refuse_is_refused_by_its_argument(make: Callable[[], Any], key: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        make()
    assert key.rpartition(".")[2] in str(refused.value)


@pytest.mark.parametrize("make", [express, runner])
def test_a_name_is_told_once(make: Callable[..., Any], recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="is also in environment"):
        recorder.run(lambda: make(environment={"TOKEN": "x"}, secrets={"TOKEN": Secret(arn=SECRET)}) and None)
