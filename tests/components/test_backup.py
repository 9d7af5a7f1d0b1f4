"""Backups: what is backed up, where to, for how long, by whom, and who hears of failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.alarms import AlarmTopics
from components.operations.backup import Backup, BackupArgs, Copy
from components.refusal import Refusal
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/data"
FAR_KEY = f"arn:aws:kms:ap-northeast-3:{ACCOUNT}:key/data"
FAR = Copy(region="ap-northeast-3", key_arn=FAR_KEY)
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def backup_args(**changes: Any) -> BackupArgs:
    tags = {"Project": "wiki", "Environment": "prod"}
    return BackupArgs(**{"tags": tags, "stores": ["aurora", "dynamodb"], "key_arn": KEY, **changes})


def backup(**changes: Any) -> Backup:
    return Backup("wiki-prod-backup", backup_args(**changes))


@pytest.mark.covers("C10", "D2")
def test_every_night_and_every_week_each_kept_for_its_time(recorder: Recorder) -> None:
    recorder.run(lambda: backup(keep_days=14, weekly_keep_days=60, hour=3))
    daily, weekly = recorder.one(":Plan").inputs["rules"]
    assert (daily["schedule"], daily["lifecycle"]) == ("cron(0 3 ? * * *)", {"deleteAfter": 14})
    assert (weekly["schedule"], weekly["lifecycle"]) == ("cron(0 3 ? * SUN *)", {"deleteAfter": 60})
    assert {rule["scheduleExpressionTimezone"] for rule in (daily, weekly)} == {"Asia/Tokyo"}


def test_weekly_backups_can_be_left_out(recorder: Recorder) -> None:
    recorder.run(lambda: backup(weekly_keep_days=None))
    assert len(recorder.one(":Plan").inputs["rules"]) == 1


def test_only_the_named_kinds_with_all_the_tags_are_backed_up(recorder: Recorder) -> None:
    recorder.run(backup)
    chosen = recorder.one(":Selection").inputs
    assert chosen["resources"] == [
        f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:*",
        f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/*",
    ]
    (condition,) = chosen["conditions"]
    assert {(one["key"], one["value"]) for one in condition["stringEquals"]} == {
        ("aws:ResourceTag/Project", "wiki"),
        ("aws:ResourceTag/Environment", "prod"),
    }
    # Tags by themselves would add whatever else carries them.
    assert "selectionTags" not in chosen


@pytest.mark.covers("D2")
def test_each_backup_is_copied_to_a_vault_in_the_other_region_with_its_own_key(recorder: Recorder) -> None:
    recorder.run(lambda: backup(copy=FAR))
    here, there = recorder.named("wiki-prod-backup-vault"), recorder.named("wiki-prod-backup-ap-northeast-3-vault")
    assert (here.inputs.get("region"), here.inputs["kmsKeyArn"]) == (None, KEY)
    assert (there.inputs["region"], there.inputs["kmsKeyArn"]) == ("ap-northeast-3", FAR_KEY)
    for rule in recorder.one(":Plan").inputs["rules"]:
        (copy,) = rule["copyActions"]
        assert copy["destinationVaultArn"].endswith("/wiki-prod-backup-ap-northeast-3-vault")
        assert copy["lifecycle"] == rule["lifecycle"]
    # AWS copies tables to other regions only where it manages their backups whole.
    assert recorder.one(":RegionSettings").inputs["resourceTypeManagementPreference"] == {"DynamoDB": True}
    assert recorder.one(":RegionSettings").urn in recorder.one(":Plan").dependencies


def test_without_a_copy_no_setting_of_the_account_is_touched(recorder: Recorder) -> None:
    recorder.run(backup)
    assert not recorder.of(":RegionSettings")
    assert len(recorder.of(":Vault")) == 1


@pytest.mark.parametrize(
    ("changes", "locked", "days_to_change"),
    [
        ({}, True, None),
        ({"retention": "ephemeral"}, False, None),
        ({"lock": "none"}, False, None),
        ({"lock": "compliance"}, True, 3),
    ],
)
def test_a_lock_keeps_backups_for_their_time_in_both_regions(
    changes: dict[str, Any], locked: bool, days_to_change: int | None, recorder: Recorder
) -> None:
    recorder.run(lambda: backup(copy=FAR, keep_days=14, weekly_keep_days=60, **changes))
    locks = recorder.of(":VaultLockConfiguration")
    assert len(locks) == (2 if locked else 0)
    for lock in locks:
        assert (lock.inputs["minRetentionDays"], lock.inputs["maxRetentionDays"]) == (14, 60)
        assert lock.inputs.get("changeableForDays") == days_to_change


@pytest.mark.parametrize(("retention", "protected"), [("protected", True), ("ephemeral", False)])
def test_what_is_protected_refuses_to_be_deleted(retention: str, protected: bool, recorder: Recorder) -> None:
    recorder.run(lambda: backup(copy=FAR, retention=retention))
    for vault in recorder.of(":Vault"):
        assert (vault.protect, vault.inputs["forceDestroy"]) == (protected, not protected)


# --- Permissions -----------------------------------------------------------------------------------------------------

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/wiki-prod-sessions"
CLUSTER = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:wiki-prod-database"


def policies(recorder: Recorder, **changes: Any) -> list[dict[str, Any]]:
    return [one.policy() for one in recorder.run(lambda: backup(copy=FAR, **changes)).of(":RolePolicy")]


def test_only_aws_backup_of_this_account_has_the_role(recorder: Recorder) -> None:
    (trusted,) = recorder.run(backup).one(":Role").policy("assumeRolePolicy")["Statement"]
    assert trusted["Principal"] == {"Service": "backup.amazonaws.com"}
    assert trusted["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_the_role_makes_and_copies_backups_and_reads_writes_or_deletes_no_data(recorder: Recorder) -> None:
    documents = policies(recorder)
    for action, resource in (
        ("dynamodb:StartAwsBackupJob", TABLE),
        ("dynamodb:CreateBackup", TABLE),
        ("rds:CreateDBClusterSnapshot", CLUSTER),
        ("rds:CopyDBClusterSnapshot", f"arn:aws:rds:ap-northeast-3:{ACCOUNT}:cluster-snapshot:awsbackup:job-1"),
        ("backup:CopyFromBackupVault", f"arn:aws:backup:{REGION}:{ACCOUNT}:recovery-point:1"),
        ("backup:CopyFromBackupVault", f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster-snapshot:awsbackup:job-1"),
        ("kms:GenerateDataKey", KEY),
        ("kms:GenerateDataKey", FAR_KEY),
    ):
        assert allowed(documents, action, resource), action
    for action, resource in (
        ("dynamodb:GetItem", TABLE),
        ("dynamodb:Scan", TABLE),
        ("dynamodb:DeleteTable", TABLE),
        ("rds:DeleteDBCluster", CLUSTER),
        ("rds:DeleteDBClusterSnapshot", f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster-snapshot:by-hand"),
        ("dynamodb:RestoreTableFromAwsBackup", TABLE),
        ("backup:DeleteRecoveryPoint", f"arn:aws:backup:{REGION}:{ACCOUNT}:recovery-point:1"),
        ("kms:GenerateDataKey", f"{KEY}-2"),
    ):
        assert not allowed(documents, action, resource), action


def test_keys_are_lent_to_services_of_aws_only(recorder: Recorder) -> None:
    documents = policies(recorder)
    assert allowed(documents, "kms:CreateGrant", KEY, kms__GrantIsForAWSResource="true")
    assert not allowed(documents, "kms:CreateGrant", KEY)


@pytest.mark.parametrize(
    ("stores", "absent"), [(["aurora"], "dynamodb:"), (["dynamodb"], "rds:"), (["rds"], "cluster")]
)
def test_the_role_may_do_nothing_with_stores_that_are_not_backed_up(
    stores: list[str], absent: str, recorder: Recorder
) -> None:
    documents = policies(recorder, stores=stores)
    resources = json.dumps([one["Resource"] for one in documents[0]["Statement"]])
    assert absent not in resources


# --- Alarms ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("C10")
def test_failures_wake_somebody_and_so_does_silence(recorder: Recorder) -> None:
    recorder.run(lambda: backup(copy=FAR).alarms(TOPICS))
    alarms = {alarm.inputs["metricName"]: alarm.inputs for alarm in recorder.of(":MetricAlarm")}
    assert set(alarms) == {
        "NumberOfBackupJobsFailed", "NumberOfBackupJobsExpired", "NumberOfCopyJobsFailed",
        "NumberOfBackupJobsCompleted",
    }  # fmt: skip
    for alarm in alarms.values():
        assert alarm["dimensions"] == {"BackupVaultName": "wiki-prod-backup-vault"}
        assert alarm["alarmActions"] == [TOPICS.critical]
    silence = alarms["NumberOfBackupJobsCompleted"]
    assert (silence["comparisonOperator"], silence["treatMissingData"]) == ("LessThanThreshold", "breaching")
    # A day and the time that backups take, within the week that CloudWatch looks back.
    assert 24 < silence["period"] * silence["evaluationPeriods"] / 3600 <= 7 * 24


def test_without_a_copy_there_is_no_copy_to_watch(recorder: Recorder) -> None:
    recorder.run(lambda: backup().alarms(TOPICS))
    assert not [one for one in recorder.of(":MetricAlarm") if "Copy" in one.inputs["metricName"]]


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tags": {}}, r"tags: \{\} would back up what belongs to others"),
        ({"stores": []}, r"stores: \[\] has nothing to back up"),
        ({"stores": ["redis"]}, "stores: 'redis' is not a kind that is backed up; use aurora, dynamodb, rds"),
        ({"keep_days": 0}, "keep_days: 0 is not allowed; use 1 to 36500"),
        ({"weekly_keep_days": 35}, "weekly_keep_days: 35 keeps nothing .*use more than 35, or null"),
        ({"hour": 24}, "hour: 24 is not an hour; use 0 to 23"),
        ({"retention": "ephemeral", "lock": "governance"}, "lock: 'governance' keeps what retention: ephemeral"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        backup_args(**changes)
