"""A cache in memory: ElastiCache with Valkey or Redis OSS, reached by one user with TLS and a password only.

Use: cache = Cache("wiki-dev-cache", CacheArgs(node_type="cache.t4g.micro"), network=network, key=key)
     cache.allow_from(service_security_group_id, "api")
     cache.grant_connect(task_role)
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.alarms import AlarmTopics, Metric, metric_alarm
from components.args import ComponentArgs
from components.component import Component
from components.data import guard
from components.data.guard import Guard
from components.errors import Mistake
from components.identity.key import AnyKey
from components.log_group import make_log_group
from components.network.network import Network
from components.random_text import random_text
from components.retention import Retention
from components.values import LogRetentionDays
from components.widgets import Widget

PORT: Final = 6379

CacheEngine = Literal["valkey", "redis"]

# Engine → version → family of parameter groups.
_VERSIONS: Final[dict[CacheEngine, dict[str, str]]] = {
    "valkey": {"7.2": "valkey7", "8.0": "valkey8", "8.1": "valkey8", "8.2": "valkey8"},
    "redis": {"6.2": "redis6.x", "7.0": "redis7", "7.1": "redis7"},
}
_FIRST_VERSION: Final[dict[CacheEngine, str]] = {"valkey": "8.0", "redis": "7.1"}
_LARGE = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_NODE_TYPES: Final = (
    *(f"cache.{family}.{size}" for family in ("t3", "t4g") for size in ("micro", "small", "medium")),
    *(f"cache.{family}.{size}" for family in ("m6g", "m7g", "r6g", "r7g") for size in _LARGE),
    *(f"cache.{family}.{size}" for family in ("m5", "r5") for size in (*_LARGE[:4], "12xlarge", "24xlarge")),
)
_MOST_NODES: Final = 90

USER: Final = "app"
"""As whom the application signs in."""

# All keys, and every command but those that only operators need, such as FLUSHALL, CONFIG, or KEYS, which stops the
# cache for everybody. Clients ask INFO before they begin.
_MAY: Final = "on ~* +@all -@admin -@dangerous +info"
# AWS's own `default` may do everything without a password; this one takes its place, and may not even sign in.
_MAY_NOT: Final = "off ~* -@all"


class CacheArgs(ComponentArgs):
    """A cache in memory: ElastiCache with Valkey or Redis OSS. Always encrypted, with TLS
    and a user with a password."""

    engine: CacheEngine = "valkey"
    """valkey: open source, a fifth cheaper. redis: Redis OSS, for what must run on exactly that."""

    version: str | None = None
    """Of the engine: valkey 7.2 to 8.2, redis 6.2 to 7.1; it cannot go back. Left out: valkey 8.0 or redis 7.1 for a
    new cache, of which AWS then upgrades the minor version. With it, only an update changes the version."""

    node_type: str
    """Of every node: cache.t4g.micro (0.5 GiB) is about $14 a month in ap-northeast-1."""

    replicas: Annotated[int, Field(ge=0, le=5)] = 1
    """Copies of each shard in other zones. With one, a failure is over within a minute; without any, what was cached is
    lost, and the cache away until AWS has made another."""

    shards: int | None = None
    """Spread the keys over so many groups of nodes (cluster mode), 1 to 90 nodes in all. The client must speak the
    cluster protocol. Cannot be switched on later without a new cache."""

    snapshot_days: Annotated[int, Field(ge=1, le=35)] = 7
    """Days for which the daily snapshot is kept; $0.085 a GB and month."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record of the slow log or the engine log is deleted from CloudWatch."""

    apply_immediately: bool = False
    """Whether changes that interrupt wait for the maintenance window (false) or not."""

    retention: Retention = "protected"
    """protected: refuses to be deleted, and leaves a last snapshot. ephemeral: goes with everything in it."""

    def mistakes(self) -> Iterator[Mistake]:
        versions = _VERSIONS[self.engine]
        if self.version is not None and self.version not in versions:
            yield Mistake("version", self.version, f"is not a version of {self.engine}; use {', '.join(versions)}")
        if self.node_type not in _NODE_TYPES:
            match = difflib.get_close_matches(self.node_type, _NODE_TYPES, n=1, cutoff=0.0)[0]
            yield Mistake("node_type", self.node_type, f"is not a node type; did you mean {match!r}?")
        nodes = 1 if self.shards is None else self.shards * (1 + self.replicas)
        if not 1 <= nodes <= _MOST_NODES:
            yield Mistake("shards", self.shards, f"makes {nodes} nodes; use 1 to {_MOST_NODES} in all")
        elif self.shards == 1 and self.replicas == 0:
            why = "leaves a cluster of one node, whose failover has nothing to go to; use 1, or leave shards out"
            yield Mistake("replicas", self.replicas, why)

    @property
    def engine_version(self) -> str:
        """The version of a new cache."""
        return self.version or _FIRST_VERSION[self.engine]

    @property
    def parameter_group(self) -> str:
        """AWS's own group of the version, which cannot be changed and need not be."""
        cluster = ".cluster.on" if self.shards is not None else ""
        return f"default.{_VERSIONS[self.engine][self.engine_version]}{cluster}"

    @property
    def nodes(self) -> list[str]:
        """What AWS adds to the cache's name to name its nodes."""
        members = [f"{number:03}" for number in range(1, self.replicas + 2)]
        if self.shards is None:
            return members
        return [f"{shard:04}-{member}" for shard in range(1, self.shards + 1) for member in members]


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
