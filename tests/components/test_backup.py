"""Backups: what is backed up, where to, for how long, by whom, and who hears of failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.alarms import AlarmTopics
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.operations.backup import Backup, BackupArgs
from tests.conftest import ACCOUNT, REGION, Recorder, run
from tests.iam import allowed

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/data"
FAR_KEY = f"arn:aws:kms:ap-northeast-3:{ACCOUNT}:key/data"
FAR = "ap-northeast-3"
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


TAGS = {"Project": "wiki", "Environment": "prod"}


def backup(*, tags: Any = TAGS, stores: Any = ("aurora", "dynamodb"), **changes: Any) -> Backup:
    keys: dict[str, Any] = {"key": ExistingKey(arn=KEY), "copy_key": ExistingKey(arn=FAR_KEY)}
    return Backup("wiki-prod-backup", BackupArgs(**changes), tags=tags, stores=stores, **keys)


@pytest.mark.covers("C10", "D2")
def test_every_night_and_every_week_each_kept_for_its_time(recorder: Recorder) -> None:
    recorder.run(lambda: backup(keep_days=14, weekly_keep_days=60, hour=3))
    daily, weekly = recorder.one(":Plan").inputs["rules"]
    assert (daily["schedule"], daily["lifecycle"]) == ("cron(0 3 ? * * *)", {"deleteAfter": 14})
    assert (weekly["schedule"], weekly["lifecycle"]) == ("cron(0 3 ? * SUN *)", {"deleteAfter": 60})
    assert {rule["scheduleExpressionTimezone"] for rule in (daily, weekly)} == {"Asia/Tokyo"}


@pytest.mark.covers("D16")
def test_backups_can_be_more_frequent_than_daily_and_their_absence_is_told_sooner(recorder: Recorder) -> None:
    recorder.run(lambda: backup(hour=16, every_hours=6).alarms(TOPICS))
    often, weekly = recorder.one(":Plan").inputs["rules"]
    assert (often["schedule"], weekly["schedule"]) == ("cron(0 4,10,16,22 ? * * *)", "cron(0 16 ? * SUN *)")
    # The next one finds the last one done; AWS takes no start window below an hour.
    assert (often["startWindow"], often["completionWindow"]) == (60, 360)
    silent = recorder.named("wiki-prod-backup-missing-alarm").inputs
    assert silent["period"] * silent["evaluationPeriods"] == 12 * 3600


@pytest.mark.parametrize(("every", "copied", "hours"), [(24, False, 26), (24, True, 27), (12, True, 15), (2, True, 5)])
def test_what_is_lost_is_all_since_the_last_backup_that_is_there(every: Any, copied: bool, hours: float) -> None:
    assert BackupArgs(every_hours=every).lost_hours(copied=copied) == hours


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
    recorder.run(lambda: backup(copy_to=FAR))
    here, there = recorder.named("wiki-prod-backup-vault"), recorder.named("wiki-prod-backup-ap-northeast-3-vault")
    assert (here.inputs.get("region"), here.inputs["kmsKeyArn"]) == (None, KEY)
    assert (there.inputs["region"], there.inputs["kmsKeyArn"]) == ("ap-northeast-3", FAR_KEY)
    for rule in recorder.one(":Plan").inputs["rules"]:
        (copy,) = rule["copyActions"]
        assert copy["destinationVaultArn"].endswith("/wiki-prod-backup-ap-northeast-3-vault")
        assert copy["lifecycle"] == rule["lifecycle"]
    # AWS copies tables to other regions only where it manages their backups whole.
    managed = [each.inputs.get("resourceTypeManagementPreference") for each in recorder.of(":RegionSettings")]
    assert managed == [None, {"DynamoDB": True}]


def test_each_kind_is_opted_in_and_those_of_others_stay_as_they_are(recorder: Recorder) -> None:
    made = recorder.run(backup).of(":RegionSettings")
    assert [each.inputs["resourceTypeOptInPreference"] for each in made] == [{"Aurora": True}, {"DynamoDB": True}]
    for settings in made:
        # What AWS answers has every kind that it knows, and would be a difference for ever.
        assert settings.ignore_changes == ["resourceTypeManagementPreference", "resourceTypeOptInPreference"]
        assert settings.urn in recorder.one(":Plan").dependencies


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"stores": ["dynamodb"]}, {"stores": ["aurora", "dynamodb"]}),
        ({"stores": ["aurora"]}, {"stores": ["aurora", "dynamodb"]}),
        ({"stores": ["dynamodb"]}, {"stores": ["dynamodb"], "copy_to": FAR}),
    ],
)
def test_what_is_backed_up_or_copied_only_later_is_said_to_aws_then(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """An update says nothing of what it ignores: only what is new reaches AWS."""

    def said(changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
        with run(preview=False) as recorder:
            made = recorder.run(lambda: backup(**changes)).of(":RegionSettings")
        return {each.name: {key: value for key, value in each.inputs.items() if "Preference" in key} for each in made}

    first, later = said(before), said(after)
    assert {name: later[name] for name in first.keys() & later} == {name: first[name] for name in first.keys() & later}
    assert later.keys() - first.keys()


def test_without_a_copy_there_is_one_vault_and_no_care_of_tables_by_aws_backup_alone(recorder: Recorder) -> None:
    recorder.run(backup)
    assert not [one for one in recorder.of(":RegionSettings") if "resourceTypeManagementPreference" in one.inputs]
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
    recorder.run(lambda: backup(copy_to=FAR, keep_days=14, weekly_keep_days=60, **changes))
    locks = recorder.of(":VaultLockConfiguration")
    assert len(locks) == (2 if locked else 0)
    # What a setting puts on, it may take off; the vault itself stays.
    assert not any(lock.protect for lock in locks)
    for lock in locks:
        assert (lock.inputs["minRetentionDays"], lock.inputs["maxRetentionDays"]) == (14, 60)
        assert lock.inputs.get("changeableForDays") == days_to_change


@pytest.mark.parametrize(("retention", "protected"), [("protected", True), ("ephemeral", False)])
def test_what_is_protected_refuses_to_be_deleted(retention: str, protected: bool, recorder: Recorder) -> None:
    recorder.run(lambda: backup(copy_to=FAR, retention=retention))
    for vault in recorder.of(":Vault"):
        assert (vault.protect, vault.inputs["forceDestroy"]) == (protected, not protected)


# --- Permissions -----------------------------------------------------------------------------------------------------

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/wiki-prod-sessions"
CLUSTER = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:wiki-prod-database"


def policies(recorder: Recorder, **changes: Any) -> list[dict[str, Any]]:
    return [one.policy() for one in recorder.run(lambda: backup(copy_to=FAR, **changes)).of(":RolePolicy")]


def test_only_aws_backup_of_this_account_has_the_role(recorder: Recorder) -> None:
    (trusted,) = recorder.run(backup).one(":Role").policy("assumeRolePolicy")["Statement"]
    assert trusted["Principal"] == {"Service": "backup.amazonaws.com"}
    # No documentation says that AWS Backup sends them: strict conditions would keep it out.
    assert trusted["Condition"] == {
        "StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT},
        "ArnLikeIfExists": {"aws:SourceArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:*"},
    }


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
    recorder.run(lambda: backup(copy_to=FAR).alarms(TOPICS))
    alarms = {
        alarm.inputs["metricName"]: alarm.inputs
        for alarm in recorder.of(":MetricAlarm")
        if "ResourceType" not in alarm.inputs["dimensions"]
    }
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


def test_backups_of_tables_do_not_hide_that_the_database_has_none(recorder: Recorder) -> None:
    recorder.run(lambda: backup().alarms(TOPICS))
    alarms = [alarm.inputs for alarm in recorder.of(":MetricAlarm") if "ResourceType" in alarm.inputs["dimensions"]]
    assert sorted(alarm["dimensions"]["ResourceType"] for alarm in alarms) == ["Aurora", "DynamoDB"]
    for alarm in alarms:
        assert (alarm["metricName"], alarm["treatMissingData"]) == ("NumberOfBackupJobsCompleted", "breaching")
        assert alarm["alarmActions"] == [TOPICS.critical]


def test_without_a_copy_there_is_no_copy_to_watch(recorder: Recorder) -> None:
    recorder.run(lambda: backup().alarms(TOPICS))
    assert not [one for one in recorder.of(":MetricAlarm") if "Copy" in one.inputs["metricName"]]


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tags": {}}, r"tags: \{\} would back up what belongs to others"),
        ({"stores": []}, r"stores: \[\] cannot be backed up"),
        ({"stores": ["redis"]}, r"stores: \['redis'\] cannot be backed up; use one or more of aurora, dynamodb, rds"),
        ({"keep_days": 0}, "keep_days: 0 is not allowed; use 1 to 36500"),
        ({"weekly_keep_days": 35}, "weekly_keep_days: 35 keeps nothing .*use more than 35, or null"),
        ({"hour": 24}, "hour: 24 is not allowed; use 0 to 23"),
        ({"retention": "ephemeral", "lock": "governance"}, "lock: 'governance' keeps what retention: ephemeral"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], words: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=words):
        recorder.run(lambda: backup(**changes))
