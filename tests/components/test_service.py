"""A service: who reaches it, what it reaches, what it may do, how it is deployed and scaled."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from components.alarms import AlarmTopics
from components.compute.access import Secret
from components.compute.cluster import Cluster, ClusterArgs
from components.compute.live_image import Image
from components.compute.load_balancer_target import LoadBalancerTarget
from components.compute.log_router import LogRouter, LogRouterArgs
from components.compute.repository import Repository, RepositoryArgs
from components.compute.scaling import Scaling
from components.compute.service import Service
from components.compute.service_args import ServiceArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.network.network import ExistingNetwork
from tests.conftest import ACCOUNT, REGION, ROOT, Recorder

NAME = "wiki-dev-api"
SECRET = "arn:aws:secretsmanager:::secret:shop-abcdef"  # noqa: S105 a name


def network(**changes: Any) -> ExistingNetwork:
    given: dict[str, Any] = {
        "vpc_id": "vpc-1",
        "cidr": "10.0.0.0/16",
        "public_subnet_ids": ["subnet-public"],
        "private_subnet_ids": ["subnet-a", "subnet-c"],
        "isolated_subnet_ids": [],
        "endpoint_security_group_id": "sg-endpoints",
        "s3_prefix_list_id": "pl-s3",
        **changes,
    }
    outputs: Any = {key: None if value is None else pulumi.Output.from_input(value) for key, value in given.items()}
    return ExistingNetwork(**outputs)


KEY = ExistingKey(arn="arn:aws:kms:::key/data")


def load_balancer(origin_secret: str | None = None) -> Any:
    return SimpleNamespace(
        listener_arn="arn:aws:elasticloadbalancing:::listener/app/web/1/2",
        security_group_id="sg-balancer",
        arn_suffix="app/web/1",
        origin_secret=origin_secret,
    )


def cluster(args: ClusterArgs | None = None) -> Any:
    """One whose name and ARN are known."""
    arn = "arn:aws:ecs:::cluster/wiki-dev-cluster"
    return SimpleNamespace(name="wiki-dev-cluster", arn=arn, args=args or ClusterArgs())


def args(**changes: Any) -> ServiceArgs:
    return ServiceArgs(**{"cpu": 256, "memory": 512, "port": 8000, "traffic": {}, **changes})


def bucket(name: str) -> Any:
    return SimpleNamespace(name=name, arn=f"arn:aws:s3:::{name}")


def router(**changes: Any) -> LogRouter:
    files = ROOT / "workloads" / "log-router"
    return LogRouter(
        "wiki-dev-log-router",
        LogRouterArgs(**changes),
        files=files,
        bucket=bucket("config"),
        archive=bucket("archive"),
        key=KEY,
    )


JOINS = ("user_pool", "network", "image", "secrets", "log_name", "queue", "cluster", "load_balancer")


def service(*, routed: bool = False, **changes: Any) -> Service:
    joins = {
        "cluster": cluster(),
        "network": network(),
        "image": Image(uri=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/api:1.0.0"),
        "load_balancer": load_balancer(),
        **{name: changes.pop(name) for name in JOINS if name in changes},
    }
    return Service(NAME, args(**changes), log_router=router() if routed else None, **joins)


def make(recorder: Recorder, **changes: Any) -> Recorder:
    return recorder.run(lambda: service(**changes) and None)


def containers(recorder: Recorder) -> dict[str, dict[str, Any]]:
    definition = recorder.one(":TaskDefinition").inputs["containerDefinitions"]
    assert ": null" not in definition
    return {one["name"]: one for one in json.loads(definition)}


def allowed(recorder: Recorder, policy: str) -> dict[str, Any]:
    """Action → resource of every statement of a policy."""
    statements = recorder.named(f"{NAME}-{policy}-policy").policy()["Statement"]
    return {
        action: one["Resource"]
        for one in statements
        for action in (one["Action"] if isinstance(one["Action"], list) else [one["Action"]])
    }


def pool(*clients: str) -> Any:
    issuer = pulumi.Output.from_input(f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_1")
    return SimpleNamespace(issuer=issuer, client_ids={each: pulumi.Output.from_input(f"id-{each}") for each in clients})


# --- Connections ------------------------------------------------------------------------------------------------------


def test_only_the_load_balancer_reaches_the_tasks_and_only_their_port(recorder: Recorder) -> None:
    make(recorder)
    rule = recorder.one(":SecurityGroupIngressRule").inputs
    assert rule["securityGroupId"] == f"{NAME}-security-group-id"
    assert rule["referencedSecurityGroupId"] == "sg-balancer"
    assert (rule["fromPort"], rule["toPort"], rule["ipProtocol"]) == (8000, 8000, "tcp")


SIGNED_IN = {"signed_in": True, "public": {"priority": 90, "paths": ["/health"]}}


def test_the_load_balancer_lets_in_access_tokens_of_the_pools_client_and_asks_nothing_at_public_paths(
    recorder: Recorder,
) -> None:
    make(recorder, traffic=SIGNED_IN, user_pool=pool("web"))
    rules = {one.inputs["priority"]: one.inputs for one in recorder.of(":ListenerRule")}
    assert list(rules) == [100, 90]
    judges, forwards = rules[100]["actions"]
    assert [judges["type"], judges["order"], forwards["type"], forwards["order"]] == ["jwt-validation", 1, "forward", 2]
    issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_1"
    told = judges["jwtValidation"]
    assert (told["issuer"], told["jwksEndpoint"]) == (issuer, f"{issuer}/.well-known/jwks.json")
    assert {one["name"]: (one["format"], one["values"]) for one in told["additionalClaims"]} == {
        "token_use": ("single-string", ["access"]), "client_id": ("single-string", ["id-web"]),
    }  # fmt: skip
    assert [one["type"] for one in rules[90]["actions"]] == ["forward"]
    assert rules[90]["conditions"] == [{"pathPattern": {"values": ["/health"]}}]


def test_without_signed_in_a_user_pool_changes_nothing(recorder: Recorder) -> None:
    make(recorder, user_pool=pool("web"))
    assert [one["type"] for one in recorder.one(":ListenerRule").inputs["actions"]] == ["forward"]


@pytest.mark.parametrize(
    ("changes", "clients", "field"),
    [
        ({}, (), "traffic.signed_in"),
        ({}, ("web", "app"), "traffic.signed_in"),
        ({"deployment": "blueGreen"}, ("web",), "deployment"),
        ({"deployment": "canary"}, ("web",), "deployment"),
        ({"traffic": {**SIGNED_IN, "signed_in": False}}, ("web",), "traffic.public"),
        ({"traffic": {**SIGNED_IN, "priority": 90}}, ("web",), "traffic.public.priority"),
        ({"traffic": {**SIGNED_IN, "public": {"priority": 90, "paths": ["/*"]}}}, ("web",), "traffic.public.paths"),
    ],
)
def test_tokens_that_no_load_balancer_judges_are_refused(
    recorder: Recorder, changes: dict[str, Any], clients: tuple[str, ...], field: str
) -> None:
    def program() -> None:
        with pytest.raises(ArgumentError) as refused:
            service(**{"traffic": SIGNED_IN, "user_pool": pool(*clients), **changes})
        assert refused.value.field == field

    recorder.run(program)


def test_the_tasks_call_the_endpoints_and_s3_and_nothing_else(recorder: Recorder) -> None:
    make(recorder)
    rules = [one.inputs for one in recorder.of(":SecurityGroupEgressRule")]
    out = [one for one in rules if one["securityGroupId"] == f"{NAME}-security-group-id"]
    assert {(one["fromPort"], one["toPort"]) for one in out} == {(443, 443)}
    to = {one.get("referencedSecurityGroupId") or one.get("prefixListId") or one.get("cidrIpv4") for one in out}
    assert to == {"sg-endpoints", "pl-s3"}
    (balancer,) = [one for one in rules if one["securityGroupId"] == "sg-balancer"]
    assert balancer["referencedSecurityGroupId"] == f"{NAME}-security-group-id"
    assert balancer["fromPort"] == balancer["toPort"] == 8000


def test_a_port_of_another_group_is_opened_by_request(recorder: Recorder) -> None:
    recorder.run(lambda: service().allow_to("sg-database", 5432, "database"))
    rule = recorder.named(f"{NAME}-database-egress-rule").inputs
    assert (rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"]) == ("sg-database", 5432, 5432)


def test_without_endpoints_aws_is_reached_by_nat(recorder: Recorder) -> None:
    make(recorder, network=network(endpoint_security_group_id=None))
    assert recorder.named(f"{NAME}-internet-egress-rule").inputs["cidrIpv4"] == "0.0.0.0/0"


def test_tasks_stand_in_every_private_subnet_without_public_addresses(recorder: Recorder) -> None:
    make(recorder)
    inputs = recorder.one("service:Service").inputs
    placed = inputs["networkConfiguration"]
    assert placed["subnets"] == ["subnet-a", "subnet-c"]
    assert placed["assignPublicIp"] is False
    assert placed["securityGroups"] == [f"{NAME}-security-group-id"]
    assert inputs["availabilityZoneRebalancing"] == "ENABLED"


# --- Permissions ------------------------------------------------------------------------------------------------------


def test_the_execution_role_starts_the_task_and_can_do_nothing_more(recorder: Recorder) -> None:
    secrets = {"TOKEN": Secret(arn=SECRET, json_key="token", key=KEY)}
    make(recorder, routed=True, secrets=secrets)
    repositories = [
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/api",
        f"arn:aws:ecr:{REGION}:906394416424:repository/aws-for-fluent-bit",
    ]
    own = recorder.named(f"{NAME}-log-router-log-group")
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{own.inputs['name']}:*"
    assert allowed(recorder, "execution") == {
        "ecr:GetAuthorizationToken": "*",
        "ecr:BatchCheckLayerAvailability": repositories,
        "ecr:BatchGetImage": repositories,
        "ecr:GetDownloadUrlForLayer": repositories,
        "logs:CreateLogStream": logs,
        "logs:PutLogEvents": logs,
        "secretsmanager:GetSecretValue": [SECRET],
        "kms:Decrypt": ["arn:aws:kms:::key/data"],
    }


def test_the_keys_of_secrets_serve_for_nothing_but_secrets_from_their_own_store(recorder: Recorder) -> None:
    other = ExistingKey(arn="arn:aws:kms:::key/parameters")
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/wiki/dev/plain"
    kept = {"TOKEN": Secret(arn=SECRET, key=KEY), "PLAIN": Secret(arn=parameter, store="ssm", key=other)}
    make(recorder, secrets=kept)
    statements = recorder.named(f"{NAME}-execution-policy").policy()["Statement"]
    found = {one["Resource"][0]: one["Condition"] for one in statements if one["Action"] == "kms:Decrypt"}
    assert found == {
        KEY.arn: {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}},
        other.arn: {"StringEquals": {"kms:ViaService": f"ssm.{REGION}.amazonaws.com"}},
    }


@pytest.mark.covers("A7")
def test_the_task_role_routes_its_own_log_and_can_do_nothing_more(recorder: Recorder) -> None:
    make(recorder, routed=True, log_name="api")
    groups = [
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{recorder.named(f'{NAME}-{what}-log-group').inputs['name']}:*"
        for what in ("errors", "metrics")
    ]
    files = [f"arn:aws:s3:::config/{one.inputs['key']}" for one in recorder.of(":BucketObjectv2")]
    assert len(files) == 2
    statements = recorder.named(f"{NAME}-task-policy").policy()["Statement"]
    written = [one for one in statements if "logs:PutLogEvents" in one["Action"]]
    assert [one["Resource"] for one in written] == groups
    assert all(sorted(one["Action"]) == ["logs:CreateLogStream", "logs:PutLogEvents"] for one in written)
    found = allowed(recorder, "task")
    del found["logs:CreateLogStream"], found["logs:PutLogEvents"]
    assert sorted(found.pop("s3:GetObject")) == sorted(files)
    assert found == {
        "s3:GetBucketLocation": "arn:aws:s3:::config",
        "s3:PutObject": "arn:aws:s3:::archive/app-logs/service=api/*",
        "kms:Decrypt": "arn:aws:kms:::key/data",
        "kms:DescribeKey": "arn:aws:kms:::key/data",
    }


def test_the_two_roles_are_two_and_ecs_assumes_them_for_this_account_only(recorder: Recorder) -> None:
    make(recorder)
    definition = recorder.one(":TaskDefinition").inputs
    assert definition["taskRoleArn"] != definition["executionRoleArn"]
    for role in recorder.of("iam/role:Role"):
        (trust,) = role.policy("assumeRolePolicy")["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_a_shell_is_opened_only_where_it_is_wanted(recorder: Recorder) -> None:
    make(recorder, shell_access=True)
    assert recorder.one("service:Service").inputs["enableExecuteCommand"] is True
    assert {action.partition(":")[0] for action in allowed(recorder, "task")} == {"ssmmessages"}


# --- The task ---------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A7")
def test_the_log_router_stands_beside_the_application(recorder: Recorder) -> None:
    make(recorder, routed=True, log_name="api")
    found = containers(recorder)
    sidecar, app = found["log-router"], found["app"]
    assert (sidecar["cpu"], sidecar["memory"], sidecar["essential"]) == (50, 128, True)
    assert (app["cpu"], app["memory"]) == (256 - 50, 512 - 128)
    assert sidecar["firelensConfiguration"]["type"] == "fluentbit"
    # The 2.x line gives S3 up after seconds.
    assert sidecar["image"].startswith(f"906394416424.dkr.ecr.{REGION}.amazonaws.com/aws-for-fluent-bit:init-3.")
    assert sidecar["user"] == "10001:10001"
    assert sidecar["entryPoint"][:2] == ["/bin/bash", "-c"]
    assert sidecar["entryPoint"][2] == (ROOT / "workloads" / "log-router" / "run.sh").read_text(encoding="utf-8")
    assert sidecar["command"] == ["/init/fluent_bit_init_entrypoint.sh"]
    assert app["logConfiguration"]["logDriver"] == "awsfirelens"
    assert app["dependsOn"] == [{"containerName": "log-router", "condition": "START"}]
    environment = {one["name"]: one["value"] for one in sidecar["environment"]}
    assert environment["SERVICE"] == "api"
    assert environment["LOG_BUCKET"] == "archive"
    assert environment["ERROR_LOG_GROUP"] == f"/ecs/{NAME}/errors"
    assert environment["METRICS_LOG_GROUP"] == f"/ecs/{NAME}/metrics"
    fetched = {value for name, value in environment.items() if name.startswith("aws_fluent_bit_init_s3_")}
    assert fetched == {f"arn:aws:s3:::config/{one.inputs['key']}" for one in recorder.of(":BucketObjectv2")}


def test_the_routers_files_stay_for_old_revisions_and_change_their_key_with_their_content(recorder: Recorder) -> None:
    make(recorder, routed=True)
    for one in recorder.of(":BucketObjectv2"):
        digest = hashlib.sha256(one.inputs["content"].encode()).hexdigest()
        assert one.inputs["key"].split("/")[:2] == ["log-router", digest[:16]]
        assert one.retained


def test_the_application_is_not_root_cannot_write_its_root_and_has_time_to_stop(recorder: Recorder) -> None:
    make(recorder, environment={"B": "2", "A": "1"}, secrets={"T": Secret(arn=SECRET, json_key="t")})
    app = containers(recorder)["app"]
    assert app["user"] == "10001:10001"
    assert app["readonlyRootFilesystem"] is True
    assert app["stopTimeout"] == 120
    assert app["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert app["secrets"] == [{"name": "T", "valueFrom": f"{SECRET}:t::"}]
    assert app["mountPoints"] == [{"containerPath": "/tmp", "readOnly": False, "sourceVolume": "tmp"}]  # noqa: S108
    assert "privileged" not in app


# --- Deployment -------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A3")
def test_a_failing_deployment_rolls_back_and_old_revisions_are_kept(recorder: Recorder) -> None:
    make(recorder)
    inputs = recorder.one("service:Service").inputs
    assert inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert (inputs["deploymentMinimumHealthyPercent"], inputs["deploymentMaximumPercent"]) == (100, 200)
    assert inputs["deploymentConfiguration"]["strategy"] == "ROLLING"
    assert inputs["waitForSteadyState"] is True
    assert recorder.one(":TaskDefinition").inputs["skipDestroy"] is True


def test_the_service_waits_for_the_listeners_rule_and_its_permissions(recorder: Recorder) -> None:
    make(recorder, routed=True)
    waits = {urn.rpartition("::")[2] for urn in recorder.one("service:Service").dependencies}
    assert {f"{NAME}-listener-rule", f"{NAME}-execution-policy", f"{NAME}-task-policy"} <= waits


@pytest.mark.covers("D15")
@pytest.mark.covers("D15")
def test_a_workers_new_tasks_stand_beside_the_old_ones_while_they_bake(recorder: Recorder) -> None:
    make(recorder, traffic=None, deployment="blueGreen", bake_minutes=15)
    service = recorder.one("ecs/service:Service").inputs
    assert service["deploymentConfiguration"] == {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "15"}
    assert service["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert recorder.of(":TargetGroup") == []
    assert "loadBalancers" not in service


@pytest.mark.parametrize(("deployment", "strategy"), [("blueGreen", "BLUE_GREEN"), ("canary", "CANARY")])
def test_requests_are_shifted_between_two_target_groups_by_ecs(
    deployment: str, strategy: str, recorder: Recorder
) -> None:
    make(recorder, deployment=deployment)
    inputs = recorder.one("service:Service").inputs
    assert inputs["deploymentConfiguration"]["strategy"] == strategy
    (balanced,) = inputs["loadBalancers"]
    first, second = (one for one in recorder.of(":TargetGroup"))
    shifting = balanced["advancedConfiguration"]
    rule = recorder.one(":ListenerRule")
    assert {balanced["targetGroupArn"], shifting["alternateTargetGroupArn"]} == {
        f"arn:aws:lb:{REGION}:{ACCOUNT}:TargetGroup/{one.name}" for one in (first, second)
    }
    assert shifting["productionListenerRule"].endswith(rule.name)
    # ECS moves the weights from now on.
    assert rule.ignore_changes == ["actions"]
    assert [group["weight"] for group in rule.inputs["actions"][0]["forward"]["targetGroups"]] == [100, 0]
    (trust,) = recorder.named(f"{NAME}-deployment-role").policy("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "ecs.amazonaws.com"}
    changes = {action: at for action, at in allowed(recorder, "deployment").items() if "Describe" not in action}
    assert "*" not in changes.values()


def test_names_of_target_groups_fit_into_what_aws_allows(recorder: Recorder) -> None:
    make(recorder, deployment="blueGreen")
    for group in recorder.of(":TargetGroup"):
        assert "name" not in group.inputs, "a fixed name cannot be replaced"
        assert len(f"{group.name}-1234567") <= 32


def test_the_health_check_asks_for_health(recorder: Recorder) -> None:
    make(recorder)
    group = recorder.one(":TargetGroup").inputs
    assert group["healthCheck"]["path"] == "/health"
    assert group["healthCheck"]["matcher"] == "200"
    assert group["targetType"] == "ip"
    assert recorder.one("service:Service").inputs["healthCheckGracePeriodSeconds"] == 60


# --- Scaling ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A4")
def test_it_scales_on_cpu_memory_and_requests_and_an_update_leaves_the_count_alone(recorder: Recorder) -> None:
    make(recorder, scaling=Scaling(minimum=2, maximum=10, requests_per_task=600))
    target = recorder.one(":Target").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (2, 10)
    assert target["resourceId"] == f"service/wiki-dev-cluster/{NAME}"
    policies = [one.inputs["targetTrackingScalingPolicyConfiguration"] for one in recorder.of("policy:Policy")]
    by_metric = {one["predefinedMetricSpecification"]["predefinedMetricType"]: one for one in policies}
    assert {metric: one["targetValue"] for metric, one in by_metric.items()} == {
        "ECSServiceAverageCPUUtilization": 60,
        "ECSServiceAverageMemoryUtilization": 70,
        "ALBRequestCountPerTarget": 600,
    }
    label = by_metric["ALBRequestCountPerTarget"]["predefinedMetricSpecification"]["resourceLabel"]
    assert label == f"app/web/1/targetgroup/{NAME}-tg/0123456789abcdef"
    assert recorder.one("service:Service").ignore_changes == ["desiredCount"]


def test_without_scaling_an_update_sets_the_count(recorder: Recorder) -> None:
    make(recorder, tasks=3)
    assert recorder.one("service:Service").inputs["desiredCount"] == 3
    assert recorder.one("service:Service").ignore_changes == []
    assert not recorder.of(":Target")


@pytest.mark.covers("D1")
def test_a_worker_has_no_way_in_and_scales_on_the_messages_that_wait_for_each_task(recorder: Recorder) -> None:
    queue = SimpleNamespace(queue_name="wiki-dev-jobs")
    scaling = Scaling(minimum=0, maximum=5, cpu_percent=None, memory_percent=None, messages_per_task=20)
    make(recorder, port=None, traffic=None, scaling=scaling, queue=queue, fargate_weight=0, spot_weight=1)
    assert not recorder.of(":SecurityGroupIngressRule")
    assert not recorder.of(":TargetGroup")
    assert "loadBalancers" not in recorder.one("service:Service").inputs
    strategy = recorder.one("service:Service").inputs["capacityProviderStrategies"]
    assert strategy == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    tracking = recorder.one("policy:Policy").inputs["targetTrackingScalingPolicyConfiguration"]
    assert tracking["targetValue"] == 20
    metrics = {one["id"]: one for one in tracking["customizedMetricSpecification"]["metrics"]}
    assert metrics["waiting"]["metricStat"]["metric"]["dimensions"] == [{"name": "QueueName", "value": "wiki-dev-jobs"}]
    assert [key for key, one in metrics.items() if one["returnData"]] == ["each"]


# --- Alarms -----------------------------------------------------------------------------------------------------------


def test_it_watches_its_use_its_tasks_and_its_answers(recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:critical", warning="arn:warning")
    recorder.run(lambda: service().alarms(topics))
    severity = {one.name.removeprefix(f"{NAME}-"): one.inputs["alarmActions"] for one in recorder.of(":MetricAlarm")}
    assert severity == {
        "cpu-alarm": ["arn:warning"],
        "memory-alarm": ["arn:warning"],
        "tasks-alarm": ["arn:critical"],
        "5xx-alarm": ["arn:critical"],
        "unhealthy-alarm": ["arn:critical"],
    }


@pytest.mark.covers("D12")
def test_people_hear_of_what_the_program_counts_where_it_is_told_to_count(recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:critical", warning="arn:warning")
    alarms = {"JobTime": {"above": 900, "minutes": 5}, "JobsFailed": {"above": 3, "statistic": "Sum"}}
    told = {"environment": {"METRICS_NAMESPACE": "wiki-dev"}, "counted_alarms": alarms, "log_name": "worker"}
    recorder.run(lambda: service(**told).alarms(topics))
    slow = recorder.named(f"{NAME}-counted-job-time-alarm").inputs
    assert (slow["namespace"], slow["metricName"], slow["dimensions"]) == ("wiki-dev", "JobTime", {"Service": "worker"})
    assert (slow["extendedStatistic"], slow["threshold"], slow["period"]) == ("p95", 900, 300)
    assert (slow["comparisonOperator"], slow["evaluationPeriods"]) == ("GreaterThanThreshold", 1)
    assert (slow["treatMissingData"], slow["alarmActions"]) == ("notBreaching", ["arn:warning"])
    failed = recorder.named(f"{NAME}-counted-jobs-failed-alarm").inputs
    assert (failed["statistic"], failed["period"]) == ("Sum", 900)


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cpu": 256, "memory": 4096}, "use 512, 1024 or 2048"),
        ({"user": "root"}, "root may do everything"),
        ({"user": "0:0"}, "root may do everything"),
        ({"port": None}, "the load balancer must know"),
        ({"port": 70000}, "port: 70000 is not allowed; use 1 to 65535"),
        ({"traffic": None, "deployment": "canary"}, "a worker has none"),
        ({"tasks": 5001}, "tasks: 5001 is not allowed; use 0 to 5000"),
        ({"tasks": 3, "scaling": Scaling(minimum=2, maximum=4)}, "tasks: 3 and scaling both say how many"),
        (
            {"traffic": None, "scaling": Scaling(minimum=1, maximum=2, requests_per_task=5)},
            "scaling.requests_per_task: 5",
        ),
        ({"writable_paths": ["/"]}, "write a folder of the container"),
        ({"minimum_healthy_percent": 100, "maximum_percent": 100}, "let no task be replaced"),
        ({"fargate_weight": 0}, "leave nowhere to run"),
        ({"fargate_weight": 1001}, "fargate_weight: 1001 is not allowed; use 0 to 1000"),
        ({"bake_minutes": 2000}, "bake_minutes: 2000 is not allowed; use 0 to 1440 minutes"),
        ({"counted_alarms": {"JobTime": {"above": 9}}}, "JobTime' needs METRICS_NAMESPACE in environment"),
        ({"counted_alarms": {"job time": {"above": 9}}}, "write a metric's name as the program counts it"),
        ({"counted_alarms": {"JobTime": {"above": -1}}}, "above: -1 is not allowed"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        args(**changes)


FIVE = [f"/{one}" for one in "abcde"]
SPOT_ONLY = cluster(ClusterArgs(fargate_weight=0, spot_weight=1))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"environment": {"A": "1"}, "secrets": {"A": Secret(arn=SECRET)}}, "secrets: 'A' is also in environment"),
        ({"load_balancer": None}, "load_balancer: None is needed for traffic"),
        ({"traffic": {"paths": FIVE}, "load_balancer": load_balancer("secret")}, "traffic.paths: .* origin's secret"),
        ({"scaling": Scaling(minimum=1, maximum=2, messages_per_task=5)}, "queue: None is needed"),
        ({"deployment": "canary", "cluster": SPOT_ONLY}, "deployment: 'canary' judges by few tasks"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, Any], says: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=says):
        make(recorder, **changes)


def test_a_log_router_that_leaves_nothing_to_the_application_is_refused(recorder: Recorder) -> None:
    def program() -> None:
        image = Image(uri="shop:1")
        small = args(traffic=None)
        Service(NAME, small, cluster=cluster(), network=network(), image=image, log_router=router(memory=512, cpu=256))

    with pytest.raises(ArgumentError) as refused:
        recorder.run(program)
    said = [str(one) for one in refused.value.mistakes]
    assert [one.partition(":")[0] for one in said] == ["log_router.memory", "log_router.cpu"]


def test_an_image_that_does_not_say_which_version_is_refused() -> None:
    with pytest.raises(ArgumentError, match="image: 'nginx' does not say which version"):
        Image(uri="nginx")


@pytest.mark.parametrize(
    "changes",
    [{"priority": 0}, {"priority": 50_001}, {"paths": []}, {"paths": [f"/{one}" for one in "abcdef"]}, {"paths": [""]},
     {"paths": ["api/*"]}, {"paths": ["/ü"]}, {"paths": ["/" * 129]}, {"health_path": "health"},
     {"health_interval_seconds": 1}, {"healthy_after": 1}, {"drain_seconds": 300}],
)  # fmt: skip
def test_traffic_that_no_listener_takes_is_refused(changes: dict[str, Any]) -> None:
    ((field, _),) = changes.items()
    with pytest.raises(ArgumentError) as refused:
        LoadBalancerTarget(**changes)
    assert refused.value.field.partition("[")[0] == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"minimum": -1}, "minimum"), ({"maximum": 1}, "maximum"), ({"cpu_percent": 101}, "cpu_percent"),
     ({"cpu_percent": None, "memory_percent": None}, "cpu_percent"), ({"requests_per_task": 0}, "requests_per_task")],
)  # fmt: skip
def test_scaling_that_leads_nowhere_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        Scaling(**{"minimum": 2, "maximum": 4, **changes})
    assert refused.value.field == field


# --- Repository and cluster -------------------------------------------------------------------------------------------


@pytest.mark.covers("A5")
def test_images_are_scanned_encrypted_kept_ten_deep_and_their_tags_do_not_move(recorder: Recorder) -> None:
    recorder.run(lambda: Repository(NAME, RepositoryArgs(), key=KEY) and None)
    inputs = recorder.one("repository:Repository").inputs
    assert inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    assert inputs["imageTagMutability"] == "IMMUTABLE"
    assert inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": "arn:aws:kms:::key/data"}]
    rules = json.loads(recorder.one(":LifecyclePolicy").inputs["policy"])["rules"]
    assert {rule["action"]["type"] for rule in rules} == {"expire"}
    assert rules[0]["selection"] == {
        "tagStatus": "tagged", "tagPrefixList": ["ran-"], "countType": "imageCountMoreThan", "countNumber": 10,
    }  # fmt: skip


def expired(policy: dict[str, Any], images: list[set[str]]) -> list[set[str]]:
    """What ECR deletes of these images, the oldest first, by the rules of its user guide: each image falls under the
    first rule that selects it, and no other may delete it."""
    gone: list[set[str]] = []
    taken: list[set[str]] = []
    for rule in sorted(policy["rules"], key=lambda rule: rule["rulePriority"]):
        selection = rule["selection"]
        assert selection["countType"] == "imageCountMoreThan"
        prefixes = selection.get("tagPrefixList", [""])
        selected = [tags for tags in images if all(any(tag.startswith(one) for tag in tags) for one in prefixes)]
        surplus = selected[: -selection["countNumber"]]
        gone += [tags for tags in surplus if tags not in taken]
        taken += selected
    return gone


@pytest.mark.parametrize("keep", [1, 3, 10])
def test_the_image_that_runs_stays_however_many_are_pushed_that_never_run(keep: int, recorder: Recorder) -> None:
    recorder.run(lambda: Repository("wiki-dev-api", RepositoryArgs(keep_images=keep)) and None)
    policy = json.loads(recorder.one(":LifecyclePolicy").inputs["policy"])
    images: list[set[str]] = []
    ran = 0
    for commit in range(60):
        images.append({f"c{commit}"})
        if commit % 20 == 0:
            # This deployment succeeds, and those of the next nineteen commits fail.
            images[-1].add(f"ran-c{commit}")
            ran = commit
        lost = expired(policy, images)
        assert not [tags for tags in lost if f"ran-c{ran}" in tags]
        assert images[-1] not in lost, "what is about to be deployed"
        images = [tags for tags in images if tags not in lost]
    assert len(images) <= keep + 2
    assert len([tags for tags in images if len(tags) == 2]) == min(keep, 3)


def test_a_cluster_shows_its_metrics_and_shares_its_tasks_with_spot(recorder: Recorder) -> None:
    recorder.run(lambda: Cluster("wiki-dev-cluster", ClusterArgs(fargate_base=1, spot_weight=3)) and None)
    assert recorder.one("cluster:Cluster").inputs["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert recorder.one(":ClusterCapacityProviders").inputs["defaultCapacityProviderStrategies"] == [
        {"capacityProvider": "FARGATE", "weight": 1, "base": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]


def test_a_service_writes_its_capacity_down_and_can_be_given_another(recorder: Recorder) -> None:
    make(recorder)
    service = recorder.one("service:Service").inputs
    assert service["capacityProviderStrategies"] == [{"capacityProvider": "FARGATE", "weight": 1}]
    assert service["forceNewDeployment"] is True


def test_the_first_cluster_of_an_account_waits_for_the_role_of_ecs(recorder: Recorder) -> None:
    recorder.run(lambda: Cluster("wiki-dev-cluster", ClusterArgs(service_role="create")) and None)
    role = recorder.one(":ServiceLinkedRole")
    assert role.inputs["awsServiceName"] == "ecs.amazonaws.com"
    assert role.urn in recorder.one("cluster:Cluster").dependencies
    assert role.retained, "other clusters of the account work with it"


def test_a_cluster_adopts_the_role_of_ecs(recorder: Recorder) -> None:
    recorder.run(lambda: Cluster("wiki-dev-cluster", ClusterArgs()) and None)
    assert recorder.of(":ServiceLinkedRole") == []


def test_a_cluster_without_capacity_is_refused() -> None:
    with pytest.raises(ArgumentError, match="leave nowhere to run"):
        ClusterArgs(fargate_weight=0)


# --- Going back ------------------------------------------------------------------------------------------------------


@pytest.mark.covers("B16", "A3")
def test_a_deployment_goes_back_by_alarms_that_are_there_before_the_service(recorder: Recorder) -> None:
    make(recorder, roll_back={"failed_percent": 5, "memory_percent": 95, "alarms": ["other-alarm"]})
    made = recorder.one("service:Service")
    own = [f"{NAME}-{what}-rollback-alarm" for what in ("failed", "memory")]
    assert made.inputs["alarms"] == {"alarmNames": [*own, "other-alarm"], "enable": True, "rollback": True}
    assert {recorder.named(name).urn for name in own} <= set(made.dependencies)
    failed, memory = (recorder.named(name).inputs for name in own)
    # Nobody is woken: the alarms on the service itself do that.
    assert not failed.get("alarmActions")
    watched = {
        (one["metric"]["metricName"], one["metric"]["dimensions"]["LoadBalancer"])
        for one in failed["metricQueries"]
        if "metric" in one
    }
    assert watched == {("HTTPCode_Target_5XX_Count", "app/web/1"), ("RequestCount", "app/web/1")}
    assert memory["dimensions"] == {"ClusterName": "wiki-dev-cluster", "ServiceName": NAME}


def test_a_service_without_such_alarms_goes_back_by_its_tasks_alone(recorder: Recorder) -> None:
    make(recorder)
    inputs = recorder.one("service:Service").inputs
    assert "alarms" not in inputs
    assert inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"roll_back": {}}, "leaves nothing to watch"),
        ({"roll_back": {"alarms": ["a", "a"]}}, "name each alarm once"),
        ({"roll_back": {"alarms": ["wiki-*"]}}, "without wildcards"),
        ({"roll_back": {"failed_percent": 5}, "traffic": None}, "a worker has none; use memoryPercent or alarms"),
    ],
)
def test_alarms_that_cannot_take_a_deployment_back_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        args(**changes)
