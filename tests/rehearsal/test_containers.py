"""The container platform of dev and prod as it was deployed, and mistakes in its section of the stack's file."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.rehearsal.conftest import ROOT, Refuse, Rehearsed

BOTH = pytest.mark.parametrize("name", ["dev", "prod"])


def of_type(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in done.report["resources"] if one["type"].endswith(ending) and one["custom"]]


def service(done: Rehearsed, name: str) -> dict[str, Any]:
    return done.resource(f"kumiki-{name}-api-service")["inputs"]


def containers(done: Rehearsed, name: str) -> dict[str, dict[str, Any]]:
    definition = done.resource(f"kumiki-{name}-api-task-definition")["inputs"]["containerDefinitions"]
    return {one["name"]: one for one in json.loads(definition)}


def may(done: Rehearsed, role: str, action: str, resource: str) -> bool:
    """Whether the policies of a role allow this, as IAM would judge it."""
    statements = [
        statement
        for one in of_type(done, "iam/rolePolicy:RolePolicy")
        if one["inputs"]["role"] == done.resource(role)["id"]
        for statement in json.loads(one["inputs"]["policy"])["Statement"]
    ]

    def listed(value: Any) -> list[str]:
        return value if isinstance(value, list) else [value]

    return any(
        statement["Effect"] == "Allow"
        and any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        for statement in statements
    )


@pytest.mark.covers("A3")
@BOTH
def test_the_service_stands_in_both_zones_rolls_back_and_keeps_its_revisions(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    inputs = service(done, name)
    zones = {
        one["id"]: one["inputs"]["availabilityZone"] for one in of_type(done, ":Subnet") if "-private-" in one["name"]
    }
    placed = inputs["networkConfiguration"]
    assert {zones[subnet] for subnet in placed["subnets"]} == {"ap-northeast-1a", "ap-northeast-1c"}
    assert placed["assignPublicIp"] is False
    assert inputs["desiredCount"] >= 2
    assert inputs["deploymentConfiguration"]["strategy"] == "ROLLING"
    assert inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert inputs["deploymentMinimumHealthyPercent"] == 100
    definition = done.resource(f"kumiki-{name}-api-task-definition")
    assert definition["inputs"]["skipDestroy"] is True
    assert inputs["taskDefinition"] == definition["outputs"]["arn"]
    assert definition["inputs"]["requiresCompatibilities"] == ["FARGATE"]


@pytest.mark.covers("A4")
@pytest.mark.parametrize(("name", "low", "high"), [("dev", 2, 4), ("prod", 2, 10)])
def test_the_service_scales_on_cpu_and_memory(name: str, low: int, high: int, rehearsed: Any) -> None:
    done = rehearsed(name)
    target = done.resource(f"kumiki-{name}-api-scaling-target")["inputs"]
    assert (target["minCapacity"], target["maxCapacity"]) == (low, high)
    assert target["resourceId"] == f"service/kumiki-{name}-cluster/kumiki-{name}-api"
    metrics = {
        one["inputs"]["targetTrackingScalingPolicyConfiguration"]["predefinedMetricSpecification"][
            "predefinedMetricType"
        ]
        for one in of_type(done, "appautoscaling/policy:Policy")
        if one["inputs"]["resourceId"] == target["resourceId"]
    }
    assert {"ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"} <= metrics


@pytest.mark.covers("A5")
@BOTH
def test_the_repository_scans_on_push_and_keeps_ten(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    inputs = done.resource(f"kumiki-{name}-api-repository")["inputs"]
    assert inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    assert inputs["imageTagMutability"] == "IMMUTABLE"
    (encryption,) = inputs["encryptionConfigurations"]
    assert encryption["kmsKey"] == done.resource(f"kumiki-{name}-data-key")["outputs"]["arn"]
    policy = json.loads(done.resource(f"kumiki-{name}-api-lifecycle")["inputs"]["policy"])
    kept = [(rule["selection"].get("tagPrefixList"), rule["selection"]["countNumber"]) for rule in policy["rules"]]
    # Ten that have run, whatever is pushed and never runs.
    assert kept == [(["ran-"], 10), (None, 2)]


@pytest.mark.covers("A7")
@BOTH
def test_the_log_router_has_its_size_its_files_and_its_three_destinations(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    sidecar, app = containers(done, name)["log-router"], containers(done, name)["app"]
    assert (sidecar["cpu"], sidecar["memory"], sidecar["essential"]) == (50, 128, True)
    assert app["logConfiguration"]["logDriver"] == "awsfirelens"
    environment = {one["name"]: one["value"] for one in sidecar["environment"]}
    assert environment["LOG_BUCKET"] == done.report["outputs"]["logArchiveBucket"]
    groups = {one["inputs"]["name"]: one["inputs"]["retentionInDays"] for one in of_type(done, ":LogGroup")}
    assert groups[environment["ERROR_LOG_GROUP"]] == {"dev": 7, "prod": 30}[name]
    assert groups[environment["METRICS_LOG_GROUP"]] == {"dev": 7, "prod": 30}[name]
    files = {
        f"arn:aws:s3:::{one['inputs']['bucket']}/{one['inputs']['key']}": one["inputs"]["content"]
        for one in of_type(done, ":BucketObjectv2")
    }
    fetched = [value for key, value in environment.items() if key.startswith("aws_fluent_bit_init_s3_")]
    written = {path.read_text(encoding="utf-8") for path in (ROOT / "workloads" / "log-router").glob("*.conf")}
    assert {files[arn] for arn in fetched} == written


@pytest.mark.covers("A7")
@BOTH
def test_the_task_may_do_what_it_must_and_nothing_more(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    task, execution = f"kumiki-{name}-api-task-role", f"kumiki-{name}-api-execution-role"
    archive = f"arn:aws:s3:::{done.report['outputs']['logArchiveBucket']}"
    groups = "arn:aws:logs:ap-northeast-1:123456789012:log-group:"
    errors = f"{groups}/ecs/kumiki-{name}-api/errors:log-stream:api/x"
    own = f"{groups}/ecs/kumiki-{name}-api/log-router:log-stream:task/x"
    repository = done.resource(f"kumiki-{name}-api-repository")["outputs"]["arn"]
    router = "arn:aws:ecr:ap-northeast-1:906394416424:repository/aws-for-fluent-bit"
    assert may(done, task, "s3:PutObject", f"{archive}/app-logs/service=api/year=2026/month=01/x.json.gz")
    assert may(done, task, "logs:PutLogEvents", errors)
    assert may(done, execution, "ecr:BatchGetImage", repository)
    assert may(done, execution, "ecr:BatchGetImage", router)
    assert may(done, execution, "ecr:GetAuthorizationToken", "*")
    assert may(done, execution, "logs:PutLogEvents", own)
    for one in (each for each in of_type(done, ":BucketObjectv2") if "-log-router-" in each["name"]):
        assert may(done, task, "s3:GetObject", one["outputs"]["arn"])
        assert not may(done, task, "s3:PutObject", one["outputs"]["arn"])
    assert not may(done, task, "s3:PutObject", f"{archive}/app-logs/service=other/x")
    assert not may(done, task, "s3:GetObject", f"{archive}/app-logs/service=api/x")
    assert not may(done, task, "logs:PutLogEvents", own)
    assert not may(done, task, "ecr:BatchGetImage", repository)
    assert not may(done, execution, "s3:PutObject", f"{archive}/app-logs/service=api/x")
    assert not may(done, execution, "logs:PutLogEvents", errors)
    assert not may(done, execution, "ecr:PutImage", repository)


def reached(done: Rehearsed) -> set[str]:
    """The services of which every private subnet has an endpoint."""
    prefix = "com.amazonaws.ap-northeast-1."
    return {one["inputs"]["serviceName"].removeprefix(prefix) for one in of_type(done, ":VpcEndpoint")}


@pytest.mark.covers("A2", "A3")
@BOTH
def test_the_task_reaches_every_service_that_it_calls_without_nat(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    assert of_type(done, ":NatGateway") == []
    # Every service that either role is allowed to call, by the endpoint that serves it. KMS is called by S3, ECR and
    # Secrets Manager on the task's behalf, not by the task.
    own = {name: {name} for name in ("dynamodb", "logs", "s3", "secretsmanager")}
    endpoints = {"ecr": {"ecr.api", "ecr.dkr"}, **own}
    roles = {done.resource(f"kumiki-{name}-api-{kind}-role")["id"] for kind in ("task", "execution")}
    called = {
        action.partition(":")[0]
        for one in of_type(done, "iam/rolePolicy:RolePolicy")
        if one["inputs"]["role"] in roles
        for statement in json.loads(one["inputs"]["policy"])["Statement"]
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
    } - {"kms"}
    needed = {endpoint for one in called for endpoint in endpoints[one]}
    assert needed <= reached(done)
    # And its security group lets it: 443 to the endpoints and to S3, and nothing to the world.
    group = done.resource(f"kumiki-{name}-api-security-group")["id"]
    rules = [one["inputs"] for one in of_type(done, "EgressRule") if one["inputs"]["securityGroupId"] == group]
    assert not any("cidrIpv4" in rule or "cidrIpv6" in rule for rule in rules)
    to = {rule.get("referencedSecurityGroupId") or rule.get("prefixListId"): rule["toPort"] for rule in rules}
    assert to[done.report["outputs"]["endpointSecurityGroupId"]] == 443
    assert to[done.report["outputs"]["s3PrefixListId"]] == 443


@BOTH
def test_every_image_lies_in_ecr_where_private_subnets_reach_it(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    for one in containers(done, name).values():
        assert ".dkr.ecr.ap-northeast-1.amazonaws.com/" in one["image"]
    # The policy of the endpoints lets the pull of the image that Amazon serves pass.
    (endpoint,) = [one for one in of_type(done, ":VpcEndpoint") if one["inputs"]["serviceName"].endswith("ecr.dkr")]
    assert "906394416424:repository/aws-for-fluent-bit" in endpoint["inputs"]["policy"]


API: dict[str, Any] = {"tag": "1.0.0", "port": 8000, "cpu": 256, "memory": 512}


def api(**changes: Any) -> dict[str, Any]:
    given = {**API, **changes}
    return {"kumiki:services": {"api": {key: value for key, value in given.items() if value is not None}}}


@pytest.mark.parametrize("name", ["prod", "standard", "analytics", "dev"])
def test_the_service_is_given_what_the_stack_keeps_for_it(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    stem = f"{done.report['product']}-{done.report['environment']}"
    definition = done.resource(f"{stem}-api-task-definition")["inputs"]["containerDefinitions"]
    app = next(one for one in json.loads(definition) if one["name"] == "app")
    told = {one["name"]: one["value"] for one in app["environment"]}
    secrets = {one["name"]: one["valueFrom"] for one in app["secrets"]}
    if name != "standard":
        level = {"dev": "DEBUG"}.get(name, "INFO")
        assert (
            told["LOG_LEVEL"]
            == done.resource(f"{stem}-parameters-api-log-level-parameter")["inputs"]["insecureValue"]
            == level
        )
        assert secrets["SESSION_KEY_SECRET"] == done.resource(f"{stem}-secrets-session-key-secret")["outputs"]["arn"]
    if name != "dev":
        group = done.resource(f"{stem}-cache-replication-group")["outputs"]
        assert (told["CACHE_HOST"], told["CACHE_PORT"]) == (group["primaryEndpointAddress"], "6379")
        assert secrets["CACHE_SECRET"] == done.resource(f"{stem}-cache-password-secret")["outputs"]["arn"]
    given = sorted({"CACHE_SECRET", "SESSION_KEY_SECRET"} & set(secrets))
    assert given
    for variable in given:
        assert may(done, f"{stem}-api-execution-role", "secretsmanager:GetSecretValue", secrets[variable])
        assert not may(done, f"{stem}-api-task-role", "secretsmanager:GetSecretValue", secrets[variable])


@pytest.mark.parametrize("name", ["prod", "standard", "analytics", "dev"])
def test_no_database_and_no_cache_is_paid_for_and_reached_by_nobody(name: str, rehearsed: Any) -> None:
    stores = rehearsed(name).report["insights"]["stores"]
    hourly = [one for one in stores if one["name"].endswith(("-cluster", "-instance", "-replication-group"))]
    assert len(hourly) == 2
    for one in hourly:
        api = [caller for caller in one["reached_by"] if caller.endswith("-api-service")]
        assert api, f"{one['name']} is reached by {one['reached_by']}"


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (api(memory=4096), ["kumiki:services.api.memory: 4096 does not go with cpu 256", "use 512, 1024 or 2048 MiB"]),
        (api(cpu=300), ["kumiki:services.api.cpu: 300 is not a size of Fargate", "use one of 256, 512"]),
        (
            {**api(), "kumiki:logRouter": {"memory": 512}},
            ["kumiki:logRouter.memory: 512 leaves nothing of the task's 512 MiB"],
        ),
        ({**api(), "kumiki:logRouter": {"image": "fluent-bit"}}, ["kumiki:logRouter.image: 'fluent-bit' does not say"]),
        (
            api(tag=None, image="registry.example.com/api"),
            ["kumiki:services.api.image: ", "does not say which version"],
        ),
        (api(tag="latest"), ["kumiki:services.api.tag: 'latest' is not allowed", "a tag that stays"]),
        (api(tag=None), ["kumiki:services.api.tag: is missing; say what runs"]),
        (
            api(tag=None, build="workloads/api"),
            ["kumiki:services.api.build: workloads/api needs a package", "images.txt`"],
        ),
        (
            api(tag=None, build="workloads/wiki"),
            ["kumiki:services.api.build: workloads/wiki takes files of other folders", "use tag and source instead"],
        ),
        (api(image="a:1"), ["kumiki:services.api.tag: and image both say what runs"]),
        (api(traffic={"priority": 0}), ["kumiki:services.api.traffic.priority: 0 is not allowed; use 1 to 50000"]),
        (
            api(scaling={"minimum": 4, "maximum": 2}),
            ["kumiki:services.api.scaling.maximum: 2 is not allowed; use 4 to 5000"],
        ),
        (
            {"kumiki:services": {name: {**API, "traffic": {}} for name in ("api", "other")}},
            ["kumiki:services.other.traffic.priority: 100 is that of api too", "such as 99"],
        ),
        (api(shellAccess=True), ["kumiki:services.api.shellAccess", "ecsExec"]),
        (
            {**api(), "kumiki:network": {"endpoints": ["logs"]}},
            ["kumiki:network.endpoints: lacks ecr.api, ecr.dkr, secretsmanager", "add ecsPrivate"],
        ),
        ({**api(), "kumiki:logArchive": None}, ["kumiki:services.api: needs the log archive"]),
        (
            {"kumiki:services": {"a-service-with-a-very-long-name": API}},
            ["kumiki:services.a-service-with-a-very-long-name: ", "AWS allows 64", "shorten"],
        ),
        ({"kumiki:services": {"cluster": API}}, ["kumiki:services.cluster: is a name that the program uses"]),
        (api(cache=True), ["kumiki:services.api.cache: true needs a cache; add the section cache"]),
        (api(secrets=["token"]), ["kumiki:services.api.secrets: token is not a secret of this stack"]),
        (api(secretArns=["token"]), ["kumiki:services.api.secretArns: token is not a secret of this stack"]),
        (api(userPool=True), ["kumiki:services.api.userPool: true needs users; add the section userPool"]),
        (api(buckets={"texts": "read"}), ["kumiki:services.api.buckets.texts: is not a bucket of this stack"]),
        (api(buckets={"texts": "delete"}), ["kumiki:services.api.buckets.texts: ", "read", "readWrite"]),
        (api(sendsTo="outbox"), ["kumiki:services.api.sendsTo: outbox is not a queue of this stack"]),
        (
            {**api(sendsTo="jobs", queue="jobs"), "kumiki:queues": {"jobs": {"consumerTimeoutSeconds": 30}}},
            ["kumiki:services.api.sendsTo: and queue are both told as QUEUE_URL"],
        ),
        (
            {**api(secrets=["database"], database=True), "kumiki:secrets": {"database": {"description": "x"}}},
            ["kumiki:services.api.secrets: database is what the secret of services.api.database is called"],
        ),
        (
            api(parameters={"LOG_LEVEL": "api/level"}),
            ["kumiki:services.api.parameters.LOG_LEVEL: api/level is not a value", "there are: api/log-level"],
        ),
        (
            api(parameters={"LOG_LEVEL": "api/log-level"}, environment={"LOG_LEVEL": "DEBUG"}),
            ["kumiki:services.api.environment.LOG_LEVEL: has a value by parameters too"],
        ),
        ({**api(), "kumiki:cluster": {"fargateWeight": 0}}, ["kumiki:cluster.fargateWeight: 0 ", "nowhere to run"]),
    ],
)
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said
