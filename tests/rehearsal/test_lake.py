"""The analytics stack, rehearsed: the container pattern with a data lake, its jobs, its SQL, and who may do what."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sqlglot import exp, parse_one

from settings.authorities import authority
from tests.iam import allowed, listed
from tests.rehearsal.conftest import ROOT, Rehearsed
from workloads.jobs.tables import TABLES

STEM = "chat-dev"
ZONES = ("raw", "clean", "curated")
QUERIES = ROOT / "workloads" / "lake-queries"
JOBS = ("activity", "cloudwatch", "extract", "history", "logs", "quality")


@pytest.fixture
def analytics(rehearsed: Any) -> Rehearsed:
    done = rehearsed("analytics")
    assert done.status == 0, done.text
    return done


def made(done: Rehearsed, kind: str) -> list[dict[str, Any]]:
    """The inputs of everything of a kind, such as `rds/instance:Instance`."""
    return [one["inputs"] for one in done.report["resources"] if one["custom"] and one["type"].endswith(kind)]


def named(done: Rehearsed, name: str) -> dict[str, Any]:
    """The inputs of the one resource of a name."""
    (found,) = [one["inputs"] for one in done.report["resources"] if one["custom"] and one["name"] == f"{STEM}-{name}"]
    return found


def documents(done: Rehearsed, role: str) -> list[dict[str, Any]]:
    """The policies of a role."""
    identity = next(one["id"] for one in done.report["resources"] if one["name"] == f"{STEM}-{role}")
    return [json.loads(one["policy"]) for one in made(done, ":RolePolicy") if one["role"] == identity]


def bucket_of(done: Rehearsed, zone: str) -> str:
    return done.report["outputs"]["lakeZones"][zone]


@pytest.mark.covers("B20")
def test_it_is_the_container_pattern_with_a_lake(analytics: Rehearsed) -> None:
    for kind, least in {
        "cloudfront/distribution:Distribution": 1, "ecs/service:Service": 1, "lb/loadBalancer:LoadBalancer": 1,
        "rds/instance:Instance": 1, "dynamodb/table:Table": 2, "elasticache/replicationGroup:ReplicationGroup": 1,
        "glue/catalogDatabase:CatalogDatabase": 1, "glue/job:Job": 6, "athena/workgroup:Workgroup": 1,
        "cloudwatch/dashboard:Dashboard": 1, "cloudwatch/metricAlarm:MetricAlarm": 5,
    }.items():  # fmt: skip
        assert len(made(analytics, kind)) >= least, kind
    (database,) = made(analytics, "rds/instance:Instance")
    assert database["engine"] == "postgres"
    assert made(analytics, "rds/cluster:Cluster") == []
    (call,) = made(analytics, ":Invocation")
    assert json.loads(call["input"]) == {"extensions": ["vector"]}
    (deploys,) = [one for one in analytics.report["outputs"].items() if one[0] == "deployRoleArn"]
    assert deploys[1]


@pytest.mark.covers("B13")
def test_each_zone_is_a_closed_encrypted_bucket_whose_files_move_by_age_or_use(analytics: Rehearsed) -> None:
    for zone in ZONES:
        bucket = bucket_of(analytics, zone)
        block = next(one for one in made(analytics, ":BucketPublicAccessBlock") if one["bucket"] == bucket)
        assert block["blockPublicPolicy"] is block["restrictPublicBuckets"] is True
        (rule,) = next(
            one for one in made(analytics, ":BucketServerSideEncryptionConfiguration") if one["bucket"] == bucket
        )["rules"]
        assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
        policy = next(one for one in made(analytics, ":BucketPolicy") if one["bucket"] == bucket)["policy"]
        denied = [one for one in json.loads(policy)["Statement"] if one["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [one["Condition"] for one in denied]
    moves = {
        zone: [
            (rule["filter"]["prefix"], step["storageClass"])
            for rule in named(analytics, f"lake-{zone}-lifecycle")["rules"]
            for step in rule.get("transitions", [])
        ]
        for zone in ZONES
    }  # fmt: skip
    rested = [(f"{folder}/", "GLACIER") for folder in ("cloudwatch-logs", "database/messages", "exports")]
    assert moves["raw"] == rested, "the notes in database/_runs are read every night"
    assert moves["clean"] == moves["curated"] == [("", "INTELLIGENT_TIERING")]
    archived = {one["bucket"] for one in made(analytics, ":BucketIntelligentTieringConfiguration")}
    assert archived.isdisjoint(bucket_of(analytics, zone) for zone in ZONES), "neither Athena nor Spark reads archives"
    assert {"days": 7} in [rule.get("expiration") for rule in named(analytics, "lake-results-lifecycle")["rules"]], (
        "answers of queries expire"
    )


@pytest.mark.covers("B14")
def test_the_jobs_are_sparks_capped_encrypted_and_run_the_code_that_was_tested(analytics: Rehearsed) -> None:
    jobs = {one["name"]: one for one in made(analytics, "glue/job:Job")}
    assert set(jobs) == {f"{STEM}-lake-{job}" for job in JOBS}
    scripts = {one["key"]: one.get("content") for one in made(analytics, ":BucketObjectv2")}
    for name, job in jobs.items():
        assert (job["glueVersion"], job["numberOfWorkers"], job["timeout"]) == ("5.0", 2, 60), name
        assert job["securityConfiguration"], name
        script = job["command"]["scriptLocation"].split("/", 3)[3]
        assert scripts[script] == (ROOT / "workloads" / "jobs" / Path(script).name).read_text(encoding="utf-8")
    assert [name for name, job in jobs.items() if job.get("connections")] == [f"{STEM}-lake-extract"]


@pytest.mark.covers("B14")
def test_the_job_that_logs_in_knows_the_authority_of_the_database(analytics: Rehearsed, tmp_path: Path) -> None:
    try:
        # Not whether it can be imported here: where it is missing, other tests put a stand-in in its place.
        metadata.version("pyspark")
    except metadata.PackageNotFoundError:
        pytest.skip("pyspark is not installed")
    (library,) = [one for one in made(analytics, ":BucketObjectv2") if one["key"].endswith("library.zip")]
    (tmp_path / "library.zip").write_bytes(base64.b64decode(library["contentBase64"]))
    done = subprocess.run(
        [sys.executable, "-c", "from jobs import extract; print(extract.authority())"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "library.zip")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    known = x509.load_pem_x509_certificate(done.stdout.encode()).subject.rfc4514_string()
    assert "CN=Amazon RDS ap-northeast-1 Root CA RSA2048 G1," in known
    (database,) = made(analytics, "rds/instance:Instance")
    assert database["caCertIdentifier"] == "rds-ca-rsa2048-g1"


def test_a_region_has_an_authority_of_its_own() -> None:
    for region in ("ap-northeast-1", "ap-northeast-3", "us-east-1", "us-west-2"):
        subject = x509.load_pem_x509_certificate((authority(region) or "").encode()).subject.rfc4514_string()
        assert f"CN=Amazon RDS {region} Root CA RSA2048 G1," in subject


@pytest.mark.covers("B14")
def test_each_job_reaches_its_own_zones_and_nothing_more(analytics: Rehearsed) -> None:
    archive = analytics.report["outputs"]["logArchiveBucket"]
    reads = {job: {"clean"} for job in JOBS} | {"activity": {"clean", "curated"}, "extract": set()}
    writes = {job: {"clean"} for job in JOBS} | {"activity": {"curated"}, "extract": set()}
    for job in JOBS:
        may = documents(analytics, f"lake-{job}-role")
        for zone in ZONES:
            one = f"arn:aws:s3:::{bucket_of(analytics, zone)}/x"
            assert allowed(may, "s3:GetObject", one) == (zone in reads[job]), (job, zone)
            assert allowed(may, "s3:PutObject", one) == (zone in writes[job]), (job, zone)
            assert allowed(may, "s3:DeleteObject", one) == (zone in writes[job]), (job, zone)
        assert allowed(may, "s3:GetObject", f"arn:aws:s3:::{archive}/app-logs/service=api/1.gz") == (job == "logs")
        assert not allowed(may, "s3:GetObject", f"arn:aws:s3:::{archive}/s3-access-logs/1"), job
        raw = f"arn:aws:s3:::{bucket_of(analytics, 'raw')}"
        arrived = {"cloudwatch-logs": {"cloudwatch"}, "database": {"extract", "history"}, "exports": set()}
        works = {folder for folder, readers in arrived.items() if job in readers}
        # Without it S3 would say "forbidden" of a folder that is not there yet.
        assert allowed(may, "s3:ListBucket", raw) == bool(works), job
        for folder, readers in arrived.items():
            assert allowed(may, "s3:GetObject", f"{raw}/{folder}/x") == (job in readers), (job, folder)
            lands = job == "extract" and folder == "database"
            assert allowed(may, "s3:PutObject", f"{raw}/{folder}/x") == lands, (job, folder)
        every = [one for document in may for one in document["Statement"]]
        opens = {action for one in every for action in listed(one["Action"]) if action.startswith("secretsmanager:")}
        assert ("secretsmanager:GetSecretValue" in opens) == (job == "extract"), job
        # What knows no resources: looking at the network, metrics of one namespace, Glue's own settings.
        without = {
            action for one in every if "*" in listed(one["Resource"]) for action in listed(one["Action"])
        }  # fmt: skip
        assert {action.partition(":")[2].startswith(("Describe", "Get", "PutMetricData")) for action in without} == {
            True
        }


@pytest.mark.covers("B14")
def test_a_schedule_starts_the_jobs_every_night(analytics: Rehearsed) -> None:
    schedule = next(
        one for one in made(analytics, "scheduler/schedule:Schedule")
        if one["target"]["arn"] == analytics.report["outputs"]["lakeWorkflowArn"]
    )  # fmt: skip
    assert (schedule["scheduleExpression"], schedule["state"]) == ("cron(0 3 * * ? *)", "ENABLED")
    assert schedule["scheduleExpressionTimezone"] == "Asia/Tokyo"
    assert json.loads(schedule["target"]["input"]) == {"arguments": {}}
    assert schedule["target"]["deadLetterConfig"]["arn"]


@pytest.mark.covers("B14")
def test_the_workflow_may_run_these_jobs_and_no_other(analytics: Rehearsed) -> None:
    may = documents(analytics, "lake-night-role")
    where = "arn:aws:glue:ap-northeast-1:123456789012:job/"
    for job in JOBS:
        assert allowed(may, "glue:StartJobRun", f"{where}{STEM}-lake-{job}"), job
    assert not allowed(may, "glue:StartJobRun", f"{where}another")
    assert not allowed(may, "glue:UpdateJob", f"{where}{STEM}-lake-logs")


@pytest.mark.covers("B15", "A16")
def test_sql_is_asked_in_a_workgroup_that_is_limited_and_encrypted(analytics: Rehearsed) -> None:
    (workgroup,) = made(analytics, "athena/workgroup:Workgroup")
    configuration = workgroup["configuration"]
    assert configuration["enforceWorkgroupConfiguration"] is True
    assert configuration["bytesScannedCutoffPerQuery"] == 10240 * 1024 * 1024
    assert configuration["resultConfiguration"]["encryptionConfiguration"]["encryptionOption"] == "SSE_KMS"
    queries = {
        one["name"].removeprefix(f"{STEM}-lake-"): one for one in made(analytics, "athena/namedQuery:NamedQuery")
    }
    files = {
        path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "workloads" / "lake-queries").glob("*.sql")
    }
    assert {name: one["query"] for name, one in queries.items()} == files
    assert {"access-pattern", "error-search", "performance", "user-behaviour", "weekly-report"} <= set(files)
    assert all(one["database"] == "chat_dev_lake" and one["description"] for one in queries.values())


@pytest.mark.covers("B15")
def test_every_table_that_a_query_reads_is_in_the_catalogue(analytics: Rehearsed) -> None:
    tables = {one["name"] for one in made(analytics, ":CatalogTable")}
    for one in made(analytics, "athena/namedQuery:NamedQuery"):
        tree = parse_one(one["query"], dialect="athena")
        inside = {part.alias for part in tree.find_all(exp.CTE)}
        read = {table.name for table in tree.find_all(exp.Table)} - inside
        assert read, one["name"]
        assert read <= tables, one["name"]


@pytest.mark.covers("B14")
def test_what_the_jobs_write_is_where_the_catalogue_says(analytics: Rehearsed) -> None:
    for one in made(analytics, ":CatalogTable"):
        table = TABLES[one["name"]]
        assert one["storageDescriptor"]["location"] == f"s3://{bucket_of(analytics, table.zone)}/{one['name']}/"
        columns = {column["name"]: column["type"] for column in one["storageDescriptor"]["columns"]}
        assert columns == dict(table.columns)
        assert {key["name"]: key["type"] for key in one["partitionKeys"]} == dict(table.partition_columns)
    assert {one["name"] for one in made(analytics, ":CatalogTable")} == set(TABLES)


@pytest.mark.covers("B14")
def test_people_hear_of_a_night_that_fails(analytics: Rehearsed) -> None:
    workflow = analytics.report["outputs"]["lakeWorkflowArn"]
    alarms = [
        one for one in made(analytics, "cloudwatch/metricAlarm:MetricAlarm")
        if (one.get("dimensions") or {}).get("StateMachineArn") == workflow
    ]  # fmt: skip
    assert {"ExecutionsFailed", "ExecutionsTimedOut"} <= {one["metricName"] for one in alarms}
    told = {one["topic"] for one in made(analytics, "sns/topicSubscription:TopicSubscription")}
    assert all(set(one["alarmActions"]) <= told for one in alarms)


@pytest.mark.covers("B6")
def test_the_simple_alternative_answers_the_internet_and_may_use_one_table(analytics: Rehearsed) -> None:
    express = named(analytics, "simple-express")
    subnets = {one["id"]: one["name"] for one in analytics.report["resources"] if one["type"].endswith("subnet:Subnet")}
    (network,) = express["networkConfigurations"]
    assert {subnets[one] for one in network["subnets"]} == {name for name in subnets.values() if "-public-" in name}
    assert (
        express["primaryContainer"]["image"]
        == (json.loads(named(analytics, "api-task-definition")["containerDefinitions"])[0]["image"])
    )
    address = analytics.report["outputs"]["simpleServiceUrl"]
    assert address == f"https://{STEM}-simple.ecs.ap-northeast-1.on.aws"
    policies = documents(analytics, "simple-task-role")
    tables = {
        name: next(
            one["outputs"]["arn"] for one in analytics.report["resources"] if one["name"] == f"{STEM}-{name}-table"
        )
        for name in ("sessions", "settings")
    }
    assert {name for name, arn in tables.items() if allowed(policies, "dynamodb:PutItem", arn)} == {"settings"}
    edges = {(one["from"], one["to"]) for one in analytics.report["insights"]["edges"]}
    assert ("internet", f"{STEM}-simple-express") in edges
    reached = {one["name"]: one["reached_by"] for one in analytics.report["insights"]["stores"]}
    assert f"{STEM}-simple-express" not in reached[f"{STEM}-database-instance"]
    assert f"{STEM}-simple-express" in reached[f"{STEM}-settings-table"]
    # Validated and not emulated, which the report says.
    assert "the emulator knows no Express Mode" in " ".join(analytics.text.split())
