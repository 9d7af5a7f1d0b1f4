"""PostgreSQL on RDS: one instance, or one with a standby in another zone.

Use: database = Postgres("wiki-dev-database", PostgresArgs(vpc_id=…, subnet_group_name=…))
     database.allow_from(service_security_group_id, "api")
     database.grant_connect(task_role)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics
from components.children import Children
from components.data import database
from components.data.database import CERTIFICATE_AUTHORITY, PORT, DatabaseArgs, Watch, log_groups, rotate, secret_of
from components.data.guard import Guard
from components.data.master_password import MasterPassword
from components.data.postgres_offer import MEMORY_GIB, family_of, max_connections
from components.refusal import Refusal

ENGINE: Final = "postgres"
_LOGS: Final = ("postgresql", "upgrade")


@dataclass(frozen=True, kw_only=True)
class PostgresArgs(DatabaseArgs):
    """What the caller decides about a database on RDS. Encryption, TLS and a password that nobody sees are not among
    it."""

    instance_class: str = "db.t4g.micro"
    """db.t4g.micro is about $19 a month in ap-northeast-1; with a standby twice that."""

    multi_az: bool = False
    """Keep a standby in another zone, which takes over within two minutes. Doubles instance and storage cost."""

    storage_gib: int = 20
    """The size of the gp3 volume, 20 to 65536 GiB; $0.138 for each GiB and month. Can grow, and never shrink."""

    max_storage_gib: int | None = None
    """Let the volume grow by itself up to this. Without it the volume stays as it is, and so does the bill."""

    password: MasterPassword | None = None
    """The password, where a free parameter keeps it; its user must be `user`. None: RDS keeps it in a secret, $0.40 a
    month, and changes it every `rotation_days`."""

    backup_days: int = 14
    """Days for which every second can be restored, 1 to 35. As much as the volume itself is free."""

    cpu_alarm: bool = True
    """Alarm on a busy processor, too. Ten alarms are free, and each more is $0.10 a month."""

    def __post_init__(self) -> None:
        self.check(ENGINE, self.instance_class)
        if not 20 <= self.storage_gib <= 65536:
            raise Refusal("storage_gib", self.storage_gib, "is not allowed; use 20 to 65536 GiB")
        # RDS begins to grow a volume when less than a tenth is free.
        if self.max_storage_gib is not None and not self.storage_gib * 1.1 <= self.max_storage_gib <= 65536:
            raise Refusal(
                "max_storage_gib",
                self.max_storage_gib,
                f"is not allowed; use at least a tenth more than storage_gib ({self.storage_gib}), up to 65536 GiB",
            )
        if self.password is not None and self.password.user != self.user:
            raise Refusal("user", self.user, f"is not whom the password is for; use {self.password.user!r}")


class Postgres(pulumi.ComponentResource):
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

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:data:Postgres", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._guard = Guard.of(name, "PostgreSQL", PORT, args.vpc_id, self._child)
        groups = log_groups(name, "instance", _LOGS, args.log_retention_days, args.log_key_arn, self._child)
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
            allocated_storage=args.storage_gib,
            max_allocated_storage=args.max_storage_gib,
            storage_encrypted=True,
            kms_key_id=args.key_arn,
            db_name=args.database,
            username=args.user,
            password=args.password.password if args.password else None,
            manage_master_user_password=True if args.password is None else None,
            master_user_secret_kms_key_id=args.key_arn if args.password is None else None,
            parameter_group_name=parameters.name,
            db_subnet_group_name=args.subnet_group_name,
            vpc_security_group_ids=[self._guard.group.id],
            port=PORT,
            publicly_accessible=False,
            ca_cert_identifier=CERTIFICATE_AUTHORITY,
            iam_database_authentication_enabled=True,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            performance_insights_enabled=True,
            performance_insights_kms_key_id=args.key_arn,
            # 7 days are free.
            performance_insights_retention_period=7,
            # At night in Japan; the times are in UTC.
            backup_window="16:00-17:00",
            maintenance_window="sat:18:00-sat:19:00",
            **args.upkeep(name, self._guard.unique),
            opts=self._child(
                "instance",
                protect=args.protected,
                depends_on=list(groups.values()),
                # AWS upgrades minor versions by itself, and an update must not try to go back.
                ignore_changes=[] if pinned or args.allow_major_upgrade else ["engine_version"],
            ),
        )
        if args.password is None:
            self.secret_arn = secret_of(instance.master_user_secrets)
            rotate(name, self.secret_arn, args.rotation_days, self._child)
        else:
            self.secret_arn = args.password.arn

        self.endpoint = self.reader_endpoint = instance.address
        self.name = args.database
        self.arn, self.identifier = instance.arn, instance.identifier
        self.security_group_id = self._guard.group.id
        self.register_outputs({"endpoint": self.endpoint})

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None:
        """Let the members of one security group connect, and nobody else. `name` tells the rules apart."""
        self._guard.allow_from(security_group_id, name)

    def grant_connect(self, role: aws.iam.Role) -> None:
        """Let `role` read the password, and nothing more."""
        if self._args.password is not None:
            self._args.password.grant_read(role)
        else:
            self._guard.grant_connect(role, self.secret_arn, self._args.key_arn)

    @property
    def metric_dimensions(self) -> Mapping[str, pulumi.Input[str]]:
        """Under which CloudWatch has the metrics of this database."""
        return {"DBInstanceIdentifier": self.identifier}

    def alarms(self, topics: AlarmTopics) -> None:
        """Watch connections, storage and, unless told otherwise, the processor."""
        args = self._args
        watch = Watch(prefix=self._prefix, child=self._child, topics=topics, dimensions=self.metric_dimensions)
        watch.connections(max_connections(MEMORY_GIB[ENGINE][args.instance_class]))
        if args.cpu_alarm:
            watch.cpu()
        watch.raise_on(
            "storage",
            "FreeStorageSpace",
            "less than a tenth of the volume is free; the database stops when it is full. "
            "Raise storageGib, or maxStorageGib if it grows by itself.",
            statistic="Minimum",
            comparison="LessThanThreshold",
            threshold=args.storage_gib * 1024**3 // 10,
            severity="critical",
        )
