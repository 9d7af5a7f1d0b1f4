"""PostgreSQL extensions, made as part of the deployment and without a function: a runbook of Systems Manager calls
Aurora's Data API once, and the deployment fails if it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children
from components.policy import document, statement, trust

CHILDREN: Final = ("extension_role", "extension_policy", "extension_runbook", "extension_run")
KNOWN: Final = ("vector", "pg_trgm", "pgcrypto", "hstore", "citext", "ltree", "unaccent", "btree_gin", "btree_gist")


def create_extensions(
    prefix: str,
    extensions: Sequence[str],
    *,
    cluster: aws.rds.Cluster,
    instances: Sequence[aws.rds.ClusterInstance],
    secret_arn: pulumi.Output[str],
    key_arn: pulumi.Input[str] | None,
    database: str,
    account: Account,
    child: Children,
) -> None:
    """Run `CREATE EXTENSION IF NOT EXISTS` for each; again whenever the list changes."""
    role = aws.iam.Role(
        f"{prefix}-extension-role",
        description=f"Creates the extensions of {prefix}.",
        assume_role_policy=trust(
            "ssm.amazonaws.com", source_account=account.id, source_arn=account.arn("ssm", "automation-execution/*")
        ),
        opts=child("extension_role"),
    )
    statements = [
        statement("RunStatements", actions="rds-data:ExecuteStatement", resources=cluster.arn),
        statement("ReadThePassword", actions="secretsmanager:GetSecretValue", resources=secret_arn),
    ]
    if key_arn is not None:
        condition = {"StringEquals": {"kms:EncryptionContext:SecretARN": secret_arn}}
        statements.append(
            statement("DecryptThePassword", actions="kms:Decrypt", resources=key_arn, condition=condition)
        )
    policy = aws.iam.RolePolicy(
        f"{prefix}-extension-policy", role=role.id, policy=document(*statements), opts=child("extension_policy")
    )
    runbook = aws.ssm.Document(
        f"{prefix}-extension-runbook",
        document_type="Automation",
        document_format="JSON",
        content=pulumi.Output.json_dumps(
            {
                "schemaVersion": "0.3",
                "description": f"Creates the extensions of {prefix}",
                "assumeRole": role.arn,
                # Only so that another list is another run.
                "parameters": {"Extensions": {"type": "String"}},
                "mainSteps": [
                    {
                        "name": f"create_{extension}",
                        "action": "aws:executeAwsApi",
                        "maxAttempts": 3,
                        "inputs": {
                            "Service": "rds-data",
                            "Api": "ExecuteStatement",
                            "resourceArn": cluster.arn,
                            "secretArn": secret_arn,
                            "database": database,
                            "sql": f"CREATE EXTENSION IF NOT EXISTS {extension}",
                        },
                    }
                    for extension in extensions
                ],
            },
            sort_keys=True,
        ),
        opts=child("extension_runbook"),
    )
    aws.ssm.Association(
        f"{prefix}-extension-run",
        name=runbook.name,
        association_name=f"{prefix}-extensions",
        parameters={"Extensions": ",".join(extensions)},
        # The deployment waits, and fails if the runbook does.
        wait_for_success_timeout_seconds=600,
        opts=child("extension_run", depends_on=[*instances, policy]),
    )
