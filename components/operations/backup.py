"""Daily and weekly backups of everything that carries the stack's tags, with a copy far away: AWS Backup.

Use: backup = Backup("wiki-prod-backup", BackupArgs(keep_days=35), tags={"Project": "wiki"}, stores=["dynamodb"])
     backup.alarms(topics)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..retention import Retention
from ..values import Region
from ..widgets import Widget
from .backup_role import SOURCES, Store, make_backup_role

Lock = Literal["none", "governance", "compliance"]
_KINDS: Mapping[Store, str] = {"aurora": "Aurora", "dynamodb": "DynamoDB", "rds": "RDS"}
"""How AWS Backup calls them."""

# A lock of the mode compliance can still be taken off for so long; AWS allows no less.
_DAYS_TO_CHANGE_ONES_MIND = 3
_MOST_KEEP_DAYS = 36_500
# AWS takes no less. https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRule.html
_START_MINUTES = 60
_MOST_HOURS_TO_MAKE = 12
# Beyond the time between two backups, so that both can be made.
_HOURS_OF_GRACE = 6
_COMPLETED = "NumberOfBackupJobsCompleted"


class BackupArgs(ComponentArgs):
    """Daily and weekly backups. A backup is paid by the GB and month, once more for each copy, and so is a restore."""

    keep_days: Annotated[int, Field(ge=1, le=_MOST_KEEP_DAYS)] = 35
    """Days for which a daily backup is kept."""

    weekly_keep_days: Annotated[int, Field(le=_MOST_KEEP_DAYS)] | None = 90
    """Days for which the backup of each Sunday is kept; null for no weekly ones."""

    hour: Annotated[int, Field(ge=0, le=23)] = 4
    """The hour in Tokyo at which they begin. An hour from then on AWS chooses the minute."""

    every_hours: Literal[2, 3, 4, 6, 8, 12, 24] = 24
    """Hours between two backups that are kept for `keep_days`, counted from `hour`."""

    copy_to: Region | None = None
    """A second region, to which each backup is copied, for the day on which the first is lost."""

    lock: Lock | None = None
    """governance: backups end by their age only, and only who may remove the lock can delete one. compliance: nobody
    can, not even the account's owner, from three days after the deployment on. Left out: governance where retention is
    protected, else none. none takes a lock off at the next update; after the three days AWS refuses that."""

    retention: Retention = "protected"
    """protected: the vault refuses to be deleted. ephemeral: it goes with every backup in it."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.weekly_keep_days is not None and self.weekly_keep_days <= self.keep_days:
            yield Mistake(
                "weekly_keep_days",
                self.weekly_keep_days,
                f"keeps nothing that the daily ones do not; use more than {self.keep_days}, or null for none",
            )
        if self.lock_mode != "none" and self.retention == "ephemeral":
            yield Mistake("lock", self.lock, "keeps what retention: ephemeral would delete; use none, or protected")

    def lost_hours(self, every: int | None = None, *, copied: bool = False) -> float:
        """What is lost at most with all that is newer than the last backup, or its copy elsewhere: until the next one
        is there, the last counts. An hour each for making and for copying is assumed."""
        return (every or self.every_hours) + _START_MINUTES / 60 + (2 if copied else 1)

    @property
    def lock_mode(self) -> Lock:
        """What `lock` means where it is left out."""
        return self.lock or ("governance" if self.retention == "protected" else "none")


class Backup(Component):
    """A vault, its lock, its copy in another region, the plan, and the role that carries it out."""

    CHILDREN = (
        *("vault", "lock", "copy_vault", "copy_lock", "region_settings", "plan", "role", "policy", "selection"),
        "alarm",
    )

    vault_name: pulumi.Output[str]
    copy_vault_arn: pulumi.Output[str] | None
    plan_id: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: BackupArgs,
        *,
        tags: Mapping[str, str],
        stores: Sequence[Store],
        key: AnyKey | None = None,
        copy_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param tags: What is backed up: the resources that carry all of these tags,
        :param stores: and are one of these kinds.
        :param key: Of the vault and of what is backed up. Without one the account's key for backups.
        :param copy_key: Of the vault in the other region.
        """
        super().__init__(name, args, opts)
        if not tags:
            raise ArgumentError("tags", {}, "would back up what belongs to others too; name at least one")
        if not stores or set(stores) - _KINDS.keys():
            raise ArgumentError("stores", list(stores), f"cannot be backed up; use one or more of {', '.join(_KINDS)}")
        self._args, self._tags, self._stores = args, tags, sorted(set(stores))
        keys = [one.arn for one in (key, copy_key if args.copy_to else None) if one is not None]
        self._account = Account.of(self)

        vault = self._vault("vault", "lock", None, key)
        copy = self._vault("copy_vault", "copy_lock", args.copy_to, copy_key) if args.copy_to else None
        plan = self._plan(vault, copy)
        vaults = [each.arn for each in (vault, copy) if each is not None]
        role = make_backup_role(name, self._stores, vaults, keys, self._account, self._child)
        self._selection(plan, role)
        self.vault_name, self.plan_id, self.role_arn = vault.name, plan.id, role.arn
        self.copy_vault_arn = copy.arn if copy else None
        self.register_outputs({"vaultName": self.vault_name})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Backups and copies that failed or ran out of time, and none at all, which nothing else would notice."""
        return [
            *(
                self._alarm(
                    _words(metric),
                    description=f"{what}; read why under Jobs in AWS Backup, mend, then back up by hand.",
                    metric=self._metric(metric),
                    threshold=0,
                    period_seconds=3600,
                    periods=1,
                    severity="critical",
                    topics=topics,
                )
                for metric, what in self._failures.items()
            ),
            # Of this vault, and of each kind, or the backups of tables would hide that the database has none. By the
            # kind AWS counts for the account and region, also what others back up.
            self._alarm_on_silence(None, topics),
            *(self._alarm_on_silence(store, topics) for store in self._stores),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """What was backed up, of which kind, and what was not."""
        section = "Backups"
        return [
            self._graph(section, {"": self._completed(None)}, period_seconds=3600),
            self._graph(
                section,
                {f"{store} of the account": self._completed(store) for store in self._stores},
                name=f"{_COMPLETED} by ResourceType",
                period_seconds=3600,
            ),
            *(self._graph(section, self._metric(name), period_seconds=3600) for name in self._failures),
        ]

    @property
    def _failures(self) -> dict[str, str]:
        """The metrics that should be 0, and what it means where they are not."""
        return {
            "NumberOfBackupJobsFailed": "a backup failed",
            "NumberOfBackupJobsExpired": "a backup did not begin in time",
            **({"NumberOfCopyJobsFailed": "a copy to the other region failed"} if self._args.copy_to else {}),
        }

    def _completed(self, store: Store | None) -> Metric:
        return self._metric(_COMPLETED, {"ResourceType": _KINDS[store]} if store is not None else None)

    def _alarm_on_silence(self, store: Store | None, topics: AlarmTopics) -> aws.cloudwatch.MetricAlarm:
        of = f" of {store}" if store else ""
        hours = self._args.every_hours + _HOURS_OF_GRACE
        return self._alarm(
            f"{store}-missing" if store else "missing",
            description=f"no backup{of} was completed for {hours} hours. On the first day that is so; "
            "later nothing may carry the tags any more, or the role may no longer do what it must.",
            metric=self._completed(store),
            comparison="LessThanThreshold",
            threshold=1,
            period_seconds=3600,
            periods=hours,
            missing="breaching",
            severity="critical",
            topics=topics,
        )

    def _metric(self, name: str, dimensions: Mapping[str, pulumi.Input[str]] | None = None) -> Metric:
        of = dimensions or {"BackupVaultName": self.vault_name}
        return Metric(namespace="AWS/Backup", name=name, dimensions=of, statistic="Sum")

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _vault(self, child: str, lock: str, region: str | None, key: AnyKey | None) -> aws.backup.Vault:
        args, where = self._args, f"-{region}" if region else ""
        protected = args.retention == "protected"
        name = f"{self._prefix}{where}-vault"
        vault = aws.backup.Vault(
            name,
            name=name,
            kms_key_arn=key.arn if key else None,
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
                # Not protected: the vault is, and what a setting puts on, it may take off, as far as AWS lets it.
                opts=self._child(lock),
            )
        return vault

    def _plan(self, vault: aws.backup.Vault, copy: aws.backup.Vault | None) -> aws.backup.Plan:
        args = self._args
        opted_in = self._opt_in(copied=copy is not None)
        hours = sorted((args.hour + more) % 24 for more in range(0, 24, args.every_hours))
        # Called daily whatever the hours are: another name would be another rule.
        when = [("daily", f"cron(0 {','.join(map(str, hours))} ? * * *)", args.keep_days)]
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
                    start_window=_START_MINUTES,
                    completion_window=min(args.every_hours, _MOST_HOURS_TO_MAKE) * 60,
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
            opts=self._child("plan", depends_on=opted_in),
        )

    def _opt_in(self, *, copied: bool) -> list[pulumi.Resource]:
        """A kind that the account has not opted into is not backed up, whatever the plan says; and AWS Backup copies
        only those tables to another region whose backups it manages alone. Both count for the account and region, and
        are never taken back.

        AWS answers with every kind that it knows, a list that grows and differs from region to region, and refuses
        kinds that a region lacks (terraform-provider-aws#30881): so its answer is ignored, and what others chose is
        left to them. What is ignored is said once, when the resource is made. Each kind has a resource of its own, and
        one that is added, or copied, only later is said then. One after the other: all write to the same settings.
        """
        made: list[pulumi.Resource] = []
        for store in self._stores:
            managed = copied and store == "dynamodb"
            made.append(
                aws.backup.RegionSettings(
                    f"{self._prefix}-{store}{'-copied' if managed else ''}-region-settings",
                    resource_type_opt_in_preference={_KINDS[store]: True},
                    resource_type_management_preference={_KINDS[store]: True} if managed else None,
                    opts=self._child(
                        "region_settings",
                        depends_on=made[-1:],
                        ignore_changes=["resource_type_management_preference", "resource_type_opt_in_preference"],
                    ),
                )
            )
        return made

    def _selection(self, plan: aws.backup.Plan, role: aws.iam.Role) -> None:
        aws.backup.Selection(
            f"{self._prefix}-selection",
            name=self._prefix,
            plan_id=plan.id,
            iam_role_arn=role.arn,
            # Kinds and conditions: a resource must fit both. `selection_tags` would add every other tagged resource.
            resources=[self._account.arn(*SOURCES[store]) for store in self._stores],
            conditions=[
                aws.backup.SelectionConditionArgs(
                    string_equals=[
                        aws.backup.SelectionConditionStringEqualArgs(key=f"aws:ResourceTag/{key}", value=value)
                        for key, value in sorted(self._tags.items())
                    ]
                )
            ],
            opts=self._child("selection"),
        )


def _words(metric: str) -> str:
    """`NumberOfCopyJobsFailed` as `copy-failed`."""
    return metric.removeprefix("NumberOf").replace("Jobs", "-").lower()
