"""A DynamoDB table: on demand or with capacity that scales, encrypted, and recoverable to any second.

Use: sessions = Table("wiki-dev-sessions", TableArgs(attributes={"id": "S"}, hash_key="id", ttl="expires"))
     sessions.grant_read_write(task_role)
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
from components.data import table_scaling
from components.data.table_keys import AttributeType, Index, Keys, LocalIndex
from components.data.table_scaling import Provisioned
from components.identity.key import DECRYPT_ACTIONS
from components.policy import document, statement
from components.refusal import Refusal
from components.retention import Retention

Stream = Literal["keys", "new", "old", "both"]
_VIEWS: dict[Stream, str] = {
    "keys": "KEYS_ONLY", "new": "NEW_IMAGE", "old": "OLD_IMAGE", "both": "NEW_AND_OLD_IMAGES",
}  # fmt: skip

READ_ACTIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
)
WRITE_ACTIONS = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
_OF_INDEXES = ("dynamodb:Query", "dynamodb:Scan")
_OF_STREAMS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
# DynamoDB opens a table's key with the rights of whoever reads or writes.
_KEY_WRITE_ACTIONS = (*DECRYPT_ACTIONS, "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")

# SystemErrors are counted for each of these apart; an alarm can add up ten metrics.
_OPERATIONS = (
    "BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems",
    "TransactWriteItems", "UpdateItem",
)  # fmt: skip
_ADDED_UP = "SUM(FILL(METRICS(), 0))"


@dataclass(frozen=True, kw_only=True)
class RequestLimit:
    """The most units a second that a table on demand, and each index of its own, answers; above it requests fail."""

    read: int
    write: int

    def __post_init__(self) -> None:
        for what, units in (("read", self.read), ("write", self.write)):
            if units < 1:
                raise Refusal(f"limit.{what}", units, "would answer nothing; use 1 or more, or leave limit out")


@dataclass(frozen=True, kw_only=True)
class Replica:
    """The table once more in another region. Reads and writes there are billed there, and each write in both."""

    region: str
    """For example `ap-northeast-3`."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key there: needed if the table has one, not allowed otherwise."""


@dataclass(frozen=True, kw_only=True)
class TableArgs:
    """What the caller decides about a table. Encryption is not among it.

    In ap-northeast-1 a million writes on demand cost $0.715, a million reads $0.143, a GB and month $0.285.
    """

    attributes: Mapping[str, AttributeType]
    """The type of each attribute that is a key somewhere: S (text), N (number), B (bytes). Others need no mention."""

    hash_key: str
    """The attribute that must be known to find items. Cannot be changed without a new table."""

    range_key: str | None = None
    """The attribute by which the items under one hash key are told apart and sorted. Cannot be changed either."""

    indexes: Mapping[str, Index] = field(default_factory=dict)
    """Other ways to find items, by name; can come and go."""

    local_indexes: Mapping[str, LocalIndex] = field(default_factory=dict)
    """Other orders of the items under one hash key, by name; only for a new table."""

    provisioned: Provisioned | None = None
    """Capacity that scales between limits. Left out: on demand, paid by the request."""

    limit: RequestLimit | None = None
    """For a table on demand: a cap, so that a runaway program costs no more than this."""

    ttl: str | None = None
    """The attribute that says when an item ends, in epoch seconds. DynamoDB deletes it within days, free of charge."""

    stream: Stream | None = None
    """Pass on every change for a day: the keys, the new item, the old one or both."""

    recovery_days: int = 35
    """How far back the table can be restored to any second, 1 to 35 days, $0.228 a GB and month; 0 for not at all."""

    replicas: Sequence[Replica] = ()
    """The table in further regions, each of which can be read and written."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key. Without one the key that DynamoDB keeps (free)."""

    retention: Retention = "protected"
    """protected: refuses to be deleted. ephemeral: goes with everything in it."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        self.keys.check(self.ttl)
        if self.provisioned is not None and self.limit is not None:
            raise Refusal(
                "limit",
                f"{self.limit.read} and {self.limit.write}",
                "is for tables on demand; remove it or provisioned",
            )
        if not 0 <= self.recovery_days <= 35:
            raise Refusal("recovery_days", self.recovery_days, "is not allowed; use 1 to 35 days, or 0 for none")
        if self.stream is not None and self.stream not in _VIEWS:
            raise Refusal("stream", self.stream, f"is not allowed; use {', '.join(_VIEWS)}")
        if self.replicas:
            self._check_replicas()

    def _check_replicas(self) -> None:
        regions = [replica.region for replica in self.replicas]
        if len(set(regions)) < len(regions):
            raise Refusal("replicas", regions, "names a region twice; name each once")
        if self.stream not in (None, "both"):
            raise Refusal("stream", self.stream, "does not carry whole changes to the replicas; use both")
        if self.provisioned is not None:
            raise Refusal(
                "replicas",
                regions,
                "have capacity of their own, which nothing here would scale; remove provisioned, or the replicas",
            )
        for replica in self.replicas:
            if (replica.key_arn is None) != (self.key_arn is None):
                raise Refusal("replicas", replica.region, "must have a key of its own exactly if the table has one")

    @property
    def keys(self) -> Keys:
        """Everything by which items are found."""
        return Keys(
            attributes=self.attributes,
            hash_key=self.hash_key,
            range_key=self.range_key,
            indexes=self.indexes,
            local_indexes=self.local_indexes,
        )


class Table(pulumi.ComponentResource):
    """An encrypted table, and its copies in other regions."""

    CHILDREN = ("table", "replica", *table_scaling.CHILDREN, "grant", "alarm")

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    stream_arn: pulumi.Output[str]
    """Of the changes; empty without `stream`."""

    def __init__(self, name: str, args: TableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:data:Table", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)

        table = self._table()
        if args.provisioned is not None:
            table_scaling.scale(name, table, sorted(args.indexes), args.provisioned, self._child)
        for replica in args.replicas:
            self._replica(table, replica)
        self.name, self.arn, self.stream_arn = table.name, table.arn, table.stream_arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def grant_read(self, role: aws.iam.Role) -> None:
        """Let `role` find and read items, and nothing more."""
        self._grant(role, "read", READ_ACTIONS, DECRYPT_ACTIONS)

    def grant_write(self, role: aws.iam.Role) -> None:
        """Let `role` put, change and delete items, and nothing more."""
        self._grant(role, "write", WRITE_ACTIONS, _KEY_WRITE_ACTIONS)

    def grant_read_write(self, role: aws.iam.Role) -> None:
        """Let `role` do both, and nothing more."""
        self._grant(role, "read-write", sorted({*READ_ACTIONS, *WRITE_ACTIONS}), _KEY_WRITE_ACTIONS)

    def grant_stream_read(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` follow the changes of items, and nothing more."""
        if self._args.stream is None and not self._args.replicas:
            raise Refusal("stream", None, "must be set for somebody to follow the changes; use keys, new, old or both")
        # Which streams there are is a question without a resource, and Lambda asks it.
        listing = statement("ListStreams", actions="dynamodb:ListStreams", resources="*")
        following = statement("FollowChanges", actions=_OF_STREAMS, resources=self.stream_arn)
        return self._attach(role, "stream-read", [following, listing, *self._key_statements(DECRYPT_ACTIONS)])

    def alarms(self, topics: AlarmTopics) -> None:
        """Requests that DynamoDB turned away or could not answer, and replicas that lag behind.

        Not UserErrors: AWS counts them for the whole account and region, so they tell nothing of a table.
        """
        for index in (None, *sorted(self._args.indexes)):
            self._alarm_on_throttling(index, topics)
        raise_alarm(
            f"{self._prefix}-system-errors-alarm",
            means=f"{self._prefix}: DynamoDB itself could not answer requests. Callers retry; look at AWS Health.",
            expression=(
                _ADDED_UP,
                {f"m{number}": self._metric("SystemErrors", Operation=one) for number, one in enumerate(_OPERATIONS)},
            ),
            threshold=0,
            period_seconds=300,
            periods=1,
            severity="critical",
            topics=topics,
            opts=self._child("alarm"),
        )
        for replica in self._args.replicas:
            raise_alarm(
                f"{self._prefix}-{replica.region}-lag-alarm",
                means=f"{self._prefix}: changes reach {replica.region} more than a minute late; what is read there is "
                "old, and would be lost if this region failed now.",
                metric=self._metric("ReplicationLatency", "Average", ReceivingRegion=replica.region),
                threshold=60_000,
                periods=5,
                severity="warning",
                topics=topics,
                opts=self._child("alarm"),
            )

    def _alarm_on_throttling(self, index: str | None, topics: AlarmTopics) -> None:
        where = {"GlobalSecondaryIndexName": index} if index else {}
        mend = "raise provisioned.maximum" if self._args.provisioned else "raise limit, or spread the hash keys"
        raise_alarm(
            f"{self._prefix}-{index}-throttled-alarm" if index else f"{self._prefix}-throttled-alarm",
            means=f"{self._prefix}{f', index {index}' if index else ''}: requests are turned away for want of "
            f"capacity; {mend}.",
            expression=(
                _ADDED_UP,
                {what.lower(): self._metric(f"{what}ThrottleEvents", **where) for what in ("Read", "Write")},
            ),
            threshold=0,
            # Scaling needs some minutes, and the SDKs try again meanwhile.
            periods=5,
            severity="warning",
            topics=topics,
            opts=self._child("alarm"),
        )

    def _metric(self, metric: str, statistic: str = "Sum", **dimensions: pulumi.Input[str]) -> Metric:
        return Metric(
            namespace="AWS/DynamoDB",
            name=metric,
            dimensions={"TableName": self.name, **dimensions},
            statistic=statistic,
        )

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _table(self) -> aws.dynamodb.Table:
        args, capacity = self._args, self._args.provisioned
        protected = args.retention == "protected"
        stream: Stream | None = "both" if args.replicas else args.stream
        return aws.dynamodb.Table(
            f"{self._prefix}-table",
            name=self._prefix,
            billing_mode="PAY_PER_REQUEST" if capacity is None else "PROVISIONED",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=name, type=kind) for name, kind in sorted(args.attributes.items())
            ],
            hash_key=args.hash_key,
            range_key=args.range_key,
            read_capacity=capacity.read.minimum if capacity else None,
            write_capacity=capacity.write.minimum if capacity else None,
            on_demand_throughput=aws.dynamodb.TableOnDemandThroughputArgs(
                max_read_request_units=args.limit.read, max_write_request_units=args.limit.write
            )
            if args.limit
            else None,
            global_secondary_indexes=[self._index(name) for name in sorted(args.indexes)] or None,
            local_secondary_indexes=[
                aws.dynamodb.TableLocalSecondaryIndexArgs(
                    name=name,
                    range_key=local.range_key,
                    projection_type=_projection(local.attributes),
                    non_key_attributes=sorted(local.attributes or []) or None,
                )
                for name, local in sorted(args.local_indexes.items())
            ]
            or None,
            ttl=aws.dynamodb.TableTtlArgs(attribute_name=args.ttl, enabled=True) if args.ttl else None,
            stream_enabled=True if stream else None,
            stream_view_type=_VIEWS[stream] if stream else None,
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(
                enabled=args.recovery_days > 0, recovery_period_in_days=args.recovery_days or None
            ),
            # Left out, the table is encrypted with a key that DynamoDB keeps; `enabled` alone would mean the account's.
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=args.key_arn)
            if args.key_arn is not None
            else None,
            deletion_protection_enabled=protected,
            tags={"Name": f"{self._prefix}-table"},
            opts=self._child(
                "table",
                protect=protected,
                # What scaling sets. Of the indexes nothing: their list can only be ignored as a whole, and a new index
                # would then never be made. After `pulumi refresh` an update therefore sets the capacity of indexes
                # back to their minimum, from where scaling lifts it again. Replicas are resources of their own.
                ignore_changes=["replicas", *(["read_capacity", "write_capacity"] if capacity else [])],
            ),
        )

    def _index(self, name: str) -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
        index, capacity, limit = self._args.indexes[name], self._args.provisioned, self._args.limit
        keys = [("HASH", index.hash_key), *([("RANGE", index.range_key)] if index.range_key else [])]
        return aws.dynamodb.TableGlobalSecondaryIndexArgs(
            name=name,
            key_schemas=[
                aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=attribute, key_type=kind)
                for kind, attribute in keys
            ],
            projection_type=_projection(index.attributes),
            non_key_attributes=sorted(index.attributes or []) or None,
            read_capacity=capacity.read.minimum if capacity else None,
            write_capacity=capacity.write.minimum if capacity else None,
            on_demand_throughput=aws.dynamodb.TableGlobalSecondaryIndexOnDemandThroughputArgs(
                max_read_request_units=limit.read, max_write_request_units=limit.write
            )
            if limit
            else None,
        )

    def _replica(self, table: aws.dynamodb.Table, replica: Replica) -> None:
        protected = self._args.retention == "protected"
        name = f"{self._prefix}-{replica.region}-replica"
        aws.dynamodb.TableReplica(
            name,
            global_table_arn=table.arn,
            region=replica.region,
            kms_key_arn=replica.key_arn,
            point_in_time_recovery=self._args.recovery_days > 0,
            deletion_protection_enabled=protected,
            tags={"Name": name},
            opts=self._child("replica", protect=protected),
        )

    # --- Permissions -------------------------------------------------------------------------------------------------

    def _grant(self, role: aws.iam.Role, verb: str, actions: Sequence[str], key_actions: Sequence[str]) -> None:
        of_indexes = [action for action in actions if action in _OF_INDEXES]
        statements = [statement("UseTheItems", actions=actions, resources=self.arn)]
        if of_indexes and (self._args.indexes or self._args.local_indexes):
            every = pulumi.Output.concat(self.arn, "/index/*")
            statements.append(statement("UseTheIndexes", actions=of_indexes, resources=every))
        self._attach(role, verb, [*statements, *self._key_statements(key_actions)])

    def _key_statements(self, actions: Sequence[str]) -> list[Mapping[str, object]]:
        if self._args.key_arn is None:
            return []
        # For items of tables only: whoever holds the role cannot use the key by itself.
        service = pulumi.Output.concat("dynamodb.", self._account.region, ".amazonaws.com")
        condition = {"StringEquals": {"kms:ViaService": service}}
        return [statement("UseTheKey", actions=actions, resources=self._args.key_arn, condition=condition)]

    def _attach(self, role: aws.iam.Role, verb: str, statements: Sequence[Mapping[str, object]]) -> aws.iam.RolePolicy:
        return aws.iam.RolePolicy(
            f"{self._prefix}-{verb}-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant"),
        )


def _projection(attributes: Sequence[str] | None) -> str:
    if attributes is None:
        return "ALL"
    return "INCLUDE" if attributes else "KEYS_ONLY"
