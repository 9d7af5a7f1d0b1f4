"""PostgreSQL on Aurora: a writer and readers in different zones, over storage that AWS keeps in three.

Use: database = AuroraPostgres("wiki-dev-database", AuroraPostgresArgs(instance_class="db.r6g.large"), network=network)
     database.allow_from(service_security_group_id, "api")
     database.grant_connect(task_role)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from ..alarms import AlarmTopics, Metric
from ..component import Component
from ..identity.key import AnyKey
from ..network.network import Network
from ..widgets import Widget
from . import database, guard
from .aurora_args import ENGINE, AuroraPostgresArgs
from .database import (
    CERTIFICATE_AUTHORITY,
    CONNECTIONS,
    CPU,
    PORT,
    Watch,
    log_groups,
    rds_metric,
    rotate,
    secret_of,
    subnet_group_of,
)
from .guard import Guard
from .postgres_offer import family_of, max_connections

_LEAST_LOCAL_GIB: Final = 4
LOCAL_STORAGE: Final = "FreeLocalStorage"
REPLICA_LAG: Final = "AuroraReplicaLagMaximum"


class AuroraPostgres(Component):
    """An encrypted Aurora cluster that lets nobody in until it is told to."""

    CHILDREN = (*database.CHILDREN, "cluster", "instance", "reader_target", "reader_policy")

    endpoint: pulumi.Output[str]
    """Where one reads and writes; follows the writer."""
    reader_endpoint: pulumi.Output[str]
    """Where one only reads; spreads over the readers, and is the writer where there are none."""
    port: int = PORT
    name: str
    """The database that was made first."""
    cluster_identifier: pulumi.Output[str]
    arn: pulumi.Output[str]
    secret_arn: pulumi.Output[str]
    """The secret with `username` and `password`."""
    security_group_id: pulumi.Output[str]
    log_group_names: Mapping[str, pulumi.Output[str]]
    """By kind of log."""

    def __init__(
        self,
        name: str,
        args: AuroraPostgresArgs,
        *,
        network: Network,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param network: In whose database subnet group it stands: the zones of its isolated subnets, or of the private
            ones, are those of the writer and the readers, in turn.
        :param key: What encrypts the data, the backups, the password and the performance insights. Without one AWS's
            own keys. Cannot be changed later without a new database.
        :param log_key: What encrypts the logs.
        """
        super().__init__(name, args, opts)
        self._args, self._network, self._key = args, network, key
        self._key_arn = key.arn if key else None
        self._guard = Guard.of(name, "PostgreSQL", PORT, network, self._child)
        # RDS names the group by the cluster; a name of our own lets it be made before.
        groups = log_groups(name, "cluster", ("postgresql",), args.log_retention_days, log_key, self._child)
        self.log_group_names = {log: group.name for log, group in groups.items()}
        cluster = self._cluster(groups)
        instances = self._instances(cluster)
        self._reader_scaling(cluster, instances)
        secret = secret_of(cluster.master_user_secrets)
        rotate(name, secret, args.rotation_days, self._child)

        self.endpoint, self.reader_endpoint = cluster.endpoint, cluster.reader_endpoint
        self.name = args.database
        self.cluster_identifier, self.arn = cluster.cluster_identifier, cluster.arn
        self.secret_arn = secret
        self.security_group_id = self._guard.group.id
        self.register_outputs({"endpoint": self.endpoint, "readerEndpoint": self.reader_endpoint})

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None:
        """Let the members of one security group connect, and nobody else. `name` tells the rules apart."""
        self._guard.allow_from(security_group_id, name)

    def grant_connect(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` read the password, and nothing more."""
        return self._allow(role, "connect", *guard.reading(self.secret_arn, self._key))

    @property
    def metric_dimensions(self) -> Mapping[str, pulumi.Input[str]]:
        """Under which CloudWatch has the metrics of the whole cluster."""
        return {"DBClusterIdentifier": self.cluster_identifier}

    @property
    def widgets(self) -> list[Widget]:
        """How hard writer and readers work, how many talk to them, how far the readers are behind, what is stored."""
        section = "Database (Aurora)"

        def by_role(name: str, statistic: str) -> dict[str, Metric]:
            roles = {role.lower(): {**self.metric_dimensions, "Role": role} for role in ("WRITER", "READER")}
            return {role: rds_metric(name, statistic, dimensions) for role, dimensions in roles.items()}

        return [
            self._graph(section, by_role(CPU, "Average"), most=100),
            self._graph(section, by_role(CONNECTIONS, "Maximum")),
            self._graph(section, rds_metric(REPLICA_LAG, "Maximum", self.metric_dimensions)),
            self._graph(section, rds_metric("VolumeBytesUsed", "Average", self.metric_dimensions)),
            self._graph(section, by_role(LOCAL_STORAGE, "Minimum")),
        ]

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Watch connections, local storage, processor and, with readers, how far they are behind."""
        watch = Watch(prefix=self._prefix, child=self._child, topics=topics, dimensions=self.metric_dimensions)
        made = [
            watch.connections(max_connections(self._args.memory_gib)),
            *([watch.cpu()] if self._args.cpu_alarm else []),
            watch.alarm(
                "local-storage",
                LOCAL_STORAGE,
                f"less than {_LEAST_LOCAL_GIB} GiB are free for sorting and temporary tables; queries will fail when "
                "they are gone. Look for large sorts, then for a larger instance class. (The data grows by itself.)",
                statistic="Minimum",
                comparison="LessThanThreshold",
                threshold=_LEAST_LOCAL_GIB * 1024**3,
                severity="critical",
            ),
        ]
        if self._args.readers:
            made.append(
                watch.alarm(
                    "replica-lag",
                    REPLICA_LAG,
                    "a reader has been more than 2 seconds behind the writer for 5 minutes; it returns old data. "
                    "Look at the write load and at long queries on the readers.",
                    statistic="Maximum",
                    threshold=2000,
                    severity="warning",
                )
            )
        return made

    def _cluster(self, groups: Mapping[str, aws.cloudwatch.LogGroup]) -> aws.rds.Cluster:
        args = self._args
        parameters = aws.rds.ClusterParameterGroup(
            # Named by Pulumi: another family, of a new major version, means another group.
            f"{self._prefix}-cluster-parameter-group",
            family=family_of(ENGINE, args.version),
            description=f"{self._prefix}: connections with TLS only",
            parameters=[
                aws.rds.ClusterParameterGroupParameterArgs(name="rds.force_ssl", value="1", apply_method="immediate")
            ],
            opts=self._child("parameter_group"),
        )
        pinned = "." in args.version
        serverless = args.serverless
        return aws.rds.Cluster(
            f"{self._prefix}-cluster",
            cluster_identifier=self._prefix,
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            engine_version=args.version,
            allow_major_version_upgrade=args.allow_major_upgrade,
            database_name=args.database,
            master_username=args.user,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=self._key_arn,
            storage_encrypted=True,
            kms_key_id=self._key_arn,
            db_cluster_parameter_group_name=parameters.name,
            db_subnet_group_name=subnet_group_of(self._network),
            vpc_security_group_ids=[self._guard.group.id],
            port=PORT,
            iam_database_authentication_enabled=True,
            enabled_cloudwatch_logs_exports=["postgresql"],
            serverlessv2_scaling_configuration=aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
                min_capacity=serverless.min_units, max_capacity=serverless.max_units
            )
            if serverless
            else None,
            # At night in Japan; the times are in UTC.
            preferred_backup_window="16:00-17:00",
            preferred_maintenance_window="sat:18:00-sat:19:00",
            **args.upkeep(self._prefix, self._guard.unique),
            opts=self._child(
                "cluster",
                protect=args.protected,
                depends_on=list(groups.values()),
                # AWS upgrades minor versions by itself, and an update must not try to go back.
                ignore_changes=[] if pinned or args.allow_major_upgrade else ["engine_version"],
            ),
        )

    def _instances(self, cluster: aws.rds.Cluster) -> list[aws.rds.ClusterInstance]:
        args = self._args
        zones = self._zones()
        instances: list[aws.rds.ClusterInstance] = []
        for number in range(args.readers + 1):
            name = f"{self._prefix}-instance-{number + 1}"
            instances.append(
                aws.rds.ClusterInstance(
                    # Not called writer and reader: after a failure they change places.
                    name,
                    cluster_identifier=cluster.cluster_identifier,
                    engine=aws.rds.EngineType.AURORA_POSTGRESQL,
                    engine_version=cluster.engine_version,
                    instance_class="db.serverless" if args.serverless else args.instance_class,
                    availability_zone=zones.apply(lambda names, turn=number: _zone(names, turn)),
                    db_subnet_group_name=subnet_group_of(self._network),
                    publicly_accessible=False,
                    ca_cert_identifier=CERTIFICATE_AUTHORITY,
                    # The first is the writer; the others take over in their order.
                    promotion_tier=min(number, 14),
                    performance_insights_enabled=True,
                    performance_insights_kms_key_id=self._key_arn,
                    # 7 days are free.
                    performance_insights_retention_period=7,
                    auto_minor_version_upgrade="." not in args.version,
                    copy_tags_to_snapshot=True,
                    apply_immediately=args.apply_immediately,
                    preferred_maintenance_window="sat:19:00-sat:20:00",
                    opts=self._child(
                        "instance",
                        # Aurora makes the instance that is there first the writer.
                        depends_on=instances[:1],
                        # With another zone the turns are others, and the zone of an instance that is there cannot be
                        # changed: it stays where it is.
                        ignore_changes=["availability_zone"],
                        # A cluster without an instance answers nobody; readers come and go.
                        protect=args.protected and number == 0,
                    ),
                )
            )
        return instances

    def _zones(self) -> pulumi.Output[Sequence[str]]:
        """The zones of the subnets, in their order."""

        def of_subnets(identifiers: Sequence[str]) -> pulumi.Output[Sequence[str]]:
            return pulumi.Output.all(
                *(
                    aws.ec2.get_subnet_output(id=identifier, opts=pulumi.InvokeOptions(parent=self)).availability_zone
                    for identifier in identifiers
                )
            )

        return guard.subnet_ids(self._network).apply(of_subnets)

    def _reader_scaling(self, cluster: aws.rds.Cluster, instances: Sequence[aws.rds.ClusterInstance]) -> None:
        scaling = self._args.reader_scaling
        if scaling is None:
            return
        target = aws.appautoscaling.Target(
            f"{self._prefix}-reader-target",
            service_namespace="rds",
            scalable_dimension="rds:cluster:ReadReplicaCount",
            resource_id=pulumi.Output.concat("cluster:", cluster.cluster_identifier),
            min_capacity=self._args.readers,
            max_capacity=scaling.max_readers,
            opts=self._child("reader_target", depends_on=list(instances)),
        )
        aws.appautoscaling.Policy(
            f"{self._prefix}-reader-policy",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type="RDSReaderAverageCPUUtilization"
                ),
                target_value=scaling.cpu_percent,
                # A new reader takes some ten minutes to be made; removing one soon after would be for nothing.
                scale_out_cooldown=600,
                scale_in_cooldown=1800,
            ),
            opts=self._child("reader_policy"),
        )


def _zone(names: Sequence[str], turn: int) -> str:
    """The zone of an instance, in turn."""
    if turn and len(set(names)) < 2:
        # Not an ArgumentError: that is a ValueError, which Pulumi prints with a stack trace when it comes this late.
        raise pulumi.RunError(
            f"readers: stand in other zones than the writer, and the subnets are all in {names[0]}; use readers: 0"
        )
    return names[turn % len(names)]
