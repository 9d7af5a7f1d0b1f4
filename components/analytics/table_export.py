"""What a workflow needs to copy tables of DynamoDB into a bucket, as they were at one moment.

Use: export = TableExport("chat-dev-lake-tables", TableExportArgs(), tables=[sessions], bucket=raw)
     workflow = Workflow(…, WorkflowArgs(), definition=…, substitutions=export.substitutions)
     export.grant_run(workflow.role)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..data.table import Table
from ..errors import ArgumentError
from ..identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS, AnyKey
from ..policy import statement

FOLDER: Final = "exports"
"""Where the copies are: `exports/<table>/day=<day>/`, as the definition `table-exports` says."""


class TableExportArgs(ComponentArgs):
    """Copies of tables. DynamoDB takes $0.114 for each GB of a table, and no capacity of it."""


class TableExport(Component):
    """The right to export these tables there, to be given to a workflow's role."""

    CHILDREN = ("grant",)

    substitutions: Mapping[str, pulumi.Input[str]]
    """What the definition `table-exports` must know."""

    def __init__(
        self,
        name: str,
        args: TableExportArgs,
        *,
        tables: Sequence[Table],
        bucket: Bucket,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param tables: Each with point-in-time recovery, from which DynamoDB exports.
        :param bucket: Where the copies go.
        :param key: What encrypts the tables and the bucket.
        """
        super().__init__(name, args, opts)
        if not tables:
            raise ArgumentError("tables", [], "would export nothing; name one table or more")
        self._tables, self._bucket, self._key = [table.arn for table in tables], bucket, key
        arns = pulumi.Output.all(*self._tables)
        self.substitutions = {"bucketName": bucket.name, "tableArns": arns.apply(",".join)}
        self.register_outputs({"tableArns": arns})

    def grant_run(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` export these tables into this folder and see how that goes, and nothing more."""
        statements = [
            statement("Export", actions="dynamodb:ExportTableToPointInTime", resources=self._tables),
            statement(
                "SeeHowItGoes",
                actions="dynamodb:DescribeExport",
                resources=[pulumi.Output.concat(arn, "/export/*") for arn in self._tables],
            ),
            # DynamoDB writes with the rights of whoever asks.
            statement(
                "WriteTheCopies",
                actions=["s3:AbortMultipartUpload", "s3:PutObject"],
                resources=pulumi.Output.concat(self._bucket.arn, f"/{FOLDER}/*"),
            ),
        ]
        if self._key is not None:
            actions = sorted({*DECRYPT_ACTIONS, *ENCRYPT_ACTIONS})
            statements.append(statement("UseTheKey", actions=actions, resources=self._key.arn))
        return self._allow(role, "run", *statements)
