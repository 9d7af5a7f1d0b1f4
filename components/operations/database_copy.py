"""What makes a copy of a database in S3, to be run by a workflow: an export of a snapshot, or a dump by a host.

Use: args = SnapshotExportArgs()
     export = SnapshotExport("wiki-dev-database-copy", args, bucket=bucket, database=database, key=key)
     workflow = Workflow(…, WorkflowArgs(), definition=…, substitutions=export.substitutions)
     export.grant_run(workflow.role)

An export is Parquet for Athena and needs a KMS key of one's own, $1 a month; a dump is what pg_restore reads, and needs
a host. Why there are two: docs/decisions/0012-two-ways-to-copy-a-database.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, Protocol

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..data.postgres import Postgres
from ..identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS, AnyKey
from ..policy import document, statement, trust

PREFIX: Final = "database"
"""Under which the copies are in their bucket."""


class SnapshotExportArgs(ComponentArgs):
    """An export of a snapshot. About $0.013 for each GB of the snapshot."""


class SnapshotExport(Component):
    """The role by which RDS writes an export, and the right to ask for one."""

    CHILDREN = ("role", "policy", "grant")

    substitutions: Mapping[str, pulumi.Input[str]]
    """What the definition `snapshot-copy` must know."""

    def __init__(
        self,
        name: str,
        args: SnapshotExportArgs,
        *,
        bucket: Bucket,
        database: Postgres,
        key: AnyKey,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param bucket: Where the copies go.
        :param database: What is copied.
        :param key: Of the export, the snapshot and the bucket: RDS takes no key of AWS's own.
        """
        super().__init__(name, args, opts)
        self._bucket, self._database, self._key = bucket, database, key
        self._account = Account.of(self)
        self._role = aws.iam.Role(
            f"{name}-export-role",
            description="Lets RDS write exports of snapshots to the bucket of copies.",
            assume_role_policy=trust(
                "export.rds.amazonaws.com",
                source_account=self._account.id,
                source_arn=self._account.arn("rds", "*"),
            ),
            opts=self._child("role"),
        )
        aws.iam.RolePolicy(
            f"{name}-export-policy",
            role=self._role.id,
            policy=document(
                statement(
                    "FindTheCopies",
                    actions=["s3:GetBucketLocation", "s3:ListBucket"],
                    resources=bucket.arn,
                ),
                statement(
                    "WriteTheCopies",
                    actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                    resources=pulumi.Output.concat(bucket.arn, f"/{PREFIX}/*"),
                ),
                statement("UseTheKey", actions=[*ENCRYPT_ACTIONS, *DECRYPT_ACTIONS], resources=key.arn),
            ),
            opts=self._child("policy"),
        )
        self.substitutions = {
            "bucketName": bucket.name,
            "databaseIdentifier": database.identifier,
            "exportKeyArn": key.arn,
            "exportRoleArn": self._role.arn,
        }
        self.register_outputs({"exportRoleArn": self._role.arn})

    def grant_run(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` take snapshots of this database, export them here and delete them again, and nothing more."""
        of_database = pulumi.Output.concat("snapshot:", self._database.identifier, "-copy-*")
        snapshots = self._account.arn("rds", of_database)
        return self._allow(
            role,
            "run",
            statement("TakeASnapshot", actions="rds:CreateDBSnapshot", resources=[self._database.arn, snapshots]),
            statement(
                "LookAtItAndLetItGo",
                actions=["rds:DeleteDBSnapshot", "rds:DescribeDBSnapshots"],
                resources=snapshots,
            ),
            statement("ExportIt", actions="rds:StartExportTask", resources=snapshots),
            # To look at an export knows no resources; what it may read and write is up to the role passed on.
            statement("LookAtExports", actions="rds:DescribeExportTasks", resources="*"),
            statement(
                "PassTheRoleOn",
                actions="iam:PassRole",
                resources=self._role.arn,
                condition={"StringEquals": {"iam:PassedToService": "export.rds.amazonaws.com"}},
            ),
            statement("LendTheKey", actions=["kms:CreateGrant", "kms:DescribeKey"], resources=self._key.arn),
            statement("SeeWhatArrived", actions="s3:ListBucket", resources=self._bucket.arn),
        )


class Host(Protocol):
    """A server that reaches the database, with `kumiki.sh`."""

    instance_id: pulumi.Output[str]
    role: aws.iam.Role


class DatabaseDumpArgs(ComponentArgs):
    """A dump by a host. S3's price for what it is; a host that is there dumps for nothing."""


class DatabaseDump(Component):
    """The document that has a host dump its database, and the right to send it."""

    CHILDREN = ("document", "host_grant", "grant")

    substitutions: Mapping[str, pulumi.Input[str]]
    """What the definition `dump-copy` must know."""

    def __init__(
        self,
        name: str,
        args: DatabaseDumpArgs,
        *,
        bucket: Bucket,
        host: Host,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param bucket: Where the copies go.
        :param host: What dumps; its role gets the right to write copies.
        """
        super().__init__(name, args, opts)
        self._bucket, self._host = bucket, host
        self._document = aws.ssm.Document(
            f"{name}-document",
            name=f"{name}-dump",
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            content=bucket.name.apply(_command),
            opts=self._child("document"),
        )
        aws.iam.RolePolicy(
            f"{name}-write-for-{host.role.pulumi_resource_name}",
            role=host.role.id,
            # Only ever adds: no reading, no deleting of what is there.
            policy=document(
                statement(
                    "WriteCopies",
                    actions=["s3:AbortMultipartUpload", "s3:PutObject"],
                    resources=pulumi.Output.concat(bucket.arn, f"/{PREFIX}/*"),
                )
            ),
            opts=self._child("host_grant"),
        )
        self.substitutions = {
            "bucketName": bucket.name,
            "dumpDocument": self._document.name,
            "instanceId": host.instance_id,
        }
        self.register_outputs({"document": self._document.name})

    def grant_run(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` send this document to this host, and see what arrived, and nothing more."""
        instance = Account.of(self).arn("ec2", pulumi.Output.concat("instance/", self._host.instance_id))
        return self._allow(
            role,
            "run",
            statement("AskTheHost", actions="ssm:SendCommand", resources=[self._document.arn, instance]),
            # Invocations know no resources.
            statement("HearHowItWent", actions="ssm:GetCommandInvocation", resources="*"),
            statement(
                "SeeWhatArrived",
                actions="s3:GetObject",
                resources=pulumi.Output.concat(self._bucket.arn, f"/{PREFIX}/*"),
            ),
        )


def _command(bucket: str) -> str:
    return json.dumps(
        {
            "schemaVersion": "2.2",
            "description": "Dumps the application's database to the bucket of copies.",
            "parameters": {
                "name": {
                    "type": "String",
                    "description": "What the copy is called.",
                    "allowedPattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
                }
            },
            "mainSteps": [
                {
                    "action": "aws:runShellScript",
                    "name": "dump",
                    "inputs": {
                        "timeoutSeconds": "3600",
                        "runCommand": [f"/opt/kumiki/kumiki.sh dump s3://{bucket}/{PREFIX}/{{{{ name }}}}.dump"],
                    },
                }
            ],
        },
        sort_keys=True,
    )
