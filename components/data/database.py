"""What every PostgreSQL has in common, on Aurora or on RDS: who may reach it, its password, its logs, its alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.data import guard
from components.data.postgres_offer import Engine, check_class, check_version
from components.refusal import Refusal
from components.retention import Retention

PORT: Final = 5432

CERTIFICATE_AUTHORITY: Final = "rds-ca-rsa2048-g1"
"""Which authority of RDS signs the servers' certificates, until 2061: clients that know one only know this one."""

CHILDREN: Final = (*guard.CHILDREN, "log_group", "parameter_group", "rotation", "alarm")

# Names that PostgreSQL or RDS keep for themselves.
_RESERVED_USERS: Final = ("admin", "postgres_admin", "rdsadmin", "rds_superuser", "public")


class Database(Protocol):
    """What other parts need to know of a database, wherever it runs."""

    @property
    def endpoint(self) -> pulumi.Output[str]: ...
    @property
    def reader_endpoint(self) -> pulumi.Output[str]: ...
    @property
    def port(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def secret_arn(self) -> pulumi.Output[str]: ...
    @property
    def security_group_id(self) -> pulumi.Output[str]: ...
    @property
    def log_group_names(self) -> Mapping[str, pulumi.Output[str]]: ...
    @property
    def metric_dimensions(self) -> Mapping[str, pulumi.Input[str]]: ...

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None: ...
    def grant_connect(self, role: aws.iam.Role) -> None: ...
    def alarms(self, topics: AlarmTopics) -> None: ...


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """What the caller decides about any PostgreSQL."""

    vpc_id: pulumi.Input[str]
    """The network."""

    subnet_group_name: pulumi.Input[str]
    """The database subnet group of the network."""

    version: str = "17"
    """A major version (`17`): AWS chooses the minor version and upgrades it in the maintenance window. A minor version
    (`17.5`) stays as it is until this is changed."""

    allow_major_upgrade: bool = False
    """Without it a new major version in `version` changes nothing; with it the database is upgraded, and stands still
    for some minutes."""

    database: str = "app"
    """The database that is made first."""

    user: str = "dbadmin"
    """The master user. Its password is made, kept and changed by RDS."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the data, the backups, the password and the performance insights. Without one AWS's own keys.
    Cannot be changed later without a new database."""

    backup_days: int = 35
    """Days for which every second can be restored, 1 to 35. As much as the data itself is free, then $0.021 a GB."""

    rotation_days: int = 30
    """Days between two changes of the master password, 1 to 1000."""

    log_retention_days: int = 30
    """Days until a record of the database's logs is deleted from CloudWatch."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the log groups."""

    apply_immediately: bool = False
    """Whether changes that interrupt wait for the maintenance window (false) or not."""

    retention: Retention = "protected"
    """protected: refuses to be deleted, and leaves a last snapshot. ephemeral: goes with everything in it."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def check(self, engine: Engine, instance_class: str) -> None:
        """Refuse what AWS would."""
        check_version(engine, self.version)
        check_class(engine, instance_class)
        check_names(self.database, self.user)
        if not 1 <= self.backup_days <= 35:
            raise Refusal("backup_days", self.backup_days, "is not allowed; use 1 to 35 days")
        if not 1 <= self.rotation_days <= 1000:
            raise Refusal("rotation_days", self.rotation_days, "is not allowed; use 1 to 1000 days")

    @property
    def protected(self) -> bool:
        return self.retention == "protected"

    def upkeep(self, name: str, unique: pulumi.Output[str]) -> dict[str, Any]:
        """How a cluster or an instance is backed up, updated and taken down; `unique` ends its last snapshot's name."""
        return {
            "backup_retention_period": self.backup_days,
            "copy_tags_to_snapshot": True,
            "delete_automated_backups": not self.protected,
            "deletion_protection": self.protected,
            "skip_final_snapshot": not self.protected,
            # A snapshot keeps its name for ever: the second teardown would fail if it were the same.
            "final_snapshot_identifier": pulumi.Output.concat(name, "-final-", unique) if self.protected else None,
            "apply_immediately": self.apply_immediately,
        }


def check_names(database: str, user: str) -> None:
    """Refuse names that PostgreSQL does not take without quotation marks, or keeps for itself."""
    for name, value in (("database", database), ("user", user)):
        if not (value[:1].isalpha() and value.replace("_", "").isalnum() and value.isascii() and len(value) <= 63):
            raise Refusal(name, value, "is not allowed; use letters, digits and _, beginning with a letter")
    if user.lower() in _RESERVED_USERS:
        raise Refusal("user", user, "is reserved; choose another, such as 'dbadmin'")


def secret_of(secrets: pulumi.Output[Any]) -> pulumi.Output[str]:
    """The ARN of the secret that RDS made for the master password; there is always exactly one."""
    return secrets.apply(lambda made: made[0].secret_arn)


def rotate(prefix: str, secret_arn: pulumi.Output[str], days: int, child: Children) -> None:
    """Change the master password every `days` days. RDS owns the secret and does it itself, without a function."""
    aws.secretsmanager.SecretRotation(
        f"{prefix}-password-rotation",
        secret_id=secret_arn,
        # RDS has only just made the password.
        rotate_immediately=False,
        rotation_rules=aws.secretsmanager.SecretRotationRotationRulesArgs(automatically_after_days=days),
        opts=child("rotation"),
    )


def log_groups(
    prefix: str,
    kind: Literal["cluster", "instance"],
    logs: tuple[str, ...],
    retention_days: int,
    key_arn: pulumi.Input[str] | None,
    child: Children,
) -> dict[str, aws.cloudwatch.LogGroup]:
    """By kind of log, the groups of a database's logs, made first: RDS would make them without a limit of days."""
    return {
        log: aws.cloudwatch.LogGroup(
            f"{prefix}-{log}-log-group",
            name=f"/aws/rds/{kind}/{prefix}/{log}",
            retention_in_days=retention_days,
            kms_key_id=key_arn,
            opts=child("log_group"),
        )
        for log in logs
    }


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The alarms of one database, on metrics of these dimensions."""

    prefix: str
    child: Children
    topics: AlarmTopics
    dimensions: Mapping[str, pulumi.Input[str]]

    def raise_on(self, what: str, metric: str, means: str, *, statistic: str = "Average", **arguments: Any) -> None:
        raise_alarm(
            f"{self.prefix}-{what}-alarm",
            means=f"{self.prefix}: {means}",
            metric=Metric(namespace="AWS/RDS", name=metric, dimensions=self.dimensions, statistic=statistic),
            topics=self.topics,
            opts=self.child("alarm"),
            **arguments,
        )

    def connections(self, maximum: int) -> None:
        self.raise_on(
            "connections",
            "DatabaseConnections",
            f"more than 80 % of about {maximum} connections are in use; new ones will soon be refused. "
            "Look for a leak in the application's pool, then for a larger instance class.",
            statistic="Maximum",
            threshold=round(maximum * 0.8),
            severity="critical",
        )

    def cpu(self) -> None:
        self.raise_on(
            "cpu",
            "CPUUtilization",
            "the processor has been above 80 % for 15 minutes. Look at the top queries in Performance Insights.",
            threshold=80,
            period_seconds=300,
            periods=3,
            severity="warning",
        )
