"""A cache in memory: ElastiCache with Valkey or Redis OSS, reached by one user with TLS and a password only.

Use: cache = Cache("wiki-dev-cache", CacheArgs(vpc_id=…, subnet_ids=…))
     cache.allow_from(service_security_group_id, "api")
     cache.grant_connect(task_role)
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.data import guard
from components.data.guard import Guard
from components.refusal import Refusal
from components.retention import Retention

PORT: Final = 6379

CacheEngine = Literal["valkey", "redis"]

# Engine → version → family of parameter groups.
_VERSIONS: Final[dict[CacheEngine, dict[str, str]]] = {
    "valkey": {"7.2": "valkey7", "8.0": "valkey8", "8.1": "valkey8", "8.2": "valkey8"},
    "redis": {"6.2": "redis6.x", "7.0": "redis7", "7.1": "redis7"},
}
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


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """What the caller decides about a cache. Encryption, TLS, and the user with a password are not among it."""

    vpc_id: pulumi.Input[str]
    """The network."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Where the nodes stand, one subnet for each zone."""

    zones: int = 2
    """How many zones the network has, where that is known before it exists."""

    engine: CacheEngine = "valkey"
    """valkey: open source, a fifth cheaper. redis: Redis OSS, for what must run on exactly that."""

    version: str = "8.0"
    """Of the engine: valkey 7.2 to 8.2, redis 6.2 to 7.1. Cannot go back."""

    node_type: str = "cache.t4g.micro"
    """Of every node: cache.t4g.micro (0.5 GiB) is about $14 a month in ap-northeast-1."""

    replicas: int = 1
    """Copies of each shard in other zones, 0 to 5. With one, a failure is over within a minute; without any, what was
    cached is lost, and the cache away until AWS has made another."""

    shards: int | None = None
    """Spread the keys over so many groups of nodes (cluster mode), 1 to 90 nodes in all. The client must speak the
    cluster protocol. Cannot be switched on later without a new cache."""

    snapshot_days: int = 7
    """Days for which the daily snapshot is kept, 1 to 35; $0.085 a GB and month."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the data and of the password. Without one AWS's own keys."""

    log_retention_days: int = 30
    """Days until a record of the slow log or the engine log is deleted from CloudWatch."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the log groups."""

    apply_immediately: bool = False
    """Whether changes that interrupt wait for the maintenance window (false) or not."""

    retention: Retention = "protected"
    """protected: refuses to be deleted, and leaves a last snapshot. ephemeral: goes with everything in it."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        versions = _VERSIONS.get(self.engine)
        if versions is None:
            raise Refusal("engine", self.engine, f"is not allowed; use {' or '.join(_VERSIONS)}")
        if self.version not in versions:
            raise Refusal("version", self.version, f"is not a version of {self.engine}; use {', '.join(versions)}")
        if self.node_type not in _NODE_TYPES:
            match = difflib.get_close_matches(self.node_type, _NODE_TYPES, n=1, cutoff=0.0)[0]
            raise Refusal("node_type", self.node_type, f"is not a node type; did you mean {match!r}?")
        if not 0 <= self.replicas <= 5:
            raise Refusal("replicas", self.replicas, "is not allowed; use 0 to 5")
        if self.replicas and self.zones < 2:
            raise Refusal(
                "replicas",
                self.replicas,
                "stand in other zones, and the network has only one; set network.zones to 2, or replicas to 0",
            )
        if self.shards is not None and not 1 <= self.shards * (1 + self.replicas) <= _MOST_NODES:
            raise Refusal(
                "shards", self.shards, f"makes {self.shards * (1 + self.replicas)} nodes; use 1 to {_MOST_NODES} in all"
            )
        if not 1 <= self.snapshot_days <= 35:
            raise Refusal("snapshot_days", self.snapshot_days, "is not allowed; use 1 to 35 days")

    @property
    def parameter_group(self) -> str:
        """AWS's own group of the version, which cannot be changed and need not be."""
        cluster = ".cluster.on" if self.shards is not None else ""
        return f"default.{_VERSIONS[self.engine][self.version]}{cluster}"

    @property
    def nodes(self) -> list[str]:
        """What AWS adds to the cache's name to name its nodes."""
        members = [f"{number:03}" for number in range(1, self.replicas + 2)]
        if self.shards is None:
            return members
        return [f"{shard:04}-{member}" for shard in range(1, self.shards + 1) for member in members]


class Cache(pulumi.ComponentResource):
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

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:data:Cache", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._guard = Guard.of(name, "Cache", PORT, args.vpc_id, self._child)
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

    def grant_connect(self, role: aws.iam.Role) -> None:
        """Let `role` read the password, and nothing more."""
        self._guard.grant_connect(role, self.secret_arn, self._args.key_arn)

    def alarms(self, topics: AlarmTopics) -> None:
        """Watch the memory and the processor of every node; ElastiCache has no metrics of the whole."""
        for node in self.nodes:
            for what, metric, means in (
                (
                    "memory",
                    "DatabaseMemoryUsagePercentage",
                    "of its memory are in use; it will soon forget what is in use",
                ),
                ("cpu", "EngineCPUUtilization", "of its one thread are in use; more replicas or shards would share it"),
            ):
                raise_alarm(
                    f"{node}-{what}-alarm",
                    means=f"Node {node}: more than 80 % {means}.",
                    metric=Metric(
                        namespace="AWS/ElastiCache",
                        name=metric,
                        dimensions={"CacheClusterId": node},
                        statistic="Average",
                    ),
                    threshold=80,
                    period_seconds=300,
                    periods=2,
                    severity="warning",
                    topics=topics,
                    opts=self._child("alarm"),
                )

    def _password(self) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """The ARN of the secret, known once it has its text, and the application's password in it."""
        secret = aws.secretsmanager.Secret(
            f"{self._prefix}-password-secret",
            description=f"The application's user of the cache {self._prefix}, and its password",
            kms_key_id=self._args.key_arn,
            recovery_window_in_days=30 if self._args.retention == "protected" else 0,
            opts=self._child("secret"),
        )
        version = aws.secretsmanager.SecretVersion(
            f"{self._prefix}-password-version",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(
                pulumi.Output.json_dumps({"password": self._random(), "username": USER}, sort_keys=True)
            ),
            opts=self._child("secret_version", ignore_changes=["secret_string"]),
        )
        arn = pulumi.Output.all(secret.arn, version.id).apply(lambda known: known[0])
        return arn, version.secret_string.apply(lambda text: json.loads(text or "{}").get("password", ""))

    def _random(self) -> pulumi.Output[str]:
        """Another text at every run, of which only the first is used: a secret of the state."""
        value = aws.secretsmanager.get_random_password_output(
            password_length=64, exclude_punctuation=True, opts=pulumi.InvokeOptions(parent=self)
        ).random_password
        return pulumi.Output.secret(value)

    def _users(self, password: pulumi.Output[str]) -> aws.elasticache.UserGroup:
        """The application's user, and one that keeps AWS's own out."""
        users = [
            self._user("off", "default", _MAY_NOT, self._random(), ignore_changes=["authentication_mode"]),
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
            log: aws.cloudwatch.LogGroup(
                f"{self._prefix}-{log}-group",
                name=f"/aws/elasticache/{self._prefix}/{log}",
                retention_in_days=self._args.log_retention_days,
                kms_key_id=self._args.log_key_arn,
                opts=self._child("log_group"),
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
            subnet_ids=args.subnet_ids,
            opts=self._child("subnet_group"),
        )
        return aws.elasticache.ReplicationGroup(
            f"{self._prefix}-replication-group",
            replication_group_id=self._prefix,
            description=f"Cache {self._prefix}",
            engine=args.engine,
            engine_version=args.version,
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
            kms_key_id=args.key_arn,
            user_group_ids=[users.user_group_id],
            snapshot_retention_limit=args.snapshot_days,
            # At night in Japan; the times are in UTC.
            snapshot_window="16:00-17:00",
            maintenance_window="sat:18:00-sat:19:00",
            # A snapshot keeps its name for ever: the second teardown would fail if it were the same.
            final_snapshot_identifier=pulumi.Output.concat(self._prefix, "-final-", self._guard.unique)
            if protected
            else None,
            auto_minor_version_upgrade=True,
            apply_immediately=args.apply_immediately,
            log_delivery_configurations=[
                aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgs(
                    destination=group.name, destination_type="cloudwatch-logs", log_format="json", log_type=log
                )
                for log, group in sorted(logs.items())
            ],
            opts=self._child("replication_group", protect=protected),
        )
