"""The wiki's three stacks, row by row of its design: what runs, what keeps what, who may do what, and what is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from settings import Settings, SettingsError
from tests.iam import allowed, listed
from tests.rehearsal.conftest import ROOT, Rehearsed

JAPAN = {"ap-northeast-1", "ap-northeast-3"}
WIKIS = ("wiki-dev", "wiki-staging", "wiki-prod")
CLAUDE, TITAN = "anthropic.claude-sonnet-4-6", "amazon.titan-embed-text-v2:0"
# The design's own verbs, as the actions of the table in docs/wiki.md.
TABLES: dict[str, dict[str, set[str]]] = {
    "api": {
        "repositories": {"GetItem", "PutItem", "Scan"},
        "pages": {"GetItem", "BatchGetItem", "Query"},
        "jobs": {"GetItem", "PutItem", "Query"},
    },
    "worker": {
        "repositories": {"GetItem", "UpdateItem", "DeleteItem"},
        "pages": {"GetItem", "PutItem", "Query", "DeleteItem"},
        "jobs": {"GetItem", "UpdateItem"},
    },
}


class Wiki:
    """A rehearsed stack, asked by what follows product and environment in its names."""

    def __init__(self, done: Rehearsed, environment: str) -> None:
        assert done.status == 0, done.text
        self.done, self.stem = done, f"deepwiki-omr-{environment}"

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.done.resource(f"{self.stem}-{name}")["inputs"]

    def arn(self, name: str) -> str:
        return self.done.resource(f"{self.stem}-{name}")["outputs"]["arn"]

    def of(self, ending: str) -> list[dict[str, Any]]:
        return [one for one in self.done.report["resources"] if one["type"].endswith(ending)]

    def documents(self, role: str) -> list[dict[str, Any]]:
        id_ = self.done.resource(f"{self.stem}-{role}")["id"]
        return [
            json.loads(one["inputs"]["policy"])
            for one in self.of("rolePolicy:RolePolicy")
            if one["inputs"]["role"] == id_
        ]

    def may(self, role: str, action: str, resource: str, **context: str) -> bool:
        return allowed(self.documents(role), action, resource, **context)

    def actions(self, role: str, service: str) -> set[str]:
        """What the policies of a role allow of a service."""
        every = [one for document in self.documents(role) for one in document["Statement"]]
        return {action for one in every for action in listed(one["Action"]) if action.startswith(f"{service}:")}

    def told(self, service: str, container: str = "app") -> dict[str, str]:
        """The environment of a service's own container, or of one beside it."""
        containers = json.loads(self[f"{service}-task-definition"]["containerDefinitions"])
        (found,) = [one for one in containers if one["name"] == container]
        return {one["name"]: one["value"] for one in found["environment"]}


@pytest.fixture
def wiki(rehearsed: Callable[[str], Rehearsed]) -> Callable[[str], Wiki]:
    return lambda environment: Wiki(rehearsed(f"wiki-{environment}"), environment)


@pytest.fixture
def prod(wiki: Callable[[str], Wiki]) -> Wiki:
    return wiki("prod")


# --- What runs -------------------------------------------------------------------------------------------------------


@pytest.mark.covers("D1")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_an_api_and_workers_scale_on_fargate_and_workers_run_on_spot(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made = wiki(environment)
    shares = {one["capacityProvider"]: one["weight"] for one in made["worker-service"]["capacityProviderStrategies"]}
    assert shares["FARGATE_SPOT"] > shares.get("FARGATE", 0)
    assert {one["capacityProvider"] for one in made["api-service"]["capacityProviderStrategies"]} == {"FARGATE"}
    scaled = {one["inputs"]["resourceId"]: one["inputs"] for one in made.of("appautoscaling/target:Target")}
    for service in ("api", "worker"):
        limits = scaled[f"service/{made.stem}-api-cluster/{made.stem}-{service}"]
        assert 1 <= limits["minCapacity"] < limits["maxCapacity"]
    handlers = {one["inputs"]["handler"] for one in made.of("lambda/function:Function")}
    assert {"webhook.pushes.handler", "webhook.analyses.handler"} <= handlers
    assert json.loads(made["worker-task-definition"]["containerDefinitions"])


@pytest.mark.covers("D9")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_everything_is_called_by_product_environment_service_and_type(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made = wiki(environment)
    assert made.done.report["outputs"]["clusterName"] == f"deepwiki-omr-{environment}-api-cluster"
    ours = [one for one in made.done.report["resources"] if one["custom"] and one["type"].startswith("aws:")]
    assert {one["name"] for one in ours if not one["name"].startswith(f"{made.stem}-")} == set()
    # Also where AWS gives 32 characters.
    groups = [one["inputs"].get("name") for one in made.of("lb/targetGroup:TargetGroup")]
    traced = [one["inputs"]["groupName"] for one in made.of("xray/group:Group")]
    for name in [*filter(None, groups), *traced]:
        assert name.startswith(f"{made.stem}-")
        assert len(name) <= 32


@pytest.mark.covers("D11")
def test_tasks_stand_in_private_subnets_and_call_out_by_nat_and_only_the_load_balancer_is_reached(prod: Wiki) -> None:
    subnets = {one["id"]: one["name"] for one in prod.of("ec2/subnet:Subnet")}
    for service in ("api", "worker"):
        placed = prod[f"{service}-service"]["networkConfiguration"]
        assert all("-private-" in subnets[one] for one in placed["subnets"])
        assert placed["assignPublicIp"] is False
    assert all("-public-" in subnets[one] for one in prod["web-alb"]["subnets"])
    assert len(prod.of("natGateway:NatGateway")) == 2, "one for each zone"
    groups = {one["id"]: one["name"] for one in prod.of("ec2/securityGroup:SecurityGroup")}
    rules = [one["inputs"] for one in prod.of("SecurityGroupIngressRule")]
    from_all = {
        (groups[one["securityGroupId"]], one["fromPort"]) for one in rules if one.get("cidrIpv4") == "0.0.0.0/0"
    }
    assert from_all == {(f"{prod.stem}-web-security-group", port) for port in (80, 443)}
    to_api = [one for one in rules if groups[one["securityGroupId"]] == f"{prod.stem}-api-security-group"]
    assert [(groups[one["referencedSecurityGroupId"]], one["fromPort"]) for one in to_api] == [
        (f"{prod.stem}-web-security-group", 8000)
    ]
    assert not [one for one in rules if groups[one["securityGroupId"]] == f"{prod.stem}-worker-security-group"]


# --- What keeps what -------------------------------------------------------------------------------------------------


@pytest.mark.covers("D2")
def test_tables_go_back_to_any_second_have_replicas_in_osaka_and_are_backed_up_each_night(prod: Wiki) -> None:
    for table in ("repositories", "pages", "jobs"):
        assert prod[f"{table}-table"]["pointInTimeRecovery"] == {"enabled": True, "recoveryPeriodInDays": 35}
        replica = prod[f"{table}-ap-northeast-3-replica"]
        assert (replica["region"], replica["pointInTimeRecovery"]) == ("ap-northeast-3", True)
    jobs = prod["jobs-table"]
    assert jobs["ttl"] == {"attributeName": "expires", "enabled": True}
    assert [one["name"] for one in jobs["globalSecondaryIndexes"]] == ["by-repository"]
    daily = next(one for one in prod["backup-plan"]["rules"] if one["ruleName"].endswith("-daily"))
    assert daily["schedule"] == "cron(0 4 ? * * *)"
    assert ":ap-northeast-3:" in daily["copyActions"][0]["destinationVaultArn"]


@pytest.mark.covers("B5", "D3")
def test_a_collection_has_the_wikis_own_index_for_full_text_and_vectors(prod: Wiki) -> None:
    collection = prod["search-collection"]
    assert (collection["type"], collection["standbyReplicas"]) == ("VECTORSEARCH", "ENABLED")
    given = json.loads(prod["search-indexes-pages-invocation"]["input"])
    assert given["index"] == "pages"
    assert given["body"] == json.loads((ROOT / "workloads" / "wiki" / "index.json").read_text(encoding="utf-8"))
    fields = given["body"]["mappings"]["properties"]
    assert fields["embedding"]["dimension"] == int(prod["models-embedder-dimensions-parameter"]["insecureValue"])
    assert fields["text"]["type"] == "text"
    (network,) = json.loads(prod["search-network-policy"]["policy"])
    assert network["AllowFromPublic"] is False
    assert "SourceServices" not in network, "Bedrock reaches the knowledge base's collection, and not this one"


@pytest.mark.covers("D4")
def test_content_and_diagrams_keep_their_versions_and_are_in_osaka_within_15_minutes(prod: Wiki) -> None:
    for bucket in ("content", "diagrams", "temporary"):
        assert prod[f"{bucket}-versioning"]["versioningConfiguration"]["status"] == "Enabled"
    for bucket in ("content", "diagrams"):
        (rule,) = prod[f"{bucket}-replication"]["rules"]
        assert rule["destination"]["replicationTime"] == {"status": "Enabled", "time": {"minutes": 15}}
        assert prod[f"{bucket}-replica-bucket"]["region"] == "ap-northeast-3"
        assert prod[f"{bucket}-replication-late-alarm"]["threshold"] == 15 * 60
    ages = [one.get("expiration", {}).get("days") for one in prod["temporary-lifecycle"]["rules"]]
    assert 7 in ages


@pytest.mark.covers("D8")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_secrets_are_under_a_key_that_rotates_and_nothing_answers_below_tls_1_2(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made = wiki(environment)
    keys = {one["outputs"]["arn"]: one["inputs"] for one in made.of("kms/key:Key")}
    assert all(one["enableKeyRotation"] for one in keys.values())
    for secret in ("webhook-key", "github-token"):
        assert made[f"secrets-{secret}-secret"]["kmsKeyId"] in keys
    # Nobody types the one; nobody here knows the other.
    versions = [one["name"] for one in made.of("secretsmanager/secretVersion:SecretVersion")]
    assert versions == [f"{made.stem}-secrets-webhook-key-version"]
    (secure,) = [one["inputs"] for one in made.of("lb/listener:Listener") if one["inputs"]["port"] == 443]
    assert secure["sslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-")
    assert made["hooks-domain"]["securityPolicy"] == "TLS_1_2"
    for policy in made.of("s3/bucketPolicy:BucketPolicy"):
        denied = [one for one in json.loads(policy["inputs"]["policy"])["Statement"] if one["Effect"] == "Deny"]
        assert any(one["Condition"].get("Bool", {}).get("aws:SecureTransport") == "false" for one in denied)


@pytest.mark.covers("D16")
@pytest.mark.parametrize(("environment", "hours"), [("prod", (1, 4)), ("staging", (24, 24))])
def test_each_store_is_back_in_time_and_has_lost_no_more_than_was_promised(
    environment: str, hours: tuple[int, int], wiki: Callable[[str], Wiki]
) -> None:
    told = wiki(environment).done.report["outputs"]["recovery"]
    kept = [one for one in told if not one["by"].startswith("made again")]
    assert {one["store"] for one in kept} == {
        *("buckets.content", "buckets.diagrams", "tables.repositories", "tables.pages", "tables.jobs"),
        *("vectorCollections.search", "vectorCollections.knowledge"),
    }
    assert {one["disaster"] for one in kept} == {"damage", "region"}
    for one in kept:
        assert _hours(one["lost at most"]) <= hours[0], one
        assert _hours(one["back after about"]) <= hours[1], one


def _hours(text: str) -> float:
    if text == "nothing":
        return 0
    number, unit = text.split()
    return float(number) / (60 if unit.startswith("minute") else 1)


# --- Who may do what -------------------------------------------------------------------------------------------------


@pytest.mark.covers("D5")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_programs_find_two_models_with_their_settings(environment: str, wiki: Callable[[str], Wiki]) -> None:
    made = wiki(environment)
    parameters = {
        one["inputs"]["name"]: one["inputs"]["insecureValue"]
        for one in made.of("ssm/parameter:Parameter")
        if "insecureValue" in one["inputs"]
    }
    path = made.told("worker")["MODELS_PATH"]
    assert made.told("api")["MODELS_PATH"] == path == f"/deepwiki-omr/{environment}/models"
    expected = {
        "writer/id": f"jp.{CLAUDE}",
        "writer/max-tokens": "4096",
        "writer/temperature": "0.1",
        "embedder/id": TITAN,
        "embedder/dimensions": "1024",
    }
    assert {name: parameters[f"{path}/{name}"] for name in expected} == expected
    # This model refuses a top-p beside a temperature; one that takes both is told both.
    assert f"{path}/writer/top-p" not in parameters
    assert f"{path}/writer/guardrail-id" in parameters


@pytest.mark.covers("B4", "D10", "D17")
def test_the_worker_invokes_the_two_models_in_japan_behind_the_guardrail_and_the_api_embeds_only(prod: Wiki) -> None:
    account = prod.arn("api-task-role").split(":")[4]
    profile = f"arn:aws:bedrock:ap-northeast-1:{account}:inference-profile/jp.{CLAUDE}"
    models = {region: f"arn:aws:bedrock:{region}::foundation-model/{CLAUDE}" for region in JAPAN}
    embedder = f"arn:aws:bedrock:ap-northeast-1::foundation-model/{TITAN}"
    resources = {
        role: {
            one
            for document in prod.documents(f"{role}-task-role")
            for statement in document["Statement"]
            if "bedrock:InvokeModel" in listed(statement["Action"])
            for one in listed(statement["Resource"])
        }
        for role in ("api", "worker")
    }
    assert resources == {"api": {embedder}, "worker": {embedder, profile, *models.values()}}
    assert prod.actions("api-task-role", "bedrock") == {"bedrock:InvokeModel", "bedrock:Retrieve"}
    assert prod.actions("worker-task-role", "bedrock") == {"bedrock:InvokeModel", "bedrock:ApplyGuardrail"}
    assert not prod.may("worker-task-role", "bedrock:InvokeModel", profile), "not without the guardrail"


@pytest.mark.covers("B5", "D10")
def test_the_api_may_search_one_index_and_the_worker_write_it_too_and_nothing_more(prod: Wiki) -> None:
    policies = {
        one["name"]: json.loads(one["inputs"]["policy"])[0]
        for one in prod.of("ServerlessAccessPolicy")
        if one["name"].endswith("-task-role")
    }
    permissions = {}
    for role, verb in (("api", "search"), ("worker", "search-and-write")):
        policy = policies.pop(f"{prod.stem}-search-{verb}-access-for-{prod.stem}-{role}-task-role")
        assert policy["Principal"] == [prod.arn(f"{role}-task-role")]
        (rule,) = policy["Rules"]
        assert (rule["ResourceType"], rule["Resource"]) == ("index", [f"index/{prod.stem}-search/pages"])
        permissions[role] = set(rule["Permission"])
        assert prod.actions(f"{role}-task-role", "aoss") == {"aoss:APIAccessAll"}
        assert prod.may(f"{role}-task-role", "aoss:APIAccessAll", prod.arn("search-collection"))
        assert not prod.may(f"{role}-task-role", "aoss:APIAccessAll", prod.arn("knowledge-collection"))
    assert policies == {}
    assert permissions["api"] == {"aoss:DescribeIndex", "aoss:ReadDocument"}
    assert permissions["worker"] == permissions["api"] | {"aoss:WriteDocument"}


@pytest.mark.covers("B4")
def test_the_knowledge_base_reads_the_pages_embeds_them_and_is_asked_by_the_api_alone(prod: Wiki) -> None:
    base = prod.done.resource(f"{prod.stem}-wiki-knowledge-base")
    assert prod.told("api")["KNOWLEDGE_BASE_WIKI"] == base["id"]
    content, role = prod.arn("content-bucket"), "wiki-role"
    assert prod.actions(role, "bedrock") == {"bedrock:InvokeModel"}
    embedder = f"arn:aws:bedrock:ap-northeast-1::foundation-model/{TITAN}"
    account = prod.arn(role).split(":")[4]
    assert prod.may(role, "bedrock:InvokeModel", embedder)
    assert prod.may(role, "s3:GetObject", f"{content}/pages/o/r/src/1.md")
    assert not prod.may(role, "s3:GetObject", f"{content}/other.md")
    assert not prod.actions(role, "s3") & {"s3:PutObject", "s3:DeleteObject"}
    assert prod.may(
        "api-task-role", "bedrock:Retrieve", f"arn:aws:bedrock:ap-northeast-1:{account}:knowledge-base/{base['id']}"
    )
    assert not prod.actions("worker-task-role", "bedrock") & {"bedrock:Retrieve"}
    store = prod["wiki-knowledge-base"]["storageConfiguration"]["opensearchServerlessConfiguration"]
    assert store["collectionArn"] == prod.arn("knowledge-collection")


def _rows() -> dict[str, tuple[str, str]]:
    """Variable → what the API's role and the worker's may, as the table of docs/wiki.md says."""
    text = (ROOT / "docs" / "wiki.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ([A-Z_, ]+) \|[^|]+\| ([^|]+) \| ([^|]+) \|$", text)
    return {name: (api, worker) for names, api, worker in rows for name in names.split(", ")}


@pytest.mark.covers("D1", "D10")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_services_are_told_and_may_do_what_the_documents_table_says(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made, rows = wiki(environment), _rows()
    optional = {"GITHUB_API", "SEARCH_INDEX"}
    told = {role: set(made.told(role)) for role in ("api", "worker")}
    for number, role in enumerate(("api", "worker")):
        needed = {name for name, may in rows.items() if may[number] != "–"} - optional
        assert needed <= told[role], role
        for table, actions in TABLES[role].items():
            name = f"TABLE_{table.upper()}"
            assert made.told(role)[name] == f"{made.stem}-{table}"
            for action in actions:
                at = made.arn(f"{table}-table")
                assert made.may(
                    f"{role}-task-role",
                    f"dynamodb:{action}",
                    f"{at}/index/by-repository" if (action, table) == ("Query", "jobs") else at,
                )
    assert "GITHUB_TOKEN_SECRET_ARN" not in told["api"]
    # By path, which is allowed for a path or not at all: so each use is asked for by itself.
    uses = {"api": {"embedder"}, "worker": {"embedder", "writer"}}
    account = made.arn("api-task-role").split(":")[4]
    for role, uses_of in uses.items():
        root = f"arn:aws:ssm:ap-northeast-1:{account}:parameter{made.told(role)['MODELS_PATH']}"
        readable = {
            use
            for use in ("embedder", "writer")
            if made.may(f"{role}-task-role", "ssm:GetParametersByPath", f"{root}/{use}")
        }
        assert readable == uses_of
    # And not what is the other's.
    pages, content, jobs = made.arn("pages-table"), made.arn("content-bucket"), made.arn("jobs-queue")
    token = made.arn("secrets-github-token-secret")
    for action, at in (
        ("dynamodb:PutItem", pages), ("s3:PutObject", f"{content}/pages/x"), ("s3:DeleteObject", f"{content}/pages/x"),
        ("sqs:ReceiveMessage", jobs), ("secretsmanager:GetSecretValue", token),
    ):  # fmt: skip
        assert made.may("worker-task-role", action, at), action
        assert not made.may("api-task-role", action, at), action
    assert made.may("api-task-role", "s3:GetObject", f"{content}/pages/x")
    assert made.may("api-task-role", "s3:ListBucket", content)
    assert made.may("api-task-role", "sqs:SendMessage", jobs)
    assert not made.may("worker-task-role", "sqs:SendMessage", jobs)


# --- Work and events -------------------------------------------------------------------------------------------------


@pytest.mark.covers("D6")
def test_a_standard_and_a_fifo_queue_keep_what_failed_and_somebody_hears_of_it(prod: Wiki) -> None:
    assert prod["jobs-queue"]["fifoQueue"] is True
    assert "fifoQueue" not in prod["analyses-queue"]
    for queue, attempts in (("jobs", 3), ("analyses", 5)):
        redrive = json.loads(prod[f"{queue}-queue"]["redrivePolicy"])
        assert redrive == {"deadLetterTargetArn": prod.arn(f"{queue}-dead-letters"), "maxReceiveCount": attempts}
        alarm = prod[f"{queue}-dead-letters-alarm"]
        assert (alarm["metricName"], alarm["threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
        assert alarm["alarmActions"]
    assert prod.told("worker")["QUEUE_URL"] == prod.told("api")["QUEUE_URL"]
    assert prod.told("api")["QUEUE_URL"].endswith("-jobs.fifo")


@pytest.mark.covers("D7")
def test_a_schedule_and_events_ask_for_analyses_and_others_hear_of_them(prod: Wiki) -> None:
    machine = prod.arn("refresh-state-machine")
    schedule = prod["refresh-schedule-schedule"]
    assert (schedule["state"], schedule["target"]["arn"]) == ("ENABLED", machine)
    assert json.loads(schedule["target"]["input"]) == {"repositories": ["*"]}
    rule = prod["refresh-event-rule"]
    assert json.loads(rule["eventPattern"])["detail-type"] == ["Analysis Requested"]
    assert prod["refresh-event-target"]["arn"] == machine
    states = json.loads(prod["refresh-state-machine"]["definition"])["States"]
    sent = states["Ask for each"]["ItemProcessor"]["States"]["Put into the queue"]["Parameters"]
    assert sent["QueueUrl"].endswith(f"/{prod.stem}-analyses")
    (entry,) = states["Tell what was asked for"]["Parameters"]["Entries"]
    assert (entry["EventBusName"], entry["Source"]) == (f"{prod.stem}-events", "deepwiki-omr.prod.refresh")
    (source,) = [one["inputs"] for one in prod.of("EventSourceMapping")]
    assert source["eventSourceArn"] == prod.arn("analyses-queue")


# --- What a mistake in the stack file says ----------------------------------------------------------------------------

_INDEX = "vectorCollections.search.indexes.pages"


@pytest.mark.covers("D3", "D5")
@pytest.mark.parametrize(
    ("path", "value", "key", "words"),
    [
        ("modelAccess.models.embedder.dimensions", 512, f"{_INDEX}.dimension", "services.api embeds by: .* with 512"),
        (f"{_INDEX}.embeddingModel", "cohere-embed-multilingual-v3", f"{_INDEX}.embeddingModel", "with 1024; use the"),
        (f"{_INDEX}.dimension", 512, f"{_INDEX}.mapping.*", "1024 is not the length of the model's vectors; use 512"),
        ("modelAccess.models.writer.topP", 2, "modelAccess.models.writer.topP", "use 0 to 1"),
        ("modelAccess.models.writer.model", "nova-pro", "modelAccess.models.writer.model", "leaves ap-northeast-1"),
        ("vectorCollections.search.limits", {"search": 0}, "vectorCollections.search.limits.search", "use 1, 2, 4"),
        ("tables.pages.replicas", ["us-east-1"], r"tables.pages.replicas\[0\]", "residency.regions"),
        ("services.worker.environment", {}, "services.worker.countedAlarms", "needs METRICS_NAMESPACE"),
    ],
)
def test_a_mistake_in_the_stack_file_is_refused_by_its_key_before_anything_is_made(
    path: str, value: object, key: str, words: str
) -> None:
    config: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.wiki-prod.yaml").read_text(encoding="utf-8"))["config"]
    head, *rest = f"kumiki:{path}".split(".")
    inner = config[head]
    for name in rest[:-1]:
        inner = inner.setdefault(name, {})
    inner[rest[-1]] = value
    given = {name: one if isinstance(one, str) else json.dumps(one) for name, one in config.items()}
    with pytest.raises(SettingsError) as refused:
        Settings.parse(given, stack="wiki-prod")
    said = [one.message for one in refused.value.mistakes if re.fullmatch(f"kumiki:{key}", one.key)]
    assert [one for one in said if re.search(words, one)], refused.value


# --- What is seen, and what it costs ---------------------------------------------------------------------------------


@pytest.mark.covers("D12")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_people_hear_of_errors_latency_use_and_dead_letters_at_the_designs_limits(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made = wiki(environment)
    for name, threshold in {
        "api-5xx-alarm": 5,
        "web-server-error-rate": 5,
        "hooks-error-rate": 5,
        "web-response-time": 5,
        "hooks-latency": 5000,
        **{f"{service}-{what}-alarm": 80 for service in ("api", "worker") for what in ("cpu", "memory")},
        "jobs-dead-letters-alarm": 0,
        "analyses-dead-letters-alarm": 0,
    }.items():
        assert made[name]["threshold"] == threshold, name
        assert made[name]["alarmActions"], name


@pytest.mark.covers("D12")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_what_programs_count_reaches_cloudwatch_is_shown_and_a_long_job_is_told_of(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made = wiki(environment)
    groups = {one["inputs"]["name"]: one["inputs"] for one in made.of("cloudwatch/logGroup:LogGroup")}
    for service in ("api", "worker"):
        # By this the program counts, by that the router sends what it counts, and there the router may write.
        assert made.told(service)["METRICS_NAMESPACE"] == made.stem
        group = made.told(service, "log-router")["METRICS_LOG_GROUP"]
        # Groups of another class make no metrics.
        assert groups[group].get("logGroupClass", "STANDARD") == "STANDARD"
        arn = f"arn:aws:logs:ap-northeast-1:123456789012:log-group:{group}:log-stream:{service}/metrics.app-firelens-1"
        assert made.may(f"{service}-task-role", "logs:PutLogEvents", arn)
        assert made.may(f"{service}-task-role", "logs:CreateLogStream", arn)
        assert not made.may(f"{service}-task-role", "logs:PutLogEvents", arn.replace(f"-{service}/", "-other/"))
    alarm = made["worker-counted-job-time-alarm"]
    assert (alarm["namespace"], alarm["metricName"]) == (made.stem, "JobTime")
    assert alarm["dimensions"] == {"Service": made.told("worker")["SERVICE_NAME"]}
    assert (alarm["extendedStatistic"], alarm["threshold"]) == ("p95", 900)
    assert alarm["alarmActions"]
    shown = json.loads(made["overview-dashboard"]["dashboardBody"])["widgets"]
    lines = [line for one in shown for line in one["properties"].get("metrics", [])]
    assert [line for line in lines if line[:2] == [made.stem, "JobTime"]]
    assert [line for line in lines if made.stem in str(line[0]) and "SEARCH" in str(line[0])]
    (month, *_) = made.done.report["months"]
    assert [one for one in month["lines"] if one["what"] == "metrics that programs publish" and one["list_usd"]]


@pytest.mark.covers("D12", "D17")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_store_of_logs_keeps_each_kind_for_its_days(environment: str, wiki: Callable[[str], Wiki]) -> None:
    made = wiki(environment)
    least = {"access": 365, "audit": 1096, "error": 180, "application": 1}
    groups = [one["inputs"] for one in made.of("cloudwatch/logGroup:LogGroup")]
    assert {one["tags"]["LogClass"] for one in groups} >= {"access", "error", "application"}
    for group in groups:
        assert group["retentionInDays"] >= least[group["tags"]["LogClass"]], group
    # The trail and what models were asked are the account's: staging's are in production's buckets.
    once = [] if environment == "staging" else ["audit", "model-logs"]
    days = {}
    for bucket in ("log-archive", *once):
        for rule in made[f"{bucket}-lifecycle"]["rules"]:
            if "days" in rule.get("expiration", {}):
                days[f"{bucket}/{rule['filter']['prefix']}"] = rule["expiration"]["days"]
    assert days == {
        "log-archive/app-logs/": 180,
        "log-archive/cloudfront-logs/": 365,
        "log-archive/config/": 1096,
        "log-archive/load-balancer-logs/": 365,
        "log-archive/s3-access-logs/": 365,
        "log-archive/vpc-flow-logs/": 365,
        **({"audit/": 1096, "model-logs/": 365} if once else {}),
    }
    locked = [one["inputs"]["rule"]["defaultRetention"]["days"] for one in made.of("BucketObjectLockConfiguration")]
    assert locked == ([1096] if once else [])


@pytest.mark.covers("D13")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_a_tenth_is_traced_through_api_functions_and_tasks_and_faults_stand_apart(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made = wiki(environment)
    assert made["hooks-stage"]["xrayTracingEnabled"] is True
    for function in ("webhook-pushes", "webhook-analyses"):
        assert made[f"{function}-function"]["tracingConfig"]["mode"] == "Active"
    assert made["tracing-sampling-rule"]["fixedRate"] == 0.1
    for service in ("api", "worker"):
        told = made.told(service)
        assert (told["AWS_XRAY_DAEMON_ADDRESS"], told["OTEL_TRACES_SAMPLER_ARG"]) == ("127.0.0.1:2000", "0.1")
        assert "xray:PutTraceSegments" in made.actions(f"{service}-task-role", "xray")
    faults = made["tracing-faults-group"]["filterExpression"]
    for name in ("api", "worker", "webhook-pushes"):
        assert f'service("{made.stem}-{name}") {{ fault = true }}' in faults
    assert made["tracing-faults-alarm"]["alarmActions"]


@pytest.mark.covers("D14")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_people_hear_at_80_percent_and_at_150_percent_more_and_everything_has_four_tags(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made = wiki(environment)
    assert made["costs-limit-budget"]["notifications"][0]["threshold"] == 80
    growth = made["costs-growth-budget"]
    # Of the month before: 100 and 150 more.
    assert [one["threshold"] for one in growth["notifications"]] == [250]
    tagged = [
        one for one in made.done.report["resources"] if isinstance(one.get("inputs"), dict) and "tags" in one["inputs"]
    ]
    assert len(tagged) > 100
    for one in tagged:
        assert {"Environment", "Project", "Component", "Owner"} <= set(one["inputs"]["tags"]), one["name"]
        assert one["inputs"]["tags"]["Environment"] == environment


@pytest.mark.covers("D17")
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_nothing_is_outside_of_japan_and_who_signs_in_has_a_second_factor(
    environment: str, wiki: Callable[[str], Wiki]
) -> None:
    made = wiki(environment)
    regions = {
        one["inputs"]["region"]
        for one in made.done.report["resources"]
        if isinstance(one.get("inputs"), dict) and "region" in one["inputs"]
    }
    assert regions <= JAPAN
    assert made["users-user-pool"]["mfaConfiguration"] == "ON"
    told = made.told("api")
    assert told["USER_POOL_ISSUER"].startswith("https://cognito-idp.ap-northeast-1.amazonaws.com/")
    assert told["USER_POOL_CLIENT_IDS"]


@pytest.mark.covers("D10")
def test_the_report_says_who_reaches_which_store_and_what_a_month_costs(prod: Wiki) -> None:
    stores = {
        one["name"].removeprefix(f"{prod.stem}-"): set(one["reached_by"])
        for one in prod.done.report["insights"]["stores"]
    }
    services = {f"{prod.stem}-api-service", f"{prod.stem}-worker-service"}
    assert services <= stores["search-collection"]
    assert not services & stores["knowledge-collection"]
    assert f"{prod.stem}-wiki-knowledge-base" in stores["knowledge-collection"]
    assert services <= stores["content-bucket"]
    assert stores["content-replica-bucket"] == stores["diagrams-bucket"] == set()
    (month, *_) = prod.done.report["months"]
    assert month["region"] == "ap-northeast-1"
    assert month["unpriced"] == {}
    priced = {one["what"] for one in month["lines"] if one["list_usd"]}
    assert {"least capacity", "tokens written", "writes of all tables, copied", "copies in time"} <= priced
