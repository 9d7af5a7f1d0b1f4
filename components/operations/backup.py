"""Daily and weekly backups of everything that carries the stack's tags, with a copy far away: AWS Backup.

Use: backup = Backup("wiki-prod-backup", BackupArgs(tags={"Project": "wiki"}, stores=["dynamodb"], keep_days=35))
     backup.alarms(topics)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.policy import Statement, document, statement, trust
from components.refusal import Refusal
from components.retention import Retention

Store = Literal["aurora", "dynamodb", "rds"]
Lock = Literal["none", "governance", "compliance"]
STORES: tuple[Store, ...] = ("aurora", "dynamodb", "rds")

# A lock of the mode compliance can still be taken off for so long; AWS allows no less.
_DAYS_TO_CHANGE_ONES_MIND = 3
# A day between two backups, and time for both to be made.
_HOURS_WITHOUT_BACKUP = 30


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A second vault in another region, for the day on which the first region is lost."""

    region: str
    """For example `ap-northeast-3`."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key there. Without one the account's key for backups."""


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """What the caller decides. A backup is paid by the GB and month, once more for each copy, and so is a restore."""

    tags: Mapping[str, str]
    """What is backed up: the resources that carry all of these tags."""

    stores: Sequence[Store]
    """And are one of these kinds: aurora, dynamodb, rds."""

    keep_days: int = 35
    """Days for which a daily backup is kept."""

    weekly_keep_days: int | None = 90
    """Days for which the backup of each Sunday is kept; None for no weekly ones."""

    hour: int = 4
    """The hour in Tokyo at which they begin, 0 to 23. An hour from then on AWS chooses the minute."""

    copy: Copy | None = None
    """Copy each backup to another region."""

    lock: Lock | None = None
    """governance: backups end by their age only, and only who may remove the lock can delete one. compliance: nobody
    can, not even the account's owner, from three days after the deployment on. Left out: governance where retention is
    protected, else none."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the vault and of what is backed up. Without one the account's key for backups."""

    retention: Retention = "protected"
    """protected: the vault refuses to be deleted. ephemeral: it goes with every backup in it."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not self.tags:
            raise Refusal("tags", {}, "would back up what belongs to others too; name at least one")
        if not self.stores:
            raise Refusal("stores", [], f"has nothing to back up; use one or more of {', '.join(STORES)}")
        for store in self.stores:
            if store not in STORES:
                raise Refusal("stores", store, f"is not a kind that is backed up; use {', '.join(STORES)}")
        if not 1 <= self.keep_days <= 36_500:
            raise Refusal("keep_days", self.keep_days, "is not allowed; use 1 to 36500 days")
        if self.weekly_keep_days is not None and self.weekly_keep_days <= self.keep_days:
            raise Refusal(
                "weekly_keep_days",
                self.weekly_keep_days,
                f"keeps nothing that the daily ones do not; use more than {self.keep_days}, or null for none",
            )
        if not 0 <= self.hour <= 23:
            raise Refusal("hour", self.hour, "is not an hour; use 0 to 23")
        if self.lock_mode != "none" and self.retention == "ephemeral":
            raise Refusal("lock", self.lock, "keeps what retention: ephemeral would delete; use none, or protected")

    @property
    def lock_mode(self) -> Lock:
        """What `lock` means where it is left out."""
        return self.lock or ("governance" if self.retention == "protected" else "none")


class Backup(pulumi.ComponentResource):
    """A vault, its lock, its copy in another region, the plan, and the role that carries it out."""

    CHILDREN = (
        "vault",
        "lock",
        "copy_vault",
        "copy_lock",
        "region_settings",
        "plan",
        "role",
        "policy",
        "selection",
        "alarm",
    )

    vault_name: pulumi.Output[str]
    copy_vault_arn: pulumi.Output[str] | None
    plan_id: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:operations:Backup", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)

        vault = self._vault("vault", "lock", None, args.key_arn)
        copy = self._vault("copy_vault", "copy_lock", args.copy.region, args.copy.key_arn) if args.copy else None
        plan = self._plan(vault, copy)
        role = self._role(vault, copy)
        self._selection(plan, role)
        self.vault_name, self.plan_id, self.role_arn = vault.name, plan.id, role.arn
        self.copy_vault_arn = copy.arn if copy else None
        self.register_outputs({"vaultName": self.vault_name})

    def alarms(self, topics: AlarmTopics) -> None:
        """Backups and copies that failed or ran out of time, and none at all, which nothing else would notice."""
        for metric, what in (
            ("NumberOfBackupJobsFailed", "a backup failed"),
            ("NumberOfBackupJobsExpired", "a backup did not begin in time"),
            *((("NumberOfCopyJobsFailed", "a copy to the other region failed"),) if self._args.copy else ()),
        ):
            raise_alarm(
                f"{self._prefix}-{_words(metric)}-alarm",
                means=f"{self._prefix}: {what}; read why under Jobs in AWS Backup, mend, then back up by hand.",
                metric=self._metric(metric),
                threshold=0,
                period_seconds=3600,
                periods=1,
                severity="critical",
                topics=topics,
                opts=self._child("alarm"),
            )
        raise_alarm(
            f"{self._prefix}-missing-alarm",
            means=f"{self._prefix}: no backup was completed for {_HOURS_WITHOUT_BACKUP} hours. On the first day that "
            "is so; later nothing may carry the tags any more, or the role may no longer do what it must.",
            metric=self._metric("NumberOfBackupJobsCompleted"),
            comparison="LessThanThreshold",
            threshold=1,
            period_seconds=3600,
            periods=_HOURS_WITHOUT_BACKUP,
            missing="breaching",
            severity="critical",
            topics=topics,
            opts=self._child("alarm"),
        )

    def _metric(self, name: str) -> Metric:
        dimensions = {"BackupVaultName": self.vault_name}
        return Metric(namespace="AWS/Backup", name=name, dimensions=dimensions, statistic="Sum")

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _vault(self, child: str, lock: str, region: str | None, key_arn: pulumi.Input[str] | None) -> aws.backup.Vault:
        args, where = self._args, f"-{region}" if region else ""
        protected = args.retention == "protected"
        name = f"{self._prefix}{where}-vault"
        vault = aws.backup.Vault(
            name,
            name=name,
            kms_key_arn=key_arn,
            force_destroy=not protected,
            region=region,
            tags={"Name": name},
            opts=self._child(child, protect=protected),
        )
        if args.lock_mode != "none":
            aws.backup.VaultLockConfiguration(
                f"{self._prefix}{where}-lock",
                backup_vault_name=vault.name,
                min_retention_days=args.keep_days,
                max_retention_days=max(args.keep_days, args.weekly_keep_days or 0),
                changeable_for_days=_DAYS_TO_CHANGE_ONES_MIND if args.lock_mode == "compliance" else None,
                region=region,
                opts=self._child(lock, protect=protected),
            )
        return vault

    def _plan(self, vault: aws.backup.Vault, copy: aws.backup.Vault | None) -> aws.backup.Plan:
        args = self._args
        waits: list[pulumi.Resource] = []
        if copy is not None and "dynamodb" in args.stores:
            # Without it AWS Backup copies no table to another region. It counts for the account and region, and is
            # never taken back.
            waits.append(
                aws.backup.RegionSettings(
                    f"{self._prefix}-region-settings",
                    resource_type_opt_in_preference={"DynamoDB": True},
                    resource_type_management_preference={"DynamoDB": True},
                    opts=self._child("region_settings"),
                )
            )
        when = [("daily", f"cron(0 {args.hour} ? * * *)", args.keep_days)]
        if args.weekly_keep_days is not None:
            when.append(("weekly", f"cron(0 {args.hour} ? * SUN *)", args.weekly_keep_days))
        return aws.backup.Plan(
            f"{self._prefix}-plan",
            name=self._prefix,
            rules=[
                aws.backup.PlanRuleArgs(
                    rule_name=f"{self._prefix}-{rule}",
                    target_vault_name=vault.name,
                    schedule=schedule,
                    schedule_expression_timezone="Asia/Tokyo",
                    # Minutes: it must begin within an hour, and end before the next.
                    start_window=60,
                    completion_window=12 * 60,
                    lifecycle=aws.backup.PlanRuleLifecycleArgs(delete_after=days),
                    # A backup carries the tags of what it is of; the grant to copy it does not ask for any.
                    copy_actions=[
                        aws.backup.PlanRuleCopyActionArgs(
                            destination_vault_arn=copy.arn,
                            lifecycle=aws.backup.PlanRuleCopyActionLifecycleArgs(delete_after=days),
                        )
                    ]
                    if copy is not None
                    else None,
                )
                for rule, schedule, days in when
            ],
            tags={"Name": f"{self._prefix}-plan"},
            opts=self._child("plan", depends_on=waits),
        )

    def _selection(self, plan: aws.backup.Plan, role: aws.iam.Role) -> None:
        aws.backup.Selection(
            f"{self._prefix}-selection",
            name=self._prefix,
            plan_id=plan.id,
            iam_role_arn=role.arn,
            # Kinds and conditions: a resource must fit both. `selection_tags` would add every other tagged resource.
            resources=[arn for store in sorted(set(self._args.stores)) for arn in self._kind(store)],
            conditions=[
                aws.backup.SelectionConditionArgs(
                    string_equals=[
                        aws.backup.SelectionConditionStringEqualArgs(key=f"aws:ResourceTag/{key}", value=value)
                        for key, value in sorted(self._args.tags.items())
                    ]
                )
            ],
            opts=self._child("selection"),
        )

    def _kind(self, store: Store) -> list[pulumi.Output[str]]:
        kinds = {"aurora": ("rds", "cluster:*"), "dynamodb": ("dynamodb", "table/*"), "rds": ("rds", "db:*")}
        return [self._account.arn(*kinds[store])]

    # --- Permissions: what AWS's own policy for this allows, for these stores of this account ------------------------

    def _role(self, vault: aws.backup.Vault, copy: aws.backup.Vault | None) -> aws.iam.Role:
        role = aws.iam.Role(
            f"{self._prefix}-role",
            description=f"Makes and copies the backups of {self._prefix}.",
            assume_role_policy=trust(
                "backup.amazonaws.com",
                source_account=self._account.id,
                source_arn=self._account.arn("backup", "*"),
            ),
            opts=self._child("role"),
        )
        vaults = [each.arn for each in (vault, copy) if each is not None]
        statements = [
            statement(
                "UseTheVaults", actions=["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"], resources=vaults
            ),
            statement(
                "TagAndCopyBackups",
                actions=["backup:CopyFromBackupVault", "backup:TagResource"],
                resources=[self._everywhere("backup", "recovery-point:*"), *self._snapshots()],
            ),
            # Which resources carry the tags is a question without a resource.
            statement("FindByTag", actions="tag:GetResources", resources="*"),
        ]
        if "dynamodb" in self._args.stores:
            statements += self._of_tables()
        if {"aurora", "rds"} & set(self._args.stores):
            statements += self._of_databases()
        copy_key = self._args.copy.key_arn if self._args.copy else None
        keys = [key for key in (self._args.key_arn, copy_key) if key is not None]
        if keys:
            statements += _of_keys(keys)
        aws.iam.RolePolicy(
            f"{self._prefix}-policy", role=role.id, policy=document(*statements), opts=self._child("policy")
        )
        return role

    def _of_tables(self) -> list[Statement]:
        return [
            statement(
                "BackUpTables",
                actions=[
                    "dynamodb:CreateBackup",
                    "dynamodb:DescribeTable",
                    "dynamodb:ListTagsOfResource",
                    "dynamodb:StartAwsBackupJob",
                ],
                resources=self._account.arn("dynamodb", "table/*"),
            ),
            statement(
                "CareForBackupsOfTables",
                actions=["dynamodb:DeleteBackup", "dynamodb:DescribeBackup"],
                resources=self._everywhere("dynamodb", "table/*/backup/*"),
            ),
        ]

    def _snapshots(self) -> list[pulumi.Output[str]]:
        """What backups of databases are."""
        kinds = {"aurora": "cluster-snapshot", "rds": "snapshot"}
        return [
            self._everywhere("rds", f"{kind}:awsbackup:*")
            for store, kind in kinds.items()
            if store in self._args.stores
        ]

    def _of_databases(self) -> list[Statement]:
        both = [
            part
            for store, parts in (("aurora", ("cluster", "cluster-snapshot")), ("rds", ("db", "snapshot")))
            if store in self._args.stores
            for part in parts
        ]
        return [
            statement(
                "BackUpDatabases",
                actions=[
                    "rds:AddTagsToResource",
                    "rds:CopyDBClusterSnapshot",
                    "rds:CopyDBSnapshot",
                    "rds:CreateDBClusterSnapshot",
                    "rds:CreateDBSnapshot",
                    "rds:DescribeDBClusterSnapshots",
                    "rds:DescribeDBClusters",
                    "rds:DescribeDBInstances",
                    "rds:DescribeDBSnapshots",
                    "rds:ListTagsForResource",
                ],
                resources=[self._everywhere("rds", f"{part}:*") for part in both],
            ),
            statement(
                "CareForBackupsOfDatabases",
                actions=[
                    "rds:DeleteDBClusterSnapshot",
                    "rds:DeleteDBSnapshot",
                    "rds:ModifyDBClusterSnapshotAttribute",
                    "rds:ModifyDBSnapshotAttribute",
                ],
                resources=self._snapshots(),
            ),
        ]

    def _everywhere(self, service: str, resource: str) -> pulumi.Output[str]:
        """In this account, in both regions."""
        account = self._account
        return pulumi.Output.concat("arn:", account.partition, f":{service}:*:", account.id, f":{resource}")


def _of_keys(keys: Sequence[pulumi.Input[str]]) -> list[Statement]:
    every = pulumi.Output.all(*keys).apply(lambda known: sorted(set(known)))
    return [
        statement(
            "UseTheKeys",
            actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
            resources=every,
        ),
        statement(
            "LendTheKeysToAws",
            actions="kms:CreateGrant",
            resources=every,
            condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def _words(metric: str) -> str:
    """`NumberOfCopyJobsFailed` as `copy-failed`."""
    return metric.removeprefix("NumberOf").replace("Jobs", "-").lower()
