"""What every PostgreSQL has in common, on Aurora or on RDS: who may reach it, its password, its logs, its alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Protocol

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import AlarmTopics, Metric, metric_alarm
from ..args import ComponentArgs
from ..children import Children
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..log_group import make_log_group
from ..network.network import Network
from ..retention import Retention
from ..values import LogRetentionDays, text
from ..widgets import Widget
from . import guard
from .postgres_offer import Engine, class_mistakes, version_mistakes

PORT: Final = 5432

CERTIFICATE_AUTHORITY: Final = "rds-ca-rsa2048-g1"
"""Which authority of RDS signs the servers' certificates, until 2061: clients that know one only know this one."""

CHILDREN: Final = (*guard.CHILDREN, "log_group", "parameter_group", "rotation", "alarm")

# Names that PostgreSQL or RDS keep for themselves.
_RESERVED_USERS: Final = ("admin", "postgres_admin", "rdsadmin", "rds_superuser", "public")

# What PostgreSQL takes without quotation marks.
Identifier = Annotated[
    str, text(r"[A-Za-z][A-Za-z0-9_]{0,62}", "use up to 63 letters, digits and _, beginning with a letter")
]


CPU: Final = "CPUUtilization"
CONNECTIONS: Final = "DatabaseConnections"


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
    def grant_connect(self, role: aws.iam.Role) -> aws.iam.RolePolicy: ...
    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]: ...
    @property
    def widgets(self) -> list[Widget]: ...


class DatabaseArgs(ComponentArgs):
    """PostgreSQL. Always encrypted, with TLS, and a password that nobody sees."""

    version: str = "17"
    """A major version (`17`): AWS chooses the minor version and upgrades it in the maintenance window. A minor version
    (`17.5`) stays as it is until this is changed."""

    allow_major_upgrade: bool = False
    """Without it a new major version in `version` changes nothing; with it the database is upgraded, and stands still
    for some minutes."""

    instance_class: str
    """On Aurora of every instance: db.t4g.medium is about $83 a month each in ap-northeast-1, db.r6g.large about $229.
    On RDS: db.t4g.micro is about $19, with a standby twice that."""

    database: Identifier = "app"
    """The database that is made first."""

    user: Identifier = "dbadmin"
    """The master user."""

    backup_days: Annotated[int, Field(ge=1, le=35)] | None = None
    """Days for which every second can be restored. As much as the data itself is free, then $0.021 a GB. Left out: 35
    where retention is protected, else 7."""

    rotation_days: Annotated[int, Field(ge=1, le=1000)] = 30
    """Days between two changes of the master password, where a secret keeps it."""

    cpu_alarm: bool = True
    """Alarm on a busy processor, too. Ten alarms are free, and each more is $0.10 a month. In a stack of the free tier
    left out: false."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record of the database's logs is deleted from CloudWatch."""

    apply_immediately: bool = False
    """Whether changes that interrupt wait for the maintenance window (false) or not."""

    retention: Retention = "protected"
    """protected: refuses to be deleted, and leaves a last snapshot. ephemeral: goes with everything in it."""

    def common_mistakes(self, engine: Engine) -> Iterator[Mistake]:
        """What AWS would refuse on either engine."""
        yield from version_mistakes(engine, self.version)
        yield from class_mistakes(engine, self.instance_class)
        if self.user.lower() in _RESERVED_USERS:
            yield Mistake("user", self.user, "is reserved; choose another, such as 'dbadmin'")

    @property
    def protected(self) -> bool:
        return self.retention == "protected"

    @property
    def kept_days(self) -> int:
        """What `backup_days` means where it is left out."""
        return self.backup_days if self.backup_days is not None else 35 if self.protected else 7

    def upkeep(self, name: str, unique: pulumi.Output[str]) -> dict[str, Any]:
        """How a cluster or an instance is backed up, updated and taken down; `unique` ends its last snapshot's name."""
        return {
            "backup_retention_period": self.kept_days,
            "copy_tags_to_snapshot": True,
            "delete_automated_backups": not self.protected,
            "deletion_protection": self.protected,
            "skip_final_snapshot": not self.protected,
            # A snapshot keeps its name for ever: the second teardown would fail if it were the same.
            "final_snapshot_identifier": pulumi.Output.concat(name, "-final-", unique) if self.protected else None,
            "apply_immediately": self.apply_immediately,
        }


def subnet_group_of(network: Network) -> pulumi.Output[str]:
    """The network's database subnet group; refused where it has none."""
    if network.database_subnet_group_name is None:
        raise ArgumentError("network", "no database subnet group", "is not enough; give its name, or two zones")
    return network.database_subnet_group_name


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
    key: AnyKey | None,
    child: Children,
) -> dict[str, aws.cloudwatch.LogGroup]:
    """By kind of log, the groups of a database's logs, made first: RDS would make them without a limit of days."""
    return {
        log: make_log_group(
            f"{prefix}-{log}-log-group", f"/aws/rds/{kind}/{prefix}/{log}", retention_days, key, child("log_group")
        )
        for log in logs
    }


def rds_metric(name: str, statistic: str, dimensions: Mapping[str, pulumi.Input[str]]) -> Metric:
    """A metric of a cluster or an instance."""
    return Metric(namespace="AWS/RDS", name=name, dimensions=dimensions, statistic=statistic)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The alarms of one database, on metrics of these dimensions."""

    prefix: str
    child: Children
    topics: AlarmTopics
    dimensions: Mapping[str, pulumi.Input[str]]

    def alarm(
        self, what: str, metric: str, description: str, *, statistic: str = "Average", **arguments: Any
    ) -> aws.cloudwatch.MetricAlarm:
        return metric_alarm(
            f"{self.prefix}-{what}-alarm",
            description=f"{self.prefix}: {description}",
            metric=rds_metric(metric, statistic, self.dimensions),
            topics=self.topics,
            opts=self.child("alarm"),
            **arguments,
        )

    def connections(self, maximum: int) -> aws.cloudwatch.MetricAlarm:
        return self.alarm(
            "connections",
            CONNECTIONS,
            f"more than 80 % of about {maximum} connections are in use; new ones will soon be refused. "
            "Look for a leak in the application's pool, then for a larger instance class.",
            statistic="Maximum",
            threshold=round(maximum * 0.8),
            severity="critical",
        )

    def cpu(self) -> aws.cloudwatch.MetricAlarm:
        return self.alarm(
            "cpu",
            CPU,
            "the processor has been above 80 % for 15 minutes. Look at the top queries in Performance Insights.",
            threshold=80,
            period_seconds=300,
            periods=3,
            severity="warning",
        )
