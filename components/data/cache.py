"""A cache in memory: ElastiCache with Valkey or Redis OSS, reached by one user with TLS and a password only.

Use: cache = Cache("wiki-dev-cache", CacheArgs(node_type="cache.t4g.micro"), network=network, key=key)
     cache.allow_from(service_security_group_id, "api")
     cache.grant_connect(task_role)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from ..alarms import AlarmTopics, Metric, metric_alarm
from ..component import Component
from ..identity.key import AnyKey
from ..log_group import make_log_group
from ..network.network import Network
from ..random_text import random_text
from ..widgets import Widget
from . import guard
from .cache_args import CacheArgs
from .guard import Guard

PORT: Final = 6379

USER: Final = "app"
"""As whom the application signs in."""

# All keys, and every command but those that only operators need, such as FLUSHALL, CONFIG, or KEYS, which stops the
# cache for everybody. Clients ask INFO before they begin.
_MAY: Final = "on ~* +@all -@admin -@dangerous +info"
# AWS's own `default` may do everything without a password; this one takes its place, and may not even sign in.
_MAY_NOT: Final = "off ~* -@all"


CPU: Final = "EngineCPUUtilization"
MEMORY: Final = "DatabaseMemoryUsagePercentage"


def _of_node(node: str, name: str, statistic: str) -> Metric:
    return Metric(namespace="AWS/ElastiCache", name=name, dimensions={"CacheClusterId": node}, statistic=statistic)


class Cache(Component):
    """An encrypted cache that lets nobody in until it is told to."""

    CHILDREN = (
        *guard.CHILDREN,
        "subnet_group",
        "log_group",
        "secret",
        "secret_version",
        "user",
        "user_group",
        "replication_group",
        "alarm",
    )

    endpoint: pulumi.Output[str]
    """Where one reads and writes (`rediss://…`); in cluster mode the address that tells of the others."""
    reader_endpoint: pulumi.Output[str]
    """Where one only reads; in cluster mode the same as `endpoint`."""
    port: int = PORT
    nodes: Sequence[str]
    """The ids of its nodes, by which CloudWatch knows them."""
    secret_arn: pulumi.Output[str]
    """The secret with the application's `username` and `password`, as JSON."""
    security_group_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: CacheArgs,
        *,
        network: Network,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param network: In whose isolated subnets the nodes stand, or the private ones; one zone for each replica.
        :param key: What encrypts the data and the password. Without one AWS's own keys.
        :param log_key: What encrypts the logs.
        """
        super().__init__(name, args, opts)
        self._args, self._network, self._key, self._log_key = args, network, key, log_key
        self._guard = Guard.of(name, "Cache", PORT, network, self._child)
        self.secret_arn, password = self._password()
        group = self._group(self._users(password), self._log_groups())

        cluster = args.shards is not None
        self.endpoint = group.configuration_endpoint_address if cluster else group.primary_endpoint_address
        self.reader_endpoint = group.configuration_endpoint_address if cluster else group.reader_endpoint_address
        self.security_group_id = self._guard.group.id
        self.nodes = [f"{name}-{node}" for node in args.nodes]
        self.register_outputs({"endpoint": self.endpoint})

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None:
        """Let the members of one security group connect, and nobody else. `name` tells the rules apart."""
        self._guard.allow_from(security_group_id, name)

    def grant_connect(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` read the password, and nothing more."""
        return self._allow(role, "connect", *guard.reading(self.secret_arn, self._key))

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Watch the memory and the processor of every node; ElastiCache has no metrics of the whole."""
        watched = (
            ("memory", MEMORY, "of its memory are in use; it will soon forget what is in use"),
            ("cpu", CPU, "of its one thread are in use; more replicas or shards would share it"),
        )
        return [
            metric_alarm(
                f"{node}-{what}-alarm",
                description=f"Node {node}: more than 80 % {means}.",
                metric=_of_node(node, metric, "Average"),
                threshold=80,
                period_seconds=300,
                periods=2,
                severity="warning",
                topics=topics,
                opts=self._child("alarm"),
            )
            for node in self.nodes
            for what, metric, means in watched
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How hard each node works, how much of its memory is in use, and what it forgets for want of it."""
        shown = [(CPU, "Average", 100), (MEMORY, "Average", 100), ("Evictions", "Sum", None)]
        return [
            self._graph(
                "Cache (ElastiCache)",
                {node.removeprefix(f"{self._prefix}-"): _of_node(node, name, statistic) for node in self.nodes},
                most=most,
            )
            for name, statistic, most in shown
        ]

    def _password(self) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """The ARN of the secret, known once it has its text, and the application's password in it."""
        secret = aws.secretsmanager.Secret(
            f"{self._prefix}-password-secret",
            description=f"The application's user of the cache {self._prefix}, and its password",
            kms_key_id=self._key.arn if self._key else None,
            recovery_window_in_days=30 if self._args.retention == "protected" else 0,
            opts=self._child("secret"),
        )
        version = aws.secretsmanager.SecretVersion(
            f"{self._prefix}-password-version",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(
                pulumi.Output.json_dumps({"password": random_text(64, self), "username": USER}, sort_keys=True)
            ),
            opts=self._child("secret_version", ignore_changes=["secret_string"]),
        )
        arn = pulumi.Output.all(secret.arn, version.id).apply(lambda known: known[0])
        return arn, version.secret_string.apply(lambda text: json.loads(text or "{}").get("password", ""))

    def _users(self, password: pulumi.Output[str]) -> aws.elasticache.UserGroup:
        """The application's user, and one that keeps AWS's own out."""
        users = [
            self._user("off", "default", _MAY_NOT, random_text(64, self), ignore_changes=["authentication_mode"]),
            self._user("app", USER, _MAY, password),
        ]
        return aws.elasticache.UserGroup(
            f"{self._prefix}-user-group",
            user_group_id=self._prefix,
            engine=self._args.engine,
            user_ids=[user.user_id for user in users],
            opts=self._child("user_group"),
        )

    def _user(
        self,
        what: str,
        name: str,
        access: str,
        password: pulumi.Output[str],
        ignore_changes: Sequence[str] = (),
    ) -> aws.elasticache.User:
        return aws.elasticache.User(
            f"{self._prefix}-{what}-user",
            user_id=f"{self._prefix}-{what}",
            user_name=name,
            engine=self._args.engine,
            access_string=access,
            authentication_mode=aws.elasticache.UserAuthenticationModeArgs(type="password", passwords=[password]),
            opts=self._child("user", ignore_changes=list(ignore_changes)),
        )

    def _log_groups(self) -> dict[str, aws.cloudwatch.LogGroup]:
        return {
            log: make_log_group(
                f"{self._prefix}-{log}-group",
                f"/aws/elasticache/{self._prefix}/{log}",
                self._args.log_retention_days,
                self._log_key,
                self._child("log_group"),
            )
            for log in ("slow-log", "engine-log")
        }

    def _group(
        self, users: aws.elasticache.UserGroup, logs: dict[str, aws.cloudwatch.LogGroup]
    ) -> aws.elasticache.ReplicationGroup:
        args = self._args
        protected = args.retention == "protected"
        subnets = aws.elasticache.SubnetGroup(
            f"{self._prefix}-subnet-group",
            description=f"Where the cache {self._prefix} stands",
            subnet_ids=guard.subnet_ids(self._network),
            opts=self._child("subnet_group"),
        )
        return aws.elasticache.ReplicationGroup(
            f"{self._prefix}-replication-group",
            replication_group_id=self._prefix,
            description=f"Cache {self._prefix}",
            engine=args.engine,
            engine_version=args.engine_version,
            node_type=args.node_type,
            parameter_group_name=args.parameter_group,
            port=PORT,
            num_cache_clusters=args.replicas + 1 if args.shards is None else None,
            cluster_mode="enabled" if args.shards is not None else None,
            num_node_groups=args.shards,
            replicas_per_node_group=args.replicas if args.shards is not None else None,
            # Cluster mode works with failover only.
            automatic_failover_enabled=args.replicas > 0 or args.shards is not None,
            multi_az_enabled=args.replicas > 0,
            subnet_group_name=subnets.name,
            security_group_ids=[self._guard.group.id],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=self._key.arn if self._key else None,
            user_group_ids=[users.user_group_id],
            snapshot_retention_limit=args.snapshot_days,
            # At night in Japan; the times are in UTC.
            snapshot_window="16:00-17:00",
            maintenance_window="sat:18:00-sat:19:00",
            # A snapshot keeps its name for ever: the second teardown would fail if it were the same.
            final_snapshot_identifier=pulumi.Output.concat(self._prefix, "-final-", self._guard.unique)
            if protected
            else None,
            auto_minor_version_upgrade=args.version is None,
            apply_immediately=args.apply_immediately,
            log_delivery_configurations=[
                aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgs(
                    destination=group.name, destination_type="cloudwatch-logs", log_format="json", log_type=log
                )
                for log, group in sorted(logs.items())
            ],
            opts=self._child(
                "replication_group",
                protect=protected,
                # AWS upgrades minor versions by itself. To go back afterwards would be a replacement, with all data.
                ignore_changes=["engine_version"] if args.version is None else [],
            ),
        )
