"""DynamoDB tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, aws, example, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource

_TABLE = "aws:dynamodb/table:Table"
_REPLICA = "aws:dynamodb/tableReplica:TableReplica"
_KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/1234"


@rule(
    id="table-recovery",
    title="Tables can be restored to any second",
    types=(_TABLE, _REPLICA),
    level=MANDATORY_IN_PROD,
    severity="high",
    topics=("backup",),
    references=("N-DDB3", "C28"),
    remedy="Set pointInTimeRecovery.enabled to true; of a replica pointInTimeRecovery.",
    compliant=[
        example(aws("dynamodb/table:Table", {"pointInTimeRecovery": {"enabled": True}})),
        example(aws("dynamodb/tableReplica:TableReplica", {"pointInTimeRecovery": True})),
    ],
    non_compliant=[
        example(aws("dynamodb/table:Table")),
        example(aws("dynamodb/table:Table", {"pointInTimeRecovery": {"enabled": False}})),
        example(aws("dynamodb/tableReplica:TableReplica", {"region": "ap-northeast-3"})),
    ],
)
def table_recovery(table: Resource, _at: Context) -> Iterator[str]:
    """Point-in-time recovery of the table, and of each replica, which does not inherit it."""
    path = "pointInTimeRecovery" if table.kind == _REPLICA else "pointInTimeRecovery.enabled"
    if not table.props.get(path):
        yield "point-in-time recovery is off"


@rule(
    id="table-key",
    title="Tables are encrypted with a key of ours",
    types=(_TABLE, _REPLICA),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("at rest",),
    references=("C119",),
    remedy="Set serverSideEncryption with enabled and kmsKeyArn; of a replica kmsKeyArn.",
    compliant=[
        example(aws("dynamodb/table:Table", {"serverSideEncryption": {"enabled": True, "kmsKeyArn": _KEY}})),
        example(aws("dynamodb/tableReplica:TableReplica", {"kmsKeyArn": _KEY})),
    ],
    non_compliant=[
        example(aws("dynamodb/table:Table")),
        example(aws("dynamodb/table:Table", {"serverSideEncryption": {"enabled": True}})),
        example(aws("dynamodb/table:Table", {"serverSideEncryption": {"enabled": False, "kmsKeyArn": _KEY}})),
        example(aws("dynamodb/tableReplica:TableReplica", {"region": "ap-northeast-3"})),
    ],
)
def table_key(table: Resource, _at: Context) -> Iterator[str]:
    """DynamoDB encrypts every table with a key of its own; only a key of ours can be taken away from a reader."""
    if table.kind == _REPLICA:
        if not table.props.has("kmsKeyArn"):
            yield "no key is set"
    elif not table.props.get("serverSideEncryption.enabled"):
        yield "no key is set"
    elif not table.props.has("serverSideEncryption.kmsKeyArn"):
        yield "the key is the account's default one"


@rule(
    id="table-deletion-protection",
    title="In production, tables refuse to be deleted",
    types=(_TABLE, _REPLICA),
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    references=("F DynamoDB.6",),
    remedy="Set deletionProtectionEnabled to true.",
    compliant=[
        example(aws("dynamodb/table:Table", {"deletionProtectionEnabled": True}), environment="prod"),
        example(aws("dynamodb/tableReplica:TableReplica", {"deletionProtectionEnabled": True}), environment="prod"),
    ],
    non_compliant=[
        example(aws("dynamodb/table:Table"), environment="prod"),
        example(aws("dynamodb/tableReplica:TableReplica", {"deletionProtectionEnabled": False}), environment="prod"),
    ],
)
def table_deletion_protection(table: Resource, _at: Context) -> Iterator[str]:
    """DynamoDB's own switch, which also stops whoever works around Pulumi."""
    if not table.props.get("deletionProtectionEnabled"):
        yield "deletion protection is off"


RULES = (table_recovery, table_key, table_deletion_protection)
