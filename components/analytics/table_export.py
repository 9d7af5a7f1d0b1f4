"""What a workflow needs to copy tables of DynamoDB into a bucket, as they were at one moment.

Use: export = TableExport("chat-dev-lake-tables", TableExportArgs(table_arns=[sessions.arn], bucket=raw))
     workflow = Workflow(…, WorkflowArgs(definition=…, substitutions=export.substitutions))
     export.grant_run(workflow.role)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.data.bucket import Bucket
from components.identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS
from components.policy import document, statement
from components.refusal import Refusal

FOLDER: Final = "exports"
"""Where the copies are: `exports/<table>/day=<day>/`, as the definition `table-exports` says."""


@dataclass(frozen=True, kw_only=True)
class TableExportArgs:
    """What the caller decides about exports. DynamoDB takes $0.114 for each GB of a table, and no capacity of it."""

    table_arns: Sequence[pulumi.Input[str]]
    """The tables; each with point-in-time recovery, from which DynamoDB exports."""

    bucket: Bucket
    """Where the copies go."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the tables and the bucket."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not self.table_arns:
            raise Refusal("table_arns", [], "would export nothing; name one table or more")


class TableExport(pulumi.ComponentResource):
    """The right to export these tables there, to be given to a workflow's role."""

    CHILDREN = ("grant",)

    substitutions: Mapping[str, pulumi.Input[str]]
    """What the definition `table-exports` must know."""

    def __init__(self, name: str, args: TableExportArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:analytics:TableExport", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        arns = pulumi.Output.all(*args.table_arns)
        self.substitutions = {"bucketName": args.bucket.name, "tableArns": arns.apply(",".join)}
        self.register_outputs({"tableArns": arns})

    def grant_run(self, role: aws.iam.Role) -> None:
        """Let `role` export these tables into this folder and see how that goes, and nothing more."""
        args = self._args
        statements = [
            statement("Export", actions="dynamodb:ExportTableToPointInTime", resources=list(args.table_arns)),
            statement(
                "SeeHowItGoes",
                actions="dynamodb:DescribeExport",
                resources=[pulumi.Output.concat(arn, "/export/*") for arn in args.table_arns],
            ),
            # DynamoDB writes with the rights of whoever asks.
            statement(
                "WriteTheCopies",
                actions=["s3:AbortMultipartUpload", "s3:PutObject"],
                resources=pulumi.Output.concat(args.bucket.arn, f"/{FOLDER}/*"),
            ),
        ]
        if args.key_arn is not None:
            actions = sorted({*DECRYPT_ACTIONS, *ENCRYPT_ACTIONS})
            statements.append(statement("UseTheKey", actions=actions, resources=args.key_arn))
        aws.iam.RolePolicy(
            f"{self._prefix}-run-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant"),
        )
