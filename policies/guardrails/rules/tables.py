"""DynamoDB tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, aws, rule, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource

_KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/1234"


@rule(
    id="table-recovery",
    title="Tables can be restored to any second",
    types=(types.DYNAMODB_TABLE, types.TABLE_REPLICA),
    level=MANDATORY_IN_PROD,
    severity="high",
    topics=("backup",),
    references=("N-DDB3", "C28"),
    remedy="Set pointInTimeRecovery.enabled to true; of a replica pointInTimeRecovery.",
)
def table_recovery(table: Resource, _at: Context) -> Iterator[str]:
    """Point-in-time recovery of the table, and of each replica, which does not inherit it."""
    path = "pointInTimeRecovery" if table.kind == types.TABLE_REPLICA else "pointInTimeRecovery.enabled"
    if not table.props.get(path):
        yield "point-in-time recovery is off"


table_recovery.examples(
    compliant=[
        aws("dynamodb/table:Table", {"pointInTimeRecovery": {"enabled": True}}),
        aws("dynamodb/tableReplica:TableReplica", {"pointInTimeRecovery": True}),
    ],
    non_compliant=[
        aws("dynamodb/table:Table"),
        aws("dynamodb/table:Table", {"pointInTimeRecovery": {"enabled": False}}),
        aws("dynamodb/tableReplica:TableReplica", {"region": "ap-northeast-3"}),
    ],
)


@rule(
    id="table-key",
    title="Tables are encrypted with a customer-managed key",
    types=(types.DYNAMODB_TABLE, types.TABLE_REPLICA),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("at rest",),
    references=("C119",),
    remedy="Set serverSideEncryption with enabled and kmsKeyArn; of a replica kmsKeyArn.",
)
def table_key(table: Resource, _at: Context) -> Iterator[str]:
    """DynamoDB encrypts each table with a key of its own; only a customer-managed key can be withheld from a reader."""
    if table.kind == types.TABLE_REPLICA:
        if not table.props.has("kmsKeyArn"):
            yield "no key is set"
    elif not table.props.get("serverSideEncryption.enabled"):
        yield "no key is set"
    elif not table.props.has("serverSideEncryption.kmsKeyArn"):
        yield "the key is the account's default one"


table_key.examples(
    compliant=[
        aws("dynamodb/table:Table", {"serverSideEncryption": {"enabled": True, "kmsKeyArn": _KEY}}),
        aws("dynamodb/tableReplica:TableReplica", {"kmsKeyArn": _KEY}),
    ],
    non_compliant=[
        aws("dynamodb/table:Table"),
        aws("dynamodb/table:Table", {"serverSideEncryption": {"enabled": True}}),
        aws("dynamodb/table:Table", {"serverSideEncryption": {"enabled": False, "kmsKeyArn": _KEY}}),
        aws("dynamodb/tableReplica:TableReplica", {"region": "ap-northeast-3"}),
    ],
)


table_deletion_protection = setting(
    id="table-deletion-protection",
    title="In production, tables have deletion protection",
    types=(types.DYNAMODB_TABLE, types.TABLE_REPLICA),
    path="deletionProtectionEnabled",
    allowed=(True,),
    wrong=False,
    message="deletion protection is off",
    description="DynamoDB's own switch, which also stops whoever works around Pulumi.",
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    references=("F DynamoDB.6",),
    environments=("prod",),
    remedy="Set deletionProtectionEnabled to true.",
)
