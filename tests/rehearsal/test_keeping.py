"""What prod keeps and how it comes back, where its file says kinds of logs, copies and a promise: deployed once, and
damaged and restored by the runbook's own commands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guardrails.taggable import taggable_types

from components.log_kinds import LEAST_DAYS
from tests.conftest import PATIENCE
from tests.iam import allowed
from tests.rehearsal.aws_commands import Shell, blocks, commands
from tests.rehearsal.conftest import ROOT, Rehearsed
from tests.stack_files import config_of, project

REGION, OSAKA, ACCOUNT = "ap-northeast-1", "ap-northeast-3", "123456789012"
RUNBOOK = (ROOT / "docs" / "runbooks" / "restore.md").read_text(encoding="utf-8")
_PROD = config_of("prod", {})
CHANGES: dict[str, Any] = {
    "kumiki:logs": {"retentionDays": 30, "kinds": {}},
    "kumiki:logArchive": {"glacierAfterDays": 90},
    "kumiki:buckets": {
        "content": {"replicateTo": OSAKA},
        "temporary": {"lifecycle": [{"deleteAfterDays": 7}]},
    },
    "kumiki:tables": {name: {**one, "replicas": [OSAKA]} for name, one in _PROD["kumiki:tables"].items()},
    "kumiki:backup": {**_PROD["kumiki:backup"], "everyHours": 12},
    "kumiki:recovery": {
        "rpoHours": 24,
        "rtoHours": 24,
        "madeAgain": {"buckets.temporary": "a job writes them again", "userPool": "people sign up again"},
    },
}


class Kept:
    """The deployed account, and the report of its rehearsal."""

    def __init__(self, shell: Shell, done: Rehearsed) -> None:
        self.shell, self.done = shell, done
        self.outputs = done.report["outputs"]
        self.tests: set[str] = set()
        """The tests that have asked this account."""

    def of_type(self, ending: str) -> list[dict[str, Any]]:
        return [one for one in self.done.report["resources"] if one["type"].endswith(ending)]

    def inputs(self, name: str) -> dict[str, Any]:
        return self.done.resource(f"kumiki-prod-{name}")["inputs"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> Iterator[Kept]:
    folder = project(tmp_path_factory.mktemp("kept"), {"config": config_of("prod", CHANGES)})
    report: Path = folder / "report.json"
    process = subprocess.Popen(
        [*command, "test", "--verbose", "--program", str(folder), "--serve", "--port", "0", "--json", str(report)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    address = None
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            address = found[0]
            break
    shell = None
    try:
        assert address is not None, "".join(said)
        shell = Shell(tmp_path_factory.mktemp("shell"), address, REGION)
        yield Kept(shell, Rehearsed(0, "".join(said), json.loads(report.read_text(encoding="utf-8"))))
    finally:
        if shell is not None:
            shell.close()
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)


@pytest.fixture(autouse=True)
def remember(kept: Kept, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    kept.tests.add(request.node.name)


def test_it_deploys_without_a_finding(kept: Kept) -> None:
    assert kept.done.report["ok"], kept.done.text
    assert kept.done.report["counts"]["warnings"] == kept.done.report["counts"]["skipped"] == 0


# --- Logs ------------------------------------------------------------------------------------------------------------


def log_stores(kept: Kept) -> dict[str, dict[str, float]]:
    """Kind → each store of logs of this kind in the deployed stack, and its days: groups, and prefixes of buckets."""
    stores: dict[str, dict[str, float]] = defaultdict(dict)
    for one in kept.of_type(":LogGroup"):
        kind = one["inputs"]["tags"].get("LogClass", "none")
        stores[kind][one["inputs"]["name"]] = one["inputs"].get("retentionInDays") or float("inf")
    # By what the archive is told of each prefix, and by the bucket's own kind of everything else.
    prefixes = {"config/": "audit", "app-logs/": "error"}
    buckets = {one["id"]: one for one in kept.of_type("s3/bucket:Bucket") if one["inputs"]["tags"].get("LogClass")}
    for one in kept.of_type(":BucketLifecycleConfiguration"):
        bucket = buckets.get(one["inputs"]["bucket"])
        for rule in one["inputs"]["rules"] if bucket else []:
            days = (rule.get("expiration") or {}).get("days")
            if bucket and days:
                prefix = rule["filter"].get("prefix", "")
                kind = prefixes.get(prefix) or bucket["inputs"]["tags"]["LogClass"]
                stores[kind][f"{bucket['name']}/{prefix}"] = days
    return dict(stores)


@pytest.mark.covers("D12", "D17")
def test_every_store_of_logs_is_of_a_kind_and_keeps_it_for_its_days(kept: Kept) -> None:
    stores = log_stores(kept)
    shown = "\n".join(f"{kind}: {where} {days}" for kind, all_of in stores.items() for where, days in all_of.items())
    assert stores.keys() == set(LEAST_DAYS), shown
    assert {kind: min(all_of.values()) for kind, all_of in stores.items()} == {
        "application": 30,
        "access": 365,
        "error": 180,
        "audit": 1096,
    }, shown
    # Whoever writes into the archive, under a prefix of its own, finds a rule there.
    archive = [where.partition("/")[2] for all_of in stores.values() for where in all_of if "log-archive" in where]
    assert sorted(archive) == [
        "app-logs/", "cloudfront-logs/", "config/", "load-balancer-logs/", "s3-access-logs/", "vpc-flow-logs/",
    ]  # fmt: skip
    statements = json.loads(kept.inputs("log-archive-policy")["policy"])["Statement"]
    written = [
        one["Resource"].split(":::", 1)[1].split("/", 1)[1] for one in statements if one["Action"] == "s3:PutObject"
    ]
    assert written
    assert all(any(path.startswith(prefix) for prefix in archive) for path in written), written


@pytest.mark.covers("D17")
def test_the_trail_is_locked_for_as_long_as_audit_logs_are_kept(kept: Kept) -> None:
    (trail,) = kept.of_type(":Trail")
    bucket = kept.done.resource("kumiki-prod-audit-bucket")
    assert trail["inputs"]["s3BucketName"] == bucket["outputs"]["bucket"]
    locked = kept.shell.client("s3").get_object_lock_configuration(Bucket=bucket["outputs"]["bucket"])
    rule = locked["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (rule["Mode"], rule["Days"]) == ("GOVERNANCE", LEAST_DAYS["audit"])


# --- Copies ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("D4")
def test_content_is_copied_to_osaka_within_a_quarter_of_an_hour_and_what_lags_is_told_there(kept: Kept) -> None:
    here, there = (
        kept.done.resource("kumiki-prod-content-bucket"),
        kept.done.resource("kumiki-prod-content-replica-bucket"),
    )
    said = kept.shell.client("s3").get_bucket_replication(Bucket=here["outputs"]["bucket"])["ReplicationConfiguration"]
    (rule,) = said["Rules"]
    to = rule["Destination"]
    assert to["Bucket"] == there["outputs"]["arn"]
    assert there["region"] == OSAKA
    assert to["Metrics"]["Status"] == to["ReplicationTime"]["Status"] == "Enabled"
    assert int(to["ReplicationTime"]["Time"]["Minutes"]) == 15
    key = kept.done.resource("kumiki-prod-data-replica-key")
    assert key["region"] == OSAKA
    encryption = kept.shell.client("s3", OSAKA).get_bucket_encryption(Bucket=there["outputs"]["bucket"])
    (encrypted,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert encrypted["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key["outputs"]["arn"]
    (alarm,) = kept.shell.client("cloudwatch", OSAKA).describe_alarms(
        AlarmNames=["kumiki-prod-content-replication-late-alarm"]
    )["MetricAlarms"]
    (topic,) = alarm["AlarmActions"]
    assert topic == f"arn:aws:sns:{OSAKA}:{ACCOUNT}:kumiki-prod-warning-alerts"
    assert kept.shell.client("sns", OSAKA).get_topic_attributes(TopicArn=topic)["Attributes"]["TopicArn"] == topic


@pytest.mark.covers("D2")
def test_tables_have_replicas_in_osaka_under_a_key_of_osaka_and_backups_twice_a_day(kept: Kept) -> None:
    replicas = kept.of_type(":TableReplica")
    tables = {one["outputs"]["arn"] for one in kept.of_type("dynamodb/table:Table")}
    assert {one["inputs"]["globalTableArn"] for one in replicas} == tables
    key = kept.done.resource("kumiki-prod-data-replica-key")["outputs"]["arn"]
    assert {(one["inputs"]["region"], one["inputs"]["kmsKeyArn"]) for one in replicas} == {(OSAKA, key)}
    often = kept.inputs("backup-plan")["rules"][0]
    assert often["schedule"] == "cron(0 4,16 ? * * *)"
    assert often["copyActions"][0]["destinationVaultArn"].startswith(f"arn:aws:backup:{OSAKA}:")


# --- Costs -----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("D14")
def test_everything_that_can_be_tagged_says_whose_it_is(kept: Kept) -> None:
    made = [one for one in kept.done.report["resources"] if one["type"] in taggable_types()]
    assert len(made) > 100
    for one in made:
        tags = one["inputs"].get("tags") or {}
        assert tags.keys() >= {"Component", "Environment", "Owner", "Project"}, one["name"]


# --- The promise -----------------------------------------------------------------------------------------------------


@pytest.mark.covers("D16")
def test_what_the_stack_says_of_each_way_back_is_deployed(kept: Kept) -> None:
    """Each line of the table, against the account: nothing is promised that is not there."""
    told = kept.outputs["recovery"]
    assert {one["store"] for one in told} == {
        "buckets.content", "buckets.temporary", "cache", "database", "tables.connections", "tables.deliveries",
        "tables.sessions", "tables.settings", "userPool",
    }  # fmt: skip
    found = {(one["store"], one["disaster"]): one for one in told}
    assert len(found) == len(told) == 2 * 9
    dynamodb, s3 = kept.shell.client("dynamodb"), kept.shell.client("s3")
    for name in ("sessions", "settings"):
        line = found[f"tables.{name}", "damage"]
        backups = dynamodb.describe_continuous_backups(TableName=f"kumiki-prod-{name}")["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
        assert (line["by"], line["lost at most"]) == ("continuous backup, 35 days", "5 minutes")
        assert found[f"tables.{name}", "region"]["by"] == f"replica in {OSAKA}"
        assert kept.inputs(f"{name}-{OSAKA}-replica")["region"] == OSAKA
    bucket = kept.outputs["buckets"]["content"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    days = [
        one["NoncurrentVersionExpiration"]["NoncurrentDays"] for one in rules if "NoncurrentVersionExpiration" in one
    ]
    assert found["buckets.content", "damage"]["by"] == f"old versions, {days[0]} days"
    assert found["buckets.content", "region"]["lost at most"] == "15 minutes"
    (cluster,) = kept.shell.client("rds").describe_db_clusters(DBClusterIdentifier="kumiki-prod-database")["DBClusters"]
    assert found["database", "damage"]["by"] == f"continuous backup, {cluster['BackupRetentionPeriod']} days"
    assert found["database", "region"]["by"] == f"vault in {OSAKA}, every 12 hours"
    assert "Ways back to the data" in kept.done.text
    assert re.search(r"tables\.sessions +region +replica in ap-northeast-3 +6 minutes +2 hours", kept.done.text)


@pytest.mark.covers("D16")
def test_every_quarter_people_are_told_to_try_a_restore(kept: Kept) -> None:
    schedule = kept.shell.client("scheduler").get_schedule(
        GroupName="kumiki-prod-recovery-drill", Name="kumiki-prod-recovery-drill"
    )
    assert schedule["ScheduleExpression"] == "cron(0 10 ? 1,4,7,10 MON#1 *)"
    topic = kept.outputs["alertTopics"]["warning"]
    assert schedule["Target"]["Arn"] == topic
    assert "docs/runbooks/restore.md" in json.loads(schedule["Target"]["Input"])["reminder"]
    policy = json.loads(kept.inputs("recovery-drill-policy")["policy"])
    assert allowed([policy], "sns:Publish", topic)
    assert not allowed([policy], "sns:Publish", kept.outputs["alertTopics"]["critical"])
    # Without the topic's key SNS would take nothing.
    key = kept.done.resource("kumiki-prod-alerts-encryption-key")["outputs"]["arn"]
    assert allowed([policy], "kms:GenerateDataKey", key)
    assert kept.inputs("alerts-warning-topic")["kmsMasterKeyId"] == key


# --- The runbook, run ------------------------------------------------------------------------------------------------


def run(kept: Kept, heading: str, **filled_in: str) -> None:
    """All that stands below a heading, but for what Pulumi does."""
    for block in blocks(RUNBOOK, heading):
        if not block.startswith("pulumi "):
            kept.shell.run(block, **filled_in)


def items(kept: Kept, table: str = "kumiki-prod-sessions") -> set[str]:
    answer = kept.shell.client("dynamodb").scan(TableName=table)
    return {one["session"]["S"] for one in answer["Items"]}


def put_items(kept: Kept, count: int, size: int) -> set[str]:
    dynamodb = kept.shell.client("dynamodb")
    names = {f"session-{number}" for number in range(count)}
    for name in sorted(names):
        dynamodb.put_item(
            TableName="kumiki-prod-sessions",
            Item={"session": {"S": name}, "user": {"S": "a"}, "data": {"S": "a" * size}, "expires": {"N": "9"}},
        )
    return names


@pytest.mark.covers("D16")
def test_items_that_were_deleted_come_back_from_the_continuous_backup(kept: Kept) -> None:
    """The emulator restores what is in the table at the moment, whatever the time, so the damage comes after."""
    # A request of 25 such items is longer than Linux lets an argument be (128 KiB).
    names = put_items(kept, 60, 6_000)
    restore, copy_back, clean_up = blocks(RUNBOOK, "A table")
    kept.shell.run(restore)
    for name in names:
        kept.shell.client("dynamodb").delete_item(TableName="kumiki-prod-sessions", Key={"session": {"S": name}})
    assert items(kept) == set()
    told = kept.shell.run(copy_back)
    # 60 items are three requests, each of which was taken whole.
    assert told.split() == ["{}"] * 3
    kept.shell.run(clean_up)
    assert items(kept) == names
    assert "kumiki-prod-sessions-restored" not in kept.shell.client("dynamodb").list_tables()["TableNames"]


@pytest.mark.covers("D16")
def test_a_table_that_was_deleted_comes_back_under_its_name(kept: Kept) -> None:
    dynamodb = kept.shell.client("dynamodb")
    put = dynamodb.put_item
    put(TableName="kumiki-prod-sessions", Item={"session": {"S": "kept"}, "user": {"S": "a"}})
    before, restore, _ = blocks(RUNBOOK, "A table that was deleted")
    kept.shell.run(before)
    dynamodb.update_table(TableName="kumiki-prod-sessions", DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName="kumiki-prod-sessions")
    kept.shell.run(restore)
    assert "kept" in items(kept)


@pytest.mark.covers("D16")
def test_objects_come_back_from_under_their_markers_and_as_they_were_before(kept: Kept) -> None:
    s3, bucket = kept.shell.client("s3"), kept.outputs["buckets"]["content"]
    put = {"Bucket": bucket}
    for key in ("pages/a", "pages/b"):
        s3.put_object(**put, Key=key, Body=b"right")
        s3.delete_object(**put, Key=key)
    s3.put_object(**put, Key="pages/c", Body=b"right")
    s3.put_object(**put, Key="pages/c", Body=b"wrong")
    run(kept, "A bucket", BUCKET=bucket, PATH="pages/")
    run(kept, "Objects that were deleted", BUCKET=bucket, PATH="pages/")
    run(kept, "An object that was overwritten", BUCKET=bucket, PATH="pages/c")
    bodies = {key: s3.get_object(**put, Key=key)["Body"].read() for key in ("pages/a", "pages/b", "pages/c")}
    assert set(bodies.values()) == {b"right"}, bodies


@pytest.mark.covers("D16", "D4")
def test_a_bucket_whose_versions_are_gone_is_filled_from_its_copy(kept: Kept) -> None:
    """The emulator copies nothing, so the test puts into the copy what S3 would have."""
    there, here = kept.shell.client("s3", OSAKA), kept.shell.client("s3")
    copy = kept.done.resource("kumiki-prod-content-replica-bucket")["outputs"]["bucket"]
    bucket = kept.outputs["buckets"]["content"]
    names = {"pages/x", "pages/ein Name mit & und ü"}
    for name in names:
        there.put_object(Bucket=copy, Key=name, Body=name.encode())
    run(kept, "Everything, from the copy in Osaka", BUCKET=bucket, COPY=copy)
    for name in names:
        assert here.get_object(Bucket=bucket, Key=name)["Body"].read() == name.encode()


@pytest.mark.covers("D16")
def test_a_database_comes_back_at_a_moment_and_takes_the_old_names(kept: Kept) -> None:
    rds = kept.shell.client("rds")
    members = sorted(
        one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]
        if one.get("DBClusterIdentifier") == "kumiki-prod-database"
    )  # fmt: skip
    (before,) = rds.describe_db_clusters(DBClusterIdentifier="kumiki-prod-database")["DBClusters"]
    filled = {
        "SUBNET_GROUP": before["DBSubnetGroup"],
        "SECURITY_GROUP": kept.inputs("database-cluster")["vpcSecurityGroupIds"][0],
        "PARAMETER_GROUP": kept.inputs("database-cluster")["dbClusterParameterGroupName"],
        "KEY": before["KmsKeyId"],
        "INSTANCE_1": members[0],
        "INSTANCE_2": members[1],
    }
    restore, password, change_names, _ = blocks(RUNBOOK, "The database")
    kept.shell.run(restore, **filled)
    kept.shell.run(password, **filled)
    second = next(line for line in restore.splitlines() if "create-db-instance" in line)
    kept.shell.run(
        second.replace("-restored-1", "-restored-2").replace("--promotion-tier 0", "--promotion-tier 1"), **filled
    )
    kept.shell.run(change_names, **filled)
    names = {one["DBClusterIdentifier"] for one in rds.describe_db_clusters()["DBClusters"]}
    assert {"kumiki-prod-database", "kumiki-prod-database-wrong"} <= names
    assert "kumiki-prod-database-restored" not in names
    (after,) = rds.describe_db_clusters(DBClusterIdentifier="kumiki-prod-database")["DBClusters"]
    assert (after["StorageEncrypted"], after["DeletionProtection"], after["BackupRetentionPeriod"]) == (True, True, 35)


@pytest.mark.covers("D16")
def test_a_database_comes_back_from_a_snapshot(kept: Kept) -> None:
    rds = kept.shell.client("rds")
    (before,) = rds.describe_db_clusters(DBClusterIdentifier="kumiki-prod-database")["DBClusters"]
    (restore,) = blocks(RUNBOOK, "From a snapshot")
    # Two clusters that had one name within a minute are one too many for the emulator.
    kept.shell.run(
        restore.replace("database-restored", "database-restored-later"),
        SUBNET_GROUP=before["DBSubnetGroup"],
        SECURITY_GROUP=kept.inputs("database-cluster")["vpcSecurityGroupIds"][0],
        PARAMETER_GROUP=kept.inputs("database-cluster")["dbClusterParameterGroupName"],
        KEY=before["KmsKeyId"],
    )
    (made,) = rds.describe_db_clusters(DBClusterIdentifier="kumiki-prod-database-restored-later")["DBClusters"]
    assert (made["Engine"], made["StorageEncrypted"]) == ("aurora-postgresql", True)


@pytest.mark.covers("D16")
def test_what_writes_is_stopped_before_anything_is_restored(kept: Kept) -> None:
    run(kept, "Before anything else")
    told = kept.shell.client("ecs").describe_services(
        cluster="kumiki-prod-cluster", services=["kumiki-prod-api", "kumiki-prod-worker"]
    )
    assert [one["desiredCount"] for one in told["services"]] == [0, 0]


NOT_EMULATED = {
    "backup describe-restore-job",
    "backup get-recovery-point-restore-metadata",
    "backup list-recovery-points-by-backup-vault",
    "backup start-backup-job",
    "backup start-restore-job",
}
"""The emulator has vaults and no backups: these are held against AWS's models only."""

RUN_ELSEWHERE = {"ecs run-task"}
"""What the task does is tested where the program is: an emulated task runs nothing."""


@pytest.mark.covers("D16")
def test_every_command_of_the_runbook_was_run_or_is_known_not_to_be(kept: Kept, request: pytest.FixtureRequest) -> None:
    """The last of the file: the tests above have run the rest."""
    if {name for name in globals() if name.startswith("test_")} - kept.tests - {request.node.name}:
        pytest.skip("tests above have run in another process, or not at all")
    all_of_them = {" ".join(words[1:3]) for block in blocks(RUNBOOK) for words in commands(block)}
    ran = {" ".join(words[1:3]) for words in kept.shell.ran}
    assert all_of_them - ran == NOT_EMULATED | RUN_ELSEWHERE
    for one in sorted(NOT_EMULATED):
        line = next(
            " ".join(words) for block in blocks(RUNBOOK) for words in commands(block) if " ".join(words[1:3]) == one
        )
        with pytest.raises(AssertionError):
            kept.shell.run(line.replace("file://metadata.json", "{}"))
