"""Backups: their specs on moto, the plan of the rehearsed prod, and settings that are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.problems import RehearsalError
from tests.rehearsal.conftest import Refuse, Rehearse, Rehearsed
from tests.rehearsal.test_specs import TAGS, Cloud, cloud

__all__ = ["cloud"]

RULE: dict[str, Any] = {
    "ruleName": "daily",
    "targetVaultName": "shop-vault",
    "schedule": "cron(0 4 ? * * *)",
    "scheduleExpressionTimezone": "Asia/Tokyo",
    "startWindow": 60,
    "completionWindow": 720,
    "lifecycle": {"deleteAfter": 35},
    "copyActions": [
        {"destinationVaultArn": "arn:aws:backup:ap-northeast-3:123456789012:backup-vault:far",
         "lifecycle": {"deleteAfter": 35}},
    ],
}  # fmt: skip


def test_a_vault_is_locked_and_tagged_and_a_plan_says_when_where_and_for_how_long(cloud: Cloud) -> None:
    key = cloud.make("aws:kms/key:Key").outputs["arn"]
    vault = cloud.make("aws:backup/vault:Vault", name="shop-vault", kmsKeyArn=key, forceDestroy=True)
    cloud.make(
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration", backupVaultName="shop-vault",
        minRetentionDays=35, maxRetentionDays=90,
    )  # fmt: skip
    found = cloud.ask("backup", "DescribeBackupVault", BackupVaultName="shop-vault")
    assert (found["BackupVaultArn"], found["EncryptionKeyArn"]) == (vault.outputs["arn"], key)
    assert (found["MinRetentionDays"], found["MaxRetentionDays"]) == (35, 90)
    plan = cloud.make("aws:backup/plan:Plan", name="shop", rules=[RULE])
    (rule,) = cloud.ask("backup", "GetBackupPlan", BackupPlanId=plan.id)["BackupPlan"]["Rules"]
    assert (rule["ScheduleExpression"], rule["ScheduleExpressionTimezone"]) == ("cron(0 4 ? * * *)", "Asia/Tokyo")
    assert (rule["StartWindowMinutes"], rule["CompletionWindowMinutes"]) == (60, 720)
    assert rule["Lifecycle"]["DeleteAfterDays"] == 35
    assert rule["CopyActions"][0]["DestinationBackupVaultArn"].endswith(":far")
    for arn in (vault.outputs["arn"], plan.outputs["arn"]):
        assert cloud.ask("backup", "ListTags", ResourceArn=arn)["Tags"] == TAGS


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lifecycle": {"deleteAfterDay": 35}}, "deleteAfterDay"),
        ({"scheduleExpresion": "x"}, "scheduleExpresion"),
        ({"copyActions": [{"vaultArn": "x"}]}, "vaultArn"),
    ],
)
def test_a_typo_in_a_plan_is_refused(cloud: Cloud, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RehearsalError, match=words):
        cloud.make("aws:backup/plan:Plan", name="shop", rules=[{**RULE, **changes}])


def test_a_selection_is_checked_and_never_said_to_exist(cloud: Cloud) -> None:
    given: dict[str, Any] = {
        "planId": "1", "name": "shop", "iamRoleArn": "arn:aws:iam::123456789012:role/backup", "resources": ["*"],
    }  # fmt: skip
    condition = {"key": "aws:ResourceTag/Project", "value": "shop"}
    kind = "aws:backup/selection:Selection"
    made = cloud.make(kind, **given, conditions=[{"stringEquals": [condition], "stringLikes": [condition]}])
    assert made.status == "validated"
    cloud.make(kind, **given, selectionTags=[{"type": "STRINGEQUALS", **condition}])
    for wrong, words in (
        ({"conditions": [{"stringEqual": [condition]}]}, "stringEqual"),
        ({"selectionTags": [{"type": "EQUALS", **condition}]}, "'EQUALS' is not allowed"),
        ({"name": "x" * 51}, "does not match"),
    ):
        with pytest.raises(RehearsalError, match=words):
            cloud.make(kind, **{**given, **wrong})


# --- Prod ------------------------------------------------------------------------------------------------------------


def test_prod_is_backed_up_daily_and_copied_to_osaka_under_a_lock(rehearsed: Callable[[str], Rehearsed]) -> None:
    done = rehearsed("prod")
    daily, weekly = done.resource("kumiki-prod-backup-plan")["inputs"]["rules"]
    assert (daily["lifecycle"], weekly["lifecycle"]) == ({"deleteAfter": 35}, {"deleteAfter": 90})
    vault = done.resource("kumiki-prod-backup-ap-northeast-3-vault")
    assert vault["inputs"]["region"] == "ap-northeast-3"
    assert vault["inputs"]["kmsKeyArn"] == done.resource("kumiki-prod-data-replica-key")["outputs"]["arn"]
    assert daily["copyActions"][0]["destinationVaultArn"] == vault["outputs"]["arn"]
    assert done.resource("kumiki-prod-backup-lock")["inputs"]["minRetentionDays"] == 35


def test_what_prod_backs_up_is_its_cluster_and_its_tables(rehearsed: Callable[[str], Rehearsed]) -> None:
    done = rehearsed("prod")
    chosen = done.resource("kumiki-prod-backup-selection")["inputs"]
    wanted = {one["key"].partition("/")[2]: one["value"] for one in chosen["conditions"][0]["stringEquals"]}
    for name in ("kumiki-prod-database-cluster", "kumiki-prod-sessions-table", "kumiki-prod-settings-table"):
        tags = done.resource(name)["inputs"]["tags"]
        assert wanted.items() <= tags.items(), name
    assert [arn.split(":")[2] for arn in chosen["resources"]] == ["rds", "dynamodb"]
    role = next(one for one in done.report["resources"] if one["name"] == "kumiki-prod-backup-role")
    assert chosen["iamRoleArn"] == role["outputs"]["arn"]
    assert json.loads(role["inputs"]["assumeRolePolicy"])["Statement"][0]["Principal"] == {
        "Service": "backup.amazonaws.com"
    }


def test_prod_without_its_backup_is_refused_by_the_policies(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki({
        "kumiki:environment": "prod", "kumiki:retention": "protected", "kumiki:network": None, "kumiki:database": None,
        "kumiki:domain": None, "kumiki:loadBalancer": None, "kumiki:services": None, "kumiki:workflows": None,
        "kumiki:baseline": None, "kumiki:logAnalytics": None, "kumiki:delivery": None, "kumiki:queues": None,
        "kumiki:logs": {"retentionDays": 30}, "kumiki:costGuard": None, "kumiki:officeHours": None,
    })  # fmt: skip
    assert done.status == 1, done.text
    found = {one["urn"].rpartition("::")[2] for one in done.problems("policy") if one["rule"] == "backup-covers"}
    assert found == {"kumiki-prod-sessions-table", "kumiki-prod-settings-table"}


def test_mistakes_are_refused_by_their_keys_before_anything_is_made(refuse_kumiki: Refuse) -> None:
    said = refuse_kumiki({"kumiki:backup": {"keepDays": 0, "weeklyKeepDays": 0, "hour": 24, "lock": "governance"}})
    assert "kumiki:backup.keepDays: 0 is not allowed; use 1 to 36500 days" in said
    said = refuse_kumiki({
        "kumiki:backup": {"copyTo": "ap-northeast-1", "locked": True, "lock": "open"},
        "kumiki:tables": None, "kumiki:database": None, "kumiki:services": None, "kumiki:freeTier": True,
    })  # fmt: skip
    for part in (
        "kumiki:backup.locked: is not a known key; did you mean 'lock'?",
        "kumiki:backup.lock: 'open' is not allowed; use none, governance or compliance",
    ):
        assert part in said


def test_what_cannot_work_together_is_refused(refuse_kumiki: Refuse) -> None:
    said = refuse_kumiki({
        "kumiki:backup": {"copyTo": "ap-northeast-1"}, "kumiki:tables": None, "kumiki:database": None,
        "kumiki:services": None, "kumiki:freeTier": True,
    })  # fmt: skip
    for part in (
        "kumiki:backup: has nothing to back up; add database or tables",
        "kumiki:backup.copyTo: ap-northeast-1 is the stack's own region; use another",
        "kumiki:backup: costs money and freeTier is true",
    ):
        assert part in said
