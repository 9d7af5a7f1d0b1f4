"""Who may make a copy of a database, from what, and to where; and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.data.bucket import Bucket, BucketArgs
from components.data.postgres import Postgres, PostgresArgs
from components.identity.key import ExistingKey
from components.operations.database_copy import DatabaseDump, DatabaseDumpArgs, SnapshotExport, SnapshotExportArgs
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed
from tests.networks import existing_network

NAME = "wiki-dev-database-copy"
BUCKET = "arn:aws:s3:::wiki-dev-database-copies-bucket-1234567"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:Instance/wiki-dev-database-instance"
SNAPSHOTS = f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot"


def role(name: str) -> aws.iam.Role:
    return aws.iam.Role(name, assume_role_policy="{}")


@dataclass
class Host:
    """The server that dumps."""

    instance_id: pulumi.Output[str]
    role: aws.iam.Role


def export() -> None:
    key = ExistingKey(arn=KEY)
    database = Postgres(
        "wiki-dev-database", PostgresArgs(instance_class="db.t4g.micro"), network=existing_network(), key=key
    )
    bucket = Bucket("wiki-dev-database-copies", BucketArgs())
    made = SnapshotExport(NAME, SnapshotExportArgs(), bucket=bucket, database=database, key=key)
    made.grant_run(role("wiki-dev-workflow-role"))


def dump() -> None:
    host = Host(pulumi.Output.from_input("i-1"), role("wiki-dev-host-role"))
    bucket = Bucket("wiki-dev-database-copies", BucketArgs())
    DatabaseDump(NAME, DatabaseDumpArgs(), bucket=bucket, host=host).grant_run(role("wiki-dev-workflow-role"))


def policies(recorder: Recorder, name: str) -> list[Any]:
    return [each.policy() for each in recorder.of("RolePolicy") if each.name.endswith(name)]


@pytest.mark.covers("E12")
def test_only_exports_of_this_account_write_and_only_under_their_prefix(recorder: Recorder) -> None:
    recorder.run(export)
    [trust] = recorder.named(f"{NAME}-export-role").policy("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "export.rds.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    made = policies(recorder, "export-policy")
    assert allowed(made, "s3:PutObject", f"{BUCKET}/database/copy-1/x")
    assert not allowed(made, "s3:PutObject", f"{BUCKET}/elsewhere/x")
    assert allowed(made, "kms:GenerateDataKey", KEY)


@pytest.mark.parametrize(
    ("action", "resource", "may"),
    [
        ("rds:CreateDBSnapshot", DATABASE, True),
        ("rds:CreateDBSnapshot", f"{SNAPSHOTS}:wiki-dev-database-copy-1", True),
        ("rds:DeleteDBSnapshot", f"{SNAPSHOTS}:wiki-dev-database-copy-1", True),
        ("rds:DeleteDBSnapshot", f"{SNAPSHOTS}:wiki-dev-database-final", False),
        ("rds:DeleteDBSnapshot", f"{SNAPSHOTS}:rds:wiki-dev-database-2026", False),
        ("rds:DeleteDBInstance", DATABASE, False),
        ("rds:ModifyDBSnapshotAttribute", f"{SNAPSHOTS}:wiki-dev-database-copy-1", False),
        ("kms:CreateGrant", KEY, True),
        ("kms:Decrypt", KEY, False),
        ("s3:ListBucket", BUCKET, True),
        ("s3:GetObject", f"{BUCKET}/database/x", False),
        ("s3:DeleteObject", f"{BUCKET}/database/x", False),
    ],
)
def test_the_workflow_may_export_and_clean_up_its_own_snapshots(
    recorder: Recorder, action: str, resource: str, may: bool
) -> None:
    recorder.run(export)
    assert allowed(policies(recorder, "workflow-role"), action, resource) is may


def test_the_workflow_passes_its_role_to_exports_only(recorder: Recorder) -> None:
    recorder.run(export)
    made = policies(recorder, "workflow-role")
    passed = next(one["Resource"] for one in made[0]["Statement"] if one["Sid"] == "PassTheRoleOn")
    assert allowed(made, "iam:PassRole", passed, iam__PassedToService="export.rds.amazonaws.com")
    assert not allowed(made, "iam:PassRole", passed, iam__PassedToService="ec2.amazonaws.com")


@pytest.mark.covers("E12")
@pytest.mark.parametrize(
    ("who", "action", "resource", "may"),
    [
        ("host-role", "s3:PutObject", f"{BUCKET}/database/x.dump", True),
        ("host-role", "s3:PutObject", f"{BUCKET}/other/x.dump", False),
        ("host-role", "s3:GetObject", f"{BUCKET}/database/x.dump", False),
        ("host-role", "s3:DeleteObject", f"{BUCKET}/database/x.dump", False),
        ("workflow-role", "ssm:SendCommand", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1", True),
        ("workflow-role", "ssm:SendCommand", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-2", False),
        ("workflow-role", "ssm:SendCommand", f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript", False),
        ("workflow-role", "s3:GetObject", f"{BUCKET}/database/x.dump", True),
        ("workflow-role", "s3:PutObject", f"{BUCKET}/database/x.dump", False),
    ],
)
def test_a_dump_needs_two_who_may_little(recorder: Recorder, who: str, action: str, resource: str, may: bool) -> None:
    recorder.run(dump)
    assert allowed(policies(recorder, who), action, resource) is may


def test_the_workflow_may_send_this_document(recorder: Recorder) -> None:
    recorder.run(dump)
    made = recorder.one("ssm/document:Document")
    assert made.inputs["name"] == f"{NAME}-dump"
    assert allowed(
        policies(recorder, "workflow-role"), "ssm:SendCommand", f"arn:aws:ssm:{REGION}:{ACCOUNT}:Document/{made.name}"
    )
