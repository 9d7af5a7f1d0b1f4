"""A DynamoDB table: on demand or with capacity that scales, encrypted, and recoverable to any second.

Use: sessions = Table("wiki-dev-sessions", TableArgs(attributes={"id": "S"}, hash_key="id", ttl="expires"))
     sessions.grant_read_write(task_role)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Expression, Metric, metric_alarm
from ..component import Component
from ..errors import ArgumentError
from ..identity.key import DECRYPT_ACTIONS, AnyKey
from ..policy import Statement, statement
from ..widgets import Widget
from . import table_scaling
from .table_args import Stream, TableArgs

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


class Table(Component):
    """An encrypted table, and its copies in other regions."""

    CHILDREN = ("table", "replica", *table_scaling.CHILDREN, "grant", "alarm")

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    stream_arn: pulumi.Output[str]
    """Of the changes; empty without `stream`."""

    def __init__(
        self,
        name: str,
        args: TableArgs,
        *,
        key: AnyKey | None = None,
        replica_keys: Mapping[str, AnyKey] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param key: What encrypts it. Without one the key that DynamoDB keeps (free).
        :param replica_keys: By region, what encrypts the replicas: needed exactly if the table has a key.
        """
        super().__init__(name, args, opts)
        self._args, self._key = args, key
        keys = replica_keys or {}
        for region in args.replicas:
            if (region in keys) != (key is not None):
                raise ArgumentError("replica_keys", region, "must be there exactly if the table has a key")
        self._account = Account.of(self)

        table = self._table()
        if args.provisioned is not None:
            table_scaling.scale(name, table, sorted(args.indexes), args.provisioned, self._child)
        for region in args.replicas:
            self._replica(table, region, keys.get(region))
        self.name, self.arn, self.stream_arn = table.name, table.arn, table.stream_arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def grant_read(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` find and read items, and nothing more."""
        return self._grant(role, "read", READ_ACTIONS, DECRYPT_ACTIONS)

    def grant_write(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` put, change and delete items, and nothing more."""
        return self._grant(role, "write", WRITE_ACTIONS, _KEY_WRITE_ACTIONS)

    def grant_read_write(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` do both, and nothing more."""
        return self._grant(role, "read-write", sorted({*READ_ACTIONS, *WRITE_ACTIONS}), _KEY_WRITE_ACTIONS)

    def grant_stream_read(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` follow the changes of items, and nothing more."""
        if self._args.stream is None and not self._args.replicas:
            raise ArgumentError("stream", None, "is needed to follow the changes; use keys, new, old or both")
        # Which streams there are is a question without a resource, and Lambda asks it.
        listing = statement("ListStreams", actions="dynamodb:ListStreams", resources="*")
        following = statement("FollowChanges", actions=_OF_STREAMS, resources=self.stream_arn)
        return self._allow(role, "stream-read", following, listing, *self._key_statements(DECRYPT_ACTIONS))

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Requests that DynamoDB turned away or could not answer, and replicas that lag behind.

        Not UserErrors: AWS counts them for the whole account and region, so they tell nothing of a table.
        """
        indexes = (None, *sorted(self._args.indexes))
        return [
            *(self._throttling_alarm(index, topics) for index in indexes),
            self._alarm(
                "system-errors",
                description="DynamoDB itself could not answer requests. Callers retry; look at AWS Health.",
                expression=(
                    _ADDED_UP,
                    {f"m{n}": self._metric("SystemErrors", Operation=one) for n, one in enumerate(_OPERATIONS)},
                ),
                threshold=0,
                period_seconds=300,
                periods=1,
                severity="critical",
                topics=topics,
            ),
            *(self._lag_alarm(region, topics) for region in self._args.replicas),
        ]

    def _throttling_alarm(self, index: str | None, topics: AlarmTopics) -> aws.cloudwatch.MetricAlarm:
        mend = "raise provisioned.maximum" if self._args.provisioned else "raise limit, or spread the hash keys"
        return metric_alarm(
            f"{self._prefix}-{index}-throttled-alarm" if index else f"{self._prefix}-throttled-alarm",
            description=f"{self._prefix}{f', index {index}' if index else ''}: requests are turned away for want of "
            f"capacity; {mend}.",
            expression=self._throttled(index),
            threshold=0,
            # Scaling needs some minutes, and the SDKs try again meanwhile.
            periods=5,
            severity="warning",
            topics=topics,
            opts=self._child("alarm"),
        )

    def _lag_alarm(self, region: str, topics: AlarmTopics) -> aws.cloudwatch.MetricAlarm:
        return self._alarm(
            f"{region}-lag",
            description=f"changes reach {region} more than a minute late; what is read there is old, and would be lost "
            "if this region failed now.",
            metric=self._lag(region),
            threshold=60_000,
            periods=5,
            severity="warning",
            topics=topics,
        )

    @property
    def widgets(self) -> list[Widget]:
        """What it is asked for, what of it was turned away, and how late its replicas are.

        Not SystemErrors: ten metrics of each table, and a dashboard with more than 50 is not free. Their alarm rings.
        """
        section, args = "Tables (DynamoDB)", self._args
        turned_away: dict[str, Metric] = {}
        for index in (None, *sorted(args.indexes)):
            of = f"index {index} " if index else ""
            turned_away |= {f"{of}{metric.name}": metric for metric in self._throttled(index)[1].values()}
        widgets = [
            *(self._graph(section, self._metric(f"Consumed{what}CapacityUnits")) for what in ("Read", "Write")),
            self._graph(section, turned_away),
        ]
        if args.replicas:
            widgets.append(self._graph(section, {region: self._lag(region) for region in args.replicas}))
        return widgets

    def _throttled(self, index: str | None) -> Expression:
        where = {"GlobalSecondaryIndexName": index} if index else {}
        return _ADDED_UP, {what.lower(): self._metric(f"{what}ThrottleEvents", **where) for what in ("Read", "Write")}

    def _lag(self, region: str) -> Metric:
        return self._metric("ReplicationLatency", "Average", ReceivingRegion=region)

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
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=self._key.arn)
            if self._key is not None
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

    def _replica(self, table: aws.dynamodb.Table, region: str, key: AnyKey | None) -> None:
        protected = self._args.retention == "protected"
        name = f"{self._prefix}-{region}-replica"
        aws.dynamodb.TableReplica(
            name,
            global_table_arn=table.arn,
            region=region,
            kms_key_arn=key.arn if key else None,
            point_in_time_recovery=self._args.recovery_days > 0,
            deletion_protection_enabled=protected,
            tags={"Name": name},
            opts=self._child("replica", protect=protected),
        )

    # --- Permissions -------------------------------------------------------------------------------------------------

    def _grant(
        self, role: aws.iam.Role, verb: str, actions: Sequence[str], key_actions: Sequence[str]
    ) -> aws.iam.RolePolicy:
        of_indexes = [action for action in actions if action in _OF_INDEXES]
        statements = [statement("UseTheItems", actions=actions, resources=self.arn)]
        if of_indexes and (self._args.indexes or self._args.local_indexes):
            every = pulumi.Output.concat(self.arn, "/index/*")
            statements.append(statement("UseTheIndexes", actions=of_indexes, resources=every))
        return self._allow(role, verb, *statements, *self._key_statements(key_actions))

    def _key_statements(self, actions: Sequence[str]) -> list[Statement]:
        if self._key is None:
            return []
        # For items of tables only: whoever holds the role cannot use the key by itself.
        service = pulumi.Output.concat("dynamodb.", self._account.region, ".amazonaws.com")
        condition = {"StringEquals": {"kms:ViaService": service}}
        return [statement("UseTheKey", actions=actions, resources=self._key.arn, condition=condition)]


def _projection(attributes: Sequence[str] | None) -> str:
    if attributes is None:
        return "ALL"
    return "INCLUDE" if attributes else "KEYS_ONLY"
