"""What makes a copy of a database in S3, to be run by a workflow: an export of a snapshot, or a dump by a host.

Use: export = SnapshotExport("wiki-dev-database-copy", SnapshotExportArgs(bucket_name=…, …))
     workflow = Workflow(…, WorkflowArgs(definition=…, substitutions=export.substitutions))
     export.grant_run(workflow.role)

An export is Parquet for Athena and needs a KMS key of one's own, $1 a month; a dump is what pg_restore reads, and needs
a host. Why there are two: docs/decisions/0015-two-ways-to-copy-a-database.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children, Transform
from components.identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS
from components.policy import document, statement, trust

PREFIX: Final = "database"
"""Under which the copies are in their bucket."""


@dataclass(frozen=True, kw_only=True)
class SnapshotExportArgs:
    """What the caller decides about exports. About $0.013 for each GB of the snapshot."""

    bucket_name: pulumi.Input[str]
    """Where the copies go."""

    bucket_arn: pulumi.Input[str]
    """The same bucket's ARN."""

    key_arn: pulumi.Input[str]
    """The KMS key of the export: RDS takes no key of AWS's own. The snapshot's and the bucket's key, too."""

    database_identifier: pulumi.Input[str]
    """The instance in RDS."""

    database_arn: pulumi.Input[str]
    """Its ARN."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""


class SnapshotExport(pulumi.ComponentResource):
    """The role by which RDS writes an export, and the right to ask for one."""

    CHILDREN = ("role", "policy", "grant")

    substitutions: Mapping[str, pulumi.Input[str]]
    """What the definition `snapshot-copy` must know."""

    def __init__(self, name: str, args: SnapshotExportArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:operations:SnapshotExport", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
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
                    resources=args.bucket_arn,
                ),
                statement(
                    "WriteTheCopies",
                    actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                    resources=pulumi.Output.concat(args.bucket_arn, f"/{PREFIX}/*"),
                ),
                statement("UseTheKey", actions=[*ENCRYPT_ACTIONS, *DECRYPT_ACTIONS], resources=args.key_arn),
            ),
            opts=self._child("policy"),
        )
        self.substitutions = {
            "bucketName": args.bucket_name,
            "databaseIdentifier": args.database_identifier,
            "exportKeyArn": args.key_arn,
            "exportRoleArn": self._role.arn,
        }
        self.register_outputs({"exportRoleArn": self._role.arn})

    def grant_run(self, role: aws.iam.Role) -> None:
        """Let `role` take snapshots of this database, export them here and delete them again, and nothing more."""
        args = self._args
        snapshots = self._account.arn("rds", pulumi.Output.concat("snapshot:", args.database_identifier, "-copy-*"))
        aws.iam.RolePolicy(
            f"{self._prefix}-run-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(
                statement("TakeASnapshot", actions="rds:CreateDBSnapshot", resources=[args.database_arn, snapshots]),
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
                statement("LendTheKey", actions=["kms:CreateGrant", "kms:DescribeKey"], resources=args.key_arn),
                statement("SeeWhatArrived", actions="s3:ListBucket", resources=args.bucket_arn),
            ),
            opts=self._child("grant"),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DatabaseDumpArgs:
    """What the caller decides about dumps. S3's price for what they are; a host that is there dumps for nothing."""

    bucket_name: pulumi.Input[str]
    """Where the copies go."""

    bucket_arn: pulumi.Input[str]
    """The same bucket's ARN."""

    instance_id: pulumi.Input[str]
    """The host that reaches the database, with `kumiki.sh`."""

    host_role: aws.iam.Role
    """The host's role, which gets the right to write copies."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""


class DatabaseDump(pulumi.ComponentResource):
    """The document that has a host dump its database, and the right to send it."""

    CHILDREN = ("document", "host_grant", "grant")

    substitutions: Mapping[str, pulumi.Input[str]]
    """What the definition `dump-copy` must know."""

    def __init__(self, name: str, args: DatabaseDumpArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:operations:DatabaseDump", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._document = aws.ssm.Document(
            f"{name}-document",
            name=f"{name}-dump",
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            content=pulumi.Output.from_input(args.bucket_name).apply(_command),
            opts=self._child("document"),
        )
        aws.iam.RolePolicy(
            f"{name}-write-for-{args.host_role.pulumi_resource_name}",
            role=args.host_role.id,
            # Only ever adds: no reading, no deleting of what is there.
            policy=document(
                statement(
                    "WriteCopies",
                    actions=["s3:AbortMultipartUpload", "s3:PutObject"],
                    resources=pulumi.Output.concat(args.bucket_arn, f"/{PREFIX}/*"),
                )
            ),
            opts=self._child("host_grant"),
        )
        self.substitutions = {
            "bucketName": args.bucket_name,
            "dumpDocument": self._document.name,
            "instanceId": args.instance_id,
        }
        self.register_outputs({"document": self._document.name})

    def grant_run(self, role: aws.iam.Role) -> None:
        """Let `role` send this document to this host, and see what arrived, and nothing more."""
        args, account = self._args, Account.of(self)
        instance = account.arn("ec2", pulumi.Output.concat("instance/", args.instance_id))
        aws.iam.RolePolicy(
            f"{self._prefix}-run-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(
                statement("AskTheHost", actions="ssm:SendCommand", resources=[self._document.arn, instance]),
                # Invocations know no resources.
                statement("HearHowItWent", actions="ssm:GetCommandInvocation", resources="*"),
                statement(
                    "SeeWhatArrived",
                    actions="s3:GetObject",
                    resources=pulumi.Output.concat(args.bucket_arn, f"/{PREFIX}/*"),
                ),
            ),
            opts=self._child("grant"),
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
