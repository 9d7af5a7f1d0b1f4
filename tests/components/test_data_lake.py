"""A data lake: what its tables say, who may reach which zone, and what its jobs may do."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.analytics.data_lake import Catalogue, DataLake, DataLakeArgs, LakeTable
from components.analytics.job_code import JobCode, JobCodeArgs
from components.analytics.lake_formation import LakeFormation, LakeFormationArgs
from components.analytics.spark_job import (
    DatabaseConnection,
    DatabaseConnectionArgs,
    JobSize,
    SparkJob,
    SparkJobArgs,
)
from components.analytics.workgroup import Results
from components.data.bucket import Bucket, BucketArgs
from components.data.postgres import Postgres, PostgresArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.network.network import ExistingNetwork
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed
from tests.networks import existing_network

NAME = "wiki-dev-lake"
KEY = "arn:aws:kms:::key/data"
LOG_KEY = "arn:aws:kms:::key/logs"
OUR_KEY = ExistingKey(arn=KEY)
ZONES = ("raw", "clean", "curated")


def zones() -> dict[str, Bucket]:
    return {zone: Bucket(f"{NAME}-{zone}", BucketArgs(), key=OUR_KEY) for zone in ZONES}


def arn(zone: str) -> str:
    return f"arn:aws:s3:::{NAME}-{zone}-bucket-1234567"


def table(**changes: Any) -> LakeTable:
    return LakeTable(**{
        "zone": "clean", "description": "x", "columns": {"id": "bigint"},
        "partitions": {"service": "string", "day": "date"}, **changes,
    })  # fmt: skip


def lake(
    buckets: Any = None,
    *,
    keys: bool = True,
    tables: Any = None,
    values: Any = None,
    results: Bucket | None = None,
    formation: LakeFormation | None = None,
    **changes: Any,
) -> DataLake:
    return DataLake(
        NAME,
        DataLakeArgs(**{"log_retention_days": 7, **changes}),
        catalogue=Catalogue(
            zones=zones() if buckets is None else buckets,
            tables=tables or {"app_logs": table()},
            partition_values={"service": ["worker", "api"]} if values is None else values,
        ),
        results=Results(bucket=results or Bucket(f"{NAME}-results", BucketArgs()), key=OUR_KEY),
        formation=formation,
        key=OUR_KEY if keys else None,
        log_key=ExistingKey(arn=LOG_KEY) if keys else None,
    )


def network() -> ExistingNetwork:
    ids = pulumi.Output.from_input(["subnet-1", "subnet-2"])
    return ExistingNetwork(
        vpc_id=pulumi.Output.from_input("vpc-1"),
        cidr=pulumi.Output.from_input("10.0.0.0/16"),
        public_subnet_ids=ids,
        private_subnet_ids=ids,
        isolated_subnet_ids=ids,
        endpoint_security_group_id=pulumi.Output.from_input("sg-endpoints"),
        s3_prefix_list_id=pulumi.Output.from_input("pl-s3"),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tasks"
    made.mkdir()
    (made / "first.py").write_text("import tasks.shared\n")
    (made / "shared.py").write_text("X = 1\n")
    return made


def code(folder: Path) -> JobCode:
    bucket = Bucket(f"{NAME}-code", BucketArgs(), key=OUR_KEY)
    return JobCode(f"{NAME}-files", JobCodeArgs(folder=folder, scripts=["first.py"]), bucket=bucket, key=OUR_KEY)


def documents(recorder: Recorder, role: str) -> list[dict[str, Any]]:
    """The policies of the role called `role`."""
    return [each.policy() for each in recorder.of(":RolePolicy") if each.inputs["role"] == f"{role}-id"]


# --- The catalogue ---------------------------------------------------------------------------------------------------


def test_athena_works_out_which_folders_a_table_has(recorder: Recorder) -> None:
    recorder.run(lambda: lake(first_day="2026-01-01") and None)
    made = recorder.one(":CatalogTable").inputs
    assert {key: value for key, value in made["parameters"].items() if key.startswith("projection.")} == {
        "projection.enabled": "true",
        "projection.service.type": "enum",
        "projection.service.values": "api,worker",
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": "2026-01-01,NOW+2DAYS",
    }
    where = f"s3://{NAME}-clean-bucket-1234567/app_logs/"
    assert made["storageDescriptor"]["location"] == where
    assert made["parameters"]["storage.location.template"] == where + "service=${service}/day=${day}/"
    assert [key["name"] for key in made["partitionKeys"]] == ["service", "day"]
    assert recorder.of(":Crawler") == [], "nothing has to look for what is known"


def test_what_nobody_knows_beforehand_is_crawled_and_the_crawler_reads_nothing_else(recorder: Recorder) -> None:
    recorder.run(lambda: lake(crawled=["exports/sessions"]) and None)
    crawler = recorder.one(":Crawler").inputs
    assert [target["path"] for target in crawler["s3Targets"]] == [f"s3://{NAME}-raw-bucket-1234567/exports/sessions/"]
    assert crawler["schemaChangePolicy"]["deleteBehavior"] == "DEPRECATE_IN_DATABASE"
    assert crawler["securityConfiguration"]
    may = documents(recorder, f"{NAME}-crawler-role")
    assert allowed(may, "s3:GetObject", f"{arn('raw')}/exports/sessions/1.json.gz")
    assert allowed(may, "glue:CreateTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/wiki_dev_lake/raw_sessions")
    for action, resource in [
        ("s3:GetObject", f"{arn('clean')}/app_logs/1.parquet"),
        ("s3:PutObject", f"{arn('raw')}/exports/1"),
        ("glue:DeleteTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/wiki_dev_lake/raw_sessions"),
        ("glue:CreateTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/another/raw_sessions"),
    ]:
        assert not allowed(may, action, resource), (action, resource)


def test_an_analyst_reads_one_zone_and_asks_in_one_workgroup(recorder: Recorder) -> None:
    def program() -> None:
        role = aws.iam.Role("wiki-dev-analyst-role", assume_role_policy="{}")
        made = lake()
        made.grant_read("curated", role)
        made.grant_query(role)

    may = documents(recorder.run(program), "wiki-dev-analyst-role")
    assert allowed(may, "s3:GetObject", f"{arn('curated')}/users/day=2026-01-01/1.parquet")
    assert allowed(may, "s3:GetBucketLocation", arn("curated")), "Athena asks where the bucket is"
    assert allowed(may, "athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{NAME}")
    assert allowed(may, "glue:GetTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/wiki_dev_lake/users")
    assert allowed(may, "kms:Decrypt", KEY)
    for action, resource in [
        ("s3:GetObject", f"{arn('raw')}/x"), ("s3:GetObject", f"{arn('clean')}/x"),
        ("s3:PutObject", f"{arn('curated')}/x"), ("s3:DeleteObject", f"{arn('results')}/x"),
        ("athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/primary"),
        ("glue:UpdateTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/wiki_dev_lake/users"),
    ]:  # fmt: skip
        assert not allowed(may, action, resource), (action, resource)


def test_what_jobs_write_and_note_is_encrypted(recorder: Recorder) -> None:
    recorder.run(lambda: lake() and None)
    encryption = recorder.one(":SecurityConfiguration").inputs["encryptionConfiguration"]
    assert encryption["s3Encryption"] == {"s3EncryptionMode": "SSE-KMS", "kmsKeyArn": KEY}
    assert encryption["cloudwatchEncryption"] == {"cloudwatchEncryptionMode": "SSE-KMS", "kmsKeyArn": LOG_KEY}
    assert encryption["jobBookmarksEncryption"] == {"jobBookmarksEncryptionMode": "CSE-KMS", "kmsKeyArn": KEY}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scan_limit_mib": 9}, "scan_limit_mib: 9 is not allowed; use 10 to 7696581394432 MiB"),
        ({"first_day": "2026"}, "first_day: '2026' is not allowed; use a day such as 2025-01-01"),
        (
            {"tables": {"logs": table(zone="claen")}},
            "tables.logs.zone: 'claen' is not a zone; did you mean 'clean'\\? use clean, curated, raw",
        ),
        ({"tables": {"logs": table(columns={"day": "date"})}}, "tables.logs.columns: 'day' is a partition too"),
        ({"values": {}}, "tables.app_logs.partitions: 'service' has no values"),
        ({"crawled": ["s3://raw/exports"]}, "crawled: 's3://raw/exports' is not a folder such as"),
        ({"crawled": ["exports", "exports/x"]}, "crawled: 'exports/x' lies in 'exports', and would be described twice"),
        ({"crawled": ["exports", "exports"]}, "crawled: .* names a folder twice"),
        (
            {"crawled": ["exports"], "crawl_schedule": "0 4 * * *"},
            "crawl_schedule: '0 4 [*] [*] [*]' is not allowed; use cron",
        ),
        ({"only": ["clean"], "crawled": ["exports"]}, "crawled: .* are folders of the zone raw"),
    ],
)
def test_what_aws_would_refuse_is_refused(changes: dict[str, Any], message: str, recorder: Recorder) -> None:
    only = changes.pop("only", ZONES)
    with pytest.raises(ArgumentError, match=message):
        recorder.run(
            lambda: lake({zone: bucket for zone, bucket in zones().items() if zone in only}, **changes) and None
        )


@pytest.mark.parametrize(
    ("overlap", "message"),
    [
        (lambda made: {"buckets": {**made, "curated": made["clean"]}}, "zones.curated: 'curated' overlaps with clean"),
        (
            lambda made: {"buckets": made, "results": made["clean"]},
            "results: 'clean' is a zone too",
        ),
    ],
)
def test_zones_that_overlap_are_refused(
    overlap: Callable[[dict[str, Bucket]], dict[str, Any]], message: str, recorder: Recorder
) -> None:
    with pytest.raises(ArgumentError, match=message):
        recorder.run(lambda: lake(**overlap(zones())) and None)


def test_a_zone_that_is_not_there_cannot_be_granted(recorder: Recorder) -> None:
    def program() -> None:
        lake().grant_read("curatd", aws.iam.Role("wiki-dev-analyst-role", assume_role_policy="{}"))

    with pytest.raises(ArgumentError, match="zone: 'curatd' is not a zone of this lake; did you mean 'curated'"):
        recorder.run(program)


# --- The jobs --------------------------------------------------------------------------------------------------------


def job(folder: Path, on: DataLake, size: JobSize | None = None, **connections: Any) -> SparkJob:
    args = SparkJobArgs(script="first.py", size=size or JobSize())
    return SparkJob(f"{NAME}-first", args, lake=on, code=code(folder), **connections)


def test_a_job_runs_what_is_in_its_folder(recorder: Recorder, folder: Path) -> None:
    recorder.run(lambda: job(folder, lake()) and None)
    objects = {each.inputs["key"].partition("/")[2]: each.inputs for each in recorder.of(":BucketObjectv2")}
    assert set(objects) == {"first.py", "library.zip"}
    stored = zipfile.ZipFile(io.BytesIO(base64.b64decode(objects["library.zip"]["contentBase64"])))
    assert stored.namelist() == ["tasks/first.py", "tasks/shared.py"]
    made = recorder.one("glue/job:Job").inputs
    assert made["command"]["scriptLocation"].endswith(objects["first.py"]["key"])
    assert made["defaultArguments"]["--extra-py-files"].endswith(objects["library.zip"]["key"])


def test_code_that_changes_gets_a_new_folder_and_a_run_that_has_begun_keeps_its_own(
    recorder: Recorder, folder: Path
) -> None:
    def program() -> None:
        bucket = Bucket(f"{NAME}-code", BucketArgs())
        given = JobCodeArgs(folder=folder, scripts=["first.py"])
        JobCode(f"{NAME}-a", given, bucket=bucket)
        JobCode(f"{NAME}-b", given, bucket=bucket)
        (folder / "shared.py").write_text("X = 2\n")
        JobCode(f"{NAME}-c", given, bucket=bucket)

    recorder.run(program)
    where = {each.name: each.inputs["key"].partition("/")[0] for each in recorder.of(":BucketObjectv2")}
    first, same, changed = (where[f"{NAME}-{letter}-first-object"] for letter in "abc")
    assert first == same == where[f"{NAME}-a-library-object"]
    assert changed != first


def test_a_job_is_capped_and_tries_nothing_again_by_itself(recorder: Recorder, folder: Path) -> None:
    size = JobSize(worker_type="G.2X", max_workers=5, timeout_minutes=30)
    recorder.run(lambda: job(folder, lake(), size=size) and None)
    made = recorder.one("glue/job:Job").inputs
    assert (made["workerType"], made["numberOfWorkers"], made["timeout"]) == ("G.2X", 5, 30)
    assert (made["maxRetries"], made["executionProperty"]["maxConcurrentRuns"]) == (0, 1)
    assert made["glueVersion"].startswith("5.")


def test_a_job_logs_where_glue_will_look_for_its_groups(recorder: Recorder, folder: Path) -> None:
    recorder.run(lambda: job(folder, lake()) and None)
    made = recorder.one("glue/job:Job").inputs
    prefix = made["defaultArguments"]["--custom-logGroup-prefix"]
    security = made["securityConfiguration"]
    role = made["roleArn"].rpartition("/")[2]
    groups = {each.inputs["name"]: each.inputs for each in recorder.of(":LogGroup")}
    assert set(groups) == {f"{prefix}/{security}-role/{role}/{kind}" for kind in ("error", "output")}
    assert all(one["retentionInDays"] == 7 and one["kmsKeyId"] == LOG_KEY for one in groups.values())


def test_without_a_key_the_logs_names_are_short(recorder: Recorder, folder: Path) -> None:
    recorder.run(lambda: job(folder, lake(keys=False)) and None)
    assert recorder.of(":SecurityConfiguration") == []
    groups = [each.inputs["name"] for each in recorder.of(":LogGroup")]
    assert groups == [f"/aws/glue/{NAME}-first/{kind}" for kind in ("error", "output")]


def test_a_job_may_read_its_code_and_write_its_log_and_no_zone(recorder: Recorder, folder: Path) -> None:
    recorder.run(lambda: job(folder, lake()) and None)
    may = documents(recorder, f"{NAME}-first-role")
    group = recorder.named(f"{NAME}-first-error-log-group").inputs["name"]
    assert allowed(may, "s3:GetObject", f"{arn('code')}/0123/first.py")
    assert allowed(may, "logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:x")
    assert allowed(may, "kms:Decrypt", KEY)
    for action, resource in [
        *((verb, f"{arn(zone)}/x") for zone in ZONES for verb in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")),
        ("s3:PutObject", f"{arn('code')}/x"), ("kms:Encrypt", KEY), ("secretsmanager:GetSecretValue", "x"),
        ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/wiki-dev-api:log-stream:x"),
    ]:  # fmt: skip
        assert not allowed(may, action, resource), (action, resource)
    trusted = recorder.named(f"{NAME}-first-role").policy("assumeRolePolicy")["Statement"]
    assert [one["Principal"] for one in trusted] == [{"Service": "glue.amazonaws.com"}]
    # No documentation says that Glue sends them: strict conditions would keep it out.
    assert trusted[0]["Condition"] == {
        "StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT},
        "ArnLikeIfExists": {"aws:SourceArn": f"arn:aws:glue:{REGION}:{ACCOUNT}:*"},
    }


def test_who_runs_a_job_runs_this_one(recorder: Recorder, folder: Path) -> None:
    def program() -> None:
        job(folder, lake()).grant_run(aws.iam.Role("wiki-dev-night-role", assume_role_policy="{}"))

    may = documents(recorder.run(program), "wiki-dev-night-role")
    made = f"arn:aws:glue:{REGION}:{ACCOUNT}:job/{NAME}-first"
    for action in ("glue:StartJobRun", "glue:GetJobRun", "glue:BatchStopJobRun"):
        assert allowed(may, action, made), action
        assert not allowed(may, action, made.replace("first", "second"))
    assert not allowed(may, "glue:UpdateJob", made)


def test_workers_reach_the_database_and_aws_and_nothing_else(recorder: Recorder, folder: Path) -> None:
    def program() -> None:
        of_database = PostgresArgs(instance_class="db.t4g.micro")
        database = Postgres("wiki-dev-database", of_database, network=existing_network(), key=ExistingKey(arn=KEY))
        args = DatabaseConnectionArgs()
        connection = DatabaseConnection(f"{NAME}-database", args, database=database, network=network())
        job(folder, lake(), connection=connection)

    recorder.run(program)
    workers = f"{NAME}-database-security-group-id"
    egress = [one.inputs for one in recorder.of(":SecurityGroupEgressRule") if one.inputs["securityGroupId"] == workers]
    reached = {
        (one.get("referencedSecurityGroupId") or one.get("prefixListId"), one["fromPort"], one["toPort"])
        for one in egress
    }
    database = "wiki-dev-database-security-group-id"
    assert reached == {(database, 5432, 5432), ("pl-s3", 443, 443), ("sg-endpoints", 443, 443), (workers, 0, 65535)}
    ingress = [one.inputs for one in recorder.of(":SecurityGroupIngressRule")]
    assert {(one["securityGroupId"], one["referencedSecurityGroupId"], one["fromPort"]) for one in ingress} == {
        (workers, workers, 0), (database, workers, 5432)
    }  # fmt: skip
    made = recorder.one("glue/connection:Connection").inputs
    # The SDK takes the whole for a secret.
    told = made["connectionProperties"]["value"]
    assert set(told) == {"JDBC_CONNECTION_URL", "JDBC_ENFORCE_SSL", "SECRET_ID"}, "no password"
    assert told["JDBC_ENFORCE_SSL"] == "true"
    assert told["JDBC_CONNECTION_URL"].endswith(":5432/app"), "the job itself says how it connects"
    assert recorder.one("rds/instance:Instance").inputs["caCertIdentifier"] == "rds-ca-rsa2048-g1"
    place = made["physicalConnectionRequirements"]
    assert (place["subnetId"], place["availabilityZone"]) == ("subnet-1", f"{REGION}a")
    assert recorder.one("glue/job:Job").inputs["connections"] == [f"{NAME}-database"]
    may = documents(recorder, f"{NAME}-first-role")
    assert allowed(may, "secretsmanager:GetSecretValue", told["SECRET_ID"])
    assert not allowed(may, "secretsmanager:GetSecretValue", f"{told['SECRET_ID']}-of-another")
    subnet = f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/"
    assert allowed(may, "ec2:CreateNetworkInterface", f"{subnet}subnet-1")
    assert not allowed(may, "ec2:CreateNetworkInterface", f"{subnet}subnet-2")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"worker_type": "G.1x"}, "worker_type: 'G.1x' is not allowed; did you mean 'G.1X'"),
        ({"max_workers": 1}, "max_workers: 1 is not allowed; use 2 to 299"),
        ({"max_workers": 300}, "max_workers: 300 is not allowed"),
        ({"timeout_minutes": 0}, "timeout_minutes: 0 is not allowed; use 1 to 2880 minutes"),
    ],
)
def test_a_size_that_glue_does_not_offer_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        JobSize(**changes)


def test_a_script_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ArgumentError, match=r"scripts: 'frist.py' is not in tasks/; did you mean 'first.py'"):
        JobCodeArgs(folder=folder, scripts=["frist.py"])


def test_an_argument_without_hyphens_is_refused(recorder: Recorder, folder: Path) -> None:
    with pytest.raises(ArgumentError, match="arguments: 'clean' must begin with two hyphens; write --clean"):
        recorder.run(lambda: job(folder, lake(), arguments={"clean": "x"}) and None)


# --- Lake Formation --------------------------------------------------------------------------------------------------

DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deployer"
TABLES = {"app_logs": table(), "users": table(zone="curated"), "sessions": table(zone="curated")}


def formed(recorder: Recorder, **changes: Any) -> None:
    """A lake of which Lake Formation decides, and an analyst of its zone curated."""

    def program() -> None:
        buckets = zones()
        formation = LakeFormation(
            f"{NAME}-formation",
            LakeFormationArgs(administrators=[DEPLOYER]),
            zones={zone: buckets[zone] for zone in ("clean", "curated")},
        )
        made = lake(buckets, formation=formation, tables=TABLES, **changes)
        role = aws.iam.Role("wiki-dev-analyst-role", assume_role_policy="{}")
        made.grant_read("curated", role)
        made.grant_query(role)

    recorder.run(program)


def permitted(recorder: Recorder, role: str) -> set[tuple[str, tuple[str, ...]]]:
    found = [one.inputs for one in recorder.of(":Permissions") if one.inputs["principal"].endswith(f"/{role}")]
    return {
        ((one.get("table") or one.get("database") or {"name": one.get("dataLocation", {}).get("arn")})["name"],
         tuple(one["permissions"]))
        for one in found
    }  # fmt: skip


def test_with_lake_formation_nobody_gets_in_by_iam_alone(recorder: Recorder) -> None:
    formed(recorder)
    settings = recorder.one(":DataLakeSettings").inputs
    assert settings["admins"] == [DEPLOYER]
    assert not {key for key in settings if key.startswith("create")}, "AWS's default lets in whom IAM lets in"
    assert f"{NAME}-formation" in str(recorder.one(":CatalogDatabase").dependencies), (
        "made when it is in charge already"
    )
    locations = {one.inputs["arn"]: one.inputs["roleArn"] for one in recorder.of("lakeformation/resource:Resource")}
    assert set(locations) == {arn("clean"), arn("curated")}
    (lent,) = set(locations.values())
    assert lent.endswith(f"/{NAME}-formation-role")
    may = documents(recorder, f"{NAME}-formation-role")
    assert allowed(may, "s3:GetObject", f"{arn('curated')}/users/1")
    assert allowed(may, "kms:Decrypt", KEY)
    assert not allowed(may, "s3:PutObject", f"{arn('curated')}/users/1")
    assert not allowed(may, "s3:GetObject", f"{arn('raw')}/1")
    trusted = recorder.named(f"{NAME}-formation-role").policy("assumeRolePolicy")["Statement"]
    assert [one["Principal"] for one in trusted] == [{"Service": "lakeformation.amazonaws.com"}]


def test_with_lake_formation_an_analyst_asks_the_tables_of_a_zone_and_reads_no_files(recorder: Recorder) -> None:
    formed(recorder)
    select = ("DESCRIBE", "SELECT")
    assert permitted(recorder, "wiki-dev-analyst-role") == {
        ("users", select), ("sessions", select), ("wiki_dev_lake", ("DESCRIBE",))
    }  # fmt: skip
    may = documents(recorder, "wiki-dev-analyst-role")
    assert allowed(may, "lakeformation:GetDataAccess", "*")
    assert allowed(may, "athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{NAME}")
    assert not allowed(may, "s3:GetObject", f"{arn('curated')}/users/1"), "which would be a way around its grants"


def test_with_lake_formation_the_crawler_may_make_tables_of_the_zone_raw(recorder: Recorder) -> None:
    formed(recorder, crawled=["exports"])
    assert permitted(recorder, f"{NAME}-crawler-role") == {
        ("wiki_dev_lake", ("CREATE_TABLE", "DESCRIBE")), (arn("raw"), ("DATA_LOCATION_ACCESS",))
    }  # fmt: skip


def test_without_lake_formation_there_is_nothing_of_it(recorder: Recorder) -> None:
    def program() -> None:
        role = aws.iam.Role("wiki-dev-analyst-role", assume_role_policy="{}")
        lake(crawled=["exports"]).grant_query(role)

    recorder.run(program)
    assert recorder.of("lakeformation/") == []
    assert not allowed(documents(recorder, "wiki-dev-analyst-role"), "lakeformation:GetDataAccess", "*")


def test_with_lake_formation_a_zone_without_tables_cannot_be_granted(recorder: Recorder) -> None:
    def program() -> None:
        buckets = zones()
        formation = LakeFormation(f"{NAME}-formation", LakeFormationArgs(administrators=[DEPLOYER]), zones=buckets)
        role = aws.iam.Role("wiki-dev-analyst-role", assume_role_policy="{}")
        lake(buckets, formation=formation).grant_read("raw", role)

    with pytest.raises(ArgumentError, match="zone: 'raw' has no tables of its own; grant what a crawler finds in Lake"):
        recorder.run(program)


@pytest.mark.parametrize(
    ("administrators", "message"),
    [
        ([], "administrators: "),
        (["deployer"], "administrators\\[0\\]: 'deployer' is not allowed; it must be a role or user"),
    ],
)
def test_administrators_that_are_none_are_refused(administrators: list[str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        LakeFormationArgs(administrators=administrators)
