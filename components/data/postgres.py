"""PostgreSQL on RDS: one instance, or one with a standby in another zone.

Use: database = Postgres("wiki-dev-database", PostgresArgs(instance_class="db.t4g.micro"), network=network)
     database.allow_from(service_security_group_id, "api")
     database.grant_connect(task_role)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import AlarmTopics
from ..args import Args
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..network.network import Network
from ..values import text
from ..widgets import Widget
from . import database, guard
from .database import (
    CERTIFICATE_AUTHORITY,
    CONNECTIONS,
    CPU,
    PORT,
    DatabaseArgs,
    Watch,
    log_groups,
    rds_metric,
    rotate,
    secret_of,
    subnet_group_of,
)
from .guard import Guard
from .master_password import MasterPassword
from .postgres_offer import MEMORY_GIB, family_of, max_connections

ENGINE: Final = "postgres"
_MAINTENANCE: Final = "18:00-19:00"
_LEAST_WINDOW: Final = 30
_LOGS: Final = ("postgresql", "upgrade")
_MOST_GIB: Final = 65_536


_CLOCK: Final = r"([01]\d|2[0-3]):[0-5]\d"
BackupWindow = Annotated[str, text(f"{_CLOCK}-{_CLOCK}", 'use two times of day in UTC, such as "03:00-04:00"')]


def minutes_of_window(window: str) -> tuple[int, int]:
    """When it begins and ends, in minutes since midnight; beyond midnight the end is more than a day's."""
    start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in window.split("-"))
    return start, end if end > start else end + 24 * 60


class Storage(Args):
    """A gp3 volume; $0.138 for each GiB and month. It can grow, and never shrink."""

    gib: Annotated[int, Field(ge=20, le=_MOST_GIB)] = 20
    """The size at first."""

    max_gib: Annotated[int, Field(le=_MOST_GIB)] | None = None
    """Let it grow by itself up to this. Without it the volume stays as it is, and so does the bill."""


FREE_STORAGE: Final = "FreeStorageSpace"


class PostgresArgs(DatabaseArgs):
    """PostgreSQL on RDS: one instance, or one with a standby in another zone."""

    multi_az: bool = False
    """RDS: keep a standby in another zone, which takes over within two minutes. Doubles instance and storage cost."""

    storage: Storage = Storage()
    """RDS: the volume. Aurora's grows by itself."""

    backup_window: BackupWindow = "16:00-17:00"
    """RDS: when the day's backup is made, in UTC; at night in Japan. A database that is stopped then has no backup that
    day. Aurora makes its backups all the time."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from self.common_mistakes(ENGINE)
        start, end = minutes_of_window(self.backup_window)
        kept, over = minutes_of_window(_MAINTENANCE)
        if end - start < _LEAST_WINDOW:
            yield Mistake("backup_window", self.backup_window, "is shorter than 30 minutes, which RDS refuses")
        elif any(start < over + day and kept + day < end for day in (0, 24 * 60)):
            why = f"overlaps the maintenance of Saturdays, {_MAINTENANCE}, which RDS refuses; use another time"
            yield Mistake("backup_window", self.backup_window, why)
        # RDS begins to grow a volume when less than a tenth is free.
        gib, most = self.storage.gib, self.storage.max_gib
        if most is not None and most < gib * 1.1:
            yield Mistake(
                ("storage", "max_gib"), most, f"is not allowed; use at least a tenth more than the {gib} at first"
            )


class Postgres(Component):
    """An encrypted PostgreSQL that lets nobody in until it is told to."""

    CHILDREN = (*database.CHILDREN, "instance")

    endpoint: pulumi.Output[str]
    """Where one reads and writes; follows a failover."""
    reader_endpoint: pulumi.Output[str]
    """The same: a standby answers nobody."""
    port: int = PORT
    name: str
    """The database that was made first."""
    arn: pulumi.Output[str]
    identifier: pulumi.Output[str]
    secret_arn: pulumi.Output[str]
    """What holds `username` and `password` as JSON: a secret, or the parameter of `password`."""
    security_group_id: pulumi.Output[str]
    log_group_names: Mapping[str, pulumi.Output[str]]
    """By kind of log."""

    def __init__(
        self,
        name: str,
        args: PostgresArgs,
        *,
        network: Network,
        password: MasterPassword | None = None,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param network: In whose database subnet group it stands.
        :param password: Of `user`, where a free parameter keeps it. Without one RDS keeps it in a secret, $0.40 a
            month, and changes it every `rotation_days`.
        :param key: What encrypts the data, the backups, the password and the performance insights. Without one AWS's
            own keys. Cannot be changed later without a new database.
        :param log_key: What encrypts the logs.
        """
        super().__init__(name, args, opts)
        if password is not None and password.user != args.user:
            raise ArgumentError("user", args.user, f"is not whom the password is for; use {password.user!r}")
        self._args, self._key, self._password = args, key, password
        key_arn = key.arn if key else None
        self._guard = Guard.of(name, "PostgreSQL", PORT, network, self._child)
        groups = log_groups(name, "instance", _LOGS, args.log_retention_days, log_key, self._child)
        self.log_group_names = {log: group.name for log, group in groups.items()}
        parameters = aws.rds.ParameterGroup(
            # Named by Pulumi: another family, of a new major version, means another group.
            f"{name}-parameter-group",
            family=family_of(ENGINE, args.version),
            description=f"{name}: connections with TLS only",
            parameters=[aws.rds.ParameterGroupParameterArgs(name="rds.force_ssl", value="1", apply_method="immediate")],
            opts=self._child("parameter_group"),
        )
        pinned = "." in args.version
        instance = aws.rds.Instance(
            f"{name}-instance",
            identifier=name,
            engine=ENGINE,
            engine_version=args.version,
            allow_major_version_upgrade=args.allow_major_upgrade,
            auto_minor_version_upgrade=not pinned,
            instance_class=args.instance_class,
            multi_az=args.multi_az,
            storage_type="gp3",
            allocated_storage=args.storage.gib,
            max_allocated_storage=args.storage.max_gib,
            storage_encrypted=True,
            kms_key_id=key_arn,
            db_name=args.database,
            username=args.user,
            password=password.password if password else None,
            manage_master_user_password=True if password is None else None,
            master_user_secret_kms_key_id=key_arn if password is None else None,
            parameter_group_name=parameters.name,
            db_subnet_group_name=subnet_group_of(network),
            vpc_security_group_ids=[self._guard.group.id],
            port=PORT,
            publicly_accessible=False,
            ca_cert_identifier=CERTIFICATE_AUTHORITY,
            iam_database_authentication_enabled=True,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            performance_insights_enabled=True,
            performance_insights_kms_key_id=key_arn,
            # 7 days are free.
            performance_insights_retention_period=7,
            backup_window=args.backup_window,
            # At night in Japan; the times are in UTC.
            maintenance_window="sat:{}-sat:{}".format(*_MAINTENANCE.split("-")),
            **args.upkeep(name, self._guard.unique),
            opts=self._child(
                "instance",
                protect=args.protected,
                depends_on=list(groups.values()),
                # AWS upgrades minor versions by itself, and an update must not try to go back.
                ignore_changes=[] if pinned or args.allow_major_upgrade else ["engine_version"],
            ),
        )
        if password is None:
            self.secret_arn = secret_of(instance.master_user_secrets)
            rotate(name, self.secret_arn, args.rotation_days, self._child)
        else:
            self.secret_arn = password.arn

        self.endpoint = self.reader_endpoint = instance.address
        self.name = args.database
        self.arn, self.identifier = instance.arn, instance.identifier
        self.security_group_id = self._guard.group.id
        self.register_outputs({"endpoint": self.endpoint})

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None:
        """Let the members of one security group connect, and nobody else. `name` tells the rules apart."""
        self._guard.allow_from(security_group_id, name)

    def grant_connect(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` read the password, and nothing more."""
        if self._password is not None:
            return self._password.grant_read(role)
        return self._allow(role, "connect", *guard.reading(self.secret_arn, self._key))

    @property
    def metric_dimensions(self) -> Mapping[str, pulumi.Input[str]]:
        """Under which CloudWatch has the metrics of this database."""
        return {"DBInstanceIdentifier": self.identifier}

    @property
    def widgets(self) -> list[Widget]:
        """How hard it works, how many talk to it, and how much room it has left."""
        section = "Database (PostgreSQL)"
        shown = [(CPU, "Average", 100), (CONNECTIONS, "Maximum", None), (FREE_STORAGE, "Minimum", None)]
        return [
            self._graph(section, rds_metric(name, statistic, self.metric_dimensions), most=most)
            for name, statistic, most in shown
        ]

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Watch connections, storage and, unless told otherwise, the processor."""
        args = self._args
        watch = Watch(prefix=self._prefix, child=self._child, topics=topics, dimensions=self.metric_dimensions)
        return [
            watch.connections(max_connections(MEMORY_GIB[ENGINE][args.instance_class])),
            *([watch.cpu()] if args.cpu_alarm else []),
            watch.alarm(
                "storage",
                FREE_STORAGE,
                "less than a tenth of the volume is free; the database stops when it is full. "
                "Raise storage.gib, or storage.maxGib if it grows by itself.",
                statistic="Minimum",
                comparison="LessThanThreshold",
                threshold=args.storage.gib * 1024**3 // 10,
                severity="critical",
            ),
        ]
