"""The specs of the lake's jobs, on moto: what becomes of their inputs, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.cloud.client import CreateResult
from rehearsal.cloud.references import References
from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import Cloud, cloud

__all__ = ["cloud"]

JOB: dict[str, Any] = {
    "name": "shop-prepare",
    "command": {"name": "glueetl", "pythonVersion": "3", "scriptLocation": "s3://code/1/logs.py"},
    "defaultArguments": {"--clean": "s3://clean"},
    "glueVersion": "5.0",
    "workerType": "G.1X",
    "numberOfWorkers": 2,
    "timeout": 60,
    "maxRetries": 0,
    "executionProperty": {"maxConcurrentRuns": 1},
    "connections": ["shop-database"],
    "securityConfiguration": "shop-lake",
}
CONNECTION: dict[str, Any] = {
    "name": "shop-database",
    "connectionType": "JDBC",
    "connectionProperties": {"JDBC_CONNECTION_URL": "jdbc:postgresql://db:5432/app", "JDBC_ENFORCE_SSL": "true"},
}


def role(cloud: Cloud) -> str:
    return cloud.make("aws:iam/role:Role", name="shop-jobs", assumeRolePolicy="{}").outputs["arn"]


def job(cloud: Cloud, **changes: Any) -> CreateResult:
    return cloud.make("aws:glue/job:Job", **{**JOB, "roleArn": role(cloud), **changes})


def test_a_job_has_its_code_its_caps_and_its_connection(cloud: Cloud) -> None:
    made = job(cloud)
    assert (made.id, made.status, made.left_out) == ("shop-prepare", "emulated", [])
    assert made.outputs["arn"].endswith(":job/shop-prepare")
    found = cloud.ask("glue", "GetJob", JobName="shop-prepare")["Job"]
    assert found["Connections"] == {"Connections": ["shop-database"]}
    assert found["Command"]["ScriptLocation"] == "s3://code/1/logs.py"
    assert (found["WorkerType"], found["NumberOfWorkers"], found["Timeout"]) == ("G.1X", 2, 60)
    assert found["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
    assert found["SecurityConfiguration"] == "shop-lake"
    run = cloud.ask("glue", "StartJobRun", JobName=made.id)
    assert cloud.ask("glue", "GetJobRun", JobName=made.id, RunId=run["JobRunId"])["JobRun"]["JobName"] == made.id


def test_an_input_that_glue_does_not_know_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="workersType"):
        job(cloud, workersType="G.1X")


def test_a_connection_stands_in_its_subnet_with_its_groups(cloud: Cloud) -> None:
    subnet = cloud.ask("ec2", "DescribeSubnets")["Subnets"][0]
    group = cloud.ask("ec2", "DescribeSecurityGroups")["SecurityGroups"][0]["GroupId"]
    place = {
        "availabilityZone": subnet["AvailabilityZone"], "subnetId": subnet["SubnetId"],
        "securityGroupIdLists": [group],
    }  # fmt: skip
    made = cloud.make("aws:glue/connection:Connection", **CONNECTION, physicalConnectionRequirements=place)
    assert made.left_out == []
    assert made.outputs["arn"].endswith(":connection/shop-database")
    found = cloud.ask("glue", "GetConnection", Name="shop-database")["Connection"]
    assert found["ConnectionProperties"] == CONNECTION["connectionProperties"]
    assert found["PhysicalConnectionRequirements"]["SecurityGroupIdList"] == [group]


def test_a_security_configuration_says_what_is_encrypted_and_how(cloud: Cloud) -> None:
    key = cloud.make("aws:kms/key:Key").outputs["arn"]
    encryption = {
        "s3Encryption": {"s3EncryptionMode": "SSE-KMS", "kmsKeyArn": key},
        "cloudwatchEncryption": {"cloudwatchEncryptionMode": "SSE-KMS", "kmsKeyArn": key},
        "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "CSE-KMS", "kmsKeyArn": key},
    }
    made = cloud.make(
        "aws:glue/securityConfiguration:SecurityConfiguration", name="shop-lake", encryptionConfiguration=encryption
    )
    assert (made.id, made.left_out) == ("shop-lake", [])
    found = cloud.ask("glue", "GetSecurityConfiguration", Name="shop-lake")["SecurityConfiguration"]
    assert found["EncryptionConfiguration"] == {
        "S3Encryption": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": key}],
        "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": key},
        "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "CSE-KMS", "KmsKeyArn": key},
    }


def test_a_way_to_encrypt_that_glue_does_not_offer_is_refused(cloud: Cloud) -> None:
    encryption = {
        "s3Encryption": {"s3EncryptionMode": "KMS"},
        "cloudwatchEncryption": {},
        "jobBookmarksEncryption": {},
    }
    with pytest.raises(RehearsalError, match="S3EncryptionMode"):
        cloud.make(
            "aws:glue/securityConfiguration:SecurityConfiguration", name="shop-lake", encryptionConfiguration=encryption
        )


def test_a_crawler_looks_at_its_folders_on_its_schedule(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:glue/crawler:Crawler",
        name="shop-exports",
        role=role(cloud),
        databaseName="shop",
        schedule="cron(0 4 * * ? *)",
        s3Targets=[{"path": "s3://raw/exports/"}],
        tablePrefix="raw_",
        schemaChangePolicy={"updateBehavior": "UPDATE_IN_DATABASE", "deleteBehavior": "DEPRECATE_IN_DATABASE"},
        recrawlPolicy={"recrawlBehavior": "CRAWL_EVERYTHING"},
        securityConfiguration="shop-lake",
    )
    assert (made.id, made.left_out) == ("shop-exports", [])
    found = cloud.ask("glue", "GetCrawler", Name="shop-exports")["Crawler"]
    assert [target["Path"] for target in found["Targets"]["S3Targets"]] == ["s3://raw/exports/"]
    assert found["CrawlerSecurityConfiguration"] == "shop-lake"
    assert found["SchemaChangePolicy"]["DeleteBehavior"] == "DEPRECATE_IN_DATABASE"


def test_the_catalogue_is_in_every_account_and_its_databases_are_not() -> None:
    where = "arn:aws:glue:ap-northeast-1:123456789012"
    known = References()
    found = [*known.missing("urn", {"policy": f'"{where}:catalog" "{where}:database/nowhere"'}), *known.never_made()]
    assert found == [(f"{where}:database/nowhere", "urn")]


# --- Lake Formation --------------------------------------------------------------------------------------------------

DEPLOYER = "arn:aws:iam::123456789012:role/deployer"


def test_lake_formation_lets_nobody_around_it(cloud: Cloud) -> None:
    made = cloud.make("aws:lakeformation/dataLakeSettings:DataLakeSettings", admins=[DEPLOYER])
    assert (made.status, made.left_out) == ("emulated", [])
    found = cloud.ask("lakeformation", "GetDataLakeSettings")["DataLakeSettings"]
    assert found["DataLakeAdmins"] == [{"DataLakePrincipalIdentifier": DEPLOYER}]
    assert found["CreateDatabaseDefaultPermissions"] == found["CreateTableDefaultPermissions"] == []


def test_a_bucket_is_registered_with_the_role_that_is_lent(cloud: Cloud) -> None:
    lent = role(cloud)
    made = cloud.make("aws:lakeformation/resource:Resource", arn="arn:aws:s3:::clean", roleArn=lent)
    assert (made.id, made.status, made.left_out) == ("arn:aws:s3:::clean", "emulated", [])
    found = cloud.ask("lakeformation", "DescribeResource", ResourceArn="arn:aws:s3:::clean")["ResourceInfo"]
    assert found["RoleArn"] == lent


@pytest.mark.parametrize(
    ("given", "permissions", "resource"),
    [
        ({"database": {"name": "lake"}}, ["DESCRIBE"], {"Database": {"Name": "lake"}}),
        (
            {"table": {"databaseName": "lake", "name": "users"}},
            ["DESCRIBE", "SELECT"],
            {"Table": {"DatabaseName": "lake", "Name": "users"}},
        ),
        (
            {"dataLocation": {"arn": "arn:aws:s3:::raw"}},
            ["DATA_LOCATION_ACCESS"],
            {"DataLocation": {"ResourceArn": "arn:aws:s3:::raw"}},
        ),
    ],
)
def test_what_is_granted_is_what_was_asked(
    cloud: Cloud, given: dict[str, Any], permissions: list[str], resource: dict[str, Any]
) -> None:
    whom = role(cloud)
    made = cloud.make("aws:lakeformation/permissions:Permissions", principal=whom, permissions=permissions, **given)
    assert (made.status, made.left_out) == ("emulated", [])
    (found,) = cloud.ask("lakeformation", "ListPermissions")["PrincipalResourcePermissions"]
    assert found["Principal"] == {"DataLakePrincipalIdentifier": whom}
    assert (sorted(found["Permissions"]), found["Resource"]) == (permissions, resource)
